# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import binascii
import json
import os
import pwd
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import FileFacts
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._evidence import history
from ansible_collections.fleet.system_python.plugins.module_utils._evidence.files import content_of
from ansible_collections.fleet.system_python.plugins.module_utils._evidence.run import boot_record, collect
from ansible_collections.fleet.system_python.plugins.module_utils._evidence.sources import parse_time
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import (
    drift_of,
    finding_of,
    healthy,
    interpreter,
)

NOW = 1769860000.0  # 2026-01-31T11:46:40Z

OBSERVATION = healthy(links=[], resolution={"python3": [], "python": []}, interpreters=[])
FINDING = finding_of("SP107", path="/etc/environment", source="/etc/environment:3")


class Host:
    """A folder that stands for a host, and what its commands answer."""

    def __init__(self, root: t.Any) -> None:
        self.root = str(root)
        self.answers: t.Dict[str, str] = {}
        self.asked: t.List[t.List[str]] = []

    def put(self, path: str, text: str) -> None:
        place = os.path.join(self.root, path.lstrip("/"))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as stream:
            stream.write(os.fsencode(text))

    def run(self, argv: t.Sequence[str], **_limits: t.Any) -> Completed:
        self.asked.append(list(argv))
        if argv[0] not in self.answers:
            return Completed(tuple(argv), 127, "", "cannot start", False)
        return Completed(tuple(argv), 0, self.answers[argv[0]], "", False)

    def collect(self) -> t.Mapping[str, t.Any]:
        return collect(OBSERVATION, [FINDING], "audit", self.run, lambda: NOW, root=self.root)

    def sources(self, evidence: t.Mapping[str, t.Any], name: str) -> t.Dict[str, str]:
        return {one["source"]: one["status"] for one in evidence["sources"] if one["name"] == name}


