# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a repair returns: as data, and as lines for people."""

import typing as t

from .._audit.facts import accepted_lines
from .._audit.findings import Finding
from .._base.errors import ProofError
from .._base.text import safe
from .._rpm.triggers import Trigger, blamed
from .plan import RepairStep, describe
from .proof import ProofLine

__all__ = [
    "RepairResult",
    "ShownRepairStep",
    "ShownStaged",
    "diff_of",
    "not_proven",
    "shown_plan",
    "summarize",
    "summarize_staged",
]

# A finding without its remedy, which is the plan's business.
ShownFinding = t.Dict[str, object]

if t.TYPE_CHECKING:

    class ShownRepairStep(RepairStep):
        """A step with a line for people, and what it did."""

        description: str
        result: t.NotRequired[t.Dict[str, object]]

    class ShownStaged(t.TypedDict):
        """What waits for the next boot: packages as name=version-release; C(snapshot) is null where none was made."""

        packages: t.List[str]
        snapshot: t.Optional[int]

    class RepairResult(t.TypedDict):
        """The result of a repair; the documentation of the module system_python describes every key."""

        changed: bool
        contract: str
        findings: t.List[ShownFinding]
        plan: t.List[ShownRepairStep]
        diff: t.Dict[str, str]
        packages: t.Dict[str, str]
        healthy: bool
        findings_after: t.List[ShownFinding]
        accepted: t.List[ShownFinding]
        summary: t.List[str]
        proof: t.NotRequired[t.List[ProofLine]]
        actions: t.NotRequired[t.List[ShownRepairStep]]
        sources: t.NotRequired[t.Dict[str, str]]
        tried: t.NotRequired[t.List[t.Dict[str, str]]]
        quarantine: t.NotRequired[t.Optional[str]]
        report: t.NotRequired[t.Dict[str, object]]
        staged: t.NotRequired[ShownStaged]

else:
    ShownRepairStep = ShownStaged = RepairResult = dict


def shown_plan(plan: t.Sequence[RepairStep]) -> t.List[ShownRepairStep]:
    """Return the steps as they are returned."""
    return [t.cast("ShownRepairStep", safe(dict(step, description=describe(step)))) for step in plan]


def diff_of(findings: t.Sequence[Finding], plan: t.Sequence[RepairStep]) -> t.Dict[str, str]:
    """Return the diff that Ansible shows: what is not as promised, and what is done about it."""
    if not plan:
        return {"before": "", "after": ""}
    before = ["{0} {1}: {2}".format(one["id"], one["name"], one["summary"]) for one in findings if one["repairable"]]
    return safe(
        {
            "before_header": "findings",
            "after_header": "plan",
            "before": "\n".join(before) + "\n",
            "after": "\n".join(describe(step) for step in plan) + "\n",
        }
    )


def summarize(result: RepairResult, predicted: bool = False) -> t.List[str]:
    """Return the result as lines for people: what was wrong, what was done, what is left, what proves it."""
    done = "what would be done" if predicted else "what was done"
    lines = [_headline(result, predicted)]
    lines += _paragraph("what was wrong", map(_finding_line, result["findings"]))
    lines += _paragraph(done, (step["description"] for step in result["plan"]))
    if result["plan"]:
        lines += _paragraph("what is left", map(_finding_line, result["findings_after"]))
    lines += _paragraph("what is accepted", accepted_lines(result["accepted"]))
    lines += _paragraph("what proves it", map(_proof_line, result.get("proof", [])))
    if result.get("quarantine"):
        lines.append("kept, with a way back: {0}".format(result["quarantine"]))
    return lines


def summarize_staged(result: RepairResult, packages: t.Sequence[str], snapshot: t.Optional[int]) -> t.List[str]:
    """Return the result as lines for people where a snapshot has, or would have, the packages."""
    if not result["changed"]:
        head = "waits for the reboot: a snapshot has what is needed"
    elif snapshot is None:
        head = "would be repaired in a snapshot that the next boot starts"
    else:
        head = "repaired in snapshot {0}, which the next boot starts: reboot, and run again".format(snapshot)
    lines = [head] + _paragraph("what was wrong", map(_finding_line, result["findings"]))
    return lines + _paragraph("installed again in the snapshot", packages)


def _headline(result: RepairResult, predicted: bool) -> str:
    if result["healthy"]:
        return "repaired, and proven" if result["changed"] else "healthy, nothing to do"
    if predicted and result["plan"]:
        return "would be repaired"
    return "repaired as far as allowed; the rest is left to you" if result["changed"] else "not healthy"


def _paragraph(title: str, lines: t.Iterable[str]) -> t.List[str]:
    indented = ["  " + line for line in lines]
    return [title + ":"] + indented if indented else []


def _finding_line(finding: ShownFinding) -> str:
    return "{0} {1}: {2}".format(finding["id"], finding["name"], finding["summary"])


def _proof_line(proof: ProofLine) -> str:
    return "{0}: {1}{2}".format(proof["command"] or "nothing", "" if proof["ok"] else "FAILED: ", proof["output"])


def not_proven(
    unrepaired: t.Sequence[ShownFinding], result: RepairResult, triggers: t.Sequence[Trigger] = ()
) -> ProofError:
    """Return the error of a repair that was carried out and after which the host is not healthy.

    C(triggers) ran with it and may have undone it.
    """
    proof = result.get("proof", [])
    failed = ["{0}: {1}".format(one["command"] or "the proof", one["output"]) for one in proof if not one["ok"]]
    reasons = [str(finding["summary"]) for finding in unrepaired] + failed
    return ProofError(
        "The repair was carried out, but the host is not proven healthy: {0}.{1} What was moved is in the quarantine "
        "folder {2}.".format("; ".join(reasons), blamed(triggers), result.get("quarantine")),
        findings=list(unrepaired),
        triggers=safe([str(one) for one in triggers]),
        proof=proof,
        actions=result.get("actions", []),
        quarantine=result.get("quarantine"),
    )
