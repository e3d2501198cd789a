# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that is measured, under each Python of the test matrix."""

import json
import os
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._benchmark import worker


def test_every_python_computes_the_same() -> None:
    """Written down from CPython 3.6, 3.9, 3.11 and 3.13."""
    assert worker.describe()["results"] == {"nbody": "-1.6616503e-01", "words": "538949322033538428"}


def test_the_orbits_keep_their_energy() -> None:
    assert float(worker.nbody(2000)) == pytest.approx(float(worker.nbody(0)), rel=1e-3)


@pytest.mark.parametrize("fsync", [False, True])
def test_files_are_read_back_and_removed(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, fsync: bool) -> None:
    monkeypatch.chdir(tmp_path)
    assert worker.files(7, fsync) == str(7 * 4096)
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("arguments", [["nbody", "50"], ["words", "50"], ["files", "5"], ["files", "5", "fsync"]])
def test_it_runs_alone_and_prints_its_time(tmp_path: t.Any, arguments: t.List[str]) -> None:
    argv = [sys.executable, "-I", "-S", "-B", worker.__file__, "run"] + arguments
    printed = subprocess.check_output(argv, cwd=str(tmp_path), env={})
    assert 0 < json.loads(printed.decode())["seconds"] < 60


def test_it_tells_what_runs_it(tmp_path: t.Any) -> None:
    argv = [sys.executable, "-I", "-S", "-B", worker.__file__, "describe"]
    told = json.loads(subprocess.check_output(argv, cwd=str(tmp_path), env={}).decode())
    assert told["version"].startswith("{0}.{1}.{2}".format(*sys.version_info[:3]))
    assert told["implementation"] == sys.implementation.name
