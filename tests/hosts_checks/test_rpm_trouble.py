# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An rpm in trouble on real hosts: it is called by its name, nothing is changed, and a remark is no trouble."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkkit import Ansible, Host, keep

REBUILD = "--rebuilddb"


@pytest.fixture
def facts(tmp_path: Path) -> Callable[[Host], dict[str, Any]]:
    """Give what python_facts returns; a failure too."""
    result = tmp_path / "result.json"
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"fleet.system_python.python_facts": {}, "register": "result", "ignore_errors": True},
            keep("{{ result | to_json }}", result),
        ],
    }

    def ask(host: Host) -> dict[str, Any]:
        done = Ansible(tmp_path).playbook([play], host)
        assert result.exists(), done.out + done.err
        loaded: dict[str, Any] = json.loads(result.read_text())
        return loaded

    return ask


# A database of Berkeley DB on a release whose rpm is used to sqlite: every rpm says so.
AS_BDB = """
rpmdb --exportdb >/root/headers
mkdir /root/db
rpmdb --dbpath /root/db --define '_db_backend bdb' --initdb
rpmdb --dbpath /root/db --define '_db_backend bdb' --importdb </root/headers
rm -f /var/lib/rpm/rpmdb.sqlite*
cp -a /root/db/. /var/lib/rpm/
rpm -q python3 2>&1 | grep -q 'Found bdb Packages database while attempting'
"""
# What complains of every answer: a bad line of an administrator's macros, and the loader.
BAD_MACRO = """
printf '%%_foo\\n' >/etc/rpm/macros.bad
echo /usr/lib64/libgone.so >/etc/ld.so.preload
rpm -q python3 2>&1 | grep -q 'has empty body'
"""


@pytest.mark.parametrize("broken", [AS_BDB, BAD_MACRO], ids=["another format", "macro and loader"])
def test_a_remark_beside_every_answer_refuses_nothing(
    fresh: Callable[[str], Host], facts: Callable[[Host], dict[str, Any]], broken: str
) -> None:
    host = fresh("rhel9")
    host.check(broken)
    answer = facts(host)
    assert not answer.get("failed"), answer
    assert {one["id"] for one in answer["ansible_facts"]["system_python"]["findings"]} <= {"SP109", "SP304"}
    host.install()
    host.tamper("interpreter_altered")
    code, result = host.drive("repair")
    assert (code, result["changed"]) == (0, True), result
    assert {one["id"] for one in result["findings_after"]} <= {"SP109", "SP304"}


HOLD = """
import fcntl, time
stream = open("/var/lib/rpm/.dbenv.lock", "r+")
fcntl.lockf(stream, fcntl.LOCK_EX)
open("/root/held", "w").close()
time.sleep(3000)
"""


def test_a_lock_that_is_held_is_reported_with_its_holder(
    fresh: Callable[[str], Host], facts: Callable[[Host], dict[str, Any]]
) -> None:
    host = fresh("el8")
    host.install()
    host.put("/root/hold.py", HOLD.encode())
    host.check("setsid python3.11 -I -S /root/hold.py </dev/null >/dev/null 2>&1 &")
    host.wait("[ -e /root/held ]")
    began = time.monotonic()
    errors = [facts(host)]
    assert time.monotonic() - began < 60
    for error in (*errors, host.drive("audit")[1]):
        message = error.get("msg") or error["message"]
        assert error["kind"] == "rpmdb_unreadable", error
        assert "(python3.11 -I -S /root/hold.py) holds a lock on /var/lib/rpm/.dbenv.lock" in message
        assert REBUILD not in message


# What was put in the place of rpm, and what is said of it.
IMPOSTORS = {
    "while :; do echo /usr/bin/python3.9; echo x >&2; done": ("rpmdb_unreadable", "without end|time limit"),
    "yes": ("rpmdb_unreadable", "printed without end"),
    "trap '' TERM; while :; do sleep 1; done": ("rpmdb_unreadable", "time limit"),
    "kill -SEGV $$": ("rpmdb_unreadable", "signal 11"),
    "exec /no/such/rpm": ("command_failed", "cannot be run"),
}


@pytest.fixture(scope="module")
def shared(fleet: Any) -> Iterator[Host]:
    """Give a host that each test leaves as it was."""
    host = fleet.up("rhel9")
    host.install()
    yield host
    fleet.drop(host)


