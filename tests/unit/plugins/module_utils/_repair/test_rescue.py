# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A root with real packages and a real database, broken and repaired from outside; what runs in it leaves a trace."""

import json
import os
import shutil
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import Policy
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    DiskFullError,
    InvalidDataError,
    ReadOnlyError,
    SignatureError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk import rescuable, space
from ansible_collections.fleet.system_python.plugins.module_utils._disk.mounts import Mount
from ansible_collections.fleet.system_python.plugins.module_utils._disk.rescuable import RootError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._repair import rescue
from ansible_collections.fleet.system_python.plugins.module_utils._repair.packages import PackageOptions
from ansible_collections.fleet.system_python.plugins.module_utils._repair.rescue import RootRepair
from ansible_collections.fleet.system_python.plugins.module_utils._repair.result import RepairResult
from ansible_collections.fleet.system_python.plugins.module_utils._repair.run import RepairSettings
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.offline import open_offline
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    install,
    new_key,
    new_root,
    run,
    sign,
    skip_unless,
    stop_agent,
)

OS_RELEASE = {"ID": "rhel", "VERSION_ID": "9.4", "ID_LIKE": "fedora"}
STATE = "/var/lib/fleet.system_python"
# What a Python of EL 9 is to the audit, with every kind of file. Nobody can start it.
PACKAGES: t.Dict[str, t.List[PackagedFile]] = {
    "python3": [
        PackagedFile("/usr/bin/python3.9", b"interpreter", mode=0o755),
        PackagedFile("/usr/bin/pathfix3.9", hardlink="/usr/bin/python3.9", mode=0o755),
        PackagedFile("/usr/bin/python3", linkto="python3.9"),
        PackagedFile("/usr/libexec/platform-python", linkto="/usr/bin/python3.9"),
        PackagedFile("/usr/libexec/platform-python3.9", linkto="/usr/bin/python3.9"),
    ],
    "python3-libs": [
        PackagedFile("/usr/lib64/python3.9", is_folder=True, directive="%dir"),
        PackagedFile("/usr/lib64/python3.9/email", is_folder=True, directive="%dir"),
        PackagedFile("/usr/lib64/python3.9/email/charset.py", b"charset"),
        PackagedFile("/usr/lib64/python3.9/os.py", b"os"),
        PackagedFile("/usr/lib64/python3.9/empty.py", b""),
        PackagedFile("/usr/lib64/python3.9/raw.so", b"raw", directive="%caps(cap_net_raw=ep)"),
        PackagedFile("/usr/lib64/python3.9/set.so", b"set", directive="%attr(4711,alice,root)"),
        PackagedFile("/etc/python.conf", b"conf", directive="%config(noreplace)"),
    ],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: t.Any) -> t.Iterator[t.Tuple[str, str]]:
    """Give a folder with the packages, signed, and the file of the key."""
    skip_unless("rpm", "rpmbuild", "rpm2cpio", "rpmsign", "gpg", root=True)
    folder = str(tmp_path_factory.mktemp("packages"))
    home, public = new_key(folder)
    place = os.path.join(folder, "files")
    os.mkdir(place)
    for name, files in PACKAGES.items():
        package = build(folder, name, files)
        sign(package, home)
        shutil.copy(package, place)
    yield place, public
    stop_agent(home)


@pytest.fixture
def root(tmp_path: t.Any, built: t.Tuple[str, str]) -> str:
    """Return a root with the packages and the key in its database."""
    folder = new_root(str(tmp_path))
    files, key = built
    run("rpm", "--root", folder, "--dbpath", "/var/lib/rpm", "--import", key)
    install(folder, *[os.path.join(files, name) for name in sorted(os.listdir(files))])
    with open(folder + "/etc/os-release", "w") as stream:
        stream.writelines("{0}={1}\n".format(*item) for item in OS_RELEASE.items())
    return folder


