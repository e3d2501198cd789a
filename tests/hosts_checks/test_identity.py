# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which package counts on real hosts: of two architectures, of two releases, and of two that own one file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkkit import Ansible, Host
from test_first_aid import ONLY_THE_SYSTEM_S_OWN, Aid, assert_brought_back, assert_refused
from test_guard import check, install

# As a 32-bit product pulls it in.
SECOND_ARCHITECTURE = r"""
mkdir -p /root/b/root/usr/lib/python3.9 && cd /root/b
echo '# i686 copy' >root/usr/lib/python3.9/os.py && echo elf32 >root/usr/lib/libpython3.9.so.1.0
cat >s.spec <<'END'
Name: python3-libs
Version: 3.9.2
Release: 1.el9
Summary: Python runtime libraries
License: Python
%description
32 bit
%install
mkdir -p %{buildroot}; cp -a /root/b/root/* %{buildroot}/
%files
/usr/lib/libpython3.9.so.1.0
/usr/lib/python3.9/os.py
END
rpmbuild --quiet --target i686 -bb --define '_topdir /root/b/top' --define '__os_install_post %{nil}' s.spec &&
    rpm -i --nodeps --noscripts --ignorearch --nosignature top/RPMS/i686/*.rpm && rm -rf /root/b
"""
# A package that puts an interpreter of its own in the place of the system's, whenever that is installed.
TRIGGER = """
set -e
mkdir -p /root/b && cd /root/b
cat >s.spec <<'END'
Name: corp-python
Version: 1
Release: 1
Summary: a company's own
License: x
BuildArch: noarch
%description
x
{trigger}
echo 'not the system' >>{binary}
%files
END
rpmbuild --quiet -bb --define '_topdir /root/b/top' s.spec
rpm -i --nodeps --nosignature top/RPMS/noarch/*.rpm && rm -rf /root/b
"""
LIBRARIES = ["python3-libs-3.9.2-1.el9.i686", "python3-libs-3.9.2-1.el9.x86_64"]
# The release that was upgraded from, of upgrade_files_differ.
OLDER, NEWER = "python3-libs-3.9.2-1.el9.x86_64", "python3-libs-3.9.2-1.el9.1.x86_64"
OLDER_FILE = "sed -i '$d' /usr/lib64/python3.9/{0}.py"


@pytest.fixture
def aid(tmp_path: Path) -> Aid:
    """Give first aid by the current core."""
    return Aid(tmp_path)


def recorded(host: Host) -> list[str]:
    """Return the packages of the library that the database has."""
    return sorted(host.check("rpm -q python3-libs").split())


def ids(findings: list[dict[str, Any]]) -> list[str]:
    return [finding["id"] for finding in findings]


