# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe's look at the loader's cache, in real shells, with an ldconfig that tells what the test wants."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import script_text

SHELLS = [shell.split() for shell in ("dash", "busybox sh", "bash --posix") if shutil.which(shell.split()[0])]
CACHE = """12 libs found in cache `/etc/ld.so.cache'
\tlibz.so.1 (libc6,x86-64) => /usr/local/lib/libz.so.1
\tlibz.so.1 (libc6,x86-64) => /lib64/libz.so.1
\tlibz.so.1 (libc6) => /opt/32/libz.so.1
\tlibpython3.9.so.1.0 (libc6,x86-64, OS ABI: Linux 3.2.0) => /usr/lib64/libpython3.9.so.1.0
\tlibpython3.9.so.1.0 (libc6,x86-64, hwcap: "x86-64-v3") => /opt/a b/libpython3.9.so.1.0
\tlibpython3.9.so.1.0 (libc6,x86-64) => /opt/behind/libpython3.9.so.1.0
\tlibother.so (libc6,x86-64) => /usr/local/lib/libother.so
\tlibc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6
\tlibm.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libm.so.6
"""


def run(shell: list[str], script: str) -> str:
    told = f"ldconfig() {{ printf %s {shlex.quote(CACHE)}; }}\n"
    text = script_text(["loader"], "@m@", {}) + "\n" + told + "read_loader_cache\n" + script
    return subprocess.run([*shell, "-c", text], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_what_is_taken_and_from_where(shell: list[str]) -> None:
    taken, elsewhere = run(shell, 'printf \'%s\\0\' "$taken" "$elsewhere"').split("\0")[:2]
    first = {"libother.so\t/usr/local/lib/libother.so", "libz.so.1\t/usr/local/lib/libz.so.1"}
    some = "libpython3.9.so.1.0\t/opt/a b/libpython3.9.so.1.0"
    assert set(elsewhere.split("\n")) == {*first, some}
    assert set(taken.split("\n")) == {
        *first,
        some,
        "libpython3.9.so.1.0\t/usr/lib64/libpython3.9.so.1.0",
        "libc.so.6\t/lib/x86_64-linux-gnu/libc.so.6",
        "libm.so.6\t/lib/x86_64-linux-gnu/libm.so.6",
    }


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("needed", "owned", "foreign", "folders"),
    [
        ("libz.so.1", "", "/usr/local/lib/libz.so.1", "/usr/lib64:/lib64"),
        ("libz.so.1", "/usr/local/lib/libz.so.1", "", ""),
        ("libpython3.9.so.1.0", "", "/opt/a b/libpython3.9.so.1.0", "/usr/lib64"),
        ("libm.so.6", "", "", ""),
    ],
)
def test_only_what_is_needed_and_nobodys(
    shell: list[str], tmp_path: Path, needed: str, owned: str, foreign: str, folders: str
) -> None:
    binary = tmp_path / "python3.9"
    binary.write_bytes(b"\x7fELF\0" + needed.encode() + b"\0")
    script = f"""
        minor=3.9 binary={shlex.quote(str(binary))} library_path=/usr/lib64/libpython3.9.so.1.0 stdlib=/nothing
        unowned_of() {{ grep -v -x -F {shlex.quote(owned or "-")} || :; }}
        report_libraries
        printf '|%s' "$library_folder"
    """
    answer, _bar, told = run(shell, script).rpartition("|")
    assert (answer.partition("foreign-library")[2].split("\n")[1:2], told) == ([foreign] if foreign else [], folders)
