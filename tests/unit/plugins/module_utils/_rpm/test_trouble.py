# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm prints beside its answers, by line of rpm: remarks refuse no host, trouble is called by its name."""

import fcntl
import os
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    CommandError,
    DatabaseError,
    ReadOnlyError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.locks import lock_holder, lock_holder_in
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.room import RoomWanted, room_wanted

Ask = t.Callable[[Rpm], t.Any]

PYTHON = (
    "\x1dpython3\x1f0\x1f3.9\x1f1\x1fx86_64\x1f'V'\x1f1\x1f8\x1e"
    "9\x1f41471\x1f1\x1f\x1f'root'\x1f'root'\x1f0\x1f0\x1f1\x1f''\x1f'python3.9'\x1f'/usr/bin/python3'\x1e\x1c"
)
OWNER = "\x1dpython3\x1f0\x1f3.9\x1f1\x1fx86_64\x1e'python3'\x1f\x1c"
MARK = "error: file /.fleet-system-python-mark: No such file or directory\n"


def an_rpm(
    said: str,
    answers: t.Optional[t.Mapping[str, t.Tuple[str, int]]] = None,
    always: str = "",
    killed: t.Tuple[bool, bool] = (False, False),
) -> Rpm:
    """Return an Rpm that says C(said) beside its answers, and C(always) whatever it is asked.

    C(killed): timed out, flooded.
    """
    known = {
        "-q": (PYTHON + "package nothing is not installed\n", 1),
        "-V": ("S.5....T.    /usr/bin/python3.9\n", 1),
        "-f": (OWNER + MARK, 1),
    }

    def run(argv: t.Sequence[str], timeout: float, env: t.Mapping[str, str]) -> Completed:
        assert timeout <= 60
        assert env["HOME"] == "/dev/null"
        if "--eval" in argv:
            return Completed(tuple(argv), 0, "\n", always, False)
        out, rc = next({**known, **(answers or {})}[option] for option in ("-f", "-V", "-q") if option in argv)
        if "sh" in argv:
            return Completed(tuple(argv), rc, always + said + out, "", *killed)
        return Completed(tuple(argv), rc, out, always + said, *killed)

    return Rpm(runner=run, check_database=False, dbpath="/nowhere/rpm")


QUESTIONS: t.Dict[str, Ask] = {
    "query": lambda rpm: rpm.query(["python3", "nothing"]),
    "verify": lambda rpm: rpm.verify(["python3"])._replace(elapsed=0.0),
    "owners": lambda rpm: rpm.owners(["/usr/bin/python3"]),
}

REMARKS = {
    # SUSE's 4.14, while another rpm begins.
    "waits for a lock": "warning: waiting for shared lock on /usr/lib/sysimage/rpm/Packages\n",
    # EL 8, after an rpm was killed.
    "frees locks of the dead": "warning: rpmdb: BDB2053 Freeing read locks for locker 0x1b3f: 14377/139862573086400\n",
    "bdb": "warning: Found bdb Packages database while attempting sqlite backend: using bdb backend.\n",
    "bdb of 4.14": "warning: Found BDB Packages database while attempting sqlite backend: using bdb backend.\n",
    "ndb": "warning: Found ndb Packages.db database while attempting sqlite backend: using ndb backend.\n",
    "the loader, a stale preload": (
        "ERROR: ld.so: object '/usr/lib64/libgone.so' from /etc/ld.so.preload cannot be preloaded (cannot open shared "
        "object file): ignored.\n"
    ),
    "the loader, another version": "rpm: /usr/local/lib/libz.so.1: no version information available\n",
    "a locale": "warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)\n",
    "an old key": "warning: Signature not supported. Hash algorithm SHA1 not available.\n",
}


@pytest.mark.parametrize("said", REMARKS.values(), ids=REMARKS)
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_a_remark_beside_a_right_answer_refuses_no_host(said: str, ask: Ask) -> None:
    assert ask(an_rpm(said)) == ask(an_rpm(""))


ALWAYS = {
    "a macro, 4.14": "error: Macro %_foo has empty body\n",
    "a macro, 4.16 and newer": "error: /usr/lib/rpm/macros: line 7: Macro %_foo has empty body\n",
    "no /proc": "error: Failed to read auxiliary vector, /proc not mounted?\n",
}


