# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says about prevention: it knows every cause and finding, and names only what the collection has."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import RULES
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.hypotheses import HYPOTHESES
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.prevention import (
    ADVICE,
    GUARDS,
    Safeguard,
    advice_for,
    guards_for,
)

ROOT = Path(__file__).resolve().parents[5]
IDS = {rule.id for rule in RULES}
PARTS = {guard.part for guard in GUARDS}


def test_there_is_advice_for_every_cause() -> None:
    assert set(ADVICE) == {one.id for one in HYPOTHESES}
    parts = {habit.part for habits in ADVICE.values() for habit in habits if habit.part}
    assert [part for part in parts if not (ROOT / part).exists()] == []


def test_every_finding_of_an_audit_has_a_guard_that_notices_it() -> None:
    noticed = {finding for guard in GUARDS if guard.effect == "notices" for finding in guard.findings}
    assert noticed == IDS
    assert {finding for guard in GUARDS for finding in guard.findings} <= IDS


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.part}-{guard.option}-{guard.findings[0]}")
def test_options_are_those_of_the_roles(guard: Safeguard) -> None:
    kind, _slash, name = guard.part.partition("/")
    assert (ROOT / guard.part).exists()
    if kind == "playbooks":
        assert guard.option is None
        return
    if guard.option is None:
        return
    option, _colon, value = guard.option.partition(": ")
    described = yaml.safe_load((ROOT / f"roles/{name}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    spec = described["argument_specs"]["main"]["options"][option]
    if value:
        assert value in spec.get("choices", ["true", "false"])


def test_a_part_that_is_not_there_is_not_named() -> None:
    assert [one["guard"] for one in advice_for(["binary_overwritten"], ())] == [None]
    assert [one["guard"] for one in advice_for(["binary_overwritten"], {"roles/python_venv"})] == [
        None,
        "fleet.system_python.python_venv",
    ]
    assert guards_for(["SP201"], ()) == []
    (only,) = guards_for(["SP201"], {"playbooks/audit.yml"})
    assert (only["guard"], only["effect"], only["findings"]) == ("fleet.system_python.audit", "notices", ["SP201"])


def test_prevention_comes_before_notice_and_names_the_findings() -> None:
    told = guards_for(["SP208", "SP201", "SP106", "SP208"], PARTS)
    effects = [one["effect"] for one in told]
    assert effects == sorted(effects, key=["prevents", "undoes", "notices"].index)
    assert set(effects) == {"prevents", "undoes", "notices"}
    findings = {one["option"]: one["findings"] for one in told}
    assert findings["python_pin_marker: present"] == ["SP208"]
    assert findings["python_pin_shadows: quarantined"] == ["SP106"]
    assert findings["python_guard_state: present"] == findings[None] == ["SP106", "SP201", "SP208"]


def test_advice_that_fits_two_causes_is_told_once() -> None:
    told = advice_for(["binary_overwritten", "replaced_by_package"], {"playbooks/image_check.yml"})
    assert [one["for"] for one in told if one["guard"]] == ["binary_overwritten"]
    assert guards_for([], PARTS) == []
