# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    DatabaseError,
    LockedError,
    NotApplicableError,
    PrivilegeError,
    QuarantineError,
    ReadOnlyError,
    SystemPythonError,
    UnknownPlatformError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import ImmutableHostError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.core import supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.errors import (
    NotProvenError,
    NoUsableVersionError,
    StagingGoneError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.look import Look
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.run import FirstAid, request_of
from ansible_collections.fleet.system_python.tests.unit.plugins.plugin_utils._first_aid.recorded_host import (
    RecordedHost,
)

NVRA = "python3-3.9.2-1.el9.x86_64"
NVRA_EXACT = "pkg install --force --oldpackage python3=3.9.2-1.el9"
RHEL = 'os-release\nID="rhel"\nVERSION_ID="9.7"'
OWNERS = f"owners\npython3\t{NVRA}\n"
HEALTHY = ("uid 0", RHEL, "candidate /usr/bin/python3.9 3.9", OWNERS, "verify 0\n", "start 0\n3.9.2", "chosen")
BROKEN = (
    "uid 0",
    RHEL,
    "candidate /usr/bin/python3.9 3.9",
    OWNERS,
    "altered\nS.5....T.    /usr/bin/python3.9",
    "rpm\n/usr/bin/rpm",
    f"installed /usr/bin/python3.9 3.9\npython3\t{NVRA}",
    f"package {NVRA} 1\nS.5....T.    /usr/bin/python3.9",
)
TOO_OLD = (
    "uid 0",
    'os-release\nID="sles"\nVERSION_ID="15.7"',
    "rpm\n/usr/bin/rpm",
    "installed /usr/bin/python3.6 3.6\npython3-base\tpython3-base-3.6.15-1.x86_64",
)
STAGED = (
    f"staged {NVRA} cache /var/cache/.fleet-system-python-aid-s/packages/cache-1.rpm\n/var/cache/x.rpm",
    f"header\n{NVRA}",
    "signature\n/s/x.rpm:\n    Header V4 RSA/SHA256 Signature, key ID 9: OK\n    Header SHA256 digest: OK",
    "content 1 1 a a",
)

OPENED = ("staging /var/cache/.fleet-system-python-aid-s",)
PREPARED = ("state abc", "room", "test 0")
INSTALLED = ("installed 0\n",)


def run(
    *answers: Sequence[str], check_mode: bool = False, error: type[SystemPythonError] | None = None, **arguments: Any
) -> tuple[dict[str, Any], RecordedHost, SystemPythonError | None]:
    given = {
        "contract": None,
        "files": [],
        "host_files": [],
        "sources": ["cache"],
        "check_signatures": True,
        "install": None,
        "lock_timeout": 5,
        "may_borrow": False,
        "borrowed": None,
        "packages": [],
        "needed_files": [],
        **arguments,
    }
    remote = RecordedHost(*answers)
    result: dict[str, Any] = {"changed": False}
    aid = FirstAid(remote, request_of(given, supported_minors("2.19.0"), Path("/"), check_mode, True), result)
    if error is None:
        aid.run()
        raised = None
    else:
        with pytest.raises(error) as caught:
            aid.run()
        raised = caught.value
    assert remote.answers == []
    return result, remote, raised


def test_a_healthy_host_costs_one_round_trip() -> None:
    result, remote, _error = run(HEALTHY)
    assert remote.called == ["probe"]
    assert (result["changed"], result["interpreter"], result["os"]["contract"]) == (False, "/usr/bin/python3.9", "el9")
    assert NVRA in result["summary"]


RUNTIME = (
    "candidate /opt/python/3.13.5/bin/python3.13 3.13",
    "runtime /opt/python/3.13.5",
    "verified 4711",
    "start 0\n3.13.5",
    "chosen",
)


def test_nothing_is_brought_back_where_a_runtime_is_intact() -> None:
    result, remote, _error = run((*BROKEN[:6], *RUNTIME))
    assert remote.called == ["probe"]
    assert (result["changed"], result["interpreter"]) == (False, "/opt/python/3.13.5/bin/python3.13")
    assert (result["trusted_by"], result["trusted_because"]["files"]) == ("manifest", 4711)
    assert "4711 files are as its manifest says" in result["summary"]


def test_what_only_the_controller_can_clear_goes_before_a_runtime() -> None:
    line = ".M.......    /usr/bin/python3.9"
    hardened = (*BROKEN[:4], "metadata\n700\t0\t0\t/usr/bin/python3.9", f"altered\n{line}")
    cleared = (*hardened, "start 0\n3.9.2", "chosen")
    result, _remote, _error = run((*hardened, *RUNTIME), cleared)
    assert (result["interpreter"], result["trusted_by"]) == ("/usr/bin/python3.9", "rpm")
    result, _remote, _error = run((*hardened, *RUNTIME), hardened)
    assert result["interpreter"] == "/opt/python/3.13.5/bin/python3.13"


def test_it_is_brought_back_and_proven() -> None:
    result, remote, _error = run(BROKEN, OPENED, STAGED, PREPARED, INSTALLED, (), HEALTHY)
    assert remote.called == [
        "probe",
        "make_staging",
        "offer_cached",
        "prepare",
        "carry_out",
        "remove_staging",
        "probe",
    ]
    assert (result["changed"], result["interpreter"]) == (True, "/usr/bin/python3.9")
    assert result["brought_back"]["source"] == {NVRA: "cache"}
    assert result["rejected"][0]["kind"] == "altered"
    assert "altered" in result["diff"]["before"]


def test_what_check_mode_predicts() -> None:
    predicted, remote, _error = run(BROKEN, OPENED, STAGED, PREPARED, (), check_mode=True)
    assert remote.called[-2:] == ["prepare", "remove_staging"]
    assert (predicted["changed"], predicted["interpreter"], predicted["plan"]["packages"]) == (True, None, [NVRA])
    real, _remote, _error = run(BROKEN, OPENED, STAGED, PREPARED, INSTALLED, (), HEALTHY)
    assert (predicted["plan"]["packages"], predicted["diff"]) == (real["brought_back"]["packages"], real["diff"])


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ((("uid 1000", *BROKEN[1:]),), PrivilegeError),
        ((BROKEN, OPENED, (), ()), AcquisitionError),
        ((BROKEN, OPENED, STAGED, ("state abc", "obstacle\n/usr/bin/python3.9\timmutable"), ()), ReadOnlyError),
    ],
)
def test_check_mode_fails_as_the_real_run(answers: Sequence[Sequence[str]], error: type[SystemPythonError]) -> None:
    for check_mode in (True, False):
        _result, remote, raised = run(*answers, check_mode=check_mode, error=error)
        assert raised is not None
        assert raised.changed_nothing
        assert "carry_out" not in remote.called


