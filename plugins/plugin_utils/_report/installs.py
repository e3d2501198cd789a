# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The explanations of what was installed: pip as root, and an update that failed."""

from __future__ import annotations

from ...module_utils._base.text import printable
from .._border.collected import ShownFinding
from .case import Case, Proving, Verdict, left_open, path_list, ruled_in, ruled_out
from .rules import BINARY

__all__ = ["failed_update", "pip_as_root"]


def pip_as_root(case: Case) -> Verdict:
    """Say whether pip wrote into the folders of the system."""
    overwrote = case.findings("SP208")
    own = f"/python{case.version}/"
    by_own_pip = [one for one in overwrote if own in str(one["evidence"].get("installed_by"))]
    installed = [one for one in case.findings("SP209", "SP213") if one["actual"] == "installed by pip"]
    evidence = [(_pip_files_shown(case, finding), finding["summary"]) for finding in by_own_pip + installed]
    if evidence:
        return ruled_in(*evidence, *case.typed(r"\bpip[\d.]*\b"))
    if overwrote:
        by = printable(str(overwrote[0]["evidence"].get("installed_by")))
        path = printable(str(overwrote[0]["path"]))
        ref = case.exhibit(path, by, "claimed by the pip that came with another Python")
        return ruled_out((ref, "it came with that Python's own installation, not with a run of the system's pip"))
    if case.findings("SP301"):
        return left_open("a package of the contract is not in the database, so its own files are not known")
    ref = case.exhibit(
        f"dist-info folders of Python {case.version}",
        "RECORD and INSTALLER",
        "none of pip's or uv's claims an altered or unowned file",
    )
    return ruled_out((ref, "pip wrote no file into the system's folders"))


def _pip_files_shown(case: Case, finding: ShownFinding) -> str:
    evidence = finding["evidence"]
    source = evidence.get("installed_by") or "RECORD and INSTALLER of dist-info folders"
    return case.exhibit("files that pip wrote down as its own", printable(source), path_list(evidence.get("paths", [])))


def failed_update(case: Case) -> Verdict:
    """Say whether an update of Python's packages ended half way."""
    owners = case.findings("SP301")
    if case.findings("SP303") or any("installed" in finding["evidence"] for finding in owners):
        return ruled_in((case.packages_asked(), "an update that ends half way leaves a package twice"))
    failed = _failed_transaction(case)
    if failed:
        return ruled_in((failed, "a transaction of Python's packages failed"))
    if owners:
        shown = (case.packages_asked(), "an update may have removed it, or a person")
        return left_open("a record of what removed the package", shown)
    installed = _install_times(case)
    if not installed:
        return left_open("when the packages of the contract were installed (rpm -qa --last)")
    names = ", ".join(f"{name} {time}" for name, time in installed)
    ref = case.exhibit("packages of the contract", "rpm -qa --last", f"each is installed once: {names}")
    evidence = [(ref, "no package is there twice or half"), *_history_shown(case)]
    changed, latest = _changed(case), max(time for _name, time in installed)
    if changed and max(changed) < latest and case.findings(*BINARY, "SP205"):
        return left_open(
            "the files changed before the packages were installed; the log of that transaction would tell", *evidence
        )
    return ruled_out(*evidence)


def _failed_transaction(case: Case) -> str | None:
    for one in case.evidence["transactions"]:
        if one["ok"] is False and "python" in " ".join(one["packages"]).lower():
            name = f"transaction {one['id'] or ''}".strip()
            return case.exhibit(name, one["source"], f"{one['what']}: it ended with an error", one["time"])
    return None


def _install_times(case: Case) -> list[tuple[str, str]]:
    nevras = {case.facts["packages"].get(name) for name in case.facts["contract"]["packages"]}
    return [(one["nevra"], one["time"]) for one in case.evidence["packages"] if one["nevra"] in nevras]


def _history_shown(case: Case) -> list[Proving]:
    history = case.evidence["transactions"]
    if not history:
        return []
    number = "1 entry" if len(history) == 1 else f"{len(history)} entries"
    said = "none of them failed" if any(one["ok"] for one in history) else "none about a failure"
    ref = case.exhibit("history of the package manager", history[0]["source"], f"{number}, {said}")
    return [(ref, "no transaction of Python's packages failed")]


def _changed(case: Case) -> list[str]:
    """Return when files that differ, and links of the contract, were changed."""
    times = [file["ctime"] for file in case.files(*BINARY, "SP205", "SP206")]
    times += [one["hops"][0]["ctime"] for one in case.evidence["links"] if one["hops"]]
    return [time for time in times if time]