@pytest.fixture
def host(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> Host:
    users = [pwd.struct_passwd(("root", "x", 0, 0, "", "/root", "/bin/sh"))]
    users.append(pwd.struct_passwd(("joe", "x", 1000, 1000, "", "/home/" + "joe", "/bin/zsh")))
    monkeypatch.setattr(pwd, "getpwall", lambda: users)
    return Host(tmp_path)


def test_a_host_that_has_nothing_is_told_source_by_source(host: Host) -> None:
    evidence = host.collect()
    assert {name for name in evidence if isinstance(evidence[name], list) and evidence[name]} == {"sources"}
    assert host.sources(evidence, "packages") == {"rpm": "absent"}
    assert "absent" in host.sources(evidence, "shell_history").values()
    assert evidence["partial"] is False


def test_an_error_of_a_source_is_noted_and_the_others_are_asked(host: Host) -> None:
    host.answers["rpm"] = "not a number|x|x-1|y\n"
    evidence = host.collect()
    assert host.sources(evidence, "packages") == {"-": "failed"}
    assert evidence["partial"] is True
    assert host.sources(evidence, "log")


def test_lines_of_shells_are_shown_with_their_time_and_without_secrets(host: Host) -> None:
    host.put(
        "/root/.bash_history", "ls\n#1769850000\nexport PW=hunter2; make install\npip3 install x --token hunter2\n"
    )
    host.put("/home/" + "joe/.zsh_history", ": 1769850100:0;alternatives --auto python3\n: 1769850101:0;cd /tmp\n")
    evidence = host.collect()
    lines = [(one["user"], one["time"], one["line"], one["text"]) for one in evidence["shell_history"]]
    assert lines == [
        ("root", "2026-01-31T09:00:00Z", 3, "[...]; make install"),
        ("root", None, 4, "pip3 install x --token [redacted]"),
        ("joe", "2026-01-31T09:01:40Z", 1, "alternatives --auto python3"),
    ]
    assert "hunter2" not in json.dumps(evidence)
    assert evidence["redactions"] >= 2


def test_a_history_that_is_no_plain_file_is_not_waited_for(host: Host) -> None:
    os.makedirs(os.path.join(host.root, "root"))
    os.mkfifo(os.path.join(host.root, "root/.bash_history"))
    host.put("/secret", "make install hunter2\n")
    os.symlink(os.path.join(host.root, "secret"), os.path.join(host.root, "root/.zsh_history"))
    assert host.collect()["shell_history"] == []


def test_homes_on_a_network_are_left_out_and_told(host: Host) -> None:
    host.put("/proc/self/mountinfo", "1 2 0:1 / /home rw - nfs4 server:/home rw\n")
    host.put("/home/" + "joe/.bash_history", "make install\n")
    evidence = host.collect()
    assert evidence["shell_history"] == []
    assert host.sources(evidence, "shell_history")["/home/" + "joe"] == "partial"


def test_a_home_that_a_link_leads_to_a_network_is_left_out(host: Host) -> None:
    table = "1 2 0:1 / /tmp rw - tmpfs tmpfs rw\n" * 900 + "1 2 0:2 / /data/the\\040homes rw - fuse.sshfs s:/h rw\n"
    host.put("/proc/self/mountinfo", table)
    host.put("/data/the homes/joe/.bash_history", "make install\n")
    os.symlink("data/the homes", os.path.join(host.root, "home"))
    evidence = host.collect()
    assert evidence["shell_history"] == []
    assert host.sources(evidence, "shell_history")["/home/" + "joe"] == "partial"


@pytest.mark.parametrize("moment", ["9" * 13, "9" * 20, "9" * 30, "9" * 5000])
def test_a_time_that_is_none_costs_nothing_but_itself(host: Host, moment: str) -> None:
    host.put("/root/.bash_history", "make install\n")
    host.put("/home/" + "joe/.zsh_history", ": {0}:0;pip3 install x\n".format(moment))
    lines = [(one["user"], one["time"]) for one in host.collect()["shell_history"]]
    assert lines == [("root", None), ("joe", None)]


def test_nobody_crowds_out_what_root_typed(host: Host) -> None:
    host.put("/root/.bash_history", "make install\n")
    host.put("/home/" + "joe/.bash_history", ("pip3 install " + "/p" * 140 + "\n") * 200)
    host.answers["rpm"] = "".join("1769850000|p{0}|p{0}-1|{1}\n".format(n, "v" * 4000) for n in range(40))
    shown = host.collect()["shell_history"]
    assert (shown[0]["user"], shown[0]["text"]) == ("root", "make install")
    assert len(shown) > 10


def test_only_the_end_of_a_long_file_is_read_and_that_is_told(host: Host) -> None:
    host.put("/root/.bash_history", "make install\n" * 20000)
    evidence = host.collect()
    assert 0 < len(evidence["shell_history"]) <= 60
    assert evidence["shell_history"][-1]["line"] == 0
    assert host.sources(evidence, "shell_history")["/root/.bash_history"] == "partial"
    assert evidence["partial"] is True


def test_size_is_bounded(host: Host) -> None:
    host.put("/root/.bash_history", ("make install " + "/p" * 140 + "\n") * 60)
    host.put(
        "/var/log/secure", ("2026-01-31T09:00:00Z h sudo: COMMAND=/usr/bin/make install " + "/q" * 400 + "\n") * 300
    )
    host.answers["rpm"] = "".join("1769850000|p{0}|p{0}-1|{1}\n".format(n, "v" * 4000) for n in range(40))
    assert len(json.dumps(host.collect())) < 130000


def test_packages_of_the_scope_and_of_that_time(host: Host) -> None:
    host.answers["rpm"] = (
        "1769850000|gcc|gcc-11-1.x86_64|V\n1600000000|old|old-1-1.x86_64|V\n1600000001|python3|python3-3.9-1.x86_64|(none)\n"
    )
    packages = host.collect()["packages"]
    assert [(one["nevra"], one["vendor"]) for one in packages] == [
        ("gcc-11-1.x86_64", "V"),
        ("python3-3.9-1.x86_64", None),
    ]


def test_the_history_of_dnf_is_read_from_a_copy(host: Host) -> None:
    sqlite3 = pytest.importorskip("sqlite3", reason="this Python has no sqlite3")
    path = os.path.join(host.root, "var/lib/dnf/history.sqlite")
    os.makedirs(os.path.dirname(path))
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE trans (id, dt_begin, user_id, cmdline, state);"
        "CREATE TABLE trans_item (trans_id, item_id, action);"
        "CREATE TABLE rpm (item_id, name, version, release, arch);"
        "INSERT INTO trans VALUES (7, 1769850000, 0, 'install --password hunter2 python3.12', 2);"
        "INSERT INTO trans_item VALUES (7, 1, 1); INSERT INTO rpm VALUES (1, 'python3.12', '3.12.1', '1', 'x86_64');"
    )
    connection.commit()
    connection.close()
    before = sorted(os.listdir(os.path.dirname(path)))
    entry = host.collect()["transactions"][0]
    assert (entry["id"], entry["ok"], entry["packages"]) == ("7", False, ["Install python3.12-3.12.1-1.x86_64"])
    assert entry["what"] == "dnf install --password [redacted] python3.12"
    assert sorted(os.listdir(os.path.dirname(path))) == before


