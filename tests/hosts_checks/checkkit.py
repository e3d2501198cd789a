# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the checks on real test hosts (tests/hosts) work with: hosts, fleets, Ansible."""

import atexit
import compileall
import functools
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apply
import pytest
from hostkit import fleets
from hostkit.shell import HostError
from preloaded import ansible_playbook

ROOT = Path(__file__).resolve().parents[2]
UNDER_TEST = "/root/under-test"
# For find: without the sizes of folders, which say what was in them for a moment, too.
EACH_FILE = "\\( -type d -printf '%p %m %u:%g d\\n' -o -printf '%p %m %u:%g %y %s %l\\n' \\)"
# Kills the first rpm that reinstalls packages for real, with whoever started it, once it has written so many bytes.
# Python on the host because it must see a transaction that lasts a fraction of a second; its own progress says when.
KILL_RPM = """
import os, signal, sys, time

def transactions():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/cmdline" % entry, "rb") as handle:
                    words = handle.read().split(bytes(1))
            except OSError:
                continue
            if words[0] == b"rpm" and {b"--reinstall", b"-U"} & set(words) and b"--test" not in words:
                yield int(entry)

def read(pid, name, key):
    with open("/proc/%d/%s" % (pid, name)) as handle:
        return int(next(line.split()[1] for line in handle if line.startswith(key + ":")))

def lie_in_wait(written):
    while not os.path.exists("/root/kill-no-more"):
        for pid in transactions():
            try:
                if read(pid, "io", "wchar") >= written:
                    starter = read(pid, "status", "PPid")
                    os.kill(pid, signal.SIGKILL)
                    os.kill(starter, signal.SIGKILL)
                    return True
            except (OSError, StopIteration):
                continue
        time.sleep(0.0005)
    return False

open("/root/lies-in-wait", "w").close()
killed = lie_in_wait(int(sys.argv[1]))
open("/root/killed" if killed else "/root/killed-nothing", "w").close()
"""


def keep(content: str, dest: Path) -> dict[str, Any]:
    """Return a task that writes a template's text to a file on the controller (action_plugins/keep.py)."""
    return {"keep": {"content": content, "dest": str(dest)}}


@functools.cache
def under_test() -> Path:
    """Return a folder with the driver and what it drives, compiled for those hosts whose driver runs under 3.11."""
    folder = Path(tempfile.mkdtemp(prefix="under-test-"))
    atexit.register(shutil.rmtree, folder)
    code = folder / "ansible_collections/fleet/system_python/plugins/module_utils"
    shutil.copytree(ROOT / "plugins/module_utils", code, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "tests/hosts_checks/driver.py", folder)
    compileall.compile_dir(code, quiet=1)
    return folder


@dataclass
class Done:
    """What a command left behind."""

    rc: int
    out: str
    err: str


class Host:
    """One test host."""

    def __init__(self, name: str, image: str) -> None:
        self.name = name
        self.image = image

    def run(self, command: str, stdin: bytes | None = None, timeout: float = 300) -> Done:
        """Run a shell command on the host as root; never raises for its exit code."""
        argv = ["docker", "exec", *(["-i"] if stdin is not None else []), self.name, "sh", "-c", command]
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, check=False)
        out, err = done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="replace")
        return Done(done.returncode, out, err)

    def check(self, command: str, timeout: float = 300) -> str:
        """Run a shell command that must succeed and return its output."""
        done = self.run(command, timeout=timeout)
        assert done.rc == 0, f"{self.name}: {command}: rc {done.rc}\n{done.out}\n{done.err}"
        return done.out

    def wait(self, condition: str, seconds: int = 60) -> None:
        """Wait until a shell condition holds."""
        self.check(f"for try in $(seq {5 * seconds}); do {{ {condition}; }} && exit 0; sleep 0.2; done; exit 1")

    def put(self, path: str, data: bytes) -> None:
        """Write a file on the host."""
        done = self.run(f"cat > {shlex.quote(path)}", stdin=data)
        assert done.rc == 0, done.err

    def install(self) -> None:
        """Copy the driver, and what it drives, onto the host."""
        command = ["docker", "cp", "-q", f"{under_test()}/.", f"{self.name}:{UNDER_TEST}"]
        subprocess.run(command, check=True, capture_output=True)

    def drive(self, what: str, python: str = "python3.11", **options: Any) -> tuple[int, dict[str, Any]]:
        """Run the driver (audit, predict, repair) on the host and return its exit code and what it printed."""
        command = f"{python} -I -B {UNDER_TEST}/driver.py {UNDER_TEST} {what} {shlex.quote(json.dumps(options))}"
        done = self.run(command)
        if not done.out.startswith("{"):
            return done.rc, {"output": done.out + done.err}
        loaded: dict[str, Any] = json.loads(done.out)
        return done.rc, loaded

    def restart(self) -> None:
        """Restart the container: what a reboot is here."""
        subprocess.run(["docker", "restart", "-t", "1", self.name], check=True, capture_output=True)
        if self.image.endswith("booted"):
            self.wait("systemctl is-system-running 2>/dev/null | grep -qxE 'running|degraded'")

    def tamper(self, name: str) -> None:
        """Break the host by the data of tests/tampering."""
        apply.apply(self.name, name)

    def kill_rpm(self, written: int) -> None:
        """Lie in wait for the next rpm transaction; kill it and who started it when it has written so many bytes."""
        self.check("rm -f /root/killed* /root/kill-no-more /root/lies-in-wait")
        self.put("/root/kill.py", KILL_RPM.encode())
        self.check(f"python3.11 -I -S -B /root/kill.py {written} >/root/kill.log 2>&1 &")
        self.wait("[ -e /root/lies-in-wait ]")

    def killed_rpm(self) -> bool:
        """Stop lying in wait, and tell whether a transaction was killed."""
        self.check("touch /root/kill-no-more")
        self.wait("[ -e /root/killed ] || [ -e /root/killed-nothing ]")
        return self.run("[ -e /root/killed ]").rc == 0

    def listing(self) -> str:
        """Return mode, owner, link target and digest of every file in the folders that matter: to prove no change."""
        return self.check(
            f"find /usr /etc/alternatives /var/lib/alternatives -xdev {EACH_FILE} | sort;"
            "find /usr/bin -xdev -name '*python*' -type f -exec sha256sum {} + | sort;"
            "find /var/lib/fleet.system_python 2>&1; true"
        )


