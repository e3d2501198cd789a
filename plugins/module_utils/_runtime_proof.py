# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Prove that a runtime works, without privileges: its version, the modules that need libraries of the host, venv."""

import json
import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import ProofError
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.module_utils._unprivileged import Unprivileged

__all__ = ["CHECKS", "check_at_place", "check_modules", "check_runtime"]

CHECKS = ("ssl", "sqlite3", "zlib", "ctypes", "venv")

# What a check does more than to import the module of its name.
_SCRIPT = r"""
import importlib, json, os, subprocess, sys
folder, names = sys.argv[1], sys.argv[2:]
def must(truth, what):
    if not truth: raise AssertionError(what)
def ssl(module): module.create_default_context()
def sqlite3(module): must(module.connect(":memory:").execute("select 1").fetchone() == (1,), "it cannot count")
def zlib(module): must(module.decompress(module.compress(b"text")) == b"text", "it gives other bytes back")
def ctypes(module): must(module.CDLL(None).getpid() == os.getpid(), "it calls something else")
def venv(module):
    module.EnvBuilder(symlinks=True).create(folder)
    import ensurepip
    must(ensurepip.version(), "it has no pip")
    code = "import sys; print(sys.prefix != sys.base_prefix)"
    python = os.path.join(folder, "bin/python")
    must(subprocess.check_output([python, "-I", "-B", "-c", code]).strip() == b"True", "it is no venv")
more = {one.__name__: one for one in (ssl, sqlite3, zlib, ctypes, venv)}
failed = {}
for name in names:
    try:
        module = importlib.import_module(name)
        more.get(name, lambda module: None)(module)
    except BaseException as error:
        failed[name] = "%s: %s" % (type(error).__name__, error)
print(json.dumps({"version": sys.version.split()[0].rstrip("+"), "prefix": sys.prefix, "failed": failed}))
"""
_PLACE = "import json, sys, sysconfig, ssl; print(json.dumps([sys.prefix, sysconfig.get_config_var('prefix')]))"


def check_runtime(
    folder: str,
    version: str,
    checks: t.Sequence[str],
    user: Unprivileged,
    scratch: str,
    timeout: float = 120.0,
    hints: t.Sequence[str] = (),
) -> t.Dict[str, t.Any]:
    """Try the runtime in C(folder) and return what it said. C(scratch) is a folder of the user, for a venv.

    C(hints): sentences for the error. Raises ProofError, details: version, failed (name to reason).
    """
    interpreter = os.path.join(folder, "bin/python" + ".".join(version.split(".")[:2]))
    said = _ask(interpreter, checks, user, scratch, timeout)
    if said["version"] != version:
        raise ProofError(
            "It is CPython {0}, not the {1} that was asked for. Nothing was installed.".format(
                printable(str(said["version"])), version
            ),
            version=said["version"],
        )
    _require_passed("CPython {0} was not installed, because it does".format(version), said, hints)
    return said


def check_modules(
    interpreter: str, checks: t.Sequence[str], user: Unprivileged, scratch: str, timeout: float = 120.0
) -> None:
    """Try an interpreter that is installed already. Raises ProofError, details: failed (name to reason)."""
    said = _ask(interpreter, checks, user, scratch, timeout)
    _require_passed("{0} is installed, but does".format(printable(interpreter)), said, ())


def _ask(
    interpreter: str, checks: t.Sequence[str], user: Unprivileged, scratch: str, timeout: float
) -> t.Dict[str, t.Any]:
    venv = os.path.join(scratch, "venv")
    done = user.run([interpreter, "-I", "-B", "-c", _SCRIPT, venv] + list(checks), scratch, timeout)
    if done.rc != 0:
        raise ProofError(
            "The interpreter does not run on this host (exit code {0}): {1}. Was it built for another processor or a "
            "newer C library?".format(done.rc, printable(done.tail()) or "no output"),
            output=done.tail(),
        )
    return _answer(done.out)


def _require_passed(what: str, said: t.Mapping[str, t.Any], hints: t.Sequence[str]) -> None:
    if said["failed"]:
        raise ProofError(
            "{0} not pass its checks: {1}.{2}".format(
                what,
                "; ".join("{0} ({1})".format(name, printable(why)) for name, why in sorted(said["failed"].items())),
                "".join(" " + hint for hint in hints),
            ),
            failed=said["failed"],
        )


def check_at_place(folder: str, minor: str, user: Unprivileged, timeout: float = 60.0) -> None:
    """Start the published runtime once more and ask it where it believes to be. Raises ProofError."""
    interpreter = os.path.join(folder, "bin/python" + minor)
    done = user.run([interpreter, "-I", "-B", "-c", _PLACE], "/", timeout)
    if done.rc != 0:
        raise ProofError(
            "The runtime does not start at {0} (exit code {1}): {2}. May everybody search the folders above it?".format(
                printable(folder), done.rc, printable(done.tail())
            ),
            output=done.tail(),
        )
    said = json.loads(done.out)
    if said != [folder, folder]:
        raise ProofError(
            "The runtime at {0} believes to be at {1} (sysconfig: {2})".format(printable(folder), said[0], said[1]),
            said=said,
        )


def _answer(out: str) -> t.Dict[str, t.Any]:
    try:
        said = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        said = None
    if not isinstance(said, dict) or not {"version", "failed"} <= set(said):
        raise ProofError("The interpreter did not answer as a CPython does: {0}".format(printable(out[-500:])))
    return t.cast(t.Dict[str, t.Any], said)
