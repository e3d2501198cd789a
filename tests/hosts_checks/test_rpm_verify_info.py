# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rpm_verify_info, and the rpm access below it, on real test hosts: rpm 4.16 with sqlite and rpm 4.20 with ndb."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import keep

if TYPE_CHECKING:
    from checkkit import Ansible, Fleet, Host

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("rhel9", "sles15")
BINARY = {"rhel9": "/usr/bin/python3.9", "sles15": "/usr/bin/python3.6"}
TARGET = {"rhel9": "python3.9", "sles15": "python3.6"}
DATABASE = {"rhel9": "/var/lib/rpm", "sles15": "/usr/lib/sysimage/rpm"}
# pytest is pure Python, so the controller's works on the hosts' parallel interpreter.
PYTEST = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
UNIT_TESTS = "tests/unit/plugins/module_utils"

Result = dict[str, Any]


def interpreter(host: Host) -> str:
    """One that the running core supports and that these tests leave alone."""
    oldest = os.environ.get("SYSTEM_PYTHON_CORE") == "2.16"
    return BINARY[host.image] if oldest and host.image == "sles15" else "/usr/bin/python3.11"


def verify(ansible: Ansible, host: Host, python: str = "", **options: Any) -> Result:
    """Run the module alone, without first aid, and return its result."""
    target = ansible.folder / "result.json"
    target.unlink(missing_ok=True)
    tasks: list[Mapping[str, Any]] = [
        {"fleet.system_python.rpm_verify_info": options, "register": "result", "ignore_errors": True},
        keep("{{ result | to_json }}", target),
    ]
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": python or interpreter(host)},
        "tasks": tasks,
    }
    done = ansible.playbook([play], host)
    assert target.exists(), done.out + done.err
    loaded: Result = json.loads(target.read_text())
    return loaded


def by_path(result: Result) -> dict[str, Result]:
    return {info["path"]: info for info in result["files"]}


@pytest.fixture(scope="module", params=IMAGES)
def host(request: pytest.FixtureRequest, fleet: Fleet) -> Host:
    """A host that the tests only read."""
    return fleet.up(request.param)


def test_a_pristine_host(ansible: Ansible, host: Host) -> None:
    result = verify(ansible, host, scope="contract")
    assert (result["intact"], result["files"], result["not_installed"]) == (True, [], []), result
    assert not result["changed"]
    assert len(result["packages"]) >= 3
    assert {package["verified"] for package in result["packages"]} == {True}


def test_the_numbers_of_one_file(ansible: Ansible, host: Host) -> None:
    binary = BINARY[host.image]
    result = verify(ansible, host, files=[binary, "/usr/bin/python3", "/bin/python3", "/etc/os-release", "/no/such"])
    files = by_path(result)
    digest = host.check(f"sha256sum {binary}").split()[0]
    size, mode, mtime = host.check(f"stat -c '%s %a %Y' {binary}").split()
    actual = files[binary]["actual"]
    assert actual == files[binary]["expected"]
    assert (actual["digest"], actual["size"], actual["mtime"]) == (digest, int(size), int(mtime))
    assert actual["mode"] == f"0{mode}"
    assert files["/usr/bin/python3"]["actual"]["link_target"] == TARGET[host.image]
    assert "/no/such" in result["unowned_files"]
    assert not result["intact"]


def test_a_path_through_the_merged_folders(ansible: Ansible, host: Host) -> None:
    result = verify(ansible, host, files=["/bin/python3"])
    assert [(info["path"], info["requested"]) for info in result["files"]] == [("/usr/bin/python3", "/bin/python3")]
    assert (result["intact"], result["unowned_files"]) == (True, [])


def test_agrees_with_rpm_on_every_package(ansible: Ansible, host: Host) -> None:
    names = host.check("rpm -qa --qf '%{NAME}\\n'").split()
    result = verify(ansible, host, packages=sorted(set(names) - {"gpg-pubkey"}))
    said = host.run("rpm -V --nodeps --noscripts $(rpm -qa --qf '%{NAME}\\n' | grep -v gpg-pubkey | sort -u)").out
    assert len(result["files"]) == len(said.splitlines()), said
    whole = verify(ansible, host, scope="all")
    assert whole["files"] == result["files"]
    assert {one["nevra"] for one in whole["packages"]} == {one["nevra"] for one in result["packages"]}
    assert (whole["partial"], whole["unverified_packages"], whole["not_installed"]) == (False, [], [])


def test_an_unreadable_database(ansible: Ansible, host: Host) -> None:
    before = host.check("ls -A /srv")
    absent = verify(ansible, host, packages=["python3"], dbpath="/srv/no-such-database")
    assert (absent["failed"], absent["kind"]) == (True, "rpmdb_unreadable")
    assert "/srv/no-such-database" in absent["msg"]
    assert host.check("ls -A /srv") == before