@pytest.mark.parametrize(
    ("found", "expected"),
    [(("mode ostree", "mode bootc"), "bootc upgrade"), (("mode read-only", "mode transactional-update"), NVRA_EXACT)],
)
def test_nothing_is_installed_where_the_system_is_not_changed(found: Sequence[str], expected: str) -> None:
    for check_mode in (True, False):
        _result, remote, raised = run((*BROKEN, *found), check_mode=check_mode, error=ImmutableHostError)
        assert raised is not None
        assert raised.changed_nothing
        assert expected in raised.message
        assert remote.called == ["probe"]


DEAD = ("uid 0", RHEL, "database 1\nerror: rpmdb: BDB1507 Thread died in Berkeley DB library")
ENVIRONMENT = ("blocked 81a4 0 0 8192 1700000000\n/var/lib/rpm/__db.001", "sha256 " + 64 * "a")
FOLDER = "/var/lib/fleet.system_python/quarantine/x"


def test_what_a_killed_rpm_left_is_settled_first() -> None:
    result, remote, _error = run(DEAD, ENVIRONMENT, (f"quarantine {FOLDER}",), HEALTHY)
    assert remote.called == ["probe", "report_environment", "settle_database", "probe"]
    assert (result["changed"], result["database_settled"]) == (True, FOLDER)
    assert result["interpreter"] == "/usr/bin/python3.9"


