# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
from check_action_groups import problems

FRAGMENT = "fleet.system_python._attributes.action_group"


def write_tree(root: Path, runtime: str, modules: dict[str, str]) -> None:
    (root / "meta").mkdir()
    (root / "meta/runtime.yml").write_text(runtime, encoding="utf-8")
    (root / "plugins/modules").mkdir(parents=True)
    for name, text in modules.items():
        (root / f"plugins/modules/{name}.py").write_text(text, encoding="utf-8")


def group(*names: str) -> str:
    return f"action_groups: {{system_python: [{', '.join(names)}]}}\n"


def test_a_complete_group_has_no_problem(tmp_path: Path) -> None:
    write_tree(tmp_path, group("a", "b"), {"a": FRAGMENT, "b": FRAGMENT})
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("runtime", "modules", "told"),
    [
        ("requires_ansible: '>=2.16.0'\n", {}, "no action group"),
        (group("a"), {"a": FRAGMENT, "b": FRAGMENT}, "does not list module 'b'"),
        (group("a", "b"), {"a": FRAGMENT}, "'b', which is no module"),
        (group("b", "a"), {"a": FRAGMENT, "b": FRAGMENT}, "not sorted"),
        (group("a", "a"), {"a": FRAGMENT}, "twice"),
        (group("a"), {"a": "DOCUMENTATION = ''"}, "does not extend"),
    ],
)
def test_each_gap_is_told(tmp_path: Path, runtime: str, modules: dict[str, str], told: str) -> None:
    write_tree(tmp_path, runtime, modules)
    assert any(told in text for text in problems(tmp_path))
