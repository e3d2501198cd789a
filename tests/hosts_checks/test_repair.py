# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises of a repair on real hosts: the link is never missing, kills lose nothing, errors change nothing."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from checkkit import Ansible, Fleet, Host

from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    skip_unless,
)

LINK = "/usr/bin/python3"
BINARY = {"rhel9": "/usr/bin/python3.9", "sles15": "/usr/bin/python3.6"}
SCOPE = {"rhel9": "python3 python3-libs dnf python3-dnf", "sles15": "python3-base libpython3_6m1_0"}
STATE = "/var/lib/fleet.system_python"

# Resolves the link every two milliseconds; "gone" is a name that is not there, "missed" one that leads to nothing.
WATCH = f"""
import os, time
reads, gone, missed = 0, 0, 0
while not os.path.exists("/root/stop"):
    gone += not os.path.lexists("{LINK}")
    missed += not os.access("{LINK}", os.X_OK)
    reads += 1
    time.sleep(0.002)
open("/root/seen.new", "w").write(f"{{reads}} {{gone}} {{missed}}")
os.rename("/root/seen.new", "/root/seen")
"""

# One break that needs every kind of action: link, directory in the way, group, quarantine, transaction, metadata.
BREAK_EVERYTHING = """
set -e
case $(. /etc/os-release; echo $ID) in
rhel) binary=/usr/bin/python3.9; libexec=/usr/libexec/platform-python ;;
*) binary=/usr/bin/python3.6; libexec= ;;
esac
alternatives=$(command -v alternatives || command -v update-alternatives)
$alternatives --install /usr/bin/python3 python3 /usr/bin/python3.11 20
cp /usr/bin/python3.11 /usr/bin/python3.99
mkdir -p /usr/lib/python3.99/lib && echo kept >/usr/lib/python3.99/lib/file
cp -f /usr/bin/python3.99 $binary
chmod 0666 $(rpm -ql python3-libs python3-base 2>/dev/null | grep '/json/decoder.py$')
if [ -n "$libexec" ]; then rm -f $libexec && mkdir $libexec && echo kept >$libexec/file; fi
"""


def as_shipped(host: Host) -> None:
    """Assert with the shell alone that the host is as shipped and that no work was left lying about."""
    image = host.image
    assert host.check(f"readlink {LINK}").strip() == BINARY[image].rpartition("/")[2]
    assert host.run(f"rpm -V --nodeps --noscripts {SCOPE[image]}").out == ""
    left = "find / -xdev \\( -name '.fleet-system-python-*' -o -name '*;????????' \\) -not -path '/proc/*'"
    assert host.check(left) == ""
    assert host.run(f"ls {STATE}/journal.json").rc != 0


def healthy(host: Host) -> None:
    """Assert that the host is as shipped, and that its package manager really installs a package."""
    as_shipped(host)
    manager = "dnf -y -q" if host.image == "rhel9" else "zypper -n -q"
    host.check(f"{manager} install hello-rpm && rpm -e hello-rpm")


@pytest.fixture
def broken(fresh: Callable[[str], Host]) -> Callable[[str], Host]:
    """Give a host on which everything is broken that one repair can mend."""

    def start(image: str) -> Host:
        host = fresh(image)
        host.install()
        host.check(BREAK_EVERYTHING)
        return host

    return start


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_compiled_files_that_are_gone_are_no_drift_and_come_back_with_others(
    fresh: Callable[[str], Host], image: str
) -> None:
    host = fresh(image)
    host.install()
    host.check("find /usr/lib64/python3* /usr/lib/python3* -name '*.pyc' -delete")
    before = host.listing()
    for what in ("audit", "repair"):
        code, result = host.drive(what)
        assert (code, result["findings"], result["healthy"]) == (0, [], True), result
    assert host.listing() == before
    host.check("for file in /usr/lib*/python3.[69]/ftplib.py; do echo >>$file; done")
    code, result = host.drive("repair")
    assert (code, result["healthy"]) == (0, True), result
    assert host.run("rpm -V --nodeps --noscripts $(rpm -qf /usr/lib*/python3.[69]/ftplib.py)").out == ""


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
@pytest.mark.parametrize("way", ["everything", "directory", "overwritten"])
def test_the_link_is_never_missing_while_a_repair_runs(fresh: Callable[[str], Host], image: str, way: str) -> None:
    host = fresh(image)
    host.install()
    if way == "everything":
        host.check(BREAK_EVERYTHING)
    elif way == "directory":
        host.tamper("link_replaced_by_directory")
    else:
        host.tamper(f"{image}_overwritten")
    host.put("/root/watch.py", WATCH.encode())
    host.check("python3.11 -I -S -B /root/watch.py >/dev/null 2>&1 & sleep 0.3")
    code, result = host.drive("repair")
    host.check("touch /root/stop")
    host.wait("[ -s /root/seen ]")
    assert code == 0, result
    reads, gone, missed = (int(number) for number in host.check("cat /root/seen").split())
    assert reads > 100
    assert gone == 0
    # A directory leads to no interpreter before the repair; every other state does, throughout.
    assert way == "directory" or missed == 0
    healthy(host)