@pytest.mark.parametrize("said", ALWAYS.values(), ids=ALWAYS)
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_what_rpm_complains_of_whatever_it_is_asked_is_a_remark(said: str, ask: Ask) -> None:
    assert ask(an_rpm("", always=said)) == ask(an_rpm(""))
    with pytest.raises(DatabaseError, match="cannot open Packages index"):
        ask(an_rpm("error: cannot open Packages index using db5 - (-30973)\n", always=said))


READ_ONLY = (
    "rpmxdbOpen: Read-only file system\nerror: cannot open Name index using unknown db - Operation not permitted (1)\n"
)
DEAD = (
    "error: rpmdb: BDB0113 Thread/process 259/139 failed: BDB1507 Thread died in Berkeley DB library\n"
    "error: db5 error(-30973) from dbenv->failchk: BDB0087 DB_RUNRECOVERY: Fatal error, run database recovery\n"
    "error: cannot open Packages index using db5 - (-30973)\n"
)
REBUILD = "--rebuilddb"
# What is said, what the message must have, and whether it advises to make the database anew.
TROUBLES: t.Dict[str, t.Tuple[str, str, bool]] = {
    "bdb, a killed rpm, 4.14": (DEAD, "killed left the shared memory", False),
    "a lock, 4.14": ("error: cannot get shared lock on /var/lib/rpm/Packages\n", "only locked", False),
    "a lock, sqlite": ("error: sqlite failure: SELECT hnum: database is locked\n", "only locked", False),
    "a lock of a transaction": (
        "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n",
        "only locked",
        False,
    ),
    "not root": ("error: cannot open Packages index using db5 - Permission denied (13)\n", "with become", False),
    "no backend, 4.16": ("warning: using dummy database, installs not possible\n", "cannot read its format", False),
    "a format of later, ndb": (
        "error: rpmpkg: Version mismatch. Expected version: 0. Found version: 7\n",
        "cannot read its format",
        False,
    ),
    "a damaged header, 4.16": (
        "error: rpmdbNextIterator: skipping h#      12 \nHeader SHA256 digest: BAD (Expected aa != bb)\n",
        "skipping h#      12",
        True,
    ),
    "a damaged header, 4.14": ("error: rpmdb: damaged header #12 retrieved -- skipping.\n", "damaged header", True),
    "a damaged file, sqlite": (
        "error: sqlite failure: SELECT hnum: database disk image is malformed\n",
        "disk image is malformed",
        True,
    ),
}


