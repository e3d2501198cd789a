"""ansible-playbook from a process that has loaded it: to start and to pack modules is most of what a short run takes.

    preloaded.py ARGUMENT...     what ansible-playbook does, in a fork of that process; it is started when there is none
    preloaded.py --serve SOCKET  that process; it ends when nothing was to be done for two minutes

One process serves one environment, as far as it is Ansible's, and with it one ansible-core. What was packed for one run
is there for the next.
"""

import contextlib
import hashlib
import importlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = "ansible_collections.fleet.system_python.plugins.action"
IDLE = 120


class Ended(NamedTuple):
    """How a run ended."""

    rc: int
    out: str
    err: str


def ansible_playbook(arguments: Sequence[str], cwd: Path, env: Mapping[str, str], core: str) -> Ended:
    """Run ansible-playbook of an ansible-core line."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        python = [str(ROOT / "tests/tools/with-env"), core, "python"]
        # The other variables are those that with-env sets for this core.
        code = run(arguments, cwd, env, python, (out, err), {})
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return Ended(code, *texts)


def run(
    arguments: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    python: Sequence[str],
    output: Sequence[IO[Any]],
    changed: Mapping[str, str],
) -> int:
    """Run it in the process for C(env), of which C(changed) is set for this run, and return its exit code."""
    settings = [f"{name}={value}" for name, value in sorted(env.items()) if name.startswith("ANSIBLE")]
    words = [*python, Path(__file__).read_text(encoding="utf-8"), str(ROOT), *settings]
    key = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir(), f"preloaded-{os.getuid()}-{key}", "socket")
    request = json.dumps([list(arguments), str(cwd), dict(changed)]).encode() + b"\n"
    for _attempt in range(5):
        with socket.socket(socket.AF_UNIX) as server:
            _connect(server, path, [*python, str(Path(__file__))], env)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                socket.send_fds(server, [request], [file.fileno() for file in output])
                answer = server.makefile()
                # Not even this comes where the process was about to end.
                if answer.readline():
                    return int(answer.readline() or "1")
    raise ConnectionError(f"ansible-playbook was not started, see {path.parent}/log")


def _connect(server: socket.socket, path: Path, command: Sequence[str], env: Mapping[str, str]) -> None:
    for attempt in range(600):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            server.connect(str(path))
            return
        # Of two that are started at the same time the second takes the place of the first.
        if attempt % 200 == 0:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if path.parent.stat().st_uid != os.getuid():
                raise PermissionError(f"{path.parent} is somebody else's: remove it")
            log = (path.parent / "log").open("ab")
            subprocess.Popen(
                [*command, "--serve", str(path)],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        time.sleep(0.05)
    raise TimeoutError(f"ansible-core could not be loaded, see {path.parent}/log")


def serve(path: Path) -> None:
    """Load what runs need, and fork for each."""
    loader: Any = importlib.import_module("ansible.plugins.loader")
    loader.init_plugin_loader()
    # A run does it again, and would warn.
    loader._configure_collection_loader = lambda *_paths: None
    importlib.import_module("ansible.cli.playbook")
    for file in sorted((ROOT / "plugins/action").glob("*.py")):
        importlib.import_module(f"{ACTIONS}.{file.stem}")
    with socket.socket(socket.AF_UNIX) as listener:
        fresh = path.with_name(f"socket.{os.getpid()}")
        listener.bind(str(fresh))
        listener.listen(16)
        listener.settimeout(IDLE)
        fresh.replace(path)
        idle = False
        while not idle:
            try:
                _fork_for(listener.accept()[0], listener)
            except TimeoutError:
                # At its end it removes the folder that the runs write to.
                idle = not _has_runs()
    shutil.rmtree(path.parent, ignore_errors=True)


def _fork_for(client: socket.socket, listener: socket.socket) -> None:
    if not os.fork():
        listener.close()
        client.setblocking(True)
        _answer(client)
    client.close()
    _has_runs()


def _has_runs() -> bool:
    """Forget the runs that have ended, and tell whether there is one that has not."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _answer(client: socket.socket) -> NoReturn:
    text, handles, _flags, _address = socket.recv_fds(client, 1 << 20, 2)
    while not text.endswith(b"\n"):
        text += client.recv(1 << 20)
    client.sendall(b"begun\n")
    arguments, cwd, env = json.loads(text)
    child = os.fork()
    if not child:
        _play(arguments, cwd, env, handles)
    for handle in handles:
        os.close(handle)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    client.sendall(f"{code}\n".encode())
    os._exit(0)


def _play(arguments: Sequence[str], cwd: str, env: Mapping[str, str], handles: Sequence[int]) -> NoReturn:
    os.setsid()
    for number, handle in enumerate([os.open(os.devnull, os.O_RDONLY), *handles]):
        os.dup2(handle, number)
    os.chdir(cwd)
    os.environ.update(env)
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
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]))
    else:
        sys.exit(run(sys.argv[1:], Path.cwd(), os.environ, [sys.executable], (sys.stdout, sys.stderr), os.environ))
