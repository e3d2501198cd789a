# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every tampering of tests/tampering on a real host: it is found, what may be repaired is repaired, and proven."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from checkkit import ROOT, Host

TAMPERING = ROOT / "tests/tampering"
# The driver needs an interpreter; where none is left, first aid comes before (scenario no_python_left).
NO_DRIVER = {"no_python_left", "rpmdb_unreadable"}
# Whole runs of it are scenarios.
IN_SCENARIOS = {"overwritten"}
IMAGES = ("rhel9", "sles15", "el8", "el10", "sles16", "leap15")
# A packaged Python that is not the system's: the driver must not run under what is broken.
DRIVERS = {"el10": "python3.13"}


def _cases() -> list[Any]:
    cases = []
    for path in sorted(TAMPERING.glob("*.yml")):
        data = yaml.safe_load(path.read_text())
        if data["name"] not in NO_DRIVER | IN_SCENARIOS:
            cases += [pytest.param(data, image, id=f"{data['name']}-{image}") for image in data["applies_to"]]
    return cases


def _of(data: dict[str, Any], key: str, image: str) -> set[str]:
    value = data.get(key, [])
    return set(value.get(image, []) if isinstance(value, dict) else value)


def _ids(findings: list[dict[str, Any]]) -> set[str]:
    return {finding["id"] for finding in findings}


def _driver(image: str) -> str:
    return DRIVERS.get(image, "python3.11")


@pytest.mark.parametrize("image", IMAGES)
def test_a_pristine_host_has_no_findings_and_is_not_changed(fresh: Callable[[str], Host], image: str) -> None:
    host, python = fresh(image), _driver(image)
    host.install()
    before = host.listing()
    code, facts = host.drive("audit", python)
    assert (code, facts["findings"]) == (0, [])
    assert facts["verification"]["rpm_processes"] <= 5
    code, result = host.drive("repair", python)
    assert (code, result["changed"], result["healthy"]) == (0, False, True), result
    assert host.listing() == before


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_an_unversioned_link_to_a_packaged_python_is_left_alone(fresh: Callable[[str], Host], image: str) -> None:
    host = fresh(image)
    host.install()
    host.check("ln -s python3.11 /usr/bin/python")
    before = host.listing()
    code, result = host.drive("repair")
    assert (code, result["findings"], result["changed"]) == (0, [], False), result
    assert host.listing() == before


@pytest.mark.parametrize(("data", "image"), _cases())
def test_it_is_found_and_repaired(fresh: Callable[[str], Host], data: dict[str, Any], image: str) -> None:
    host, python = fresh(image), _driver(image)
    host.install()
    host.tamper(data["name"])
    options = {"policy": data["options"]} if data.get("options") else {}
    code, facts = host.drive("audit", python, **options)
    assert code == 0, facts
    found, expected = _ids(facts["findings"]), _of(data, "findings", image)
    assert found >= expected
    assert found <= expected | _of(data, "allowed", image), facts["findings"]
    _code, predicted = host.drive("predict", python, **options)
    code, result = host.drive("repair", python, **options)
    # Tamperings that plant a program make it tell when somebody ran it.
    assert host.run("ls /root/*-was-run").rc != 0
    if not data["repairable"]:
        assert (code, result["plan"], result["changed"]) == (0, [], False), result
        assert _ids(result["findings_after"]) == found
        return
    assert code == 0, result
    assert result["plan"] == predicted["plan"]
    assert _ids(result["findings_after"]) <= _of(data, "remains", image)
    assert result["changed"]
    code, again = host.drive("repair", python, **options)
    assert (code, again["changed"], again["plan"]) == (0, False, []), again
