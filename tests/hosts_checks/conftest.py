# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the checks that run on real test hosts (tests/hosts): a fleet per test file, fresh hosts on request.

Run them in the environment of an ansible-core: tests/tools/with-env 2.19 pytest tests/hosts_checks
"""

import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkkit import ROOT, Ansible, Fleet, Host

# Where tests/tools/with-env has put the repository under the name of the collection.
sys.path.insert(0, str(ROOT / "build/collections"))

# These may fail where nothing is wrong but the machine is busy: they alone run a second time (tests/tools/gates.py).
DEPENDS_ON_TIME = {
    "test_rpm_killed_in_the_middle_of_its_transaction": "rpm must be met while it writes",
    "test_killed_with_its_rpm_at_various_moments": "rpm must be met while it writes",
    "test_killed_in_the_middle": "the module must be met between two steps",
    "test_a_run_that_is_ended_leaves_nothing": "an interpreter must be met while it is measured",
    "test_a_lock_that_is_held_is_reported_with_its_holder": "the answer must come within a minute",
    "test_the_modes_of_a_whole_library": "2,000 files are repaired against the clock",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note in the report which checks depend on time, and why."""
    for item in items:
        reason = DEPENDS_ON_TIME.get(item.name.partition("[")[0])
        if reason:
            item.user_properties.append(("timing", reason))


def pytest_configure() -> None:
    """Let a run that is ended put its hosts away, as one that is interrupted at the keyboard does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["ANSIBLE_ACTION_PLUGINS"] = str(Path(__file__).parent / "action_plugins")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Start a fleet for this test file and remove it afterwards."""
    made = Fleet("t" + uuid.uuid4().hex[:8])
    yield made
    made.down()


@pytest.fixture
def fresh(fleet: Fleet) -> Iterator[Callable[[str], Host]]:
    """Give fresh hosts of an image; they are removed after the test."""
    started: list[Host] = []

    def start(image: str) -> Host:
        started.append(fleet.up(image))
        return started[-1]

    yield start
    for host in started:
        fleet.drop(host)


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    """Give Ansible, with an inventory of its own."""
    return Ansible(tmp_path)
