# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every tampering of tests/tampering on a real host: it is found, what may be repaired is repaired, and proven."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import apply
import pytest
import yaml
from checkkit import ROOT, UNDER_TEST, Fleet, Host
from losses import note_files, unaccounted

TAMPERING = ROOT / "tests/tampering"
# The driver needs an interpreter; where none is left, first aid comes before (scenario no_python_left).
NO_DRIVER = {"no_python_left", "rpmdb_unreadable"}
# Whole runs of it are scenarios.
IN_SCENARIOS = {"overwritten"}
IMAGES = ("rhel9", "sles15", "el8", "el10", "sles16", "leap15")
# Asks for what a FIPS provider has, where there is none: nothing of OpenSSL is left.
FIPS = """
openssl_conf = main
[main]
providers = providers
alg_section = algorithms
[providers]
default = default
[default]
activate = 1
[algorithms]
default_properties = fips=yes
"""
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


@pytest.fixture(scope="module")
def with_driver(fleet: Fleet) -> Callable[[str], str]:
    """Give what hosts of an image are started from that have the driver, compiled."""

    @functools.cache
    def make(image: str) -> str:
        host = fleet.up(image, f"driver-{image}")
        host.install()
        host.check(f"{_driver(image)} -I -m compileall -q {UNDER_TEST}")
        fleet.snapshot(f"driver-{image}")
        fleet.drop(host)
        return f"{image}@driver-{image}"

    return make


@pytest.mark.parametrize("image", IMAGES)
def test_a_pristine_host_has_no_findings_and_is_not_changed(
    fresh: Callable[[str], Host], with_driver: Callable[[str], str], image: str
) -> None:
    host, python = fresh(with_driver(image)), _driver(image)
    before = host.listing()
    code, facts = host.drive("audit", python)
    assert (code, facts["findings"]) == (0, [])
    assert facts["verification"]["rpm_processes"] <= 5
    code, result = host.drive("repair", python)
    assert (code, result["changed"], result["healthy"]) == (0, False, True), result
    assert host.listing() == before


def test_a_pristine_host_has_no_findings_where_fips_rules(
    fresh: Callable[[str], Host], with_driver: Callable[[str], str]
) -> None:
    host = fresh(with_driver("rhel9"))
    host.put("/root/fips.cnf", FIPS.encode())
    forbidden = "import sys; sys.modules['_md5'] = None; import _hashlib; _hashlib.new('md5')"
    assert "unsupported" in host.run(f'OPENSSL_CONF=/root/fips.cnf python3.11 -c "{forbidden}"').err
    for what in ("audit", "repair"):
        code, result = host.drive(what, "env OPENSSL_CONF=/root/fips.cnf python3.11")
        assert (code, result["findings"], result["healthy"]) == (0, [], True), result


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_an_unversioned_link_to_a_packaged_python_is_left_alone(fresh: Callable[[str], Host], image: str) -> None:
    host = fresh(image)
    host.install()
    host.check("ln -s python3.11 /usr/bin/python")
    before = host.listing()
    code, result = host.drive("repair")
    assert (code, result["findings"], result["changed"]) == (0, [], False), result
    assert host.listing() == before


@pytest.fixture
def broken(fleet: Fleet, with_driver: Callable[[str], str], data: dict[str, Any], image: str) -> Iterator[Host]:
    """Give a fresh host that was tampered with."""
    host = fleet.start(with_driver(image), *data.get("container", []))
    host.tamper(data["name"])
    yield host
    fleet.drop(host)


@pytest.mark.parametrize(("data", "image"), _cases())
def test_it_is_found_and_repaired(broken: Host, data: dict[str, Any], image: str) -> None:
    python = _driver(image)
    options = {"policy": data["options"]} if data.get("options") else {}
    predicted = broken.drive("predict", python, **options)
    # What is refused has no result; else an audit is a part of it.
    code, facts = broken.drive("audit", python, **options) if "refused" in data else predicted
    assert code == 0, facts
    found, expected = _ids(facts["findings"]), _of(data, "findings", image)
    assert found >= expected
    assert found <= expected | _of(data, "allowed", image), facts["findings"]
    note_files(broken)
    result = broken.drive("repair", python, **options)
    assert unaccounted(broken, result[1]) == []
    # Tamperings that plant a program make it tell when somebody ran it.
    assert broken.run("ls /root/*-was-run").rc != 0
    for command in apply.evidence(data, image, "holds"):
        broken.check(command)
    if "refused" in data:
        assert predicted[1]["kind"] == result[1]["kind"] == data["refused"], (predicted, result)
        return
    assert (predicted[0], result[0], result[1].get("plan")) == (0, 0, predicted[1].get("plan")), (predicted, result)
    if not data["repairable"]:
        assert (result[1]["plan"], result[1]["changed"]) == ([], False), result
        assert _ids(result[1]["findings_after"]) == found
        return
    assert _ids(result[1]["findings_after"]) <= _of(data, "remains", image)
    assert result[1]["changed"]
    if result[1]["findings_after"]:
        # Without findings there is no plan; with some, nothing may be done again and again.
        code, again = broken.drive("repair", python, **options)
        assert (code, again["changed"], again["plan"]) == (0, False, []), again
