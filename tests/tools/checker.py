"""Prints the guard's checker, joined as it is sent to hosts."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "build/collections"))
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text  # noqa: E402

sys.stdout.write(checker_text())
