# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From findings to ordered actions: pure, so that check mode shows exactly what a real run does.

The actions, in the order in which they are carried out:

- C(restore_link) C({path, target, kind}): put a packaged link back by rename; C(kind) is what lies there now.
- C(drop_group) C({name, state_file, links}): take a foreign alternatives group away without its links going away.
- C(drop_choices) C({name, state_file, targets, links}): take foreign choices out of a group of the release itself.
- C(relink_group) C({name, links}): make the links of a legitimate group agree with its state file.
- C(quarantine) C({paths, findings}): move files that do not belong there.
- C(unset_variables) C({path, lines}): lines of a settings file that set a variable for everyone become comments.
- C(reinstall) C({packages: [{name, nevra, evr}], replaceable, keep}): one rpm transaction; C(keep) are altered
  files of which a copy goes to the quarantine first, C(replaceable) those that another package has taken over.
- C(set_metadata) C({path, mode, owner, group}): from rpm's own record, on this path only.
- C(selinux_config) C({mode}): only when it was asked for.
- C(relabel) C({paths}): restorecon on all of the above.

Each action has C(findings): the ids that it answers.
"""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._findings import Finding
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["Action", "describe", "make_plan"]

Action = t.Dict[str, t.Any]


def make_plan(findings: t.Sequence[Finding]) -> t.List[Action]:
    """Return the actions that answer the repairable ones of C(findings), an empty list when there is nothing to do."""
    actions: t.List[Action] = []
    actions.extend(_each(findings, "restore_link", "path"))
    actions.extend(_each(findings, "drop_group", "name"))
    actions.extend(_each(findings, "drop_choices", "name"))
    dropped = {action["name"] for action in actions if action["action"] in ("drop_group", "drop_choices")}
    actions.extend(action for action in _each(findings, "relink_group", "name") if action["name"] not in dropped)
    actions.extend(_quarantine(findings))
    actions.extend(_unset(findings))
    actions.extend(_reinstall(findings))
    actions.extend(_each(findings, "set_metadata", "path"))
    actions.extend(_each(findings, "selinux_config", "mode"))
    touched = _touched(actions)
    if touched:
        actions.append({"action": "relabel", "paths": touched, "findings": []})
    return actions


def _with_remedy(findings: t.Sequence[Finding], action: str) -> t.List[Finding]:
    return [finding for finding in findings if finding["remedy"] and finding["remedy"]["action"] == action]


def _each(findings: t.Sequence[Finding], name: str, key: str) -> t.List[Action]:
    """Return one action per different value of C(key) in the remedies called C(name)."""
    actions: t.Dict[str, Action] = {}
    for finding in _with_remedy(findings, name):
        action = actions.setdefault(finding["remedy"][key], dict(finding["remedy"], findings=[]))
        if finding["id"] not in action["findings"]:
            action["findings"].append(finding["id"])
    return list(actions.values())


def _quarantine(findings: t.Sequence[Finding]) -> t.List[Action]:
    mine = _with_remedy(findings, "quarantine")
    if not mine:
        return []
    entries: t.Dict[str, str] = {}
    for finding in mine:
        for path in finding["remedy"]["paths"]:
            entries.setdefault(path, finding["id"])
    # A folder takes all that is below it along.
    paths = [path for path in sorted(entries) if not any(path.startswith(other + "/") for other in entries)]
    return [
        {
            "action": "quarantine",
            "paths": paths,
            "reasons": {path: entries[path] for path in paths},
            "findings": sorted({finding["id"] for finding in mine}),
        }
    ]


def _unset(findings: t.Sequence[Finding]) -> t.List[Action]:
    lines: t.Dict[str, t.List[str]] = {}
    for finding in _with_remedy(findings, "unset_variables"):
        lines.setdefault(finding["remedy"]["path"], []).append(finding["remedy"]["line"])
    return [
        {"action": "unset_variables", "path": path, "lines": lines[path], "findings": ["SP107"]}
        for path in sorted(lines)
    ]


def _reinstall(findings: t.Sequence[Finding]) -> t.List[Action]:
    mine = _with_remedy(findings, "reinstall")
    if not mine:
        return []
    packages: t.Dict[str, t.Dict[str, t.Any]] = {}
    for finding in mine:
        remedy = finding["remedy"]
        packages.setdefault(
            remedy["package"], {"name": remedy["package"], "nevra": remedy["nevra"], "evr": remedy.get("evr")}
        )
    return [
        {
            "action": "reinstall",
            "packages": [packages[name] for name in sorted(packages)],
            "replaceable": sorted({path for finding in mine for path in finding["remedy"]["replaceable"]}),
            "keep": sorted({path for finding in mine for path in finding["remedy"]["keep"]}),
            "findings": sorted({finding["id"] for finding in mine}),
        }
    ]


def _touched(actions: t.Iterable[Action]) -> t.List[str]:
    """Return the paths whose SELinux labels are to be restored; those of a transaction are labelled by rpm's plugin."""
    paths: t.Set[str] = set()
    for action in actions:
        if action["action"] in ("restore_link", "set_metadata", "unset_variables"):
            paths.add(action["path"])
        elif action["action"] == "drop_group":
            paths.update(link["path"] for link in action["links"] if link["packaged_target"])
        elif action["action"] in ("drop_choices", "relink_group"):
            paths.update(link["path"] for link in action["links"])
        elif action["action"] == "reinstall":
            paths.update(action["keep"])
    return sorted(paths)


def describe(action: Action) -> str:
    """Return one line for people: what the action does."""
    return _DESCRIPTIONS[action["action"]](action)


def _some(paths: t.Sequence[str]) -> str:
    shown = ", ".join(printable(path) for path in paths[:4])
    return shown + (" and {0} more".format(len(paths) - 4) if len(paths) > 4 else "")


def _describe_reinstall(action: Action) -> str:
    names = ", ".join(one["nevra"] or "{0}-{1}".format(one["name"], one["evr"]) for one in action["packages"])
    return "reinstall in one transaction: {0}".format(names)


_DESCRIPTIONS: t.Dict[str, t.Callable[[Action], str]] = {
    "restore_link": lambda action: "put the link {0} -> {1} back".format(action["path"], action["target"]),
    "drop_group": lambda action: "drop the alternatives group {0}".format(printable(action["name"])),
    "drop_choices": lambda action: "take {0} out of the alternatives group {1}".format(
        _some(action["targets"]), printable(action["name"])
    ),
    "relink_group": lambda action: "set the links of the alternatives group {0} right".format(
        printable(action["name"])
    ),
    "quarantine": lambda action: "move to the quarantine: {0}".format(_some(action["paths"])),
    "unset_variables": lambda action: "make comments of {0} in {1}".format(
        "1 line" if len(action["lines"]) == 1 else "{0} lines".format(len(action["lines"])), printable(action["path"])
    ),
    "reinstall": _describe_reinstall,
    "set_metadata": lambda action: "set {0} to mode {1}, owner {2}:{3}".format(
        printable(action["path"]), action["mode"], action["owner"], action["group"]
    ),
    "selinux_config": lambda action: "set SELINUX={0} in the configuration".format(action["mode"]),
    "relabel": lambda action: "restore the SELinux labels, where SELinux is active, of {0}".format(
        _some(action["paths"])
    ),
}