def a_repair(root: str, files: t.Sequence[str], **hooks: t.Any) -> RootRepair:
    """Return the repair of C(root) with the packages in C(files)."""
    settings = RepairSettings(
        contract_for(OS_RELEASE),
        Policy(),
        {},
        packages=PackageOptions(files, ["files"]),
        lock_path=os.path.join(os.path.dirname(root), "lock"),
        root=Root(root),
    )
    return RootRepair(settings, OS_RELEASE, **hooks)


def repaired(root: str, files: str, check_mode: bool = False, **hooks: t.Any) -> RepairResult:
    return a_repair(root, [files], **hooks).result(check_mode)


def break_everything(root: str) -> None:
    """One break that needs every kind of step; what is an interpreter or a shell leaves a trace when it is run."""
    usr, libraries = root + "/usr", root + "/usr/lib64/python3.9"
    trap = "#!/bin/sh\ntouch {0}.ran\n".format(root)
    for path in ("/bin/sh", "/bin/rpm", "/bin/python3.11", "/sbin/ldconfig"):
        os.makedirs(os.path.dirname(usr + path), exist_ok=True)
        with open(usr + path, "w") as stream:
            stream.write(trap)
        os.chmod(usr + path, 0o755)  # noqa: S103
    os.unlink(usr + "/bin/python3")
    os.symlink("/etc/alternatives/python3", usr + "/bin/python3")
    os.makedirs(root + "/etc/alternatives")
    os.symlink("/usr/bin/python3.11", root + "/etc/alternatives/python3")
    os.makedirs(root + "/var/lib/alternatives")
    with open(root + "/var/lib/alternatives/python3", "w") as stream:
        stream.write("auto\n/usr/bin/python3\n\n/usr/bin/python3.11\n20\n\n")
    shutil.copy(usr + "/bin/python3.11", usr + "/bin/new")
    os.rename(usr + "/bin/new", usr + "/bin/python3.9")
    os.unlink(usr + "/libexec/platform-python")
    os.mkdir(usr + "/libexec/platform-python")
    with open(usr + "/libexec/platform-python/kept", "w") as stream:
        stream.write("kept")
    shutil.rmtree(libraries + "/email")
    os.chmod(libraries + "/empty.py", 0o666)  # noqa: S103
    os.removexattr(libraries + "/raw.so", "security.capability")
    os.chown(libraries + "/set.so", 0, 0)
    os.unlink(libraries + "/os.py")
    # Absolute, and so outside the root for whoever forgets where he is.
    os.symlink(root + ".outside", libraries + "/os.py")
    with open(root + "/etc/python.conf", "w") as stream:
        stream.write("of an administrator")


def as_shipped(root: str) -> None:
    """Assert by rpm's own rules that all is as the packages have it, that nothing ran, and nothing lies about."""
    with open_offline(Root(root)) as rpm:
        left = [entry for entry in rpm.verify(list(PACKAGES)).entries if entry.attribute != "c"]
    assert left == []
    assert os.path.samefile(root + "/usr/bin/python3.9", root + "/usr/bin/pathfix3.9")
    with open(root + "/etc/python.conf") as stream:
        assert stream.read() == "of an administrator"
    assert [name for name in os.listdir(os.path.dirname(root)) if name.endswith((".ran", ".outside"))] == []
    hidden = [name for _folder, _folders, names in os.walk(root) for name in names if name.startswith(".fleet")]
    assert (hidden, os.path.exists(root + STATE + "/journal.json")) == ([], False)


def database_of(root: str) -> t.Dict[str, bytes]:
    folder = root + "/var/lib/rpm"
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as stream:
            found[name] = stream.read()
    return found