@pytest.mark.parametrize(("said", "words", "rebuild"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_called_by_its_name(said: str, words: str, rebuild: bool) -> None:
    denied = {"-q": ("package python3 is not installed\npackage nothing is not installed\n", 2), "-V": ("", 0)}
    for name in ("query", "verify"):
        with pytest.raises(DatabaseError, match=words) as caught:
            QUESTIONS[name](an_rpm(said, denied))
        assert (REBUILD in caught.value.message) == rebuild
        assert "/nowhere/rpm" in caught.value.message


def test_an_index_that_cannot_be_opened_for_writing_is_read_only() -> None:
    denied = {"-q": ("package python3 is not installed\npackage nothing is not installed\n", 2)}
    with pytest.raises(ReadOnlyError, match="remount,rw") as caught:
        an_rpm(READ_ONLY, denied).query(["python3", "nothing"])
    assert (caught.value.kind, REBUILD in caught.value.message) == ("read_only", False)


def test_what_real_hosts_printed() -> None:
    rpm = an_rpm(DEAD, {"-V": ("\npackage sudo is not installed\n", 1)})
    with pytest.raises(DatabaseError, match="DB_RUNRECOVERY"):
        rpm.verify(["sudo"])
    lines = "..?......  c /etc/sudoers\nmissing     /var/db/sudo/lectured (Permission denied)\n"
    found = an_rpm("", {"-V": (lines, 1)}).verify(["sudo"]).entries
    assert [(entry.path, entry.unreadable, entry.reason) for entry in found] == [
        ("/etc/sudoers", ("digest",), ""),
        ("/var/db/sudo/lectured", (), "Permission denied"),
    ]
    with pytest.raises(DatabaseError, match="DB_RUNRECOVERY"):
        an_rpm(DEAD.splitlines(True)[1], {"-V": (lines, 1)}).verify(["sudo"])


# Answers that are none.

FULL = dict.fromkeys(("-q", "-V", "-f"), ("", 0))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (127, "rpm: error while loading shared libraries: librpm.so.9: cannot open shared object file\n"),
        (126, "sh: 1: rpm: Permission denied\n"),
        (127, "cannot start rpm: [Errno 2] No such file or directory\n"),
    ],
)
@pytest.mark.parametrize("name", ["query", "verify"])
def test_a_tool_that_cannot_run_is_no_empty_database(code: int, said: str, name: str) -> None:
    with pytest.raises(CommandError, match="rpm itself cannot be run") as caught:
        QUESTIONS[name](an_rpm(said, dict.fromkeys(FULL, ("", code))))
    assert said.strip() in caught.value.message
    assert REBUILD not in caught.value.message


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize(
    ("rc", "killed", "words"),
    [
        (-11, (False, False), "was ended by signal 11"),
        (-9, (False, True), "printed without end"),
        (-9, (True, False), "time limit"),
    ],
)
def test_an_answer_that_was_broken_off(name: str, rc: int, killed: t.Tuple[bool, bool], words: str) -> None:
    if (name, words) == ("verify", "time limit"):
        assert QUESTIONS[name](an_rpm("", dict.fromkeys(FULL, ("", rc)), killed=killed)).partial
        return
    with pytest.raises(SystemPythonError, match=words) as caught:
        QUESTIONS[name](an_rpm("", dict.fromkeys(FULL, ("", rc)), killed=killed))
    assert REBUILD not in caught.value.message


def test_a_name_without_an_answer_is_not_a_package_that_is_missing() -> None:
    with pytest.raises(CommandError, match="did not answer for all"):
        an_rpm("", {"-q": (PYTHON, 1)}).query(["python3", "python3-libs"])


# Answers that contradict each other.


def test_a_package_that_owns_a_file_and_is_denied() -> None:
    denied = {"-q": ("package python3 is not installed\n" + PYTHON.replace("python3\x1f", "bash\x1f"), 1)}
    for order in (("owners", "query"), ("query", "owners")):
        rpm = an_rpm("", denied)
        ask = {"owners": QUESTIONS["owners"], "query": lambda rpm: rpm.query(["python3", "bash"])}
        ask[order[0]](rpm)
        with pytest.raises(DatabaseError, match="rpm -q denies the package python3, but rpm -qf names it") as caught:
            ask[order[1]](rpm)
        assert REBUILD in caught.value.message


def test_a_file_that_is_recorded_and_has_no_owner() -> None:
    for order in (("owners", "query"), ("query", "owners")):
        rpm = an_rpm("", {"-f": ("file /usr/bin/python3 is not owned by any package\n" + MARK, 2)})
        QUESTIONS[order[0]](rpm)
        with pytest.raises(DatabaseError, match="the package python3 has it in its record"):
            QUESTIONS[order[1]](rpm)


def test_answers_from_before_a_transaction_are_asked_for_again() -> None:
    bash = PYTHON.replace("python3\x1f", "bash\x1f").replace("/usr/bin/python3", "/usr/bin/bash")
    denied = ("package python3 is not installed\n" + bash, 1)
    unowned = ("file /usr/bin/python3 is not owned by any package\n" + MARK, 2)
    before, after = {"-q": denied, "-f": unowned}, {"-q": (PYTHON, 0), "-f": (OWNER + MARK, 1)}
    for order in (("query", "owners"), ("owners", "query")):
        for then, now in ((before, after), (after, before)):
            answers = dict(then)
            rpm = an_rpm("", answers)
            for name in order:
                if name == "owners":
                    QUESTIONS["owners"](rpm)
                else:
                    rpm.query(["python3"] if answers == after else ["python3", "bash"])
                answers.update(now)


