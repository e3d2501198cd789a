# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The explanations of what python3 leads to: alternatives, links, search paths and variables."""

from __future__ import annotations

from ...module_utils._audit.contract import COMMAND
from ...module_utils._base.text import printable
from .._border.collected import ShownFinding
from .case import Case, Proving, Verdict, ruled_in, ruled_out

__all__ = ["alternatives_redirected", "environment_variable", "link_replaced", "path_shadowed"]

_ALTERNATIVES = "/etc/alternatives/"


def alternatives_redirected(case: Case) -> Verdict:
    """Say whether an alternatives group governs a path that a package ships."""
    chain = case.way_of_python3()
    through = any(hop["path"].startswith(_ALTERNATIVES) for hop in case.facts["resolution"]["python3"])
    foreign = case.findings("SP104")
    if not foreign:
        groups = ", ".join(printable(group["name"]) for group in case.facts["alternatives"]) or "none"
        shows = f"{groups}; none governs a packaged file"
        read = case.exhibit("alternatives groups about Python", "state files and /etc/alternatives", shows)
        passes = "it passes /etc/alternatives by a group of the release itself"
        return ruled_out(
            (read, "no group governs a file or link that a package ships"),
            (chain, passes if through else "it does not pass /etc/alternatives"),
        )
    led = "it leads through /etc/alternatives"
    replaced = "it no longer leads through the group: the link was replaced later"
    groups_shown = [_group_shown(case, finding) for finding in foreign]
    return ruled_in(*groups_shown, (chain, led if through else replaced), *case.typed(r"alternatives"))


def _group_shown(case: Case, finding: ShownFinding) -> Proving:
    evidence = finding["evidence"]
    path = evidence.get("state_file", "")
    written = next((one["mtime"] for one in case.evidence["alternatives"] if one["path"] == path), None)
    choices = ", ".join(f"{printable(one['target'])} ({one['priority']})" for one in evidence.get("choices", []))
    shows = f"mode {evidence.get('mode')}, choices {choices}"
    return case.exhibit(f"alternatives group over {finding['path']}", path, shows, written), finding["summary"]


def link_replaced(case: Case) -> Verdict:
    """Say whether a link that a package ships leads elsewhere, without a group."""
    chain = case.way_of_python3()
    links = case.findings("SP101", "SP102", "SP103")
    by_hand = [one for one in links if not str(one["actual"]).startswith(_ALTERNATIVES)]
    if not links:
        return ruled_out((chain, "every link of the contract is the packaged one"))
    if not by_hand:
        return ruled_out((chain, "it leads through /etc/alternatives, which the group explains"))
    shown = [(_link_shown(case, finding), finding["summary"]) for finding in by_hand]
    return ruled_in(*shown, *case.typed(r"\bln\b.*python|make.*install"))


def _link_shown(case: Case, finding: ShownFinding) -> str:
    path = str(finding["path"])
    shows = f"{printable(str(finding['actual']))}; the package ships {printable(str(finding['expected']))}"
    return case.exhibit(path, "readlink, rpm's record", shows, case.link_changed(path))


def path_shadowed(case: Case) -> Verdict:
    """Say whether another python3 comes first on a search path."""
    shadows = case.findings("SP106")
    if shadows:
        return ruled_in(*((_shadow_shown(case, finding), finding["summary"]) for finding in shadows))
    paths = "; ".join(f"{printable(who)}: {printable(path)}" for who, path in case.facts["search_paths"].items())
    ref = case.exhibit("search paths of connection, login, sudo, systemd and cron", "their configuration", paths)
    return ruled_out((ref, f"in none of them another python3 comes before {COMMAND}"))


def _shadow_shown(case: Case, finding: ShownFinding) -> str:
    who = ", ".join(printable(str(one)) for one in finding["evidence"].get("search_paths", []))
    return case.exhibit(printable(str(finding["path"])), "search paths", f"comes first for: {who}")


def environment_variable(case: Case) -> Verdict:
    """Say whether a variable leads every Python elsewhere."""
    hijacks = case.findings("SP107")
    if hijacks:
        shown = [case.exhibit("environment", str(one["evidence"].get("source")), one["summary"]) for one in hijacks]
        return ruled_in(*((ref, "every Python obeys it") for ref in shown))
    ref = case.exhibit(
        "environment for everyone",
        "files of logins, shells, systemd, cron, sudo and ssh, the connection",
        "PYTHONPATH, PYTHONHOME and the like are not set",
    )
    return ruled_out((ref, "no variable leads Python elsewhere"))
