# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system's Python, and the package manager with it, started and asked what they loaded."""

import os
import pathlib
import re
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit import isolated
from ansible_collections.fleet.system_python.plugins.module_utils._audit.isolated import Loaded, run_telling, start
from ansible_collections.fleet.system_python.plugins.module_utils._audit.manager import manager_state, start_state
from ansible_collections.fleet.system_python.plugins.module_utils._audit.packaged_files import PackagedFiles
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST, Root
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import healthy, planted

BINARY = "/usr/bin/python3.9"
JSON = "/usr/lib64/python3.9/json/__init__.py"


def test_a_python_tells_what_it_loaded() -> None:
    done, loaded = start(run_command, sys.executable)
    assert (done.rc, done.argv, done.out) == (0, (sys.executable,), "")
    assert loaded
    assert loaded.failure == ""
    assert {os.path.basename(path) for path in loaded.files} >= {"ssl.py", "subprocess.py"}


@pytest.mark.parametrize(("text", "code"), [("print('1.0')", 0), ("print('1.0'); raise SystemExit(3)", 3)])
def test_so_does_the_one_that_runs_the_package_manager(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    (tmp_path / "dnf").write_text("import json\n" + text)
    monkeypatch.setattr(isolated, "_interpreter_of", lambda _script, _root: sys.executable)
    monkeypatch.setattr(isolated, "_VERSION", re.compile("()"))
    monkeypatch.setattr(isolated, "paths_of", lambda _version, _role: [])
    done, loaded = run_telling(run_command, [str(tmp_path / "dnf")])
    assert (done.rc, done.out.strip()) == (code, "1.0")
    assert loaded
    assert any(path.endswith("/json/__init__.py") for path in loaded.files)


def test_a_module_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "_TELL", isolated._TELL.replace("ssl", "ssl_of_nobody"))
    _done, loaded = start(run_command, sys.executable)
    assert loaded
    assert "ssl_of_nobody" in loaded.failure


class _Files(PackagedFiles):
    """Packages that have BINARY and JSON, and one more that is asked for."""

    def __init__(self) -> None:
        self.records = dict.fromkeys((BINARY, JSON), t.cast("t.Any", None))
        self.drift = {}
        self._tops = {"opt": "/opt", "usr": "/usr"}
        self.asked: t.List[str] = []

    def missing(self) -> t.List[str]:
        return []

    def ask_owners(self, paths: t.Iterable[str], movable: t.Collection[str] = ()) -> None:
        self.asked += [*paths, *movable]

    def read_owners(self, paths: t.Iterable[str]) -> None:
        assert set(paths) == set(self.asked)

    def verified(self, path: str) -> t.Optional[bool]:
        return path.startswith("/usr/") or None


def never(*_arguments: t.Any, **_options: t.Any) -> Completed:
    raise AssertionError("something was started")


@pytest.fixture(autouse=True)
def _interpreter_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    module = start_state.__globals__
    monkeypatch.setitem(module, "_unverified", lambda *_arguments: set())


def test_what_ran_the_package_manager_is_not_started_again() -> None:
    files = _Files()
    loaded = Loaded("", [JSON, "/usr/lib/python3.9/site-packages/gi/__init__.py", "/opt/x/json.py"])
    assert start_state(healthy(), files, loaded, never, HOST) == {
        "state": "works",
        "reason": "",
        "foreign": ["/opt/x/json.py"],
    }
    assert files.asked == ["/usr/lib/python3.9/site-packages/gi/__init__.py", "/opt/x/json.py"]
    files = _Files()
    assert start_state(healthy(), files, Loaded("ImportError: ssl", [JSON]), never, HOST)["state"] == "failed"
    assert files.asked == []


def test_a_package_manager_is_started_only_where_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), 1, "", "broken", False)

    module, seen, files = manager_state.__globals__, healthy(), _Files()
    files.unread = set()
    monkeypatch.setitem(module, "kind_of", lambda *_arguments: "file")
    monkeypatch.setitem(module, "_blocks", lambda *_arguments: set())
    assert manager_state(seen, files, never, HOST, False)[0]["state"] == "verified"
    assert manager_state(seen, files, started, HOST, True)[0]["state"] == "broken"
    monkeypatch.setitem(module, "_blocks", lambda *_arguments: {JSON})
    state = manager_state(seen, files, never, HOST, False)[0]
    assert (state["state"], state["blocked"]) == ("not checked", [JSON])


def test_one_that_does_not_start_has_failed() -> None:
    def killed(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), -11, "", "no library", False)

    state = start_state(healthy(), _Files(), None, killed, HOST)
    assert (state["state"], state["reason"]) == ("failed", "it was ended by signal 11: no library")


@pytest.mark.parametrize("root", ["/", "/srv/image"])
def test_nothing_is_started_that_no_package_vouches_for_nor_of_an_image(root: str) -> None:
    seen = healthy(planted=[planted("/usr/lib64/python3.9/ssl.so", role="library", hides=True)] if root == "/" else [])
    assert start_state(seen, _Files(), None, never, Root(root))["state"] == "not checked"
