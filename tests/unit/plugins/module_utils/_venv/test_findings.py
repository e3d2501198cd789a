# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the rules about venvs, on censuses as take_census returns them."""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import SEVERITIES
from ansible_collections.fleet.system_python.plugins.module_utils._venv.findings import VENV_RULES, find_in_census
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import (
    BasePython,
    BinPython,
    Census,
    Use,
    Venv,
)

PYTHON = BinPython("python", "/opt/python/3.11.2/bin/python3.11", "/opt/python/3.11.2/bin/python3.11", (), "3.11.2")


OWN = BasePython("own", PYTHON.target)


def venv(**changes: t.Any) -> Venv:
    made = Venv("/srv/app", home="/opt/python/3.11/bin", packages_minor="3.11", pythons=(PYTHON,), runtime=OWN)
    return made._replace(**changes)


def found(*venvs: Venv) -> t.List[t.Tuple[str, str]]:
    return [(finding["id"], finding["severity"]) for finding in find_in_census(Census(venvs))]


def test_a_venv_on_a_runtime_of_its_own_is_no_finding() -> None:
    assert found(venv(), venv(runtime=BasePython("package", "/usr/bin/python3.11", "x"))) == []


def test_a_dead_one_is_worse_when_something_uses_it() -> None:
    dead = venv(state="dead", pythons=(), reasons=("its interpreter is gone: /x",))
    assert found(dead) == [("SP401", "major")]
    used = dead._replace(used_by=(Use("systemd", "app.service", "/etc/x"),))
    assert found(used) == [("SP401", "critical")]
    finding = find_in_census(Census((used,)))[0]
    assert finding["summary"] == "/srv/app: its interpreter is gone: /x"
    assert finding["evidence"]["used_by"] == ["systemd app.service"]
    assert finding["remedy"] == {"action": "python_venv", "path": "/srv/app", "state": "repaired"}


def test_one_name_that_leads_nowhere() -> None:
    gone = BinPython("python3.8", None, "/usr/bin/python3.8")
    assert found(venv(pythons=(PYTHON, gone), reasons=("bin/python3.8 ...",))) == [("SP401", "major")]


def test_a_drifted_one_is_not_told_twice() -> None:
    system = BasePython("system", "/usr/bin/python3.9", "python3")
    drifted = venv(state="drifted", reasons=("other minor",), runtime=system)
    assert found(drifted, venv(runtime=system)) == [("SP402", "major"), ("SP403", "minor")]


def test_what_is_told_and_not_repaired() -> None:
    for kind, wanted in (("shim", "SP405"), ("conda", "SP406"), ("venv", "SP407")):
        assert found(venv(runtime=BasePython(kind, "/somewhere/python"))) == [(wanted, "minor")]
    (finding,) = find_in_census(Census((), conda=("/srv/conda",)))
    assert (finding["id"], finding["path"], finding["remedy"]) == ("SP408", "/srv/conda", None)


def test_a_moved_one_is_worse_when_something_uses_it() -> None:
    moved = venv(state="moved", moved_from="/srv/old", reasons=("it was made in /srv/old",))
    assert found(moved) == [("SP404", "major")]
    assert found(moved._replace(used_by=(Use("cron", "root", "/etc/crontab"),))) == [("SP404", "critical")]


def test_the_registry_is_in_order() -> None:
    assert [rule.id for rule in VENV_RULES] == [f"SP40{number}" for number in range(1, 10)]
    assert {rule.severity for rule in VENV_RULES} <= set(SEVERITIES)
