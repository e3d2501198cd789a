# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Ask the package database, through the C(rpm) command only (never through its Python bindings, which may be broken).

Everything works with rpm 4.14 (SLES 15, EL8) to 6. Each method of C(Rpm) that says so starts one process.
"""

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import (
    CommandRunner,
    Completed,
    run_command,
)
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    DatabaseError,
    InvalidDataError,
    PrivilegeError,
    SignatureError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import (
    ATTRIBUTES,
    VerifyEntry,
    count_complete,
    not_installed,
    parse_verify,
    places_of,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = [
    "DATABASE_FOLDERS",
    "Needing",
    "Owner",
    "Query",
    "Rpm",
    "RpmFile",
    "RpmPackage",
    "Verification",
    "database_folder",
    "label",
    "plain_names",
]

# In the order in which a root without a given path is searched; on SLES 15 the second is a link to the first.
DATABASE_FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
# sqlite (EL9), Berkeley DB (EL8, SLES 15), ndb (SLES 15 containers).
_DATABASE_FILES = ("rpmdb.sqlite", "Packages", "Packages.db")

# Attribute letter -> bit in FILEFLAGS (rpmfileAttrs of rpmfiles.h), in the order in which rpm looks for the letter.
_FLAG_BITS = (
    ("d", 1 << 1),
    ("c", 1 << 0),
    ("s", 1 << 5),
    ("m", 1 << 3),
    ("n", 1 << 4),
    ("g", 1 << 6),
    ("l", 1 << 7),
    ("r", 1 << 8),
    ("a", 1 << 12),
)
_BIT_OF = {ATTRIBUTES[letter]: bit for letter, bit in _FLAG_BITS}

_STATES = {
    "0": "normal",
    "1": "replaced",
    "2": "not installed",
    "3": "net shared",
    "4": "wrong color",
}

# PGPHASHALGO_*; a header without the tag is from the time of md5.
_DIGEST_ALGORITHMS = {"1": "md5", "2": "sha1", "8": "sha256", "9": "sha384", "10": "sha512", "11": "sha224"}

# Literal control characters delimit, because rpm's own escapes for them differ between versions. What may contain
# anything is quoted by rpm (:shescape), so that no name can look like a delimiter.
_PACKAGE, _FIELD, _ROW, _END = "\x1d", "\x1f", "\x1e", "\x1c"
_PACKAGE_TAGS = (
    "NAME",
    "EPOCHNUM",
    "VERSION",
    "RELEASE",
    "ARCH",
    "VENDOR:shescape",
    "INSTALLTIME",
    "FILEDIGESTALGO",
)
_FILE_TAGS = (
    "LONGFILESIZES",
    "FILEMODES",
    "FILEMTIMES",
    "FILEDIGESTS",
    "FILEUSERNAME:shescape",
    "FILEGROUPNAME:shescape",
    "FILEFLAGS",
    "FILESTATES",
    "FILEVERIFYFLAGS",
    "FILEINODES",
    "FILECAPS:shescape",
    "FILELINKTOS:shescape",
    "FILENAMES:shescape",
)
_PLAIN_VALUE = r"([^\x1c-\x1f\n]*)"
_QUOTED_VALUE = r"('[^']*(?:'\\''[^']*)*'|\(none\))"


def _format(tags: t.Iterable[str]) -> str:
    return _FIELD.join("%{" + tag + "}" for tag in tags)


def _pattern(tags: t.Iterable[str]) -> str:
    return _FIELD.join(_QUOTED_VALUE if ":" in tag else _PLAIN_VALUE for tag in tags)


_HEAD_FORMAT = _PACKAGE + _format(_PACKAGE_TAGS) + _ROW
_FILES_FORMAT = "[" + _format(_FILE_TAGS) + _ROW + "]"
_HEAD = re.compile(_PACKAGE + _pattern(_PACKAGE_TAGS) + _ROW)
_FILE = re.compile(_pattern(_FILE_TAGS) + _ROW)

_OWNER_TAGS = ("NAME", "EPOCHNUM", "VERSION", "RELEASE", "ARCH")
_OWNER_FORMAT = _PACKAGE + _format(_OWNER_TAGS) + _ROW + "[%{PROVIDENAME:shescape}" + _FIELD + "]" + _END
_OWNER = re.compile(_PACKAGE + _pattern(_OWNER_TAGS) + _ROW + "([^" + _END + "]*)" + _END)

_NEED_TAGS = ("REQUIRENAME:shescape", "REQUIREFLAGS:depflags", "REQUIREVERSION:shescape")
_NEEDS_FORMAT = _PACKAGE + _format(_OWNER_TAGS) + _ROW + "[" + _format(_NEED_TAGS) + _ROW + "]" + _END
_NEEDING = re.compile(_PACKAGE + _pattern(_OWNER_TAGS) + _ROW + "([^" + _END + "]*)" + _END)
_NEED = re.compile(_QUOTED_VALUE + _FIELD + r"([^\x1c-\x1f\n]*)" + _FIELD + _QUOTED_VALUE + _ROW)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+~^:-]*\Z")
_BAD_FORMAT = re.compile(r"incorrect format|unknown tag")
_ERROR_LINE = re.compile(r"^(?:error|rpmdb|fatal error): ?(.*)$", re.MULTILINE)
_CHROOT_REFUSED = re.compile(r"[Uu]nable to (?:change root directory|open/stat root)|chroot", re.MULTILINE)
# The lead of every rpm package file; without it rpm takes the file for a list of packages to open instead.
_PACKAGE_MAGIC = b"\xed\xab\xee\xdb"
_SIGNATURE_LINE = re.compile(r"^    (.+): ([A-Z]+)(?: \(.*\))?$")
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./+:@%,=~^-]*\Z")
# Far below the kernel's 2 MiB for arguments and environment at the usual stack limit.
_ARGUMENT_BYTES = 1000000


class RpmFile(t.NamedTuple):
    """One file as a package's header describes it.

    C(size) in bytes, C(mode) the whole C(st_mode), C(mtime) in seconds of Unix time, C(digest) in hexadecimal, empty
    for what is no regular file, C(linkto) empty for what is no link, C(flags) and C(verify_flags) rpm's bits,
    C(state) one of V(normal), V(replaced), V(not installed), V(net shared), V(wrong color) and V(missing) (no state
    recorded, as in a package file), C(caps) text such as V(cap_net_raw=ep).
    """

    path: str
    size: int
    mode: int
    mtime: int
    digest: str
    owner: str
    group: str
    linkto: str
    flags: int
    state: str
    caps: str
    verify_flags: int

    @property
    def types(self) -> t.Tuple[str, ...]:
        """Return the file's types by name, in the order in which rpm prints their first letter."""
        return tuple(ATTRIBUTES[letter] for letter, bit in _FLAG_BITS if self.flags & bit)

    @property
    def attribute(self) -> str:
        """Return the letter that C(rpm -V) prints for the file, or an empty string."""
        return next((letter for letter, bit in _FLAG_BITS if self.flags & bit), "")

    @property
    def kind(self) -> str:
        """Return V(file), V(link), V(directory) or V(other)."""
        kinds = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "directory"}
        return kinds.get(stat.S_IFMT(self.mode), "other")

    @property
    def is_config(self) -> bool:
        return self.is_type("config")

    @property
    def is_doc(self) -> bool:
        return self.is_type("doc")

    @property
    def is_ghost(self) -> bool:
        return self.is_type("ghost")

    @property
    def is_missingok(self) -> bool:
        return self.is_type("missingok")

    @property
    def is_license(self) -> bool:
        return self.is_type("license")

    @property
    def is_readme(self) -> bool:
        return self.is_type("readme")

    @property
    def is_artifact(self) -> bool:
        return self.is_type("artifact")

    def is_type(self, name: str) -> bool:
        """Return whether the file is of the type C(name), one of the values of C(ATTRIBUTES)."""
        return bool(self.flags & _BIT_OF[name])


