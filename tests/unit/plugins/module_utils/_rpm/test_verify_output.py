# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import (
    NO_FLAGS,
    VerifyEntry,
    count_complete,
    is_drift,
    not_installed,
    parse_verify,
    places_of,
)


def entry(
    path: str, flags: str = NO_FLAGS, attribute: str = "", missing: bool = False, note: str = "", reason: str = ""
) -> VerifyEntry:
    return VerifyEntry(path, flags, attribute, missing, note, reason)


# Lines as rpm 4.14 to 6 print them; the first six are recorded from real hosts.
LINES = [
    ("S.5....T.  c /etc/dnf/dnf.conf", entry("/etc/dnf/dnf.conf", "S.5....T.", "c")),
    (".M.......  g /proc", entry("/proc", ".M.......", "g")),
    ("missing     /usr/bin/pinky", entry("/usr/bin/pinky", missing=True)),
    ("..?......    /usr/bin/sudo", entry("/usr/bin/sudo", "..?......")),
    (
        "missing     /var/db/sudo/lectured (Permission denied)",
        entry("/var/db/sudo/lectured", missing=True, reason="Permission denied"),
    ),
    (".........    /usr/bin/python3.9 (replaced)", entry("/usr/bin/python3.9", note="replaced")),
    ("....L....    /usr/bin/python3", entry("/usr/bin/python3", "....L....")),
    ("....?....    /usr/bin/python3", entry("/usr/bin/python3", "....?....")),
    ("SM5DLUGTP    /x", entry("/x", "SM5DLUGTP")),
    ("missing   d /usr/share/doc/x", entry("/usr/share/doc/x", attribute="d", missing=True)),
    ("missing   c /etc/x (replaced)", entry("/etc/x", attribute="c", missing=True, note="replaced")),
    (
        "missing     /x (Permission denied) (replaced)",
        entry("/x", missing=True, note="replaced", reason="Permission denied"),
    ),
    (".........  l /x (not installed)", entry("/x", attribute="l", note="not installed")),
    (".........    /x (net shared)", entry("/x", note="net shared")),
    ("S........    /x (wrong color)", entry("/x", "S........", note="wrong color")),
    ("S........    /x (no state)", entry("/x", "S........", note="no state")),
    ("S........  a /x", entry("/x", "S........", "a")),
    ("S........  m /x", entry("/x", "S........", "m")),
    ("S........  n /x", entry("/x", "S........", "n")),
    ("S........  r /x", entry("/x", "S........", "r")),
    ("S........  s /x", entry("/x", "S........", "s")),
    ("S........    /with blank", entry("/with blank", "S........")),
    ("S........     /x", None),
    ("S........    /two  blanks ", entry("/two  blanks ", "S........")),
    ("S........    /quote'\"s", entry("/quote'\"s", "S........")),
    ("S........    /esc\x1b[31m\r\x0b", entry("/esc\x1b[31m\r\x0b", "S........")),
    ("S........    /latin\udce9", entry("/latin\udce9", "S........")),
    ("S........    /missing     /usr/bin/x", entry("/missing     /usr/bin/x", "S........")),
    ("missing     /a (copy)", entry("/a (copy)", missing=True)),
    ("S.5....T    /eight flags", None),
    ("S.5....TQ    /no such flag", None),
    ("M.5......    /wrong place", None),
    ("Unsatisfied dependencies for python3-3.9:", None),
    ("\tlibpython3.9 is needed by (installed) python3", None),
    ("package nosuch is not installed", None),
    ("", None),
]  # type: t.List[t.Tuple[str, t.Optional[VerifyEntry]]]


@pytest.mark.parametrize(("line", "expected"), LINES)
@pytest.mark.parametrize("knows", [True, False])
def test_reads_one_line(line: str, expected: t.Optional[VerifyEntry], knows: bool) -> None:
    known = {expected.path} if expected and knows else set()  # type: t.Set[str]
    assert parse_verify(line + "\n", known) == ([expected] if expected else [])