def test_a_second_architecture_is_nobody_s_business(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    install(host)
    host.check(SECOND_ARCHITECTURE)
    for damage in (":", "echo >>/usr/lib/python3.9/os.py; echo >>/usr/lib/libpython3.9.so.1.0"):
        host.check(damage)
        assert host.drive("audit")[1]["findings"] == []
        assert check(host, command="full") == (0, [])
        result = host.drive("repair")[1]
        assert (result["changed"], result["healthy"]) == (False, True), result
    host.check("echo damaged >>/usr/lib64/python3.9/os.py")
    result = host.drive("repair")[1]
    assert (result["changed"], result["healthy"]) == (True, True), result
    assert [one["nevra"] for one in result["plan"][0]["packages"]] == [LIBRARIES[1]]
    host.check(f"rm /usr/lib64/python3.9/os.py; {ONLY_THE_SYSTEM_S_OWN}")
    helped = aid.role(host)
    assert_brought_back(aid, host, helped)
    assert helped["brought_back"]["packages"] == [LIBRARIES[1]]
    assert recorded(host) == LIBRARIES


@pytest.fixture
def broken_off(fresh: Callable[[str], Host]) -> Host:
    """Give a host with two releases of the library in the database, and the newer one on the disk."""
    host = fresh("rhel9")
    host.install()
    host.tamper("upgrade_files_differ")
    assert recorded(host) == sorted([OLDER, NEWER])
    return host


def test_the_release_on_the_disk_is_repaired_and_the_other_stays_recorded(aid: Aid, broken_off: Host) -> None:
    host = broken_off
    for name in ("ssl", "os"):
        host.check(OLDER_FILE.format(name))
    host.check("echo damaged >>/usr/lib64/python3.9/re.py; rm /usr/lib64/python3.9/json/decoder.py")
    code, predicted = host.drive("predict")
    code, result = host.drive("repair")
    assert (code, result["plan"]) == (0, predicted["plan"]), result
    assert [one["nevra"] for one in result["plan"][0]["packages"]] == [OLDER]
    assert (result["changed"], ids(result["findings_after"])) == (True, ["SP303"])
    assert result["findings_after"][0]["evidence"]["on_disk"] == OLDER
    assert (host.drive("repair")[1]["changed"], recorded(host)) == (False, sorted([OLDER, NEWER]))
    host.check(f"rm /usr/bin/python3.9 /usr/lib64/python3.9/os.py; {ONLY_THE_SYSTEM_S_OWN}")
    helped = aid.role(host)
    assert_brought_back(aid, host, helped)
    assert helped["brought_back"]["packages"] == ["python3-3.9.2-1.el9.x86_64", OLDER]
    assert recorded(host) == sorted([OLDER, NEWER])


def test_an_interpreter_of_the_newer_release_is_trusted(aid: Aid, broken_off: Host) -> None:
    broken_off.check(f"rm /usr/bin/python3.9; {ONLY_THE_SYSTEM_S_OWN}")
    helped = aid.role(broken_off)
    assert_brought_back(aid, broken_off, helped)
    assert helped["brought_back"]["packages"] == ["python3-3.9.2-1.el9.x86_64"]
    assert NEWER in helped["trusted_because"]["packages"]


def test_nothing_is_repaired_while_the_disk_has_files_of_both(aid: Aid, broken_off: Host) -> None:
    host = broken_off
    host.check(OLDER_FILE.format("ssl"))
    host.check("ln -sfn python3.11 /usr/bin/python3; echo damaged >>/usr/lib64/python3.9/json/__init__.py")
    before = host.listing()
    for what in ("predict", "repair"):
        code, result = host.drive(what)
        assert (code, result["plan"], result["changed"]) == (0, [], False), result
        found = {finding["id"]: finding for finding in result["findings_after"]}
        assert set(found) == {"SP101", "SP205", "SP211", "SP303"}
        assert found["SP205"]["evidence"]["paths"] == ["/usr/lib64/python3.9/json/__init__.py"]
        assert found["SP303"]["evidence"]["on_disk"] is None
    assert host.listing() == before
    host.check(f"rm /usr/bin/python3.9; {ONLY_THE_SYSTEM_S_OWN}")
    refused = assert_refused(aid, host, "unfinished_upgrade")
    assert "dnf distro-sync python3-libs" in refused["msg"]


@pytest.mark.parametrize(
    ("image", "package", "binary", "trigger"),
    [
        ("rhel9", "python3", "/usr/bin/python3.9", "%triggerin -- python3"),
        ("rhel9", "python3", "/usr/bin/python3.9", "%transfiletriggerin -- /usr/bin"),
        ("sles15", "python3-base", "/usr/bin/python3.6", "%filetriggerin -- /usr/bin"),
    ],
)
def test_a_trigger_that_undoes_the_repair_is_named(
    aid: Aid, fresh: Callable[[str], Host], ansible: Ansible, image: str, package: str, binary: str, trigger: str
) -> None:
    host = fresh(image)
    host.install()
    host.check(TRIGGER.format(trigger=trigger, binary=binary))
    culprit = trigger + " of corp-python-1-1.noarch"
    code, error = host.drive("repair")
    assert (code, error["kind"], error["details"]["triggers"]) == (3, "not_proven", [culprit]), error
    error = ansible.module("rpm_integrity", host, {"packages": [package]})
    assert (error["kind"], error["details"]["triggers"]) == ("not_proven", [culprit]), error
    assert culprit in error["msg"]
    if package == "python3":
        host.check(ONLY_THE_SYSTEM_S_OWN)
        assert culprit in aid.role(host)["msg"]
        host.check("rpm -e corp-python")
        assert_brought_back(aid, host, aid.role(host))
        return
    host.check("rpm -e corp-python")
    assert host.drive("repair")[1]["healthy"]


def test_what_was_taken_over_once_is_repairable_always(aid: Aid, fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    host.tamper("taken_over")
    assert "python3-thirdparty-3.9.99-1" in host.drive("audit")[1]["findings"][0]["summary"]
    for damage in (":", "echo damaged >>/usr/bin/python3.9"):
        host.check(damage)
        result = host.drive("repair")[1]
        assert (result["changed"], result["healthy"]) == (True, True), result
    host.check(f"echo damaged >>/usr/bin/python3.9; {ONLY_THE_SYSTEM_S_OWN}")
    assert_brought_back(aid, host, aid.role(host))
    # What the finding advises.
    host.check("rpm -e python3-thirdparty && python3.9 -c 1")


def test_two_names_of_one_file_are_one_file(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    code, facts = host.drive("audit", "env PATH=/bin:/usr/bin python3.11")
    assert (code, facts["findings"]) == (0, []), facts
    seen = {one["path"]: (one["owner"], one["verified"]) for one in facts["interpreters"]}
    assert seen["/bin/python3.9"] == ("python3", True)
    assert None not in {verified for _owner, verified in seen.values()}