def packed(folder: Path) -> bytes:
    """The plugins, their unit tests and pytest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for part in ("plugins/module_utils", "tests/unit/conftest.py", "tests/unit/data/packages", UNIT_TESTS):
            archive.add(ROOT / part, f"main/{part}")
        for name in PYTEST:
            found = importlib.util.find_spec(name)
            assert found is not None, name
            assert found.origin is not None, name
            source = Path(found.origin)
            source = source.parent if source.name == "__init__.py" else source
            archive.add(source, f"site/{source.name}")
        database = Path(os.environ.get("SYSTEM_PYTHON_RPMDB", ROOT.parent / "shared/data/rpmdb/amazonlinux-2023"))
        if database.is_dir():
            copy = folder / "rpmdb"
            shutil.copytree(database, copy)
            archive.add(copy, "rpmdb")
    return buffer.getvalue()


def test_the_unit_tests_against_the_rpm_of_the_host(host: Host, tmp_path: Path) -> None:
    host.put("/srv/unit.tar", packed(tmp_path))
    host.check("mkdir -p /srv/unit && tar -C /srv/unit -xf /srv/unit.tar")
    try:
        done = host.run(
            "cd /srv/unit/main && SYSTEM_PYTHON_RPMDB=/srv/unit/rpmdb PYTHONPATH=/srv/unit/site "
            "PYTHONDONTWRITEBYTECODE=1 "
            f"python3.11 -m pytest -q -p no:cacheprovider --import-mode=importlib {UNIT_TESTS}/_rpm",
            timeout=900,
        )
    finally:
        host.check("rm -rf /srv/unit /srv/unit.tar /tmp/pytest-of-*")
    assert done.rc == 0, done.out + done.err
    print(host.check("rpm --version"), done.out.splitlines()[-1])


TAKER = """
Name: taker
Version: 1
Release: 1
Summary: Takes a file over
License: MIT
BuildArch: noarch
%description
Takes a file over.
%install
mkdir -p %{buildroot}/usr/bin
printf 'taken over' > %{buildroot}@BINARY@
%files
@BINARY@
"""


@pytest.mark.parametrize("image", IMAGES)
def test_a_broken_host(ansible: Ansible, fresh: Callable[[str], Host], image: str) -> None:
    host = fresh(image)
    binary = BINARY[image]
    folder = host.check(f"{binary} -I -c 'import os; print(os.path.dirname(os.__file__))'").strip()
    python = "/usr/bin/python3.11"
    host.check(
        f"ln -sfn python3.13 /usr/bin/python3 && cp -f /usr/bin/python3.13 {binary} && chown 1234 {folder}/os.py"
        f" && chmod 0600 {folder}/re.py && rm {folder}/ast.py && ln -sf /dev/null {folder}/abc.py"
        f" && printf '#' >> {folder}/bdb.py"
    )
    result = verify(ansible, host, python, scope="contract", drift_only=True)
    assert not result["intact"]
    found = {path: (info["state"], tuple(info["altered"])) for path, info in by_path(result).items()}
    content = ("size", "digest", "mtime")
    expected = {
        "/usr/bin/python3": ("altered", ("link_target",)),
        binary: ("altered", content),
        f"{folder}/os.py": ("altered", ("owner",)),
        f"{folder}/re.py": ("altered", ("mode",)),
        f"{folder}/ast.py": ("missing", ()),
        f"{folder}/abc.py": ("altered", ("link_target",)),
        f"{folder}/bdb.py": ("altered", content),
    }
    # On SLES the binary has a second name with the same inode.
    twins = {path: found.pop(path) for path in list(found) if path == f"{binary}m"}
    assert set(twins.values()) <= {("altered", content)}
    assert found == expected
    actual = by_path(result)[binary]["actual"]
    assert actual["digest"] == host.check("sha256sum /usr/bin/python3.13").split()[0]
    assert by_path(result)[f"{folder}/os.py"]["actual"]["owner"] == "1234"


@pytest.mark.parametrize("image", IMAGES)
def test_a_file_that_another_package_took(ansible: Ansible, fresh: Callable[[str], Host], image: str) -> None:
    host = fresh(image)
    host.put("/srv/taker.spec", TAKER.replace("@BINARY@", BINARY[image]).encode())
    host.check(
        "rpmbuild -bb --define '_topdir /srv/taker' /srv/taker.spec"
        " && rpm -i --nodeps --nosignature --replacefiles /srv/taker/RPMS/noarch/taker-1-1.noarch.rpm"
    )
    result = verify(ansible, host, "/usr/bin/python3.11", scope="contract")
    info = by_path(result)[BINARY[image]]
    assert (info["state"], info["replaced_by"], info["drift"]) == ("replaced", ["taker-1-1.noarch"], True)
    assert not result["intact"]


@pytest.mark.parametrize("image", IMAGES)
def test_a_database_that_is_damaged_or_gone(ansible: Ansible, fresh: Callable[[str], Host], image: str) -> None:
    host = fresh(image)
    database = DATABASE[image]
    host.check(f"for file in {database}/*; do head -c 70000 /dev/urandom > $file; done")
    result = verify(ansible, host, "/usr/bin/python3.11", scope="contract")
    assert (result["failed"], result["kind"]) == (True, "rpmdb_unreadable"), result
    host.check(f"rm -rf {database}/* {database}/.rpm.lock")
    result = verify(ansible, host, "/usr/bin/python3.11", scope="contract")
    assert (result["failed"], result["kind"]) == (True, "rpmdb_unreadable"), result
    assert host.check(f"ls -A {database}") == ""


def test_a_time_limit(ansible: Ansible, host: Host) -> None:
    # Zero seconds are over before rpm has said anything.
    result = verify(ansible, host, scope="contract", timeout=0)
    assert (result["partial"], result["intact"]) == (True, False)
    assert result["unverified_packages"]
