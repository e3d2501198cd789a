"""The host is as its vendor shipped it. Asked of the host by shell commands only."""

import re

import pytest
from shared.platforms import Platform
from shared.subject import MARKER, TEST_PACKAGE
from testinfra.host import Host

# A configuration file, documentation, a ghost or a licence that differs or is missing is no damage.
IMMATERIAL = re.compile(r"^(\S{9}|missing)\s+[cdglr]\s+/")


def test_every_packaged_link_is_back(host: Host, platform: Platform) -> None:
    shipped = {**platform.links, **platform.further_links}
    found = {path: host.run("readlink %s", path).stdout.strip() for path in shipped}
    assert found == shipped


def test_python3_is_the_same_at_every_look(host: Host, platform: Platform) -> None:
    looks = host.check_output("for i in $(seq 50); do readlink -f /usr/bin/python3; done | sort | uniq -c")
    assert looks.split() == ["50", platform.binary]


@pytest.mark.parametrize("shell", ["sh -c", "sh -lc", "env -i sh -c", "env -i PATH=/usr/sbin:/usr/bin sh -c"])
def test_python3_of_every_shell_is_the_systems(host: Host, shell: str) -> None:
    assert host.check_output(f"{shell} 'command -v python3'") in {"/usr/bin/python3", "/bin/python3"}


def test_python3_is_the_packaged_version(host: Host, platform: Platform) -> None:
    packaged = host.check_output("rpm -q --qf '%%{VERSION}' %s", platform.owner)
    assert packaged.startswith(f"{platform.version}.")
    assert host.check_output("/usr/bin/python3 --version") == f"Python {packaged}"
    assert host.check_output("/usr/bin/python3 -c 'import ssl, json, subprocess, ctypes; print(1)'") == "1"


def test_links_and_binaries_belong_to_their_package(host: Host, platform: Platform) -> None:
    paths = [*platform.links, platform.binary, *filter(None, [platform.twin])]
    owners = host.check_output(f"rpm -qf --qf '%{{NAME}}\\n' {' '.join(paths)}")
    assert set(owners.split()) == {platform.owner}
    assert len(owners.split()) == len(paths)


def test_no_python_in_usr_is_without_an_owner(host: Host) -> None:
    listed = host.check_output(
        "ls -d /usr/bin/python* /usr/bin/pip* /usr/bin/pydoc* /usr/bin/idle* /usr/bin/2to3* /usr/lib/python3*"
        " /usr/lib64/python3* /usr/lib/libpython3* /usr/lib64/libpython3* /usr/include/python3*"
        " /usr/lib/pkgconfig/python* /usr/share/man/man1/python* 2>/dev/null; true"
    ).split()
    assert "/usr/bin/python3" in listed
    asked = host.run(f"LC_ALL=C rpm -qf --qf '' {' '.join(listed)}")
    assert asked.stdout == ""


def test_no_command_starts_a_python_that_is_not_the_systems(host: Host) -> None:
    lines = host.check_output("grep -m1 -aHnoE '^#!.*python[0-9.]*' /usr/bin/* /usr/sbin/* 2>/dev/null | grep ':1:'")
    scripts = dict(line.split(":1:#!") for line in lines.splitlines())
    owned = {line for line in scripts.values() if host.run(f"rpm -qf {line.split()[0]}").rc == 0 or "/env " in line}
    assert owned
    assert [script for script, line in scripts.items() if line not in owned] == []


def test_rpm_verifies_the_scope(host: Host, platform: Platform) -> None:
    installed = host.run(f"rpm -q --qf '%{{NAME}}\\n' {' '.join(platform.scope)}").stdout.splitlines()
    packages = [name for name in platform.scope if name in installed]
    assert platform.owner in packages
    found = host.run(f"LC_ALL=C rpm -V --nodeps {' '.join(packages)}").stdout.splitlines()
    assert [line for line in found if not IMMATERIAL.match(line)] == []


def test_twins_are_one_file(host: Host, platform: Platform) -> None:
    if not platform.twin:
        pytest.skip("this operating system ships its interpreter under one name")
    inodes = host.check_output("stat -c %%i %s %s", platform.binary, platform.twin).split()
    assert len(inodes) == 2
    assert len(set(inodes)) == 1


def test_no_alternatives_group_governs_python(host: Host, platform: Platform) -> None:
    states = host.check_output("grep -ls '^/usr/bin/python' /var/lib/alternatives/* /var/lib/rpm/alternatives/*; true")
    assert {path.rpartition("/")[2] for path in states.split()} == set(platform.groups)
    entries = host.check_output("ls -d /etc/alternatives/*python* 2>/dev/null; true")
    assert {path.rpartition("/")[2] for path in entries.split()} == {*platform.groups, *platform.manuals}


def test_selinux_is_configured_as_shipped(host: Host) -> None:
    if not host.file("/etc/selinux/config").exists:
        pytest.skip("this operating system has no SELinux configuration")
    assert host.check_output("sed -n 's/^SELINUX=//p' /etc/selinux/config") == "enforcing"


def test_the_package_manager_installs_and_removes_a_package(host: Host, platform: Platform) -> None:
    assert host.run("rpm -q %s", TEST_PACKAGE).rc == 1
    done = host.run(f"{platform.install} {TEST_PACKAGE}")
    assert done.rc == 0, done.stdout + done.stderr
    assert host.run("rpm -V %s", TEST_PACKAGE).rc == 0
    done = host.run(f"{platform.remove} {TEST_PACKAGE}")
    assert done.rc == 0, done.stdout + done.stderr
    assert host.run("rpm -q %s", TEST_PACKAGE).rc == 1
    # What was written up to here was written by these tests.
    host.check_output("touch %s", MARKER)
