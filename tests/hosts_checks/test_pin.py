# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python_pin on real hosts: each part with the programs that it is made for, and every wish that cannot be had."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from checkkit import Ansible, Fleet, Host

RECORD = "/var/lib/fleet.system_python/pin.json"
STDLIB = {"rhel9": "/usr/lib64/python3.9", "sles15": "/usr/lib/python3.6"}
BINARY = {"rhel9": "/usr/bin/python3.9", "sles15": "/usr/bin/python3.6"}
PROTECTION = {
    "rhel9": "/etc/dnf/protected.d/fleet.system_python.conf",
    "sles15": "/etc/zypp/systemCheck.d/fleet.system_python.check",
}
REMOVE = {"rhel9": "dnf -y remove python3-libs", "sles15": "zypper -n remove libpython3_6m1_0"}
UPDATE = {"rhel9": "dnf -y update python3", "sles15": "zypper -n update python3-base"}
REINSTALL = {"rhel9": "dnf -y reinstall python3", "sles15": "zypper -n install -f python3-base"}
OWNER = {"rhel9": "python3", "sles15": "python3-base"}
IMAGES = ["rhel9", "sles15"]


@pytest.fixture(scope="module")
def hosts(fleet: Fleet) -> dict[str, Host]:
    """Give one host of each image, allowed to set file attributes; every test leaves it as it found it."""
    started = {image: fleet.start(image, "--cap-add", "LINUX_IMMUTABLE") for image in IMAGES}
    for host in started.values():
        host.install()
    return started


@pytest.fixture(params=IMAGES)
def host(hosts: dict[str, Host], request: pytest.FixtureRequest) -> Host:
    """Give the host of each image."""
    return hosts[str(request.param)]


def everything(host: Host) -> str:
    """Return every file that a part could change."""
    return host.check(
        "find /etc /usr/bin /usr/lib/python3.6 /usr/lib64/python3.* -xdev ! -name resolv.conf ! -name hosts"
        " \\( -type d -printf '%p %m %U:%G\\n' -o -printf '%p %m %U:%G %y %l %s\\n' \\) 2>/dev/null | sort;"
        f" cat /etc/pip.conf 2>/dev/null; cat {RECORD} 2>/dev/null; true"
    )


def refused(host: Host, kind: str, said: str, **wishes: str) -> dict[str, Any]:
    """Assert that the wish is refused, in check mode as well, and that nothing was changed; return the details."""
    before = everything(host)
    for what in ("predict_pin", "pin"):
        code, error = host.drive(what, **wishes)
        assert (code, error.get("kind")) == (3, kind), error
        assert said in error["message"], error
    assert everything(host) == before
    details: dict[str, Any] = error["details"]
    return details


def pinned(host: Host, **wishes: str) -> list[str]:
    """Assert that a wish is granted as predicted and only once; return what was done."""
    before = everything(host)
    code, predicted = host.drive("predict_pin", **wishes)
    assert code == 0, predicted
    assert everything(host) == before
    code, done = host.drive("pin", **wishes)
    assert code == 0, done
    assert (done["plan"], done["diff"]) == (predicted["plan"], predicted["diff"])
    code, again = host.drive("pin", **wishes)
    assert (code, again["changed"], again["plan"]) == (0, False, []), again
    return [action["action"] for action in done["plan"]]


def found(host: Host) -> list[str]:
    """Return the ids of an audit's findings."""
    code, facts = host.drive("audit")
    assert code == 0, facts
    return [finding["id"] for finding in facts["findings"]]


def test_files_of_the_pinning_come_and_go(host: Host) -> None:
    before = everything(host)
    parts = {"marker": "present", "pip_config": "present", "protection": "present"}
    assert pinned(host, **parts) == ["write_file", "insert_text", "write_file"]
    assert found(host) == []
    assert host.run(f"rpm -V --nodeps {OWNER[host.image]}").out == ""
    assert pinned(host, **dict.fromkeys(parts, "absent")) == ["remove_file", "remove_file", "remove_file"]
    assert everything(host) == before
    assert host.run(f"ls {RECORD}").rc != 0


