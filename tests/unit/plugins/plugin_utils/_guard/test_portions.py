# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rpm's exit code is a number of files: no number of them is taken for a time limit, or for a signal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text

# In the place of rpm, which would need a database: it denies every path, and ends with their number.
RPM = """
ask() {
    shift 5
    for path in "$@"; do printf 'file %s is not owned by any package\\n' "$path"; done
    return $#
}
"""


@pytest.mark.parametrize("number", [1, 100, 124, 137, 141, 256])
def test_files_that_nobody_owns(tmp_path: Path, number: int) -> None:
    paths = sorted(f"/srv/{one:04d}" for one in range(number))
    (tmp_path / "listed").write_text("".join(f"{path}\n" for path in paths))
    functions = checker_text().replace('main "$@"\n', "")
    call = f'work={tmp_path}\nask_about "$work/listed"\n'
    assert subprocess.run(["sh", "-c", functions + RPM + call], check=False).returncode == 0
    assert (tmp_path / "nobodys").read_text().splitlines() == paths
    assert not (tmp_path / "changed").read_text()
