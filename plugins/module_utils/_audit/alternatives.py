# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Alternatives groups, read from their state files and links.

Neither C(alternatives --display) nor its exit code is used: both programs print what C(/etc/alternatives) says and
never look at the link that users call; see docs/notes/alternatives.md. Links are compared by the places that they
lead to (C(Root.canonical)), never by their texts: people write /bin/python3 where a package says /usr/bin/python3.
"""

import os
import re
import typing as t

from .._base.errors import InvalidDataError
from .._disk.links import end_of, kind_of, resolve
from .._disk.root import HOST, Root
from .alternatives_state import parse_state, readable_links
from .records import AlternativesGroup, AlternativesSlave, GovernedLink, make_group

__all__ = [
    "ADMIN_FOLDERS",
    "ENTRIES_FOLDER",
    "add_promised",
    "chosen_place",
    "concerns_python",
    "judge_links",
    "leads_to",
    "python_groups",
    "read_group",
    "unfinished_states",
]

ADMIN_FOLDERS = (
    "/var/lib/alternatives",
    "/var/lib/rpm/alternatives",
    "/etc/alternatives.admindir",
    "/etc/alternatives-admindir",
)
ENTRIES_FOLDER = "/etc/alternatives"

_PYTHON_NAME = re.compile(
    r"^(?:unversioned-)?(?:python|pip|pydoc|idle|pyvenv|easy_install|2to3)(?:-?[23](?:\.\d+)?)?(?:-config)?$"
)
# Names beside state files that are none: what the two programs have not finished.
_NEW = ".new"
_UNFINISHED = (_NEW, ".dpkg-tmp", ".dpkg-new")


def concerns_python(name: str) -> bool:
    """Tell whether a command name is one of Python's own (python3, pip, pydoc3.9, python3-config, ...)."""
    return bool(_PYTHON_NAME.match(name))


def leads_to(path: str, target: str, root: Root = HOST) -> bool:
    """Tell whether the link C(path) itself leads to the name C(target), however either is written."""
    text = _link_text(path, root)
    return text is not None and _place(path, text, root) == root.canonical(target)


def _place(link: str, text: str, root: Root) -> str:
    return root.canonical(os.path.join(os.path.dirname(link), text))


def _link_text(path: str, root: Root) -> t.Optional[str]:
    try:
        return root.readlink(path)
    except OSError:
        # Not there, or no link: both are what the caller's null says.
        return None


# ---------------------------------------------------------------------------------------------------------------------
# Which groups there are


def python_groups(
    commands: t.Sequence[str] = (),
    concerns: t.Callable[[str], object] = lambda _path: None,
    admin_folders: t.Sequence[str] = ADMIN_FOLDERS,
    entries_folder: str = ENTRIES_FOLDER,
    root: Root = HOST,
) -> t.List[AlternativesGroup]:
    """Return every group that governs Python: a name of its commands, or a path that C(concerns) is true of.

    They are not judged yet, and who owns their paths is not asked. Of a state file that cannot be parsed there are
    C(problems), no choices, the links that it still names, and those of C(commands) that lead to its entry.
    """
    groups: t.List[AlternativesGroup] = []
    for name, state_file in _state_files(admin_folders, root):
        if root.isfile(state_file) and not name.endswith(_UNFINISHED):
            group = read_group(name, state_file, commands, entries_folder, root)
            if _is_about_python(group, concerns):
                groups.append(group)
    return groups


def _state_files(admin_folders: t.Iterable[str], root: Root) -> t.Iterator[t.Tuple[str, str]]:
    """Yield name and path of all that lies in C(admin_folders), each folder once."""
    seen: t.Set[str] = set()
    for folder in admin_folders:
        if root.isdir(folder) and root.realpath(folder) not in seen:
            seen.add(root.realpath(folder))
            yield from ((name, os.path.join(folder, name)) for name in sorted(root.listdir(folder)))


def unfinished_states(
    groups: t.Iterable[AlternativesGroup], admin_folders: t.Sequence[str] = ADMIN_FOLDERS, root: Root = HOST
) -> t.List[str]:
    """Return the new states of C(groups), or of Python's commands, that a killed chkconfig's program left.

    It makes this file with O_EXCL (writeState in its alternatives.c): while it lies there, no registration succeeds.
    """
    names = {group["name"] for group in groups}
    found = ((name[: -len(_NEW)], path) for name, path in _state_files(admin_folders, root) if name.endswith(_NEW))
    return [path for name, path in found if name in names or concerns_python(name)]


def _is_about_python(group: AlternativesGroup, concerns: t.Callable[[str], object]) -> bool:
    paths = [one["path"] for one in group["governs"]]
    names = [group["name"]] + [os.path.basename(path) for path in paths]
    return any(map(concerns_python, names)) or any(map(concerns, paths))


def read_group(
    name: str,
    state_file: str,
    commands: t.Sequence[str] = (),
    entries_folder: str = ENTRIES_FOLDER,
    root: Root = HOST,
) -> AlternativesGroup:
    """Return the group of one state file, see python_groups."""
    text = ""
    try:
        # A pipe would be waited for.
        if root.isfile(state_file):
            with root.open(state_file) as stream:
                text = os.fsdecode(stream.read())
        group = parse_state(name, text)
    except (InvalidDataError, OSError) as error:
        link, slaves = readable_links(text)
        entry = os.path.join(entries_folder, name)
        slaves += [AlternativesSlave(name=name, link=path) for path in commands if leads_to(path, entry, root)]
        group = make_group(name, link=link, slaves=slaves, problems=[getattr(error, "message", str(error))])
    _add_links(group, state_file, entries_folder, root)
    return group


