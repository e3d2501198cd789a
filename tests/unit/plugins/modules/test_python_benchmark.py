# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module python_benchmark: its options and its two ways out."""

import os
import sys
import typing as t

from ansible_collections.fleet.system_python.plugins.modules import python_benchmark


def test_check_mode_says_what_would_be_run(run_module: t.Any, tmp_path: t.Any) -> None:
    options = {"baseline": sys.executable, "interpreters": [sys.executable], "folder": str(tmp_path), "rounds": 3}
    result = run_module(python_benchmark.main, options, check_mode=True)
    assert result["changed"] is False
    assert result["plan"]["processes"] == 1 + 4 * 4
    assert "would run 17 processes" in result["summary"][0]
    assert "benchmark" not in result
    assert os.listdir(str(tmp_path)) == []


def test_an_error_has_its_kind(run_module: t.Any, tmp_path: t.Any) -> None:
    result = run_module(python_benchmark.main, {"baseline": "/nowhere/python", "folder": str(tmp_path)})
    assert result["failed"] is True
    assert result["kind"] == "baseline_failed"
    assert "there is no such file" in result["msg"]


def test_a_script_is_a_path_or_a_text(run_module: t.Any) -> None:
    result = run_module(python_benchmark.main, {"scripts": [{"name": "mine"}]})
    assert result["failed"] is True
