# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real transactions of the real rpm, in roots of these tests."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    DiskFullError,
    LockedError,
    PrivilegeError,
    ReadOnlyError,
    TransactionError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages import transaction as packages_transaction
from ansible_collections.fleet.system_python.plugins.module_utils._packages.transaction import Transaction
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.package_files import package_files
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import is_drift
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    install,
    new_root,
    run,
    skip_unless,
)

Folder = t.Any
LOCK = "/var/lib/rpm/.rpm.lock"


class Built(t.NamedTuple):
    """Package files by what they are."""

    alpha: str
    beta: str
    newer: str
    thief: str
    obsoleted: str
    needy: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: t.Any) -> Built:
    skip_unless("rpm", "rpmbuild", root=True)
    folder = str(tmp_path_factory.mktemp("packages"))
    files = [
        PackagedFile("/opt/alpha", is_folder=True),
        PackagedFile("/opt/alpha/big", os.urandom(3000000), directive="hidden"),
        PackagedFile("/opt/alpha/tool", b"tool", mode=0o755, directive="hidden"),
        PackagedFile("/opt/alpha/link", linkto="tool", directive="hidden"),
        PackagedFile("/opt/alpha/README", b"doc", directive="%doc"),
        PackagedFile("/etc/alpha.conf", b"conf", directive="%config(noreplace)"),
    ]
    newer_tool = PackagedFile("/opt/alpha/tool", b"newer tool", mode=0o755, directive="hidden")
    return Built(
        alpha=build(folder, "alpha", files),
        beta=build(folder, "beta", [PackagedFile("/opt/beta", b"beta")], preamble="Obsoletes: obsoleted < 2"),
        newer=build(folder, "alpha", [*files[:2], newer_tool, *files[3:]], version="1.1"),
        thief=build(folder, "thief", [PackagedFile("/opt/alpha/tool", b"stolen")]),
        obsoleted=build(folder, "obsoleted", [PackagedFile("/opt/obsoleted", b"x")]),
        needy=build(folder, "needy", [PackagedFile("/opt/needy", b"x")], preamble="Requires: nobody-has-this"),
    )


@pytest.fixture
def rpm(tmp_path: Folder, built: Built) -> Rpm:
    root = new_root(str(tmp_path))
    install(root, built.alpha, built.beta)
    return Rpm(root=root, dbpath="/var/lib/rpm")


@pytest.fixture
def transaction(rpm: Rpm) -> Transaction:
    return Transaction(rpm)


def below(rpm: Rpm, path: str) -> str:
    return os.path.join(rpm.root or "", path.lstrip("/"))


def content(rpm: Rpm, path: str) -> bytes:
    with open(below(rpm, path), "rb") as stream:
        return stream.read()


def overwrite(rpm: Rpm, path: str, data: bytes = b"damaged") -> None:
    with open(below(rpm, path), "wb") as stream:
        stream.write(data)


def drift(rpm: Rpm, *names: str) -> t.List[str]:
    return [entry.path for entry in rpm.verify(names or ["alpha", "beta"]).entries if is_drift(entry)]


def installed(rpm: Rpm) -> t.List[str]:
    return sorted(run("rpm", "--root", rpm.root or "", "--dbpath", "/var/lib/rpm", "-qa").split())


class Recorder:
    """Runs what it is given and remembers it."""

    def __init__(self) -> None:
        self.calls: t.List[t.List[str]] = []

    def __call__(self, argv: t.Sequence[str], **options: t.Any) -> Completed:
        self.calls.append(list(argv))
        return run_command(argv, **options)


