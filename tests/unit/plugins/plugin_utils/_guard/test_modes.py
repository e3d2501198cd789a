# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard calls the same modes stricter as an audit does."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.file_state import is_stricter
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text

MODES = (
    0o755,
    0o750,
    0o700,
    0o555,
    0o055,
    0o655,
    0o711,
    0o757,
    0o4755,
    0o2750,
    0o644,
    0o600,
    0o400,
    0o200,
    0o666,
    0o1755,
)


def guard_says(calls: str) -> list[str]:
    functions = checker_text().replace('main "$@"\n', "")
    return subprocess.run(["sh", "-c", functions + calls], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("shipped", [mode for mode in MODES if mode < 0o1000])
def test_it_knows_a_stricter_mode(shipped: int) -> None:
    texts = [stat.filemode(stat.S_IFREG | mode) for mode in (shipped, *MODES)]
    calls = "".join(f"is_stricter .M....... {texts[0]} {found} && echo yes || echo no\n" for found in texts[1:])
    assert guard_says(calls) == ["yes" if is_stricter(mode, shipped) else "no" for mode in MODES]


@pytest.mark.parametrize("deviation", ["SM5....T.", ".M...U...", ".M....G..", ".M......P"])
def test_other_differences_are_no_stricter_mode(deviation: str) -> None:
    assert guard_says(f"is_stricter {deviation} -rwxr-xr-x -rwxr-x--- && echo yes || echo no\n") == ["no"]


@pytest.mark.skipif(os.geteuid() != 0, reason="what another user owns is critical in any case")
@pytest.mark.parametrize(
    ("mode", "severity"),
    [(0o4755, ["critical"]), (0o2755, ["critical"]), (0o6644, ["critical"]), (0o757, ["critical"]), (0o711, ["major"])],
)
def test_a_mode_by_which_others_get_rights_is_critical(tmp_path: Path, mode: int, severity: list[str]) -> None:
    program = tmp_path / "python3.9"
    program.touch()
    program.chmod(mode)
    assert guard_says(f"path={program}\nseverity_of_metadata\n") == severity