class RpmPackage(t.NamedTuple):
    """One installed package, or one package file.

    C(install_time) in seconds of Unix time, 0 for a package file. C(hardlinks) has one tuple of paths for each
    group of files that share an inode in the package. C(digest_algorithm) is the name for C(hashlib).
    """

    name: str
    epoch: int
    version: str
    release: str
    arch: str
    vendor: str
    install_time: int
    files: t.Tuple[RpmFile, ...]
    hardlinks: t.Tuple[t.Tuple[str, ...], ...]
    digest_algorithm: str

    @property
    def evr(self) -> str:
        """Return C([epoch:]version-release)."""
        return _evr(self.epoch, self.version, self.release)

    @property
    def nevra(self) -> str:
        """Return C(name-[epoch:]version-release.arch)."""
        return _nevra(self.name, self.epoch, self.version, self.release, self.arch)

    @property
    def nvra(self) -> str:
        """Return C(name-version-release.arch), as in the name of a package file."""
        return _nevra(self.name, 0, self.version, self.release, self.arch)

    def twins(self, path: str) -> t.Tuple[str, ...]:
        """Return the other paths that are hard links to the same file as C(path)."""
        for group in self.hardlinks:
            if path in group:
                return tuple(other for other in group if other != path)
        return ()


class Query(t.NamedTuple):
    """What was found: packages in the order of the names asked for, and the names that are not installed."""

    packages: t.List[RpmPackage]
    missing: t.List[str]