def test_all_is_brought_back_from_outside(root: str, built: t.Tuple[str, str]) -> None:
    break_everything(root)
    before = database_of(root)
    predicted = repaired(root, built[0], check_mode=True)
    assert (predicted["changed"], os.path.isdir(root + STATE)) == (True, False)
    done = repaired(root, built[0])
    assert done["plan"] == predicted["plan"]
    assert (done["changed"], done["healthy"]) == (True, True)
    as_shipped(root)
    assert database_of(root) == before
    again = repaired(root, built[0])
    assert (again["changed"], again["healthy"], again["plan"]) == (False, True, [])


def test_what_is_kept_is_named_as_the_system_will_know_it(root: str, built: t.Tuple[str, str]) -> None:
    break_everything(root)
    kept = t.cast(str, repaired(root, built[0])["quarantine"])
    assert kept.startswith(root + STATE + "/quarantine/")
    with open(kept + "/manifest.json") as stream:
        entries = json.load(stream)["entries"]
    paths = {entry["path"] for entry in entries}
    assert {"/usr/bin/python3.9", "/usr/libexec/platform-python", "/usr/lib64/python3.9/os.py"} <= paths
    assert "/var/lib/alternatives/python3" in paths
    assert not any(path.startswith(root) for path in paths)


def test_a_pair_that_was_split_is_one_file_again(root: str, built: t.Tuple[str, str]) -> None:
    shutil.copy2(root + "/usr/bin/pathfix3.9", root + "/usr/bin/copy")
    os.rename(root + "/usr/bin/copy", root + "/usr/bin/pathfix3.9")
    with open(root + "/usr/lib64/python3.9/os.py", "a") as stream:
        stream.write("altered")
    with open(root + "/usr/bin/python3.9", "a") as stream:
        stream.write("altered")
    with open(root + "/etc/python.conf", "w") as stream:
        stream.write("of an administrator")
    assert repaired(root, built[0])["healthy"]
    as_shipped(root)


class KilledError(BaseException):
    """The run was killed."""


def dying_at(number: int) -> t.Callable[[str], None]:
    """Return a checkpoint that is killed at the step of this number."""
    passed: t.List[str] = []

    def die(step: str) -> None:
        passed.append(step)
        if len(passed) == number + 1:
            raise KilledError

    return die


def test_killed_at_each_step_and_run_again_it_is_whole(root: str, built: t.Tuple[str, str], tmp_path: t.Any) -> None:
    break_everything(root)
    steps: t.List[str] = []
    broken = str(tmp_path / "broken")
    run("cp", "-a", root, broken)
    repaired(root, built[0], checkpoint=steps.append)
    assert {"before reinstall", "unpacked /usr/bin/python3.9", "after relabel"} <= set(steps)
    named = [
        "before drop_group",
        "replace intended",
        "before reinstall",
        "unpacked /usr/bin/python3.9",
        "after reinstall",
    ]
    chosen = [steps.index(step) for step in [*named, "unpacked /usr/lib64/python3.9/email", "after relabel"]]
    for number in chosen:
        run("rm", "-rf", root)
        run("cp", "-a", broken, root)
        with pytest.raises(KilledError):
            repaired(root, built[0], checkpoint=dying_at(number))
        done = repaired(root, built[0])
        assert done["healthy"], steps[number]
        as_shipped(root)


@pytest.mark.parametrize("kind", ["enforcing", "disabled"])
def test_the_labels_are_left_to_the_boot(root: str, built: t.Tuple[str, str], kind: str) -> None:
    os.makedirs(root + "/etc/selinux")
    with open(root + "/etc/selinux/config", "w") as stream:
        stream.write("SELINUX={0}\nSELINUXTYPE=targeted\n".format(kind))
    os.unlink(root + "/usr/bin/python3")
    done = repaired(root, built[0])
    assert os.path.exists(root + "/.autorelabel") == (kind == "enforcing")
    (line,) = [one for one in done["proof"] if one["command"] == "SELinux labels"]
    assert ("next boot" in line["output"]) == (kind == "enforcing")


