# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""First aid on real hosts: the trusted interpreter is found or brought back, and nothing else is ever run."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from checkkit import ROOT, Fleet, Host, keep
from preloaded import ansible_playbook

IMAGES = ("rhel9", "sles15")
SYSTEM = {"rhel9": "/usr/bin/python3.9", "sles15": "/usr/bin/python3.6"}
# What the running core picks on a healthy host: 2.16 is the last one that runs modules under 3.6.
PICKED = {
    ("2.19", "rhel9"): "/usr/bin/python3.9",
    ("2.19", "sles15"): "/usr/bin/python3.11",
    ("2.16", "rhel9"): "/usr/bin/python3.9",
    ("2.16", "sles15"): "/usr/bin/python3.6",
}
FOLDER = "/usr/lib64/python3.{0}"

MAKE_INSTALL = "curl -fsS http://repo/impostor/python.tar.gz | tar -xz -C / --no-overwrite-dir --no-same-owner"
# Every interpreter is an impostor that tells on whoever starts it.
IMPOSTORS = """
set -e
printf '#!/bin/sh\\necho "$0 $*" >>/root/impostor-ran\\nexit 0\\n' >/root/impostor
chmod 0755 /root/impostor
for path in /usr/bin/python3.[0-9]*; do cp -f /root/impostor "$path"; done
rm -f /root/impostor
"""
REMOVE_ALL = (
    "rm -rf /usr/bin/python3* /usr/lib64/python3.* /usr/lib/python3.* /usr/lib64/libpython3* "
    "/usr/libexec/platform-python*"
)
ONLY_THE_SYSTEM_S_OWN = "rpm -e --nodeps $(rpm -qa | grep -E '^(lib)?python3[._]?1[13]')"
# Everything on the host; a change of content shows in the time. What rpm, zypper and the lock write by being asked is
# left out, and the launchers.
SKIPPED = (
    "./proc ./sys ./dev ./tmp ./root/.ansible ./run/lock ./run/fleet.system_python ./var/lib/rpm "
    "./usr/lib/sysimage/rpm ./var/log ./var/cache/zypp ./var/lib/zypp ./run/zypp.pid ./var/lib/YaST2 ./home"
)
LISTING = f"""
cd / && find . -xdev \\( -path {" -o -path ".join(SKIPPED.split())} \\) -prune -o \\
    -printf '%p %y %m %U:%G %l' \\( -type d -printf '\\n' -o -printf ' %s %T@\\n' \\) | sort
"""


