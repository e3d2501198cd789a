# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The proof: commands of the contract, run only when every file they need verifies, and what they printed."""

import os
import re
import typing as t

from .._audit.contract import COMMAND, COMMAND_GROUP, Contract
from .._audit.findings import RULES, Finding, Policy, finding_of, ids_of, is_open
from .._audit.isolated import run_isolated
from .._audit.manager import STARTED
from .._audit.records import ProofCommand
from .._audit.rule import ADD_ON, Deviation
from .._base.command import CommandRunner, run_command
from .._base.errors import SystemPythonError
from .._base.text import printable
from .._disk.links import kind_of
from .._rights.account import unprivileged_account
from .._rights.work import run_as

__all__ = ["ProofLine", "failures", "not_run", "prove"]

if t.TYPE_CHECKING:

    class ProofLine(t.TypedDict):
        """What a command of the proof said: C(command) is null where none was run, C(output) one line if C(ok)."""

        command: t.Optional[str]
        ok: bool
        output: str

else:
    ProofLine = dict

_ABOUT_COMMANDS = ids_of(lambda rule: rule.subject in ("link", "alternatives"))
_UNTRUSTED = ids_of(lambda rule: rule.untrusted)


def prove(
    contract: Contract, findings: t.Sequence[Finding], runner: CommandRunner = run_command
) -> t.Tuple[bool, t.List[ProofLine]]:
    """Return whether all commands of the proof did what they should, and what each one said.

    Nothing is run while C(findings) say that what would run is not the vendor's; then the proof has failed.
    """
    refused = not_run(findings)
    if refused:
        return refused["ok"], [refused]
    commands = list(contract["proof"])
    # Which Python a group makes the command of is for the host to choose; that it is one is not.
    governed = COMMAND_GROUP in contract["alternatives"] and kind_of(COMMAND) != "missing"
    if governed and not any(finding["id"] in _ABOUT_COMMANDS for finding in findings):
        commands.append(ProofCommand(argv=[COMMAND, "--version"], expect=r"^Python 3\."))
    # A minimal host may lack it. Where its package is installed, a missing program is a finding of that package, and so
    # is one that must not be started.
    blocked = any(finding["id"] == "SP211" and "paths" in finding["evidence"] for finding in findings)
    if contract["manager"] and kind_of(contract["manager"]["argv"][0]) != "missing" and not blocked:
        commands.append(ProofCommand(argv=contract["manager"]["argv"], expect=""))
    results = [_prove(command, runner) for command in commands] + _prove_for_others(contract, findings, runner)
    return all(result["ok"] for result in results), results


def not_run(findings: t.Iterable[Finding]) -> t.Optional[ProofLine]:
    """Return the line that says because of which of C(findings) nothing may be run, null where all may be."""
    # Lesser ones are reported but run nothing by themselves (add-ons, macros that are only words).
    serious = [one for one in findings if one["severity"] not in ("minor", "info") and one["actual"] != ADD_ON]
    untrusted = [one for one in serious if one["id"] in _UNTRUSTED]
    if not untrusted:
        return None
    # What the user accepts is not run either, but nothing is left to prove.
    accepted, ids = not any(map(is_open, untrusted)), sorted({one["id"] for one in untrusted})
    return ProofLine(command=None, ok=accepted, output="not run because of {0}".format(", ".join(ids)))


def failures(proof: t.Iterable[ProofLine], findings: t.Iterable[Finding]) -> t.List[Finding]:
    """Return, as findings, the commands of the proof that failed for a reason that C(findings) do not have."""
    if any(finding["id"] in STARTED for finding in findings):
        return []
    rule = next(rule for rule in RULES if rule.id == "SP217")
    return [
        finding_of(
            rule,
            Deviation(
                "a command of the proof fails: {0}: {1}".format(one["command"], one["output"]),
                expected="exit code 0",
                actual=one["output"],
                evidence={"command": one["command"]},
            ),
            Policy(),
        )
        for one in proof
        if one["command"] and not one["ok"]
    ]


def _prove_for_others(contract: Contract, findings: t.Iterable[Finding], runner: CommandRunner) -> t.List[ProofLine]:
    """Let a user without rights start the interpreter: what root can read and pass is no proof for anybody else.

    Not where somebody took rights from others.
    """
    if os.geteuid() != 0 or any(finding["evidence"].get("stricter") for finding in findings):
        return []
    argv = [contract["binaries"][0]["path"], "-I", "-S", "-c", "pass"]
    try:
        ok, output = run_as(unprivileged_account("nobody"), lambda: _starts(argv, runner))
    except SystemPythonError as error:
        ok, output = False, error.message
    return [ProofLine(command="nobody: {0}".format(" ".join(argv)), ok=ok, output=printable(output))]


def _starts(argv: t.Sequence[str], runner: CommandRunner) -> t.Tuple[bool, str]:
    done = runner(argv, timeout=60)
    return done.rc == 0, "works for a user without privileges" if done.rc == 0 else done.tail()


def _prove(command: ProofCommand, runner: CommandRunner) -> ProofLine:
    done = run_isolated(runner, command["argv"], timeout=60)
    text = (done.out + done.err).strip()
    ok = done.rc == 0 and bool(re.search(command["expect"], text, re.MULTILINE))
    output = printable(text.split("\n")[0] if ok else done.tail())
    return ProofLine(command=" ".join(command["argv"]), ok=ok, output=output)