def test_a_package_that_is_gone_is_named_with_the_command_that_fetches_it(root: str, tmp_path: t.Any) -> None:
    break_everything(root)
    with pytest.raises(AcquisitionError) as raised:
        repaired(root, str(tmp_path))
    assert "dnf download --destdir /root/packages python3-1.0-1.noarch python3-libs-1.0-1.noarch" in str(raised.value)
    assert (raised.value.changed_nothing, os.path.exists(root + STATE)) == (True, False)


def test_a_package_of_another_signer_is_not_used(root: str, built: t.Tuple[str, str]) -> None:
    break_everything(root)
    run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-e", "--allmatches", "gpg-pubkey")
    with pytest.raises(SignatureError) as raised:
        repaired(root, built[0])
    assert (raised.value.changed_nothing, os.path.exists(root + STATE)) == (True, False)


def test_a_package_of_another_build_is_not_used(root: str, tmp_path: t.Any) -> None:
    break_everything(root)
    other = [PackagedFile("/usr/bin/python3.9", b"another build", mode=0o755)]
    build(str(tmp_path), "python3", other)
    with pytest.raises((AcquisitionError, SignatureError, InvalidDataError)) as raised:
        repaired(root, str(tmp_path / "build-python3-1.0/out/noarch"))
    assert (raised.value.changed_nothing, os.path.exists(root + STATE)) == (True, False)


def test_a_full_disk_is_found_out_before(root: str, built: t.Tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    break_everything(root)
    monkeypatch.setattr(space, "free_bytes", lambda path: 0 if path.startswith(root) else 1 << 40)
    with pytest.raises(DiskFullError) as raised:
        repaired(root, built[0])
    assert (raised.value.changed_nothing, os.path.exists(root + STATE)) == (True, False)


def refused(root: str) -> str:
    with pytest.raises((RootError, ReadOnlyError)) as raised:
        a_repair(root, [])
    assert raised.value.changed_nothing
    return str(raised.value)


def test_roots_that_must_not_be_repaired(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "this machine itself" in refused("/")
    with open(root + "/etc/fstab", "w") as stream:
        stream.write("# a comment\n/dev/x /var/lib/rpm xfs defaults 0 0\n/dev/y /usr/local xfs defaults 0 0\n")
    os.mkdir(root + "/usr/local")
    assert "/usr/local is a volume of its own" in refused(root)
    os.unlink(root + "/etc/fstab")
    os.makedirs(root + "/ostree/repo")
    assert "ostree" in refused(root)
    os.rmdir(root + "/ostree/repo")
    os.symlink("/etc", root + STATE)
    assert STATE in refused(root)
    os.unlink(root + STATE)
    own = Mount(root, "xfs", "8:1", "/")
    for other, is_refused in (
        (Mount("/elsewhere", "xfs", "8:1", "/"), True),
        (Mount("/elsewhere", "btrfs", "8:1", "/home"), True),
        (Mount("/elsewhere", "xfs", "8:2", "/"), False),
        (Mount(root + "/home", "xfs", "8:1", "/home"), False),
    ):
        monkeypatch.setattr(rescuable, "read_mounts", lambda other=other: [Mount("/", "xfs", "8:9"), own, other])
        assert not is_refused or "mounted at /elsewhere" in refused(root)
        if not is_refused:
            a_repair(root, [])
    monkeypatch.setattr(rescuable, "is_read_only", lambda _path: True)
    monkeypatch.setattr(rescuable, "read_mounts", list)
    assert "read-only" in refused(root)


def test_the_sources_of_another_release_are_left_out(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = a_repair(root, []).settings
    repair = RootRepair(settings._replace(packages=PackageOptions()), OS_RELEASE)
    for own, names in (
        ({"ID": "debian", "VERSION_ID": "12"}, ["files", "cache"]),
        (OS_RELEASE, ["files", "cache", "cache", "zypper", "microdnf", "repositories"]),
    ):
        monkeypatch.setattr(rescue, "read_os_release", lambda own=own: own)
        assert [source.name for source in repair._sources()[0]] == names
