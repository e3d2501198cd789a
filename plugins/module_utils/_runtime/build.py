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

from .._base.command import Completed
from .._base.errors import ArchiveError, BuildError, BuildToolsError, DiskFullError
from .._base.text import json_text, printable
from .._disk.files import open_to_read, read_text
from .._disk.space import clear_errors, ensure_room, free_bytes
from .._rights.unprivileged import Unprivileged
from .records import RuntimeSettings

__all__ = ["ROOM", "build", "install_hint", "require_tools", "version_of"]

# Bytes: an estimate of a plain build with its installation. A disk that fills up nonetheless is reported at its step.
ROOM = 400 << 20
_TAIL = 2000
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_COMPILERS = ("gcc", "cc", "clang")
_PACKAGES = {
    "rhel": "gcc make openssl-devel sqlite-devel zlib-devel libffi-devel bzip2-devel xz-devel",
    "suse": "gcc make libopenssl-devel sqlite3-devel zlib-devel libffi-devel libbz2-devel xz-devel",
    "debian": "gcc libc6-dev make libssl-dev libsqlite3-dev zlib1g-dev libffi-dev libbz2-dev liblzma-dev",
}


def require_tools(family: str, path: str = _PATH) -> None:
    """Raise BuildToolsError unless there are a C compiler and make. C(family): rhel, suse, debian or empty."""
    missing = []
    if not any(shutil.which(name, path=path) for name in _COMPILERS):
        missing.append("a C compiler")
    if not shutil.which("make", path=path):
        missing.append("make")
    if missing:
        raise BuildToolsError(
            f"CPython cannot be built on this host: there is no {' and no '.join(missing)} in "
            f"{path}.{' ' + install_hint(family)} Or build on another host and install what it packed (source: "
            "prebuilt).",
            missing=missing,
            install=_PACKAGES.get(family, "").split(),
        )


def install_hint(family: str) -> str:
    """Return a sentence that says which packages a complete build needs."""
    packages = _PACKAGES.get(family)
    if not packages:
        return "Install a C compiler, make, and the headers of OpenSSL, SQLite, zlib and libffi."
    return f"Install: {packages}."


def version_of(source: str) -> str:
    """Return the version that a source tree says it is. Raises ArchiveError when it is no source of CPython."""
    path = os.path.join(source, "Include/patchlevel.h")
    try:
        found = re.search(r'^#define PY_VERSION\s+"([^"]+)"', read_text(path), re.MULTILINE)
    except OSError:
        found = None
    if not found or not os.path.isfile(os.path.join(source, "configure")):
        raise ArchiveError(
            "The archive holds no CPython source: it lacks Include/patchlevel.h or configure. For an archive that "
            "is built already, use source: prebuilt."
        )
    return found.group(1).rstrip("+")


def build(
    settings: RuntimeSettings, source: str, stage: str, user: Unprivileged, log: str, tell: t.Callable[[str], None]
) -> str:
    """Build the tree C(source) for its final place, install below C(stage), and return the folder that it is in.

    C(log) gets the whole output, C(tell) a word for each step. Raises BuildError, ArchiveError or DiskFullError.
    """
    ensure_room(stage, ROOM)
    options = settings.build
    configure = ["./configure", "--prefix=" + settings.path, "--with-ensurepip=upgrade"]
    configure += ["--enable-optimizations"] if options.optimize else []
    configure += ["--with-lto"] if options.lto else []
    if _can_leave_out(settings.minor):
        # Only what embeds Python needs the static library, twice 70 MB; --with-static-libpython brings it back.
        configure += ["--without-static-libpython"] + ([] if options.tests else ["--disable-test-modules"])
    jobs = f"-j{options.jobs or os.cpu_count() or 1}"
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
        done = user.run(argv, source, settings.timeout, dict(options.environment), log)
        user.end_all()
        if done.rc != 0:
            raise _failed(name, done, log, stage)
    return _as_planned(os.path.join(stage, settings.path.lstrip("/")), stage)


def _can_leave_out(minor: str) -> bool:
    return tuple(int(part) for part in minor.split(".")) >= (3, 10)


def _as_planned(made: str, stage: str) -> str:
    """The build ran code of the archive: it may have put anything there, links as well."""
    path = stage
    for part in os.path.relpath(made, stage).split("/"):
        path = os.path.join(path, part)
        if not os.path.lexists(path) or not stat.S_ISDIR(os.lstat(path).st_mode):
            raise BuildError(f"make altinstall left no folder {printable(path)}", step="install", rc=0, output="")
    return made


def _failed(step: str, done: Completed, log: str, stage: str) -> Exception:
    tail = _end_of_log(log)
    if "No space left on device" in tail or free_bytes(stage) < (1 << 20):
        available = free_bytes(stage)
        return DiskFullError(
            f"There is not enough room for {printable(stage)}: the build ran out of space in the step {step}, "
            f"{available} bytes are left. A build takes about {ROOM} bytes there. Free some and run again.",
            path=json_text(stage),
            needed=ROOM,
            available=available,
        )
    how = "did not end in time" if done.timed_out else f"ended with exit code {done.rc}"
    return BuildError(
        f"Building failed in the step {step}: {' '.join(done.argv)} {how}. Nothing was installed. All of its output "
        f"is in {printable(log)} on the host; it ends with: {printable(tail[-_TAIL:]) or '(nothing)'}",
        step=step,
        rc=done.rc,
        timed_out=done.timed_out,
        log=json_text(log),
        output=printable(tail[-_TAIL:]),
    )


def _end_of_log(log: str) -> str:
    with clear_errors(log), open_to_read(log) as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 20000))
        return stream.read().decode("utf-8", "replace").strip()
