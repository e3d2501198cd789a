# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Build a venv in a hidden folder so that it works under its final name: made there, filled, rewritten, compiled."""

import json
import os
import tempfile
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import DiskFullError, SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    ensure_room,
    free_bytes,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._identity import Identity
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._venv_config import CONFIG_NAME, read_small
from ansible_collections.fleet.system_python.plugins.module_utils._venv_interpreter import Interpreter
from ansible_collections.fleet.system_python.plugins.module_utils._venv_packages import installed_packages, site_folders
from ansible_collections.fleet.system_python.plugins.module_utils._venv_requirements import Requirements

__all__ = ["RECORD", "BuildError", "Recipe", "build", "find_uv", "packages_of", "read_record", "write_record"]

# What python_venv wrote down about a venv: what it was made from.
RECORD = ".fleet.system_python.json"

_UV_PLACES = ("/usr/local/bin", "/usr/bin", "/opt/uv/bin", "/opt/uv")
_MOST_SCRIPT = 4 << 20
# What a venv with nothing but pip takes, compiled.
_ROOM = 24 << 20


class BuildError(SystemPythonError):
    """A tool could not make or fill the venv; details: argv, rc, output (its end), timed_out."""

    kind = "venv_build"


class Recipe(t.NamedTuple):
    """How a venv is made. C(timeout) is in seconds, for each tool that runs."""

    interpreter: Interpreter
    identity: Identity
    requirements: Requirements
    tool: str = "pip"
    uv: t.Optional[str] = None
    system_site_packages: bool = False
    timeout: float = 900

    def environment(self) -> t.Dict[str, str]:
        """Return the variables for the tools."""
        return dict(
            self.identity.environment(),
            PIP_NO_INPUT="1",
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PYTHONDONTWRITEBYTECODE="1",
            UV_PYTHON_DOWNLOADS="never",
            UV_NO_PROGRESS="1",
        )

    def as_record(self) -> t.Dict[str, t.Any]:
        """Return what is compared to tell whether a venv is still as asked for."""
        return {
            "interpreter": self.interpreter.path,
            "minor": self.interpreter.minor,
            "requirements": self.requirements.digest(),
            "system_site_packages": self.system_site_packages,
        }


def find_uv(places: t.Sequence[str] = _UV_PLACES) -> t.Optional[str]:
    """Return the path of uv, None where it is in none of the usual places."""
    paths = [os.path.join(place, "uv") for place in places]
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def build(new: str, final: str, recipe: Recipe, run: CommandRunner = run_command) -> None:
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
    ensure_room(new, _ROOM if recipe.tool == "pip" else 1 << 20)
    if recipe.tool == "uv":
        argv = [str(recipe.uv), "venv", "--allow-existing", "--python", recipe.interpreter.path] + site + [new]
    else:
        argv = [recipe.interpreter.path, "-I", "-m", "venv"] + site + [new]
    done = run(argv, timeout=recipe.timeout, env=env)
    if done.rc == 0:
        return
    if recipe.tool == "pip" and "ensurepip" in done.out + done.err:
        # venv tells only that it failed; asked directly, it says why.
        again = run([os.path.join(new, "bin", "python"), "-I", "-m", "ensurepip"], timeout=recipe.timeout, env=env)
        raise BuildError(
            "{0} cannot give a venv its pip: its ensurepip is missing or does not work. On Debian install "
            "python{1}-venv. It says: {2}".format(
                recipe.interpreter.path, recipe.interpreter.minor, json_text((again.tail() or done.tail())[-500:])
            ),
            **done.error("").details,
        )
    raise _failure("The venv could not be made", done, new)


def _install(new: str, recipe: Recipe, scratch: str, env: t.Mapping[str, str], run: CommandRunner) -> None:
    python = os.path.join(new, "bin", "python")
    arguments = recipe.requirements.arguments(scratch)
    if recipe.tool == "uv":
        argv = [str(recipe.uv), "pip", "install", "--python", python] + arguments
    else:
        argv = [python, "-I", "-m", "pip", "install", "--no-compile"] + arguments
    done = run(argv, timeout=recipe.timeout, env=env)
    if done.rc != 0:
        raise _failure("The requirements could not be installed", done, new)


def _failure(what: str, done: Completed, path: str) -> SystemPythonError:
    said = done.out + done.err
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFullError(
            "There is not enough room for {0}: {1} bytes are available, and {2} needs more. Free some and run "
            "again.".format(printable(path), free_bytes(path), done.argv[0]),
            path=json_text(path),
            needed=None,
            available=free_bytes(path),
        )
    error = done.error(what)
    return BuildError(json_text(error.message), **error.details)


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
        with open(path, "rb") as stream:
            content = stream.read()
        changed = content
        for before, after in texts:
            changed = changed.replace(before, after)
        if changed != content and b"\0" not in content:
            write_durably(path, changed, os.stat(path).st_mode & 0o7777)
        elif changed != content:
            raise BuildError(
                "{0} is a program that has the path of the venv in it, so that it cannot be put in its place.".format(
                    printable(path)
                ),
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


def packages_of(venv: str, minor: str) -> t.Dict[str, str]:
    """Return C({name: version}) of what is installed for C(minor)."""
    site = site_folders(venv).get(minor)
    return {package["name"]: package["version"] for package in installed_packages(site)} if site else {}


def write_record(venv: str, record: t.Mapping[str, t.Any]) -> None:
    """Write down in the venv what it was made from."""
    data = json.dumps(record, indent=1, sort_keys=True).encode("utf-8") + b"\n"
    write_durably(os.path.join(venv, RECORD), data, 0o644)


def read_record(venv: str) -> t.Dict[str, t.Any]:
    """Return what was written down in the venv, an empty dict where nothing was, or nothing that can be read."""
    try:
        told = json.loads(read_small(os.path.join(venv, RECORD)))
    except (OSError, ValueError):
        # Not ours, or damaged: then nothing is known about it, and it is built anew.
        return {}
    return told if isinstance(told, dict) else {}