@pytest.mark.parametrize(("impostor", "said"), IMPOSTORS.items(), ids=range(len(IMPOSTORS)))
def test_an_rpm_that_gives_no_answer(
    shared: Host, facts: Callable[[Host], dict[str, Any]], impostor: str, said: tuple[str, str]
) -> None:
    kind, words = said
    shared.check("mv /usr/bin/rpm /root/rpm")
    shared.put("/usr/bin/rpm", f"#!/bin/sh\n{impostor}\n".encode())
    shared.check("chmod 0755 /usr/bin/rpm")
    try:
        errors = facts(shared), shared.drive("audit")[1]
    finally:
        shared.check("mv -f /root/rpm /usr/bin/rpm")
    for error in errors:
        message = error.get("msg") or error["message"]
        assert error["kind"] == kind, error
        assert any(one in message for one in words.split("|")), message
        assert REBUILD not in message


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("$(readlink -f $(ldconfig -p | grep -o '/.*/librpm[.]so[.]9'))", "librpm.so.9"),
        ("/usr/bin/timeout", "timeout"),
        ("/usr/bin/head", "head"),
    ],
)
def test_what_cannot_be_run_is_not_blamed_on_the_database(
    shared: Host, facts: Callable[[Host], dict[str, Any]], gone: str, said: str
) -> None:
    shared.check(f"gone={gone}; echo $gone >/root/gone; mv $gone /root/kept")
    try:
        error = facts(shared)
    finally:
        shared.check("mv /root/kept $(cat /root/gone)")
    assert (error["kind"], said in error["msg"], REBUILD in error["msg"]) == ("command_failed", True, False), error


LOSE = """
cp -a /var/lib/rpm /root/rpmdb
python3.13 -I -S -B -c 'import sqlite3, sys
database = sqlite3.connect("/var/lib/rpm/rpmdb.sqlite")
database.execute(sys.argv[1])
database.commit()' "{0}"
"""
# Rows of the index of names or of files, and what then contradicts what.
LOST = {
    "DELETE FROM Name WHERE key = 'python3'": "rpm -q denies the package python3",
    "DELETE FROM Name WHERE key LIKE 'python3%'": "rpm -q denies the package python3",
    "DELETE FROM Basenames WHERE key = 'python3.9'": "rpm -qf finds no owner of /usr/bin/python3.9",
    # Of no package of the contract: what would be called foreign, and moved away.
    "DELETE FROM Basenames WHERE key LIKE 'python3.13%'": "rpm -qf finds no owner of /usr",
}


@pytest.mark.parametrize(("lost", "said"), LOST.items(), ids=range(len(LOST)))
def test_an_index_that_lost_entries(
    shared: Host, facts: Callable[[Host], dict[str, Any]], lost: str, said: str
) -> None:
    before = shared.listing()
    shared.check(LOSE.format(lost))
    try:
        errors = [facts(shared), shared.drive("repair")[1]]
    finally:
        shared.check("rm -rf /var/lib/rpm; mv /root/rpmdb /var/lib/rpm")
    for error in errors:
        message = error.get("msg") or error["message"]
        assert (error["kind"], said in message, REBUILD in message) == ("rpmdb_unreadable", True, True), error
    assert shared.listing() == before


# Kills questions until one was in the middle of Berkeley DB: about one in ten is.
KILL_QUESTIONS = """
for try in $(seq 500); do
    rpm -qa >/dev/null 2>&1 & asked=$!
    sleep 0.0$((RANDOM % 10))$((RANDOM % 10))
    kill -9 $asked; wait $asked
    timeout 20 rpm -q rpm >/dev/null 2>/root/said || break
done 2>/dev/null
grep -q BDB1507 /root/said
"""
# A program that has the database open, as a daemon may that is built on librpm.
READER = "import time; stream = open('/var/lib/rpm/Packages'); open('/root/held', 'w').close(); time.sleep(3000)"


def test_what_a_killed_rpm_left_of_berkeley_db_is_settled_by_the_next_run(
    fresh: Callable[[str], Host], facts: Callable[[Host], dict[str, Any]], tmp_path: Path
) -> None:
    host = fresh("el8")
    host.check(f"bash -c '{KILL_QUESTIONS}'")
    # A question writes into the files, so that their content is not the same after it.
    environment = "stat -c '%n %i' /var/lib/rpm/__db.*"
    before = host.check(environment)
    assert "python_first_aid moves them" in facts(host)["msg"]
    play = {"hosts": "all", "gather_facts": False, "roles": ["fleet.system_python.python_first_aid"]}
    host.put("/root/reader.py", READER.encode())
    host.check("setsid python3.11 -I -S /root/reader.py </dev/null >/dev/null 2>&1 & echo $! >/root/reader")
    host.wait("[ -e /root/held ]")
    assert Ansible(tmp_path).playbook([play], host).rc != 0
    assert host.check(environment) == before
    host.check("kill $(cat /root/reader)")
    for changed in (True, False):
        done = Ansible(tmp_path).playbook([play], host)
        assert (done.rc, "changed=0" in done.out) == (0, not changed), done.out + done.err
    assert host.run("rpm -q rpm").rc == 0
    kept = host.check("cd /var/lib/fleet.system_python/quarantine/*-aid*/ && sha256sum items/* && cat manifest.json")
    digests = [line.split()[0] for line in kept.splitlines() if " items/" in line and line[0] != " "]
    assert len(digests) == len(before.splitlines())
    assert all(f'"sha256": "{digest}"' in kept for digest in digests)
    assert facts(host)["ansible_facts"]["system_python"]["healthy"]
