"""The guard on hosts that boot: started by systemd, it tells what changes, and nothing of an update."""

import json
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import testinfra
from shared.subject import Subject, subjects
from testinfra.host import Host

UNIT = "fleet-system-python-guard"
STATE = "/var/lib/fleet.system_python/guard"
CHECKER = "/usr/local/libexec/fleet.system_python/guard"
# A check that runs is "activating".
IDLE = f"systemctl show -P ActiveState {UNIT}.service | grep -qx inactive"


@pytest.fixture(scope="session", params=subjects(), ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    """A host of the scenario."""
    found: Subject = request.param
    return found


@pytest.fixture(scope="session")
def host(subject: Subject) -> Host:
    """The host itself: shell commands by docker exec, nothing of the collection."""
    return testinfra.get_host(f"docker://{subject.container}")


@pytest.fixture
def only(host: Host) -> Iterator[Callable[[str], None]]:
    """Give a function that leaves one kind of unit at work; afterwards both are."""

    def leave(kind: str) -> None:
        other = {"timer": "path", "path": "timer"}[kind]
        host.check_output(f"systemctl stop {UNIT}.{other}")
        # What changes while a check runs may pass the path unit by.
        wait_for(host, IDLE, 90)

    yield leave
    host.check_output(f"systemctl start {UNIT}.timer {UNIT}.path")


def wait_for(host: Host, command: str, seconds: float) -> float:
    """Wait until a shell command ends with 0, and return how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if host.run(command).rc == 0:
            return time.monotonic() - began
        time.sleep(0.3)
    told = host.run(f"systemctl status --no-pager -l {UNIT}.*; journalctl --no-pager -n 40").stdout
    raise AssertionError(f"not within {seconds} s: {command}\n{told}")


def told(host: Host) -> list[dict[str, Any]]:
    """What the checker wrote into the journal."""
    lines = host.check_output(f"journalctl -q -o cat -t {UNIT} --no-pager").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def state(host: Host) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(host.check_output(f"cat {STATE}/state.json"))
    return loaded


def has_told(change: str, finding: str) -> str:
    wanted = f'"change":"{change}","id":"{finding}"'
    return f"journalctl -q -o cat -t {UNIT} | grep -qF {shlex.quote(wanted)}"


def relink(host: Host, target: str) -> None:
    """Replace /usr/bin/python3 in one step, which no watch on the link itself would notice."""
    host.check_output(f"ln -s {target} /usr/bin/.new && mv -T /usr/bin/.new /usr/bin/python3")


def test_the_first_check_follows_the_installation(host: Host) -> None:
    wait_for(host, f"test -e {STATE}/last", 60)
    assert host.check_output(f"systemctl is-enabled {UNIT}.timer {UNIT}.path").split() == ["enabled", "enabled"]
    assert host.check_output(f"systemctl show -P LastTriggerUSec {UNIT}.timer")
    assert state(host)["status"] == "fine"
    assert told(host) == []


def test_the_path_unit_notices_an_atomic_replacement_at_once(host: Host, only: Callable[[str], None]) -> None:
    packaged = host.check_output("readlink /usr/bin/python3")
    only("path")
    relink(host, "python3.11")
    wait_for(host, has_told("new", "SP101"), 60)
    wait_for(host, IDLE, 60)
    assert [one["id"] for one in state(host)["findings"]] == ["SP101"]
    journal = json.loads(host.check_output(f"journalctl -q -o json -t {UNIT} | tail -n 1"))
    assert (journal["PRIORITY"], journal["_SYSTEMD_UNIT"]) == ("3", f"{UNIT}.service")
    metrics = host.check_output("cat /var/lib/node_exporter/fleet_system_python_guard.prom")
    assert 'fleet_system_python_guard_status{status="findings"} 1\n' in metrics
    assert 'guard_findings{id="SP101",name="link-redirected",severity="major"} 1\n' in metrics
    wait_for(host, "grep -q SP101 /root/alert.json", 5)
    alert = json.loads(host.check_output("cat /root/alert.json"))
    assert [(one["change"], one["id"]) for one in alert["changes"]] == [("new", "SP101")]
    relink(host, packaged)
    wait_for(host, has_told("gone", "SP101"), 60)
    wait_for(host, IDLE, 60)
    assert state(host)["status"] == "fine"
    assert host.run(f"systemctl --failed | grep {UNIT}").rc != 0


def test_the_timer_notices_what_the_path_unit_would_not_see(host: Host, only: Callable[[str], None]) -> None:
    module = host.check_output("ls /usr/lib*/python3.[69]/json/decoder.py")
    host.check_output(f"cp -p {module} /root/kept")
    only("timer")
    host.check_output(f"echo 'BACKDOOR = True' >>{module}")
    wait_for(host, has_told("new", "SP205"), 90)
    wait_for(host, IDLE, 60)
    host.check_output(f"cat /root/kept >{module}")
    wait_for(host, has_told("gone", "SP205"), 90)


def test_an_update_of_the_systems_python_raises_nothing(host: Host) -> None:
    before = told(host)
    installed = host.check_output("rpm -q --qf '%{NAME}-%{RELEASE} ' python3 python3-base 2>/dev/null || true")
    host.check_output("test-host-repo updates")
    host.check_output("if command -v dnf; then dnf -y -q update; else zypper -n -q update; fi")
    assert installed != host.check_output("rpm -q --qf '%{NAME}-%{RELEASE} ' python3 python3-base 2>/dev/null || true")
    host.check_output(f"{CHECKER} full")
    wait_for(host, IDLE, 90)
    assert told(host) == before
    assert state(host)["status"] == "fine"
    differences = [json.loads(line) for line in host.check_output(f"{CHECKER} compare").splitlines()]
    assert {one["difference"] for one in differences} == {"updated-added", "updated-removed"}


def test_an_altered_baseline_is_told(host: Host) -> None:
    host.check_output(f"cp -p {STATE}/baseline /root/baseline && echo 'command /usr/bin/python9' >>{STATE}/baseline")
    # The service may be quicker.
    assert host.run(f"{CHECKER} check").rc == 1
    assert [one["id"] for one in state(host)["findings"]] == ["baseline-altered"]
    compared = host.run(f"{CHECKER} compare")
    assert (compared.rc, "was altered" in compared.stderr) == (2, True)
    host.check_output(f"cat /root/baseline >{STATE}/baseline")
    assert host.run(f"{CHECKER} check").rc == 0
    assert state(host)["findings"] == []


def test_a_restart_is_a_boot(host: Host, subject: Subject) -> None:
    host.check_output(f"rm {STATE}/state.json")
    subprocess.run(["docker", "restart", subject.container], check=True, capture_output=True)
    wait_for(host, f"systemctl is-active --quiet {UNIT}.timer {UNIT}.path", 30)
    wait_for(host, f"test -e {STATE}/state.json", 60)
    assert state(host)["status"] == "fine"
