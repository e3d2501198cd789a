# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read what a host's Python is: one pass, read only, five rpm processes at the most.

The result is plain data (see docs/architecture.md, "The way of the data"); the rules in _findings.py judge it.
"""

import concurrent.futures
import hashlib
import os
import re
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._alternatives import gone, python_groups
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import COMMAND, Contract
from ansible_collections.fleet.system_python.plugins.module_utils._environment import hijacks, search_paths
from ansible_collections.fleet.system_python.plugins.module_utils._interpreters import find_interpreters
from ansible_collections.fleet.system_python.plugins.module_utils._leftovers import (
    installation_traces,
    is_startup_file,
    pip_installed,
    pip_record,
    site_folders,
    standard_library_folders,
    suspects,
    trace_version,
)
from ansible_collections.fleet.system_python.plugins.module_utils._resolution import (
    Hop,
    end_of,
    kind_of,
    resolve,
    which,
)
from ansible_collections.fleet.system_python.plugins.module_utils._root import HOST, Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Owner, Rpm, RpmFile, RpmPackage
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import VerifyEntry, is_drift

__all__ = ["Observation", "discovery_candidates", "observe"]

Observation = t.Dict[str, t.Any]

_HASHES = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256, 96: hashlib.sha384, 128: hashlib.sha512}

# What INTERPRETER_PYTHON_FALLBACK holds per ansible-core release (config/base.yml): newest and oldest minor version.
_DISCOVERY = {
    (2, 16): (12, 6),
    (2, 17): (12, 7),
    (2, 18): (13, 8),
    (2, 19): (13, 8),
    (2, 20): (14, 9),
    (2, 21): (14, 9),
}
_DISCOVERY_NEWEST = (14, 9)

# What of the rules cannot be said of a system that is not running.
_NOT_OFFLINE = {
    "SP106": "no search path of a connection, only those in files",
    "SP107": "no variables of a connection, only those in files",
    "SP211": "the package manager is not started; only whether what it would run verifies",
    "SP501": "Ansible connects to running hosts only",
}


def observe(
    contract: Contract,
    rpm: Rpm,
    environ: t.Mapping[str, str],
    core_version: str = "",
    runner: CommandRunner = run_command,
    check_manager: bool = True,
    root: Root = HOST,
) -> Observation:
    """Return everything that the rules need to know of this host, or of the system in the folder C(root).

    C(environ) is the environment of the connection, C(core_version) the running ansible-core's ("2.19.14", empty when
    unknown). With C(check_manager) the package manager is started, if all that it needs verifies. Of another root
    nothing is started, C(environ) and C(core_version) say nothing about it, and C(rpm) reads its database. Raises
    DatabaseError.
    """
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        return _Observer(contract, rpm, environ, core_version, runner, pool, root).observe(check_manager)


def discovery_candidates(core_version: str) -> t.List[str]:
    """Return the names that ansible-core's interpreter discovery tries, in its order."""
    match = re.match(r"^(\d+)\.(\d+)", core_version)
    key = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    newest, oldest = _DISCOVERY.get(key, _DISCOVERY_NEWEST)
    names = ["python3.{0}".format(minor) for minor in range(newest, oldest - 1, -1)]
    return names + ["/usr/bin/python3", "python3"]


