# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident reports of real hosts: the right cause, no secret, a proof across a restart; looking changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkkit import ROOT, Ansible, Host

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema (requirements/scenarios.txt) is not installed")

# No secret of anybody: what must not be in any report, each at a place where people leave them.
SECRETS = ("Planted-hunter2-history", "planted-hunter2-url", "Planted-hunter2-environment", "planted-hunter2-position")

PLANT = f"""
printf '%s\\n' 'ls' 'export DB_PASSWORD={SECRETS[0]}; make install' \
  'curl -fsS https://joe:{SECRETS[1]}@repo.example/x.tgz | tar -xz && cp -f /usr/bin/python3.15 /usr/bin/python3.9' \
  'python3 deploy.py {SECRETS[3]}' 'alternatives --auto python3 --token {SECRETS[0]}' >>/root/.bash_history
echo 'export PYTHONSTARTUP=/opt/x?password={SECRETS[2]}' >/etc/profile.d/planted.sh
echo 'API_TOKEN={SECRETS[2]}' >>/etc/environment
"""

# What decides, for each incident: hypothesis, and what its first exhibit is about.
INCIDENTS = {
    "rhel9_alternatives": ("rhel9", {"alternatives_redirected": "alternatives group over /usr/bin/python3"}),
    "rhel9_overwritten": (
        "rhel9",
        {
            "binary_overwritten": "/usr/bin/python3.9",
            "alternatives_redirected": "alternatives group over /usr/bin/python3",
            "link_replaced": "/usr/bin/python3",
        },
    ),
    "sles15_overwritten": ("sles15", {"binary_overwritten": "/usr/bin/python3.6", "link_replaced": "/usr/bin/python3"}),
}


def reports_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the reports of the only run in the folder, each of which must keep to the schema."""
    schema = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
    (run,) = [path for path in folder.iterdir() if path.name not in ("history", "latest")]
    reports = {}
    for path in run.glob("*.json"):
        report = json.loads(path.read_text(encoding="utf-8"))
        wrong = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(report)]
        assert wrong == []
        reports[report["host"]] = report
    return reports


def texts_of(folder: Path) -> str:
    """Return all that was written, whatever it is."""
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


def test_the_reports_of_a_repair(fleet: Any, ansible: Ansible, tmp_path: Path) -> None:
    hosts = {name: fleet.up(image) for name, (image, _causes) in INCIDENTS.items()}
    healthy = fleet.up("rhel9")
    for name, host in hosts.items():
        host.tamper(name)
        host.check("true" if name == "rhel9_alternatives" else PLANT.rstrip().rpartition("\n")[0] + "\n:")
    digest = hosts["rhel9_overwritten"].check("sha256sum /usr/bin/python3.9").split()[0]
    folder = tmp_path / "reports"
    extra = {
        "python_report_folder": str(folder),
        "python_report_validate_reboot": True,
        "python_report_restart_command": "docker restart -t 1 {{ inventory_hostname }}",
        "system_python_batches": ["100%"],
    }
    done = ansible.playbook(
        "fleet.system_python.remediate", *hosts.values(), healthy, arguments=("-e", json.dumps(extra))
    )
    assert done.rc == 0, done.out + done.err
    assert str(folder) in done.out
    reports = reports_of(folder)
    for name, host in hosts.items():
        check_incident(reports[host.name], INCIDENTS[name][1])
    quarantine = reports[hosts["rhel9_overwritten"].name]["repair"]["quarantine"]
    kept = {item["path"]: item["sha256"] for item in quarantine["items"]}
    assert kept["/usr/bin/python3.9"] == digest
    check_healthy(reports[healthy.name], next(folder.rglob(f"{healthy.name}.md")))
    written = texts_of(folder) + done.out
    assert [secret for secret in SECRETS if secret in written] == []
    assert "[redacted]" in written


def check_incident(report: dict[str, Any], causes: dict[str, str]) -> None:
    """Check cause, deciding evidence and proof of one repaired host."""
    exhibits = {one["id"]: one for one in report["exhibits"]}
    verdicts = {one["id"]: one for one in report["hypotheses"]}
    # The test itself plants a variable, which the report must find as well.
    ruled_in = {name for name, one in verdicts.items() if one["verdict"] == "ruled_in"} - {"environment_variable"}
    assert ruled_in == set(causes)
    assert [name for name, one in verdicts.items() if one["verdict"] == "open"] == []
    for name, what in causes.items():
        assert exhibits[verdicts[name]["evidence"][0]["ref"]]["what"] == what
    assert all(one["evidence"] for one in verdicts.values())
    assert report["evidence"]["when"] == "before the repair"
    assert report["repair"]["carried_out"] is True
    validation = report["validation"]
    assert validation["across"] == "restart"
    assert validation["second_run"]["changed"] is False
    assert {check["round"] for check in validation["checks"]} == {"repair", "second run", "after the boot"}
    assert all(check["ok"] for check in validation["checks"]), validation
    assert {one["what"] for one in report["difference"]} >= {"link", "finding"}
    assert report["summary"]["since"] <= report["evidence"]["collected"]


def check_healthy(report: dict[str, Any], page: Path) -> None:
    """Check that a healthy host's report is one paragraph that says so."""
    assert (report["status"], report["evidence"], report["hypotheses"]) == ("healthy", None, [])
    heading, paragraph = page.read_text(encoding="utf-8").strip().split("\n\n")
    assert heading.endswith(": healthy")
    assert "Nothing was changed" in paragraph


