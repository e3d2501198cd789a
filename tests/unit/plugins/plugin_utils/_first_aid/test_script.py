# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import CommandError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import parse_answer, script_text

MARK = "@m@"
SHELLS = [shell.split() for shell in ("dash", "busybox sh", "bash --posix") if shutil.which(shell.split()[0])]


def test_sections_survive_noise_and_missing_newlines() -> None:
    text = f"banner\n\n{MARK} begin\n\n{MARK} one a b\nfirst\n\nlast\n\n{MARK} two\n\n{MARK} end\ntrailer"
    answer = parse_answer(text, "", 0, MARK)
    assert [section.name for section in answer.sections] == ["begin", "one", "two", "end"]
    one = answer.first("one")
    assert (one.words, one.body, one.lines) == (("a", "b"), "first\n\nlast", ["first", "last"])
    assert (answer.has("two"), answer.has("three"), answer.first("three").word) == (True, False, "")


def test_a_terminal_in_between_changes_nothing() -> None:
    answer = parse_answer(f"{MARK} begin\r\n\r\n{MARK} x\r\nbody\r\n\r\n{MARK} end\r\n", "", 0, MARK)
    assert answer.first("x").body == "body"


@pytest.mark.parametrize("text", ["", "sh: not found", f"{MARK} begin\n{MARK} one\n", f"{MARK} one\n{MARK} end\n"])
def test_an_answer_without_its_end_is_an_error(text: str) -> None:
    with pytest.raises(CommandError, match="exit code 3") as caught:
        parse_answer(text, "why \x1b[31m", 3, MARK)
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("value", ["a b", "it's", "$(touch /nonexistent/x)", "new\nline", "-n", "\\n", "*"])
def test_settings_arrive_as_they_are(shell: list[str], value: str) -> None:
    text = script_text([], MARK, {"setting": value, "words": ["a", "b"]}, (), {"PLAY_VARIABLE": value})
    script = text + '\nprintf "%s|%s|%s" "$setting" "$PLAY_VARIABLE" "$words"'
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{value}|{value}|a b"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_calls_keep_their_arguments_and_stop_at_the_first_failure(shell: list[str]) -> None:
    text = script_text([], MARK, {}, [["section", "one", "a b", "$HOME"], ["false"], ["section", "two"]])
    done = subprocess.run([*shell, "-c", text], capture_output=True, text=True, check=True)
    answer = parse_answer(done.stdout, done.stderr, done.returncode, MARK)
    assert [section.name for section in answer.sections] == ["begin", "one", "end"]
    assert answer.sections[1].words == ("a", "b", "$HOME")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("command", "captured", "explained"),
    [
        ("echo data; echo remark >&2", "0|data|remark", "data"),
        ("echo remark >&2; printf 'a\\n\\nb\\n'", "0|a\n\nb|remark", "a\n\nb"),
        ("printf 'no\\n\\nend' >&2", "0||no\n\nend", ""),
        ("echo data; echo why >&2; exit 3", "3|data|why", "data\nwhy"),
        ("exit 4", "4||", "\n"),
    ],
)
def test_remarks_are_kept_from_data(shell: list[str], command: str, captured: str, explained: str) -> None:
    script = f"""{script_text([], MARK, {})}
        captured sh -c "$1" && printf '%s|%s|%s\\0' "$status" "$output" "$errors"
        explained sh -c "$1" || :
        printf %s "$output"
    """
    done = subprocess.run([*shell, "-c", script, "-", command], capture_output=True, text=True, check=True)
    assert (done.stdout.split("\0"), done.stderr) == ([captured, explained], "")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_remarks_of_any_length_are_taken_off(shell: list[str]) -> None:
    script = f"""{script_text([], MARK, {})}
        captured sh -c 'seq 50000; seq 50000 >&2'
        printf '%s %s' "${{#output}}" "${{#errors}}"
    """
    done = subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "288893 288893"
