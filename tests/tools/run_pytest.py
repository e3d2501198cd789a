"""Run pytest on some paths and hand its counts to the runner: run_pytest.py PATH... (in the environment of a core)."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from environment import BUILD, ROOT
from results import AGAIN_VARIABLE, Counts, from_junit, publish


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="pytest-") as folder:
        report = Path(folder) / "report.xml"
        cache = BUILD / "pytest-cache" / Path(arguments[0]).stem
        command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", "--durations=20"]
        command += ["-o", f"cache_dir={cache}", *arguments]
        if os.environ.get(AGAIN_VARIABLE):
            command.append("--last-failed")
        code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
        publish(from_junit(report) if report.exists() else Counts(failed=1))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
