# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Build a venv in a hidden folder so that it works under its final name: made there, filled, rewritten, compiled."""

import json
import os
import tempfile
import typing as t

from .._base.command import CommandRunner, Completed
from .._base.errors import DiskFullError, SystemPythonError
from .._base.text import from_json, json_text, printable
from .._disk.atomic import write_durably
from .._disk.files import read_bytes, read_small
from .._disk.space import ensure_room, free_bytes
from .._rights.account import Account
from .._usage.reading import with_rights_of_owner
from .config import CONFIG_NAME
from .interpreter import BaseInterpreter
from .packages import installed_packages, site_folders
from .records import BuildRecord
from .requirements import Requirements

__all__ = [
    "RECORD",
    "Recipe",
    "VenvBuildError",
    "build",
    "new_record",
    "packages_of",
    "read_record",
    "write_record",
]

# What python_venv wrote down about a venv: what it was made from.
RECORD = ".fleet.system_python.json"

_MOST_SCRIPT = 4 << 20
# What a venv with nothing but pip takes, compiled.
_ROOM = 24 << 20


class VenvBuildError(SystemPythonError):
    """A tool could not make or fill the venv; details: argv, rc, output (its end), timed_out."""

    kind = "venv_build"


class Recipe(t.NamedTuple):
    """How a venv is made: by the program C(uv), else with pip. C(timeout) is in seconds, for each tool that runs."""

    interpreter: BaseInterpreter
    account: Account
    requirements: Requirements
    uv: t.Optional[str]
    system_site_packages: bool
    timeout: float

    def environment(self) -> t.Dict[str, str]:
        """Return the variables for the tools."""
        return dict(
            self.account.environment(),
            PIP_NO_INPUT="1",
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PYTHONDONTWRITEBYTECODE="1",
            UV_PYTHON_DOWNLOADS="never",
            UV_NO_PROGRESS="1",
        )


def build(new: str, final: str, recipe: Recipe, run: CommandRunner) -> None:
    """Fill the existing folder C(new) with the venv that will be at C(final). Run this as its owner."""
    # Not in the usual place, which may be the module's own folder, closed to the owner of the venv.
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=new) as scratch:
        # The owner may have no home for a cache.
        env = dict(recipe.environment(), TMPDIR=scratch, UV_CACHE_DIR=os.path.join(scratch, "uv"))
        _create(new, recipe, env, run)
        if not recipe.requirements.is_empty:
            _install(new, recipe, scratch, env, run)
    _relocate(new, final)
    _compile(new, final, recipe, env, run)


def _create(new: str, recipe: Recipe, env: t.Mapping[str, str], run: CommandRunner) -> None:
    site = ["--system-site-packages"] if recipe.system_site_packages else []
    # venv does not tell why its pip could not be unpacked, so the usual reason is looked at before.
    ensure_room(new, 1 << 20 if recipe.uv else _ROOM)
    if recipe.uv:
        argv = [recipe.uv, "venv", "--allow-existing", "--python", recipe.interpreter.path] + site + [new]
    else:
        argv = [recipe.interpreter.path, "-I", "-S", "-m", "venv"] + site + [new]
    done = run(argv, timeout=recipe.timeout, env=env)
    if done.rc == 0:
        return
    if not recipe.uv and "ensurepip" in done.out + done.err:
        # venv tells only that it failed; asked directly, it says why.
        again = run([os.path.join(new, "bin", "python"), "-I", "-m", "ensurepip"], timeout=recipe.timeout, env=env)
        raise VenvBuildError(
            f"{recipe.interpreter.path} cannot give a venv its pip: its ensurepip is missing or does not work. On "
            f"Debian install python{recipe.interpreter.minor}-venv. It says: "
            f"{json_text((again.tail() or done.tail())[-500:])}",
            **done.error("").details,
        )
    raise _failure("The venv could not be made", done, new)


def _install(new: str, recipe: Recipe, scratch: str, env: t.Mapping[str, str], run: CommandRunner) -> None:
    python = os.path.join(new, "bin", "python")
    arguments = recipe.requirements.arguments(scratch)
    if recipe.uv:
        argv = [recipe.uv, "pip", "install", "--python", python] + arguments
    else:
        argv = [python, "-I", "-m", "pip", "install", "--no-compile"] + arguments
    done = run(argv, timeout=recipe.timeout, env=env)
    if done.rc != 0:
        raise _failure("The requirements could not be installed", done, new)