class Owner(t.NamedTuple):
    """A package that owns a path."""

    name: str
    nevra: str


class Needing(t.NamedTuple):
    """A package and what it requires: C((capability, relation, version)), the last two empty where there are none."""

    name: str
    nevra: str
    needs: t.Tuple[t.Tuple[str, str, str], ...]


class Verification(t.NamedTuple):
    """What C(rpm -V) said.

    C(partial) is true when the time limit ended it. C(elapsed) is in seconds. C(missing) are names that are not
    installed. C(unverified) are, as C(nevra), the packages that were not verified to their end (names where the
    packages were not given); what was found in them until then is in C(entries) all the same. C(places) tells, where
    the packages were given, which file each entry is about: its place among the files of all packages, one after
    the other, -1 for a file of none.
    """

    entries: t.List[VerifyEntry]
    partial: bool
    elapsed: float
    missing: t.List[str]
    unverified: t.List[str]
    places: t.List[int]


class Rpm:
    """The package database of this host, of another C(root) folder, or in another C(dbpath).

    As for rpm itself, C(dbpath) is looked up below C(root) when both are given. C(timeout) is in seconds and holds for
    each process. C(check_database=False) leaves out the look at the database's files before the first process;
    that look is what keeps rpm from creating an empty database in place of a lost one.
    """

    def __init__(
        self,
        runner: CommandRunner = run_command,
        root: t.Optional[str] = None,
        dbpath: t.Optional[str] = None,
        timeout: float = 60.0,
        check_database: bool = True,
    ) -> None:
        self.calls = 0
        self.root = root
        self.dbpath = dbpath
        self.timeout = timeout
        self._runner = runner
        self._unchecked = check_database
        self._has_packages = False

    def query(self, names: t.Sequence[str], files: bool = True) -> Query:
        """Return the installed packages C(names) (names or any longer form that rpm takes), with their files.

        One process. A name that is given twice is answered twice; a name that is installed twice gives two packages.
        Raises DatabaseError, and InvalidDataError for what cannot be a package's name.
        """
        if not names:
            return Query([], [])
        _check_names(names)
        what = _HEAD_FORMAT + (_FILES_FORMAT if files else "") + _END
        done = self._run(["-q", "--qf", what] + list(names))
        self._check_answer(done)
        packages, messages = _parse_packages(done.out)
        self._require_packages(bool(packages))
        return Query(packages, not_installed(messages))

    def verify(
        self,
        names: t.Sequence[str],
        timeout: t.Optional[float] = None,
        exclude: t.Sequence[str] = (),
        packages: t.Sequence[RpmPackage] = (),
    ) -> Verification:
        """Verify the files of the packages C(names) and return what deviates.

        One process. C(packages), the answer of C(query) for the same names in the same order, resolves odd file
        names and tells after a C(timeout) (seconds) which packages were verified to their end: rpm is then asked
        to name every file, which costs a few milliseconds. C(exclude) has file types (values of C(ATTRIBUTES)) that
        are left out; without C(packages) only the first type of a file is known.
        """
        if not names:
            return Verification([], False, 0.0, [], [], [])
        _check_names(names)
        if self.root and os.geteuid() != 0:
            # rpm then enters the other root in a user namespace, where every file seems to have the wrong owner.
            raise PrivilegeError("Verifying below another root folder ({0}) needs root.".format(printable(self.root)))
        options = ["-V", "--nodeps", "--noscripts"] + (["-v"] if packages else [])
        begin = time.time()
        done = self._run(options + list(names), self.timeout if timeout is None else timeout)
        elapsed = time.time() - begin
        if not done.timed_out:
            self._check_answer(done)
        # A name that a kill broke off would pass for another one.
        output = done.out[: done.out.rfind("\n") + 1]
        files = [file for package in packages for file in package.files]
        known = {file.path: file for file in files}
        entries = parse_verify(output, known)
        places = places_of(entries, [file.path for file in files]) if packages else [-1] * len(entries)
        missing = not_installed(done.out)
        self._require_packages(len(missing) < len(names))
        wanted = [
            (entry, place)
            for entry, place in zip(entries, places)
            if _is_wanted(entry, known.get(entry.path) if place < 0 else files[place], exclude)
        ]
        return Verification(
            entries=[entry for entry, _place in wanted],
            partial=done.timed_out,
            elapsed=elapsed,
            missing=missing,
            unverified=_unverified(entries, names, packages) if done.timed_out else [],
            places=[place for _entry, place in wanted] if packages else [],
        )

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[Owner]]:
        """Return the packages that own each of the absolute C(paths), an empty list for a path that none owns.

        One process (more only for arguments beyond a megabyte, or when a package merely provides a path by name). The
        paths need not exist. A package whose file was replaced by another package's is not an owner any more.
        """
        wanted = list(dict.fromkeys(paths))
        for path in wanted:
            if not path.startswith("/") or "\0" in path:
                raise InvalidDataError("Not an absolute path: {0}".format(printable(path)), path=path)
        answers = {}  # type: t.Dict[str, t.List[t.Tuple[Owner, bool]]]
        for batch in _batches(wanted):
            answers.update(self._owners_of(batch))
        self._require_packages(not wanted or any(answers.values()))
        return self._without_providers(answers)

    def needing(self, capabilities: t.Iterable[str]) -> t.List[Needing]:
        """Return the installed packages that require one of C(capabilities) (names without versions), each once.

        One process. Of each package, only what it requires of C(capabilities) is told.
        """
        wanted = list(dict.fromkeys(capabilities))
        if not wanted:
            return []
        done = self._run(["-q", "--whatrequires", "--qf", _NEEDS_FORMAT] + wanted)
        self._check_answer(done)
        found = {}  # type: t.Dict[str, Needing]
        for match in _NEEDING.finditer(done.out):
            name, epoch, version, release, arch, needs = match.groups()
            nevra = _nevra(name, _number(epoch), version, release, _text(arch))
            told = [(_text(what), how.strip(), _text(which)) for what, how, which in _NEED.findall(needs)]
            kept = dict.fromkeys(one for one in told if one[0] in wanted)
            found[nevra] = Needing(name, nevra, tuple(kept))
        self._require_packages(bool(found))
        return list(found.values())

    def package_files(self, files: t.Sequence[str]) -> t.List[RpmPackage]:
        """Return what the package files C(files) hold, in their order.

        One process. Raises InvalidDataError for a file that is no package or is damaged.
        """
        if not files:
            return []
        _check_package_files(files)
        # A signature is not asked for here (see signatures), so an unknown key must not hide the package.
        argv = ["-q", "-p", "--nosignature", "--qf", _HEAD_FORMAT + _FILES_FORMAT + _END]
        with plain_names(files) as names:
            done = self._run(argv + names)
        packages, messages = _parse_packages(done.out)
        if done.rc != 0 or len(packages) != len(files):
            said = _with_names(done.err + messages, names, files).strip()
            raise InvalidDataError(
                "rpm cannot read the package files {0}. It said: {1}".format(
                    ", ".join(printable(file) for file in files), said or "(nothing)"
                ),
                files=list(files),
                output=said,
            )
        return packages

    def signatures(self, files: t.Sequence[str], allow_unsigned: bool = False) -> None:
        """Return when every digest and signature of the package files C(files) is right, else raise SignatureError.

        One process. A package without a signature, or with one by a key that is not imported, passes only with
        C(allow_unsigned); a wrong digest or a wrong signature never passes.
        """
        if not files:
            return
        _check_package_files(files)
        with plain_names(files) as names:
            done = self._run(["-K", "-v"] + names)
        sections = _signature_sections(done.out, names)
        for file, section in zip(files, sections):
            complaint = _signature_complaint(section, allow_unsigned)
            if complaint:
                said = "; ".join(line.strip() for line in section) or _with_names(done.tail(), names, files)
                raise _signature_error(file, complaint, said)
        if done.rc != 0 and not allow_unsigned:
            raise _signature_error(", ".join(files), "rpm -K failed", _with_names(done.tail(), names, files))

    def _run(self, arguments: t.Sequence[str], timeout: t.Optional[float] = None, merged: bool = False) -> Completed:
        place = self._place()
        argv = ["rpm"] + place + list(arguments)
        if merged:
            argv = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"] + argv
        self.calls += 1
        done = self._runner(argv, timeout=self.timeout if timeout is None else timeout)
        if done.rc == 127:
            raise done.error("Cannot ask the package database")
        return done

    def _place(self) -> t.List[str]:
        """Return rpm's options for root and dbpath; on the first call, check that there is a database."""
        if self._unchecked:
            self._unchecked = False
            self._find_database()
        options = ["--root", self.root] if self.root else []
        return options + (["--dbpath", self.dbpath] if self.dbpath else [])

    def _find_database(self) -> None:
        for given in (self.root, self.dbpath):
            if given is not None and not given.startswith("/"):
                raise InvalidDataError("Not an absolute path: {0}".format(printable(given)), path=given)
        if self.root and not os.path.isdir(self.root):
            raise InvalidDataError("The root folder {0} does not exist.".format(printable(self.root)), path=self.root)
        folder = database_folder(self.root, self.dbpath)
        if folder is not None and self.root and not self.dbpath:
            # The default comes from this host's configuration, which need not be that of the other root.
            self.dbpath = folder
        if folder is None and not self.root and not self.dbpath:
            folder = database_folder(None, self._configured_folder())
        if folder is None:
            place = (
                _below(self.root, self.dbpath)
                if self.dbpath
                else "{0} (searched: {1})".format(printable(self.root or "/"), ", ".join(DATABASE_FOLDERS))
            )
            raise self._unreadable("there is no database file", place)

    def _configured_folder(self) -> str:
        """Return the folder that this host's rpm is configured for, when it is none of the usual ones."""
        done = self._run(["--eval", "%{_dbpath}"])
        folder = done.out.strip()
        return folder if folder.startswith("/") else DATABASE_FOLDERS[-1]

    def _check_answer(self, done: Completed) -> None:
        if done.timed_out:
            raise self._unreadable(
                "rpm did not answer within its time limit; a stale lock or a damaged index does that",
                output=done.tail(),
            )
        if _BAD_FORMAT.search(done.err):
            raise done.error("Cannot ask the package database")
        said = _ERROR_LINE.findall(done.err)
        if said and _CHROOT_REFUSED.search(done.err):
            raise PrivilegeError(
                "rpm cannot change its root folder to {0}, which needs root: {1}".format(
                    printable(self.root or "/"), said[0]
                )
            )
        if said:
            raise self._unreadable("rpm said: " + "; ".join(dict.fromkeys(said)), output=done.tail())

    def _require_packages(self, found: bool) -> None:
        """Raise DatabaseError when nothing was found because the database holds no package at all."""
        if found:
            self._has_packages = True
        if self._has_packages:
            return
        done = self._run(["-q", "-a", "--qf", "%{NAME}\n"])
        self._check_answer(done)
        if not done.out.strip():
            raise self._unreadable("it holds no package at all")
        self._has_packages = True

    def _unreadable(self, why: str, place: t.Optional[str] = None, output: str = "") -> DatabaseError:
        where = place or printable(_below(self.root, self.dbpath or database_folder(self.root) or DATABASE_FOLDERS[-1]))
        return DatabaseError(
            "The package database in {0} cannot be read: {1}. Check the path and its file system, then restore the "
            "folder from a backup, or try rpmdb --rebuilddb on a copy of it.".format(where, why),
            path=where,
            reason=why,
            output=output,
        )

    def _owners_of(self, paths: t.Sequence[str]) -> t.Dict[str, t.List[t.Tuple[Owner, bool]]]:
        """Return for each path its owners, each with whether the package may only provide the path by name."""
        mark = _unused_mark(paths)
        arguments = [argument for path in paths for argument in (path, mark)]
        # One stream: the answer for a path that is absent goes to the error stream, and only its place among
        # the others tells which path an owner belongs to. rpm flushes after every message.
        done = self._run(["-q", "-f", "--qf", _OWNER_FORMAT] + arguments, merged=True)
        if done.timed_out:
            self._check_answer(done)
        sections = re.split("(?:error: )?file " + re.escape(mark) + "[^\n]*\n", done.out)
        if len(sections) != len(paths) + 1 or sections[-1]:
            self._check_answer(done._replace(err=done.out))
            raise done.error("Cannot ask for the owners of files")
        return {path: self._owners_in(section, path, done) for path, section in zip(paths, sections)}

    def _owners_in(self, section: str, path: str, done: Completed) -> t.List[t.Tuple[Owner, bool]]:
        rest = _OWNER.sub("", section).replace(path, "")
        said = [line for line in _ERROR_LINE.findall(rest) if not line.startswith("file ")]
        if said:
            self._check_answer(done._replace(err="error: " + "\nerror: ".join(said)))
        provided = "'" + path.replace("'", "'\\''") + "'"
        found = []
        for match in _OWNER.finditer(section):
            name, epoch, version, release, arch, provides = match.groups()
            owner = Owner(name, _nevra(name, _number(epoch), version, release, _text(arch)))
            found.append((owner, provided in provides.split(_FIELD)))
        return found

    def _without_providers(self, answers: t.Mapping[str, t.List[t.Tuple[Owner, bool]]]) -> t.Dict[str, t.List[Owner]]:
        """Drop packages that own no such file but have its path among their Provides, as bash has /bin/sh."""
        unsure = sorted({label(owner.nevra) for found in answers.values() for owner, provides in found if provides})
        files = {package.nevra: {file.path for file in package.files} for package in self.query(unsure).packages}
        return {
            path: [owner for owner, provides in found if not provides or path in files.get(owner.nevra, ())]
            for path, found in answers.items()
        }