def test_what_is_somebody_elses_is_not_touched(hosts: dict[str, Host]) -> None:
    host = hosts["sles15"]
    path = PROTECTION[host.image]
    host.check(f"mkdir -p {path.rpartition('/')[0]} && echo '# theirs' >{path}")
    # The marker alone would be possible: an error of one part leaves all as they were.
    refused(host, "pin_conflict", "was not made by this collection", marker="present", protection="present")
    host.check(f"rm {path}; rmdir {path.rpartition('/')[0]} 2>/dev/null; true")
    host.check("printf '[global]\\nrequire-venv = no\\n' >/etc/pip.conf")
    refused(host, "pin_conflict", "to false in [global]", pip_config="present")
    host.check("rm /etc/pip.conf")


def test_what_was_changed_since_is_not_removed_and_not_lost(hosts: dict[str, Host]) -> None:
    host = hosts["rhel9"]
    marker, parts = f"{STDLIB[host.image]}/EXTERNALLY-MANAGED", {"marker": "present", "protection": "present"}
    pinned(host, **parts)
    host.check(f"echo changed >>{marker}")
    refused(host, "pin_conflict", "been changed since", marker="absent", protection="absent")
    assert pinned(host, **parts) == ["write_file"]
    kept = "find /var/lib/fleet.system_python/quarantine -type f -exec tail -n 1 {} +"
    assert "changed" in host.check(kept).splitlines()
    host.check(f"rm {marker}")
    assert pinned(host, marker="absent", protection="absent") == ["forget", "remove_file"]


def test_a_damaged_record_is_told(hosts: dict[str, Host]) -> None:
    host = hosts["rhel9"]
    host.check(f"mkdir -p {RECORD.rpartition('/')[0]}; echo '{{' >{RECORD}")
    refused(host, "invalid_data", "cannot be read", marker="absent")
    host.check(f"rm {RECORD}")


def test_protected_packages_stay_and_are_updated(host: Host) -> None:
    pinned(host, protection="present")
    done = host.run(REMOVE[host.image])
    assert done.rc != 0, done.out
    assert "protected packages" in done.out + done.err or "break your system" in done.out, done
    host.check("test-host-repo thirdparty")
    command = {"rhel9": "dnf -y install", "sles15": "zypper -n install"}[host.image]
    done = host.run(f"{command} python3-thirdparty")
    assert done.rc != 0, done.out
    assert "conflict" in done.out + done.err, done
    host.check("test-host-repo updates")
    before = host.check(f"rpm -q {OWNER[host.image]}")
    host.check(UPDATE[host.image])
    assert host.check(f"rpm -q {OWNER[host.image]}") != before
    assert found(host) == []
    pinned(host, protection="absent")


def test_immutable_binaries_cannot_be_overwritten_nor_updated(host: Host) -> None:
    host.check("test-host-repo updates")
    before = everything(host)
    assert pinned(host, attributes="present") == ["set_immutable"]
    for command in (f"cp -f /bin/true {BINARY[host.image]}", f"rm -f {BINARY[host.image]}", REINSTALL[host.image]):
        done = host.run(command)
        assert done.rc != 0, (command, done)
        assert host.check(f"{BINARY[host.image]} -c 'print(1)'") == "1\n"
    assert pinned(host, attributes="absent") == ["clear_immutable"]
    # What a transaction that could not write its file leaves; docs/pinning.md tells of it.
    host.check("rm -f /usr/bin/*';'????????")
    host.check(REINSTALL[host.image])
    assert everything(host) == before


