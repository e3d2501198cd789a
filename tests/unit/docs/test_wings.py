# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import re
from pathlib import Path

import pytest
from wings import FEATURES, FLOORS, PLUGINS, arrows, wrong_arrows

ROOT = Path(__file__).parents[3]
WINGS = {wing for floor in FLOORS for wing in floor}


def test_each_wing_has_one_floor() -> None:
    top = ROOT / "plugins/module_utils"
    folders = {path.relative_to(top).parts[0] for path in top.rglob("*.py")}
    assert folders == WINGS >= FEATURES
    assert sum(map(len, FLOORS)) == len(WINGS)


def test_the_page_on_the_architecture_has_the_same_floors() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [(str(number), wing) for number, wings in enumerate(FLOORS, start=1) for wing in wings]


def test_no_wing_imports_what_it_may_not() -> None:
    found = arrows(ROOT)
    assert ("module_utils/_repair", "module_utils/_base") in found
    assert not wrong_arrows(found)


@pytest.mark.parametrize(
    ("file", "module", "objection"),
    [
        ("module_utils/_runtime", "module_utils._venv.run", []),
        ("module_utils/_disk", "module_utils._rights.confined", ["not on a lower floor"]),
        ("module_utils/_audit", "module_utils._repair.run", ["not on a lower floor"]),
        ("module_utils/_runtime", "module_utils._pin.run", ["features do not know each other"]),
        ("module_utils/_disk", "plugin_utils._report.shape", ["the controller's side does not travel to a target"]),
        ("modules", "plugin_utils._report.shape", ["the controller's side does not travel to a target"]),
        ("plugin_utils/_fleet", "plugin_utils._report.shape", []),
    ],
)
def test_an_import_against_the_rule_is_seen(tmp_path: Path, file: str, module: str, objection: "list[str]") -> None:
    folder = tmp_path / "plugins" / file
    folder.mkdir(parents=True)
    (folder / "a.py").write_text(f"from {PLUGINS}{module} import name\n", encoding="utf-8")
    assert [text.partition(": ")[2] for text in wrong_arrows(arrows(tmp_path))] == objection


def test_two_folders_of_the_controller_do_not_import_each_other() -> None:
    there, back = ("plugin_utils/_fleet", "plugin_utils/_report"), ("plugin_utils/_report", "plugin_utils/_fleet")
    assert not wrong_arrows({there})
    assert len(wrong_arrows({there, back})) == 2
