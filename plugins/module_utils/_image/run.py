# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Make the root folder of a container image, from an engine that has it or from an archive of it.

Nothing of the image is started: a container is created, exported and removed again, and an archive is only read.
"""

import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import typing as t

from .._base.command import OUTPUT_TAIL, run_command
from .._base.errors import ArchiveError, CommandError, ImageError, InvalidDataError, PrivilegeError
from .._base.text import json_text, printable
from .._base.time_limit import time_limit
from .._disk.root import HOST
from .._disk.trees import remove_any
from .archives import add_archive
from .layers import Layout

__all__ = ["ImageSource", "LaidOut", "lay_out", "remove"]

_ENGINES = ("podman", "docker")
_PREFIX = "fleet-system-python-image-"
# A container needs a command, and nothing ever runs it.
_COMMAND = "/nothing-is-started"

if t.TYPE_CHECKING:

    class LaidOut(t.TypedDict):
        """An image in the folder C(root); C(size) in bytes; C(left_out): the number of devices and pipes."""

        root: str
        source: str
        files: int
        size: int
        left_out: int

else:
    LaidOut = dict


class ImageSource(t.NamedTuple):
    """Where the image is: C(image) is its name in C(engine) (a program; null: the first that is installed).

    With C(archive), a file of C(docker save) or an OCI layout, C(image) chooses one of several in it.
    """

    image: t.Optional[str] = None
    archive: t.Optional[str] = None
    engine: t.Optional[str] = None


def lay_out(source: ImageSource, parent: str, timeout: float) -> LaidOut:
    """Lay the image out in a new folder in C(parent).

    C(timeout) is in seconds, for each command of the engine, or for all of an archive. Raises a SystemPythonError, and
    then leaves nothing.
    """
    if os.geteuid() != 0:
        raise PrivilegeError(
            "Laying out an image needs root, because its files must have their owners. In a build without root, run "
            "under 'podman unshare' or 'buildah unshare', or give a mounted root folder instead."
        )
    if not os.path.isdir(parent):
        raise InvalidDataError(f"{printable(parent)} is not a folder.", path=json_text(parent))
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    try:
        layout = Layout(folder, source.archive or source.image or "")
        if source.archive:
            with time_limit(timeout, f"Laying out {printable(source.archive)}"):
                name = add_archive(layout, source.archive, source.image)
        else:
            name = _from_engine(layout, source.image or "", source.engine, timeout)
    except BaseException:
        remove_any(folder)
        raise
    return LaidOut(root=folder, source=name, files=layout.files, size=layout.size, left_out=layout.left_out)


def remove(root: str, check_mode: bool) -> bool:
    """Remove what lay_out made; return whether it was there. Raises InvalidDataError for anything else."""
    place = HOST.canonical(root)
    if not os.path.lexists(place):
        return False
    found = os.lstat(place)
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not is_ours or not os.path.basename(place).startswith(_PREFIX):
        raise InvalidDataError(
            f"{printable(root)} was not laid out by this collection and is not removed.", path=json_text(root)
        )
    if not check_mode:
        remove_any(place)
    return True


# ---------------------------------------------------------------------------------------------------------------------
# From an engine


def _from_engine(layout: Layout, image: str, engine: t.Optional[str], timeout: float) -> str:
    if image.startswith("-"):
        raise InvalidDataError(f"Not the name of an image: {printable(image)}", image=json_text(image))
    program = _find_engine(engine)
    # The engine and its settings (DOCKER_HOST, XDG_RUNTIME_DIR, ...) are the caller's.
    environment = dict(os.environ, LC_ALL="C")
    container = "fleet-system-python-check-" + secrets.token_hex(8)
    create = [program, "create", "--pull=never", "--network=none", "--name=" + container, image, _COMMAND]
    try:
        done = run_command(create, timeout=timeout, env=environment)
        if done.rc != 0:
            raise ImageError(
                f"{os.path.basename(program)} cannot make a container of the image {printable(image)}: "
                f"{printable(done.tail()) or '(nothing said)'}. Pull or build it first.",
                image=json_text(image),
                engine=program,
                output=done.tail(),
            )
        _export(layout, [program, "export", container], environment, timeout)
    finally:
        removed = run_command([program, "rm", "-f", "-v", container], timeout=timeout, env=environment)
    if removed.rc != 0:
        raise removed.error(f"The container {container}, which was made for the check, is still there")
    return f"{image}, by {os.path.basename(program)}"


def _find_engine(engine: t.Optional[str]) -> str:
    for name in (engine,) if engine else _ENGINES:
        program = shutil.which(name)
        if program:
            return program
    raise ImageError(
        f"There is no {engine or ' or '.join(_ENGINES)} on this machine. Install it, name another in 'engine', or "
        "give an archive or a folder.",
        engine=engine or list(_ENGINES),
    )


def _export(layout: Layout, argv: t.List[str], environment: t.Dict[str, str], timeout: float) -> None:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=environment, start_new_session=True
        )
        stream = t.cast(t.BinaryIO, process.stdout)
        late = threading.Event()

        def stop() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, stop)
        timer.start()
        problem = None  # type: t.Optional[ArchiveError]
        try:
            layout.add(stream, "only layer")
        except ArchiveError as error:
            problem = error
        finally:
            timer.cancel()
            stream.close()
            if problem or process.poll() is None:
                process.terminate()
            code = process.wait()
        said.seek(0)
        tail = said.read().decode("utf-8", "replace")[-OUTPUT_TAIL:].strip()
        if late.is_set() or (code != 0 and problem is None) or (problem and tail):
            how = "did not end within its time limit" if late.is_set() else f"ended with exit code {code}"
            raise CommandError(
                f"The image cannot be exported: {' '.join(argv)} {how}. It said: {tail or '(nothing)'}",
                argv=argv,
                rc=code,
                output=tail,
                timed_out=late.is_set(),
            )
        if problem:
            raise problem
