# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All variables of a POSIX shell are global: what a loop or a check still needs, nothing that it calls sets."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text
from ansible_collections.fleet.system_python.plugins.plugin_utils._shell.parts import shared_text

FIRST_AID = Path(__file__).parents[5] / "plugins/plugin_utils/_first_aid/scripts"
CHECKER = checker_text()
SCRIPTS = {path.name: path.read_text("utf-8") + shared_text() for path in sorted(FIRST_AID.glob("*.sh"))}
SCRIPTS["the checker"] = CHECKER
FUNCTION = re.compile(r"^([a-z_]+)\(\) \{\n(.*?)^\}$", re.M | re.S)
LOOP = re.compile(r"^( *)(?:while |for |.*\| *while )(.*?)\bdo\n(.*?)^\1done", re.M | re.S)
SET = re.compile(r"(?:^|[;&|({\s])([a-z_]+)=", re.M)
COMMAND = re.compile(
    r"(?:^|[;&|({]|\b(?:if|then|else|while|until|do|!)\b) *(?:! )?([a-z_]+)(?=[ ;\n]|$)[^;|&\n]*", re.M
)
READ = re.compile(r"\bread -r ([a-z_ ]+)|\bfor ([a-z_]+) in")


@cache
def functions(script: str) -> dict[str, str]:
    """Return the bodies of the functions, by name, without what runs in a shell of its own."""
    return {name: re.sub(r"\$\([^()]*\)", "", body) for name, body in FUNCTION.findall(script)}


def assigned(body: str) -> set[str]:
    """Return the variables that this text sets."""
    read = {name for match in READ.finditer(body) for name in (match[1] or match[2]).split()}
    return read | set(SET.findall(body))


def calls(script: str, body: str) -> dict[str, int]:
    """Return the functions that this text calls, each with where its first call ends."""
    found: dict[str, int] = {}
    for match in COMMAND.finditer(body):
        if match[1] in functions(script):
            found.setdefault(match[1], match.end())
    return found


def called(script: str, *bodies: str) -> set[str]:
    """Return the functions that these texts call, and what those call."""
    known, waiting = set[str](), list(bodies)
    while waiting:
        names = set(calls(script, waiting.pop())) - known
        known |= names
        waiting += [functions(script)[name] for name in names]
    return known


def loops(body: str) -> list[tuple[set[str], str]]:
    """Return the variables and the body of each loop, inner ones too."""
    found = []
    for match in LOOP.finditer(body):
        names = {name for one in READ.finditer(match[0].split("do\n")[0]) for name in (one[1] or one[2]).split()}
        found += [(names, match[3]), *loops(match[3])]
    return found


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_loop_keeps_its_variables(script: str) -> None:
    lost = []
    for name, body in functions(script).items():
        for variables, inner in loops(body):
            for callee, place in calls(script, inner).items():
                used = {one for one in variables if re.search(rf"\$\{{?{one}\b", inner[place:])}
                whole = called(script, functions(script)[callee]) | {callee}
                lost += [(name, callee, used & assigned(functions(script)[one])) for one in sorted(whole)]
    assert not [one for one in lost if one[2]]


def test_the_check_keeps_its_variables() -> None:
    bodies = functions(CHECKER)
    kept = assigned(bodies["check"]) - {"status"}
    elsewhere = {
        name: sorted(kept & assigned(bodies[name])) for name in called(CHECKER, bodies["check"]) - {"begin", "check"}
    }
    assert not {name: variables for name, variables in elsewhere.items() if variables}
