# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reader, on the lines that its program's documentation or source decides; and on what nobody should write."""

import random
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers import csh, plain, shell, systemd
from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.setting import (
    Included,
    Reading,
    Setting,
    in_force,
)

Reader = t.Callable[[str], Reading]


def said(reader: Reader, text: str) -> t.List[t.Tuple[str, t.Optional[str]]]:
    return [(one.name, one.value) for one in reader(text).settings]


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (plain.read_pam_environment, "  export A=/x y # no\n", [("A", "/x y")]),
        (plain.read_pam_environment, "A='/x'\"y\"\n", [("A", "/x'\"y")]),
        (plain.read_pam_environment, "A=/x\\\n/y\n", [("A", "/x/y")]),
        (plain.read_pam_environment, "A\nB=\nA-B=/x\n=x\n", [("A", ""), ("B", "")]),
        (plain.read_pam_conf, "A DEFAULT=/x OVERRIDE=${B}\n", [("A", "${B}")]),
        (plain.read_pam_conf, 'A\tDEFAULT="/x y" # no\n', [("A", "/x y")]),
        (plain.read_pam_conf, "A\nB DEFAULT=\nC DEFAULT=/x more\n", [("A", ""), ("B", "")]),
        (plain.read_crontab, " 'A' = \"/x y\" \nB=/x # y\n", [("A", "/x y"), ("B", "/x # y")]),
        (plain.read_crontab, "#A=/x\n* * * * * root A=/x cmd\n@reboot root A=/x\n", []),
        (plain.read_crontab, "A=\nB=''\nC=\"/x\" y\n", [("A", ""), ("B", "")]),
        (plain.read_sudoers, 'Defaults!X env_reset, \\\n secure_path="/x:/y"\n', [("PATH", "/x:/y")]),
        (plain.read_sudoers, "# Defaults secure_path=/x\nroot ALL=(ALL) ALL\n", []),
        (plain.read_login_defs, "ENV_PATH /x\n#ENV_PATH /y\nENV_SUPATH PATH=/z\n", [("PATH", "/x"), ("PATH", "/z")]),
        (plain.read_sshd_config, 'setenv A=/x B="/y z"\n#SetEnv C=/x\n', [("A", "/x"), ("B", "/y z")]),
        (
            systemd.read_default_environment,
            "[Manager]\nDefaultEnvironment=A=1 'B=2 3' C=\"4\"\n",
            [("A", "1"), ("B", "2 3"), ("C", "4")],
        ),
        (systemd.read_default_environment, "[Manager]\nDefaultEnvironment = A=\\x41\\tb%%\\101\n", [("A", "A\tb%A")]),
        (
            systemd.read_default_environment,
            "[Manager]\nDefaultEnvironment=A=1 \\\n# B=2\n C=3\n",
            [("A", "1"), ("C", "3")],
        ),
        (systemd.read_default_environment, '[Manager]\nDefaultEnvironment=A=1 "B=2 C=3\n', [("A", "1")]),
        (systemd.read_default_environment, "[Manager]\nDefaultEnvironment=A=1 B=\\q C=3\n", [("A", "1")]),
        (systemd.read_default_environment, "[Other]\nDefaultEnvironment=A=1\n[Manager]\nLogLevel=A=1\n", []),
        (systemd.read_default_environment, "[Manager]\nManagerEnvironment=A=1\n", []),
        (
            systemd.read_manager_environment,
            "[Manager]\nManagerEnvironment=A=1\nManagerEnvironment=\n",
            [("A", "1"), ("", "")],
        ),
        (
            systemd.read_service,
            "[Service]\nEnvironment=A=1\nUnsetEnvironment=A B=2\n",
            [("A", "1"), ("A", ""), ("B", "")],
        ),
        (systemd.read_environment_file, "A='x'\" y\"z # \n;B=1\nC = D\\\nE\n", [("A", "x yz #"), ("C", "DE")]),
        (
            csh.read_csh,
            "setenv A /x; setenv B '/y z'\nsetenv C\nunsetenv D\n",
            [("A", "/x"), ("B", "/y z"), ("C", ""), ("D", "")],
        ),
        (csh.read_csh, "set path = ( /x $path )\nset path=(/y)\n", [("PATH", "/x:$path"), ("PATH", "/y")]),
        (csh.read_csh, "setenv A $A\n", [("A", None)]),
        (shell.read_shell, "export A B=${B:-}\nC=${C:-/x}\n", [("A", None), ("B", None), ("C", "${C:-/x}")]),
        (shell.read_shell, ": ${A:=/x}\neval 'export B=/y'\n", [("A", "/x"), ("B", "/y")]),
        (shell.read_shell, "f() { local A=/x; declare -x B=/y; }; f\n", []),
        (shell.read_shell, "case $1 in (A=*) B=/x;; esac\n(( C << 2 ))\nexport D=/y\n", [("B", "/x"), ("D", "/y")]),
        (shell.read_shell, "function f { export A=/x; }\nfunction g() { export B=/y; }\ng\n", [("B", "/y")]),
        (shell.read_shell, "[[ $x = (A=1) ]] && B=/x\n", [("B", "/x")]),
        (shell.read_shell, "export -n A\ntypeset +x B=/x\nunset -f C\n", [("A", None), ("B", "/x")]),
    ],
)
def test_what_a_file_says(reader: Reader, text: str, expected: t.List[t.Tuple[str, t.Optional[str]]]) -> None:
    assert said(reader, text) == expected