class Aid:
    """Runs the role, or the action with options, by an ansible-core line, and keeps what it returned."""

    def __init__(self, folder: Path, core: str = "2.19") -> None:
        self.folder = folder
        self.core = core
        self.variables: dict[str, str] = {}
        self.output = ""

    def role(self, *hosts: Host, check: bool = False, **variables: Any) -> dict[str, Any]:
        """Run the role on all hosts; the result of the first one is returned, with C(ran_under) where a module ran."""
        names = {f"python_first_aid_{name}": value for name, value in variables.items()}
        call = {"ansible.builtin.include_role": {"name": "fleet.system_python.python_first_aid"}, "vars": names}
        return self._run(call, hosts, check)

    def action(self, host: Host, task: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Run the action alone."""
        call = {"fleet.system_python.python_first_aid": options, "register": "python_first_aid_result", **(task or {})}
        return self._run(call, (host,), False)

    def _run(self, call: Mapping[str, Any], hosts: tuple[Host, ...], check: bool) -> dict[str, Any]:
        save = keep("{{ python_first_aid_result | to_json }}", self.folder / "{{ inventory_hostname }}.json")
        under = {
            "ansible.builtin.stat": {"path": "/proc/self/exe", "get_checksum": False, "get_mime": False},
            "register": "python_first_aid_process",
            "when": "python_first_aid_result.interpreter is truthy and python_first_aid_result is not failed",
            "vars": {"ansible_python_interpreter": "{{ python_first_aid_result.interpreter }}"},
        }
        executable = "{{ python_first_aid_process.stat.lnk_source | default('') }}"
        tell = keep(executable, self.folder / "{{ inventory_hostname }}.under")
        play = {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [{"block": [call], "rescue": [{"ansible.builtin.meta": "noop"}], "always": [save, under, tell]}],
        }
        return self._playbook(play, hosts, check)

    def _playbook(self, play: Mapping[str, Any], hosts: tuple[Host, ...], check: bool) -> dict[str, Any]:
        for old in self.folder.glob("*.json"):
            old.unlink()
        book, inventory = self.folder / "play.yml", self.folder / "inventory.yml"
        book.write_text(json.dumps([play]))
        # Of the hosts, not of the group: localhost is in the group too.
        variables = {"ansible_connection": "community.docker.docker", "ansible_pipelining": True, **self.variables}
        inventory.write_text(json.dumps({"all": {"hosts": {host.name: variables for host in hosts}}}))
        done = ansible_playbook(
            ["-i", str(inventory), str(book), *(["--check"] if check else [])],
            self.folder,
            dict(os.environ, ANSIBLE_FORCE_COLOR="0", ANSIBLE_LOCALHOST_WARNING="0"),
            self.core,
        )
        self.output = done.out + done.err
        answer = self.folder / f"{hosts[0].name}.json"
        assert answer.exists(), self.output
        result: dict[str, Any] = json.loads(answer.read_text())
        result["ran_under"] = (self.folder / f"{hosts[0].name}.under").read_text()
        return result


@pytest.fixture
def aid(tmp_path: Path) -> Aid:
    """Give first aid by the current core."""
    return Aid(tmp_path)


def listing(host: Host) -> str:
    """Return everything on the host, to prove that nothing was changed."""
    return host.check(LISTING)


def assert_refused(aid: Aid, host: Host, kind: str, **variables: Any) -> dict[str, Any]:
    """Assert that the role fails with an error of that kind and leaves the host as it was."""
    before = listing(host)
    result = aid.role(host, **variables)
    assert result.get("failed"), aid.output
    assert result["kind"] == kind, result
    assert listing(host) == before
    return result


def assert_brought_back(aid: Aid, host: Host, result: Mapping[str, Any]) -> None:
    """Assert that the interpreter works and is clean, that nothing is left over, and that a second run is idle."""
    assert not result.get("failed"), aid.output
    assert result["changed"]
    assert result["ran_under"] == result["interpreter_path"], aid.output
    for package in result["brought_back"]["packages"]:
        assert host.run(f"rpm -V --nodeps --noscripts {package}").out == "", package
    assert (
        host.check("find / -xdev \\( -name '.fleet-system-python-*' -o -name '*;????????' \\) | grep -v ^/proc || :")
        == ""
    )
    again = aid.role(host)
    assert (again["changed"], again["interpreter"]) == (False, result["interpreter"]), again


@pytest.mark.parametrize("core", ["2.19", "2.16"])
@pytest.mark.parametrize("image", IMAGES)
def test_a_healthy_host(tmp_path: Path, fresh: Callable[[str], Host], image: str, core: str) -> None:
    host, aid = fresh(image), Aid(tmp_path, core)
    before = listing(host)
    result = aid.role(host)
    assert result["interpreter"] == PICKED[core, image], aid.output
    assert (result["changed"], result["rejected"], result["hazards"]) == (False, [], [])
    assert result["ran_under"] == result["interpreter"]
    assert listing(host) == before


@pytest.mark.parametrize("core", ["2.19", "2.16"])
@pytest.mark.parametrize("image", IMAGES)
def test_a_parallel_interpreter_is_picked(tmp_path: Path, fresh: Callable[[str], Host], image: str, core: str) -> None:
    host, aid = fresh(image), Aid(tmp_path, core)
    host.tamper("rhel9_overwritten" if image == "rhel9" else "sles15_overwritten")
    result = aid.role(host)
    assert (result["interpreter"], result["changed"]) == ("/usr/bin/python3.11", False), aid.output
    assert result["ran_under"] == "/usr/bin/python3.11"
    assert core == "2.19" or SYSTEM[image] in [one["path"] for one in result["rejected"]]


def test_the_link_alone_costs_no_trust(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.tamper("rhel9_alternatives")
    result = aid.role(host)
    assert result["interpreter"] == "/usr/bin/python3.9", aid.output


@pytest.mark.parametrize("image", IMAGES)
def test_compiled_files_that_are_gone_cost_no_trust(tmp_path: Path, fresh: Callable[[str], Host], image: str) -> None:
    host, aid = fresh(image), Aid(tmp_path, "2.16")
    host.check("find /usr/lib64/python3* /usr/lib/python3* -name '*.pyc' -delete")
    result = aid.role(host)
    assert (result["interpreter"], result["rejected"], result["changed"]) == (SYSTEM[image], [], False), aid.output


@pytest.mark.parametrize("repository", ["http", "https", "mirrorlist", "metalink", "file"])
@pytest.mark.parametrize("image", IMAGES)
def test_it_comes_back_from_the_repositories(
    aid: Aid, fresh: Callable[[str], Host], image: str, repository: str
) -> None:
    if (image, repository) == ("sles15", "metalink"):
        pytest.skip("zypper has no metalink option for a repository's address")
    host = fresh(image)
    host.check(f"test-host-repo {repository}")
    host.tamper("no_python_left")
    before = listing(host)
    predicted = aid.role(host, check=True)
    assert listing(host) == before
    assert (predicted["changed"], predicted["interpreter"]) == (True, None), aid.output
    result = aid.role(host)
    assert_brought_back(aid, host, result)
    assert result["brought_back"]["packages"] == predicted["plan"]["packages"]


@pytest.mark.parametrize(("image", "core"), [("rhel9", "2.19"), ("sles15", "2.16")])
def test_nothing_at_all_is_left_of_any_python(
    tmp_path: Path, fresh: Callable[[str], Host], image: str, core: str
) -> None:
    host, aid = fresh(image), Aid(tmp_path, core)
    host.check(REMOVE_ALL)
    # The repositories are read here without zypper, too.
    result = aid.role(host, sources=["repositories"])
    assert_brought_back(aid, host, result)
    assert result["interpreter"] == PICKED[core, image]
    if (image, core) == ("sles15", "2.16"):
        assert host.check("stat -c %h /usr/bin/python3.6").strip() == "2"


@pytest.mark.parametrize("image", IMAGES)
def test_an_impostor_is_never_run(aid: Aid, fresh: Callable[[str], Host], image: str) -> None:
    host = fresh(image)
    host.check(IMPOSTORS)
    result = aid.role(host, check=True)
    assert result["interpreter"] is None
    result = aid.role(host)
    assert_brought_back(aid, host, result)
    assert host.run("cat /root/impostor-ran").rc != 0
    kept = json.loads(host.check(f"cat {result['brought_back']['quarantine']}/manifest.json"))
    evidence = {entry["path"]: entry for entry in kept["entries"]}[result["interpreter_path"]]
    assert evidence["state"] == "done"
    stored = f"{result['brought_back']['quarantine']}/{evidence['stored']}"
    assert "impostor-ran" in host.check(f"cat {stored}")


@pytest.mark.parametrize(("image", "core"), [("rhel9", "2.19"), ("sles15", "2.16")])
@pytest.mark.parametrize(
    ("repository", "kind"), [("none", "no_source"), ("gone", "version_gone"), ("badsig", "signature")]
)
def test_no_right_package_to_be_had(
    tmp_path: Path, fresh: Callable[[str], Host], image: str, core: str, repository: str, kind: str
) -> None:
    host, aid = fresh(image), Aid(tmp_path, core)
    host.check(f"test-host-repo {repository}")
    host.check(ONLY_THE_SYSTEM_S_OWN)
    host.tamper("no_python_left")
    result = assert_refused(aid, host, kind)
    assert "Nothing was changed" in result["msg"]
    sources = {one["source"] for one in result["details"]["tried"]}
    assert sources >= {"cache", "zypper", "microdnf", "repositories"}


def test_another_installed_version_will_do(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("test-host-repo gone")
    host.tamper("no_python_left")
    result = aid.role(host)
    assert_brought_back(aid, host, result)
    assert result["interpreter"] == "/usr/bin/python3.11"
    assert "python3-3.9.2-1.el9.x86_64" in str(result["tried"])


@pytest.mark.parametrize("image", IMAGES)
def test_a_neighbour_lends_the_packages(aid: Aid, fresh: Callable[[str], Host], image: str) -> None:
    host, neighbour = fresh(image), fresh(image)
    host.check("test-host-repo none")
    host.check(IMPOSTORS)
    before = listing(neighbour)
    result = aid.role(host, neighbour, donors=[neighbour.name])
    assert_brought_back(aid, host, result)
    assert set(result["brought_back"]["source"].values()) == {"borrowed"}
    assert host.run("cat /root/impostor-ran").rc != 0
    assert listing(neighbour) == before


@pytest.mark.parametrize(("image", "core"), [("rhel9", "2.19"), ("sles15", "2.16")])
def test_a_neighbour_lends_single_files(tmp_path: Path, fresh: Callable[[str], Host], image: str, core: str) -> None:
    host, neighbour, aid = fresh(image), fresh(image), Aid(tmp_path, core)
    host.check(REMOVE_ALL)
    for each in (host, neighbour):
        each.check("test-host-repo none")
    result = aid.role(host, neighbour, donors=[neighbour.name])
    assert_brought_back(aid, host, result)
    assert set(result["brought_back"]["source"].values()) == {"borrowed files"}
    if (image, core) == ("sles15", "2.16"):
        assert host.check("stat -c %h /usr/bin/python3.6").strip() == "2"


def test_a_neighbour_whose_file_is_not_what_the_database_says(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host, neighbour = fresh("rhel9"), fresh("rhel9")
    host.check(REMOVE_ALL)
    for each in (host, neighbour):
        each.check("test-host-repo none")
    neighbour.check("printf '#' >>/usr/lib64/python3.9/os.py")
    before = listing(host)
    result = aid.role(host, neighbour, donors=[neighbour.name])
    assert (result["failed"], result["kind"]) == (True, "no_source"), result
    assert "os.py" in result["msg"]
    assert listing(host) == before


def test_a_neighbour_that_cannot_help(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host, neighbour = fresh("rhel9"), fresh("sles15")
    host.check("test-host-repo none")
    host.tamper("no_python_left")
    before = listing(host), listing(neighbour)
    result = aid.role(host, neighbour)
    assert (result["failed"], result["kind"]) == (True, "no_source"), result
    assert ("needs" in result, "Borrowing" in result["msg"]) == (False, False)
    result = aid.role(host, neighbour, donors=[neighbour.name])
    assert (result["failed"], result["kind"]) == (True, "no_source"), result
    assert f"Borrowing: {neighbour.name}: No source has" in result["msg"]
    assert (listing(host), listing(neighbour)) == before


def test_one_of_two_twins(tmp_path: Path, fresh: Callable[[str], Host]) -> None:
    host, aid = fresh("sles15"), Aid(tmp_path, "2.16")
    host.check(ONLY_THE_SYSTEM_S_OWN)
    host.check("printf impostor >/srv/new && chmod 0755 /srv/new && mv -f /srv/new /usr/bin/python3.6")
    result = aid.role(host)
    assert (result["interpreter"], result["changed"]) == ("/usr/bin/python3.6m", False), aid.output
    assert result["ran_under"] == "/usr/bin/python3.6m"


def test_a_contract_of_the_user_s_own(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("sed -i 's/^ID=.*/ID=other/' /etc/os-release")
    contract = {
        "id": "mine",
        "version": "3.11",
        "binaries": [{"path": "/usr/bin/python3.11", "package": "python3.11"}],
        "links": [{"path": "/usr/bin/python3", "target": "python3.9", "package": "python3"}],
        "packages": ["python3.11", "python3.11-libs"],
    }
    result = aid.role(host, contract=contract)
    assert (result["interpreter"], result["os"]["contract"]) == ("/usr/bin/python3.11", "mine"), aid.output


@pytest.mark.parametrize("where", ["files", "host_files"])
def test_files_of_the_operator(aid: Aid, tmp_path: Path, fresh: Callable[[str], Host], where: str) -> None:
    host = fresh("rhel9")
    host.tamper("no_python_left")
    host.check("test-host-repo none")
    names = ["python3-3.9.2-1.el9.x86_64.rpm", "python3-libs-3.9.2-1.el9.x86_64.rpm"]
    host.check(f"cd /srv && for name in {' '.join(names)}; do curl -fsSO http://repo/rhel9/os/Packages/$name; done")
    paths = [f"/srv/{name}" for name in names]
    if where == "files":
        for path in paths:
            subprocess.run(["docker", "cp", "-q", f"{host.name}:{path}", tmp_path], check=True)
        host.check(f"rm {' '.join(paths)}")
        paths = [str(tmp_path / name) for name in names]
    given: dict[str, Any] = {where: paths}
    result = aid.role(host, **given)
    assert_brought_back(aid, host, result)
    assert set(result["brought_back"]["source"].values()) == {"files"}


def test_only_an_old_python_and_a_new_core(aid: Aid, tmp_path: Path, fresh: Callable[[str], Host]) -> None:
    host = fresh("sles15")
    host.check(ONLY_THE_SYSTEM_S_OWN)
    result = assert_refused(aid, host, "no_usable_version")
    assert "python311" in result["msg"]
    assert result["details"]["installed"] == ["3.6"]
    host.check("printf impostor >/usr/bin/python3.6")
    older = Aid(tmp_path, "2.16")
    result = older.role(host)
    assert_brought_back(older, host, result)
    assert result["interpreter"] == "/usr/bin/python3.6"
    predicted = aid.role(host, check=True, install="python311-base")
    assert predicted["plan"]["packages"] == ["python311-base"], predicted
    result = aid.role(host, install="python311-base")
    assert (result["changed"], result["interpreter"]) == (True, "/usr/bin/python3.11"), aid.output


@pytest.mark.parametrize("core", ["2.19", "2.16"])
def test_what_no_package_owns_is_kept_from_running(tmp_path: Path, fresh: Callable[[str], Host], core: str) -> None:
    host, aid = fresh("rhel9"), Aid(tmp_path, core)
    spy = "open('/root/hook-ran', 'w')"
    host.check(f'echo "{spy}" >/usr/lib/python3.9/site-packages/sitecustomize.py')
    host.check("mkdir -p /usr/local/lib/python3.9/site-packages")
    host.check(f'echo "import os; {spy}" >/usr/local/lib/python3.9/site-packages/a.pth')
    result = aid.role(host)
    assert result["interpreter"] == "/run/fleet.system_python/python3.9", aid.output
    assert result["ran_under"] == "/usr/bin/python3.9"
    assert len(result["hazards"]) == 2
    assert host.run("ls /root/hook-ran").rc != 0


def test_the_environment_of_the_play(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("mkdir /srv/evil && echo \"open('/root/hook-ran', 'w')\" >/srv/evil/json.py")
    result = aid.action(host, {"environment": {"PYTHONPATH": "/srv/evil", "PYTHONDONTWRITEBYTECODE": "1"}})
    assert result["hazards"] == [{"kind": "environment", "name": "PYTHONPATH", "value": "/srv/evil"}]
    assert result["interpreter"] == "/run/fleet.system_python/python3.9"
    assert host.run("ls /root/hook-ran").rc != 0


@pytest.mark.parametrize(
    "plant",
    [
        'echo \'open("/root/hook-ran", "w")\' >/usr/lib64/python3.{0}/msvcrt.py',
        "mkdir -p /usr/lib64/python3.{0}/os && echo >/usr/lib64/python3.{0}/os/__init__.py",
        "echo >/usr/lib64/python3{0}.zip",
        "printf 'home = /srv' >/usr/bin/pyvenv.cfg",
    ],
)
def test_planted_files_are_moved_aside_where_no_other_interpreter_is_left(
    aid: Aid, fresh: Callable[[str], Host], plant: str
) -> None:
    host = fresh("rhel9")
    for minor in (9, 11, 13):
        host.check(plant.format(minor))
    result = aid.role(host, sources=[])
    assert_brought_back(aid, host, result)
    assert result["interpreter"] == "/usr/bin/python3.9"
    assert result["brought_back"]["packages"] == []
    assert result["brought_back"]["moved_aside"]
    assert host.run("ls /root/hook-ran").rc != 0


def test_a_library_that_no_package_owns(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("cp /usr/lib64/libpython3.9.so.1.0 /usr/local/lib/ && ldconfig")
    # Behind the packaged one it harms nobody.
    assert aid.role(host)["hazards"] == [], aid.output
    host.check("echo /usr/local/lib >/etc/ld.so.conf.d/00-local.conf && ldconfig")
    result = aid.role(host)
    assert result["hazards"] == [{"kind": "foreign_library", "path": "/usr/local/lib/libpython3.9.so.1.0"}], aid.output
    assert result["ran_under"] == "/usr/bin/python3.9"
    assert "LD_LIBRARY_PATH=/usr/lib64" in host.check("cat /run/fleet.system_python/python3.9")


@pytest.mark.parametrize(
    ("change", "trusted"),
    [
        ("chmod 0700 /usr/bin/python3.9 /usr/lib64/python3.9/os.py", True),
        ("chmod -R o-rwx /usr/lib64/python3.9 /usr/lib/python3.9", True),
        ("chmod 0777 /usr/lib64/python3.9/os.py", False),
        ("chown 1000 /usr/bin/python3.9", False),
        ("chown -R 1000 /usr/bin /usr/share", False),
        ("touch /usr/lib64/python3.9/os.py", True),
        ("chmod 0777 /usr/lib64/python3.9", False),
        ("cd /usr/lib64/python3.9 && mv json /srv/json && ln -s /srv/json json", True),
        ("cd /usr/lib64/python3.9 && mkdir -m 0777 /srv/d && mv json /srv/d/json && ln -s /srv/d/json json", False),
    ],
)
def test_who_may_write_it(aid: Aid, fresh: Callable[[str], Host], change: str, trusted: bool) -> None:
    host = fresh("rhel9")
    host.check(ONLY_THE_SYSTEM_S_OWN)
    host.check(change)
    result = aid.role(host)
    assert result["interpreter"] == "/usr/bin/python3.9", aid.output
    assert result["changed"] == (not trusted)
    if not trusted:
        assert_brought_back(aid, host, result)


def test_a_directory_is_in_the_way(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.tamper("no_python_left")
    host.check("rm -f /usr/bin/python3.9 && mkdir /usr/bin/python3.9 && echo mine >/usr/bin/python3.9/file")
    host.check("rm -rf /usr/lib64/python3.9/json && mkdir -m 0777 /srv/open /srv/open/json")
    host.check("ln -s /srv/open/json /usr/lib64/python3.9/json")
    result = aid.role(host)
    assert_brought_back(aid, host, result)
    manifest = json.loads(host.check(f"cat {result['brought_back']['quarantine']}/manifest.json"))
    taken = {entry["path"]: entry["kind"] for entry in manifest["entries"] if entry["action"] == "take"}
    assert taken == {"/usr/bin/python3.9": "directory", "/usr/lib64/python3.9/json": "link"}
    assert host.check(f"cat {result['brought_back']['quarantine']}/items/*/file") == "mine\n"
    assert host.check("ls /srv/open/json") == ""


def test_a_package_that_another_one_took_over(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check(ONLY_THE_SYSTEM_S_OWN)
    host.tamper("taken_over")
    result = aid.role(host)
    assert_brought_back(aid, host, result)


@pytest.mark.parametrize("program", ["dash", "bash", "busybox"])
def test_every_shell(aid: Aid, fresh: Callable[[str], Host], program: str) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} on this machine")
    host, neighbour = fresh("rhel9"), fresh("rhel9")
    for each in (host, neighbour):
        each.check("mkdir /srv/shell")
        subprocess.run(["docker", "cp", "-q", "-L", found, f"{each.name}:/srv/shell/sh"], check=True)
    aid.variables = {"ansible_shell_executable": "/srv/shell/sh"}
    assert aid.role(host)["interpreter"] == "/usr/bin/python3.9", aid.output
    host.check(REMOVE_ALL + " && mkdir /usr/bin/python3.9")
    assert_brought_back(aid, host, aid.role(host))
    host.check(REMOVE_ALL)
    for each in (host, neighbour):
        each.check("test-host-repo none")
    assert_brought_back(aid, host, aid.role(host, neighbour, donors=[neighbour.name]))


def test_an_unknown_release(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("sed -i 's/^ID=.*/ID=other/' /etc/os-release")
    assert_refused(aid, host, "unknown_platform")


@pytest.mark.parametrize(
    "damage",
    [
        "for file in $(rpm --eval %_dbpath)/*; do head -c 70000 /dev/urandom >$file; done",
        "rm -rf $(rpm --eval %_dbpath)/*",
    ],
)
@pytest.mark.parametrize("image", IMAGES)
def test_an_unreadable_database(aid: Aid, fresh: Callable[[str], Host], image: str, damage: str) -> None:
    host = fresh(image)
    host.check(damage)
    result = assert_refused(aid, host, "rpmdb_unreadable")
    assert "Nothing was changed" in result["msg"]


def test_no_rpm(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("mv /usr/bin/rpm /srv/rpm")
    assert_refused(aid, host, "rpmdb_unreadable")


def test_no_root(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.check("useradd -m somebody")
    host.tamper("no_python_left")
    before = listing(host)
    result = aid.action(host, {"vars": {"ansible_docker_user": "somebody", "ansible_user": "somebody"}})
    assert (result["failed"], result["kind"]) == (True, "not_root"), result
    assert listing(host) == before


def test_root_by_becoming_it(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    if host.run("command -v sudo").rc != 0:
        pytest.skip("the host image has no sudo")
    host.check("useradd -m somebody && echo 'somebody ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/somebody")
    host.check(REMOVE_ALL + " && mkdir /usr/bin/python3.9")
    aid.variables = {"ansible_docker_user": "somebody", "ansible_user": "somebody", "ansible_become": "true"}
    assert_brought_back(aid, host, aid.role(host))


def test_usr_is_read_only(aid: Aid, fleet: Fleet) -> None:
    host = fleet.start("rhel9", "--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined")
    host.tamper("no_python_left")
    host.check("mount --bind /usr /usr && mount -o remount,ro,bind /usr")
    assert_refused(aid, host, "read_only")
    host.check("touch /run/ostree-booted")
    assert_refused(aid, host, "immutable_host")
    fleet.drop(host)


def test_nothing_below_run_can_be_started(aid: Aid, fleet: Fleet) -> None:
    host = fleet.start("rhel9", *(f"--tmpfs={path}:noexec" for path in ("/run", "/tmp", "/var/tmp", "/var/cache")))  # noqa: S108  # of a host
    host.check(f'echo \'import os; open("/root/pth-ran", "w")\' >{FOLDER.format(9)}/site-packages/a.pth')
    result = aid.role(host)
    assert result["interpreter"] == "/var/lib/fleet.system_python/run/python3.9", aid.output
    host.check("[ ! -e /root/pth-ran ]")


def test_the_disk_is_full(aid: Aid, fleet: Fleet) -> None:
    host = fleet.start("rhel9", "--tmpfs", "/var/cache:size=1m")
    host.check(REMOVE_ALL)
    assert_refused(aid, host, "disk_full")
    fleet.drop(host)


def test_another_run_holds_the_lock(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.tamper("no_python_left")
    host.check("flock /run/lock/fleet.system_python.lock sleep 60 >/dev/null 2>&1 &")
    result = assert_refused(aid, host, "locked", lock_timeout=1)
    assert "Nothing was changed" in result["msg"]


def test_the_folder_of_a_killed_run_is_removed(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    old, young = (f"/var/cache/.fleet-system-python-aid-{name}" for name in ("old", "young"))
    host.check(f"mkdir -p {old}/packages {young}; touch -d '2 hours ago' {old}; cp -f /bin/true /usr/bin/python3.9")
    host.check("test-host-repo none; rm -f /usr/bin/python3.1*")
    assert aid.role(host)["kind"] == "no_source", aid.output
    assert host.run(f"ls -d {old} {young}").out == f"{young}\n"
    host.check("rpm -V --nodeps python3 | grep -q python3.9; test-host-repo http")
    assert aid.role(host)["removed"] == [young]
    assert host.run(f"ls -d {old} {young}").out == ""


def test_a_variable_that_would_win_is_an_error(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    done = subprocess.run(
        [
            ROOT / "tests/tools/with-env",
            "2.19",
            "ansible",
            "-i",
            f"{host.name},",
            "-c",
            "community.docker.docker",
            "-m",
            "ansible.builtin.include_role",
            "-a",
            "name=fleet.system_python.python_first_aid",
            "-e",
            "ansible_python_interpreter=/usr/bin/python3.13",
            "all",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "A variable of higher precedence" in done.stdout
