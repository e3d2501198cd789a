# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the checks in a real browser: Debian's chromium, without a window.

Run them: tests/tools/with-env 2.19 pytest tests/browser
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Only 2.19's environment has it.
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing; use tests/tools/with-env 2.19")

# It makes the repository importable as ansible_collections.fleet.system_python.
unit_tests = importlib.util.spec_from_file_location("unit_conftest", Path(__file__).parents[1] / "unit/conftest.py")
assert unit_tests is not None
assert unit_tests.loader is not None
unit_tests.loader.exec_module(importlib.util.module_from_spec(unit_tests))

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")


def find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def chromium() -> str:
    """Find the browser, or install it where that is possible."""
    found = find()
    if found:
        return found
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip(f"there is no {', '.join(NAMES)}; install Debian's package chromium, or run this as root there")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "-qq", "install", "--no-install-recommends", "-y", *PACKAGES]
    for command in (["apt-get", "-qq", "update"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"chromium cannot be installed: {' '.join(command)}: {done.stderr[-500:]}")
    found = find()
    assert found, "the package chromium has no program chromium"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Give a browser. Root needs it without its sandbox; only files of this test are opened."""
    path = chromium()
    with playwright.sync_playwright() as api:
        started = api.chromium.launch(executable_path=path, args=["--no-sandbox"] if not os.geteuid() else [])
        yield started
        started.close()


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[..., Any]]:
    """Give open(path, fragment="", **context options); the test fails for whatever goes wrong in the opened file."""
    told: list[str] = []
    contexts: list[Any] = []

    def refuse(dialog: Any) -> None:
        told.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note(request: Any) -> None:
        if not request.url.startswith("file:"):
            told.append(request.url)

    def opened(path: Path, fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: told.append(f"error: {error}"))
        tab.on("dialog", refuse)
        tab.on("request", note)
        tab.goto(path.as_uri() + fragment)
        tab.wait_for_selector("html[data-ready]", state="attached")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert told == []