class Fleet:
    """Hosts of one test file, with the repository that serves them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fleet = fleets.Fleet(name)
        self.hosts: dict[str, Host] = {}

    def up(self, image: str, name: str | None = None, options: tuple[str, ...] = ()) -> Host:
        """Start a fresh host from an image (C(rhel9), C(sles15)) or a snapshot (C(rhel9@NAME))."""
        short = name or f"{image.partition('@')[0]}-{uuid.uuid4().hex[:6]}"
        try:
            fleets.up(self.fleet, [fleets.parse_host(f"{short}={image}")], options)
        except HostError as error:
            if "not available" in str(error):
                pytest.skip(str(error))
            raise
        host = Host(f"fsp-{self.name}-{short}", image.partition("@")[0])
        self.hosts[short] = host
        return host

    def snapshot(self, name: str) -> None:
        """Keep what a host has on its disk now, for C(up("IMAGE@NAME"))."""
        fleets.snapshot(self.fleet, name)

    def start(self, image: str, *options: str) -> Host:
        """Start a host with further options of docker run (mounts, capabilities)."""
        return self.up(image, options=options)

    def drop(self, host: Host) -> None:
        """Remove one host."""
        subprocess.run(["docker", "rm", "-f", "-v", host.name], check=True, capture_output=True)
        self.hosts = {name: other for name, other in self.hosts.items() if other is not host}

    def down(self) -> None:
        """Remove all of it."""
        fleets.down(self.fleet, [])


class Ansible:
    """ansible-playbook and ansible, on hosts of the fleet."""

    # A task takes one execution in a container, not five; test_installed.py runs as users have it by default.
    pipelining = True
    core = os.environ.get("SYSTEM_PYTHON_CORE", "")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def inventory(self, *hosts: Host) -> Path:
        """Write an inventory of the hosts."""
        path = self.folder / "inventory.json"
        variables = {"ansible_connection": "community.docker.docker", "ansible_pipelining": self.pipelining}
        data = {"all": {"vars": variables, "hosts": {h.name: {} for h in hosts}}}
        path.write_text(json.dumps(data))
        return path

    def _run(self, argv: list[str]) -> Done:
        environment = dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default", ANSIBLE_FORCE_COLOR="0")
        program, *arguments = argv
        if program == "ansible-playbook":
            return Done(*ansible_playbook(arguments, self.folder, environment, self.core))
        done = subprocess.run(argv, capture_output=True, text=True, env=environment, cwd=self.folder, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def playbook(self, play: Sequence[Mapping[str, Any]] | str, *hosts: Host, arguments: tuple[str, ...] = ()) -> Done:
        """Run a play (data) or a playbook of the collection (its name) on the hosts."""
        name = play
        if not isinstance(play, str):
            path = self.folder / "play.json"
            path.write_text(json.dumps(play))
            name = str(path)
        return self._run(["ansible-playbook", "-i", str(self.inventory(*hosts)), str(name), *arguments])

    def module(
        self, name: str, host: Host, options: Mapping[str, Any] | None = None, check: bool = False
    ) -> dict[str, Any]:
        """Run one module after first aid and return its result, a failure too (then C(failed) is true)."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        play = [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [
                    {"ansible.builtin.include_role": {"name": "fleet.system_python.python_first_aid"}},
                    {f"fleet.system_python.{name}": dict(options or {}), "register": "result", "ignore_errors": True},
                    keep("{{ result | to_json }}", result),
                ],
            }
        ]
        done = self.playbook(play, host, arguments=("--check",) if check else ())
        assert result.exists(), done.out + done.err
        loaded: dict[str, Any] = json.loads(result.read_text())
        return loaded