@pytest.mark.parametrize(
    ("answers", "check_mode", "error"),
    [
        ((DEAD,), True, DatabaseError),
        ((DEAD, ()), False, DatabaseError),
        ((DEAD, ENVIRONMENT, ()), False, DatabaseError),
        ((DEAD, ENVIRONMENT, ("in-use\n/var/lib/rpm",)), False, DatabaseError),
        ((DEAD, ENVIRONMENT, ("locked\nanother",)), False, LockedError),
        ((DEAD, ENVIRONMENT, ("not-kept\nNo space left on device",)), False, QuarantineError),
        ((("uid 0", RHEL, "database 1\nerror: cannot open Packages"),), False, DatabaseError),
    ],
)
def test_nothing_but_that_is_settled(
    answers: Sequence[Sequence[str]], check_mode: bool, error: type[SystemPythonError]
) -> None:
    result, _remote, raised = run(*answers, check_mode=check_mode, error=error)
    assert raised is not None
    assert (raised.changed_nothing, result["changed"]) == (True, False)


WAY = (
    *BROKEN[:3],
    "way\n/usr\n/usr/bin",
    "rpm\n/usr/bin/rpm",
    f"installed /usr/bin/python3.9 3.9\npython3\t{NVRA}",
    f"package {NVRA} 0\n",
)


def test_folders_that_others_may_change_are_closed() -> None:
    predicted, remote, _error = run(WAY, OPENED, (), PREPARED, (), check_mode=True)
    assert (predicted["plan"]["packages"], predicted["plan"]["close"]) == ([], ["/usr", "/usr/bin"])
    assert predicted["rejected"] == [
        {
            "path": "/usr/bin/python3.9",
            "kind": "way-open",
            "reason": "others than root may change /usr, /usr/bin, and so exchange it",
        }
    ]
    assert remote.uploads["ways"] == "/usr\n/usr/bin\n"
    closed = "closed\n/usr/bin: mode and owner were 777 root:root, and are 755 root:root"
    result, _remote, _error = run(WAY, OPENED, (), PREPARED, (closed,), (), HEALTHY)
    assert result["brought_back"]["closed"] == [closed.partition("\n")[2]]
    assert result["summary"].startswith("Brought back: nothing. Closed to others: /usr/bin: mode")


OPEN_AND_ALTERED = (*BROKEN[:3], "way\n/usr/bin", *BROKEN[5:])


def test_the_way_is_closed_before_anything_is_fetched() -> None:
    closed = ("closed\n/usr/bin: was, is",)
    closing = (OPEN_AND_ALTERED, OPENED, (), PREPARED, closed, ())
    result, _remote, _error = run(*closing, BROKEN, OPENED, STAGED, PREPARED, INSTALLED, (), HEALTHY)
    assert (result["brought_back"]["packages"], result["brought_back"]["closed"]) == ([NVRA], ["/usr/bin: was, is"])
    assert [one["kind"] for one in result["rejected"]] == ["way-open"]
    _result, _remote, error = run(*closing, BROKEN, OPENED, (), (), error=AcquisitionError)
    assert error is not None
    assert not error.changed_nothing
    # Whether packages can be had cannot be known before.
    predicted, _remote, _error = run(OPEN_AND_ALTERED, OPENED, (), (), check_mode=True)
    assert (predicted["plan"]["packages"], predicted["plan"]["close"]) == ([NVRA], ["/usr/bin"])


def test_a_repair_that_proves_nothing_is_an_error() -> None:
    row = "trigger\x1fcorp-python-1-1.noarch\x1f65536\x1f'python3'\x1e"
    listed = ("begin", f"triggers\n{row}{row.replace('python3', 'bash')}", "end")
    result, _remote, error = run(BROKEN, OPENED, STAGED, PREPARED, INSTALLED, (), BROKEN, listed, error=NotProvenError)
    assert error is not None
    assert "still no interpreter is trusted" in error.message
    assert result["changed"]
    # The package whose script may have undone it is named.
    assert error.details["triggers"] == ["%triggerin -- python3 of corp-python-1-1.noarch"]
    assert "%triggerin -- python3 of corp-python-1-1.noarch" in error.message


