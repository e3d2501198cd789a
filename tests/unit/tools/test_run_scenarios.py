# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

pytest.importorskip("tomllib", reason="the tools need Python 3.11")

import run_scenarios
from environment import ToolError

MATRIX = '[rhel9_x]\ncores = ["2.19", "2.16"]\n'
PLATFORMS = {"rhel9_x": ["rhel9"], "sles15_y": ["sles15"], "both": ["sles15", "rhel9", "rhel9"]}


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, images in PLATFORMS.items():
        (tmp_path / "molecule" / name).mkdir(parents=True)
        text = "---\nplatforms:\n" + "".join(f"  - name: host\n    image: {image}\n" for image in images)
        (tmp_path / "molecule" / name / "molecule.yml").write_text(text, encoding="utf-8")
    (tmp_path / "matrix.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.setattr(run_scenarios, "ROOT", tmp_path)
    monkeypatch.setattr(run_scenarios, "MATRIX", tmp_path / "matrix.toml")
    monkeypatch.setattr(run_scenarios, "HOSTS_BUILD", tmp_path / "build-hosts")
    return tmp_path


def planned(wanted: list[str], core: str | None) -> list[tuple[str, str]]:
    return [(run.scenario, run.core) for run in run_scenarios.plan(wanted, core)]


def test_everything_runs_on_the_current_core_and_some_on_the_oldest() -> None:
    assert planned([], None) == [("both", "2.19"), ("rhel9_x", "2.19"), ("sles15_y", "2.19"), ("rhel9_x", "2.16")]


def test_a_core_alone_selects_from_the_matrix() -> None:
    assert planned([], "2.16") == [("rhel9_x", "2.16")]


def test_a_scenario_and_a_core_that_are_both_named_run() -> None:
    assert planned(["sles15_y"], "2.16") == [("sles15_y", "2.16")]


def test_an_unknown_scenario_is_told() -> None:
    with pytest.raises(ToolError, match="no scenario z in molecule/; there are: both, rhel9_x, sles15_y"):
        run_scenarios.plan(["z"], None)


def test_images_come_from_the_platforms() -> None:
    images = {run.scenario: run.images for run in run_scenarios.plan([], "2.19")}
    assert images == {"both": ("rhel9", "sles15"), "rhel9_x": ("rhel9",), "sles15_y": ("sles15",)}


def test_available_images_are_asked_for(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM_PYTHON_SLES15_IMAGE", "an/image")
    assert run_scenarios.available_images() is None
    program = tree / "build-hosts"
    program.write_text("#!/bin/sh\necho rhel9\n", encoding="utf-8")
    program.chmod(0o755)
    assert run_scenarios.available_images() == frozenset({"rhel9", "sles15"})


def test_a_scenario_without_its_image_is_skipped() -> None:
    run = run_scenarios.Run("both", "2.19", ("rhel9", "sles15"))
    outcome = run_scenarios.attempt(run, frozenset({"rhel9"}))
    assert (outcome.result, outcome.note) == ("skipped", "no image sles15")


def test_a_scenario_that_fails_is_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_scenarios.Run("both", "2.19", ())
    monkeypatch.setattr(run_scenarios, "molecule", lambda _run: 2)
    outcome = run_scenarios.attempt(run, frozenset())
    assert (outcome.result, outcome.note) == ("failed", "molecule ended with 2")
    assert run_scenarios.count([outcome]).failed == 1