def database_folder(root: t.Optional[str] = None, dbpath: t.Optional[str] = None) -> t.Optional[str]:
    """Return the folder, as seen from C(root), that holds a package database: C(dbpath) or one of the usual ones."""
    for folder in (dbpath,) if dbpath else DATABASE_FOLDERS:
        for name in _DATABASE_FILES:
            path = os.path.join(_below(root, folder), name)
            if os.path.isfile(path) and os.path.getsize(path):
                return folder
    return None


def label(nevra: str) -> str:
    """Return C(nevra) without the epoch: what every version of rpm takes as the name of one installed package."""
    name, version, release = nevra.rsplit("-", 2)
    return "{0}-{1}-{2}".format(name, version.rpartition(":")[2], release)


def _below(root: t.Optional[str], path: str) -> str:
    return os.path.join(root, path.lstrip("/")) if root else path


def _evr(epoch: int, version: str, release: str) -> str:
    prefix = "{0}:".format(epoch) if epoch else ""
    return "{0}{1}-{2}".format(prefix, version, release)


def _nevra(name: str, epoch: int, version: str, release: str, arch: str) -> str:
    suffix = "." + arch if arch else ""
    return "{0}-{1}{2}".format(name, _evr(epoch, version, release), suffix)


def _text(value: str) -> str:
    """Return a value of a query without rpm's quotes, an empty string where the tag is absent."""
    if value == "(none)":
        return ""
    if value.startswith("'"):
        return value[1:-1].replace("'\\''", "'")
    return value


