# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the blast radius: hand-made hosts with real files, links and processes, and recorded answers of rpm."""

import os
import shutil
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._usage import read as usage_read
from ansible_collections.fleet.system_python.plugins.module_utils._usage.places import Places, words_of_process
from ansible_collections.fleet.system_python.plugins.module_utils._usage.read import Reader, exec_lines
from ansible_collections.fleet.system_python.plugins.module_utils._usage.records import Dependent, Dependents
from ansible_collections.fleet.system_python.plugins.module_utils._usage.run import (
    Question,
    dependents_of,
    summarize,
)
from ansible_collections.fleet.system_python.plugins.module_utils._usage.sources import KINDS

EXECUTABLE = 0o755
ALL = ["redirected", "overwritten", "gone"]
PINNED = ["overwritten", "gone"]


def write(path: str, text: str = "", mode: int = 0o644) -> str:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
    os.chmod(path, mode)
    return path


class World:
    """A host below a folder, with a system Python 3.9 that is a copy of sh."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.bin = root + "/usr/bin"
        self.local = root + "/usr/local/bin"
        os.makedirs(self.bin)
        os.makedirs(self.local)
        os.makedirs(root + "/proc")
        shutil.copy("/bin/sh", self.bin + "/python3.9")
        os.symlink("python3.9", self.bin + "/python3")
        os.makedirs(root + "/usr/libexec")
        os.symlink(self.bin + "/python3.9", root + "/usr/libexec/platform-python")
        self.contract = contract_for({"ID": "rhel", "VERSION_ID": "9.7"})
        changes: t.Any = {
            "binaries": [{"path": self.bin + "/python3.9", "package": "python3", "twins": []}],
            "links": [
                {"path": self.bin + "/python3", "target": "python3.9", "package": "python3"},
                {
                    "path": root + "/usr/libexec/platform-python",
                    "target": self.bin + "/python3.9",
                    "package": "python3",
                },
            ],
        }
        self.contract.update(changes)
        self.path = (self.local, self.bin)
        self.places = Places(
            commands=(self.bin, self.local),
            deep=(root + "/usr/libexec",),
            units=(root + "/etc/units", root + "/usr/lib/units"),
            crontabs=(root + "/etc/crontab", root + "/etc/cron.d/*"),
            spools=(root + "/spool/*",),
            anacrontabs=(root + "/etc/anacrontab",),
            cron_scripts=(root + "/etc/cron.daily/*",),
            proc=root + "/proc",
        )

    def reader(self) -> Reader:
        return Reader(self.contract, self.path)

    def ask(self, runner: t.Any = None, clock: t.Any = None, **question: t.Any) -> Dependents:
        asked = Question(places=self.places, path=self.path, **question)
        more = {"clock": clock} if clock else {}
        return dependents_of(self.contract, asked, runner or said(""), **more)

    def found(self, kind: str, **question: t.Any) -> t.List[Dependent]:
        answer = self.ask(kinds=(kind,), **question)
        # The database of the machine that runs the tests is not asked.
        return answer["dependents"]


def said(answer: str) -> t.Callable[..., Completed]:
    """Return an rpm that has this answer to --whatrequires and owns the file whose name begins with tool."""

    def run(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        if "--whatrequires" in argv:
            return Completed(tuple(argv), 0, answer, "", False)
        if "-f" in argv:
            out = ""
            for path in argv[argv.index("--qf") + 2 :]:
                owned = os.path.basename(path).startswith("tool")
                owner = "\x1dtools\x1f0\x1f1\x1f1\x1fnoarch\x1e'tools'\x1f\x1c"
                out += owner if owned else "file {0} is not owned by any package\n".format(path)
            return Completed(tuple(argv), 0, out, "", False)
        return Completed(tuple(argv), 0, "bash\n", "", False)

    return run


@pytest.fixture
def world(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> World:
    module = "ansible_collections.fleet.system_python.plugins.module_utils._rpm.asker.database_folder"
    monkeypatch.setattr(module, lambda *_places: "/var/lib/rpm")
    return World(os.path.realpath(str(tmp_path)))


def told(dependents: t.Iterable[Dependent]) -> t.List[t.Tuple[str, str, str]]:
    return [(one["name"], os.path.basename(one["interpreter"] or ""), one["how"]) for one in dependents]


# --- names of the interpreter ----------------------------------------------------------------------------------------


def test_only_who_goes_over_the_link_breaks_when_it_is_redirected(world: World) -> None:
    reader = world.reader()
    assert {os.path.basename(name): reader.breaks_by(name) for name in reader.names} == {
        "python3": ALL,
        "platform-python": PINNED,
        "python3.9": PINNED,
    }


def test_where_the_link_is_a_group_s_it_is_a_name_all_the_same(world: World) -> None:
    world.contract["links"] = world.contract["links"][1:]
    reader = Reader(world.contract)
    assert (reader.link, reader.breaks_by("/usr/bin/python3")) == ("/usr/bin/python3", ALL)
    assert reader.breaks_by(world.root + "/usr/libexec/platform-python") == PINNED


def test_the_first_name_on_the_way_counts_and_a_redirected_link_keeps_its_name(world: World) -> None:
    os.symlink(world.bin + "/python3", world.local + "/snake")
    assert world.reader().name_of(world.local + "/snake") == world.bin + "/python3"
    os.unlink(world.bin + "/python3")
    write(world.local + "/python3.13", "impostor", EXECUTABLE)
    os.symlink(world.local + "/python3.13", world.bin + "/python3")
    reader = world.reader()
    assert reader.name_of(world.bin + "/python3") == world.bin + "/python3"
    assert reader.name_of(world.local + "/snake") == world.bin + "/python3"
    assert reader.name_of(world.local + "/python3.13") is None
    assert reader.name_of("/x" * 9000) is None
    assert reader.name_of("/nul\0byte") is None


# --- commands --------------------------------------------------------------------------------------------------------


def test_commands_are_found_by_their_first_line(world: World) -> None:
    lines = {
        "pinned": "#!{0}/python3.9".format(world.bin),
        "flags": "#! {0}/python3 -Es".format(world.bin),
        "env": "#!/usr/bin/env python3",
        "split": "#!/usr/bin/env -S PYTHONWARNINGS=x python3.9 -I",
        "unset": "#!/usr/bin/env -u HOME -i python3",
        "platform": "#!{0}/usr/libexec/platform-python".format(world.root),
        "shell": "#!/bin/sh",
        "other": "#!/usr/bin/env python3.13",
        "odd": "#!",
        "text": "python3",
    }
    for name, line in lines.items():
        write(world.bin + "/" + name, line + "\nimport os\n", EXECUTABLE)
    write(world.bin + "/data", lines["pinned"])
    os.mkfifo(world.bin + "/fifo")
    found = world.found("command")
    assert told(found) == [
        ("env", "python3", "env"),
        ("flags", "python3", "shebang"),
        ("pinned", "python3.9", "shebang"),
        ("platform", "platform-python", "shebang"),
        ("split", "python3.9", "env"),
        ("unset", "python3", "env"),
    ]
    assert {one["name"]: one["breaks"] for one in found}["pinned"] == PINNED
    assert {one["name"]: one["breaks"] for one in found}["env"] == ALL
    assert next(one["detail"] for one in found if one["name"] == "flags") == "#!" + lines["flags"][2:].strip()


def test_links_to_commands_and_to_the_interpreter(world: World) -> None:
    write(world.bin + "/dnf-3", "#!{0}/python3.9\n".format(world.bin), EXECUTABLE)
    os.symlink("dnf-3", world.bin + "/dnf")
    os.symlink(world.bin + "/python3", world.local + "/py")
    os.symlink("nowhere", world.bin + "/broken")
    os.symlink("round", world.bin + "/round")
    found = world.found("command")
    assert told(found) == [
        ("dnf", "python3.9", "shebang"),
        ("dnf-3", "python3.9", "shebang"),
        ("py", "python3", "link"),
    ]
    assert found[0]["via"] == world.bin + "/dnf-3"


def test_more_folders_are_searched_below(world: World) -> None:
    write(world.root + "/opt/tools/lib/deep/tool", "#!/usr/bin/env python3\n", EXECUTABLE)
    write(world.root + "/usr/libexec/app/helper", "#!/usr/bin/env python3\n", EXECUTABLE)
    os.symlink(world.root + "/opt", world.root + "/opt/tools/round")
    assert told(world.found("command")) == [("helper", "python3", "env")]
    more = world.found("command", folders=(world.root + "/opt/tools", "/nowhere"))
    assert [(one["name"], one["owner"]) for one in more] == [("tool", "tools"), ("helper", None)]


def test_what_path_has_before_it_is_told(world: World) -> None:
    write(world.bin + "/tool", "#!/usr/bin/env python3\n", EXECUTABLE)
    write(world.local + "/python3", "impostor", EXECUTABLE)
    (one,) = world.found("command")
    assert (one["interpreter"], one["shadowed_by"]) == (world.bin + "/python3", world.local + "/python3")
    assert "PATH has {0}/python3 before it".format(world.local) in summarize(world.ask(kinds=("command",)))[-1]


# --- units and cron --------------------------------------------------------------------------------------------------


def test_units_that_start_it_by_name_by_a_command_or_by_a_script(world: World) -> None:
    tool = write(world.bin + "/tool", "#!{0}/python3.9 -Es\n".format(world.bin), EXECUTABLE)
    wrap = write(world.local + "/wrap", "#!/bin/sh\n# python3.9\nexec python3 -m app\n", EXECUTABLE)
    folder = world.root + "/usr/lib/units/"
    write(folder + "a.service", "[Service]\nExecStart=-@{0}/python3 app -m app\n".format(world.bin))
    write(folder + "b.service", "[Service]\nExecStart={0} run\nExecStartPost=tool post\n".format(tool))
    write(folder + "c.service", "[Service]\nExecStart=/bin/true \\\n# no\n  {0}\nExecStop=/bin/false\n".format(wrap))
    write(folder + "d.service", "[Service]\nExecStart=/bin/sh -c 'cd /srv && exec python3.9 x.py'\n")
    write(folder + "e.service", "[Service]\nExecStart=/usr/bin/printf python3\n;ExecStop={0}\n".format(tool))
    write(folder + "f.service.d/10.conf", "[Service]\nExecStartPre=!!{0} -T\n".format(tool))
    found = world.found("unit")
    assert [(one["unit"], os.path.basename(one["interpreter"] or ""), one["how"], one["detail"]) for one in found] == [
        ("a.service", "python3", "names", "ExecStart"),
        ("b.service", "python3.9", "command", "ExecStart"),
        ("c.service", "python3", "script", "ExecStart"),
        ("d.service", "python3.9", "names", "ExecStart"),
        ("f.service", "python3.9", "command", "ExecStartPre"),
    ]
    assert [one["via"] for one in found] == [None, tool, wrap, None, tool]


def test_a_unit_that_is_masked_or_overridden_does_not_count(world: World) -> None:
    for name in ("masked", "replaced", "kept"):
        write(world.root + "/usr/lib/units/{0}.service".format(name), "ExecStart={0}/python3\n".format(world.bin))
    os.makedirs(world.root + "/etc/units")
    os.symlink("/dev/null", world.root + "/etc/units/masked.service")
    write(world.root + "/etc/units/replaced.service", "ExecStart=/bin/true\n")
    assert [one["name"] for one in world.found("unit")] == ["kept.service"]


def test_exec_lines_are_read_as_systemd_does() -> None:
    text = "ExecStart=+/a \\\n; comment\n# no\n b\\\n c\n#ExecStop=/x\n ExecReload = :/d\nEnvironment=ExecStart=/y\n"
    assert [(name, line.split()) for name, line in exec_lines(text)] == [
        ("ExecStart", ["/a", "b", "c"]),
        ("ExecReload", ["/d"]),
    ]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("python3 x", ["python3"]),
        ("A=1 B='2 3' python3.9", ["python3.9"]),
        ("cd /x; python3", ["python3"]),
        ("cd /x&&python3.9", ["python3.9"]),
        ("sudo -u app nice -n 10 python3 x", ["python3"]),
        ("timeout 30 flock -n /run/x.lock python3 x", ["python3"]),
        ("x=$(python3 -V)", ["python3"]),
        ("if python3; then python3.9; fi", ["python3", "python3.9"]),
        ("sh -c 'echo; python3'", ["python3"]),
        ('bash -lc "python3"', []),
        ("echo python3", []),
        ("dnf install python3", []),
        ("echo x >/bin/python3x python3", []),
        ('"unbalanced python3', []),
        ("python3.13 x", []),
        ("./python3", []),
        ("", []),
    ],
)
def test_commands_of_a_line(world: World, line: str, names: t.List[str]) -> None:
    assert [os.path.basename(one.interpreter) for one in world.reader().in_text(line)] == names


def test_cron_lines_and_scripts(world: World) -> None:
    write(world.bin + "/tool", "#!/usr/bin/env python3\n", EXECUTABLE)
    job = write(world.root + "/opt/my job.py", "#!{0}/python3.9\n".format(world.bin), EXECUTABLE)
    etc = world.root + "/etc/"
    write(etc + "crontab", "PATH=/bin\n# 1 2 3 4 5 root python3\n*/5 0-4 * jan mon-fri\troot\t'{0}' -x\n".format(job))
    write(etc + "cron.d/odd\nname", "@reboot app sleep 1; tool\n@daily python3 true\n")
    write(etc + "anacrontab", "1 5 backup nice python3 /x\nSHELL=/bin/sh\n")
    write(world.root + "/spool/root", "0 1 * * * python3.9 -m x % python3\n")
    write(etc + "cron.daily/script", "#!/usr/bin/env python3\n", EXECUTABLE)
    write(etc + "cron.daily/shell", "#!/bin/sh\ntool && true\n", EXECUTABLE)
    write(etc + "cron.daily/off", "#!/usr/bin/env python3\n")
    found = world.found("cron")
    assert [(one["name"], one["how"], one["detail"].split("env ")[-1]) for one in found] == [
        ("anacrontab", "names", "line 1"),
        ("odd\nname", "command", "line 1"),
        ("script", "env", "python3"),
        ("shell", "script", "python3"),
        ("crontab", "command", "line 3"),
        ("root", "names", "line 1"),
    ]
    assert [one["via"] for one in found if one["name"] in ("script", "crontab")] == [None, job]
    lines = summarize(world.ask(kinds=("cron",)))
    assert not any("\n" in line for line in lines)
    assert any("cron.d/odd\\nname" in line for line in lines)


# --- processes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(world: World) -> t.Iterator[t.Callable[..., "subprocess.Popen[bytes]"]]:
    made: t.List["subprocess.Popen[bytes]"] = []
    world.places = world.places._replace(proc="/proc")

    def start(*words: str) -> "subprocess.Popen[bytes]":
        # The copy of sh reads its commands from a pipe that stays open, so it runs until it is killed.
        made.append(subprocess.Popen(list(words), executable=world.bin + "/python3.9", stdin=subprocess.PIPE))
        # It may not have its command line yet, and a busy machine can leave it so for long.
        while not words_of_process("/proc/{0}".format(made[-1].pid))[0]:
            assert made[-1].poll() is None
        return made[-1]

    yield start
    for one in made:
        one.kill()
        one.communicate()


def test_running_processes(world: World, started: t.Any) -> None:
    by_link = started(world.bin + "/python3", "/dev/stdin")
    pinned = started(world.bin + "/python3.9", "-s")
    found = {one["name"]: one for one in world.found("process")}
    assert set(found) == {str(by_link.pid), str(pinned.pid)}
    assert found[str(by_link.pid)]["interpreter"] == world.bin + "/python3"
    assert found[str(by_link.pid)]["via"] == "/dev/stdin"
    assert found[str(by_link.pid)]["breaks"] == ALL
    assert found[str(pinned.pid)]["interpreter"] == world.bin + "/python3.9"
    assert [one["needs_restart"] for one in found.values()] == [False, False]


def test_a_process_whose_file_was_replaced_needs_a_restart(world: World, started: t.Any) -> None:
    process = started(world.bin + "/python3.9", "-s")
    shutil.copy("/bin/sh", world.bin + "/new")
    os.rename(world.bin + "/new", world.bin + "/python3.9")
    (one,) = world.found("process")
    assert (one["name"], one["path"], one["needs_restart"]) == (str(process.pid), world.bin + "/python3.9", True)
    answer = world.ask(kinds=("process",))
    assert answer["needs_restart"] == [one["unit"] or one["name"]]
    told_so = [line for line in summarize(answer) if line.startswith("to be restarted")]
    assert len(told_so) == 1
    assert one["unit"] or told_so[0].endswith(": process " + one["name"])
    os.unlink(world.bin + "/python3.9")
    assert [one["needs_restart"] for one in world.found("process")] == [True]


def test_a_process_of_a_file_that_was_moved_away_needs_a_restart(world: World, started: t.Any) -> None:
    started(world.bin + "/python3", "-s")
    os.rename(world.bin + "/python3.9", world.bin + "/python3.9.old")
    shutil.copy("/bin/sh", world.bin + "/python3.9")
    (one,) = world.found("process")
    assert (one["interpreter"], one["needs_restart"]) == (world.bin + "/python3", True)


def recorded(world: World, pid: str, *words: str) -> str:
    """Write what the kernel tells of a process that runs the interpreter, and return its folder."""
    folder = world.root + "/proc/" + pid
    write(folder + "/cmdline", "\0".join(words) + "\0")
    write(folder + "/cgroup", "0::/system.slice/web@a.service\n")
    os.symlink(world.bin + "/python3.9", folder + "/exe")
    return folder


def test_a_process_that_just_starts_is_known_by_its_command_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = recorded(world, "77")
    moved = shutil.copy("/bin/sh", world.root + "/python3.9.old")
    os.unlink(folder + "/exe")
    os.symlink(moved, folder + "/exe")
    write(folder + "/cmdline")
    pauses: t.List[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert (world.found("process"), len(pauses)) == ([], 2)
    monkeypatch.setattr(time, "sleep", lambda _pause: write(folder + "/cmdline", world.bin + "/python3\0"))
    assert told(world.found("process")) == [("77", "python3", "runs")]
    write(folder + "/cmdline")
    os.unlink(folder + "/exe")
    assert world.found("process") == []


def test_secrets_of_a_command_line_stay_on_the_host(world: World) -> None:
    recorded(world, "77", world.bin + "/python3.9", "-s", "/srv/app.py", "--password", "Hunter2-x", "plain-hunter2")
    answer = world.ask(kinds=("process",))
    (one,) = answer["dependents"]
    assert (one["name"], one["unit"], one["via"]) == ("77", "web@a.service", "/srv/app.py")
    assert "-s" in one["detail"]
    assert "unter2" not in repr(answer) + "".join(summarize(answer))


def test_a_process_of_an_impostor_is_to_be_restarted_once_the_link_is_back(world: World) -> None:
    impostor = shutil.copy("/bin/sh", world.local + "/python3.13")
    folder = recorded(world, "8", world.bin + "/python3", "/srv/app.py")
    os.unlink(folder + "/exe")
    os.symlink(impostor, folder + "/exe")
    os.unlink(world.bin + "/python3")
    os.symlink(impostor, world.bin + "/python3")
    (one,) = world.found("process")
    assert (one["path"], one["interpreter"], one["needs_restart"]) == (impostor, world.bin + "/python3", False)
    os.unlink(world.bin + "/python3")
    os.symlink("python3.9", world.bin + "/python3")
    assert [one["needs_restart"] for one in world.found("process")] == [True]


def test_a_name_that_leads_in_a_circle_hides_nothing(world: World) -> None:
    recorded(world, "8", world.bin + "/python3", "/srv/app.py")
    os.unlink(world.bin + "/python3")
    os.symlink("python3", world.bin + "/python3")
    answer = world.ask(kinds=("process",))
    assert answer["reasons"] == []
    assert [(one["interpreter"], one["needs_restart"]) for one in answer["dependents"]] == [
        (world.bin + "/python3", False)
    ]


def test_who_runs_the_packaged_binary_is_not_to_be_restarted_under_another(world: World) -> None:
    recorded(world, "8", world.bin + "/python3", "/srv/app.py")
    os.unlink(world.bin + "/python3")
    os.symlink(shutil.copy("/bin/sh", world.local + "/python3.13"), world.bin + "/python3")
    answer = world.ask(kinds=("process",))
    assert (answer["needs_restart"], answer["breaks"]["redirected"]["process"]) == ([], 1)
    assert not any(line.startswith("to be restarted") for line in summarize(answer))


def test_a_bare_name_alone_tells_nothing(world: World) -> None:
    other = shutil.copy("/bin/sh", world.root + "/python3.13")
    folder = recorded(world, "9", "python3", "/srv/app.py")
    os.unlink(folder + "/exe")
    os.symlink(other, folder + "/exe")
    assert world.found("process") == []
    os.unlink(world.bin + "/python3")
    os.symlink(other, world.bin + "/python3")
    assert told(world.found("process")) == [("9", "python3", "runs")]


def test_processes_of_a_container_are_not_the_host_s(world: World) -> None:
    recorded(world, "1", world.bin + "/python3.9")
    os.symlink(world.root, recorded(world, "2", world.bin + "/python3.9") + "/root")
    recorded(world, "3")
    recorded(world, "4", "python3", "x")
    os.symlink("/proc/5/gone", write(world.root + "/proc/5/cmdline")[: -len("cmdline")] + "exe")
    found = world.found("process")
    assert told(found) == [("1", "python3.9", "runs"), ("3", "python3.9", "runs"), ("4", "python3", "runs")]


def test_the_search_itself_is_no_dependent(world: World) -> None:
    world.places = world.places._replace(proc="/proc")
    world.contract["binaries"][0]["path"] = os.path.realpath(sys.executable)
    assert str(os.getpid()) not in [one["name"] for one in world.found("process")]


# --- packages --------------------------------------------------------------------------------------------------------


def needing(name: str, *needs: str) -> str:
    rows = ""
    for need in needs:
        what, how, which = (need.split(" ") + ["", ""])[:3]
        rows += "'{0}'\x1f{1}\x1f'{2}'\x1e".format(what, how and " {0} ".format(how), which)
    return "\x1d{0}\x1f0\x1f1\x1f1\x1fnoarch\x1e{1}\x1c".format(name, rows)


def test_packages_by_what_they_require(world: World) -> None:
    answer = (
        needing("by-abi", "python(abi) = 3.9", "bash")
        + needing("other-abi", "python(abi) = 3.11")
        + "no package requires libpython3.9.so.1.0\n"
        + needing("by-link", world.bin + "/python3", "python(abi) = 3.9")
        + needing("by-link", world.bin + "/python3", "python(abi) = 3.9")
        + needing("by-library", "libpython3.9.so.1.0()(64bit)")
        + needing("python3", "python3-libs = 3.9.2")
    )
    found = world.ask(said(answer), kinds=("package",))
    assert [(one["name"], one["interpreter"], one["breaks"], one["detail"]) for one in found["dependents"]] == [
        ("by-abi", None, PINNED, "python(abi) = 3.9"),
        ("by-library", None, ["gone"], "libpython3.9.so.1.0()(64bit)"),
        ("by-link", world.bin + "/python3", ALL, "{0}/python3, python(abi) = 3.9".format(world.bin)),
    ]
    assert found["breaks"]["redirected"]["package"] == 1
    assert "package by-abi: requires python(abi) = 3.9; breaks if overwritten, gone" in summarize(found)
    assert found["rpm_processes"] == 1


# --- the whole -------------------------------------------------------------------------------------------------------


def test_a_time_limit_gives_a_partial_answer_that_says_so(world: World) -> None:
    write(world.bin + "/tool", "#!/usr/bin/env python3\n", EXECUTABLE)
    ticks = iter(range(100000))
    whole = world.ask(clock=lambda: 0.0)
    assert (whole["partial"], whole["reasons"], whole["counts"]["command"]) == (False, [], 1)
    cut = world.ask(clock=lambda: float(next(ticks)), time_limit=6)
    assert (cut["partial"], cut["counts"]["command"]) == (True, 0)
    assert cut["reasons"] == [
        "command: not looked at to its end, the time limit of 6 s was over",
        "package: not looked at, the time limit of 6 s was over",
    ]
    none = world.ask(time_limit=0)
    assert [reason.split(":")[0] for reason in none["reasons"]] == ["unit", "cron", "process", "command", "package"]
    assert "not complete: command: not looked at, the time limit of 0 s was over" in summarize(none)
    assert none["rpm_processes"] == 0


def test_a_crontab_of_many_scripts_keeps_to_the_time_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: t.List[str] = []
    now = [0.0]

    def text(hops: t.Sequence[t.Mapping[str, t.Any]]) -> str:
        read.append(os.path.basename(hops[-1]["path"]))
        now[0] += 1.0
        return "true\n"

    for number in range(20):
        write(world.bin + "/job{0}".format(number), "#!/bin/sh\ntrue\n", EXECUTABLE)
    jobs = "".join("{0}/job{1}; ".format(world.bin, number % 20) for number in range(40))
    write(world.root + "/etc/cron.d/many", "* * * * * joe " + jobs + "\n")
    monkeypatch.setattr(usage_read, "_text", text)
    assert not world.ask(clock=lambda: now[0], kinds=("cron",), time_limit=60)["partial"]
    assert len(read) == 20
    del read[:]
    assert world.ask(clock=lambda: now[0], kinds=("cron",), time_limit=6)["partial"]
    assert len(read) == 6


def test_rpm_gets_only_the_time_that_is_left(world: World) -> None:
    given: t.List[float] = []
    now = [0.0]

    def slow(argv: t.Sequence[str], **options: t.Any) -> Completed:
        given.append(options["timeout"])
        return said("")(argv)

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    write(world.bin + "/tool", "#!/usr/bin/env python3\n", EXECUTABLE)
    world.ask(slow, clock=clock, time_limit=45)
    assert given == sorted(given, reverse=True)
    assert 0 < given[-1] < given[0] < 58


def test_a_limit_keeps_some_of_every_kind_and_counts_all(world: World) -> None:
    for number in range(20):
        write(world.bin + "/tool{0:02d}".format(number), "#!/usr/bin/env python3\n", EXECUTABLE)
        write(world.root + "/etc/cron.daily/job{0:02d}".format(number), "#!/usr/bin/env python3\n", EXECUTABLE)
    answer = world.ask(limit=10)
    kinds = [one["kind"] for one in answer["dependents"]]
    assert (kinds.count("cron"), kinds.count("command")) == (8, 2)
    assert (answer["counts"]["cron"], answer["counts"]["command"]) == (20, 20)
    assert (answer["left_out"], answer["partial"]) == (30, False)
    assert summarize(answer)[-1] == "30 more are not listed"


def test_what_rpm_cannot_tell_is_told(world: World) -> None:
    write(world.bin + "/tool", "#!/usr/bin/env python3\n", EXECUTABLE)

    def broken(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), 1, "", "error: rpmdb: damaged header\n", False)

    answer = world.ask(broken)
    assert [reason.split(":")[0] for reason in answer["reasons"]] == ["package", "owner"]
    assert [(one["name"], one["owner"]) for one in answer["dependents"]] == [("tool", None)]


def test_undecodable_names_pass_through(world: World) -> None:
    name = "tool\udcff \n$(id)"
    write(world.bin + "/" + name, "#!/usr/bin/env python3\n", EXECUTABLE)
    answer = world.ask(kinds=("command",))
    (one,) = answer["dependents"]
    assert one["name"] == "tool\\xff \\n$(id)"
    assert one["owner"] == "tools"
    assert answer["counts"] == {kind: int(kind == "command") for kind in KINDS}
