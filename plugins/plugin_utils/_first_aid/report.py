# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What first aid found and did, as the task's result and in sentences."""

from __future__ import annotations

from .candidate import ProbedInterpreter
from .probe import Probe
from .records import BroughtBack, Hazard, RecoveryPlan

__all__ = ["brought_back_text", "describe", "diff_of", "prediction_text", "release_of", "summary_of"]


def release_of(probe: Probe) -> dict[str, str]:
    """Return what the host's os-release says."""
    return {"id": probe.os_release.get("ID", ""), "version_id": probe.os_release.get("VERSION_ID", "")}


def describe(probe: Probe, result: dict[str, object]) -> None:
    """Write what the probe says into the result."""
    result.update(
        os=release_of(probe),
        interpreter=probe.interpreter(),
        isolated_interpreter=probe.isolated_interpreter(),
        rejected=probe.rejected(),
        hazards=probe.hazards(),
    )
    if probe.trusted:
        result.update(
            interpreter_path=probe.trusted.path,
            interpreter_version=probe.trusted.version,
            trusted_by="manifest" if probe.trusted.runtime else "rpm",
            trusted_because=_trusted_because(probe.trusted),
            summary=summary_of(probe, probe.trusted),
        )


def _trusted_because(candidate: ProbedInterpreter) -> dict[str, object]:
    if candidate.runtime:
        return {
            "packages": [],
            "verified_by": f"{candidate.runtime}/.manifest.sha256",
            "files": candidate.verified_files,
            "left_aside": [],
        }
    return {
        "packages": [owner.nevra for owner in candidate.owners],
        "verified_by": "rpm -V",
        "left_aside": [entry.path for entry in candidate.entries],
    }


def summary_of(probe: Probe, trusted: ProbedInterpreter) -> str:
    """Return which interpreter is trusted, why, and which are not."""
    sentences = [f"Modules run under {probe.interpreter()} (Python {trusted.version}), {_reason(trusted)}."]
    sentences += [f"Not taken: {other['path']}: {other['reason']}." for other in probe.rejected()]
    sentences += [f"Kept from running: {_hazard_text(hazard)}." for hazard in probe.hazards()]
    return " ".join(sentences)


def _reason(trusted: ProbedInterpreter) -> str:
    if trusted.runtime:
        return f"a runtime of which all {trusted.verified_files} files are as its manifest says"
    return f"which rpm vouches for: {', '.join(owner.nevra for owner in trusted.owners)}"


def _hazard_text(hazard: Hazard) -> str:
    return f"{hazard['name']}={hazard['value']}" if hazard["kind"] == "environment" else hazard["path"]


def brought_back_text(brought_back: BroughtBack) -> str:
    """Return what was brought back, from where, in a sentence or two."""
    parts = [f"{nevra} (from {source})" for nevra, source in brought_back["source"].items()]
    closed = brought_back.get("closed", [])
    if not parts:
        parts = ["nothing" if closed else "nothing; what was in the way was moved aside"]
    text = f"Brought back: {', '.join(parts)}."
    text += "".join(f" Closed to others: {line}." for line in closed)
    if brought_back["quarantine"]:
        text += f" What was there is kept in {brought_back['quarantine']}."
    return text


def prediction_text(plan: RecoveryPlan) -> str:
    """Return what would be done."""
    packages = ", ".join(plan["packages"])
    text = "No interpreter is trusted."
    if packages:
        text += f" It would be brought back by installing {packages}."
    if plan["close"]:
        text += f" Mode and owner of these would be set right: {', '.join(plan['close'])}."
    if plan["move_aside"]:
        text += f" These would be moved aside: {', '.join(plan['move_aside'])}."
    return text


def diff_of(plan: RecoveryPlan) -> dict[str, str]:
    """Return the plan in the form of Ansible's diff mode."""
    before = [f"{nevra}: altered, or not there\n" for nevra in plan["packages"]]
    before += [f"{path}: in the way\n" for path in plan["move_aside"]]
    before += [f"{path}: others than root may change it\n" for path in plan["close"]]
    after = [f"{path}: only root may change it\n" for path in plan["close"]]
    after += [f"{nevra}: as its package shipped it\n" for nevra in plan["packages"]]
    return {"before": "".join(before), "after": "".join(after)}