def _number(value: str) -> int:
    return int(value) if value != "(none)" else 0


def _parse_packages(output: str) -> t.Tuple[t.List[RpmPackage], str]:
    """Return the packages in C(output) and what stands between them (messages)."""
    packages = []
    messages = []
    position = 0
    while True:
        begin = output.find(_PACKAGE, position)
        if begin < 0:
            break
        messages.append(output[position:begin])
        package, position = _parse_package(output, begin)
        packages.append(package)
    messages.append(output[position:])
    return packages, "".join(messages)


def _parse_package(output: str, begin: int) -> t.Tuple[RpmPackage, int]:
    """Return the package that begins at C(begin) and the position behind it."""
    head = _HEAD.match(output, begin)
    if head is None:
        raise _malformed(output, begin)
    position = head.end()
    rows = []
    while not output.startswith(_END, position):
        row = _FILE.match(output, position)
        if row is None:
            raise _malformed(output, position)
        rows.append(row.groups())
        position = row.end()
    return _package(head.groups(), rows), position + len(_END)


def _malformed(output: str, position: int) -> InvalidDataError:
    excerpt = printable(output[position : position + 200])
    return InvalidDataError(
        "rpm's answer to a query is not in the form that was asked for, at: {0}".format(excerpt), output=excerpt
    )