# What two real hosts printed, errors and answers in one (RedHatInsights/insights-core, 43cbb25).
REAL = (
    "..?......  c /etc/sudoers\n"
    "..?......    /usr/bin/sudo\n"
    "..?......    /usr/bin/sudoreplay\n"
    "missing     /var/db/sudo/lectured (Permission denied)\n"
    "error: db5 error(-30973) from dbenv->failchk: BDB0087 DB_RUNRECOVERY: Fatal error, run database recovery\n"
)
REAL_WITHOUT_ANSWER = (
    "error: rpmdb: BDB0113 Thread/process 259/139 failed: BDB1507 Thread died in Berkeley DB library\n"
    "error: cannot open Packages index using db5 - (-30973)\n"
    "\n"
    "package sudo is not installed\n"
)


def test_errors_between_the_answers_are_no_answers() -> None:
    known = ["/etc/sudoers", "/usr/bin/sudo", "/usr/bin/sudoreplay", "/var/db/sudo/lectured"]
    found = parse_verify(REAL, known)
    assert [item.path for item in found] == known
    assert [item.unreadable for item in found] == [("digest",)] * 3 + [()]
    assert (found[3].missing, found[3].reason) == (True, "Permission denied")
    assert (parse_verify(REAL_WITHOUT_ANSWER, known), not_installed(REAL_WITHOUT_ANSWER)) == ([], ["sudo"])


# Name -> what is printed, all files of one package; only the list of known files tells them apart.
ODD_NAMES = [
    ("/opt/new\nline", "S........    /opt/new\nline"),
    ("/opt/a\n\nb", "missing     /opt/a\n\nb"),
    ("/opt/x (replaced)", "S........    /opt/x (replaced)"),
    ("/opt/y", ".........    /opt/y (replaced)"),
    ("/opt/y (replaced)", ".........    /opt/y (replaced) (replaced)"),
    ("/opt/z (Permission denied)", "missing     /opt/z (Permission denied)"),
    ("/opt/q\nmissing     /etc/passwd", "S........    /opt/q\nmissing     /etc/passwd"),
    ("/opt/r\n..5......    /etc/shadow", "..5......    /opt/r\n..5......    /etc/shadow"),
    ("/opt/s\nUnsatisfied dependencies for y:", "..5......    /opt/s\nUnsatisfied dependencies for y:"),
    ("/opt/ends with newline\n", "S........    /opt/ends with newline\n"),
    ("/opt/package x is not installed", "S........    /opt/package x is not installed"),
    ("/opt/\x1c\x1d\x1e\x1f\x85\u2028", "S........    /opt/\x1c\x1d\x1e\x1f\x85\u2028"),
]


def test_known_files_decide_where_odd_names_end() -> None:
    output = "".join(line + "\n" for _name, line in ODD_NAMES)
    found = parse_verify(output, {name for name, _line in ODD_NAMES})
    assert [item.path for item in found] == [name for name, _line in ODD_NAMES]
    assert [item.note for item in found] == ["replaced" if number in (3, 4) else "" for number in range(len(ODD_NAMES))]
    assert {item.reason for item in found} == {""}


@pytest.mark.parametrize(("name", "line"), ODD_NAMES)
def test_odd_names_alone(name: str, line: str) -> None:
    assert [item.path for item in parse_verify(line + "\n", [name])] == [name]


def test_a_silent_line_is_read_as_a_note_when_both_names_are_known() -> None:
    found = parse_verify(".........    /x (replaced)\n", ["/x", "/x (replaced)"])
    assert found == [entry("/x", note="replaced")]


def test_without_known_files_continuation_lines_belong_to_the_name() -> None:
    output = "S........    /opt/new\nline\nmissing     /b\nUnsatisfied dependencies for x:\n\ty is needed by x\n"
    assert [item.path for item in parse_verify(output)] == ["/opt/new\nline", "/b"]


def test_unknown_paths_do_not_swallow_what_follows() -> None:
    output = "S........    /unknown\nmissing     /b (Permission denied)\n"
    found = parse_verify(output, ["/b", "/c"])
    assert found == [entry("/unknown", "S........"), entry("/b", missing=True, reason="Permission denied")]


def test_output_without_a_final_newline() -> None:
    assert parse_verify("S........    /x") == [entry("/x", "S........")]