def test_a_history_of_dnf_that_is_damaged_is_told(host: Host) -> None:
    pytest.importorskip("sqlite3", reason="this Python has no sqlite3")
    host.put(history.DNF_HISTORY, "this is no database" * 100)
    assert host.sources(host.collect(), "transactions")[history.DNF_HISTORY] == "failed"


def test_the_history_of_zypper(host: Host) -> None:
    host.put(
        history.ZYPP_HISTORY,
        "# comment\n2026-01-31 09:00:00|command|root@h|'zypper' 'install' 'gcc'|\n"
        "2026-01-31 09:00:05|install|gcc|7-1|x86_64|root@h|SLES15|abc|\n",
    )
    entries = host.collect()["transactions"]
    assert [(one["what"], one["who"], one["packages"]) for one in entries] == [
        ("zypper install gcc", "root@h", ["install gcc-7-1"])
    ]


def test_what_auditd_wrote_in_hex_is_read_and_redacted(host: Host) -> None:
    command = binascii.hexlify(b"make install PASSWORD=hunter2").decode("ascii").upper()
    other = binascii.hexlify(b"mysql -phunter2").decode("ascii").upper()
    host.put(
        "/var/log/audit/audit.log",
        "type=USER_CMD msg=audit(1769850000.123:45): pid=1 uid=0 msg='cwd=\"/root\" cmd={0} res=success'\n"
        "type=USER_CMD msg=audit(1769850001.123:46): pid=1 uid=0 msg='cmd={1} about python'\n".format(command, other),
    )
    log = host.collect()["log"]
    assert "make install" in log[0]["text"]
    assert log[0]["time"] == "2026-01-31T09:00:00Z"
    assert "hunter2" not in json.dumps(log)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ('a0="python3" a1="app.py" a2="--password" a3="hunter2"', "python3 app.py --password [redacted]"),
        ('a0="python3" a1="app.py" a2="hunter2"', "python3 app.py [argument]"),
        ('a0="pip3" a1="install" a2="--token" a3="hunter2" a4="x"', "pip3 install --token [redacted] x"),
        ('a0="curl" a1="-u" a2="joe:hunter2" a3="/python.tgz"', "curl -u [redacted] /python.tgz"),
        ('a0="mysql" a1="-phunter2" a2="/python"', "mysql -p [redacted] /python"),
        ('a0="make" a1="install" a2=50573D2268756E7465723222', "make install [argument]"),
    ],
)
def test_what_auditd_saw_executed_tells_no_more_than_a_shell(host: Host, words: str, shown: str) -> None:
    host.put("/var/log/audit/audit.log", "type=EXECVE msg=audit(1769850000.1:4): argc=4 {0}\n".format(words))
    log = host.collect()["log"]
    assert [one["text"] for one in log] == ["type=EXECVE msg=audit(1769850000.1:4): argc=4 " + shown]
    assert "hunter2" not in json.dumps(log)


def test_sudo_lines_keep_the_command_and_lose_the_rest(host: Host) -> None:
    host.put(
        "/var/log/secure",
        "2026-01-31T09:00:00+00:00 h sudo[1]: joe : USER=root ; COMMAND=/usr/bin/python3 deploy.py hunter2\n"
        "2026-01-31T09:00:01+00:00 h sshd[1]: Accepted password hunter2\n"
        "2025-01-31T09:00:01+00:00 h sudo[1]: joe : COMMAND=/usr/bin/make install\n",
    )
    log = host.collect()["log"]
    assert [one["text"].partition("COMMAND=")[2] for one in log] == ["/usr/bin/python3 deploy.py [argument]"]


