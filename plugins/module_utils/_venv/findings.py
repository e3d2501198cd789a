# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The rules about venvs. They read a census (see _venv/census.py), not the observation of an audit: a host may have
thousands of venvs, and an audit is one look at the OS's own Python."""

import typing as t

from .._audit.finding_records import Finding, RebuildVenv
from .._audit.findings import finding_of
from .._audit.rule import Deviation, Evidence, Policy, Rule
from .._base.text import printable
from .records import Census, Venv

__all__ = ["VENV_RULES", "find_in_census"]


def find_in_census(census: Census) -> t.List[Finding]:
    """Return the findings about the venvs of C(census), in the order of their ids, then of their paths."""
    return [finding_of(rule, deviation, Policy()) for rule in VENV_RULES for deviation in rule.check(census)]


def _evidence(venv: Venv) -> Evidence:
    return {
        "interpreter": venv.interpreter,
        "links": list(venv.links),
        "home": venv.home,
        "packages_minor": venv.packages_minor,
        "used_by": [f"{use.kind} {use.name}" for use in venv.used_by or ()],
    }


def _repair(venv: Venv) -> RebuildVenv:
    return RebuildVenv(action="python_venv", path=venv.path, state="repaired")


def _venv_dead(census: Census) -> t.Iterator[Deviation]:
    for venv in census.venvs:
        dead = venv.state == "dead"
        if dead or venv.dangling:
            yield Deviation(
                f"{printable(venv.path)}: {'; '.join(venv.reasons)}",
                path=venv.path,
                expected=f"an interpreter of Python {venv.packages_minor or '3'}",
                actual=None if dead else venv.interpreter,
                evidence=dict(_evidence(venv), dangling=venv.dangling),
                remedy=_repair(venv),
                severity="critical" if dead and venv.used_by else None,
            )


def _venv_drifted(census: Census) -> t.Iterator[Deviation]:
    for venv in census.venvs:
        if venv.state == "drifted":
            yield Deviation(
                f"{printable(venv.path)}: {venv.reasons[0]}",
                path=venv.path,
                expected=f"Python {venv.packages_minor}",
                actual=f"Python {venv.interpreter_version}",
                evidence=_evidence(venv),
                remedy=_repair(venv),
            )


def _venv_on_system_python(census: Census) -> t.Iterator[Deviation]:
    for venv in census.venvs:
        if venv.state == "alive" and venv.runtime.kind == "system":
            yield Deviation(
                f"{printable(venv.path)} depends on the system's Python {venv.interpreter_version}, and breaks when an "
                "OS upgrade replaces that",
                path=venv.path,
                expected=f"a Python of its own, for example /opt/python/{venv.packages_minor}",
                actual=venv.runtime.path,
                evidence=_evidence(venv),
                remedy=RebuildVenv(action="python_venv", path=venv.path, state="repaired", tasks_from="migrate"),
            )


def _venv_moved(census: Census) -> t.Iterator[Deviation]:
    for venv in census.venvs:
        if venv.state == "moved":
            yield Deviation(
                f"{printable(venv.path)}: {venv.reasons[-1]}",
                path=venv.path,
                expected=venv.path,
                actual=venv.moved_from,
                evidence=_evidence(venv),
                remedy=_repair(venv),
                severity="critical" if venv.used_by else None,
            )


def _hanging_on(kind: str, what: str) -> t.Callable[[Census], t.Iterator[Deviation]]:
    """Return the rule about living venvs whose Python is of this kind; no repair is right for all of them."""

    def check(census: Census) -> t.Iterator[Deviation]:
        for venv in census.venvs:
            if venv.state == "alive" and venv.runtime.kind == kind:
                yield Deviation(
                    f"{printable(venv.path)} depends on {what}: {printable(venv.runtime.path)}",
                    path=venv.path,
                    expected=f"a Python of its own, for example /opt/python/{venv.packages_minor}",
                    actual=venv.runtime.path,
                    evidence=_evidence(venv),
                )

    return check


def _conda_environment(census: Census) -> t.Iterator[Deviation]:
    for path in census.conda:
        yield Deviation(
            f"{printable(path)} is a conda environment, which is no venv: nothing here looks into it or repairs it",
            path=path,
            expected="nothing, where conda takes care of it",
            actual=path,
        )


def _without_config(census: Census) -> t.Iterator[Deviation]:
    for path in census.without_config:
        yield Deviation(
            f"{printable(path)} has bin/activate and no pyvenv.cfg: virtualenv before 20 made it, or the file was lost",
            path=path,
            expected="a venv with a pyvenv.cfg, or none",
            actual=path,
        )


VENV_RULES: t.Tuple[Rule, ...] = (
    Rule("SP401", "venv-dead", "major", _venv_dead, "venv"),
    Rule("SP402", "venv-drifted", "major", _venv_drifted, "venv"),
    Rule("SP403", "venv-on-system-python", "minor", _venv_on_system_python, "venv"),
    Rule("SP404", "venv-moved", "major", _venv_moved, "venv"),
    Rule("SP405", "venv-on-shim", "minor", _hanging_on("shim", "a shim, which starts another Python tomorrow"), "venv"),
    Rule("SP406", "venv-on-conda", "minor", _hanging_on("conda", "the Python of a conda environment"), "venv"),
    Rule("SP407", "venv-on-venv", "minor", _hanging_on("venv", "another venv, and goes with that"), "venv"),
    Rule("SP408", "conda-environment", "minor", _conda_environment, "venv"),
    Rule("SP409", "venv-without-config", "minor", _without_config, "venv"),
)
