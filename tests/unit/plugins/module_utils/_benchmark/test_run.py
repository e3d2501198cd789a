# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole comparison: with made-up timings, and with real processes."""

import json
import os
import signal
import stat
import sys
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    InvalidDataError,
    PrivilegeError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark import run
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.run import (
    BaselineFailedError,
    benchmark,
    plan,
)
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.runners import (
    PyperfSource,
    RunnerUnusableError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.settings import Settings
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.stage import (
    InterruptedRunError,
    open_stage,
)
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.subjects import choose, note_vouchers
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.summary import (
    short_facts,
    summarize,
    summarize_plan,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import Account, unprivileged_account
from ansible_collections.fleet.system_python.plugins.module_utils._rights.confined import STRICT, Ended, run_confined
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import VerifyEntry
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import interpreter
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.package_database import FakeDatabase

OLD, NEW, ODD = "/usr/bin/env", "/usr/bin/id", "/usr/bin/tail"
# Not in pytest's own folder, which is root's alone.
PUBLIC = "/var/tmp"  # noqa: S108
RESULTS = {"nbody": "1", "words": "2"}
TOLD = {
    "version": "3.6.15",
    "implementation": "cpython",
    "build": "made up",
    "debug": False,
    "free_threaded": False,
    "optimized": True,
    "results": RESULTS,
}


class Timings:
    """Gives made-up timings instead of running anything; keeps what was asked for."""

    def __init__(self, seconds: t.Mapping[str, float], **answers: t.Any) -> None:
        self.seconds = seconds
        self.answers = answers
        self.calls = []  # type: t.List[t.List[str]]
        self.envs = []  # type: t.List[t.Mapping[str, str]]
        self.turn = 0

    def __call__(self, argv: t.Sequence[str], *others: t.Any) -> Ended:
        """See run_confined."""
        _account, _folder, env, _timeout, _limits = others
        self.calls.append(list(argv))
        self.envs.append(env)
        path = argv[0]
        if "import pyperf; print(pyperf.__version__)" in argv:
            return Ended(1, "", "No module named pyperf", 0.1, False)
        if "venv" in argv:
            return Ended(1, "", "No module named venv", 0.1, False)
        if "describe" in argv:
            given = self.answers.get("describe", {}).get(path, TOLD)
            return given if isinstance(given, Ended) else Ended(0, json.dumps(given), "", 0.1, False)
        if path in self.answers.get("ends", {}):
            ended = self.answers["ends"][path]
            return t.cast(Ended, ended)
        self.turn += 1
        taken = self.seconds[path] * (1 + 0.001 * (self.turn % 7))
        return Ended(0, json.dumps({"seconds": taken, "cpu_seconds": taken / 4}), "", taken, False)

    def measured(self) -> t.List[str]:
        """The interpreters in the order in which they were measured."""
        return [call[0] for call in self.calls if "run" in call]


@pytest.fixture(autouse=True)
def unvouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the package databases of the machine alone."""
    monkeypatch.setattr(run, "note_vouchers", lambda _subjects: None)


def settings(tmp_path: t.Any, **options: t.Any) -> Settings:
    given = {
        "interpreters": [NEW],
        "baseline": OLD,
        "workloads": ["nbody"],
        "scale": 0.001,
        "folder": str(tmp_path),
        "rounds": 7,
        "runner": "builtin",
    }  # type: t.Dict[str, t.Any]
    given.update(options)
    return Settings(**given)


def test_a_clear_difference_is_told(tmp_path: t.Any) -> None:
    found = benchmark(settings(tmp_path), Timings({OLD: 2.0, NEW: 1.0}))
    (workload,) = found["workloads"]
    baseline, other = workload["results"]
    assert (baseline["path"], baseline["ratio"], baseline["different"]) == (OLD, 1.0, None)
    assert len(baseline["times"]) == 7
    assert other["ratio"] == pytest.approx(0.5, rel=0.01)
    assert (other["different"], other["reason"]) == ("true", "faster")
    assert found["runner"] == {"name": "builtin", "version": None, "reason": "asked for"}
    assert os.listdir(str(tmp_path)) == []
    json.dumps(found)


def test_an_interpreter_against_another_name_of_itself_is_no_difference(tmp_path: t.Any) -> None:
    found = benchmark(settings(tmp_path), Timings({OLD: 1.0, NEW: 1.0}))
    assert found["workloads"][0]["results"][1]["different"] == "false"


def test_the_rounds_are_interleaved_and_rotate(tmp_path: t.Any) -> None:
    timings = Timings({OLD: 2.0, NEW: 1.0, ODD: 1.5})
    benchmark(settings(tmp_path, interpreters=[NEW, ODD], rounds=3, warmups=1), timings)
    warmup = [ODD, OLD, NEW]
    assert timings.measured() == warmup + [OLD, NEW, ODD] + [NEW, ODD, OLD] + [ODD, OLD, NEW]


def test_the_clock_may_be_the_processors(tmp_path: t.Any) -> None:
    found = benchmark(settings(tmp_path, clock="cpu", runner="auto"), Timings({OLD: 2.0, NEW: 1.0}))
    assert found["workloads"][0]["results"][0]["median"] == pytest.approx(0.5, rel=0.01)
    assert found["runner"]["reason"] == "pyperf measures no processor time"
    assert summarize(found)[0].startswith("ratios of processor times")


def test_warm_ups_are_not_counted(tmp_path: t.Any) -> None:
    timings = Timings({OLD: 2.0, NEW: 1.0})
    found = benchmark(settings(tmp_path, rounds=6, warmups=4), timings)
    assert len(timings.measured()) == 2 * 10
    assert len(found["workloads"][0]["results"][1]["times"]) == 6


def test_the_environment_is_clean(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    timings = Timings({OLD: 2.0, NEW: 1.0})
    benchmark(settings(tmp_path), timings)
    assert {tuple(sorted(env)) for env in timings.envs} == {("HOME", "LC_ALL", "PATH", "TMPDIR")}


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (Ended(1, "", "Killed by\x1b[31m me", 0.1, False), "exit code 1: Killed by\\x1b[31m me"),
        (Ended(-9, "", "", 0.1, False), "signal 9"),
        (Ended(-9, "", "", 5.0, True), "time limit"),
        (Ended(0, "hello", "", 0.1, False), "something else"),
        (Ended(0, '{"seconds": -1.0}', "", 0.1, False), "no timing"),
        (Ended(0, '{"seconds": Infinity}', "", 0.1, False), "something else"),
        (Ended(0, "[1]", "", 0.1, False), "something else"),
    ],
)
def test_one_that_fails_is_told_and_the_others_go_on(tmp_path: t.Any, ended: Ended, words: str) -> None:
    timings = Timings({OLD: 2.0, ODD: 1.0}, ends={NEW: ended})
    found = benchmark(settings(tmp_path, interpreters=[NEW, ODD]), timings)
    (workload,) = found["workloads"]
    assert [one["path"] for one in workload["results"]] == [OLD, ODD]
    assert words in workload["problems"][NEW]
    assert any(NEW in line and "not measured" in line for line in summarize(found))
    facts = t.cast(t.Dict[str, t.Dict[str, str]], short_facts(found))
    assert words in facts["problems"][NEW + " (nbody)"]
    assert timings.measured().count(NEW) == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Ended(127, "", "it cannot be started: Permission denied", None, False), "Permission denied"),
        (Ended(0, "3.15.2", "", 0.1, False), "something else"),
        ({"version": 3}, "something else"),
        (dict(TOLD, results={"nbody": "9", "words": "2"}), "it computes"),
    ],
)
def test_one_that_is_no_python_does_not_take_part(tmp_path: t.Any, told: t.Any, words: str) -> None:
    timings = Timings({OLD: 2.0, NEW: 1.0}, describe={NEW: told})
    found = benchmark(settings(tmp_path), timings)
    assert words in (found["interpreters"][1]["problem"] or "")
    assert NEW not in timings.measured()


def test_one_that_is_not_there_is_told(tmp_path: t.Any) -> None:
    found = benchmark(settings(tmp_path, interpreters=["/nowhere/python"]), Timings({OLD: 1.0}))
    assert found["interpreters"][1]["problem"] == "there is no such file"


@pytest.mark.parametrize("answers", [{"ends": {OLD: Ended(1, "", "no", 0.1, False)}}, {"describe": {OLD: {}}}])
def test_without_the_baseline_it_fails(tmp_path: t.Any, answers: t.Dict[str, t.Any]) -> None:
    with pytest.raises(BaselineFailedError, match="baseline /usr/bin/env cannot be measured"):
        benchmark(settings(tmp_path), Timings({OLD: 1.0, NEW: 1.0}, **answers))
    assert os.listdir(str(tmp_path)) == []


def test_a_script_that_fails_on_the_baseline_ends_only_its_own_row(tmp_path: t.Any) -> None:
    class NewSyntax(Timings):
        """The old interpreter does not know what is in the script."""

        def __call__(self, argv: t.Sequence[str], *others: t.Any) -> Ended:
            if argv[0] == OLD and any("script-own" in word for word in argv):
                return Ended(1, "", "SyntaxError", 0.1, False)
            return super().__call__(argv, *others)

    own = [{"name": "own", "content": "match 1:\n case _: pass\n"}]
    found = benchmark(settings(tmp_path, scripts=own), NewSyntax({OLD: 2.0, NEW: 1.0}))
    by_name = {workload["name"]: workload for workload in found["workloads"]}
    assert [one["path"] for one in by_name["nbody"]["results"]] == [OLD, NEW]
    assert by_name["own"]["results"] == []
    assert "SyntaxError" in by_name["own"]["problems"][OLD]
    assert by_name["own"]["problems"][NEW] == "the baseline gave no timing"
    assert any("not measured" in line and "SyntaxError" in line for line in summarize(found))


@pytest.mark.parametrize(
    "options",
    [
        {"rounds": 0},
        {"warmups": -1},
        {"scale": 0.0},
        {"tolerance": 2.0},
        {"workloads": []},
        {"workloads": ["sleep"]},
        {"workloads": ["nbody", "nbody"]},
        {"scripts": [{"name": "../x", "content": ""}]},
        {"scripts": [{"name": "nbody", "content": ""}]},
        {"scripts": [{"name": "mine", "path": "/nowhere/script.py"}]},
        {"interpreters": ["python3"]},
        {"interpreters": [NEW, NEW]},
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: t.Any, options: t.Dict[str, t.Any]) -> None:
    with pytest.raises(InvalidDataError):
        benchmark(settings(tmp_path, **options), Timings({OLD: 1.0, NEW: 1.0}))


def test_a_folder_that_is_not_there_is_an_error(tmp_path: t.Any) -> None:
    with pytest.raises(SystemPythonError, match="in the option 'folder'"):
        benchmark(settings(tmp_path, folder="/nowhere"), Timings({}))


def test_pyperf_that_nobody_has_is_told(tmp_path: t.Any) -> None:
    found = benchmark(settings(tmp_path, runner="auto"), Timings({OLD: 2.0, NEW: 1.0}))
    assert found["runner"]["name"] == "builtin"
    assert "has no pyperf" in found["runner"]["reason"]
    with pytest.raises(RunnerUnusableError, match="has no pyperf"):
        benchmark(settings(tmp_path, runner="pyperf"), Timings({OLD: 2.0, NEW: 1.0}))


def test_a_wheelhouse_without_pyperf_is_told(tmp_path: t.Any) -> None:
    options = {"runner": "auto", "pyperf": PyperfSource("/nowhere/wheels", False)}
    found = benchmark(settings(tmp_path, **options), Timings({OLD: 2.0, NEW: 1.0}))
    assert found["runner"]["name"] == "builtin"
    assert "pyperf cannot be installed for /usr/bin/env" in found["runner"]["reason"]


def test_the_plan_fails_where_the_run_would(tmp_path: t.Any) -> None:
    with pytest.raises(BaselineFailedError, match="no such file"):
        plan(settings(tmp_path, baseline="/nowhere/python"))


def test_the_plan_starts_nothing_and_counts(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "run_confined", None)
    planned = plan(settings(tmp_path, interpreters=[NEW, "/nowhere/python"], workloads=["nbody", "startup"]))
    assert planned["processes"] == 2 * (1 + 2 * 8)
    lines = summarize_plan(planned)
    assert "34 processes" in lines[0]
    assert any("/nowhere/python: there is no such file" in line for line in lines)
    assert os.listdir(str(tmp_path)) == []


# ---------------------------------------------------------------------------------------------------------------------
# With real processes


@pytest.fixture
def public(tmp_path: t.Any) -> t.Iterator[str]:
    """A folder that an unprivileged user reaches, too."""
    if os.geteuid() != 0:
        yield str(tmp_path)
        return
    with open_stage(PUBLIC, Account("nobody", 65534, 65534), 1, 0) as stage:
        yield stage.room("public")


def reachable(path: str) -> str:
    """Return a Python that the user nobody can start; the tests' own may be in root's home."""
    if os.geteuid() != 0:
        return sys.executable
    for one in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        argv = [one, "-c", ""]
        if os.access(one, os.X_OK) and run_confined(argv, unprivileged_account("nobody"), path, {}, 20).rc == 0:
            return one
    return pytest.skip("no Python here that the user nobody can start")


def test_real_interpreters(public: str) -> None:
    python = reachable(public)
    code = "import sys, os; assert sys.argv[1:] == ['a b'] and os.getcwd()[0] == '/'"
    found = benchmark(
        Settings(
            baseline=python,
            interpreters=[python],
            workloads=["nbody", "words", "files", "startup", "startup_isolated"],
            scripts=[{"name": "mine", "content": code, "arguments": ["a b"]}],
            scale=0.001,
            rounds=2,
            folder=public,
        )
    )
    assert [one["name"] for one in found["workloads"]] == [
        "nbody",
        "words",
        "files",
        "startup",
        "startup_isolated",
        "mine",
    ]
    assert all(len(one["results"][0]["times"]) == 2 for one in found["workloads"])
    assert found["interpreters"][0]["version"]
    assert os.listdir(public) == []


def test_a_process_is_confined(public: str) -> None:
    code = (
        "import json, os, sys; print(json.dumps([os.getuid(), os.getgroups(), dict(os.environ), os.getcwd(), "
        "sys.stdin.read(), os.nice(0), sorted(os.listdir('/proc/self/fd'))]))"
    )
    env = {"ONLY": "this", "LC_ALL": "C.UTF-8"}
    argv, nobody = [reachable(public), "-I", "-S", "-c", code], unprivileged_account("nobody")
    ended = run_confined(argv, nobody, public, env, 20, STRICT._replace(niceness=3))
    assert ended.rc == 0, ended
    user, groups, environ, folder, given, nice, descriptors = json.loads(ended.out)
    assert user != 0
    if os.geteuid() == 0:
        assert groups == []
    assert {name: environ[name] for name in env} == env
    assert set(environ) <= {"ONLY", "LC_ALL", "LC_CTYPE"}
    assert os.path.samefile(folder, public)
    assert given == ""
    assert nice >= 3
    assert len(descriptors) <= 4


def test_processor_time_is_the_childs(public: str) -> None:
    python, account = reachable(public), unprivileged_account("nobody")
    asleep = run_confined([python, "-I", "-S", "-c", "import time; time.sleep(1)"], account, public, {}, 20)
    assert asleep.seconds is not None
    assert asleep.seconds > 1
    assert 0 < asleep.cpu_seconds < asleep.seconds


def test_the_processor_s_time_is_taken_of_commands_too(public: str) -> None:
    python = reachable(public)
    options = settings(public, baseline=python, interpreters=[python], workloads=["startup"], rounds=2, clock="cpu")
    (timed,) = benchmark(options)["workloads"]
    assert all(0 < one < 60 for one in timed["results"][0]["times"])


def test_a_process_that_takes_too_long_is_killed_with_what_it_started(public: str) -> None:
    code = "import os, time; os.fork(); open(str(os.getpid()), 'w').close(); time.sleep(60)"
    begin = time.monotonic()
    ended = run_confined([reachable(public), "-I", "-S", "-c", code], unprivileged_account("nobody"), public, {}, 1.5)
    assert time.monotonic() - begin < 20
    assert ended.timed_out
    assert "time limit" in ended.problem()
    pids = os.listdir(public)
    assert len(pids) == 2
    time.sleep(0.2)
    assert not any(_runs(pid) for pid in pids)


def _runs(pid: str) -> bool:
    try:
        with open("/proc/{0}/stat".format(pid)) as stream:
            return stream.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_what_cannot_be_started_is_told() -> None:
    ended = run_confined(["/nowhere/python"], Account("x", os.geteuid() or 65534, 65534), "/", {}, 5)
    assert (ended.rc, ended.seconds) == (127, None)
    assert "No such file" in ended.problem()


def test_a_folder_that_it_may_not_enter_is_told(tmp_path: t.Any) -> None:
    ended = run_confined(["/usr/bin/env"], unprivileged_account("nobody"), str(tmp_path / "missing"), {}, 5)
    assert ended.seconds is None
    assert "it cannot be started: [Errno " in ended.problem()
    assert "missing" in ended.problem()


def test_roots_accounts_are_refused() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may choose a user")
    with pytest.raises(PrivilegeError, match="root's rights"):
        unprivileged_account("root")
    with pytest.raises(PrivilegeError, match="no user"):
        unprivileged_account("no-such-user-here")


def test_the_folder_is_removed_when_a_signal_ends_the_run(tmp_path: t.Any) -> None:
    account = Account("x", os.geteuid(), os.getegid())

    def interrupted() -> None:
        with open_stage(str(tmp_path), account, 5, 0) as stage:
            assert stat.S_IMODE(os.stat(stage.folder).st_mode) == 0o711
            stage.room("venv")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(InterruptedRunError, match="signal 15"):
        interrupted()
    assert os.listdir(str(tmp_path)) == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


# ---------------------------------------------------------------------------------------------------------------------
# Who takes part


def test_without_a_list_it_is_one_of_each_version() -> None:
    records = [
        interpreter("/usr/bin/python3", "3.9.2"),
        interpreter(os.path.realpath(OLD), "3.9.2"),
        interpreter(NEW, "3.11.2"),
        interpreter("/usr/local/bin/python3.11", "3.11.2"),
        interpreter("/usr/bin/python3-script", None, "it is a script"),
        interpreter(ODD, "3.13.5"),
    ]
    found = choose(None, OLD, lambda _folders: records)
    assert [subject["path"] for subject in found] == [OLD, NEW, ODD]


def test_the_baseline_comes_first_and_once() -> None:
    assert [subject["path"] for subject in choose([NEW, OLD], OLD)] == [OLD, NEW]


def test_who_vouches_is_noted() -> None:
    subjects = choose([NEW, ODD, "/usr/bin/none"], OLD)
    first, second = os.path.realpath(OLD), os.path.realpath(NEW)
    entry = VerifyEntry(second, "..5......", "", False, "", "")
    note_vouchers(subjects, FakeDatabase({first: "coreutils", second: "coreutils"}, [entry]))
    assert [(one["vouched_by"], one["owner"], one["verified"], one["note"]) for one in subjects] == [
        ("dpkg", "coreutils", True, None),
        (None, "coreutils", False, "coreutils owns it, but its content differs"),
        (None, None, False, "no package owns it"),
        (None, None, False, "there is no such file"),
    ]
