# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The proof: commands of the contract, run only when every file they need verifies, and what they printed."""

import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._findings import Finding
from ansible_collections.fleet.system_python.plugins.module_utils._resolution import kind_of
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["prove"]

# A finding that means that the commands of the proof would run something that rpm does not vouch for.
_UNTRUSTED = re.compile(r"^SP(?:10[123]|20[1-69]|301|302)$")


def prove(
    contract: Contract, findings: t.Sequence[Finding], runner: CommandRunner = run_command
) -> t.Tuple[bool, t.List[t.Dict[str, t.Any]]]:
    """Return whether all commands of the proof did what they should, and each one's C({command, ok, output}).

    Nothing is run while C(findings) say that what would run is not the vendor's; then the proof has failed.
    """
    # A minor one is told but runs nothing by itself (add-ons that pip installed).
    serious = [finding for finding in findings if finding["severity"] != "minor"]
    untrusted = sorted({finding["id"] for finding in serious if _UNTRUSTED.match(finding["id"])})
    if untrusted:
        return False, [{"command": None, "ok": False, "output": "not run because of {0}".format(", ".join(untrusted))}]
    commands = list(contract["proof"])
    # A minimal host may lack it. Where its package is installed, a missing program is a finding of that package.
    if contract["manager"] and kind_of(contract["manager"]["argv"][0]) != "missing":
        commands.append({"argv": contract["manager"]["argv"], "expect": ""})
    results = [_prove(command, runner) for command in commands]
    return all(result["ok"] for result in results), results


def _prove(command: t.Mapping[str, t.Any], runner: CommandRunner) -> t.Dict[str, t.Any]:
    done = runner(command["argv"], timeout=60)
    text = (done.out + done.err).strip()
    ok = done.rc == 0 and bool(re.search(command["expect"], text, re.MULTILINE))
    return {
        "command": " ".join(command["argv"]),
        "ok": ok,
        "output": printable(text.split("\n")[0] if ok else done.tail()),
    }
