# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard on real hosts, pinned ones too: it sees every tampering of tests/tampering, and no legitimate update."""

import functools
import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkkit import ROOT, Ansible, Done, Fleet, Host

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.waivers import Waiver
from ansible_collections.fleet.system_python.plugins.module_utils._guard.config import CONFIG, GuardSettings, render
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text

TAMPERING = ROOT / "tests/tampering"
RELEASES = {
    "rhel9": {"ID": "rhel", "VERSION_ID": "9.4"},
    "sles15": {"ID": "sles", "VERSION_ID": "15.6"},
    "el8": {"ID": "rhel", "VERSION_ID": "8.10"},
    "el10": {"ID": "rhel", "VERSION_ID": "10.0"},
    "sles16": {"ID": "sles", "VERSION_ID": "16.0"},
    "leap15": {"ID": "opensuse-leap", "VERSION_ID": "15.6"},
}
STATE = "/var/lib/fleet.system_python/guard"
GUARD = "/usr/local/libexec/guard"
UNIT = "fleet-system-python-guard.service"
PERIOD = 15
COUNT_CHECKS = f"journalctl -q -u {UNIT} -o cat | grep -c ^Finished"
# Prints after how many microseconds the next check was started, once it has ended.
NEXT_CHECK = f"""
since=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)0000
for try in $(seq 90); do
    began=$(systemctl show -P ExecMainStartTimestampMonotonic {UNIT})
    ended=$(systemctl show -P ExecMainExitTimestampMonotonic {UNIT})
    [ "$began" -gt "$since" ] && [ "$ended" -ge "$began" ] && echo $((began - since)) && exit 0
    sleep 1
done
systemctl status {UNIT}
exit 1
"""

# Of the last check that came to its end: while the timer's next one runs, systemd says 0.
EXIT_CODE = f"""
for try in $(seq 90); do
    eval "$(systemctl show -p ActiveState -p ExecMainStatus {UNIT})"
    [ "$ActiveState" = activating ] || {{ echo "$ExecMainStatus" && exit 0; }}
    sleep 1
done
exit 1
"""

# Most of the time a host waits for its timer.
WORKERS = 8

# What pins and guards a host: all of pinning that does not forbid the tampering itself.
PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "vars": {
        **dict.fromkeys(("python_pin_marker", "python_pin_pip_config", "python_pin_protection"), "present"),
        **dict.fromkeys(("python_pin_shadows", "python_pin_variables"), "quarantined"),
        **dict.fromkeys(("python_pin_unversioned", "python_guard_unversioned"), "absent"),
        "python_guard_period": PERIOD,
    },
    "roles": [f"fleet.system_python.{name}" for name in ("python_first_aid", "python_pin", "python_guard")],
}


def install(host: Host, settings: GuardSettings | None = None) -> None:
    """Put the checker and its configuration onto a host, as the role does."""
    contract = contract_for(RELEASES[host.image])
    host.check("mkdir -p /etc/fleet.system_python /usr/local/libexec")
    host.put(CONFIG, render(contract, settings).encode())
    host.put(GUARD, checker_text().encode())


def check(host: Host, shell: str = "dash", command: str = "check") -> tuple[int, list[dict[str, Any]]]:
    """Run the checker and return its exit code and the changes that it told."""
    # Much that starts programs leaves this signal ignored, which a shell cannot undo.
    done: Done = host.run(f"trap '' PIPE; {shell} {GUARD} {command}")
    assert done.err == "", done.err
    return done.rc, [json.loads(line) for line in done.out.splitlines()]


def new_ids(changes: list[dict[str, Any]]) -> set[str]:
    return {one["id"] for one in changes if one["change"] == "new"}


def tamperings(image: str) -> list[dict[str, Any]]:
    loaded = [yaml.safe_load(path.read_text()) for path in sorted(TAMPERING.glob("*.yml"))]
    return [data for data in loaded if image in data["applies_to"] and "container" not in data]


def expected(data: Mapping[str, Any], image: str, key: str = "findings") -> set[str]:
    ids = data.get(key, [])
    return set(ids.get(image, []) if isinstance(ids, dict) else ids)


