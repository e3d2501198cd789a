# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook from a process that has loaded it: to start and to pack modules is most of what a short run takes.

As a script it is that process: preloaded.py SOCKET. Each run is a fork of it, with what was packed for an earlier one.
"""

import atexit
import functools
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = "ansible_collections.fleet.system_python.plugins.action"


class Ended(NamedTuple):
    """How a run ended."""

    rc: int
    out: str
    err: str


def ansible_playbook(arguments: Sequence[str], cwd: Path, env: Mapping[str, str], core: str) -> Ended:
    """Run ansible-playbook with an environment, of which the names that begin with ANSIBLE count."""
    settings = tuple(sorted((name, value) for name, value in env.items() if name.startswith("ANSIBLE")))
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.connect(_server(core, settings))
        server.sendall(json.dumps([list(map(str, arguments)), str(cwd), folder]).encode() + b"\n")
        rc = int(server.makefile().readline())
        out, err = (Path(folder, name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
        return Ended(rc, out, err)


@functools.cache
def _server(core: str, settings: tuple[tuple[str, str], ...]) -> str:
    """Start the process for a core and settings, and return its socket."""
    path = Path(tempfile.mkdtemp(prefix="ansible-"), "socket")
    command = [ROOT / "tests/tools/with-env", core, "python", __file__, path]
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE")}
    process = subprocess.Popen(list(map(str, command)), env=others | dict(settings))
    atexit.register(process.wait)
    atexit.register(process.terminate)
    while not path.exists():
        assert process.poll() is None, "ansible-core could not be loaded, see above"
        time.sleep(0.05)
    return str(path)


def serve(path: str) -> NoReturn:
    """Load what runs need, and fork for each."""
    loader: Any = importlib.import_module("ansible.plugins.loader")
    loader.init_plugin_loader()
    # A run does it again, and would warn.
    loader._configure_collection_loader = lambda *_paths: None
    importlib.import_module("ansible.cli.playbook")
    for file in sorted((ROOT / "plugins/action").glob("*.py")):
        importlib.import_module(f"{ACTIONS}.{file.stem}")
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(16)
    Path(path + ".new").rename(path)
    while True:
        client = listener.accept()[0]
        if not os.fork():
            listener.close()
            # Two forks: this one waits, and is waited for by nobody.
            _answer(client)
        client.close()
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(client: socket.socket) -> NoReturn:
    arguments, cwd, folder = json.loads(client.makefile().readline())
    child = os.fork()
    if not child:
        _run(arguments, cwd, folder)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    client.sendall(f"{code}\n".encode())
    os._exit(0)


def _run(arguments: Sequence[str], cwd: str, folder: str) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number, name in ((0, os.devnull), (1, f"{folder}/out"), (2, f"{folder}/err")):
        os.dup2(os.open(name, os.O_RDONLY if not number else os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(cwd)
    os.setsid()
    random.seed()
    code = 1
    try:
        importlib.import_module("ansible.cli.playbook").PlaybookCLI.cli_executor(["ansible-playbook", *arguments])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # What it loaded, and packed, is still needed: nothing is tidied up.
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