def _package(head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> RpmPackage:
    name, epoch, version, release, arch, vendor, install_time, algorithm = head
    return RpmPackage(
        name=name,
        epoch=_number(epoch),
        version=version,
        release=release,
        arch=_text(arch),
        vendor=_text(vendor),
        install_time=_number(install_time),
        files=tuple(_file(row) for row in rows),
        hardlinks=_hardlinks(rows),
        digest_algorithm=_DIGEST_ALGORITHMS.get(algorithm, "md5" if algorithm == "(none)" else algorithm),
    )


def _file(row: t.Sequence[str]) -> RpmFile:
    size, mode, mtime, digest, owner, group, flags, state, verify_flags, _inode, caps, linkto, path = row
    return RpmFile(
        path=_text(path),
        size=int(size),
        mode=int(mode),
        mtime=int(mtime),
        digest=_text(digest),
        owner=_text(owner),
        group=_text(group),
        linkto=_text(linkto),
        flags=int(flags),
        state=_STATES.get(state, "missing"),
        caps=_text(caps),
        verify_flags=int(verify_flags),
    )


def _hardlinks(rows: t.Sequence[t.Sequence[str]]) -> t.Tuple[t.Tuple[str, ...], ...]:
    groups = {}  # type: t.Dict[str, t.List[str]]
    for row in rows:
        mode, inode, path = row[1], row[9], row[12]
        if inode != "(none)" and stat.S_ISREG(int(mode)):
            groups.setdefault(inode, []).append(_text(path))
    return tuple(tuple(paths) for paths in groups.values() if len(paths) > 1)


def _check_names(names: t.Iterable[str]) -> None:
    for name in names:
        # rpm opens a file of that name when the last is not installed.
        if not _NAME.match(name) or name.endswith(".rpm"):
            raise InvalidDataError("Not a package name: {0}".format(printable(name) or "(empty)"), name=name)


def _unverified(
    entries: t.Sequence[VerifyEntry], names: t.Sequence[str], packages: t.Sequence[RpmPackage]
) -> t.List[str]:
    if not packages:
        return list(names)
    complete = count_complete(entries, [[file.path for file in package.files] for package in packages])
    return [package.nevra for package in packages[complete:]]


def _is_wanted(entry: VerifyEntry, file: t.Optional[RpmFile], exclude: t.Sequence[str]) -> bool:
    if file is None:
        return not entry.is_clean and ATTRIBUTES.get(entry.attribute) not in exclude
    # With -v, rpm also names what it otherwise keeps to itself.
    if entry.is_clean or (entry.missing and (file.is_ghost or file.is_missingok)):
        return False
    return not set(file.types).intersection(exclude)


def _batches(paths: t.Sequence[str]) -> t.Iterator[t.List[str]]:
    batch = []  # type: t.List[str]
    size = 0
    for path in paths:
        # The mark stands beside each path and is about 64 bytes, each argument has a pointer.
        cost = len(os.fsencode(path)) + 96
        if batch and size + cost > _ARGUMENT_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += cost
    if batch:
        yield batch


def _unused_mark(paths: t.Sequence[str]) -> str:
    """Return a path that no package owns and that is no part of any of C(paths)."""
    text = "\0".join(paths)
    number = 0
    mark = "/.fleet-system-python-mark"
    while mark in text:
        number += 1
        mark = "/.fleet-system-python-mark-{0}".format(number)
    return mark


def _check_package_files(files: t.Sequence[str]) -> None:
    for file in files:
        if not file.startswith("/") or "\0" in file:
            raise InvalidDataError("Not an absolute path: {0}".format(printable(file)), path=file)
        try:
            with open(file, "rb") as stream:
                magic = stream.read(len(_PACKAGE_MAGIC))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise InvalidDataError(
                "Cannot read the package file {0}: {1}".format(printable(file), reason), path=file
            ) from error
        if magic != _PACKAGE_MAGIC:
            raise InvalidDataError("{0} is no rpm package.".format(printable(file)), path=file)


@contextlib.contextmanager
def plain_names(files: t.Sequence[str]) -> t.Iterator[t.List[str]]:
    """Give names for the absolute paths C(files) that rpm takes as they are, for as long as the context lasts.

    rpm expands patterns, blanks, quotes and backslashes in the names of package files (differently from version to
    version), so links stand for the files where a name has any of them.
    """
    if all(_PLAIN_PATH.match(file) for file in files):
        yield list(files)
        return
    folder = tempfile.mkdtemp(prefix=".fleet-system-python-")
    try:
        names = []
        for number, file in enumerate(files):
            name = os.path.join(folder, "{0}.rpm".format(number))
            os.symlink(file, name)
            names.append(name)
        yield names
    finally:
        shutil.rmtree(folder)


def _with_names(text: str, names: t.Sequence[str], files: t.Sequence[str]) -> str:
    for name, file in zip(names, files):
        text = text.replace(name, printable(file))
    return text


def _signature_sections(output: str, names: t.Sequence[str]) -> t.List[t.List[str]]:
    """Return for each of C(names) the indented lines that C(rpm -K -v) printed below it; none for one it left out."""
    sections = {}  # type: t.Dict[str, t.List[str]]
    current = []  # type: t.List[str]
    for line in output.splitlines():
        if not line.startswith(" ") and line.endswith(":"):
            current = sections.setdefault(line[:-1], [])
        else:
            current.append(line)
    return [sections.get(name, []) for name in names]


def _signature_complaint(section: t.Sequence[str], allow_unsigned: bool) -> str:
    """Return what is wrong according to the lines of one package, or an empty string.

    V(NOTFOUND) is printed, where signatures are enforced, for each kind of signature and digest that the package lacks.
    """
    results = [match.groups() for match in map(_SIGNATURE_LINE.match, section) if match]
    signatures = [(what, result) for what, result in results if "signature" in what.lower()]
    digests = [(what, result) for what, result in results if "digest" in what.lower()]
    bearable = ("OK", "NOTFOUND", "NOKEY", "NOTTRUSTED") if allow_unsigned else ("OK", "NOTFOUND")
    wrong = [(what, result) for what, result in signatures if result not in bearable]
    wrong += [(what, result) for what, result in digests if result not in ("OK", "NOTFOUND")]
    if wrong:
        return "its {0} is {1}".format(*wrong[0])
    if not any(result == "OK" for _what, result in digests):
        return "its digests could not be checked"
    if not allow_unsigned and not any(result == "OK" for _what, result in signatures):
        return "it has no signature"
    return ""


def _signature_error(file: str, complaint: str, said: str) -> SignatureError:
    message = "{0} is not used: {1}. rpm -K said: {2}".format(printable(file), complaint, said or "(nothing)")
    return SignatureError(message, file=file, output=said, reason=complaint)