def _failure(what: str, done: Completed, path: str) -> SystemPythonError:
    said = done.out + done.err
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFullError(
            f"There is not enough room for {printable(path)}: {free_bytes(path)} bytes are available, and "
            f"{done.argv[0]} needs more. Free some and run again.",
            path=json_text(path),
            needed=None,
            available=free_bytes(path),
        )
    error = done.error(what)
    return VenvBuildError(json_text(error.message), **error.details)


def _relocate(new: str, final: str) -> None:
    """Write the final path into everything that has the path where it was built: scripts, activate, pyvenv.cfg."""
    texts = [(os.fsencode(new), os.fsencode(final))]
    texts.append((os.fsencode(os.path.basename(new)), os.fsencode(os.path.basename(final))))
    folder = os.path.join(new, "bin")
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))] + [os.path.join(new, CONFIG_NAME)]
    for site in site_folders(new).values():
        paths += [os.path.join(site, name) for name in sorted(os.listdir(site)) if name.endswith((".pth", ".egg-link"))]
    for path in paths:
        # Never through a link: it leads out of the venv.
        if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > _MOST_SCRIPT:
            continue
        changed = content = read_bytes(path)
        for before, after in texts:
            changed = changed.replace(before, after)
        if changed != content and b"\0" not in content:
            write_durably(path, changed, os.stat(path).st_mode & 0o7777)
        elif changed != content:
            raise VenvBuildError(
                f"{printable(path)} is a program that has the path of the venv in it, so that it cannot be put in its "
                "place.",
                path=json_text(path),
            )


def _compile(new: str, final: str, recipe: Recipe, env: t.Mapping[str, str], run: CommandRunner) -> None:
    """Compile with the final path, which tracebacks show; who runs the application may not be able to write."""
    quiet = dict(env, PYTHONDONTWRITEBYTECODE="")
    for site in site_folders(new).values():
        there = os.path.join(final, os.path.relpath(site, new))
        argv = [os.path.join(new, "bin", "python"), "-I", "-m", "compileall", "-q", "-f", "-d", there, site]
        # Packages may contain files of other Pythons that do not compile: the import is the proof, not this.
        done = run(argv, timeout=recipe.timeout, env=quiet)
        if "No space left on device" in done.out + done.err:
            raise _failure("The packages could not be compiled", done, new)


@with_rights_of_owner
def packages_of(venv: str, minor: str) -> t.Dict[str, str]:
    """Return C({name: version}) of what is installed for C(minor)."""
    site = site_folders(venv).get(minor)
    return {package.name: package.version for package in installed_packages(site)} if site else {}


def new_record(recipe: Recipe, packages: t.Mapping[str, str]) -> BuildRecord:
    """Return what is written down about a venv: it is compared to tell whether that is still as asked for."""
    return BuildRecord(
        interpreter=recipe.interpreter.path,
        minor=recipe.interpreter.minor,
        requirements=recipe.requirements.digest(),
        system_site_packages=recipe.system_site_packages,
        packages=packages,
    )


def write_record(venv: str, record: BuildRecord) -> None:
    """Write down in the venv what it was made from."""
    data = json.dumps(record._asdict(), indent=1, sort_keys=True).encode("utf-8") + b"\n"
    write_durably(os.path.join(venv, RECORD), data, 0o644)


@with_rights_of_owner
def read_record(venv: str) -> t.Optional[BuildRecord]:
    """Return what was written down in the venv, None where nothing was, or nothing that can be read."""
    try:
        loaded = from_json(read_small(os.path.join(venv, RECORD)))
        record = BuildRecord(**loaded)
        return record._replace(packages=dict(record.packages)) if _is_record(record) else None
    except (OSError, ValueError, TypeError):
        # Not ours, or damaged: then nothing is known about it, and it is built anew.
        return None


def _is_record(record: BuildRecord) -> bool:
    texts = [record.interpreter, record.minor, record.requirements, *record.packages, *record.packages.values()]
    return isinstance(record.packages, dict) and all(isinstance(text, str) for text in texts)
