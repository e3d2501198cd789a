# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Turn a verification into plain data: for each file what the package promises, and what is on the disk.

C(verify_info) asks the package database, C(Disk) reads the file system, the rest shapes.
"""

import base64
import errno
import grp
import hashlib
import os
import pwd
import re
import stat
import struct
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import UnknownPlatformError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import (
    Rpm,
    RpmFile,
    RpmPackage,
    Verification,
    label,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import NO_FLAGS, VerifyEntry, is_drift
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = [
    "Disk",
    "Request",
    "capability_text",
    "expected_of",
    "file_info",
    "normal_capabilities",
    "os_release_text",
    "state_of",
    "verify_info",
]

Info = t.Dict[str, t.Any]
Clock = t.Callable[[], float]

# The kernel's capability numbers (linux/capability.h) in their order.
_CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin "
    "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override "
    "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()
_CLAUSE = re.compile(r"([A-Za-z0-9_,]*)((?:[-+=][eip]*)+)\Z")
_CAPABILITY_ATTRIBUTE = "security.capability"
# struct vfs_cap_data: revision in the highest byte, the effective bit, then pairs of permitted and inheritable words.
_CAPABILITY_WORDS = {0x01: 1, 0x02: 2, 0x03: 2}

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
_MOST_LINKS = 40
_CHUNK = 1 << 20
_NOT_FOR_SECURITY = {"usedforsecurity": False}  # type: t.Dict[str, t.Any]

# The words of VerifyEntry that are named differently in results, where the names are those of stat and file modules.
_RENAMED = {"link": "link_target", "user": "owner"}

_DEVIATING = ("altered", "missing", "replaced", "unreadable")
# RPMVERIFY_FILEDIGEST of rpm's rpmvf.h, absent for what was packaged with %verify(not filedigest).
_VERIFIES_DIGEST = 1 << 0


class Request(t.NamedTuple):
    """What is to be verified.

    C(packages) must be installed, C(optional) are verified where they are. With C(paths) the owners of these absolute
    paths are verified instead and only the paths themselves are told of. Files of a type in C(exclude) do not count.
    C(include_intact) adds the files that are as they should be, C(drift_only) leaves out deviations that a
    healthy host may have. C(timeout) is in seconds.
    """

    packages: t.Sequence[str] = ()
    optional: t.Sequence[str] = ()
    paths: t.Sequence[str] = ()
    exclude: t.Sequence[str] = ()
    include_intact: bool = False
    drift_only: bool = False
    timeout: float = 120.0


class Disk:
    """The file system as it is, seen from C(root) (links in it do not lead out of it)."""

    def __init__(self, root: t.Optional[str] = None, clock: Clock = time.time) -> None:
        self._root = (root or "/").rstrip("/")
        self._clock = clock
        self._folders = {}  # type: t.Dict[str, str]
        self._users = _names_in(self.resolve("/etc/passwd")) if self._root else None
        self._groups = _names_in(self.resolve("/etc/group")) if self._root else None

    def resolve(self, path: str) -> str:
        """Return where C(path) is, as a path of this process: links in its folders are followed inside the root."""
        return self._root + self.canonical(path)

    def canonical(self, path: str) -> str:
        """Return C(path) as seen from the root, without links in its folders; its last part is left as it is."""
        folder, _slash, name = path.rstrip("/").rpartition("/")
        if not name:
            return "/"
        if folder not in self._folders:
            self._folders[folder] = self._without_links(folder)
        return os.path.join(self._folders[folder], name)

    def read(self, path: str, algorithm: str, deadline: float, digest: bool = True) -> Info:
        """Return what C(path) is, with the keys of C(expected_of); raises OSError when it cannot be looked at.

        What cannot be read of it is null, and why is in C(errors) (a list of sentences). The digest is
        calculated until C(deadline) (seconds of the clock), and not at all without C(digest).
        """
        real = self.resolve(path)
        found = os.lstat(real)
        kind = _kind(found.st_mode)
        errors = []  # type: t.List[str]
        actual = {
            "kind": kind,
            "size": found.st_size,
            "mode": _mode(found.st_mode),
            "owner": self._owner(found.st_uid),
            "group": self._group(found.st_gid),
            "mtime": int(found.st_mtime),
            "digest": None,
            "link_target": None,
            "capabilities": None,
        }  # type: Info
        if kind == "link":
            actual["link_target"] = _tried(errors, "link target", lambda: json_text(os.readlink(real)))
        if kind == "file":
            actual["capabilities"] = _tried(errors, "capabilities", lambda: _capabilities_of(real))
            if digest:
                actual["digest"] = _tried(errors, "digest", lambda: self._digest(real, algorithm, deadline))
        actual["errors"] = errors
        return actual

    def text(self, path: str) -> t.Optional[str]:
        """Return the content of the file C(path), links followed inside the root, or null where there is none."""
        for _number in range(_MOST_LINKS):
            real = self.resolve(path)
            if not os.path.islink(real):
                break
            path = os.path.join(os.path.dirname(self.canonical(path)), os.readlink(real))
        if not os.path.isfile(real):
            return None
        with open(real, "rb") as stream:
            return os.fsdecode(stream.read())

    def _without_links(self, folder: str) -> str:
        """Return C(folder) without links, as the kernel would resolve it were the root its root."""
        rest = [part for part in folder.split("/") if part][::-1]
        done = []  # type: t.List[str]
        links = 0
        while rest:
            part = rest.pop()
            if part in (".", ".."):
                done = done[:-1] if part == ".." else done
                continue
            here = "/" + "/".join(done + [part])
            if links < _MOST_LINKS and os.path.islink(self._root + here):
                links += 1
                target = os.readlink(self._root + here)
                done = [] if target.startswith("/") else done
                rest += [piece for piece in target.split("/") if piece][::-1]
            else:
                done.append(part)
        return "/" + "/".join(done)

    def _digest(self, real: str, algorithm: str, deadline: float) -> str:
        digest = _new_hash(algorithm)
        # What was a file a moment ago may be a pipe or a link now; neither is waited for or followed.
        number = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(number, "rb") as stream:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file any more")
            while True:
                if self._clock() > deadline:
                    raise OSError(errno.ETIMEDOUT, "the time limit is over")
                chunk = stream.read(_CHUNK)
                if not chunk:
                    return digest.hexdigest()
                digest.update(chunk)

    def _owner(self, number: int) -> str:
        if self._users is not None:
            return self._users.get(number, str(number))
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return str(number)

    def _group(self, number: int) -> str:
        if self._groups is not None:
            return self._groups.get(number, str(number))
        try:
            return grp.getgrgid(number).gr_name
        except KeyError:
            return str(number)


def os_release_text(disk: Disk) -> str:
    """Return the text of the os-release file; raises UnknownPlatformError when there is none."""
    for path in _OS_RELEASE:
        text = disk.text(path)
        if text is not None:
            return text
    raise UnknownPlatformError(
        "There is no os-release file ({0}), so the operating system is unknown. Name the packages in the option "
        "'packages', or give a contract of your own in the option 'contract'.".format(", ".join(_OS_RELEASE))
    )


def verify_info(rpm: Rpm, disk: Disk, request: Request, clock: Clock = time.time) -> Info:
    """Verify what C(request) asks for and return the results of the module rpm_verify_info.

    Two rpm processes; one more for C(paths), and one more when another package took files over.
    """
    begin = clock()
    owners = rpm.owners(request.paths) if request.paths else {}
    unowned = [path for path, found in owners.items() if not found]
    names = list(request.packages) + list(request.optional)
    names += [label(owner.nevra) for found in owners.values() for owner in found]
    names = list(dict.fromkeys(names))
    query = rpm.query(names)
    installed = [name for name in names if name not in query.missing]
    verification = rpm.verify(installed, timeout=request.timeout, packages=query.packages)
    survey = _Survey(query.packages, verification, request)
    selection = _requested(survey, disk, request.paths) if request.paths else None
    deadline = begin + max(request.timeout, verification.elapsed + 1.0)
    chosen = range(len(survey.files)) if selection is None else sorted(selection)
    shown = [index for index in chosen if selection or request.include_intact or survey.counts(index)]
    files = [_told(survey, index, disk, deadline, (selection or {}).get(index, "")) for index in shown]
    _name_takers(rpm, files)
    not_installed = [name for name in query.missing if name not in request.optional]
    incomplete = bool(not_installed or unowned or verification.partial)
    return {
        "packages": [survey.package_info(number) for number in range(len(query.packages))],
        "files": files,
        "not_installed": not_installed,
        "unowned_files": [json_text(path) for path in unowned],
        "partial": verification.partial,
        "unverified_packages": verification.unverified,
        "intact": not incomplete and not any(survey.counts(index) for index in chosen),
        "elapsed": round(clock() - begin, 3),
    }


def state_of(entry: t.Optional[VerifyEntry], file: RpmFile, exclude: t.Sequence[str] = ()) -> str:
    """Return V(ok), V(altered), V(missing), V(replaced), V(unreadable) or V(excluded) for C(file).

    C(entry) is what rpm said of it, null when it said nothing. A file of a type in C(exclude) is V(excluded).
    """
    if set(file.types).intersection(exclude):
        return "excluded"
    if entry is None:
        return "ok"
    if entry.note == "replaced":
        return "replaced"
    if entry.missing:
        return "unreadable" if entry.reason else "missing"
    if entry.altered:
        return "altered"
    return "unreadable" if entry.unreadable else "ok"


def expected_of(file: RpmFile) -> Info:
    """Return what the package promises of C(file), null for what it does not promise for such a file."""
    is_file = file.kind == "file" and not file.is_ghost
    return {
        "kind": file.kind,
        "size": file.size if is_file else None,
        "mode": _mode(file.mode) if file.kind != "link" else None,
        "owner": json_text(file.owner),
        "group": json_text(file.group),
        "mtime": file.mtime if is_file else None,
        "digest": file.digest or None if is_file else None,
        "link_target": json_text(file.linkto) if file.kind == "link" and not file.is_ghost else None,
        "capabilities": normal_capabilities(file.caps) if is_file else None,
    }


def file_info(
    package: RpmPackage, file: RpmFile, entry: t.Optional[VerifyEntry], state: str, disk: Disk, deadline: float
) -> Info:
    """Return everything about C(file) of C(package) as plain data.

    C(entry) is what rpm said of it (null: nothing) and C(state) what follows; see C(Disk.read) for C(deadline).
    """
    info = _path_info(file.path)
    info.update(
        {
            "package": package.nevra,
            "state": state,
            "drift": entry is not None and state in _DEVIATING and is_drift(entry),
            "flags": NO_FLAGS,
            "attribute": file.attribute,
            "types": list(file.types),
            "rpm_state": file.state,
            "reason": "",
            "altered": [],
            "unreadable": [],
            "expected": expected_of(file),
        }
    )
    if entry is not None:
        info["flags"] = "missing" if entry.missing else entry.flags
        info["reason"] = entry.reason
        info["altered"] = _result_words(entry.altered)
        info["unreadable"] = _result_words(entry.unreadable)
    info.update(_actual(package, file, _has_promised_digest(file, entry, state), disk, deadline))
    return info


def _has_promised_digest(file: RpmFile, entry: t.Optional[VerifyEntry], state: str) -> bool:
    """Return whether rpm has just found that the content is as promised, so that it need not be read again."""
    if file.kind != "file" or file.is_ghost or file.state != "normal" or state == "unverified":
        return False
    if not file.verify_flags & _VERIFIES_DIGEST:
        return False
    return entry is None or not (entry.missing or entry.flags[2] != "." or "link" in entry.altered)


def _actual(package: RpmPackage, file: RpmFile, intact: bool, disk: Disk, deadline: float) -> Info:
    try:
        actual = disk.read(file.path, package.digest_algorithm, deadline, digest=not intact)
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ENOTDIR)
        return {"actual": None, "actual_errors": [] if gone else [os.strerror(error.errno or 0)]}
    errors = actual.pop("errors")
    if intact and actual["kind"] == "file":
        actual["digest"] = file.digest
    return {"actual": actual, "actual_errors": errors}


class _Survey:
    """The files of all packages in the order of the verification, each with what rpm said of it."""

    def __init__(self, packages: t.Sequence[RpmPackage], verification: Verification, request: Request) -> None:
        self.packages = packages
        self.files = [(number, file) for number, package in enumerate(packages) for file in package.files]
        self.entries = {place: entry for place, entry in zip(verification.places, verification.entries) if place >= 0}
        self._unverified = frozenset(verification.unverified)
        self._request = request

    def state(self, index: int) -> str:
        number, file = self.files[index]
        entry = self.entries.get(index)
        state = state_of(entry, file, self._request.exclude)
        if entry is None and state == "ok" and self.packages[number].nevra in self._unverified:
            return "unverified"
        return state

    def counts(self, index: int) -> bool:
        """Return whether the file deviates in a way that was asked for."""
        if self.state(index) not in _DEVIATING:
            return False
        return not self._request.drift_only or is_drift(self.entries[index])

    def package_info(self, number: int) -> Info:
        package = self.packages[number]
        verified = package.nevra not in self._unverified
        deviations = sum(self.files[index][0] == number and self.counts(index) for index in self.entries)
        return {
            "name": package.name,
            "epoch": package.epoch,
            "version": package.version,
            "release": package.release,
            "arch": package.arch,
            "nevra": package.nevra,
            "verified": verified,
            "intact": verified and not deviations,
            "deviations": deviations,
        }


def _requested(survey: _Survey, disk: Disk, paths: t.Sequence[str]) -> t.Dict[int, str]:
    """Return, by place, the path that was asked for; it may lead to the packaged one through a linked folder."""
    by_name = {}  # type: t.Dict[str, t.List[int]]
    for index, (_number, file) in enumerate(survey.files):
        by_name.setdefault(os.path.basename(file.path), []).append(index)
    requested = {}
    for path in paths:
        candidates = by_name.get(os.path.basename(path.rstrip("/")), [])
        same = [index for index in candidates if survey.files[index][1].path == path]
        if not same:
            canonical = disk.canonical(path)
            same = [index for index in candidates if disk.canonical(survey.files[index][1].path) == canonical]
        requested.update(dict.fromkeys(same, path))
    return requested


def _told(survey: _Survey, index: int, disk: Disk, deadline: float, requested: str) -> Info:
    number, file = survey.files[index]
    info = file_info(survey.packages[number], file, survey.entries.get(index), survey.state(index), disk, deadline)
    if requested and requested != file.path:
        info["requested"] = json_text(requested)
    return info


def _name_takers(rpm: Rpm, files: t.Sequence[Info]) -> None:
    """Add to files whose state is V(replaced) which packages own their paths now."""
    taken = [info for info in files if info["state"] == "replaced"]
    if not taken:
        return
    owners = rpm.owners([_original(info) for info in taken])
    for info in taken:
        info["replaced_by"] = [owner.nevra for owner in owners[_original(info)]]


def _path_info(path: str) -> Info:
    info = {"path": json_text(path)}
    if printable(path) != path:
        info["path_printable"] = printable(path)
    if info["path"] != path:
        info["path_base64"] = base64.b64encode(os.fsencode(path)).decode("ascii")
    return info


def _original(info: Info) -> str:
    if "path_base64" in info:
        return os.fsdecode(base64.b64decode(info["path_base64"]))
    return info["path"]


def _result_words(words: t.Iterable[str]) -> t.List[str]:
    return [_RENAMED.get(word, word) for word in words]


def _kind(mode: int) -> str:
    kinds = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "directory"}
    return kinds.get(stat.S_IFMT(mode), "other")


def _mode(mode: int) -> str:
    return "{0:04o}".format(stat.S_IMODE(mode))


def _tried(errors: t.List[str], what: str, read: t.Callable[[], t.Optional[str]]) -> t.Optional[str]:
    try:
        return read()
    except (OSError, ValueError) as error:
        errors.append("{0}: {1}".format(what, getattr(error, "strerror", None) or error))
        return None


def _new_hash(algorithm: str) -> t.Any:
    if algorithm == "md5":
        try:
            # Old packages have nothing better, and where FIPS rules this is what lets it be compared.
            return hashlib.new(algorithm, **_NOT_FOR_SECURITY)
        except TypeError:
            # Python 3.8 and older know no such distinction.
            return hashlib.new(algorithm)
    return hashlib.new(algorithm)


def _names_in(path: str) -> t.Dict[int, str]:
    """Return the names in a passwd or group file by their number."""
    names = {}  # type: t.Dict[int, str]
    if not os.path.isfile(path) or os.path.islink(path):
        return names
    with open(path, "rb") as stream:
        for line in stream.read().split(b"\n"):
            fields = line.split(b":")
            if len(fields) > 2 and fields[2].isdigit():
                names.setdefault(int(fields[2]), json_text(os.fsdecode(fields[0])))
    return names


def _capabilities_of(real: str) -> str:
    try:
        data = os.getxattr(real, _CAPABILITY_ATTRIBUTE, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return ""
        raise
    return capability_text(data)


def capability_text(data: bytes) -> str:
    """Return the text of a file's C(security.capability) attribute in the form of C(normal_capabilities).

    Raises ValueError for data that is no such attribute.
    """
    words = _CAPABILITY_WORDS.get(data[3], 0) if len(data) > 3 else 0
    if not words or len(data) < 4 + 8 * words:
        raise ValueError("not a capability attribute: {0}".format(data.hex()))
    numbers = struct.unpack("<{0}I".format(1 + 2 * words), data[: 4 + 8 * words])
    permitted = sum(numbers[1 + 2 * word] << (32 * word) for word in range(words))
    inheritable = sum(numbers[2 + 2 * word] << (32 * word) for word in range(words))
    # A file has one effective bit, which goes for all that it may give.
    effective = permitted | inheritable if numbers[0] & 1 else 0
    return _capability_words(effective, inheritable, permitted)


def normal_capabilities(text: str) -> str:
    """Return capabilities as libcap wrote them (C(= cap_net_raw+ep), C(cap_net_raw=ep)) in one form.

    That form is C(cap_a,cap_b=ep cap_c=i): groups with equal flags, in the kernel's order of their first members.
    Text that is in no known form is returned as it is.
    """
    sets = {"e": 0, "i": 0, "p": 0}
    for clause in text.split():
        match = _CLAUSE.match(clause)
        chosen = _capability_bits(match.group(1)) if match else None
        if match is None or chosen is None:
            return text
        _apply_clause(sets, chosen, match.group(2))
    return _capability_words(sets["e"], sets["i"], sets["p"])


def _apply_clause(sets: t.Dict[str, int], chosen: int, actions: str) -> None:
    operator = "="
    for char in actions:
        if char not in sets:
            operator = char
            if operator == "=":
                for flag in sets:
                    sets[flag] &= ~chosen
        elif operator == "-":
            sets[char] &= ~chosen
        else:
            sets[char] |= chosen


def _capability_bits(names: str) -> t.Optional[int]:
    if names in ("", "all"):
        return (1 << len(_CAPABILITIES)) - 1
    bits = 0
    for name in names.lower().split(","):
        plain = name[4:] if name.startswith("cap_") else name
        if plain in _CAPABILITIES:
            bits |= 1 << _CAPABILITIES.index(plain)
        elif plain.isdigit() and int(plain) < 64:
            bits |= 1 << int(plain)
        else:
            return None
    return bits


def _capability_words(effective: int, inheritable: int, permitted: int) -> str:
    groups = {}  # type: t.Dict[str, t.List[str]]
    sets = (("e", effective), ("i", inheritable), ("p", permitted))
    for number in range(64):
        flags = "".join(flag for flag, bits in sets if bits >> number & 1)
        if flags:
            name = "cap_" + _CAPABILITIES[number] if number < len(_CAPABILITIES) else str(number)
            groups.setdefault(flags, []).append(name)
    # As libcap does, so that a file that may do everything does not fill a screen.
    return " ".join(
        "{0}={1}".format(",".join(names) if len(names) < len(_CAPABILITIES) else "", flags)
        for flags, names in groups.items()
    )