def _steps_to_die_at(names: list[str], image: str) -> list[int]:
    """Return the number of the first of each differently named step, with the other rpm of every third one."""
    first = sorted({name: number for number, name in reversed(list(enumerate(names, 1)))}.values())
    return first if image == "rhel9" else first[::3]


def _kept(host: Host, digest: str) -> bool:
    return digest in host.run(f"find {STATE}/quarantine -type f -exec sha256sum {{}} +").out


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_a_run_that_is_killed_at_any_step_is_finished_by_the_next(broken: Callable[[str], Host], image: str) -> None:
    host = broken(image)
    impostor = host.check("sha256sum < /usr/bin/python3.99").split()[0]
    code, whole = host.drive("repair")
    assert code == 0, whole
    numbers = _steps_to_die_at(whole["steps"], image)
    assert len(numbers) > (20 if image == "rhel9" else 6)
    for number in numbers:
        host.check(f"rm -rf {STATE}; {BREAK_EVERYTHING}")
        code, killed = host.drive("repair", die_at=number)
        assert code == 137, (number, whole["steps"][number - 1], killed)
        assert host.run(f"[ -x {LINK} ]").rc == 0
        code, result = host.drive("repair")
        where = f"killed at step {number} ({whole['steps'][number - 1]})"
        assert code == 0, (where, result)
        assert result["healthy"], (where, result["findings_after"])
        as_shipped(host)
        assert _kept(host, impostor), where
        kept = host.check(f"grep -rl '^kept$' {STATE}/quarantine | wc -l").strip()
        assert kept == ("2" if image == "rhel9" else "1"), where
    healthy(host)
    code, again = host.drive("repair")
    assert (code, again["changed"]) == (0, False), again


def test_rpm_killed_in_the_middle_of_its_transaction(broken: Callable[[str], Host]) -> None:
    host = broken("rhel9")
    code, whole = host.drive("repair")
    assert code == 0, whole
    for written in (0, 200_000, 2_000_000, 8_000_000):
        # A large package, so that the transaction can be met in its middle.
        host.check(f"rm -rf {STATE}; {BREAK_EVERYTHING}\necho '# altered' >>/usr/lib64/python3.9/ast.py")
        host.kill_rpm(written)
        outcome = host.drive("repair")
        assert host.killed_rpm(), (written, outcome, host.run("cat /root/kill.log").out)
        code, result = host.drive("repair")
        assert code == 0, (written, result)
        as_shipped(host)
    healthy(host)


