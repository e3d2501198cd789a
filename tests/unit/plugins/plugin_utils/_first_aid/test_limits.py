# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shell scripts start has a limit of time and of output, and rpm is asked in one way, in the guard too."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.settings import PATTERNS, is_literal
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import script_text
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text
from ansible_collections.fleet.system_python.plugins.plugin_utils._shell.parts import shared_text

PLUGINS = Path(__file__).parents[5] / "plugins/plugin_utils"
COMMON = (PLUGINS / "_first_aid/scripts/common.sh").read_text()
GUARD = checker_text()
SHARED_TEXT = shared_text()
SHELLS = [shell.split() for shell in ("dash", "busybox sh", "bash --posix") if shutil.which(shell.split()[0])]
SHARED = (
    *("limited", "exists", "link_text", "others_lead", "is_open"),
    *("holds_database", "named_databases", "find_database", "rpm_alias", "rpm_settings", "is_literal"),
)
# An rpm that says nothing, fails, hangs, does not end when asked to, or prints without end on either stream.
COMMANDS = {
    "echo out; echo err >&2; exit 5": "5|out|err",
    "exit 1": "1||",
    "sleep 20": "124||",
    "trap '' TERM; while :; do sleep 0.1; done": "137||",
    "yes": "141|",
    "trap '' PIPE; while :; do echo yes yes yes; done 2>/dev/null": "141|",
    "yes >&2": "141||",
    "kill -SEGV $$": "139||",
    "no-such-program": "127||",
}


def function(text: str, name: str) -> str:
    found = re.search(rf"^{name}\(\) {{\n.*?^}}\n", text, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found.group(0)


@pytest.mark.parametrize("name", SHARED)
def test_the_guard_has_the_functions_of_first_aid(name: str) -> None:
    scripts = [path.stem for path in (PLUGINS / "_first_aid/scripts").glob("*.sh") if path.stem != "common"]
    assert function(SHARED_TEXT, name) == function(GUARD, name)
    assert [text.count(f"\n{name}() {{\n") for text in (GUARD, script_text(scripts, "@m@", {}))] == [1, 1]


def test_there_is_one_place_for_what_both_have() -> None:
    assert sorted(re.findall(r"^([a-z_]+)\(\) \{$", SHARED_TEXT, re.MULTILINE)) == sorted(SHARED)


def test_the_scripts_know_what_the_modules_know_of_rpms_settings() -> None:
    assert set(re.findall(r"/(?:usr/lib|etc|root)[^ ;\\]+", function(GUARD, "rpm_settings"))) == set(PATTERNS)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(("command", "expected"), COMMANDS.items())
def test_a_command_is_limited(shell: list[str], command: str, expected: str) -> None:
    settings = "most_output=100000 most_errors=100000\n"
    calls = f'captured limited 1 sh -c {command!r}\nprintf "%s|%.9s|%.3s" "$status" "$output" "$errors"'
    script = script_text([], "@m@", {}).replace("timeout -k 5", "timeout -k 1") + "\n" + settings + calls
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith(expected), done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rpm alias -q --pipe id\n", "rpm alias -q --pipe id"),
        ("# rpm\n\trpmkeys exec --x y\n", "\trpmkeys exec --x y"),
        ("r?m alias --x y\n", "r?m alias --x y"),
        ("rp\\\nm alias --x y\n", "rpm alias --x y"),
        ("bash alias --rpm 'rpm *'\n# * alias\nrpmlint alias --x y\n", ""),
        ("", ""),
    ],
)
def test_an_alias_for_rpm_is_found(shell: list[str], text: str, found: str, tmp_path: Path) -> None:
    popt = tmp_path / "popt"
    popt.write_text(text)
    script = f"TAB='\t'\n{function(SHARED_TEXT, 'rpm_alias')}rpm_alias".replace("/etc/popt", str(popt))
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == (found + "\n" if found else "")


OPTIONS = ("RPM_CONFIGDIR=/dev/null", "HOME=/dev/null", "--rcfile /usr/lib/rpm/rpmrc", "--macros /usr/lib/rpm/macros")


@pytest.mark.parametrize("text", [COMMON, GUARD], ids=["first aid", "guard"])
def test_rpm_is_asked_with_its_vendors_macros_only(text: str) -> None:
    assert [option for option in OPTIONS if option not in text] == []


def test_nothing_but_a_transaction_starts_rpm_otherwise() -> None:
    started = []
    for text in [GUARD, *(path.read_text() for path in (PLUGINS / "_first_aid/scripts").glob("*.sh"))]:
        started += re.findall(r"(?:^ *|\$\(|[|!] *|if |limited \S+ )(rpm(?:keys)? -.*)", text, re.MULTILINE)
    assert started == ['rpm --rcfile /usr/lib/rpm/rpmrc --macros "$obeyed" --dbpath "$database" \\']


MACROS = {
    "": True,
    "# a comment with %(id)\n\n%_install_langs en_US\n\t%packager somebody\n": True,
    "%_evil %(id)\n": False,
    "%_evil %{lua:print(1)}\n": False,
    "%_long words \\\n  and %(id)\n": False,
    "%_dbpath /tmp/db\n": False,
    "%__transaction_x /tmp/x.so\n": False,
    "%{load:/tmp/x}\n": False,
    "%_nil %{nil}\n": False,
    "words\n": False,
}


@pytest.mark.parametrize(("text", "literal"), MACROS.items())
def test_macros_that_only_give_words(text: str, literal: bool, tmp_path: Path) -> None:
    path = tmp_path / "macros"
    path.write_text(text)
    assert is_literal(str(path), Root("/")) == literal
    for shell in SHELLS:
        script = f"TAB='\t'\n{function(SHARED_TEXT, 'is_literal')}is_literal {path}"
        assert subprocess.run([*shell, "-c", script], check=False).returncode == (0 if literal else 1), shell


def test_what_is_no_file_of_macros_is_not_literal(tmp_path: Path) -> None:
    for name in ("gone", "."):
        assert not is_literal(str(tmp_path / name), Root("/"))
