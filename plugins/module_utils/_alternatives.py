# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Alternatives groups, read from their state files and links.

Neither C(alternatives --display) nor its exit code is used: both programs print what C(/etc/alternatives) says and
never look at the link that users call. The state file has the same skeleton in both (chkconfig's C(alternatives) and
dpkg's C(update-alternatives)); see docs/notes/alternatives.md.
"""

import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._resolution import end_of, kind_of, resolve
from ansible_collections.fleet.system_python.plugins.module_utils._root import HOST, Root

__all__ = [
    "ADMIN_FOLDERS",
    "ENTRIES_FOLDER",
    "Group",
    "concerns_python",
    "gone",
    "parse_state",
    "python_groups",
    "without_choices",
]

ADMIN_FOLDERS = (
    "/var/lib/alternatives",
    "/var/lib/rpm/alternatives",
    "/etc/alternatives.admindir",
    "/etc/alternatives-admindir",
)
ENTRIES_FOLDER = "/etc/alternatives"

Group = t.Dict[str, t.Any]

_PYTHON_NAME = re.compile(
    r"^(?:unversioned-)?(?:python|pip|pydoc|idle|pyvenv|easy_install|2to3)(?:-?[23](?:\.\d+)?)?(?:-config)?$"
)
_PRIORITY = re.compile(r"^(?:@(?P<family>[^@]*)@)?(?P<priority>-?\d+)(?: (?P<initscript>.*))?$")


def concerns_python(name: str) -> bool:
    """Tell whether a command name is one of Python's own (python3, pip, pydoc3.9, python3-config, ...)."""
    return bool(_PYTHON_NAME.match(name))


def parse_state(name: str, text: str) -> Group:
    """Return the group that a state file describes.

    The result is C({name, mode, link, slaves: [{name, link}], choices: [{target, priority, family, slaves}]}), where
    C(slaves) of a choice maps the slave's name to its target, or to null. Raises InvalidDataError for another form.
    """
    lines = text.split("\n")
    try:
        return _parse_lines(name, lines)
    except IndexError:
        raise InvalidDataError(
            "The alternatives state of group {0!r} ends in the middle of an entry.".format(name)
        ) from None


def _parse_lines(name: str, lines: t.List[str]) -> Group:
    mode, link = lines[0], lines[1]
    if mode not in ("auto", "manual") or not link.startswith("/"):
        raise InvalidDataError(
            "The alternatives state of group {0!r} does not begin with 'auto' or 'manual' and a link.".format(name)
        )
    slaves: t.List[t.Dict[str, str]] = []
    at = 2
    while lines[at]:
        slaves.append({"name": lines[at], "link": lines[at + 1]})
        at += 2
    at += 1
    choices: t.List[t.Dict[str, t.Any]] = []
    # A blank line inside a choice is data (a slave that the choice lacks); at a choice's beginning it ends the file.
    while at < len(lines) and lines[at]:
        choices.append(_parse_choice(name, lines, at, slaves))
        at += 2 + len(slaves)
    return {"name": name, "mode": mode, "link": link, "slaves": slaves, "choices": choices}


def _parse_choice(name: str, lines: t.List[str], at: int, slaves: t.List[t.Dict[str, str]]) -> t.Dict[str, t.Any]:
    match = _PRIORITY.match(lines[at + 1])
    if not match:
        raise InvalidDataError(
            "The alternatives state of group {0!r} has {1!r} where the priority of {2!r} belongs.".format(
                name, lines[at + 1], lines[at]
            )
        )
    targets = [lines[at + 2 + number] or None for number in range(len(slaves))]
    return {
        "target": lines[at],
        "priority": int(match.group("priority")),
        "family": match.group("family"),
        "slaves": {slave["name"]: target for slave, target in zip(slaves, targets)},
    }


def without_choices(name: str, text: str, targets: t.Container[str]) -> str:
    """Return the text of a state file without the choices that lead to C(targets), in automatic mode.

    Everything else stays as it is, to the byte. Raises InvalidDataError for another form.
    """
    group = parse_state(name, text)
    lines = text.split("\n")
    first, length = 3 + 2 * len(group["slaves"]), 2 + len(group["slaves"])
    kept = ["auto"] + lines[1:first]
    for number, choice in enumerate(group["choices"]):
        at = first + number * length
        if choice["target"] not in targets:
            kept.extend(lines[at : at + length])
    return "\n".join(kept + lines[first + len(group["choices"]) * length :])


def python_groups(
    admin_folders: t.Sequence[str] = ADMIN_FOLDERS, entries_folder: str = ENTRIES_FOLDER, root: Root = HOST
) -> t.List[Group]:
    """Return every group that governs a Python command, with what its links really are.

    To the keys of parse_state come C(state_file), C(entry) (path of /etc/alternatives/NAME), C(chosen) (where that
    link leads, or null), C(governs) (list of {name, path, kind, entry, entry_target, target, leads_to}: each public
    link, what lies there, where it should lead first, where that and it itself lead, null when it is no link, and the
    file that runs, null for none), C(problems) (list of sentences), and C(exists) in each choice. A state file that
    cannot be parsed gives a group with C(problems) only.
    """
    groups = []
    seen: t.Set[str] = set()
    for folder in admin_folders:
        if not root.isdir(folder) or root.realpath(folder) in seen:
            continue
        seen.add(root.realpath(folder))
        for name in sorted(root.listdir(folder)):
            state_file = os.path.join(folder, name)
            if root.isfile(state_file) and not name.endswith((".new", ".dpkg-tmp")):
                group = _read_group(name, state_file, entries_folder, root)
                if group is not None:
                    groups.append(group)
    return groups


def _read_group(name: str, state_file: str, entries_folder: str, root: Root) -> t.Optional[Group]:
    with root.open(state_file) as stream:
        text = os.fsdecode(stream.read())
    try:
        group = parse_state(name, text)
    except InvalidDataError as error:
        if not concerns_python(name):
            return None
        return {
            "name": name,
            "mode": None,
            "link": None,
            "slaves": [],
            "choices": [],
            "state_file": state_file,
            "entry": os.path.join(entries_folder, name),
            "chosen": None,
            "governs": [],
            "problems": [error.message],
        }
    if not (concerns_python(name) or concerns_python(os.path.basename(group["link"]))):
        return None
    return _with_links(group, state_file, entries_folder, root)


def _with_links(group: Group, state_file: str, entries_folder: str, root: Root) -> Group:
    group["state_file"] = state_file
    group["entry"] = os.path.join(entries_folder, group["name"])
    group["chosen"] = _link_text(group["entry"], root)
    public = [{"name": group["name"], "link": group["link"]}] + group["slaves"]
    group["governs"] = [
        {
            "name": one["name"],
            "path": one["link"],
            "kind": kind_of(one["link"], root),
            "entry": os.path.join(entries_folder, one["name"]),
            "entry_target": _link_text(os.path.join(entries_folder, one["name"]), root),
            "target": _link_text(one["link"], root),
            "leads_to": end_of(resolve(one["link"], root)),
        }
        for one in public
    ]
    for choice in group["choices"]:
        choice["exists"] = root.exists(choice["target"])
    group["problems"] = _problems(group)
    return group


def _link_text(path: str, root: Root) -> t.Optional[str]:
    try:
        return root.readlink(path)
    except OSError:
        # Not there, or no link: both are what the caller's null says.
        return None


def _problems(group: Group) -> t.List[str]:
    problems = []
    master = group["governs"][0]
    if master["target"] != group["entry"]:
        problems.append(
            "{0} does not lead to {1} but to {2}".format(
                master["path"], group["entry"], master["target"] or "nothing: it is no link"
            )
        )
    targets = [choice["target"] for choice in group["choices"]]
    if group["chosen"] is None:
        problems.append("{0} is not there or is no link".format(group["entry"]))
    elif group["chosen"] not in targets:
        problems.append("{0} leads to {1}, which is not registered".format(group["entry"], group["chosen"]))
    for choice in group["choices"]:
        if not choice["exists"]:
            problems.append(gone(choice["target"]))
    return problems


def gone(target: str) -> str:
    """Return the problem of a registered target that does not exist."""
    return "the registered target {0} is gone".format(target)