def test_without_root_nothing_is_tried() -> None:
    _result, remote, _error = run(("uid 1000", *BROKEN[1:]), error=PrivilegeError)
    assert remote.called == ["probe"]


def test_an_unknown_release() -> None:
    other = ("uid 0", 'os-release\nID="other"\nVERSION_ID="1"', *HEALTHY[2:])
    run(other, error=UnknownPlatformError)
    contract = {
        "id": "mine",
        "version": "3.9",
        "binaries": [{"path": "/usr/bin/python3.9", "package": "python3"}],
        "links": [{"path": "/usr/bin/python3", "target": "python3.9", "package": "python3"}],
        "packages": ["python3"],
    }
    result, _remote, _error = run(other, contract=contract)
    assert result["os"]["contract"] == "mine"


def test_no_source_has_it_and_the_folder_is_removed() -> None:
    result, remote, error = run(BROKEN, OPENED, (), (), error=AcquisitionError)
    assert remote.called[-1] == "remove_staging"
    assert error is not None
    assert error.details["tried"] == result["tried"]
    assert [one["source"] for one in result["tried"]] == ["cache"]


def test_a_host_that_may_borrow_says_what_it_needs() -> None:
    needed = "needed\n" + "0" * 64 + "  /usr/bin/python3.9"
    result, _remote, _error = run(BROKEN, OPENED, (), (), (needed,), may_borrow=True)
    assert not result["changed"]
    assert result["needs"]["packages"] == [NVRA]
    assert result["needs"]["files"] == ["0" * 64]
    assert result["needs"]["error"]["kind"] == "no_source"


def test_nothing_was_lent() -> None:
    previous = {"kind": "signature", "message": "It is wrong.", "details": {"tried": []}}
    borrowed = {"packages": {}, "content": None, "lenders": ["web2: it has none"], "error": previous}
    _result, _remote, error = run(BROKEN, OPENED, (), borrowed=borrowed, error=SystemPythonError)
    assert error is not None
    assert (error.kind, error.message) == ("signature", "It is wrong. Borrowing: web2: it has none.")


def test_another_run_was_quicker() -> None:
    result, remote, _error = run(BROKEN, OPENED, ("gone",), (), HEALTHY)
    assert (result["changed"], result["interpreter"]) == (False, "/usr/bin/python3.9")
    assert remote.called.count("probe") == 2


def test_other_runs_are_always_quicker() -> None:
    run(*[part for _turn in range(3) for part in (BROKEN, OPENED, ("gone",), ())], error=StagingGoneError)


def test_the_host_changed_before_the_lock_was_free() -> None:
    result, _remote, _error = run(BROKEN, OPENED, STAGED, PREPARED, ("changed-meanwhile",), (), HEALTHY)
    assert (result["changed"], result["interpreter"]) == (False, "/usr/bin/python3.9")


FOLDER = "/var/cache/.fleet-system-python-aid-x"
LEFT = f"leftover {FOLDER}"
REMOVED = (f"removed {FOLDER}",)


def test_the_folder_of_a_killed_run_goes_without_a_change() -> None:
    result, remote, _error = run((*HEALTHY, LEFT), REMOVED)
    assert (result["changed"], result["removed"], remote.called) == (False, [FOLDER], ["probe", "remove_staging"])
    result, remote, _error = run((*HEALTHY, LEFT), check_mode=True)
    assert (result["changed"], "removed" in result, remote.called) == (False, False, ["probe"])


def test_the_folder_of_a_killed_run_goes_where_nothing_is_trusted_too() -> None:
    run((*BROKEN, LEFT), OPENED, STAGED, PREPARED, INSTALLED, (), HEALTHY, REMOVED)
    result, remote, _error = run((*TOO_OLD, LEFT), REMOVED, error=NoUsableVersionError)
    assert (result["removed"], remote.last) == ([FOLDER], ["remove_staging", "60", FOLDER])


