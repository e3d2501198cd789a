# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The alternatives groups of a host, and what the package database says of all that they name."""

import typing as t

from .._disk.links import resolve
from .._disk.root import Root
from .alternatives import add_promised, chosen_place, judge_links, python_groups
from .contract import COMMAND
from .interpreters import parts_by_name
from .packaged_files import PackagedFiles
from .records import AlternativesGroup, Contract, ContractBinary

__all__ = ["Groups"]


class Groups:
    """The groups that govern Python, and those that the contract promises; judged when the owners are known.

    C(called) is what the release's own groups lead to, and would lead to, other than the contract's own files.
    """

    def __init__(self, contract: Contract, files: PackagedFiles, root: Root) -> None:
        self._contract = contract
        self._files = files
        self._root = root
        commands = [COMMAND] + [link["path"] for link in contract["links"]]
        self.found = python_groups(commands, files.shipped_by, root=root)
        add_promised(self.found, contract["alternatives"], root=root)
        self.called = self._called()

    def _called(self) -> t.List[str]:
        names: t.Set[str] = set()
        public = {one["path"] for group in self.found for one in group["governs"]}
        for group in self.found:
            if group["own"]:
                chosen = chosen_place(group, self._root)
                places = {choice["place"] for choice in group["choices"]}
                names.update(one["path"] for one in group["governs"] if one["name"] == group["name"])
                names.update(path for path in [chosen] if path)
                names.update(() if chosen in places else places)
        ends = {resolve(name, self._root)[-1]["path"] for name in names}
        return sorted(end for end in ends.difference(public) if end not in self._files.records)

    def parts_called(self) -> t.List[str]:
        """Return C(called), with what tells the packages of a library."""
        return [part for path in self.called for part in parts_by_name(path)]

    def runnable(self) -> t.Iterator[str]:
        """Yield the names of which the records of their packages are needed."""
        yield from self.parts_called()
        for group in self.found:
            yield from _public_paths(group)

    def choices(self) -> t.Set[str]:
        """Return what the groups offer."""
        return {choice["place"] for group in self.found for choice in group["choices"]}

    def led_to(self) -> t.Iterator[str]:
        """Yield what the links of the groups lead to now."""
        for group in self.found:
            yield from (one["leads_to"] for one in group["governs"] if one["leads_to"])
            yield from (path for path in [chosen_place(group, self._root)] if path)

    def judged(self) -> t.List[AlternativesGroup]:
        """Return the groups with owners and problems, without those that no package of this host makes."""
        for group in self.found:
            self._add_owners(group)
            judge_links(group, self._root, self._files.is_missing)
            # Where no package makes it, none is missed.
            group["own"] = group["own"] and bool(group["choices"] or group["makers"])
        groups = [group for group in self.found if group["own"] or self._root.lexists(group["state_file"])]
        own = {one["path"]: (group, one) for group in groups if group["own"] for one in group["governs"]}
        for group in groups:
            for one in group["governs"]:
                if not group["own"] and not one["package"] and one["path"] in own:
                    maker, link = own[one["path"]]
                    one["package"], one["expected"] = " or ".join(maker["makers"]), link["entry"]
        return groups

    def _add_owners(self, group: AlternativesGroup) -> None:
        files = self._files
        for one in group["governs"]:
            one["package"] = files.shipped_by(one["path"])
            one["expected"] = files.shipped_target(one["path"])
            one["owner"] = files.owner(one["leads_to"]) if one["leads_to"] else None
            one["due"] = files.shipped_file(one["path"])
        for choice in group["choices"]:
            choice["owner"] = files.owner(choice["place"])
        group["makers"] = files.makers_of_ghosts(_public_paths(group))
        chosen = chosen_place(group, self._root)
        group["chosen_owner"] = files.owner(chosen) if chosen else None

    def binaries(self) -> t.List[ContractBinary]:
        """Return the contract's interpreters, where they are due, and those of packages that a group leads to."""
        shipped = [(path, self._files.shipped_by(path)) for path in self.called]
        chosen = [ContractBinary(path=path, package=package, twins=[]) for path, package in shipped if package]
        return (self._contract["binaries"] if self._files.is_due else []) + chosen


def _public_paths(group: AlternativesGroup) -> t.List[str]:
    """Return the names that a group governs. Of one that does not tell, it is most often that of the group."""
    return [one["path"] for one in group["governs"]] or ["/usr/bin/" + group["name"]]
