# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let atheris look for inputs of a property test of this folder for as long as wanted: fuzz.py FILE TEST [OPTION...].

tests/tools/with-env 2.19 python -m pip install atheris
tests/tools/with-env 2.19 python tests/hostile/fuzz.py test_parsers test_notes -max_total_time=600

The options are libFuzzer's. A failure prints the example, which belongs into the test.
"""

import importlib
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "unit")]
# It makes the repository importable as ansible_collections.fleet.system_python.
importlib.import_module("conftest")

file, test, *options = sys.argv[1:]
with atheris.instrument_imports(include=["ansible_collections.fleet.system_python.plugins"]):
    module = importlib.import_module(f"ansible_collections.fleet.system_python.tests.hostile.{file}")
atheris.Setup([sys.argv[0], *options], getattr(module, test).hypothesis.fuzz_one_input)
atheris.Fuzz()
