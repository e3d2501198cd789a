# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role's meta/argument_specs.yml, its defaults/main.yml and its task files say the same.

An option is either required, and then has no default anywhere, or has the same default in both files. What is computed
from other variables, and is no text, has none in the specification: a template is no value of its type.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted((Path(__file__).parents[3] / "roles").iterdir())
Mappings = Mapping[str, Any]


def load(path: Path) -> Mappings:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    assert isinstance(loaded, dict), path
    return loaded


def problems(prefix: str, entry_points: Mappings, defaults: Mappings, tasks: set[str]) -> list[str]:
    options = {name: option for point in entry_points.values() for name, option in point.get("options", {}).items()}
    found = [f"entry point {name}" for name in tasks.symmetric_difference(entry_points)]
    found += [f"{name}: {key}" for name, one in entry_points.items() for key in DESCRIPTIONS if not one.get(key)]
    found += [f"name {name}" for name in {*options, *defaults} if not name.startswith(f"{prefix}_")]
    found += [f"default {name}" for name in defaults if name not in options]
    for name, option in options.items():
        given = [repr(one[key]) for one, key in ((option, "default"), (defaults, name)) if key in one]
        if option.get("required") and given:
            found.append(f"required, with a default: {name}")
        elif is_computed(option, defaults.get(name)):
            found += [f"default {name}"] if "default" in option else []
        elif not option.get("required") and (len(given) != 2 or given[0] != given[1]):
            found.append(f"default {name}")
    return found


def is_computed(option: Mappings, default: object) -> bool:
    """Whether it comes from a template, whose result is of a type that a template is not."""
    kind = option.get("elements") or option.get("type")
    return str(default).startswith("{{") and kind in ("bool", "dict", "int", "float")


DESCRIPTIONS = ("short_description", "description")
POINT = {
    "short_description": "X",
    "description": "X.",
    "options": {"r_depth": {"default": 3}, "r_mode": {"required": True}},
}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: str(role.name))
def test_a_role_says_the_same_everywhere(role: Path) -> None:
    # Task files that begin with an underscore are included by others and are no entry points.
    tasks = {path.stem for path in (role / "tasks").glob("*.yml") if not path.stem.startswith("_")}
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    assert specs
    assert not problems(role.name, specs, load(role / "defaults/main.yml"), tasks)


def test_files_that_agree_have_no_problem() -> None:
    assert problems("r", {"main": POINT}, {"r_depth": 3}, {"main"}) == []


@pytest.mark.parametrize(
    ("defaults", "tasks", "problem"),
    [
        ({}, {"main"}, "default r_depth"),
        ({"r_depth": 4}, {"main"}, "default r_depth"),
        ({"r_depth": "3"}, {"main"}, "default r_depth"),
        ({"r_depth": 3, "r_more": 1}, {"main"}, "default r_more"),
        ({"r_depth": 3, "r_mode": 1}, {"main"}, "required, with a default: r_mode"),
        ({"r_depth": 3}, {"main", "other"}, "entry point other"),
        ({"r_depth": 3}, set(), "entry point main"),
    ],
)
def test_each_disagreement_is_seen(defaults: Mappings, tasks: set[str], problem: str) -> None:
    assert problems("r", {"main": POINT}, defaults, tasks) == [problem]