def test_the_journal_tells_no_more_than_the_files(host: Host) -> None:
    host.answers["journalctl"] = (
        "2026-01-31T09:00:00+00:00 h sudo[1]: joe : USER=root ; COMMAND=/usr/bin/python3 deploy.py hunter2\n"
        "2026-01-31T09:00:00+00:00 h sudo[1]: joe : (command continued) python3 hunter2\n"
        "2026-01-31T09:00:01+00:00 h sudo[1]: joe : USER=root ; COMMAND=/usr/bin/ls hunter2\n"
    )
    evidence = host.collect()
    told = [one["text"].partition("sudo[1]: ")[2] for one in evidence["log"]]
    assert told == [
        "joe : USER=root ; COMMAND=/usr/bin/python3 deploy.py [argument]",
        "joe : (command continued) [...]",
    ]
    assert evidence["redactions"] == 2


def test_logins_are_those_of_the_window(host: Host) -> None:
    host.answers["last"] = (
        "joe      pts/0        192.0.2.7        Sat Jan 31 08:00:00 2026 - Sat Jan 31 09:00:00 2026  (01:00)\n"
        "old      pts/0        192.0.2.7        Sat Jan 31 08:00:00 2025 - x\n\nwtmp begins Thu Jan  1 00:00:00 2026\n"
    )
    logins = host.collect()["logins"]
    assert [(one["time"], one["text"].split()[0]) for one in logins] == [("2026-01-31T08:00:00Z", "joe")]


def test_who_tells_the_time_in_the_zone_that_it_was_asked_for(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.answers["who"] = "joe      pts/0        2026-01-31 10:00   .          1234 (192.0.2.7)\n"
    monkeypatch.setenv("TZ", "XYZ-5")
    time.tzset()
    try:
        logins = host.collect()["logins"]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [one["time"] for one in logins] == ["2026-01-31T10:00:00Z"]


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("0001-01-01 00:00:00Z x", None),
        ("9999-12-31T23:59:59-01:00 x", None),
        ("2026-01-31T09:00:00Z x", "2026-01-31T09:00:00Z"),
        ("2026-01-31T09:00:00+0100 x", "2026-01-31T08:00:00Z"),
        ("2026-01-31T09:00:00.123456-05:30 x", "2026-01-31T14:30:00Z"),
        ("nothing", None),
        ("Xyz 31 09:00:00 x", None),
        ("2026-13-41 99:00:00Z", None),
    ],
)
def test_times(line: str, moment: t.Optional[str]) -> None:
    assert parse_time(line, NOW) == moment


def test_the_time_of_a_line_is_at_its_beginning_not_in_what_somebody_typed() -> None:
    said = "Jan 31 09:00:00 h sudo: joe : COMMAND=/usr/bin/make install DATE=1999-01-01T00:00:00Z"
    assert parse_time(said, NOW) == parse_time("Jan 31 09:00:00 h x", NOW)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b"#!/bin/sh\n", "script"),
        (b"\0" * 4096, "zeros"),
        (b"import os\n" * 50, "text"),
        (b"\x7fELF" + b"x" * 100, "damaged"),
        (b"a\0b", "data"),
        (bytes(bytearray((n * 7919 + n // 256 * 31) % 251 for n in range(9000))), "random"),
    ],
)
def test_what_bytes_are(tmp_path: t.Any, data: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert content_of(str(path)) == kind


def test_an_altered_file_is_compared_with_the_other_interpreters(host: Host) -> None:
    for name in ("python3.9", "python3.15"):
        host.put("/usr/bin/" + name, "#!/bin/sh\necho 3.15\n")
    finding = finding_of("SP201", path="/usr/bin/python3.9", rpm="S.5....T.")
    observation = healthy(
        drift=[drift_of("/usr/bin/python3.9", expected=FileFacts(digest="ab", size=5, mode="0755"))],
        interpreters=[
            interpreter("/usr/bin/python3.9", "3.15.2"),
            interpreter("/usr/bin/python3.15", "3.15.2"),
        ],
    )
    file = collect(observation, [finding], "audit", host.run, lambda: NOW, root=host.root)["files"][0]
    assert file["same_as"] == ["/usr/bin/python3.15"]
    assert file["expected"] == {"digest": "ab", "size": 5}
    assert (file["package"], file["content"], file["finding"]) == ("python3", "script", "SP201")


def test_a_boot_and_a_start_can_be_told_apart(tmp_path: t.Any) -> None:
    assert boot_record(str(tmp_path)) == {"kernel": None, "init": None}
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("abc\n")
    (tmp_path / "1").mkdir()
    (tmp_path / "1/stat").write_text("1 (init) (odd) S " + " ".join(str(n) for n in range(4, 30)))
    assert boot_record(str(tmp_path)) == {"kernel": "abc", "init": "22"}
