# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From findings to ordered steps: pure, so that check mode shows exactly what a real run does.

The steps, in the order in which they are carried out:

- C(set_metadata) C({path, mode, owner, group}): from rpm's own record, on this path only; a link has no C(mode).
- C(restore_link) C({path, target, kind}): put a packaged link back by rename; C(kind) is what lies there now.
- C(drop_group) C({name, state_file, entries, links}): take a foreign alternatives group away without its links going
  away.
- C(drop_choices) C({name, state_file, targets, slaves, entries, links}): take foreign choices and slaves out of a group
  of the release itself.
- C(relink_group) C({name, state_file, links}): make the links of a legitimate group agree with its state file.
- C(quarantine) C({paths, reasons}): move files that do not belong there.
- C(unset_variables) C({path, lines}): lines of a settings file that set a variable for everyone become comments.
- C(reinstall) C({packages: [{name, nevra}], keep}): one rpm transaction; C(keep) are altered files of which a copy
  goes to the quarantine first.
- C(settle_group) C({name, state_file, links}): make the links of a group agree with the state file that packages have
  just written; C(links) are those that it may change.
- C(selinux_config) C({mode}): only when it was asked for.
- C(relabel) C({paths}): restorecon on all of the above.

Each step has C(findings): the ids that it answers.
"""

import typing as t

from .._audit.finding_records import RemakeGroup
from .._audit.findings import Finding
from .._base.text import printable, shortened

__all__ = ["RepairStep", "StepLink", "StepPackage", "describe", "make_plan"]

if t.TYPE_CHECKING:

    class StepLink(t.TypedDict):
        """A link and where it leads afterwards; the other keys are those of a DroppedLink."""

        path: str
        target: t.NotRequired[str]
        entry: t.NotRequired[str]
        package: t.NotRequired[t.Optional[str]]
        packaged_target: t.NotRequired[t.Optional[str]]

    class StepPackage(t.TypedDict):
        """A package to reinstall, or to install where it is not in the database."""

        name: str
        nevra: str

    class RepairStep(t.TypedDict):
        """A step of a plan; which keys it has depends on C(action), see above. C(reasons) maps paths to findings."""

        action: str
        findings: t.List[str]
        path: t.NotRequired[str]
        target: t.NotRequired[str]
        kind: t.NotRequired[str]
        name: t.NotRequired[str]
        state_file: t.NotRequired[str]
        targets: t.NotRequired[t.List[str]]
        slaves: t.NotRequired[t.List[str]]
        entries: t.NotRequired[t.List[str]]
        links: t.NotRequired[t.List[StepLink]]
        paths: t.NotRequired[t.List[str]]
        reasons: t.NotRequired[t.Dict[str, str]]
        lines: t.NotRequired[t.List[str]]
        packages: t.NotRequired[t.List[StepPackage]]
        keep: t.NotRequired[t.List[str]]
        mode: t.NotRequired[t.Optional[str]]
        owner: t.NotRequired[str]
        group: t.NotRequired[str]

else:
    StepLink = StepPackage = RepairStep = dict


def make_plan(findings: t.Sequence[Finding]) -> t.List[RepairStep]:
    """Return the steps that answer the repairable ones of C(findings), an empty list when there is nothing to do."""
    # From the top, so that nobody can exchange any more what comes after.
    steps = sorted(_one_each(findings, "set_metadata", "path"), key=lambda step: step["path"])
    steps += _one_each(findings, "restore_link", "path")
    steps += _groups(findings)
    steps += _quarantine(findings)
    steps += _unset_variables(findings)
    steps += _reinstall(findings)
    steps += _settled_groups(findings)
    steps += _one_each(findings, "selinux_config", "mode")
    relabelled = _to_relabel(steps)
    if relabelled:
        steps.append(RepairStep(action="relabel", paths=relabelled, findings=[]))
    return steps


def _one_each(findings: t.Sequence[Finding], action: str, key: str) -> t.List[RepairStep]:
    """Return one step per different value of C(key) in the remedies called C(action), which are steps but for why."""
    steps: t.Dict[object, RepairStep] = {}
    for finding in findings:
        remedy = finding["remedy"]
        if remedy and remedy["action"] == action:
            step = steps.setdefault(remedy.get(key), t.cast(RepairStep, dict(remedy, findings=[])))
            if finding["id"] not in step["findings"]:
                step["findings"].append(finding["id"])
    return list(steps.values())


def _groups(findings: t.Sequence[Finding]) -> t.List[RepairStep]:
    """Return the steps about alternatives groups before the transaction: of several for one group the first."""
    remedies = [finding["remedy"] for finding in findings]
    remade = {remedy["state_file"] for remedy in remedies if remedy and remedy["action"] == "remake_group"}
    steps: t.Dict[str, RepairStep] = {}
    for action in ("drop_group", "drop_choices", "relink_group"):
        for step in _one_each(findings, action, "state_file"):
            steps.setdefault(step["state_file"], step)
    return [step for path, step in steps.items() if step["action"] == "drop_group" or path not in remade]


def _settled_groups(findings: t.Sequence[Finding]) -> t.List[RepairStep]:
    return [
        RepairStep(
            action="settle_group",
            name=step["name"],
            state_file=step["state_file"],
            links=[StepLink(path=path) for path in t.cast(RemakeGroup, step)["links"]],
            findings=step["findings"],
        )
        for step in _one_each(findings, "remake_group", "state_file")
    ]


def _quarantine(findings: t.Sequence[Finding]) -> t.List[RepairStep]:
    reasons: t.Dict[str, str] = {}
    answered = set()
    for finding in findings:
        remedy = finding["remedy"]
        if remedy and remedy["action"] in ("quarantine", "remake_group"):
            taken = remedy["paths"] if remedy["action"] == "quarantine" else remedy["cleared"]
            answered.update([finding["id"]] if taken else [])
            for path in taken:
                reasons.setdefault(path, finding["id"])
    # A folder takes all that is below it along.
    paths = [path for path in sorted(reasons) if not any(path.startswith(other + "/") for other in reasons)]
    if not answered:
        return []
    reasons = {path: reasons[path] for path in paths}
    return [RepairStep(action="quarantine", paths=paths, reasons=reasons, findings=sorted(answered))]


def _unset_variables(findings: t.Sequence[Finding]) -> t.List[RepairStep]:
    steps: t.Dict[str, RepairStep] = {}
    for finding in findings:
        remedy = finding["remedy"]
        if remedy and remedy["action"] == "unset_variables":
            fresh = RepairStep(action="unset_variables", path=remedy["path"], lines=[], findings=[])
            step = steps.setdefault(remedy["path"], fresh)
            step["lines"].append(remedy["line"])
            step["findings"] = sorted({finding["id"], *step["findings"]})
    return [steps[path] for path in sorted(steps)]


def _reinstall(findings: t.Sequence[Finding]) -> t.List[RepairStep]:
    names: t.Dict[str, str] = {}
    keep: t.Set[str] = set()
    answered = set()
    for finding in findings:
        remedy = finding["remedy"]
        if remedy and remedy["action"] == "remake_group":
            names.update((nevra, name) for name, nevra in remedy["packages"].items())
            answered.add(finding["id"])
        elif remedy and remedy["action"] == "reinstall":
            names[remedy["nevra"]] = remedy["package"]
            keep.update(remedy["keep"])
            answered.add(finding["id"])
    if not names:
        return []
    return [
        RepairStep(
            action="reinstall",
            packages=[StepPackage(name=name, nevra=nevra) for nevra, name in sorted(names.items())],
            keep=sorted(keep),
            findings=sorted(answered),
        )
    ]


def _to_relabel(steps: t.Iterable[RepairStep]) -> t.List[str]:
    """Return the paths whose SELinux labels are to be restored; those of a transaction are labelled by rpm's plugin."""
    paths: t.Set[str] = set()
    for step in steps:
        if step["action"] in ("restore_link", "set_metadata", "unset_variables"):
            paths.add(step["path"])
        elif step["action"] == "drop_group":
            paths.update(link["path"] for link in step["links"] if link["packaged_target"])
        elif step["action"] in ("drop_choices", "relink_group", "settle_group"):
            paths.update(link["path"] for link in step["links"])
        elif step["action"] == "reinstall":
            paths.update(step["keep"])
    return sorted(paths)


