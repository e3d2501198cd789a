# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Prove that a runtime works, without privileges: its version, the modules that need libraries of the host, venv."""

import os
import typing as t

from .._base.errors import ProofError
from .._base.text import from_json, printable
from .._rights.unprivileged import Unprivileged

__all__ = ["CHECKS", "check_at_place", "check_modules", "check_runtime", "failing_checks"]

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
    must(subprocess.check_output([python, "-I", "-B", "-c", code]).strip() == b"True", "it is not a venv")
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


def check_runtime(folder: str, version: str, checks: t.Sequence[str], user: Unprivileged, hint: str) -> None:
    """Try the runtime in C(folder). C(hint): a sentence for the error, or nothing.

    Raises ProofError, details: version, failed (name to reason).
    """
    interpreter = os.path.join(folder, "bin/python" + ".".join(version.split(".")[:2]))
    found, failed = _run_checks(interpreter, checks, user)
    if found != version:
        raise ProofError(
            f"It is CPython {printable(found)}, not the {version} that was asked for. Nothing was installed.",
            version=found,
        )
    _require_passed(f"CPython {version} was not installed, because it does", failed, hint)


def check_modules(interpreter: str, checks: t.Sequence[str], user: Unprivileged) -> None:
    """Try an interpreter that is installed already. Raises ProofError, details: failed (name to reason)."""
    failed = failing_checks(interpreter, checks, user)
    _require_passed(f"{printable(interpreter)} is installed, but does", failed, "")


def failing_checks(interpreter: str, checks: t.Sequence[str], user: Unprivileged) -> t.Dict[str, str]:
    """Return the checks that an installed interpreter does not pass, with the reason. Raises ProofError."""
    return _run_checks(interpreter, checks, user)[1]


def _run_checks(interpreter: str, checks: t.Sequence[str], user: Unprivileged) -> t.Tuple[str, t.Dict[str, str]]:
    """Return the version that the interpreter says, and the checks that it did not pass, with the reason."""
    venv = os.path.join(user.home, "venv")
    done = user.run([interpreter, "-I", "-B", "-c", _SCRIPT, venv] + list(checks), user.home, timeout=120)
    if done.rc != 0:
        raise ProofError(
            f"The interpreter does not run on this host (exit code {done.rc}): "
            f"{printable(done.tail()) or 'no output'}. Was it built for another processor or a newer C library?",
            output=done.tail(),
        )
    try:
        answer = from_json(done.out.splitlines()[-1])
        return str(answer["version"]), dict(answer["failed"])
    except (ValueError, IndexError, KeyError, TypeError):
        raise ProofError(f"The interpreter did not answer as a CPython does: {printable(done.out[-500:])}") from None


def _require_passed(what: str, failed: t.Dict[str, str], hint: str) -> None:
    if failed:
        reasons = "; ".join(f"{name} ({printable(why)})" for name, why in sorted(failed.items()))
        raise ProofError(f"{what} not pass its checks: {reasons}.{hint and ' ' + hint}", failed=failed)


def check_at_place(folder: str, minor: str, user: Unprivileged) -> None:
    """Start the published runtime once more and ask it where it believes to be. Raises ProofError."""
    interpreter = os.path.join(folder, "bin/python" + minor)
    done = user.run([interpreter, "-I", "-B", "-c", _PLACE], "/", timeout=60)
    if done.rc != 0:
        raise ProofError(
            f"The runtime does not start at {printable(folder)} (exit code {done.rc}): {printable(done.tail())}. May "
            "everybody search the folders above it?",
            output=done.tail(),
        )
    places = from_json(done.out)
    if places != [folder, folder]:
        raise ProofError(
            f"The runtime at {printable(folder)} believes to be at {places[0]} (sysconfig: {places[1]})",
            said=places,
        )