def test_the_modes_of_a_whole_library(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    host.check("chmod -R o-rwx /usr/lib64/python3.9 /usr/lib/python3.9")
    code, result = host.drive("repair")
    assert (code, result["changed"], {one["severity"] for one in result["findings"]}) == (0, False, {"minor"}), result
    began = time.monotonic()
    code, result = host.drive("repair", policy={"stricter_modes": True})
    assert code == 0, result
    assert len(result["actions"]) > 2000
    assert time.monotonic() - began < 90
    healthy(host)


def test_with_a_limit_all_is_told_too(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host, other = fresh("rhel9"), fresh("rhel9")
    host.tamper("link_redirected")
    inventory = ansible.inventory(other, host)
    inventory.write_text(inventory.read_text().replace(other.name, "fsp-there-is-none"))
    for playbook, word in (("audit", "not audited"), ("remediate", "unreachable")):
        options = ("--limit", f"fsp-there-is-none,{host.name}")
        done = ansible._run(["ansible-playbook", "-i", str(inventory), f"fleet.system_python.{playbook}", *options])
        assert done.rc == 2, done.out
        rows = [line for line in done.out.splitlines() if line.lstrip().startswith('"')]
        assert any("fsp-there-is-none" in row and word in row for row in rows), done.out
        # The one that is not there came first, and did not keep the other one from its repair.
        assert any(host.name in row and "SP101" in row for row in rows), done.out
    healthy(host)


def test_an_impostor_is_never_run(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host = fresh("rhel9")
    host.tamper("impostor_script")
    for playbook, code in (("audit", 2), ("remediate", 0), ("audit", 0)):
        done = ansible.playbook(f"fleet.system_python.{playbook}", host)
        assert done.rc == code, done.out
    assert host.run("ls /root/impostor-was-run").rc != 0
    healthy(host)
    # Proof that it would have told: it writes when somebody does run it.
    host.tamper("impostor_script")
    host.run("/usr/bin/python3.9")
    host.check("ls /root/impostor-was-run")


def _corrupt(host: Host) -> None:
    host.tamper("rpmdb_unreadable")


def _no_source(host: Host) -> None:
    host.check(f"{BREAK_EVERYTHING}\ntest-host-repo none; rm -rf /var/cache/dnf /var/cache/zypp")


def _bad_signature(host: Host) -> None:
    host.check(f"{BREAK_EVERYTHING}\ntest-host-repo badsig; rm -rf /var/cache/dnf")


def _version_gone(host: Host) -> None:
    host.check(f"{BREAK_EVERYTHING}\ntest-host-repo gone; rm -rf /var/cache/dnf")


def _unknown(host: Host) -> None:
    host.check(f"{BREAK_EVERYTHING}\nsed -i 's/^ID=.*/ID=plan9/' /etc/os-release")


ERRORS = [
    ("unknown_platform", _unknown, "No contract for this operating system"),
    ("rpmdb_unreadable", _corrupt, "database"),
    ("no_source", _no_source, "Tried:"),
    ("signature", _bad_signature, "sign"),
    ("version_gone", _version_gone, "3.9"),
]


@pytest.mark.parametrize(("kind", "prepare", "said"), ERRORS, ids=[error[0] for error in ERRORS])
def test_an_error_is_clear_and_changes_nothing(
    fresh: Callable[[str], Host], ansible: Ansible, kind: str, prepare: Callable[[Host], None], said: str
) -> None:
    host = fresh("rhel9")
    prepare(host)
    before = host.listing()
    done = ansible.playbook("fleet.system_python.remediate", host)
    assert done.rc != 0, done.out
    state = "unknown platform" if kind == "unknown_platform" else "not helped"
    row = next(line for line in done.out.splitlines() if host.name in line and state in line)
    assert said in row, row
    assert host.listing() == before
    host.install()
    code, error = host.drive("repair")
    assert (code, error.get("kind")) == (3, kind), error


@pytest.fixture(scope="module")
def special(fleet: Fleet) -> Callable[..., Host]:
    """Give hosts that docker starts with special mounts."""
    return lambda *options: fleet.start("rhel9", *options)


def test_a_full_disk_is_told_before_anything_is_changed(special: Callable[..., Host]) -> None:
    host = special("--tmpfs", f"{STATE}:size=4m")
    host.install()
    host.check(BREAK_EVERYTHING)
    before = host.listing()
    code, error = host.drive("repair")
    assert (code, error["kind"]) == (3, "disk_full"), error
    assert STATE in error["message"]
    assert host.listing() == before


def test_a_read_only_usr_is_told_before_anything_is_changed(special: Callable[..., Host]) -> None:
    host = special(
        "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"
    )
    host.install()
    host.check(f"{BREAK_EVERYTHING}\nmount --bind /usr /usr && mount -o remount,ro,bind /usr")
    before = host.listing()
    code, error = host.drive("repair")
    assert (code, error["kind"]) == (3, "read_only"), error
    assert "/usr" in error["message"]
    assert host.listing() == before
    # The same host in image mode: the audit works, and nobody is told to mount anything.
    host.check("touch /run/ostree-booted")
    code, facts = host.drive("audit")
    assert (code, facts["mode"]) == (0, {"kind": "image", "tools": []}), facts
    for what in ("predict", "repair"):
        code, error = host.drive(what)
        assert (code, error["kind"], error["changed_nothing"]) == (3, "immutable_host", True), error
        assert error["details"]["packages"]
        assert "mount" not in error["message"]
    assert host.listing() == before


def transactional_host(fleet: Fleet, folder: Path) -> Host:
    """Start a host with a read-only /usr and a package whose program stands in for transactional-update."""
    skip_unless("rpmbuild")
    says = b"#!/bin/sh\necho \"$@\" >>/root/called\necho 'New default snapshot is #7 (/.snapshots/7/snapshot).'\n"
    program = PackagedFile("/usr/sbin/transactional-update", says, mode=0o755)
    unconfined = ("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined")
    host = fleet.start("sles15", "--cap-add", "SYS_ADMIN", *unconfined)
    host.put("/root/stand-in.rpm", Path(build(str(folder), "transactional-update", [program])).read_bytes())
    host.check("rpm -i --nosignature --nodeps /root/stand-in.rpm")
    host.install()
    host.check("printf x >>/usr/bin/python3.6 && mount --bind /usr /usr && mount -o remount,ro,bind /usr")
    return host


def test_a_transactional_host_is_told_the_exact_packages(fleet: Fleet, ansible: Ansible, tmp_path: Path) -> None:
    host = transactional_host(fleet, tmp_path)
    base = host.check("rpm -q --qf '%{NAME}=%{VERSION}-%{RELEASE}' python3-base")
    before = host.listing()
    code, facts = host.drive("audit")
    assert (code, facts["mode"]) == (0, {"kind": "transactional", "tools": ["transactional-update"]}), facts
    for what in ("predict", "repair"):
        code, error = host.drive(what)
        assert (code, error["kind"], error["changed_nothing"]) == (3, "immutable_host", True), error
        assert base in error["details"]["packages"]
        assert f"pkg install --force --oldpackage {base}" in error["details"]["commands"][0]
    assert host.listing() == before
    host.check("[ ! -e /root/called ]")
    # On request they go into a snapshot, once; after the boot the rest is done and proven.
    extra = ("-e", "python_restore_transactional=stage", "-e", "python_report_folder=")
    for _run in range(2):
        done = ansible.playbook("fleet.system_python.remediate", host, arguments=extra)
        assert (done.rc, "waits for the reboot" in done.out) == (0, True), done.out + done.err
    (called,) = host.check("cat /root/called").splitlines()
    assert called.startswith("--non-interactive --no-selfupdate pkg install --force --oldpackage ")
    assert base in called
    host.check("mount -o remount,rw,bind /usr && rm /run/fleet.system_python/staged.json")
    code, result = host.drive("repair")
    assert (code, result["healthy"]) == (0, True), result


def test_only_root_may_repair(broken: Callable[[str], Host]) -> None:
    host = broken("rhel9")
    host.check("cp -r /root/under-test /srv/under-test && chmod -R a+rX /srv/under-test")
    before = host.listing()
    done = host.run("su -s /bin/sh nobody -c 'python3.11 -I -B /srv/under-test/driver.py /srv/under-test repair'")
    assert (done.rc, '"kind": "not_root"' in done.out) == (3, True), done
    assert host.listing() == before


def test_of_two_runs_the_second_waits_or_says_who_holds_the_lock(broken: Callable[[str], Host]) -> None:
    host = broken("rhel9")
    before = host.listing()
    lock = "/run/lock/fleet.system_python.lock"
    host.check(f"mkdir -p /run/lock; flock {lock} sleep 1000 >/dev/null 2>&1 &")
    host.wait(f"! flock -n {lock} true")
    code, error = host.drive("repair")
    assert (code, error["kind"]) == (3, "locked"), error
    assert str(error["details"]["pid"]) in error["message"]
    assert host.listing() == before
    host.check("(sleep 3; pkill -f '[s]leep 1000') >/dev/null 2>&1 &")
    begin = time.monotonic()
    code, result = host.drive("repair", settings={"lock_timeout": 60})
    assert (code, result["healthy"]) == (0, True), result
    assert time.monotonic() - begin > 1
    healthy(host)


def test_what_was_moved_can_be_put_back(broken: Callable[[str], Host], ansible: Ansible) -> None:
    host = broken("rhel9")
    code, result = host.drive("repair")
    assert code == 0, result
    run = result["quarantine"].rpartition("/")[2]
    paths = ["/usr/bin/python3.99", "/usr/lib/python3.99"]
    runs = ansible.module("python_quarantine", host)["runs"]
    assert [one["run_id"] for one in runs] == [run]
    options = {"state": "returned", "run_id": run, "paths": paths}
    for check in (True, False):
        returned = ansible.module("python_quarantine", host, options, check=check)
        assert returned["changed"], returned
        assert sorted(entry["path"] for entry in returned["entries"]) == paths
    assert not ansible.module("python_quarantine", host, options)["changed"]
    assert host.check("cat /usr/lib/python3.99/lib/file") == "kept\n"
    host.check("cmp /usr/bin/python3.99 /usr/bin/python3.11")
    code, again = host.drive("repair")
    assert (code, again["changed"], again["plan"]) == (0, False, []), again
    code, asked = host.drive("repair", policy={"quarantine_all": True})
    assert (code, asked["findings_after"]) == (0, []), asked


# Takes a file of another package away as soon as the link is back, as a trigger of a package might.
HARM = (
    "rm /usr/bin/python3; "
    "(until [ -e /usr/bin/python3 ]; do sleep 0.01; done; mv /usr/bin/python3.13 /root/) >/dev/null 2>&1 &"
)


def test_a_repair_after_which_another_package_is_worse_is_not_proven(fresh: Callable[[str], Host]) -> None:
    host = fresh("rhel9")
    host.install()
    host.check("rm /usr/bin/python3")
    code, result = host.drive("repair")
    (line,) = [one for one in result["proof"] if one["command"] == "other packages"]
    assert (code, line["ok"], line["output"].endswith(" verified, none worse")) == (0, True, True), result
    host.check(HARM)
    code, result = host.drive("repair")
    assert (code, result["kind"], result["changed_nothing"]) == (3, "not_proven", False), result
    assert "other packages: /usr/bin/python3.13 of the package python3.13: it is missing" in str(result)
    host.check("mv /root/python3.13 /usr/bin/")


# The layout of later updates of SLES 16: the link is in a package of its own, which nobody requires.
LATER_LAYOUT = r"""
set -e
release=$(rpm -q --qf 'Version: %{VERSION}\nRelease: %{RELEASE}\n' python313-base)
rpm -q --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' python313-base | grep -v ' /usr/bin/python3$' |
    sed 's/^d[^ ]* /%dir /; s/^[^%][^ ]* //' >/root/python313-base
echo /usr/bin/python3 >/root/python3-base
for name in python313-base python3-base; do
    sed 's/^%dir //' /root/$name >/root/$name.paths
    cat - /root/$name >/root/$name.spec <<X
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _build_id_links none
Name: $name
$release
Summary: x
License: x
AutoReqProv: no
%description
x
%install
tar -C / --no-recursion -c -f - -T /root/$name.paths | tar -C %{buildroot} -x -f -
%files
X
    rpmbuild -bb --quiet --define '_rpmdir /root/later' /root/$name.spec
done
rpm -U --force --nodeps --nosignature /root/later/*/python313-base-*.rpm
test ! -e /usr/bin/python3
rm -f /root/later/*/python313-base-*.rpm
zypper -n -q ar -G /root/later later
"""


def test_the_package_of_the_link_is_installed_where_the_user_allows_it(
    fresh: Callable[[str], Host], ansible: Ansible
) -> None:
    host = fresh("sles16")
    host.put("/root/later.sh", LATER_LAYOUT.encode())
    host.check("bash /root/later.sh")
    role = {"role": "fleet.system_python.python_restore", "python_restore_check_signatures": False}
    play = {"hosts": "all", "gather_facts": False, "roles": [role]}
    done = ansible.playbook([play], host)
    assert (done.rc, "install python3-base" in done.out, "changed=0" in done.out) == (0, True, True), (
        done.out + done.err
    )
    role |= {"python_restore_install_link_package": True, "python_restore_use": ["zypper"]}
    for options, changed in ((("--check",), True), ((), True), ((), False)):
        done = ansible.playbook([play], host, arguments=options)
        assert (done.rc, "changed=0" in done.out) == (0, not changed), done.out + done.err
        assert (host.run("rpm -q python3-base").rc == 0) == (not options)
    assert host.check("rpm -qf /usr/bin/python3").startswith("python3-base-")
    assert host.check("python3 -I -c 'import sys; print(sys.version_info[1])'").strip() == "13"
