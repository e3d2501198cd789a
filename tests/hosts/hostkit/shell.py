"""Outside commands: progress for people, full logs in files, errors that say what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("SYSTEM_PYTHON_BUILD_DIR", REPOSITORY / "build/hosts"))

_LOCK = threading.Lock()


class HostError(Exception):
    """Something that the reader of the message can put right."""


def say(text: str) -> None:
    """One timestamped line of progress."""
    with _LOCK:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def fail(program: str, error: HostError) -> int:
    """Prints the error of a program and returns its exit code."""
    print(f"{program}: {error}", file=sys.stderr)
    return 1


def run(command: Sequence[str | Path], log: Path, what: str, env: dict[str, str] | None = None) -> None:
    """Runs a long step; its output goes to a log, whose end is shown when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        done = subprocess.run(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise HostError(f"{what} failed (exit code {done.returncode}); the end of {log}:\n{tail}")


def ask(command: Sequence[str | Path], check: bool = True) -> str:
    """The output of a short command, '' when it fails and `check` is off."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        if check:
            raise HostError(f"{' '.join(map(str, command))}: {error}") from error
        return ""
    if done.returncode:
        if check:
            raise HostError(f"{' '.join(map(str, command))}: exit code {done.returncode}: {done.stderr.strip()[-800:]}")
        return ""
    return done.stdout