@pytest.fixture(scope="module")
def pinned(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Pin and guard a host of an image by the roles; give what more such hosts are started from."""
    ansible = Ansible(tmp_path_factory.mktemp("pinned"))

    @functools.cache
    def make(image: str) -> str:
        kind, name = f"{image}booted", f"pinned-{image}"
        host = fleet.up(kind, name)
        for changed in ("changed=2", "changed=0"):
            done = ansible.playbook([PLAY], host)
            assert (done.rc, changed in done.out) == (0, True), done.out + done.err
        fleet.snapshot(name)
        fleet.drop(host)
        return f"{kind}@{name}"

    return make


@dataclass
class Seen:
    """What a guard says after a tampering: its exit code, open findings, and all changes that it told."""

    code: int
    ids: set[str]
    told: list[dict[str, Any]]
    after: float = 0.0


class Guard:
    """The guard of a booted host, which systemd's timer starts."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def _seen(self, after: float = 0.0) -> Seen:
        code = int(self.host.check(EXIT_CODE))
        lines = self.host.check("journalctl -q -t fleet-system-python-guard -o cat").splitlines()
        told = [line for line in lines if line.startswith("{")]
        # What the loader says of a stale preload comes before the shell's first command.
        odd = [line for line in lines if line not in told and not line.startswith("ERROR: ld.so: ")]
        assert not odd, f"the journal has {odd}"
        return Seen(code, state_ids(self.host), [json.loads(line) for line in told], after)

    def check(self) -> Seen:
        self.host.run(f"systemctl start {UNIT}")
        return self._seen()

    def wait(self) -> Seen:
        """Wait for the end of the first check that was started, by the timer, after now."""
        return self._seen(int(self.host.check(NEXT_CHECK)) / 1e6)


def state_ids(host: Host) -> set[str]:
    return {one["id"] for one in json.loads(host.check(f"cat {STATE}/state.json"))["findings"]}


def try_one(fleet: Fleet, data: Mapping[str, Any], image: str, start_from: str) -> tuple[str, float]:
    """Break a pinned and guarded host; return what is wrong with what the guard says, and after how long it said it."""
    host = fleet.up(start_from)
    try:
        return _try_on(host, data, image)
    except AssertionError as error:
        return str(error), 0
    finally:
        fleet.drop(host)


def _try_on(host: Host, data: Mapping[str, Any], image: str) -> tuple[str, float]:
    guard = Guard(host)
    host.tamper(data["name"])
    seen, promised = guard.wait(), expected(data, image) - expected(data, image, "unguarded")
    if seen.code != (2 if "SP302" in promised else int(bool(promised))):
        return f"exit code of {seen}", seen.after
    if not promised <= seen.ids <= promised | expected(data, image, "allowed") or not seen.ids <= new_ids(seen.told):
        return f"saw {sorted(seen.ids)}, promised are {sorted(promised)}: {json.dumps(seen.told)}", seen.after
    if host.run("ls /root/*-was-run /root/*-ran; find / -xdev -name expanded | grep .").out:
        return "something was run that rpm does not vouch for", seen.after
    again = guard.check()
    wrong = (again.code, again.ids, again.told) != (seen.code, seen.ids, seen.told)
    return f"the check after it: {again}" if wrong else "", seen.after


def test_a_healthy_host_is_fine_under_every_shell(fleet: Fleet) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing on this machine: apt-get install busybox"
    for image in RELEASES:
        host = fleet.up(image)
        install(host)
        host.put("/root/busybox", Path(busybox).read_bytes())
        host.check("chmod 0755 /root/busybox")
        for shell in ("dash", "bash --posix", "/root/busybox sh"):
            assert check(host, shell, "full") == (0, []), (image, shell)
        fleet.drop(host)


def test_hostile_names_and_both_shells_say_the_same(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    host.put("/root/busybox", Path(shutil.which("busybox") or "").read_bytes())
    host.check("chmod 0755 /root/busybox")
    host.tamper("awkward_names")
    told = []
    for shell in ("dash", "/root/busybox sh"):
        host.check(f"rm -rf {STATE}")
        code, changes = check(host, shell)
        told.append((code, sorted((one["id"], one["path"]) for one in changes)))
    assert told[0] == told[1]
    paths = {path.rpartition("/")[2] for _id, path in told[0][1]}
    wanted = {"with blank.pth", "quote'and\"double.pth", "new\\nline.pth", "escape\\x1b[31mred\\x1b[0m.pth"}
    wanted |= {"tab\\tand\\\\backslash.pth", "$(touch expanded).pth", "-rf.pth", "bytes\\xff\\xfe.pth"}
    assert wanted <= paths, paths
    state = json.loads(host.check(f"cat {STATE}/state.json"))
    assert (state["schema"], state["status"]) == (1, "findings")
    assert host.run("find / -xdev -name expanded | grep .").rc != 0


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_an_update_is_no_alarm_and_a_running_transaction_postpones(fleet: Fleet, image: str) -> None:
    host = fleet.up(image)
    install(host, GuardSettings(wait=0))
    assert check(host) == (0, [])
    before = host.check("rpm -qa | sort")
    host.check("test-host-repo updates")
    manager = "dnf -y -q update" if image == "rhel9" else "zypper -n -q update"
    host.check(f"({manager}; touch /root/updated) >/root/update.log 2>&1 &")
    seen = set()
    while host.run("[ -e /root/updated ]").rc:
        code, changes = check(host)
        assert (code, changes) in ((0, []), (3, [])), (code, changes)
        seen.add(code)
    assert host.check("rpm -qa | sort") != before
    assert check(host) == (0, [])
    # The table of locks names no file system, so somebody's lock on another file may look the same. Nobody's process
    # holds rpm's own here, which needs no luck with the numbers.
    host.check("chmod 0666 /var/lib/rpm/.rpm.lock")
    hold_lock(host, user=65534)
    assert check(host, command="full") == (0, [])
    host.check("kill $(cat /tmp/holder); chmod 0644 /var/lib/rpm/.rpm.lock")
    hold_lock(host, user=0)
    assert check(host, command="full") == (3, [])


def hold_lock(host: Host, user: int) -> None:
    """Hold the lock of a running transaction for a minute; /tmp/holder has the process."""
    script = (
        f"import fcntl, os, time; os.setuid({user});"
        'lock = open("/var/lib/rpm/.rpm.lock", "r+"); fcntl.lockf(lock, fcntl.LOCK_EX);'
        'open("/tmp/holder", "w").write(str(os.getpid())); time.sleep(60)'
    )
    host.check(f"rm -f /tmp/holder; python3.11 -I -c '{script}' >/dev/null 2>&1 &")
    host.wait("[ -s /tmp/holder ]")


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_an_update_of_a_pinned_and_guarded_host_is_no_alarm(
    fleet: Fleet, pinned: Callable[[str], str], image: str
) -> None:
    host = fleet.up(pinned(image))
    guard = Guard(host)
    assert guard.check().code == 0
    before, checks = host.check("rpm -qa | sort"), host.check(COUNT_CHECKS)
    host.check("test-host-repo updates")
    host.check("dnf -y -q update python3" if image == "rhel9" else "zypper -n -q update")
    assert host.check("rpm -qa | sort") != before
    seen = guard.wait()
    assert (seen.code, seen.ids, seen.told) == (0, set(), [])
    assert int(host.check(COUNT_CHECKS)) > int(checks)
    fleet.drop(host)


def test_what_the_fast_path_could_be_fooled_by(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    assert check(host) == (0, [])
    last = host.check(f"cat {STATE}/last")
    assert check(host) == (0, [])
    assert host.check(f"cat {STATE}/last") == last, "an unchanged host was judged anew"
    # When that was, in seconds: without it every check is a full one.
    assert abs(int(last.split()[1]) - int(host.check("date +%s"))) < 600
    # Same size, same time of modification, same name: only the time of the change of the inode tells.
    host.check(
        "cp -p /usr/lib64/python3.9/ssl.py /root/ssl.py;"
        " sed -i s/PROTOCOL_TLS_SERVER/PROTOCOL_TLS_SERVEX/ /root/ssl.py;"
        " touch -r /usr/lib64/python3.9/ssl.py /root/ssl.py; cp -p /root/ssl.py /usr/lib64/python3.9/ssl.py"
    )
    code, changes = check(host)
    assert (code, new_ids(changes)) == (1, {"SP205", "SP211"})


def test_what_changes_while_it_looks_is_seen_by_the_next_check(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    # Comes first on the checker's PATH: the change is made between what is read and the fingerprint of it.
    change = "case $1 in -lincd) [ -e /root/made ] || echo PYTHONPATH=/opt/x >>/etc/environment; : >/root/made ;; esac"
    host.put("/usr/sbin/ls", f'#!/bin/sh\n{change}\nexec /usr/bin/ls "$@"\n'.encode())
    host.check("chmod 755 /usr/sbin/ls")
    assert check(host) == (0, [])
    code, changes = check(host)
    assert (code, new_ids(changes)) == (1, {"SP107"})


def test_a_host_that_cannot_be_judged_is_not_called_fine(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    # A small file system that a test may fill.
    install(host, GuardSettings(state="/dev/shm/guard"))  # noqa: S108  # of a host
    host.check("echo >>/usr/lib64/python3.9/ssl.py")
    open_findings = {"SP205", "SP211"}
    assert new_ids(check(host)[1]) == open_findings
    found = host.check("cat /dev/shm/guard/findings")

    host.check("df /dev/shm | grep -q ' /dev/shm$'; head -c 200M /dev/zero >/dev/shm/fill 2>/dev/null || :")
    for command in ("full", "check"):
        done = host.run(f"dash {GUARD} {command}")
        assert (done.rc, done.out) == (2, ""), done.out
        assert "is full" in done.err or "nothing can be written" in done.err, done.err
    assert host.check("cat /dev/shm/guard/findings") == found
    host.check("rm /dev/shm/fill")
    assert check(host) == (1, [])

    # As a kernel without memory does.
    killed = '#!/bin/sh\ncase " $* " in *" {0} "*) kill -9 $$ ;; esac\nexec /usr/bin/rpm.real "$@"\n'
    host.check("mv /usr/bin/rpm /usr/bin/rpm.real")
    for option in ("-q", "-V"):
        host.put("/usr/bin/rpm", killed.format(option).encode())
        host.check("chmod 0755 /usr/bin/rpm")
        code, changes = check(host, command="full")
        assert (code, [(one["change"], one["id"]) for one in changes]) == (2, [("new", "SP302")]), option
        host.check("cp -p /usr/bin/rpm.real /usr/bin/rpm")
        code, changes = check(host)
        assert (code, [(one["change"], one["id"]) for one in changes]) == (1, [("gone", "SP302")]), option


def test_neither_metrics_nor_alerts_depend_on_the_other_or_obey_whoever_owns_the_folder(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    host.put("/root/alert", b"#!/bin/sh\ncat >/root/alerted\n")
    host.check("chmod 0755 /root/alert")
    install(host, GuardSettings(metrics="/srv/metrics", notify=("/root/alert",)))
    host.check("echo >>/usr/lib64/python3.9/ssl.py")
    done = host.run(f"dash {GUARD}")
    assert (done.rc, done.err) == (2, "guard: the folder for metrics /srv/metrics does not exist\n")
    assert [one["id"] for one in json.loads(host.check("cat /root/alerted"))["changes"]] == ["SP205", "SP211"]

    host.check("mkdir /srv/metrics /srv/elsewhere; chown nobody /srv/metrics; echo mine >/srv/own; chmod 0600 /srv/own")
    host.check("ln -s /srv/elsewhere /srv/metrics/fleet_system_python_guard.prom")
    assert check(host) == (1, [])
    assert host.check("stat -c '%F %a %U' /srv/metrics/*.prom; ls /srv/elsewhere") == "regular file 644 root\n"

    # In the moment in which there is a name, its owner makes it another file.
    host.check("mv /usr/bin/mktemp /usr/bin/mktemp.real")
    host.put(
        "/usr/bin/mktemp",
        b'#!/bin/sh\nname=$(/usr/bin/mktemp.real "$@")\n'
        b'case $name in /srv/*) ln -sfn /srv/own "$name" ;; esac\necho "$name"\n',
    )
    host.check("chmod 0755 /usr/bin/mktemp")
    done = host.run(f"dash {GUARD}")
    assert (done.rc, done.err) == (2, "guard: nothing can be written to /srv/metrics\n")
    assert host.check("stat -c %a /srv/own; cat /srv/own") == "600\nmine\n"


def test_thousands_of_planted_files_do_not_keep_it_busy(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    planted = "/usr/lib/python3.9/planted"
    host.check(f"mkdir {planted}; cd {planted}; seq -f a_rather_long_name_of_a_module_%g.py 10000 | xargs touch")
    # The processor time, in seconds, of the shell alone: searching for each among all takes more.
    done = host.run(f"ulimit -t 4; dash {GUARD} full")
    assert done.rc == 1, done.err
    assert [one["path"] for one in map(json.loads, done.out.splitlines()) if one["id"] == "SP209"] == [planted]


def test_what_only_lies_beside_the_packages_weighs_as_for_the_audit(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    host.install()
    host.check(
        "cd /usr/lib/python3.9/site-packages && mkdir -p agent.egg spaces open /opt/here/agent /opt/there/systemd "
        "/opt/known/dnf /srv/alice /usr/local/lib/python3.9/site-packages && "
        "touch agent.py agent.so other-1.0.egg-info /opt/known/dnf/__init__.py "
        "/usr/bin/agent.py dnf/thing.egg-info && chown 1001 open /srv/alice && "
        "printf '# x\\n./agent.egg\\n/opt/here  \\n/opt/gone\\n.\\n' >plain.pth && echo /opt/there >asked.pth && "
        "echo /opt/known | tee /usr/lib64/python3.9/site-packages/known.pth >known.pth && "
        "echo /srv/alice/new >alice.pth && printf 'x\\rimport os' >lines.pth && "
        "printf '\\357\\273\\277import os' >bom.pth && echo ' import os' >blank.pth && touch empty.pth theirs.pth && "
        "chown 1001 theirs.pth && mkfifo waits.pth && mkdir folder.pth && ln -s /nowhere dangling.pth && "
        "cp plain.pth alice.pth known.pth lines.pth /usr/local/lib/python3.9/site-packages"
    )
    told = {one["path"]: one["severity"] for one in check(host)[1] if one["id"] in ("SP209", "SP213")}
    _code, facts = host.drive("audit")
    expected = {
        path: finding["severity"]
        for finding in facts["findings"]
        if finding["id"] in ("SP209", "SP213")
        for path in finding["evidence"]["paths"]
    }
    site = "/usr/lib/python3.9/site-packages/"
    names = {path[len(site) :]: severity for path, severity in told.items() if path.startswith(site)}
    # One of all add-ons together is major for the audit; the guard tells each.
    assert names.pop("open") == expected.pop(site + "open") == "major"
    minor = ["agent.egg", "agent.py", "agent.so", "blank.pth", "dangling.pth", "empty.pth", "folder.pth"]
    minor += ["known.pth", "other-1.0.egg-info", "plain.pth", "spaces"]
    assert sorted(name for name, severity in names.items() if severity == "minor") == minor
    assert told.keys() - {site + "open"} == expected.keys()
    assert {path for path, severity in told.items() if severity == "major"} - {site + "open"} == {
        path for path in expected if path[len(site) :] not in minor
    }
    assert "/usr/bin/agent.py" not in told


def test_what_only_pip_reads_is_minor_and_hides_nothing(fleet: Fleet) -> None:
    host = fleet.up("sles16")
    install(host)
    assert check(host) == (0, [])
    host.check("rm /usr/lib64/python3.13/EXTERNALLY-MANAGED")
    told = [(one["id"], one["severity"]) for one in check(host)[1]]
    assert told == [("SP205", "minor")]
    host.check("echo >>/usr/lib64/python3.13/ssl.py")
    assert ("SP205", "critical") in [(one["id"], one["severity"]) for one in check(host)[1]]
    # Both are accepted, and a stricter mode of the interpreter is no reason to distrust zypper.
    accepted = tuple(
        Waiver(rule="SP205", pattern=f"/usr/lib64/python3.13/{name}", reason="ours") for name in ("ssl.py", "EXT*")
    )
    install(host, GuardSettings(waivers=accepted))
    host.check("chmod 0750 /usr/bin/python3.13")
    code, changes = check(host)
    assert {(one["id"], one["severity"]) for one in changes if one["change"] == "new"} == {("SP207", "minor")}
    assert {one["id"] for one in changes if one["change"] == "gone"} >= {"SP205"}
    assert (code, state_ids(host)) == (1, {"SP207"})


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_compiled_files_that_are_gone_are_nothing(fleet: Fleet, image: str) -> None:
    host = fleet.up(image)
    install(host)
    host.check("find /usr/lib64/python3* /usr/lib/python3* -name '*.pyc' -delete")
    assert check(host) == (0, [])


@pytest.mark.parametrize("image", RELEASES)
def test_every_tampering_of_a_pinned_and_guarded_host_is_noticed_within_the_period(
    fleet: Fleet, pinned: Callable[[str], str], image: str
) -> None:
    start_from = pinned(image)
    untouched = Guard(fleet.up(start_from)).check()
    assert (untouched.code, untouched.ids, untouched.told) == (0, set(), []), untouched
    cases = tamperings(image)
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(lambda data: try_one(fleet, data, image, start_from), cases))
    wrong = [f"{data['name']}: {text}" for data, (text, _after) in zip(cases, outcomes, strict=True) if text]
    assert not wrong, "\n".join(wrong)
    print(f"{image}: the check that noticed it began after {max(after for _text, after in outcomes):.1f} s at most")