def test_a_package_named_by_the_operator_is_installed_only_where_nothing_else_will_do() -> None:
    run(TOO_OLD, error=NoUsableVersionError)
    predicted, _remote, _error = run(TOO_OLD, install="python311", check_mode=True)
    assert predicted["plan"]["packages"] == ["python311"]
    result, _remote, _error = run(TOO_OLD, ("installed-by zypper",), HEALTHY, install="python311")
    assert result["brought_back"]["source"] == {"python311": "zypper"}
    run(TOO_OLD, ("unusable zypper\nno",), install="python311", error=AcquisitionError)


DEBIAN = 'os-release\nPRETTY_NAME="Debian GNU/Linux 13"\nID=debian\nVERSION_ID=13'
UNOWNED = ("candidate /usr/bin/python3.13 3.13", "rejected unowned\nno package owns it", "rpm\n/usr/bin/rpm")
NO_RPM = ("uid 0", DEBIAN, "rpm\n")


def look_anywhere(*answers: Sequence[str]) -> tuple[str | None, dict[str, object]]:
    result: dict[str, object] = {}
    probe = Look(RecordedHost(*answers), supported_minors("2.19"), None, result).look_anywhere()
    return probe.interpreter() if probe else None, result


def test_a_host_without_rpm_leaves_the_interpreter_to_ansible() -> None:
    assert look_anywhere(NO_RPM) == (
        None,
        {"interpreter": None, "isolated_interpreter": None, "rejected": [], "hazards": [], "trusted_by": "nothing"},
    )


def test_an_rpm_host_gives_only_what_rpm_vouches_for() -> None:
    found, result = look_anywhere(HEALTHY)
    assert (found, result["trusted_by"]) == ("/usr/bin/python3.9", "rpm")
    with pytest.raises(SystemPythonError, match="No Python of this host can be trusted"):
        look_anywhere(BROKEN)


def test_a_release_of_rpm_without_a_contract_is_verified_all_the_same() -> None:
    amazon = 'os-release\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"'
    assert look_anywhere((HEALTHY[0], amazon, *HEALTHY[2:]))[0] == "/usr/bin/python3.9"


@pytest.mark.parametrize("release", [RHEL, 'os-release\nID="mine"\nID_LIKE="suse"', 'os-release\nID="opensuse-leap"'])
def test_an_rpm_host_that_lost_its_rpm_is_no_host_without_rpm(release: str) -> None:
    with pytest.raises(SystemPythonError, match="The command rpm is not there"):
        look_anywhere(("uid 0", release, "rpm\n"))


def test_the_tool_rpm_on_debian_owns_nothing() -> None:
    assert look_anywhere(("uid 0", DEBIAN, *UNOWNED, "database 0"))[0] is None
    assert look_anywhere(("uid 0", DEBIAN, *UNOWNED))[0] is None
    with pytest.raises(SystemPythonError, match="rpm database cannot be read"):
        look_anywhere(("uid 0", "os-release\nID=other", *UNOWNED, "database 1\nerror: cannot open"))


@pytest.mark.parametrize("answer", [NO_RPM, ("uid 0", DEBIAN, *UNOWNED, "database 0"), ("uid 0", DEBIAN, *UNOWNED)])
@pytest.mark.parametrize("install", [None, "python311"])
def test_a_host_without_packages_of_rpm_is_no_case_for_first_aid(answer: Sequence[str], install: str | None) -> None:
    result, _remote, error = run(answer, install=install, error=NotApplicableError)
    assert str(error) == "Debian GNU/Linux 13 has no packages of rpm: not a system that this collection looks after."
    assert "plan" not in result


@pytest.mark.parametrize("release", ['ID="sl-micro"\nID_LIKE="suse"\nVERSION_ID="6.1"', "ID=mine\nVERSION_ID=1"])
def test_an_unknown_system_of_rpm_is_called_so(release: str) -> None:
    _result, _remote, error = run((HEALTHY[0], f"os-release\n{release}", *HEALTHY[2:]), error=UnknownPlatformError)
    assert "docs/adding-an-os.md" in str(error)
