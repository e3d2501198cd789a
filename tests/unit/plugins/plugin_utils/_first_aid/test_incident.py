# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the shell keeps of a host before first aid, in real shells with an rpm that only answers; what becomes of it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import PACKAGES, HostMode
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid import script as scripts
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.incident import (
    Incident,
    incident_of,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import (
    Answer,
    parse_answer,
    script_text,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.seen import evidence_settings
from ansible_collections.fleet.system_python.tests.unit.plugins.plugin_utils._first_aid.recorded_host import answer_of

SHELLS = [shell.split() for shell in ("dash", "busybox sh", "bash --posix") if shutil.which(shell.split()[0])]
RHEL = {"ID": "rhel", "VERSION_ID": "9.7"}
PROBE = (Path(scripts.__file__).parent / "scripts/probe.sh").read_text()
BINARY = "/usr/bin/python3.9"
INSTALLED = "python3-0:3.9.21-2.el9.x86_64"
LIBRARY = "python3-libs-0:3.9.21-2.el9.x86_64"
LATER = 1700000000
SWITCHED = "update-alternatives 2023-11-14 22:10:00: run with --set python3 /usr/bin/python3.15 token=Hunter2Hunter2"
LOGIN = "root     pts/0        10.0.0.7         Tue Nov 14 22:01:02 2023   still logged in"
SECTIONS = (
    f"installed {BINARY} 3.9\npython3\t{INSTALLED}",
    f"package {INSTALLED} 1\nS.5....T.    {BINARY}\nmissing     /usr/bin/python3\n.......T.    /usr/bin/pydoc3",
    f"package {LIBRARY} 1\nmissing     /usr/lib64/python3.9/os.py",
    f"evidence {LATER}",
    f"evidence-packages\n{LATER - 9000}\tpython3\t{INSTALLED}\tRed Hat\n1\tbash\tbash-0:5-1.x86_64\t(none)",
    f"evidence-records\nab12\t15448\t0100755\troot\troot\t\t{BINARY}\n\t9\t0120777\troot\troot\tpython3.9\t/usr/bin/python3",
    f"evidence-file 81ed 0 0 28 {LATER - 60} {LATER - 60} 1\n{BINARY}",
    f"evidence-digest {'c' * 64}\ndGhpcyBpcyBub3QgYW4gaW50ZXJwcmV0ZXIK",
    f"evidence-file a1ff 0 0 10 {LATER} {LATER} 1\n/usr/bin/python",
    "evidence-link\n./python3",
    f"evidence-state {LATER - 50} {LATER - 50}\n/var/lib/alternatives/python3",
    "evidence-text\nmanual\n/usr/bin/python3\n\n/usr/bin/python3.15\n100\n",
    "evidence-log /var/log/dnf.rpm.log\n2023-11-14T22:00:00+0000 SUBDEBUG Installed: gcc-11-1.x86_64",
    f"evidence-log /var/log/alternatives.log\n{SWITCHED}",
    f"evidence-logins last\n{LOGIN}\n\nwtmp begins Tue",
)


def incident(*sections: str) -> Incident:
    found = incident_of(answer_of(*sections), contract_for(RHEL), RHEL, HostMode(PACKAGES))
    assert found
    return found


def test_nothing_was_kept_of_a_host_that_was_well() -> None:
    assert incident_of(answer_of("uid 0"), contract_for(RHEL), RHEL, HostMode(PACKAGES)) is None


def test_the_rules_judge_what_the_shell_saw() -> None:
    facts = incident(*SECTIONS)["facts"]
    findings = {one["id"]: one for one in facts["findings"]}  # type: ignore[attr-defined]
    assert set(findings) == {"SP103", "SP201", "SP205"}
    broken = [one["path"] for one in facts["findings"] if one["id"] == "SP103"]  # type: ignore[attr-defined]
    assert broken[0] == "/usr/bin/python3"
    assert findings["SP201"]["expected"]["digest"] == "ab12"
    assert (findings["SP205"]["path"], facts["worst"]) == ("/usr/lib64/python3.9/os.py", "critical")
    assert "SP106" in facts["not_checked"]  # type: ignore[operator]
    assert facts["resolution"]["python"][0]["target"] == "./python3"  # type: ignore[index]


def test_the_evidence_is_that_of_an_audit() -> None:
    evidence = incident(*SECTIONS)["evidence"]
    assert (evidence["when"], evidence["collected"]) == ("before first aid", "2023-11-14T22:13:20Z")
    file = next(one for one in evidence["files"] if one["path"] == BINARY)
    assert (file["package"], file["finding"], file["content"]) == ("python3", "SP201", "text")
    assert (file["ctime"], file["expected"]["size"], file["actual"]["size"]) == ("2023-11-14T22:12:20Z", 15448, 28)
    assert [one["nevra"] for one in evidence["packages"]] == ["python3-3.9.21-2.el9.x86_64"]
    assert evidence["transactions"][0]["packages"] == ["Installed gcc-11-1.x86_64"]
    assert "10.0.0.7" in evidence["logins"][0]["text"]
    assert "--set python3" in evidence["log"][0]["text"]
    assert "Hunter2" not in repr(evidence)
    assert evidence["redactions"] == 1
    assert evidence["alternatives"][0]["text"].startswith("manual")
    assert any(one["name"] == "shell_history" for one in evidence["sources"])


def test_the_end_of_a_long_log_begins_with_a_whole_line() -> None:
    line = "2023-11-14T22:00:00+0000 SUBDEBUG Installed: python3.15-1-1.x86_64\n"
    long = ("cut off: Installed: nonsense\n" + line * 600)[:32768]
    evidence = incident(*SECTIONS[:8], f"evidence-log /var/log/dnf.rpm.log\n{long}")["evidence"]
    assert "nonsense" not in repr(evidence)
    assert any(one["detail"] == "only its end was read" for one in evidence["sources"])


def test_a_program_that_may_be_cut_off_is_not_called_whole() -> None:
    elf = f"evidence-digest {'d' * 64}\nf0VMRgIBAQ=="
    sections = [elf if one.startswith("evidence-digest") else one for one in SECTIONS]
    assert incident(*sections)["evidence"]["files"][0]["content"] is None


# --- the script ------------------------------------------------------------------------------------------------------


def function(name: str) -> str:
    found = re.search(rf"^{name}\(\) {{\n.*?^}}\n", PROBE, re.DOTALL | re.MULTILINE)
    assert found
    return found.group(0)


def kept(shell: list[str], folder: Path, more: str = "") -> Answer:
    """Run the script on a host whose rpm knows one package, of which a file in C(folder) is altered."""
    settings = {
        **evidence_settings(None),
        "evidence_paths": [str(folder / "python3")],
        "evidence_states": [str(folder / "states")],
        "evidence_logs": [str(folder / "dnf.rpm.log"), str(folder / "gone.log")],
        "system_folder": str(folder),
        "mode_tools": [str(folder / "bootc"), str(folder / "rpm-ostree")],
        "ostree_booted": str(folder / "booted"),
    }
    fake = f"""
        package_query='P' uid=0 database=/nowhere
        system_architecture() {{ echo x86_64; }}
        verify() {{ printf 'file is not owned by any package\\n'; }}
        ask() {{
            case $* in
            *INSTALLTIME*) printf '1\\tpython3\\tpython3-0:3.9-1.x86_64\\tv\\n' ;;
            *FILEDIGESTS*) printf 'd\\t1\\t0100755\\tr\\tr\\t\\t%s\\n' {shlex.quote(str(folder / "a b"))} /other ;;
            *) printf 'P\\tpython3\\tpython3-0:3.9-1.x86_64\\npackage x is not installed\\n' ;;
            esac
        }}
        verified() {{ status=1 output="S.5....T.    {folder}/a b"; }}
        {function("of_architecture")}
        {function("survey_packages")}
        {more}
        section begin
        report_mode
        keep_evidence
        section end
    """
    text = script_text(["evidence"], "@m@", settings) + "\n" + fake
    done = subprocess.run([*shell, "-c", text], capture_output=True, text=True, check=True, timeout=60)
    return parse_answer(done.stdout, done.stderr, done.returncode, "@m@")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "a b").write_text("#!/bin/sh\n")
    (tmp_path / "python3").symlink_to("python3.15")
    (tmp_path / "python3.15").write_bytes(b"\x7fELF\0\1")
    (tmp_path / "states").mkdir()
    (tmp_path / "states/python3").write_text("auto\n" + 9000 * "x")
    (tmp_path / "states/python").symlink_to("/etc/passwd")
    (tmp_path / "dnf.rpm.log").write_text("cut\n" + 20000 * "line\n")
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_what_the_shell_keeps(shell: list[str], host: Path) -> None:
    answer = kept(shell, host)
    files = [section.body for section in answer.named("evidence-file")]
    assert files == [str(host / name) for name in ("python3", "python3.15", "a b")]
    assert [section.body for section in answer.named("evidence-link")] == ["python3.15"]
    assert answer.first("evidence-records").lines == [f"d\t1\t0100755\tr\tr\t\t{host}/a b"]
    assert [len(one.body) for one in answer.named("evidence-text")] == [4096]
    (log,) = answer.named("evidence-log")
    assert (log.word, len(log.body) <= 32768) == (str(host / "dnf.rpm.log"), True)
    assert [section.word for section in answer.named("package")] == ["python3-0:3.9-1.x86_64"]
    changed = answer.first("evidence-file").words
    assert int(changed[5]) == int(os.lstat(host / "python3").st_ctime)
    assert incident_of(answer, contract_for(RHEL), RHEL, HostMode(PACKAGES))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_mode_is_told_and_nothing_is_kept_unless_it_is_asked_for(shell: list[str], host: Path) -> None:
    assert not list(kept(shell, host).named("mode"))
    (host / "booted").write_text("")
    (host / "bootc").write_text("")
    (host / "bootc").chmod(0o700)
    answer = kept(shell, host, "evidence_packages=''")
    assert [section.word for section in answer.named("mode")] == ["ostree", "bootc"]
    assert not answer.has("evidence")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_links_in_a_circle_and_many_files_come_to_an_end(shell: list[str], host: Path) -> None:
    (host / "python3").unlink()
    (host / "python3").symlink_to("python4")
    (host / "python4").symlink_to("python3")
    many = "".join(f"S.5....T.    {path}\\n" for path in sorted(map(str, host.iterdir())))
    answer = kept(shell, host, f"most_files=3\nverified() {{ status=1 output=$(printf '{many}'); }}")
    assert len(list(answer.named("evidence-file"))) == 3
