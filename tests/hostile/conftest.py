# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures of the unit tests, and the repository as ansible_collections.fleet.system_python."""

import importlib.util
import os
from pathlib import Path

_spec = importlib.util.spec_from_file_location("unit_conftest", Path(__file__).parents[1] / "unit/conftest.py")
assert _spec is not None
assert _spec.loader is not None
_unit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_unit)

run_module = _unit.run_module

# What runs on hosts does not depend on the controller's core: once is enough.
ON_HOSTS = ("children", "downloads", "images", "mirror", "parsers", "power", "reading", "shell_lock", "users")
collect_ignore = [f"test_{name}.py" for name in ON_HOSTS] if os.environ.get("SYSTEM_PYTHON_CORE") == "2.16" else []