def test_other_packages_are_asked_before_something_is_nobody_s() -> None:
    files = "0 /lib/a\x1e2 /usr/lib/not-installed\x1e1 /usr/lib/replaced\x1e0 /usr/lib/b\nc\x1e"
    rpm = an_rpm("", {"-q": (files, 0)})
    canonical = {"/lib": "/usr/lib"}
    for path in ("/usr/lib/a", "/usr/lib/b\nc"):
        with pytest.raises(DatabaseError, match="a package has it in its record"):
            rpm.require_unowned(["/usr/lib/x", path], lambda folder: canonical.get(folder, folder))
    rpm.require_unowned(["/usr/lib/not-installed", "/usr/lib/replaced", "/usr/lib/x", "/opt/a"])


# Who holds a lock.

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"
)


@pytest.fixture
def held(tmp_path: t.Any) -> t.Iterator[t.Tuple[str, int]]:
    """Give a file, and the process that locks it."""
    path = str(tmp_path / ".dbenv.lock")
    open(path, "w").close()
    argv = [sys.executable, "-I", "-S", "-c", HOLD, path]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield path, process.pid
        process.kill()


def test_who_holds_a_lock_is_named(held: t.Tuple[str, int]) -> None:
    path, pid = held
    holder = lock_holder(path)
    assert holder is not None
    assert (holder.pid, path in holder.command) == (pid, True)
    assert lock_holder_in(os.path.dirname(path)) == holder
    folder = os.path.dirname(path)
    rpm = an_rpm("", dict.fromkeys(FULL, ("", -9)), killed=(True, False))
    rpm.dbpath = folder
    with pytest.raises(DatabaseError, match=r"process {0} \(.*\) holds a lock on {1}".format(pid, path)):
        rpm.query(["python3"])


def test_nobody_holds_a_lock(tmp_path: t.Any) -> None:
    assert lock_holder_in(str(tmp_path)) is None
    (tmp_path / "x").write_text("")
    assert lock_holder(str(tmp_path / "x")) is None
    assert lock_holder(str(tmp_path / "nothing")) is None
    assert lock_holder_in(str(tmp_path / "nothing")) is None


def test_a_holder_of_another_container_has_no_number(tmp_path: t.Any) -> None:
    file = tmp_path / "x"
    file.write_text("")
    table = tmp_path / "locks"
    inode = os.stat(str(file)).st_ino
    table.write_text(
        "1: POSIX  ADVISORY  WRITE 0 00:2d:{0} 0 EOF\n1: -> POSIX  ADVISORY  WRITE 7 00:2d:{0} 0 EOF\n".format(inode)
    )
    holder = lock_holder(str(file), str(table))
    assert holder is not None
    assert (holder.pid, str(holder)) == (None, "another process")


def test_a_lock_of_our_own_is_seen(tmp_path: t.Any) -> None:
    file = tmp_path / "x"
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        holder = lock_holder(str(file))
    assert holder is not None
    assert holder.pid == os.getpid()


# Room.


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        # 4.14 and 4.15.
        ("needs 43MB on the /usr filesystem", (43 << 20, "bytes", "/usr")),
        ("needs 12 inodes on the /usr filesystem", (12, "inodes", "/usr")),
        # 4.16 and newer.
        ("needs 43MB more space on the /usr filesystem", (43 << 20, "bytes", "/usr")),
        ("needs 12 more inodes on the /usr filesystem", (12, "inodes", "/usr")),
        ("needs 7KB more space on the /mnt/on the road filesystem", (7 << 10, "bytes", "/mnt/on the road")),
    ],
)
def test_a_lack_of_room(said: str, wanted: t.Tuple[int, str, str]) -> None:
    number, unit, mount = wanted
    text = "warning: x\n\tinstalling package x-1-1.x86_64 {0}\nerror: y\n".format(said)
    assert room_wanted(text) == RoomWanted("x-1-1.x86_64", number, unit, mount)
    assert room_wanted(text.replace("installing", "remarks on installing")) is None


def test_an_owner_among_remarks() -> None:
    noise = "ERROR: ld.so: object 'x' from /etc/ld.so.preload cannot be preloaded: ignored.\n"
    answers = {"-f": (noise + OWNER + noise + MARK + noise, 1)}
    assert an_rpm("", answers).owners(["/usr/bin/python3"]) == {
        "/usr/bin/python3": [PackageId("python3", 0, "3.9", "1", "x86_64")]
    }
