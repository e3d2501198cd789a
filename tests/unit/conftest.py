# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the repository importable as ansible_collections.fleet.system_python, and runs modules in the test process.

Python 3.6: the unit tests of target-side code run under it too.
"""

import json
import os
import sys
import types
import typing as t

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = ("ansible_collections", "ansible_collections.fleet", "ansible_collections.fleet.system_python")

ModuleMain = t.Callable[[], None]
RunModule = t.Callable[..., t.Dict[str, t.Any]]


def _name_the_repository() -> None:
    if PACKAGES[0] in sys.modules:
        return
    installed = [os.path.join(folder, PACKAGES[0]) for folder in sys.path]
    locations = [[folder for folder in installed if os.path.isdir(folder)], [], [ROOT]]
    for name, path in zip(PACKAGES, locations):
        package = types.ModuleType(name)
        package.__path__ = path  # type: ignore[attr-defined,unused-ignore]  # packages have it, ModuleType does not say so
        sys.modules[name] = package
        parent, _dot, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, package)


_name_the_repository()
# The scripts of tests/tools import each other as plain modules.
sys.path.insert(0, os.path.join(ROOT, "tests", "tools"))


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]") -> RunModule:
    """Return run(main, options=None, check_mode=False, diff=False), which gives what the module printed."""
    basic = pytest.importorskip("ansible.module_utils.basic", reason="ansible's module_utils are not importable here")

    def run(
        main: ModuleMain,
        options: t.Optional[t.Dict[str, t.Any]] = None,
        check_mode: bool = False,
        diff: bool = False,
    ) -> t.Dict[str, t.Any]:
        arguments = dict(options or {}, _ansible_check_mode=check_mode, _ansible_diff=diff)
        encoded = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode("utf-8")
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", encoded)
        # ansible-core 2.18 and older have no profiles.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        # Where the whole of ansible-core is importable, 2.19 takes the module for a part of the controller.
        internal = sys.modules.get("ansible.module_utils._internal")
        if internal is not None:
            monkeypatch.setattr(internal, "is_controller", False, raising=False)
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        result = json.loads(capsys.readouterr().out)
        assert isinstance(result, dict)
        return result

    return run
