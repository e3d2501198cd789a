# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checker has all of its parts, each once."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text

PLUGIN_UTILS = Path(__file__).parents[5] / "plugins/plugin_utils"
PARTS = [*(PLUGIN_UTILS / "_guard/parts").glob("*.sh"), *(PLUGIN_UTILS / "_shell").glob("*.sh")]
DEFINITION = re.compile(r"^([a-z_]+)\(\) [{(]$", re.MULTILINE)


def test_every_function_of_every_part_is_there_once() -> None:
    written = [name for path in PARTS for name in DEFINITION.findall(path.read_text(encoding="utf-8"))]
    assert sorted(DEFINITION.findall(checker_text())) == sorted(set(written)) == sorted(written)


def test_it_is_one_script() -> None:
    text = checker_text()
    assert text.startswith("#!/bin/sh\n")
    assert text.endswith('\nmain "$@"\n')
    assert (text.count("SPDX-License-Identifier"), text.count("\n\n\n"), text.count("shellcheck shell")) == (1, 0, 0)
