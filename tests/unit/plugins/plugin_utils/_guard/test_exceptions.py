# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's checker accepts what an audit accepts: its functions, with the configuration that is rendered."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.waivers import Waiver
from ansible_collections.fleet.system_python.plugins.module_utils._guard.config import GuardSettings, render
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text

LIBRARY = "/usr/lib64/python3.9"
SHELLS = [shell.split() for shell in ("dash", "busybox sh", "bash --posix") if shutil.which(shell.split()[0])]


def waiver(pattern: str, rule: str = "SP205", expires: str | None = None) -> Waiver:
    return Waiver(rule=rule, pattern=pattern, reason="ours", expires=expires)


def told(folder: Path, waivers: list[Waiver], call: str, shell: list[str] | None = None) -> list[dict[str, str]]:
    """Return what the checker notes when it runs C(call)."""
    config = render(contract_for({"ID": "rhel", "VERSION_ID": "9"}), GuardSettings(waivers=tuple(waivers)))
    (folder / "guard.conf").write_text(config)
    (folder / "governed").touch()
    functions = checker_text().replace('main "$@"\n', "")
    prepared = f"config={folder}/guard.conf work={folder}\nload_config\nunwell=$NL reported=$NL\n"
    (folder / "guard.sh").write_text(functions + prepared + call)
    subprocess.run([*(shell or ["sh"]), folder / "guard.sh"], check=True)
    notes = folder / "findings"
    return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("waivers", "accepted"),
    [
        ([], False),
        ([waiver(f"{LIBRARY}/os.py")], True),
        ([waiver(f"{LIBRARY}/*.py")], True),
        ([waiver("/usr/lib64/*/os.py", expires="9999-12-31")], True),
        ([waiver("/usr/lib64/*.py", expires="2020-01-31"), waiver(f"{LIBRARY}/os.py")], True),
        ([waiver(f"{LIBRARY}/o[!s].py")], False),
        ([waiver(f"{LIBRARY}/os.py", "SP207")], False),
    ],
)
def test_what_is_accepted_is_not_told(tmp_path: Path, shell: list[str], waivers: list[Waiver], accepted: bool) -> None:
    found = told(tmp_path, waivers, f'found SP205 {LIBRARY}/os.py "not as shipped"\n', shell)
    assert [one["id"] for one in found] == ([] if accepted else ["SP205"])


def test_an_exception_that_is_over_is_told(tmp_path: Path) -> None:
    (found,) = told(tmp_path, [waiver(f"{LIBRARY}/*", expires="2020-01-31")], f"found SP205 {LIBRARY}/os.py altered\n")
    assert found["summary"] == "altered; THE EXCEPTION FOR IT EXPIRED on 2020-01-31"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("accepted", "told_of"),
    [
        (None, ["SP301/usr/bin/python3.9", "SP301", "SP303"]),
        (waiver("python3", "SP301"), ["SP301", "SP303"]),
        (waiver("/usr/bin/python3.9", "SP301"), ["SP301", "SP303"]),
        (waiver("dn*", "SP301"), ["SP301/usr/bin/python3.9", "SP303"]),
        (waiver("python3-libs", "SP303"), ["SP301/usr/bin/python3.9", "SP301"]),
    ],
)
def test_packages_are_accepted_by_their_names(
    tmp_path: Path, shell: list[str], accepted: Waiver | None, told_of: list[str]
) -> None:
    call = "unlinked='' lacking=python3 repeated='dnf python3-libs' unfinished=python3-libs$NL\njudge_packages\n"
    found = told(tmp_path, [accepted] if accepted else [], call, shell)
    assert [one["id"] + one["path"] for one in found] == told_of


def test_what_lies_beside_it_is_told(tmp_path: Path) -> None:
    lines = "".join(f"content\tpython3-libs\t{LIBRARY}/{name}.py\n" for name in ("os", "re"))
    (tmp_path / "drift").write_text(lines)
    found = told(tmp_path, [waiver(f"{LIBRARY}/os.py")], "judge_files\n")
    assert [(one["id"], one["path"]) for one in found] == [("SP205", f"{LIBRARY}/re.py")]


@pytest.mark.parametrize(("path", "trusted"), [("os.py", True), ("re.py", False)])
def test_the_manager_is_trusted_with_it(tmp_path: Path, path: str, trusted: bool) -> None:
    (tmp_path / "drift").write_text(f"content\tpython3-libs\t{LIBRARY}/{path}\n")
    (tmp_path / "astray").touch()
    call = "open_way='' foreign='' obeyed='' plugin='' lacking='' blocks=''\nexists() { :; }\njudge_manager\n"
    found = told(tmp_path, [waiver(f"{LIBRARY}/os.py")], call)
    assert [one["id"] for one in found] == ([] if trusted else ["SP211"])
