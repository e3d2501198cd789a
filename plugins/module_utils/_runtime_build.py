# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Build CPython from an unpacked source archive, without privileges: configure, make, tests, make altinstall."""

import os
import re
import shutil
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    ArchiveError,
    BuildError,
    BuildToolsError,
    DiskFullError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import clear_errors, ensure_room, free_bytes
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unprivileged import Unprivileged

__all__ = ["ROOM", "BuildOptions", "build", "install_hint", "require_tools", "version_of"]

# Bytes: an estimate of a plain build with its installation. A disk that fills up nonetheless is told at its step.
ROOM = 400 << 20
_TAIL = 2000
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_COMPILERS = ("gcc", "cc", "clang")
_PACKAGES = {
    "rhel": "gcc make openssl-devel sqlite-devel zlib-devel libffi-devel bzip2-devel xz-devel",
    "suse": "gcc make libopenssl-devel sqlite3-devel zlib-devel libffi-devel libbz2-devel xz-devel",
    "debian": "gcc libc6-dev make libssl-dev libsqlite3-dev zlib1g-dev libffi-dev libbz2-dev liblzma-dev",
}


class BuildOptions(t.NamedTuple):
    """How to build. C(jobs) 0: as many as there are processors. C(configure): further options of configure."""

    jobs: int = 0
    optimize: bool = False
    lto: bool = False
    tests: bool = False
    configure: t.Tuple[str, ...] = ()
    environment: t.Tuple[t.Tuple[str, str], ...] = ()

    def as_dict(self) -> t.Dict[str, t.Any]:
        """Return what decides about the result, for the manifest."""
        return {
            "optimize": self.optimize,
            "lto": self.lto,
            "tests": self.tests,
            "configure": list(self.configure),
            "environment": dict(self.environment),
        }

    @classmethod
    def from_dict(cls, options: t.Mapping[str, t.Any], jobs: int = 0) -> "BuildOptions":
        """Return what C(as_dict) once gave."""
        return cls(
            jobs=jobs,
            optimize=bool(options.get("optimize")),
            lto=bool(options.get("lto")),
            tests=bool(options.get("tests")),
            configure=tuple(options.get("configure") or ()),
            environment=tuple(sorted((options.get("environment") or {}).items())),
        )


def require_tools(family: str, path: str = _PATH) -> None:
    """Raise BuildToolsError unless there are a C compiler and make. C(family): rhel, suse, debian or empty."""
    missing = []
    if not any(shutil.which(name, path=path) for name in _COMPILERS):
        missing.append("a C compiler")
    if not shutil.which("make", path=path):
        missing.append("make")
    if missing:
        raise BuildToolsError(
            "CPython cannot be built on this host: there is no {0} in {1}.{2} Or build on another host and install "
            "what it packed (source: prebuilt).".format(" and no ".join(missing), path, " " + install_hint(family)),
            missing=missing,
            install=_PACKAGES.get(family, "").split(),
        )


def install_hint(family: str) -> str:
    """Return a sentence that says which packages a complete build needs."""
    packages = _PACKAGES.get(family)
    if not packages:
        return "Install a C compiler, make, and the headers of OpenSSL, SQLite, zlib and libffi."
    return "Install: {0}.".format(packages)


def version_of(source: str) -> str:
    """Return the version that a source tree says it is. Raises ArchiveError when it is no source of CPython."""
    path = os.path.join(source, "Include/patchlevel.h")
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            found = re.search(r'^#define PY_VERSION\s+"([^"]+)"', stream.read(), re.MULTILINE)
    except OSError:
        found = None
    if not found or not os.path.isfile(os.path.join(source, "configure")):
        raise ArchiveError(
            "The archive holds no source of CPython: it lacks Include/patchlevel.h or configure. For an archive that "
            "is built already, use source: prebuilt."
        )
    return found.group(1).rstrip("+")


def build(
    source: str,
    stage: str,
    final: str,
    minor: str,
    options: BuildOptions,
    user: Unprivileged,
    log: str,
    timeout: float,
    tell: t.Callable[[str], None],
) -> str:
    """Build the tree C(source) for C(final), install below C(stage), and return the folder that it is in.

    C(log) gets the whole output, C(tell) a word for each step. C(timeout): seconds for each step. Raises BuildError,
    ArchiveError or DiskFullError.
    """
    ensure_room(stage, ROOM)
    configure = ["./configure", "--prefix=" + final, "--with-ensurepip=upgrade"]
    configure += ["--enable-optimizations"] if options.optimize else []
    configure += ["--with-lto"] if options.lto else []
    if _can_leave_out(minor):
        # Only what embeds Python needs the static library, twice 70 MB; --with-static-libpython brings it back.
        configure += ["--without-static-libpython"] + ([] if options.tests else ["--disable-test-modules"])
    jobs = "-j{0}".format(options.jobs or os.cpu_count() or 1)
    steps: t.List[t.Tuple[str, t.List[str]]] = [
        ("configure", configure + list(options.configure)),
        ("make", ["make", jobs]),
    ]
    if options.tests:
        steps.append(("test", ["make", "test"]))
    # It would compile the library three times, in a way that is not ours.
    steps.append(("install", ["make", "altinstall", "DESTDIR=" + stage, "COMPILEALL_OPTS=-q -r 0"]))
    for name, argv in steps:
        tell(name)
        done = user.run(argv, source, timeout, dict(options.environment), log)
        user.end_all()
        if done.rc != 0:
            raise _failed(name, done, log, stage)
    return _as_planned(os.path.join(stage, final.lstrip("/")), stage)


def _can_leave_out(minor: str) -> bool:
    return tuple(int(part) for part in minor.split(".")) >= (3, 10)


def _as_planned(made: str, stage: str) -> str:
    """The build ran code of the archive: it may have put anything there, links as well."""
    path = stage
    for part in os.path.relpath(made, stage).split("/"):
        path = os.path.join(path, part)
        if not os.path.lexists(path) or not stat.S_ISDIR(os.lstat(path).st_mode):
            raise BuildError(
                "make altinstall left no folder {0}".format(printable(path)), step="install", rc=0, output=""
            )
    return made


def _failed(step: str, done: Completed, log: str, stage: str) -> Exception:
    tail = _tail(log)
    if "No space left on device" in tail or free_bytes(stage) < (1 << 20):
        available = free_bytes(stage)
        return DiskFullError(
            "There is not enough room for {0}: the build ran out of space in the step {1}, {2} bytes are left. A build "
            "takes about {3} bytes there. Free some and run again.".format(printable(stage), step, available, ROOM),
            path=json_text(stage),
            needed=ROOM,
            available=available,
        )
    how = "did not end in time" if done.timed_out else "ended with exit code {0}".format(done.rc)
    return BuildError(
        "Building failed in the step {0}: {1} {2}. Nothing was installed. All of its output is in {3} on the host; it "
        "ends with: {4}".format(
            step, " ".join(done.argv), how, printable(log), printable(tail[-_TAIL:]) or "(nothing)"
        ),
        step=step,
        rc=done.rc,
        timed_out=done.timed_out,
        log=json_text(log),
        output=printable(tail[-_TAIL:]),
    )


def _tail(log: str) -> str:
    with clear_errors(log), open(log, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 20000))
        return stream.read().decode("utf-8", "replace").strip()
