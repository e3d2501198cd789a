# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the readers say a file sets, against the programs whose syntax it is, where those are on this machine.

The files are made at random, from pieces that mean something to the reader; the seed is in the name of each test.
"""

import os
import random
import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.csh import read_csh
from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.setting import Reading, in_force
from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.shell import read_shell
from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.systemd import read_environment_file

GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
NAMES = ("AA", "BB", "CC")
SEEDS = range(3)
SCRIPTS_PER_SEED = 25


def _shells(*names: str) -> t.List[t.Any]:
    marks = {name: pytest.mark.skipif(not shutil.which(name), reason="there is no " + name) for name in names}
    return [pytest.param(name, marks=mark) for name, mark in marks.items()]


def _value(chance: random.Random, *more: str) -> str:
    pieces = ("/x", "y", ":", "'a b'", '"c d"', "'#'", "'h\"i'", "'=z'", '"\'"', "\\ g", "';'", '"&&"', "'('") + more
    return "".join(chance.choice(pieces) for _number in range(chance.randint(0, 3)))


def _shell_command(chance: random.Random, depth: int = 0) -> str:
    name, other = chance.choice(NAMES), chance.choice(NAMES)
    value, filled = _value(chance, '"e\\"f"', "\\\\"), "/k" + _value(chance)
    commands = [
        lambda: "export {0}={1}".format(name, value),
        lambda: "{0}={1}".format(name, value),
        lambda: "{0}={1}; export {0}".format(name, value),
        lambda: "export {0}={1} \\\n  {2}={3}".format(name, value, other, _value(chance)),
        lambda: "unset {0}".format(name),
        lambda: "set -a; {0}={1}; set +a".format(name, value),
        lambda: "true && export {0}={1}".format(name, filled),
        lambda: "false || export {0}={1}".format(name, filled),
        lambda: "{0}={1} env >/dev/null".format(name, value),
        lambda: "echo {0}={1} >/dev/null".format(name, value),
        lambda: 'echo "\nexport {0}={1}\n" >/dev/null'.format(name, "/no"),
        lambda: "# export {0}={1}".format(name, value),
        lambda: "true # export {0}={1}".format(name, value),
        lambda: "cat >/dev/null <<EOF\nexport {0}=/no\nEOF".format(name),
        lambda: "x=$(export {0}={1}; echo ')' )".format(name, value),
        lambda: "(export {0}={1}; true)".format(name, value),
        lambda: "f() {{ export {0}={1}; }}".format(name, filled) if depth == 0 else "true",
        lambda: "g() {{ export {0}={1}; }}; g; g() {{ true; }}".format(name, filled) if depth == 0 else "true",
        lambda: "case x in {0}=*) ;; *) export {0}={1} ;; esac".format(name, filled),
        lambda: "if true; then\n  {0}\nfi".format("export {0}={1}".format(name, filled)),
        lambda: "for i in 1; do export {0}={1}; done".format(name, filled),
        lambda: "{{ true; {0}\n}}".format(_shell_command(chance, 1)) if depth == 0 else "true",
    ]
    return chance.choice(commands)()


def _csh_command(chance: random.Random) -> str:
    name, value, filled = chance.choice(NAMES), _value(chance), "/k" + _value(chance)
    return chance.choice(
        [
            "setenv {0} {1}".format(name, value),
            "setenv {0}".format(name),
            "setenv {0} \\\n {1}".format(name, value),
            "unsetenv {0}".format(name),
            "set {0}={1}".format(name, filled),
            "if (1) setenv {0} {1}".format(name, filled),
            "if (1 && ! $?NOTHING) then\n  setenv {0} {1}\nelse if (0) then\n true\nelse\n true\nendif".format(
                name, filled
            ),
            "# setenv {0} {1}".format(name, value),
            "true # setenv {0} {1}".format(name, value),
            "echo setenv {0} {1} >/dev/null".format(name, value),
            "(setenv {0} {1})".format(name, value),
            "true && setenv {0} {1}; true".format(name, filled),
            "cat >/dev/null << EOF\nsetenv {0} /no\nEOF".format(name),
            "foreach i (1)\n  setenv {0} {1}\nend".format(name, filled),
        ]
    )


def _environment(argv: t.List[str], path: str, text: str) -> t.Dict[str, str]:
    """Return what of NAMES is set to something where the program has read the text."""
    with open(path, "w") as stream:
        stream.write(text)
    done = subprocess.run(
        argv, env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True
    )
    assert not done.stderr, text
    pairs = [entry.partition("=") for entry in done.stdout.decode().split("\0")]
    return {name: value for name, _equals, value in pairs if name in NAMES and value}


def _read(reading: Reading) -> t.Dict[str, str]:
    exported = {one.name for one in reading.settings if one.exported}
    return {one.name: one.value or "" for one in in_force(reading.settings) if one.name in exported}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shell", _shells("dash", "bash", "ksh", "zsh"))
def test_a_script_sets_in_a_real_shell_what_the_reader_says(tmp_path: t.Any, shell: str, seed: int) -> None:
    chance, path = random.Random(seed), str(tmp_path / "script")  # noqa: S311
    for _number in range(SCRIPTS_PER_SEED):
        text = "\n".join(_shell_command(chance) for _number in range(chance.randint(1, 6))) + "\n"
        assert _read(read_shell(text)) == _environment([shell, "-c", ". {0}; env -0".format(path)], path, text), text


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shell", _shells("tcsh"))
def test_a_script_sets_in_a_real_csh_what_the_reader_says(tmp_path: t.Any, shell: str, seed: int) -> None:
    chance, path = random.Random(seed), str(tmp_path / "script")  # noqa: S311
    for _number in range(SCRIPTS_PER_SEED):
        text = "\n".join(_csh_command(chance) for _number in range(chance.randint(1, 6))) + "\n"
        assert _read(read_csh(text)) == _environment([shell, "-f", "-c", "source {0}; env -0".format(path)], path, text)


@pytest.mark.skipif(not os.path.exists(GENERATOR), reason="there is no systemd here that reads environment.d")
@pytest.mark.parametrize("seed", SEEDS)
def test_an_environment_file_sets_for_systemd_what_the_reader_says(tmp_path: t.Any, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "environment.d" / "a.conf"  # noqa: S311
    path.parent.mkdir()
    pieces = ("AA", "BB", "CC", "=", "=", "\n", "\n", " ", '"', "'", "\\", "#", ";", "x", "y/", "\\\n", ":")
    for _number in range(SCRIPTS_PER_SEED):
        text = "".join(chance.choice(pieces) for _number in range(chance.randint(3, 30)))
        # Comments that go on are comments to systemd before 254 only. It writes line ends in a form of its own.
        if re.search(r"(?m)^[ \t]*[#;].*\\", text) or any(
            "\n" in value for value in _read(read_environment_file(text)).values()
        ):
            continue
        path.write_text(text)
        done = subprocess.run([GENERATOR], env={"XDG_CONFIG_HOME": str(tmp_path)}, stdout=subprocess.PIPE, check=True)
        script = "set -a\n" + done.stdout.decode() + "\nexec env -0"
        expected = _environment(["bash", "-c", script], str(tmp_path / "unused"), "")
        found = {name: value for name, value in _read(read_environment_file(text)).items() if name in NAMES}
        assert found == expected, text