# What CPython's venv writes into bin/activate, as far as it touches these variables.
ACTIVATE = """
deactivate () {
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME:-}" ] ; then
        PYTHONHOME="${_OLD_VIRTUAL_PYTHONHOME:-}"
        export PYTHONHOME
        unset _OLD_VIRTUAL_PYTHONHOME
    fi
}
deactivate nondestructive
if [ -n "${PYTHONHOME:-}" ] ; then
    _OLD_VIRTUAL_PYTHONHOME="${PYTHONHOME:-}"
    unset PYTHONHOME
fi
"""


def test_a_value_that_is_put_back_is_nobodys_new_one() -> None:
    settings = in_force(shell.read_shell(ACTIVATE).settings)
    assert [one.name for one in settings if one.name == "PYTHONHOME"] == []


@pytest.mark.parametrize(
    ("reader", "text", "included"),
    [
        (shell.read_shell, '. /a\n[ -r /b ] && source "/b"\n. "$HOME/c"\n(. /d)\n', ["/a", "/b"]),
        (csh.read_csh, "source /a\nif (-r /b) source /b\nsource ~/.c\n", ["/a", "/b"]),
        (systemd.read_service, "[Service]\nEnvironmentFile=-/a\nEnvironmentFile=\n", ["/a"]),
        (plain.read_sudoers, 'Defaults env_file="/a", restricted_env_file=/b\n', ["/a", "/b"]),
    ],
)
def test_which_files_another_includes(reader: Reader, text: str, included: t.List[str]) -> None:
    assert [one.path for one in reader(text).files] == included


def test_what_is_included_while_all_is_exported() -> None:
    files = shell.read_shell("set -o allexport\n. /a\nset +o allexport\n. /b\n").files
    assert files == [Included("/a", "sh", True), Included("/b", "sh", False)]


def test_later_ones_take_back_what_no_condition_makes_doubtful() -> None:
    settings = [
        Setting("A", "1", 1),
        Setting("B", "2", 2),
        Setting("A", "", 3, certain=False),
        Setting("B", "", 4),
        Setting("C", None, 5),
        Setting("A", "3", 6),
    ]
    assert [one.line for one in in_force(settings)] == [1, 6]
    assert in_force([*settings, Setting("", "", 7)]) == []


READERS = [
    shell.read_shell,
    csh.read_csh,
    systemd.read_default_environment,
    systemd.read_service,
    systemd.read_environment_file,
    plain.read_pam_environment,
    plain.read_pam_conf,
    plain.read_crontab,
    plain.read_sudoers,
    plain.read_login_defs,
    plain.read_sshd_config,
]
PIECES = [
    *"\"'`$(){}[]<>|&;#=\\ \t\n\r\x00\xe9\udc80",
    *(
        "export ",
        "setenv ",
        "A=",
        "A",
        "case x in ",
        "esac",
        "if ",
        "fi",
        "<<E\n",
        "E\n",
        "$(",
        "${",
        "function ",
        "[[ ",
    ),
    *(
        "[Manager]\n",
        "[Service]\n",
        "DefaultEnvironment=",
        "Environment=",
        "Defaults ",
        "secure_path=",
        "SetEnv ",
        "eval ",
    ),
]


@pytest.mark.parametrize("reader", READERS)
def test_no_text_is_too_odd_to_be_read(reader: Reader) -> None:
    chance = random.Random(1)  # noqa: S311
    for _number in range(300):
        text = "".join(chance.choice(PIECES) for _number in range(chance.randint(1, 30)))
        lines = text.split("\n")
        for one in reader(text).settings:
            assert 1 <= one.line <= len(lines)
            assert one.text is None or one.text == lines[one.line - 1]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "piece", ["(", "$(", '"', "{ ", "if ", "eval ", "A=\\\n", "<<E\n", "[[ ", "' ", "export A=1\n"]
)
def test_a_long_file_is_read_to_its_end(reader: Reader, piece: str) -> None:
    assert reader(piece * 3000) is not None
