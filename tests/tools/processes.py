"""Run commands with their output in a file, a time limit, and no process left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

TIMED_OUT = 124
PATIENCE = 5.0
_running: set[subprocess.Popen[bytes]] = set()
_guard = threading.Lock()


def run_logged(command: Sequence[str], output: BinaryIO, cwd: Path, env: Mapping[str, str], limit: float) -> int:
    """The exit code; 124 after the time limit, 127 where the command cannot be started. Both are told in the output."""
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        output.write(f"{command[0]} cannot be started: {error}\n".encode())
        return 127
    with _guard:
        _running.add(process)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        output.write(f"stopped: it took more than {round(limit / 60)} minutes\n".encode())
        _stop(process)
        process.wait()
        return TIMED_OUT
    except BaseException:
        _stop(process)
        raise
    finally:
        with _guard:
            _running.discard(process)


@contextlib.contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Stop the running commands when this process is interrupted or asked to end."""
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except BaseException:
        with _guard:
            left = list(_running)
        for process in left:
            _stop(process)
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)


def say(text: str) -> None:
    """One line of progress, with the time."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def tail(log: Path, lines: int, root: Path) -> str:
    """The end of a log, indented, and where the rest is."""
    if not log.exists():
        return "    (no log)"
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    more = [f"    ... {len(text) - lines} lines above"] if len(text) > lines else []
    shown = [f"    {line}" for line in text[-lines:]]
    return "\n".join([*more, *shown, f"    (all of it: {log.relative_to(root)})"])


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(f"signal {number}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started: politely first, so that it can put away what it made."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            time.sleep(0.1)
            # Unless it is waited for, the group seems to live on.
            process.poll()
            os.killpg(process.pid, 0)
        os.killpg(process.pid, signal.SIGKILL)