def describe(step: RepairStep) -> str:
    """Return one line for people: what the step does."""
    return _DESCRIPTIONS[step["action"]](step)


def _describe_unset_variables(step: RepairStep) -> str:
    number = len(step["lines"])
    lines = "1 line" if number == 1 else "{0} lines".format(number)
    return "comment out {0} in {1}".format(lines, printable(step["path"]))


def _describe_reinstall(step: RepairStep) -> str:
    return "reinstall in one transaction: {0}".format(", ".join(one["nevra"] for one in step["packages"]))


def _some_paths(paths: t.Iterable[str]) -> str:
    return shortened(map(printable, paths), 4)


_DESCRIPTIONS: t.Dict[str, t.Callable[[RepairStep], str]] = {
    "restore_link": lambda step: "restore the link {0} -> {1}".format(step["path"], step["target"]),
    "drop_group": lambda step: "remove the alternatives group {0}".format(printable(step["name"])),
    "drop_choices": lambda step: "remove {0} from the alternatives group {1}".format(
        _some_paths(step["targets"] + step["slaves"]), printable(step["name"])
    ),
    "relink_group": lambda step: "correct the links of the alternatives group {0}".format(printable(step["name"])),
    "settle_group": lambda step: (
        "make the links of the alternatives group {0} follow what its packages have registered".format(
            printable(step["name"])
        )
    ),
    "quarantine": lambda step: "move to the quarantine: {0}".format(_some_paths(step["paths"])),
    "unset_variables": _describe_unset_variables,
    "reinstall": _describe_reinstall,
    "set_metadata": lambda step: "set {0} to {1}owner {2}:{3}".format(
        printable(step["path"]), "mode {0}, ".format(step["mode"]) if step["mode"] else "", step["owner"], step["group"]
    ),
    "selinux_config": lambda step: "set SELINUX={0} in the configuration".format(step["mode"]),
    "relabel": lambda step: "restore the SELinux labels, where SELinux is active, of {0}".format(
        _some_paths(step["paths"])
    ),
}