def test_without_the_capability_attributes_are_impossible(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    refused(host, "pin_impossible", "CAP_LINUX_IMMUTABLE", marker="present", attributes="present")


IMPOSSIBLE = [
    ("rhel9", "python2", "no package of the distribution ships that", ["absent", "python3"]),
    ("sles15", "python3", "no package of the distribution ships that", ["absent", "python2"]),
]


@pytest.mark.parametrize(("image", "wish", "said", "possible"), IMPOSSIBLE)
def test_an_impossible_python_says_what_is_possible(
    hosts: dict[str, Host], image: str, wish: str, said: str, possible: list[str]
) -> None:
    details = refused(hosts[image], "pin_impossible", said, unversioned=wish, marker="present")
    assert details["possible"] == possible


def _fails_midway(host: Host) -> None:
    """What stepped aside for a package that then cannot be installed is put back, and nothing is noted."""
    host.check("rpm -e python-unversioned-command; ln -s python3.11 /usr/bin/python; test-host-repo file")
    host.check("dnf -q makecache; mkdir /root/away; mv /srv/repo/os/Packages/python-unversioned* /root/away/")
    code, error = host.drive("pin", unversioned="python3")
    assert (code, error.get("kind")) == (3, "no_source"), error
    assert host.check("readlink /usr/bin/python") == "python3.11\n"
    assert host.run(f"ls {RECORD}").rc != 0
    host.check("mv /root/away/* /srv/repo/os/Packages/; rm /usr/bin/python; test-host-repo http")
    host.check("dnf -y -q install python-unversioned-command")


def test_the_unversioned_name_by_its_package(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    host.check("ln -s python3.11 /usr/bin/python")
    before = everything(host)
    assert pinned(host, unversioned="python3") == ["quarantine", "install_packages"]
    assert host.check("rpm -qf --qf '%{NAME}' /usr/bin/python") == "python-unversioned-command"
    assert pinned(host, unversioned="original") == ["remove_packages", "put_back"]
    assert everything(host) == before
    # What was there before we came is put back as well.
    host.check("rm /usr/bin/python; dnf -y -q install python-unversioned-command")
    assert pinned(host, unversioned="absent") == ["remove_packages"]
    assert pinned(host, unversioned="original") == ["install_packages"]
    assert host.check("readlink /usr/bin/python") == "./python3\n"
    _fails_midway(host)
    host.check("rpm -e python-unversioned-command; test-host-repo updates; dnf -y -q update python3")
    details = refused(host, "pin_impossible", "or update python3 to the release", unversioned="python3")
    assert details["available"] == ["python-unversioned-command-3.9.2-1.el9"]
    host.check("test-host-repo none; rm -rf /var/cache/dnf")
    refused(host, "pin_impossible", "They offer: no python-unversioned-command", unversioned="python3")


def test_the_unversioned_name_is_python2_where_a_package_ships_it(fresh: Callable[[str], Host]) -> None:
    host = fresh("sles15")
    host.install()
    before = everything(host)
    assert pinned(host, unversioned="python2") == ["install_packages"]
    assert host.check("rpm -qf --qf '%{NAME}' /usr/bin/python") == "python-base"
    assert host.check("python -c 'print __import__(\"platform\").python_version()'").startswith("2.7.")
    assert found(host) == []
    assert pinned(host, unversioned="absent") == ["remove_packages"]
    assert everything(host) == before
    host.check("test-host-repo none")
    details = refused(host, "pin_impossible", "do not offer python-base", unversioned="python2")
    assert details["possible"] == ["absent"]


def test_the_unversioned_name_by_the_alternatives_group(fresh: Callable[[str], Host]) -> None:
    host = fresh("el8")
    host.install()
    group = "cat /var/lib/alternatives/python; readlink /etc/alternatives/python; readlink -f /usr/bin/python; true"
    before = host.check(group)
    assert pinned(host, unversioned="python3") == ["select_alternative"]
    assert host.check("readlink /etc/alternatives/python") == "/usr/bin/python3\n"
    assert host.check("/usr/bin/python -c 'print(1)'") == "1\n"
    assert found(host) == []
    details = refused(host, "pin_impossible", "/usr/bin/python2", unversioned="python2")
    assert details["possible"] == ["absent", "python3"]
    assert pinned(host, unversioned="absent") == ["select_alternative"]
    assert host.run("ls /usr/bin/python").rc != 0
    assert pinned(host, unversioned="original") == ["select_alternative"]
    assert host.check(group) == before
    assert host.run(f"ls {RECORD}").rc != 0
    # The command python3 as well, and both in one run.
    command = "cat /var/lib/alternatives/python3; readlink /etc/alternatives/python3"
    unpinned = host.check(command)
    assert pinned(host, python3="3.11", unversioned="python3") == ["select_alternative", "select_alternative"]
    assert host.check("readlink -f /usr/bin/python /usr/bin/python3") == "/usr/bin/python3.11\n" * 2
    assert host.check("head -n 1 /var/lib/alternatives/python3") == "manual\n"
    assert found(host) == []
    details = refused(host, "pin_impossible", "python3.9", python3="3.9")
    assert {"3.6", "3.11"} <= set(details["possible"])
    assert pinned(host, python3="system") == ["select_alternative"]
    assert pinned(host, python3="original", unversioned="original") == ["select_alternative", "select_alternative"]
    assert (host.check(command), host.check(group)) == (unpinned, before)
    assert host.run(f"ls {RECORD}").rc != 0
    # Which of the group's choices there are depends on the packages.
    host.check("rpm -i /srv/repo/os/Packages/python2-*.rpm")
    assert pinned(host, unversioned="python2") == ["select_alternative"]
    assert host.check("python -c 'print __import__(\"platform\").python_version()'").startswith("2.7.")
    assert found(host) == []
    assert pinned(host, unversioned="original") == ["select_alternative"]
    host.check("rpm -e python2")
    assert host.check(group) == before


def test_a_marker_of_a_package_is_left_to_it(fresh: Callable[[str], Host]) -> None:
    host = fresh("sles16")
    host.install()
    assert pinned(host, marker="present", protection="present") == ["write_file"]
    assert host.check("rpm -qf --qf '%{NAME}' /usr/lib64/python3.13/EXTERNALLY-MANAGED") == "python313-base"
    assert pinned(host, marker="absent", protection="absent") == ["remove_file"]
    assert host.run("rpm -V --nodeps python313-base").out == ""


def test_variables_for_everyone_become_comments(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    lines = "if true; then\\nexport PYTHONHOME=/y\\nfi\\nx=1; export PYTHONPATH=/z\\n"
    host.check(f"echo PYTHONPATH=/x >/etc/environment; printf '{lines}' >/etc/profile.d/app.sh")
    policy = {"quarantine": ["SP107"]}
    before = host.check("cat /etc/profile.d/app.sh")
    code, result = host.drive("repair", policy=policy)
    assert code == 0, result
    assert host.check("cat /etc/environment") == "# PYTHONPATH=/x\n"
    assert host.check("cat /etc/profile.d/app.sh") == before.replace("\nexport", "\n: # export")
    assert host.run("sh -n /etc/profile.d/app.sh").rc == 0
    # The line that does more is told and stays.
    assert [one["evidence"]["source"] for one in result["findings_after"]] == ["/etc/profile.d/app.sh:4"]
    code, again = host.drive("repair", policy=policy)
    assert (code, again["changed"]) == (0, False), again


def test_the_role_pins_the_interpreter_in_the_inventory(hosts: dict[str, Host], ansible: Ansible) -> None:
    host = hosts["rhel9"]
    file = ansible.folder / "host_vars" / host.name / "fleet_system_python.yml"
    role = {"role": "fleet.system_python.python_pin", "python_pin_restore": False, "python_pin_inventory": "present"}
    parts = {"python_pin_marker": "present", "python_pin_protection": "present"}
    play: list[dict[str, Any]] = [{"hosts": "all", "gather_facts": False, "roles": [role | parts]}]
    for changed in ("changed=1", "changed=0"):
        done = ansible.playbook(play, host)
        assert done.rc == 0, done.out
        assert changed in done.out, done.out
        assert "would have chosen /usr/bin/python3" in done.out
    assert yaml.safe_load(file.read_text()) == {"ansible_python_interpreter": BINARY["rhel9"]}
    off = dict.fromkeys((*parts, "python_pin_inventory"), "absent")
    done = ansible.playbook([{**play[0], "roles": [role | off]}], host)
    assert done.rc == 0, done.out
    assert "changed=1" in done.out, done.out
    assert not (ansible.folder / "host_vars").exists()
    assert host.run(f"ls {RECORD} {PROTECTION['rhel9']}").rc != 0
