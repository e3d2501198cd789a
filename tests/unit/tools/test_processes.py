# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import processes
import pytest
from processes import TIMED_OUT, run_logged, tail

TOOLS = Path(processes.__file__).parent
# Starts a grandchild through run_logged and waits for it.
PARENT = """\
import os, signal, threading, time
from pathlib import Path
import processes
# A shell lets its background commands ignore it, and what they start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
def tell():
    while not processes._running:
        time.sleep(0.01)
    Path("known").write_text("yes")
threading.Thread(target=tell, daemon=True).start()
with processes.nothing_left_behind(), open(os.devnull, "wb") as output:
    processes.run_logged(["sh", "-c", "echo $$ > pid; sleep 60"], output, Path.cwd(), os.environ, 60)
"""


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text(encoding="utf-8")


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and path.read_text(encoding="utf-8").strip():
            return path.read_text(encoding="utf-8").strip()
        time.sleep(0.05)
    pytest.fail(f"{path} was not written")


def test_output_and_exit_code(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as output:
        code = run_logged(["sh", "-c", "echo out; echo err >&2; exit 4"], output, tmp_path, os.environ, 10)
    assert code == 4
    assert (tmp_path / "log").read_text(encoding="utf-8") == "out\nerr\n"


def test_the_time_limit_ends_the_command_and_what_it_started(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as output:
        command = ["sh", "-c", "sleep 60 & echo $! > pid; wait"]
        assert run_logged(command, output, tmp_path, os.environ, 0.5) == TIMED_OUT
    assert "it took more than" in (tmp_path / "log").read_text(encoding="utf-8")
    assert not alive(int(wait_for(tmp_path / "pid")))


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as output:
        assert run_logged(["no-such-program"], output, tmp_path, os.environ, 10) == 127
    assert "cannot be started" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    env = {**os.environ, "PYTHONPATH": str(TOOLS)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL)
    child = int(wait_for(tmp_path / "pid"))
    wait_for(tmp_path / "known")
    parent.send_signal(number)
    assert parent.wait(15) != 0
    assert not alive(child)


def test_tail_says_where_the_rest_is(tmp_path: Path) -> None:
    log = tmp_path / "gate.log"
    log.write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert tail(log, 2, tmp_path).split("\n") == [
        "    ... 1 lines above",
        "    two",
        "    three",
        "    (all of it: gate.log)",
    ]
    assert tail(tmp_path / "absent.log", 2, tmp_path) == "    (no log)"
