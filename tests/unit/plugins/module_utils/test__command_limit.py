# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import time

from ansible_collections.fleet.system_python.plugins.module_utils._command import run_command


def test_a_child_that_left_the_group_cannot_hold_the_time_limit_up() -> None:
    began = time.monotonic()
    done = run_command(["sh", "-c", "echo said; setsid sleep 20 & sleep 20"], timeout=0.5)
    assert done.timed_out
    assert done.rc != 0
    assert time.monotonic() - began < 10