def test_ten_thousand_unknown_lines_are_read_quickly() -> None:
    output = "".join("missing     /opt/{0}\n".format(number) for number in range(10000))
    assert len(parse_verify(output, ["/elsewhere"])) == 10000


def test_words() -> None:
    item = entry("/x", "SM?DLUGTP")
    assert item.altered == ("size", "mode", "device", "link", "user", "group", "mtime", "capabilities")
    assert item.unreadable == ("digest",)
    assert entry("/x", "..5......").altered == ("digest",)
    assert entry("/x", missing=True).altered == ()


def test_names_that_are_not_installed() -> None:
    output = "package a is not installed\nS........    /package b is not installed\npackage c+d is not installed\n"
    assert not_installed(output) == ["a", "c+d"]


DRIFT = [
    (entry("/usr/bin/python3", "....L...."), True),
    (entry("/usr/bin/python3", "S.5....T."), True),
    (entry("/usr/bin/python3", ".M......."), True),
    (entry("/usr/bin/python3", "........P"), True),
    (entry("/usr/bin/python3", "..?......"), True),
    (entry("/usr/bin/python3", missing=True), True),
    (entry("/usr/bin/python3", note="replaced"), True),
    (entry("/usr/bin/python3", missing=True, reason="Permission denied"), True),
    (entry("/usr/bin/python3", ".......T."), False),
    (entry("/usr/bin/python3"), False),
    (entry("/usr/bin/python3", note="wrong color"), False),
    (entry("/etc/x", "S.5....T.", "c"), False),
    (entry("/usr/lib/x", ".M.......", "g"), False),
    (entry("/usr/lib/x", attribute="m", missing=True), False),
    (entry("/usr/lib/x", "S.5......", "m"), True),
    (entry("/usr/lib/x", "S.5......", "l"), False),
    (entry("/usr/lib/x", "S.5......", "a"), False),
    (entry("/usr/share/doc/python3", missing=True), False),
    (entry("/usr/share/doc", missing=True), False),
    (entry("/usr/share/documents", missing=True), True),
    (entry("/usr/share/locale/de/LC_MESSAGES/x.mo", missing=True), False),
    (entry("/usr/lib/.build-id/4a", missing=True), False),
    (entry("/usr/lib64/python3.9/__pycache__/os.cpython-39.pyc", missing=True), False),
    (entry("/usr/lib64/python3.9/__pycache__", missing=True), False),
    (entry("/usr/lib64/python3.9/__pycache__/os.cpython-39.pyc", "..5......"), True),
    (entry("/usr/lib64/python3.9/__pycache__/os.cpython-39.pyc", missing=True, reason="Permission denied"), True),
    (entry("/usr/lib64/python3.9/os.pyc", missing=True), True),
    (entry("/usr/lib64/python3.9/os.py", missing=True), True),
]


@pytest.mark.parametrize(("item", "expected"), DRIFT)
def test_drift(item: VerifyEntry, expected: bool) -> None:
    assert is_drift(item) is expected


def test_counts_packages_that_were_reported_to_their_end() -> None:
    entries = [entry(path) for path in ("/a", "/b", "/shared", "/c", "/shared")]
    assert count_complete(entries, [["/a", "/b", "/shared"], ["/c", "/shared"]]) == 2
    assert count_complete(entries, [["/a", "/b", "/shared"], ["/c", "/shared", "/d"]]) == 1
    assert count_complete(entries, [["/a", "/b", "/shared"], [], ["/c", "/shared"], ["/e"]]) == 3
    assert count_complete([], [["/a"]]) == 0
    assert count_complete(entries, [["/other"]]) == 0


def test_places() -> None:
    paths = ["/shared", "/a", "/shared", "/b"]
    assert places_of([entry(path) for path in paths], paths) == [0, 1, 2, 3]
    assert places_of([entry("/a"), entry("/shared"), entry("/unknown")], paths) == [1, 2, -1]
    assert places_of([entry("/shared"), entry("/b")], paths) == [0, 3]
    assert places_of([entry("/b"), entry("/a")], paths) == [3, -1]
