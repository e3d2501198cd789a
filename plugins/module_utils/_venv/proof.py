# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Prove that a venv works: its interpreter, its scripts, and every module of what is installed in it."""

import json
import os
import time
import typing as t

from .._base.command import CommandRunner
from .._base.errors import ProofError
from .._base.text import from_json, json_text, printable
from .._disk.files import open_to_read
from .packages import is_seed, normalized, site_folders, top_level_modules

__all__ = ["Proof", "prove"]

# Prints one line of JSON for each package, on a descriptor that nothing that it imports knows.
_PROGRAM = """
import importlib, json, os, sys, warnings
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
warnings.simplefilter("ignore")
for name, modules in json.loads(sys.argv[1]):
    problem = ""
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:
            problem = "import %s: %s: %s" % (module, type(error).__name__, error)
            break
    out.write(json.dumps([name, problem[:500]]) + chr(10))
    out.flush()
os._exit(0)
"""
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.prefix)"
_BATCH = 50


class Proof(t.NamedTuple):
    """What was tried. C(imports) has for each package "ok" or what went wrong; C(scripts) those that cannot start."""

    imports: t.Dict[str, str]
    scripts: t.List[str]


def prove(
    venv: str,
    minor: str,
    exceptions: t.Sequence[str],
    timeout: float,
    env: t.Mapping[str, str],
    run: CommandRunner,
    strict: bool,
) -> Proof:
    """Return the proof that the venv at C(venv) works under Python C(minor).

    C(exceptions) are packages whose import may fail. C(strict) makes scripts that cannot start an error; without it
    only those count whose interpreter should be in the venv. Raises ProofError.
    """
    python = os.path.join(venv, "bin", "python")
    done = run([python, "-I", "-B", "-c", _VERSION], timeout=min(60, timeout), env=env)
    said = done.out.splitlines()
    if done.rc != 0 or said[:1] != [minor] or os.path.realpath(said[1]) != os.path.realpath(venv):
        raise ProofError(
            f"The venv {printable(venv)} does not work: {printable(python)} ends with {done.rc} and says "
            f"{printable(done.tail()) or 'nothing'}.",
            proof={"interpreter": printable(done.tail())},
        )
    imports = _imports(venv, minor, timeout, env, run)
    scripts = _bad_scripts(venv)
    excepted = {normalized(name) for name in exceptions}
    failed = {name: text for name, text in imports.items() if text != "ok" and normalized(name) not in excepted}
    broken = [text for text in scripts if strict or f" starts {printable(venv)}/" in text]
    if failed or broken:
        what = [f"{name} ({text})" for name, text in sorted(failed.items())] + broken
        raise ProofError(
            f"The venv {printable(venv)} does not work: {'; '.join(what[:5])}.",
            proof={"imports": imports, "scripts": scripts},
        )
    return Proof(imports, scripts)


def _imports(venv: str, minor: str, timeout: float, env: t.Mapping[str, str], run: CommandRunner) -> t.Dict[str, str]:
    """Import what each installed distribution brings; return C({package: "ok" or what went wrong})."""
    site = site_folders(venv).get(minor)
    modules = top_level_modules(site) if site else {}
    todo = [(name, names) for name, names in sorted(modules.items()) if not is_seed(name)]
    found: t.Dict[str, str] = {}
    end = time.monotonic() + timeout
    while todo:
        left = end - time.monotonic()
        if left <= 0:
            found.update((name, f"not tried: the time limit of {timeout:.0f} s was over") for name, _m in todo)
            break
        batch = todo[:_BATCH]
        argv = [os.path.join(venv, "bin", "python"), "-I", "-B", "-c", _PROGRAM, json.dumps(batch)]
        done = run(argv, timeout=left, env=env)
        answers = dict(from_json(line) for line in done.out.splitlines())
        found.update((json_text(name), problem or "ok") for name, problem in answers.items())
        if len(answers) < len(batch):
            # One of them took the process with it; the rest gets a new one.
            culprit = batch[len(answers)][0]
            how = "did not end in time" if done.timed_out else f"ended the interpreter (exit code {done.rc})"
            found[culprit] = f"its import {how}: {printable(done.tail()[-200:])}"
            answers[culprit] = ""
        todo = todo[len(answers) :]
    return found


def _bad_scripts(venv: str) -> t.List[str]:
    """Return, in words, the scripts in bin whose first line names an interpreter that is not there."""
    bad = []
    folder = os.path.join(venv, "bin")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.path.isfile(path) or not os.stat(path).st_mode & 0o111:
            continue
        interpreter = _interpreter_of(path)
        if interpreter and not os.path.exists(interpreter):
            bad.append(f"bin/{printable(name)} starts {printable(interpreter)}, which is not there")
    return bad


def _interpreter_of(path: str) -> t.Optional[str]:
    with open_to_read(path) as stream:
        lines = [os.fsdecode(line) for line in stream.read(4096).split(b"\n")[:2]]
    if not lines[0].startswith("#!"):
        return None
    if lines[0].split()[0] == "#!/bin/sh" and len(lines) > 1 and lines[1].startswith("'''exec' "):
        # The form of pip for paths with blanks, or too long for the kernel.
        rest = lines[1][len("'''exec' ") :]
        return rest.split('"')[1] if rest.startswith('"') else rest.split(" ")[0]
    words = lines[0][2:].split()
    return words[0] if words else None