def _add_links(group: AlternativesGroup, state_file: str, entries_folder: str, root: Root) -> None:
    group["state_file"] = state_file
    group["entry"] = root.canonical(os.path.join(entries_folder, group["name"]))
    group["chosen"] = _link_text(group["entry"], root)
    own = [AlternativesSlave(name=group["name"], link=group["link"])] if group["link"] else []
    group["governs"] = [_governed_link(one, entries_folder, root) for one in own + group["slaves"]]
    for choice in group["choices"]:
        choice["place"] = root.canonical(choice["target"])


def _governed_link(public: AlternativesSlave, entries_folder: str, root: Root) -> GovernedLink:
    path, entry = root.canonical(public["link"]), root.canonical(os.path.join(entries_folder, public["name"]))
    return GovernedLink(
        name=public["name"],
        path=path,
        kind=kind_of(path, root),
        entry=entry,
        target=_link_text(path, root),
        governed=leads_to(path, entry, root),
        leads_to=end_of(resolve(path, root)),
        owner=None,
        package=None,
        expected=None,
        due=None,
    )


def add_promised(
    groups: t.List[AlternativesGroup],
    promised: t.Mapping[str, t.Mapping[str, str]],
    folder: str = ADMIN_FOLDERS[0],
    entries_folder: str = ENTRIES_FOLDER,
    root: Root = HOST,
) -> None:
    """Mark those of C(groups) that the contract promises (names of groups, with their links by name), and add the rest.

    A group is the promised one by its name and its link. One that is not there, or not readable, has the links that
    the contract knows.
    """
    for name, links in promised.items():
        link = root.canonical(links[name])
        same = [group for group in groups if group["name"] == name]
        own = [group for group in same if not group["link"] or root.canonical(group["link"]) == link]
        if not own:
            why = (
                "its state file is that of a group for {0}".format(same[0]["link"]) if same else "it has no state file"
            )
            own = [make_group(name, problems=[why], state_file=same[0]["state_file"] if same else "")]
            groups.extend(own)
        for group in own:
            group["own"] = True
            if not group["choices"]:
                slaves = {slave["name"]: slave["link"] for slave in group["slaves"]}
                slaves = dict(links, **slaves)
                del slaves[name]
                group["link"] = link
                group["slaves"] = [AlternativesSlave(name=one, link=slaves[one]) for one in sorted(slaves)]
                _add_links(group, group["state_file"] or os.path.join(folder, name), entries_folder, root)


# ---------------------------------------------------------------------------------------------------------------------
# Whether they agree with themselves


def chosen_place(group: AlternativesGroup, root: Root = HOST) -> t.Optional[str]:
    """Return the one name of what the group's entry leads to, null where it leads nowhere."""
    return _place(group["entry"], group["chosen"], root) if group["chosen"] else None


def judge_links(
    group: AlternativesGroup, root: Root = HOST, comes_back: t.Callable[[str], bool] = lambda _path: False
) -> None:
    """Say of each choice whether its target exists, is chosen, and which slaves are not its own; add C(problems).

    C(comes_back) tells of a path that is gone whether a repair brings it back with its package.
    """
    chosen = chosen_place(group, root)
    for choice in group["choices"]:
        choice["chosen"] = choice["place"] == chosen
        choice["exists"] = root.exists(choice["target"])
        choice["astray"] = [
            one["name"]
            for one in group["governs"][1:]
            if _is_astray(one, choice["slaves"].get(one["name"]), root, comes_back)
        ]
    if group["choices"]:
        group["problems"] = list(_problems(group, comes_back))


def _is_astray(slave: GovernedLink, target: t.Optional[str], root: Root, comes_back: t.Callable[[str], bool]) -> bool:
    """Tell whether a slave should lead to C(target) and does not.

    Both programs may pass over a target that is not there, a manual page of a minimal host for example.
    """
    if not target or not (root.exists(target) or comes_back(root.canonical(target))):
        return False
    return not (slave["governed"] and leads_to(slave["entry"], target, root))


def _problems(group: AlternativesGroup, comes_back: t.Callable[[str], bool]) -> t.Iterator[str]:
    master = group["governs"][0]
    if not master["governed"]:
        yield "{0} does not lead to {1} but to {2}".format(
            master["path"], group["entry"], master["target"] or "nothing: it is not a link"
        )
    chosen = [choice for choice in group["choices"] if choice["chosen"]]
    if group["chosen"] is None:
        yield "{0} is missing or is not a link".format(group["entry"])
    elif not chosen:
        yield "{0} leads to {1}, which is not registered".format(group["entry"], group["chosen"])
    for slave in group["governs"][1:]:
        if group["own"] and chosen and slave["name"] in chosen[0]["astray"]:
            yield "{0} does not lead to {1}".format(slave["path"], chosen[0]["slaves"][slave["name"]])
    for choice in group["choices"]:
        if not choice["exists"] and not choice["owner"] and not comes_back(choice["place"]):
            yield "the registered target {0} is gone".format(choice["target"])