class _Observer:
    """One pass over the host; the attributes are what the steps share."""

    def __init__(
        self,
        contract: Contract,
        rpm: Rpm,
        environ: t.Mapping[str, str],
        core_version: str,
        runner: CommandRunner,
        pool: concurrent.futures.Executor,
        root: Root,
    ) -> None:
        self.contract = contract
        self.rpm = rpm
        self.root = root
        self.environ = environ if root.is_host else {}
        self.core_version = core_version
        self.runner = runner
        self.pool = pool
        self.packages: t.Dict[str, RpmPackage] = {}
        self.records: t.Dict[str, t.Tuple[str, RpmFile]] = {}
        self.owners: t.Dict[str, t.List[Owner]] = {}
        self.drift: t.Dict[str, VerifyEntry] = {}
        self.judged: t.Dict[str, t.Optional[bool]] = {}

    def observe(self, check_manager: bool) -> Observation:
        """Do the pass."""
        names = list(self.contract["packages"]) + list(self.contract["optional_packages"])
        query = self.rpm.query(names)
        self._take(query.packages)
        verification = self.pool.submit(self.rpm.verify, sorted(self.packages))
        paths = search_paths(self.environ, self.root.folder)
        settings = hijacks(self.environ, self.root.folder)
        chains = {name: self._chain(name) for name in ("python3", "python")}
        interpreters = self._interpreters(paths)
        choice = self._ansible_choice()
        groups = python_groups(root=self.root)
        planted, traces = self._unknown_files()
        runnable = {hop["path"] for chain in chains.values() for hop in chain}
        runnable.update(path for record in interpreters for path in (record["path"], record["realpath"]) if path)
        runnable.update(path for path in (choice, self.root.realpath(choice or "/")) if path)
        asked = runnable.union(planted, traces, (link["path"] for link in self.contract["links"]))
        asked.update(one["path"] for group in groups for one in group["governs"])
        asked.update(one["leads_to"] for group in groups for one in group["governs"] if one["leads_to"])
        asked.update(choice["target"] for group in groups for choice in group["choices"])
        asked.update(one["path"] for one in settings if "path" in one)
        self.owners = self.rpm.owners(sorted(asked))
        verified = verification.result()
        self.drift = {entry.path: entry for entry in verified.entries if is_drift(entry)}
        self._take_outsiders(runnable)
        observation: Observation = {
            "contract": self.contract,
            "root": self.root.folder,
            "packages": {name: package.nevra for name, package in sorted(self.packages.items())},
            "evr": {name: package.evr for name, package in self.packages.items() if name in names},
            "missing_packages": self._missing(),
            "duplicate_packages": _duplicates(query.packages),
            "verification": {"partial": verified.partial, "seconds": round(verified.elapsed, 3)},
            "links": [self._contract_link(link) for link in self.contract["links"] if self._is_due(link)],
            "binaries": [self._binary(binary) for binary in self.contract["binaries"]],
            "drift": [self._drift(entry) for entry in self.drift.values()],
            "resolution": {name: self._shaped_chain(chain) for name, chain in chains.items()},
            "command": self._command(chains["python3"]),
            "interpreters": [self._interpreter(record) for record in interpreters],
            "alternatives": [self._group(group) for group in groups],
            "search_paths": paths,
            "shadowing": self._shadowing(paths),
            "hijacks": [dict(one, owner=self._owner(one["path"]) if "path" in one else None) for one in settings],
            "planted": self._planted(planted),
            "traces": self._traces(traces, groups),
            "ansible": self._shaped_choice(choice),
            "selinux": _selinux(self.root),
        }
        observation["manager"] = self._manager() if check_manager else _not_checked("not asked for")
        observation["not_checked"] = self._left_out(check_manager)
        observation["rpm_processes"] = self.rpm.calls
        return observation

    def _take(self, packages: t.Iterable[RpmPackage]) -> None:
        for package in packages:
            self.packages[package.name] = package
            for record in package.files:
                # The first one counts: the contract's package, where another one has taken its file over.
                self.records.setdefault(record.path, (package.name, record))

    def _chain(self, name: str) -> t.List[Hop]:
        return resolve("/usr/bin/" + name, self.root)

    def _interpreters(self, paths: t.List[t.Dict[str, t.Any]]) -> t.List[t.Dict[str, t.Any]]:
        folders: t.List[str] = []
        for one in paths:
            folders.extend(folder for folder in one["folders"] if folder not in folders)
        return find_interpreters(folders, root=self.root.folder)

    def _unknown_files(self) -> t.Tuple[t.List[str], t.List[str]]:
        libraries = standard_library_folders(self.contract["version"], self.root)
        sites = site_folders(self.records, libraries, self.root)
        # A %ghost vouches for the name, not for what lies there.
        real = {path for path, (_package, record) in self.records.items() if not record.is_ghost}
        return suspects(libraries, sites, self.records, self.root), installation_traces(real, root=self.root)

    def _take_outsiders(self, runnable: t.Iterable[str]) -> None:
        """Read the records of packages outside the contract that own what may run, so that it can be judged."""
        names = {owner.name for path in runnable for owner in self.owners.get(path, [])} - set(self.packages)
        if names:
            self._take(self.rpm.query(sorted(names)).packages)

    def _verified(self, path: str) -> t.Optional[bool]:
        """Tell whether rpm vouches for what lies at C(path): null when no package ships it, as for a %ghost."""
        if path not in self.judged:
            self.judged[path] = self._judge(path)
        return self.judged[path]

    def _judge(self, path: str) -> t.Optional[bool]:
        name, record = self.records.get(path, (None, None))
        if record is None or record.is_ghost:
            return None
        if name in self.contract["packages"] or name in self.contract["optional_packages"]:
            return path not in self.drift
        return _matches(record, self.root)

    def _shaped_chain(self, chain: t.List[Hop]) -> t.List[t.Dict[str, t.Any]]:
        if chain[0]["kind"] == "missing":
            return []
        return [
            {
                "path": hop["path"],
                "kind": hop["kind"],
                "target": hop["target"],
                "owner": self._owner(hop["path"]),
                "verified": self._verified(hop["path"]),
            }
            for hop in chain
        ]

    def _missing(self) -> t.List[str]:
        return [name for name in self.contract["packages"] if name not in self.packages]

    def _planted(self, paths: t.Iterable[str]) -> t.List[t.Dict[str, t.Any]]:
        # While an owner is missing from the database, its own files look as if nobody owned them.
        if self._missing():
            return []
        return [_planted(path, self.root) for path in paths if not self.owners.get(path)]

    def _traces(self, paths: t.Sequence[str], groups: t.Sequence[t.Dict[str, t.Any]]) -> t.List[t.Dict[str, t.Any]]:
        """Return what no package owns, and the ghosts that lead to a version of which no package owns anything.

        A name without a version is left out when it leads to what a package owns: what it should be is a policy.
        """
        unversioned = self.contract["unversioned"]["path"]
        packaged = {trace_version(path) for path in paths if self.owners.get(path) and not self._is_ghost(path)}
        packaged.add(self.contract["version"])
        found = [_trace(path, groups, self.root) for path in paths if not self.owners.get(path)]
        foreign = {trace["version"] for trace in found} - packaged - {None}
        public = {one["path"] for group in groups for one in group["governs"]}
        ghosts = [path for path in paths if self._is_ghost(path) and path not in public]
        found = [trace for trace in found if trace["path"] != unversioned or trace["version"] in foreign]
        if self._missing():
            found = [trace for trace in found if trace["version"] in foreign]
        return found + [
            trace for trace in (_trace(path, groups, self.root) for path in ghosts) if trace["version"] in foreign
        ]

    def _is_ghost(self, path: str) -> bool:
        return path in self.records and self.records[path][1].is_ghost

    def _owner(self, path: str) -> t.Optional[str]:
        owners = self.owners.get(path, [])
        if owners:
            return ", ".join(sorted({owner.name for owner in owners}))
        return self.records[path][0] if path in self.records else None

    def _is_due(self, link: t.Dict[str, t.Any]) -> bool:
        """Tell whether this host should have the link: one of an optional package only where that is installed."""
        return link["package"] in self.contract["packages"] or link["package"] in self.packages

    def _command(self, chain: t.List[Hop]) -> t.Dict[str, t.Any]:
        """Return where /usr/bin/python3 leads, for a release whose packages ship no link of this name."""
        leads_to = end_of(chain)
        ghosts = [name for name, package in sorted(self.packages.items()) if self._has_ghost(package, COMMAND)]
        return {
            "path": COMMAND,
            "kind": kind_of(COMMAND, self.root),
            "target": chain[0]["target"],
            "leads_to": leads_to,
            "owner": self._owner(leads_to) if leads_to else None,
            "made_by": ghosts[0] if ghosts else None,
        }

    def _has_ghost(self, package: RpmPackage, path: str) -> bool:
        return any(record.path == path and record.is_ghost for record in package.files)

    def _contract_link(self, link: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        chain = resolve(link["path"], self.root)
        owned = self.records.get(link["path"])
        expected = owned[1].linkto if owned and owned[1].linkto else link["target"]
        return {
            "path": link["path"],
            "package": link["package"],
            "owner": self._owner(link["path"]),
            "expected": expected,
            "kind": kind_of(link["path"], self.root),
            "target": chain[0]["target"],
            "chain": chain,
            "leads_to": end_of(chain),
            # The file that the packaged link would run.
            "due": end_of(resolve(os.path.join(os.path.dirname(link["path"]), expected), self.root)),
        }

    def _binary(self, binary: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        names = [binary["path"]] + list(binary["twins"])
        return {
            "path": binary["path"],
            "package": binary["package"],
            "names": [
                {
                    "path": name,
                    "kind": kind_of(name, self.root),
                    "target": self.root.readlink(name) if self.root.islink(name) else None,
                    "size": _size(name, self.root),
                    "mode": _mode(name, self.root),
                    "inode": _inode(name, self.root),
                    "owner": self._owner(name),
                    "drift": self._drift(self.drift[name]) if name in self.drift else None,
                }
                for name in names
            ],
        }

    def _drift(self, entry: VerifyEntry) -> t.Dict[str, t.Any]:
        package, record = self.records.get(entry.path, (None, None))
        return {
            "path": entry.path,
            "package": package,
            "missing": entry.missing,
            "flags": entry.flags,
            "altered": list(entry.altered) + _type_altered(entry, record, self.root),
            "unreadable": list(entry.unreadable),
            "note": entry.note,
            "reason": entry.reason,
            "kind": kind_of(entry.path, self.root),
            "pip_record": pip_record(entry.path, self.root),
            "expected": _expected(record) if record else {},
            "actual": _actual(entry.path, record, self.root),
        }

    def _interpreter(self, record: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        shaped = dict(record)
        shaped["owner"] = self._owner(record["realpath"] or record["path"])
        shaped["verified"] = self._verified(record["realpath"] or record["path"])
        return shaped

    def _group(self, group: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        shaped = dict(group)
        shaped["governs"] = [
            dict(
                one,
                package=self._packaged_by(one["path"]),
                expected=self._packaged_link(one["path"]),
                owner=self._owner(one["leads_to"]) if one["leads_to"] else None,
                due=self._due(one["path"]),
            )
            for one in group["governs"]
        ]
        shaped["choices"] = [dict(choice, owner=self._owner(choice["target"])) for choice in group["choices"]]
        # What a package owns comes back with it: that is a finding about the package, not about the group.
        owned = {gone(choice["target"]) for choice in shaped["choices"] if choice["owner"]}
        shaped["problems"] = [problem for problem in group["problems"] if problem not in owned]
        return shaped

    def _due(self, path: str) -> t.Optional[str]:
        """Return the file that a packaged name would run, null where no package ships the name."""
        if not self._packaged_by(path):
            return None
        target = self._packaged_link(path)
        return end_of(resolve(os.path.join(os.path.dirname(path), target), self.root)) if target else path

    def _packaged_by(self, path: str) -> t.Optional[str]:
        """Return the package that ships C(path) as a real file or link; a %ghost is made for alternatives."""
        if path in self.records and not self.records[path][1].is_ghost:
            return self.records[path][0]
        return None

    def _packaged_link(self, path: str) -> t.Optional[str]:
        return self.records[path][1].linkto or None if self._packaged_by(path) else None

    def _shadowing(self, paths: t.List[t.Dict[str, t.Any]]) -> t.List[t.Dict[str, t.Any]]:
        """Return, once per file, the python3 that a search path puts before the contract's."""
        if kind_of(COMMAND, self.root) == "missing" and not any(
            link["path"] == COMMAND for link in self.contract["links"]
        ):
            # Then there is nothing that another one could come before.
            return []
        found: t.Dict[str, t.Dict[str, t.Any]] = {}
        for one in paths:
            hit = which("python3", one["folders"], self.root)
            if hit is None or self.root.canonical(hit) == COMMAND:
                continue
            shadow: t.Dict[str, t.Any] = {
                "path": hit,
                "leads_to": self.root.realpath(hit),
                "owner": self._owner(hit),
                "who": [],
            }
            record = found.setdefault(hit, shadow)
            record["who"].append("{0} ({1})".format(one["who"], one["source"]))
        return list(found.values())

    def _ansible_choice(self) -> t.Optional[str]:
        """Return the interpreter that ansible-core's discovery would choose, null when it would find none."""
        if not self.root.is_host:
            return None
        folders = [folder for folder in self.environ.get("PATH", "").split(":") if folder]
        for name in discovery_candidates(self.core_version):
            hit = name if name.startswith("/") and os.access(name, os.X_OK) else which(name, folders)
            if hit:
                return hit
        return None

    def _shaped_choice(self, path: t.Optional[str]) -> t.Dict[str, t.Any]:
        if path is None:
            return {"path": None, "realpath": None, "verified": None, "owner": None}
        real = os.path.realpath(path)
        return {"path": path, "realpath": real, "verified": self._verified(real), "owner": self._owner(real)}

    def _manager(self) -> t.Dict[str, t.Any]:
        manager = self.contract["manager"]
        if not manager:
            return _not_checked("the contract names no package manager")
        command = manager["argv"][0]
        if kind_of(command, self.root) == "missing":
            return _not_checked("{0} is not installed".format(command))
        blocked = self._blocks(manager)
        if blocked:
            reason = "{0} {1} not verify".format(", ".join(blocked[:5]), "does" if len(blocked) == 1 else "do")
            return dict(_not_checked(reason), name=manager["name"], blocked=blocked)
        if not self.root.is_host:
            return dict(_not_checked("of this root nothing is started"), name=manager["name"])
        done = self.runner(manager["argv"], timeout=30)
        if done.rc == 0:
            return {"name": manager["name"], "state": "works", "reason": "", "blocked": []}
        reason = done.error("the package manager does not start").message
        return {"name": manager["name"], "state": "broken", "reason": reason, "blocked": []}

    def _left_out(self, check_manager: bool) -> t.Dict[str, str]:
        """Return the rules that were not, or only partly, applied, each with the reason."""
        if not self.root.is_host:
            return dict(_NOT_OFFLINE)
        return {} if check_manager else {"SP211": "not asked for"}

    def _blocks(self, manager: t.Dict[str, t.Any]) -> t.List[str]:
        """Return the files that the manager would run and that rpm does not vouch for: then it is not started."""
        program = [hop["path"] for hop in resolve(manager["argv"][0], self.root)]
        blocked = [path for path in program if not self._verified(path)]
        needed = set(manager["packages"])
        if not manager["interpreter"]:
            return sorted(set(blocked).union(self._drifted(needed)))
        interpreter = [hop["path"] for hop in resolve(manager["interpreter"], self.root)]
        blocked += [path for path in interpreter if not self._verified(path)]
        blocked += self._missing()
        blocked += self._startup_files()
        # Of these packages it runs the library; other commands beside the interpreter do not matter to it.
        commands = os.path.dirname(manager["interpreter"]) + "/"
        links = {link["path"] for link in self.contract["links"]}
        drifted = self._drifted(needed.union(self.contract["packages"])) - links
        return sorted(set(blocked).union(path for path in drifted if not path.startswith(commands)))

    def _drifted(self, packages: t.Container[str]) -> t.Set[str]:
        return {path for path in self.drift if path in self.records and self.records[path][0] in packages}

    def _startup_files(self) -> t.List[str]:
        libraries = standard_library_folders(self.contract["version"], self.root)
        found = suspects(libraries, site_folders(self.records, libraries, self.root), self.records, self.root)
        return [path for path in found if not self.owners.get(path) and is_startup_file(path)]


def _not_checked(reason: str) -> t.Dict[str, t.Any]:
    return {"name": None, "state": "not checked", "reason": reason, "blocked": []}


def _duplicates(packages: t.Iterable[RpmPackage]) -> t.Dict[str, t.List[str]]:
    found: t.Dict[str, t.List[str]] = {}
    for package in packages:
        found.setdefault(package.name, []).append(package.nevra)
    return {name: nevras for name, nevras in found.items() if len(nevras) > 1}


def _type_altered(entry: VerifyEntry, record: t.Optional[RpmFile], root: Root) -> t.List[str]:
    """Return C(["type"]) when another kind of file lies there: of a directory in a link's place rpm says only M."""
    if record is None or entry.missing or record.kind == kind_of(entry.path, root):
        return []
    return ["type"]


def _planted(path: str, root: Root) -> t.Dict[str, t.Any]:
    return {"path": path, "runs_at_startup": is_startup_file(path), "by_pip": pip_installed(path, root)}


def _trace(path: str, groups: t.Iterable[t.Dict[str, t.Any]], root: Root) -> t.Dict[str, t.Any]:
    governed = any(
        one["path"] == path and one["target"] == one["entry"] for group in groups for one in group["governs"]
    )
    return {"path": path, "version": trace_version(path, root), "governed": governed}


def _size(path: str, root: Root) -> t.Optional[int]:
    return root.lstat(path).st_size if root.lexists(path) else None


def _mode(path: str, root: Root) -> t.Optional[int]:
    return root.lstat(path).st_mode if root.lexists(path) else None


def _inode(path: str, root: Root) -> t.Optional[str]:
    if not root.lexists(path):
        return None
    found = root.lstat(path)
    return "{0}:{1}".format(found.st_dev, found.st_ino)


def _expected(record: RpmFile) -> t.Dict[str, t.Any]:
    if record.linkto:
        return {"link_target": record.linkto}
    return {
        "digest": record.digest,
        "size": record.size,
        "mode": "{0:04o}".format(stat.S_IMODE(record.mode)),
        "owner": record.owner,
        "group": record.group,
    }


def _actual(path: str, record: t.Optional[RpmFile], root: Root) -> t.Dict[str, t.Any]:
    if not root.lexists(path):
        return {}
    found = root.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        return {"link_target": root.readlink(path)}
    shaped = {
        "size": found.st_size,
        "mode": "{0:04o}".format(stat.S_IMODE(found.st_mode)),
        "uid": found.st_uid,
        "gid": found.st_gid,
    }
    if stat.S_ISREG(found.st_mode):
        shaped["digest"] = _digest(path, len(record.digest) if record else 64, root)
    return shaped


def _digest(path: str, length: int, root: Root) -> t.Optional[str]:
    hasher = _HASHES.get(length, hashlib.sha256)()
    try:
        with root.open(path) as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                hasher.update(block)
    except PermissionError:
        # An unprivileged audit may not read it; null is how the facts say so.
        return None
    return hasher.hexdigest()


def _matches(record: RpmFile, root: Root) -> bool:
    """Tell whether the file on disk is the one of the record (target of a link; size, mode and digest of a file)."""
    try:
        found = root.lstat(record.path)
    except OSError:
        return False
    if stat.S_IFMT(found.st_mode) != stat.S_IFMT(record.mode):
        return False
    if stat.S_ISLNK(found.st_mode):
        return root.readlink(record.path) == record.linkto
    if found.st_mode != record.mode or found.st_size != record.size or found.st_uid != 0:
        return False
    return _digest(record.path, len(record.digest), root) == record.digest


def _selinux(root: Root, config: str = "/etc/selinux/config") -> t.Dict[str, t.Any]:
    """Return C({configured, line}): the mode in the configuration file, null where there is none."""
    # A pipe in its place would end the check of an image, and hold up that of a host for ever.
    if not root.isfile(config):
        return {"configured": None, "source": None}
    with root.open(config) as stream:
        lines = os.fsdecode(stream.read()).splitlines()
    for number, line in enumerate(lines, 1):
        match = re.match(r"^\s*SELINUX\s*=\s*(\w+)", line)
        if match:
            return {"configured": match.group(1).lower(), "source": "{0}:{1}".format(config, number)}
    return {"configured": None, "source": None}
