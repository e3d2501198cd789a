# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around _repair/integrity.py: options in, results and errors out."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    UnknownPlatformError,
    VersionGoneError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repair.integrity import (
    IntegrityResult,
    IntegrityRun,
    IntegritySettings,
)
from ansible_collections.fleet.system_python.plugins.modules import rpm_integrity


class Played(IntegrityRun):
    """Stands for IntegrityRun and remembers what it was asked."""

    asked: t.Optional[IntegritySettings] = None
    called = ""
    errors: t.Tuple[VersionGoneError, ...] = ()

    def __init__(self, settings: IntegritySettings) -> None:
        Played.asked = settings

    def result(self, check_mode: bool) -> IntegrityResult:
        Played.called = "predict" if check_mode else "apply"
        for error in Played.errors:
            raise error
        return IntegrityResult(
            changed=True,
            intact=True,
            packages=[],
            files=[],
            leftovers=[],
            tried=[],
            quarantine=None,
            diff={"before": "", "after": ""},
            warnings=["warning: %post(x) scriptlet failed, exit status 1"],
        )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> t.Type[Played]:
    monkeypatch.setattr(rpm_integrity, "IntegrityRun", Played)
    monkeypatch.setattr(rpm_integrity, "read_os_release", lambda: {"ID": "rhel", "VERSION_ID": "9.7"})
    monkeypatch.setattr(Played, "errors", ())
    return Played


def settings(played: t.Type[Played]) -> IntegritySettings:
    assert played.asked is not None
    return played.asked


def test_scope_and_packages_add_up(run_module: t.Any, played: t.Type[Played]) -> None:
    result = run_module(rpm_integrity.main, {"scope": "contract", "packages": ["sudo"]})
    assert (result["changed"], played.called) == (True, "apply")
    contract = contract_for({"ID": "rhel", "VERSION_ID": "9.7"})
    assert settings(played).names == ["sudo"] + contract["packages"] == ["sudo", "python3", "python3-libs"]
    assert "dnf" in settings(played).optional
    assert settings(played).contract == contract
    assert settings(played).packages.use is None
    assert any("scriptlet failed" in str(warning) for warning in result["warnings"])


def test_check_mode_predicts(run_module: t.Any, played: t.Type[Played]) -> None:
    run_module(rpm_integrity.main, {"packages": ["sudo"], "use": ["cache"], "files": ["/srv/x"]}, check_mode=True)
    assert played.called == "predict"
    assert (settings(played).names, settings(played).optional) == (["sudo"], [])
    assert (settings(played).packages.use, settings(played).packages.files) == (["cache"], ["/srv/x"])


def test_errors_are_told_by_kind(run_module: t.Any, played: t.Type[Played], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Played, "errors", (VersionGoneError("gone", available={"python3": ["3.9.2-2"]}),))
    result = run_module(rpm_integrity.main, {"packages": ["python3"]})
    assert (result["failed"], result["kind"], result["msg"]) == (True, "version_gone", "gone")
    assert result["details"] == {"available": {"python3": ["3.9.2-2"]}}
    assert played.called == "apply"


def _unknown() -> t.Dict[str, str]:
    raise UnknownPlatformError("no os-release")


def test_unknown_systems(run_module: t.Any, played: t.Type[Played], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm_integrity, "read_os_release", _unknown)
    assert run_module(rpm_integrity.main, {"scope": "contract"})["kind"] == "unknown_platform"
    assert run_module(rpm_integrity.main, {"packages": ["sudo"]})["changed"]
    assert settings(played).contract is None


def test_something_must_be_named(run_module: t.Any) -> None:
    assert "one of the following is required: packages, scope" in run_module(rpm_integrity.main, {})["msg"]
