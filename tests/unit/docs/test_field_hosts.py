# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests/tampering/README.md names as tried is there."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
TABLE = (TESTS / "tampering/README.md").read_text(encoding="utf-8").partition("## Hosts that somebody really had")[2]


def test_each_host_is_tried_by_something_that_exists() -> None:
    rows = [re.findall(r"`([^`]+)`", line.split("|")[3]) for line in TABLE.splitlines() if line.startswith("| ")][1:]
    assert rows
    assert all(rows)
    for name in (name for row in rows for name in row):
        file, _separator, test = name.partition("::")
        if test:
            assert f"def {test}(" in (TESTS / "hosts_checks" / file).read_text(encoding="utf-8"), name
        else:
            assert (TESTS / f"tampering/{name}.yml").is_file(), name
