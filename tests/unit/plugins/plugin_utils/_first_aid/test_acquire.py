# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    DiskFullError,
    ReadOnlyError,
    SignatureError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import parse_nevra
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.signatures import signature_complaint
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.acquire import Acquisition, AidOptions
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.errors import StagingGoneError
from ansible_collections.fleet.system_python.tests.unit.plugins.plugin_utils._first_aid.recorded_host import (
    RecordedHost,
)

WANTED = Wanted(parse_nevra("python3-1:3.9.2-1.el9.x86_64"))
NVRA = "python3-3.9.2-1.el9.x86_64"
GOOD = """/s/x.rpm:
    Header V4 RSA/SHA256 Signature, key ID 99707ce5: OK
    Header SHA256 digest: OK
    Payload SHA256 digest: OK
    V4 RSA/SHA256 Signature, key ID 99707ce5: OK
    MD5 digest: OK"""
NEWER = """/s/x.rpm:
    Header OpenPGP V4 RSA/SHA256 signature, key fingerprint: 0123: OK
    Header SHA256 digest: OK
    Payload SHA256 digest: OK"""
UNSIGNED = "/s/x.rpm:\n    Header SHA256 digest: OK\n    Payload SHA256 digest: OK"


@pytest.mark.parametrize(
    ("output", "complaint", "unsigned_too"),
    [
        (GOOD, "", ""),
        (NEWER, "", ""),
        (UNSIGNED, "it has no signature", ""),
        (GOOD.replace("99707ce5: OK", "99707ce5: NOKEY"), "NOKEY", ""),
        (GOOD.replace("99707ce5: OK", "99707ce5: BAD"), "BAD", "BAD"),
        (GOOD.replace("Payload SHA256 digest: OK", "Payload SHA256 digest: BAD (Expected a != b)"), "BAD", "BAD"),
        ("", "could not be checked", "could not be checked"),
        ("error: /s/x.rpm: not an rpm package", "could not be checked", "could not be checked"),
    ],
)
def test_signatures(output: str, complaint: str, unsigned_too: str) -> None:
    for said, expected in (
        (signature_complaint(output.splitlines(), allow_unsigned=False), complaint),
        (signature_complaint(output.splitlines(), allow_unsigned=True), unsigned_too),
    ):
        assert (expected in said) if expected else said == ""


STAGING = "/var/cache/.fleet-system-python-aid-x"
OPENED = (f"staging {STAGING}",)


def staged(
    header: str = NVRA, signature: str = GOOD, content: str = "content 1 1 a a", source: str = "cache"
) -> tuple[str, ...]:
    return (
        f"staged {NVRA} {source} /var/cache/.fleet-system-python-aid-x/packages/{source}-1.rpm\n/var/cache/dnf/x.rpm",
        f"header\n{header}",
        f"signature\n{signature}",
        content,
    )


def acquisition(*answers: tuple[str, ...], **options: object) -> Acquisition:
    return Acquisition(RecordedHost(OPENED, *answers), AidOptions(**options), [WANTED])  # type: ignore[arg-type]


def test_the_first_source_that_has_it_ends_the_search() -> None:
    work = acquisition(staged(), sources=("cache", "zypper"))
    (found,) = work.run()
    assert (found.wanted, found.source, found.path) == (
        WANTED,
        "cache",
        "/var/cache/.fleet-system-python-aid-x/packages/cache-1.rpm",
    )
    assert work.tried == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"header": "python3-3.9.3-1.el9.x86_64"}, "is python3-3.9.3-1.el9.x86_64, not"),
        ({"signature": UNSIGNED}, "has no signature"),
        ({"content": "content 1 2 a a"}, "its files are others"),
    ],
)
def test_a_wrong_file_is_a_reason_and_the_next_source_is_asked(wrong: dict[str, str], reason: str) -> None:
    work = acquisition(staged(**wrong), staged(source="zypper"), sources=("cache", "zypper"))
    (found,) = work.run()
    assert found.source == "zypper"
    assert reason in work.tried[0]["reason"]


def test_a_package_that_a_lender_has_not_installed_is_not_compared() -> None:
    assert acquisition(staged(content="content 1 none a a"), sources=("cache",)).run()


def test_a_wrong_signature_is_the_error_when_nothing_else_is_found() -> None:
    work = acquisition(
        staged(signature=GOOD.replace("OK", "BAD", 1)),
        ("unusable zypper\n/usr/bin/zypper is not installed",),
        sources=("cache", "zypper"),
    )
    with pytest.raises(SignatureError, match="Nothing was changed") as caught:
        work.run()
    assert [one["source"] for one in caught.value.details["tried"]] == ["cache", "zypper"]


def test_nobody_has_it() -> None:
    work = acquisition((), ("unusable zypper\n/usr/bin/zypper is not installed",), sources=("cache", "zypper"))
    with pytest.raises(AcquisitionError, match="it does not have") as caught:
        work.run()
    assert caught.value.details["wanted"] == [WANTED.nevra]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("mktemp: failed: Read-only file system", ReadOnlyError),
        ("cp: No space left on device", DiskFullError),
        ("mktemp: odd", AcquisitionError),
    ],
)
def test_no_folder_for_the_packages(said: str, error: type[SystemPythonError]) -> None:
    with pytest.raises(error, match="Nothing was changed"):
        Acquisition(RecordedHost((f"failed\n{said}",)), AidOptions(), [WANTED]).run()


def test_another_run_tidied_up() -> None:
    with pytest.raises(StagingGoneError):
        acquisition(("gone",), sources=("cache",)).run()


def test_the_folder_is_removed() -> None:
    remote = RecordedHost(OPENED, ())
    work = Acquisition(remote, AidOptions(), [WANTED])
    work.open()
    work.close()
    work.close()
    assert remote.called == ["make_staging", "remove_staging"]
