# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
from check_role_specs import problems, same

SPECS = """\
argument_specs:
  main:
    short_description: Does it
    description: Does it.
    options:
      python_x_mode:
        type: str
        required: true
      python_x_depth:
        type: int
        default: 3
"""
DEFAULTS = "python_x_depth: 3\n"


def write_role(root: Path, specs: str | None = SPECS, defaults: str | None = DEFAULTS, tasks: str = "main") -> Path:
    role = root / "roles/python_x"
    files = {"meta/argument_specs.yml": specs, "defaults/main.yml": defaults, f"tasks/{tasks}.yml": "---\n"}
    for name, text in files.items():
        if text is not None:
            (role / name).parent.mkdir(parents=True, exist_ok=True)
            (role / name).write_text(text, encoding="utf-8")
    return role


def test_a_tree_without_roles_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_a_role_whose_files_agree_has_no_problem(tmp_path: Path) -> None:
    write_role(tmp_path)
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("specs", "defaults", "told"),
    [
        (None, DEFAULTS, "has no meta/argument_specs.yml"),
        ("argument_specs: {}\n", DEFAULTS, "describes no entry point"),
        (SPECS, None, "no default for 'python_x_depth'"),
        (SPECS, "python_x_depth: 4\n", "default of 'python_x_depth' is 3"),
        (SPECS, "python_x_depth: '3'\n", "says '3'"),
        (SPECS, DEFAULTS + "python_x_extra: 1\n", "no option 'python_x_extra'"),
        (SPECS, DEFAULTS + "python_x_mode: full\n", "is required and has a default"),
        (SPECS.replace("        default: 3\n", ""), DEFAULTS, "'python_x_depth' has no default"),
        (SPECS.replace("python_x_depth", "depth"), "depth: 3\n", "'depth' does not begin with 'python_x_'"),
        (SPECS.replace("    short_description: Does it\n", ""), DEFAULTS, "has no short_description"),
    ],
)
def test_each_disagreement_is_told(tmp_path: Path, specs: str | None, defaults: str | None, told: str) -> None:
    write_role(tmp_path, specs, defaults)
    assert any(told in text for text in problems(tmp_path))


def test_entry_points_and_task_files_must_match(tmp_path: Path) -> None:
    write_role(tmp_path, tasks="other")
    texts = problems(tmp_path)
    assert any("'main' has no tasks/main.yml" in text for text in texts)
    assert any("tasks/other.yml is not described" in text for text in texts)


def test_a_task_file_with_an_underscore_is_no_entry_point(tmp_path: Path) -> None:
    role = write_role(tmp_path)
    (role / "tasks/_step.yml").write_text("---\n", encoding="utf-8")
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1, True),
        (1, True, False),
        (1, "1", False),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, True),
        ({"a": [1]}, {"a": [True]}, False),
        ([1], [1, 2], False),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_same_tells_types_apart(left: object, right: object, equal: bool) -> None:
    assert same(left, right) is equal