class TestReinstall:
    def test_brings_everything_back(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        overwrite(rpm, "/opt/alpha/tool")
        os.unlink(below(rpm, "/opt/alpha/big"))
        os.unlink(below(rpm, "/opt/alpha/link"))
        os.symlink("elsewhere", below(rpm, "/opt/alpha/link"))
        os.chmod(below(rpm, "/opt/beta"), 0o600)
        overwrite(rpm, "/etc/alpha.conf", b"mine")
        assert len(drift(rpm)) == 4
        transaction.test([built.alpha, built.beta])
        assert len(drift(rpm)) == 4
        assert transaction.run([built.alpha, built.beta]).rc == 0
        assert drift(rpm) == []
        assert content(rpm, "/etc/alpha.conf") == b"mine"
        assert installed(rpm) == ["alpha-1.0-1.noarch", "beta-1.0-1.noarch"]

    def test_documentation_that_was_left_out_stays_out(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        place = ["--root", rpm.root or "", "--dbpath", "/var/lib/rpm"]
        run("rpm", *place + ["-i", "--replacepkgs", "--excludedocs", built.alpha])
        os.unlink(below(rpm, "/opt/alpha/README"))
        transaction.run([built.alpha])
        assert not os.path.exists(below(rpm, "/opt/alpha/README"))

    def test_does_not_remove_what_it_obsoletes(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        install(rpm.root or "", built.obsoleted)
        transaction.test([built.beta])
        transaction.run([built.beta])
        assert "obsoleted-1.0-1.noarch" in installed(rpm)

    def test_dependencies_that_were_broken_before_do_not_matter(
        self, rpm: Rpm, transaction: Transaction, built: Built
    ) -> None:
        install(rpm.root or "", built.needy)
        overwrite(rpm, "/opt/needy")
        transaction.test([built.needy])
        transaction.run([built.needy])
        assert drift(rpm, "needy") == []


class TestUpgrade:
    def test_missing_package_comes_back(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        run("rpm", "--root", rpm.root or "", "--dbpath", "/var/lib/rpm", "-e", "--justdb", "alpha")
        overwrite(rpm, "/opt/alpha/tool")
        transaction.test([built.alpha, built.beta])
        transaction.run([built.alpha, built.beta])
        assert drift(rpm) == []
        assert installed(rpm) == ["alpha-1.0-1.noarch", "beta-1.0-1.noarch"]

    def test_needs_its_dependencies(self, transaction: Transaction, built: Built) -> None:
        with pytest.raises(TransactionError, match="nobody-has-this is needed by needy"):
            transaction.test([built.needy])

    def test_refuses_to_remove_what_it_obsoletes(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        install(rpm.root or "", built.obsoleted)
        run("rpm", "--root", rpm.root or "", "--dbpath", "/var/lib/rpm", "-e", "beta")
        with pytest.raises(TransactionError, match=r"would remove obsoleted-1\.0-1\.noarch"):
            transaction.test([built.beta])
        assert "obsoleted-1.0-1.noarch" in installed(rpm)

    def test_does_not_take_another_release_away(self, transaction: Transaction, built: Built) -> None:
        with pytest.raises(TransactionError, match=r"would take alpha-1\.0-1\.noarch away") as caught:
            transaction.test([built.newer])
        assert caught.value.details["packages"] == ["alpha-1.0-1.noarch"]


class TestTwoReleases:
    """An upgrade that was broken off: both are in the database, and one is on the disk."""

    @pytest.fixture(params=[("alpha", "newer"), ("newer", "alpha")], ids=["newer on the disk", "older on the disk"])
    def twice(self, request: t.Any, tmp_path: Folder, built: Built) -> Rpm:
        root = new_root(str(tmp_path))
        for name in request.param:
            run(
                "rpm",
                *["--root", root, "--dbpath", "/var/lib/rpm", "-i", "--oldpackage", "--replacefiles"]
                + [getattr(built, name)],
            )
        return Rpm(root=root, dbpath="/var/lib/rpm")

    @pytest.mark.parametrize("wanted", ["alpha", "newer"])
    def test_the_other_record_stays_as_it_is(self, twice: Rpm, built: Built, wanted: str) -> None:
        before = installed(twice)
        assert len(before) == 2
        overwrite(twice, "/opt/alpha/tool")
        Transaction(twice).test([getattr(built, wanted)])
        Transaction(twice).run([getattr(built, wanted)])
        assert installed(twice) == before
        assert content(twice, "/opt/alpha/tool") == (b"tool" if wanted == "alpha" else b"newer tool")


@pytest.mark.parametrize(
    ("evr", "flags", "version", "matches"),
    [
        ("1.0-1", 0, "", True),
        ("1.0-1", 2, "2", True),
        ("2.0-1", 2, "2.0", False),
        ("2.0-1", 10, "2.0", True),
        ("2.0-2", 10, "2.0-1", False),
        ("1:1.0-1", 2, "2.0", False),
        ("3.0-1", 4, "2", True),
        ("3.0-1", 8, "3.0", True),
        ("3.0-1", 8, "3.0-2", False),
    ],
)
def test_rules_of_obsoletes(evr: str, flags: int, version: str, matches: bool) -> None:
    assert packages_transaction._rule_matches(evr, flags, version) is matches


class TestReplacedFiles:
    def test_a_file_of_ones_own_is_taken_back_however_often_it_changes(
        self, rpm: Rpm, transaction: Transaction, built: Built
    ) -> None:
        install(rpm.root or "", built.thief)
        assert drift(rpm) == ["/opt/alpha/tool"]
        transaction.test([built.alpha])
        assert content(rpm, "/opt/alpha/tool") == b"stolen"
        transaction.run([built.alpha])
        assert (content(rpm, "/opt/alpha/tool"), drift(rpm)) == (b"tool", [])
        # Nothing marks the file as replaced any more, and rpm refuses it all the same.
        overwrite(rpm, "/opt/alpha/tool")
        transaction.test([built.alpha])
        transaction.run([built.alpha])
        assert (content(rpm, "/opt/alpha/tool"), drift(rpm)) == (b"tool", [])

    def test_a_file_of_others_is_not(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        run("rpm", "--root", rpm.root or "", "--dbpath", "/var/lib/rpm", "-e", "alpha")
        install(rpm.root or "", built.thief)
        with pytest.raises(TransactionError, match=r"Other packages own files .*from package thief") as caught:
            transaction.test([built.alpha])
        assert caught.value.details["conflicts"] == ["/opt/alpha/tool"]
        with pytest.raises(TransactionError, match="Other packages own files"):
            transaction.run([built.alpha])
        assert content(rpm, "/opt/alpha/tool") == b"stolen"


class TestNothingChanges:
    def test_disk_full(self, tmp_path: Folder, built: Built, mounter: t.Any) -> None:
        root = new_root(str(tmp_path))
        mounter.tmpfs(root + "/opt/alpha", "5m")
        install(root, built.alpha)
        with pytest.raises(DiskFullError, match=r"room on /opt/alpha.*Nothing was changed") as caught:
            Transaction(Rpm(root=root, dbpath="/var/lib/rpm")).test([built.alpha])
        assert caught.value.details["path"] == "/opt/alpha"
        assert 0 < caught.value.details["available"] < 3000000
        assert caught.value.details["needed"] > 0

    def test_read_only(self, tmp_path: Folder, built: Built, mounter: t.Any) -> None:
        root = new_root(str(tmp_path))
        point = mounter.tmpfs(root + "/opt/alpha")
        install(root, built.alpha)
        run("mount", "-o", "remount,ro", point)
        with pytest.raises(ReadOnlyError, match="/opt/alpha is on a file system that is mounted read-only"):
            Transaction(Rpm(root=root, dbpath="/var/lib/rpm")).test([built.alpha])

    @pytest.mark.parametrize("path", ["/opt/alpha/tool", "/opt/alpha"])
    def test_immutable(self, rpm: Rpm, transaction: Transaction, built: Built, path: str) -> None:
        skip_unless("chattr")
        if subprocess.call(["chattr", "+i", below(rpm, path)]):
            pytest.skip("this file system has no immutable files")
        try:
            with pytest.raises(ReadOnlyError, match=path + r" \(immutable\)\. If that is not on purpose"):
                transaction.test([built.alpha])
        finally:
            run("chattr", "-i", below(rpm, path))

    def test_not_root(self, transaction: Transaction, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(PrivilegeError, match="user id 1000"):
            transaction.test([built.alpha])

    def test_directories_in_the_way_are_named(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        packages = package_files(rpm, [built.alpha, built.beta])
        assert transaction.blockers(packages) == []
        os.unlink(below(rpm, "/opt/alpha/tool"))
        os.mkdir(below(rpm, "/opt/alpha/tool"))
        assert transaction.blockers(packages) == [below(rpm, "/opt/alpha/tool")]

    def test_somebody_else_has_the_lock(self, rpm: Rpm, built: Built) -> None:
        with locked(below(rpm, LOCK)) as holder:
            impatient = Transaction(rpm, lock_timeout=0.5)
            with pytest.raises(LockedError, match="process {0} .*holds rpm's lock".format(holder)) as caught:
                impatient.test([built.alpha])
            assert caught.value.details["pid"] == holder
            assert "fcntl" in caught.value.details["command"]
            with pytest.raises(LockedError):
                impatient.run([built.alpha])
            make_leftover(rpm, "/opt/alpha/tool;0123abcd")
            with pytest.raises(LockedError):
                impatient.remove_leftovers(["alpha"])

    def test_waits_for_somebody_else(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        with locked(below(rpm, LOCK), seconds=1):
            transaction.test([built.alpha])


HOLDER = """
import fcntl, sys, time
stream = open(sys.argv[1], "ab")
fcntl.lockf(stream, fcntl.LOCK_EX)
print("held")
sys.stdout.flush()
time.sleep(float(sys.argv[2]))
"""


@contextlib.contextmanager
def locked(path: str, seconds: float = 60) -> t.Iterator[int]:
    """Let another process hold the lock; gives its id."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, path, str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    try:
        yield process.pid
    finally:
        process.kill()
        process.communicate()


class TestFailure:
    def test_configuration_comes_back(self, tmp_path: Folder, built: Built, mounter: t.Any) -> None:
        root = new_root(str(tmp_path))
        mounter.tmpfs(root + "/opt/alpha", "5m")
        install(root, built.alpha)
        rpm = Rpm(root=root, dbpath="/var/lib/rpm")

        def without_its_check(argv: t.Sequence[str], **options: t.Any) -> Completed:
            extra = ["--ignoresize"] if "--reinstall" in argv else []
            return run_command(list(argv[:5]) + extra + list(argv[5:]), **options)

        with pytest.raises(TransactionError, match=r"The transaction failed: .*unpacking of archive failed"):
            Transaction(rpm, without_its_check).run([built.alpha])
        assert content(rpm, "/etc/alpha.conf") == b"conf"
        assert installed(rpm) == ["alpha-1.0-1.noarch"]
        assert Transaction(rpm).leftovers(["alpha"]) == []

    def test_scripts_that_fail_are_told(self, rpm: Rpm, tmp_path: Folder) -> None:
        script = "%post -p <lua>\nerror('this went wrong')\n"
        noisy = build(str(tmp_path), "noisy", [PackagedFile("/opt/noisy", b"x")], preamble=script)
        install(rpm.root or "", noisy)
        done = Transaction(rpm).run([noisy])
        assert "this went wrong" in done.err

    def test_a_command_that_rpm_refuses(self, rpm: Rpm, built: Built) -> None:
        def refusing(argv: t.Sequence[str], **_options: t.Any) -> Completed:
            return Completed(tuple(argv), 1, "", "", False)

        with pytest.raises(TransactionError, match=r"ended with exit code 1\. Its output ends with: \(nothing\)"):
            Transaction(rpm, refusing).test([built.alpha])


def make_leftover(rpm: Rpm, path: str) -> str:
    overwrite(rpm, path, b"half")
    return below(rpm, path)


class TestLeftovers:
    def test_only_what_rpm_left(self, rpm: Rpm, transaction: Transaction) -> None:
        ours = [make_leftover(rpm, path) for path in ("/opt/alpha/tool;0123abcd", "/opt/beta;6b0017df")]
        os.symlink("tool", below(rpm, "/opt/alpha/link;0123abcd"))
        ours.append(below(rpm, "/opt/alpha/link;0123abcd"))
        others = ("/opt/alpha/else;0123abcd", "/opt/alpha/tool;0123", "/opt/alpha/tool;0123abcz", "/opt/x;0123abcd")
        kept = [make_leftover(rpm, path) for path in others]
        assert transaction.leftovers(["alpha", "beta"]) == sorted(ours)
        assert transaction.remove_leftovers(["alpha", "beta"]) == sorted(ours)
        assert not any(os.path.lexists(path) for path in ours)
        assert all(os.path.lexists(path) for path in kept)
        assert transaction.remove_leftovers(["alpha", "beta"]) == []

    def test_a_packaged_file_of_that_name_stays(self, rpm: Rpm, transaction: Transaction, tmp_path: Folder) -> None:
        odd = build(str(tmp_path), "odd", [PackagedFile("/opt/beta;0123abcd", b"owned")])
        install(rpm.root or "", odd)
        assert transaction.leftovers(["beta"]) == []

    def test_the_lock_is_released(self, rpm: Rpm, transaction: Transaction, built: Built) -> None:
        make_leftover(rpm, "/opt/alpha/tool;0123abcd")
        transaction.run([built.alpha])
        assert drift(rpm) == []
        with open(below(rpm, LOCK), "ab") as stream:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


class TestKilled:
    """The moments are spread over the whole transaction; docs/notes/rpm-transactions.md has what is left after each."""

    @pytest.mark.parametrize("part", [number / 8.0 for number in range(8)])
    def test_the_next_one_heals(self, rpm: Rpm, built: Built, part: float) -> None:
        recorder = Recorder()
        begin = time.time()
        Transaction(rpm, recorder).run([built.alpha, built.beta])
        took = time.time() - begin
        argv = next(call for call in recorder.calls if "--reinstall" in call)
        overwrite(rpm, "/opt/alpha/tool")
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * part)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not [path for path in drift(rpm) if not os.path.lexists(below(rpm, path))]
        Transaction(rpm).run([built.alpha, built.beta])
        assert drift(rpm) == []
        assert installed(rpm) == ["alpha-1.0-1.noarch", "beta-1.0-1.noarch"]
        names = os.listdir(below(rpm, "/opt/alpha")) + os.listdir(below(rpm, "/opt"))
        assert not [name for name in names if re.search(";[0-9a-f]{8}$", name)]
        assert content(rpm, "/etc/alpha.conf") == b"conf"
