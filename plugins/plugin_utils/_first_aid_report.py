# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What first aid found and did, as the task's result and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_probe import Candidate, Probe

__all__ = ["brought_back_text", "describe", "diff_of", "prediction_text"]


def describe(probe: Probe, result: dict[str, Any]) -> None:
    """Write what the probe says into the result."""
    release = probe.os_release
    result.update(
        os={"id": release.get("ID", ""), "version_id": release.get("VERSION_ID", "")},
        interpreter=probe.interpreter(),
        rejected=probe.rejected(),
        hazards=probe.hazards(),
    )
    if probe.trusted:
        result.update(
            interpreter_path=probe.trusted.path,
            interpreter_version=probe.trusted.version,
            trusted_by="manifest" if probe.trusted.runtime else "rpm",
            trusted_because=_trust(probe.trusted),
            summary=_summary(probe, probe.trusted),
        )


def _trust(candidate: Candidate) -> dict[str, Any]:
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


def _summary(probe: Probe, trusted: Candidate) -> str:
    sentences = [f"Modules run under {probe.interpreter()} (Python {trusted.version}), {_reason(trusted)}."]
    sentences += [f"Not taken: {other['path']}: {other['reason']}." for other in probe.rejected()]
    sentences += [f"Kept from running: {_hazard_text(hazard)}." for hazard in probe.hazards()]
    return " ".join(sentences)


def _reason(trusted: Candidate) -> str:
    if trusted.runtime:
        return f"a runtime of which all {trusted.verified_files} files are as its manifest says"
    return f"which rpm vouches for: {', '.join(owner.nevra for owner in trusted.owners)}"


def _hazard_text(hazard: Mapping[str, str]) -> str:
    return f"{hazard['name']}={hazard['value']}" if hazard["kind"] == "environment" else hazard["path"]


def brought_back_text(brought_back: Mapping[str, Any]) -> str:
    """Return what was brought back, from where, in a sentence or two."""
    parts = [f"{nevra} (from {source})" for nevra, source in brought_back["source"].items()]
    text = f"Brought back: {', '.join(parts) or 'nothing; what was in the way was moved aside'}."
    if brought_back["quarantine"]:
        text += f" What was there is kept in {brought_back['quarantine']}."
    return text


def prediction_text(plan: Mapping[str, Any]) -> str:
    """Return what would be done."""
    packages = ", ".join(plan["packages"])
    text = "No interpreter is trusted."
    if packages:
        text += f" It would be brought back by installing {packages}."
    if plan["move_aside"]:
        text += f" These would be moved aside: {', '.join(plan['move_aside'])}."
    return text


def diff_of(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return the plan in the form of Ansible's diff mode."""
    before = [f"{nevra}: altered, or not there\n" for nevra in plan["packages"]]
    before += [f"{path}: in the way\n" for path in plan["move_aside"]]
    after = [f"{nevra}: as its package shipped it\n" for nevra in plan["packages"]]
    return {"before": "".join(before), "after": "".join(after)}