def test_collecting_evidence_changes_nothing_and_tells_no_secret(
    fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path
) -> None:
    host = fresh("rhel9")
    host.tamper("rhel9_overwritten")
    host.check(PLANT)
    # rpm itself opens and closes the log of its database for each query.
    pruned = " ".join(f"-path /{path} -prune -o" for path in "proc sys tmp run root/.ansible var/lib/rpm".split())
    everything = f"find / -xdev {pruned} -printf '%p %m %u %s %T@ %C@ %l\\n' | sort"
    host.check("mkdir -p -m 700 /root/.ansible/tmp")
    before = host.check(everything)
    folder = tmp_path / "reports"
    done = ansible.playbook("fleet.system_python.audit", host, arguments=("-e", f"python_report_folder={folder}"))
    assert done.rc == 2, done.out + done.err
    assert f"1 host: 1 critical. Not well: --limit {host.name}" in done.out
    assert host.check(everything) == before
    report = reports_of(folder)[host.name]
    assert report["evidence"]["shell_history"]
    assert report["evidence"]["redactions"] >= 3
    assert any(one["id"] == "SP107" for one in report["before"]["findings"])
    assert report["evidence"]["transactions"][0]["ok"] is True
    written = texts_of(folder) + done.out
    assert [secret for secret in SECRETS if secret in written] == []


def test_a_host_without_any_python_tells_that_first_aid_came_first(
    fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path
) -> None:
    host = fresh("rhel9")
    host.tamper("no_python_left")
    folder = tmp_path / "reports"
    done = ansible.playbook("fleet.system_python.remediate", host, arguments=("-e", f"python_report_folder={folder}"))
    assert done.rc == 0, done.out + done.err
    report = reports_of(folder)[host.name]
    assert report["first_aid"]["changed"] is True
    assert report["evidence"]["when"] == "before first aid"
    # All that is told of a host where a module could look first.
    assert {"SP103", "SP201"} <= {one["id"] for one in report["before"]["findings"]}
    binary = next(one for one in report["evidence"]["files"] if one["path"] == "/usr/bin/python3.9")
    assert (binary["content"], bool(binary["expected"]["digest"]), bool(binary["ctime"])) == ("text", True, True)
    assert "binary_overwritten" in {one["id"] for one in report["hypotheses"] if one["verdict"] == "ruled_in"}
    assert all(
        report[part] for part in ("exhibits", "dependents", "difference", "timeline", "prevention", "validation")
    )
    assert report["summary"]["since"] <= report["run"]["started"]
    assert report["after"]["healthy"] is True
    assert any("first aid brought one back" in warning for warning in report["repair"]["warnings"])
    assert "an interpreter brought back" in report["repair"]["categories"][0]


def test_what_fails_after_the_repair_is_no_host_that_was_left_as_it_was(
    fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path
) -> None:
    host = fresh("rhel9")
    host.tamper("link_redirected")
    # After the boot somebody has done it again, and another run holds the lock.
    again = (
        "ln -sfn python3.11 /usr/bin/python3; umask 077; exec 9>>/run/lock/fleet.system_python.lock; flock 9; "
        "sleep 600 >/dev/null 2>&1 &"
    )
    folder = tmp_path / "reports"
    folder.write_text("no folder", encoding="utf-8")
    extra = {
        "python_report_folder": str(folder),
        "python_report_validate_reboot": True,
        "python_report_restart_command": f"docker exec {{{{ inventory_hostname }}}} sh -c '{again}'",
        "python_restore_lock_timeout": 1,
    }
    done = ansible.playbook("fleet.system_python.remediate", host, arguments=("-e", json.dumps(extra)))
    assert done.rc == 2
    assert "The reports cannot be written" in done.out + done.err
    # The table is printed all the same.
    assert f"{host.name}  failed " in done.out
    assert "holds the lock" in done.out


def test_a_first_host_that_refuses_everything_does_not_end_the_run_of_the_others(
    fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path
) -> None:
    first, second = fresh("rhel9"), fresh("rhel9")
    # Names of bytes that are no text, too: cores from 2.19 on take no such answer from a module.
    second.tamper("awkward_names")
    folder = tmp_path / "reports"
    extra = {"python_report_folder": str(folder), "system_python_batches": [1, "100%"]}
    # Every command fails there, as where sudo refuses; that is no connection that Ansible calls unreachable.
    first.check("mv -f /usr/bin/sh /usr/bin/sh.away")
    done = ansible.playbook("fleet.system_python.remediate", first, second, arguments=("-e", json.dumps(extra)))
    assert done.rc == 2
    reports = reports_of(folder)
    assert reports[first.name]["status"] == "unreachable"
    assert reports[second.name]["status"] == "repaired"
    assert f"2 hosts: 1 unreachable, 1 repaired. Not well: --limit {first.name}" in done.out


def test_reports_are_put_where_ansible_was_started(
    fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not every starter sets it: a systemd unit has none, a program that changes the folder leaves the old one.
    monkeypatch.setenv("PWD", str(tmp_path / "elsewhere"))
    host = fresh("rhel9")
    host.tamper("link_redirected")
    done = ansible.playbook("fleet.system_python.remediate", host)
    assert done.rc == 0, done.out + done.err
    assert reports_of(ansible.folder / "system_python_reports")[host.name]["status"] == "repaired"
    assert not (tmp_path / "elsewhere").exists()
