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
