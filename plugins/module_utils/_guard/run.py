# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Install the guard on this host, or take it away without a trace, and its baseline."""

import hashlib
import os
import re
import stat
import tempfile
import typing as t

from .._audit.contract import Contract
from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import GuardError, SystemPythonError
from .._base.text import from_json
from .._disk.atomic import write_durably
from .._disk.files import read_bytes
from .._disk.host_mode import require_mutable
from .._disk.trees import remove_any
from .._rpm.database import Rpm
from .config import CONFIG, GuardSettings, render
from .units import Units, link_path, unit_files, unit_path

__all__ = ["CHECKER", "CONFIG", "METRICS", "Baseline", "Guard", "GuardOptions", "GuardResult"]

if t.TYPE_CHECKING:

    class Baseline(t.TypedDict):
        """The baseline: its SHA-256, and C(state): none, good, missing, altered, or differs after a comparison."""

        digest: t.Optional[str]
        state: str
        differences: t.NotRequired[t.List[object]]

    class GuardResult(t.TypedDict):
        """What was changed, as sentences, with a diff of each file; the baseline where the guard is to be there."""

        changed: bool
        changes: t.List[str]
        diff: t.List[t.Dict[str, str]]
        baseline: t.NotRequired[Baseline]

else:
    Baseline = GuardResult = dict

# Not on anybody's PATH, in no package's folder, and SELinux lets systemd start what lies here (bin_t).
CHECKER = "/usr/local/libexec/fleet.system_python/guard"
METRICS = "fleet_system_python_guard.prom"


class GuardOptions(t.NamedTuple):
    """What the user asks for; C(period) is in seconds."""

    settings: GuardSettings
    checker: bytes
    period: int = 900
    schedule: str = "timer"
    path_units: bool = True
    baseline: str = "unmanaged"
    baseline_digest: t.Optional[str] = None


class Guard:
    """The guard of this host. In check mode nothing is changed, and the result is what would be."""

    def __init__(self, check_mode: bool, runner: CommandRunner = run_command, units: t.Optional[Units] = None) -> None:
        self._check_mode = check_mode
        self._runner = runner
        self._units = units or Units(runner)
        self._changes: t.List[str] = []
        self._diff: t.List[t.Dict[str, str]] = []

    def install(self, contract: Contract, options: GuardOptions) -> GuardResult:
        """Bring the guard to this host. Raises NoServiceManagerError, CommandError or GuardError."""
        if options.schedule == "timer":
            self._units.require()
        # A contract that cannot be written is an error before anything is.
        render(contract, options.settings)
        baseline = self._baseline(contract, options)
        settings = options.settings._replace(baseline=baseline["digest"])
        require_mutable([CHECKER, CONFIG])
        self._forget_metrics(settings.metrics)
        self._write(CHECKER, options.checker, 0o755)
        self._write(CONFIG, _encoded(render(contract, settings)), 0o600)
        self._schedule(contract, options)
        if options.baseline == "compare":
            baseline = self._compare(contract, options, baseline)
        result = self._result()
        result["baseline"] = baseline
        return result

    def remove(self, metrics: t.Optional[str] = None) -> GuardResult:
        """Take the guard away, with its state; C(metrics) is their folder where the configuration is gone."""
        self._unschedule()
        self._forget_metrics(metrics)
        if metrics:
            self._delete(os.path.join(metrics, METRICS))
        state = self._configured("state") or GuardSettings().state
        for path in (CHECKER, CONFIG, state):
            self._delete(path)
        folder = os.path.dirname(CHECKER)
        for one in (folder, os.path.dirname(folder), os.path.dirname(CONFIG), os.path.dirname(state)):
            self._delete_empty(one)
        return self._result()

    def _result(self) -> GuardResult:
        return GuardResult(changed=bool(self._changes), changes=self._changes, diff=self._diff)

    # --- files -------------------------------------------------------------------------------------------------------

    def _write(self, path: str, content: bytes, mode: int) -> None:
        before = _read(path)
        if before == content and stat.S_IMODE(os.lstat(path).st_mode) == mode:
            return
        self._note_change("write " + path, path, before, content)
        if not self._check_mode:
            _make_folders(os.path.dirname(path))
            write_durably(path, content, mode)

    def _delete(self, path: str) -> None:
        if not os.path.lexists(path):
            return
        self._note_change("remove " + path, path, _read(path), b"")
        if not self._check_mode:
            remove_any(path)

    def _delete_empty(self, folder: str) -> None:
        """Remove a folder that this guard may have made: one that is empty and belongs to no package."""
        if self._check_mode or not os.path.isdir(folder) or os.listdir(folder):
            return
        # Neither was made by the guard.
        if os.path.islink(folder) or os.path.ismount(folder):
            return
        if not may_be_owned(folder, self._runner):
            os.rmdir(folder)

    def _note_change(self, what: str, path: str, before: t.Optional[bytes], after: bytes) -> None:
        self._changes.append(what)
        shown = (before or b"").decode("utf-8", "replace"), after.decode("utf-8", "replace")
        self._diff.append({"before_header": path, "after_header": path, "before": shown[0], "after": shown[1]})

    def _configured(self, key: str) -> t.Optional[str]:
        text = (_read(CONFIG) or b"").decode("utf-8", "surrogateescape")
        found = re.search("^{0}\t(.*)$".format(key), text, re.MULTILINE)
        return found.group(1) if found else None

    def _forget_metrics(self, folder: t.Optional[str]) -> None:
        """Remove the metrics where they are no longer to be written: they would stay as they are for ever."""
        former = self._configured("metrics")
        if former and former != folder:
            self._delete(os.path.join(former, METRICS))

    # --- systemd -----------------------------------------------------------------------------------------------------

    def _schedule(self, contract: Contract, options: GuardOptions) -> None:
        if options.schedule != "timer":
            self._unschedule()
            return
        wanted = unit_files(contract, CHECKER, options.period, options.path_units)
        if not options.path_units:
            self._unschedule(("path",))
        known = len(self._changes)
        for path, content in sorted(wanted.items()):
            self._write(path, content, 0o644)
        rewritten = len(self._changes) > known
        kinds = [kind for kind in ("timer", "path") if unit_path(kind) in wanted]
        idle = [kind for kind in kinds if rewritten or not self._units.active(kind)]
        if not idle:
            return
        self._changes.append("start the {0} of systemd".format(" and the ".join(idle)))
        if not self._check_mode:
            self._units.start(idle)

    def _unschedule(self, kinds: t.Sequence[str] = ("timer", "path", "service")) -> None:
        there = [kind for kind in kinds if os.path.lexists(unit_path(kind)) or os.path.lexists(link_path(kind))]
        running = bool(there) and self._units.available() and not self._check_mode
        if running:
            self._units.stop(there)
        for kind in there:
            if not os.path.lexists(unit_path(kind)):
                self._delete(link_path(kind))
            self._delete(unit_path(kind))
        if running:
            self._units.forget()

    # --- the baseline ------------------------------------------------------------------------------------------------

    def _baseline(self, contract: Contract, options: GuardOptions) -> Baseline:
        """Record what the host looks like, or forget it, if that is asked for."""
        path = os.path.join(options.settings.state, "baseline")
        digest = options.baseline_digest or self._configured("baseline")
        if options.baseline == "absent":
            self._delete(path)
            return Baseline(digest=None, state="none")
        if options.baseline != "record":
            return Baseline(digest=digest, state=_state_of(path, digest))
        now = self._ask_checker("baseline", contract, options).out.encode("utf-8", "surrogateescape")
        if now != _read(path):
            self._note_change("record the baseline " + path, path, _read(path), now)
            if not self._check_mode:
                _make_private(options.settings.state)
                write_durably(path, now, 0o600)
        return Baseline(digest=hashlib.sha256(now).hexdigest(), state="good")

    def _compare(self, contract: Contract, options: GuardOptions, baseline: Baseline) -> Baseline:
        sentences = {
            "none": "No baseline was recorded for this host. Record one with the option baseline set to record.",
            "missing": "The recorded baseline of this host is gone. Record it again when you know that the host is as "
            "it should be.",
            "altered": "The baseline on this host is not the one that was recorded: its SHA-256 is not {0}. Find out "
            "who altered it before you record a new one.".format(baseline["digest"]),
        }
        if baseline["state"] in sentences:
            raise GuardError(sentences[baseline["state"]], state=baseline["state"], digest=baseline["digest"])
        done = self._ask_checker("compare", contract, options, baseline["digest"])
        differences = [from_json(line) for line in done.out.splitlines()]
        return Baseline(digest=baseline["digest"], state="differs" if done.rc else "good", differences=differences)

    def _ask_checker(
        self, command: str, contract: Contract, options: GuardOptions, digest: t.Optional[str] = None
    ) -> Completed:
        """Run the checker from a folder of its own: it need not be installed yet, and in check mode it never is."""
        with tempfile.TemporaryDirectory(prefix="fleet.system_python.") as folder:
            checker, config = os.path.join(folder, "guard"), os.path.join(folder, "guard.conf")
            settings = options.settings._replace(state=os.path.join(folder, "state"), metrics=None, baseline=digest)
            os.mkdir(settings.state, 0o700)
            recorded = _read(os.path.join(options.settings.state, "baseline"))
            if recorded is not None:
                write_durably(os.path.join(settings.state, "baseline"), recorded)
            write_durably(checker, options.checker)
            write_durably(config, _encoded(render(contract, settings)))
            done = self._runner(["sh", checker, "-c", config, command], timeout=300)
        if done.rc not in (0, 1):
            raise done.error("the checker cannot tell what this host looks like")
        return done


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _read(path: str) -> t.Optional[bytes]:
    if not os.path.isfile(path) or os.path.islink(path):
        return None
    return read_bytes(path)


def _state_of(path: str, digest: t.Optional[str]) -> str:
    if not digest:
        return "none"
    content = _read(path)
    if content is None:
        return "missing"
    return "good" if hashlib.sha256(content).hexdigest() == digest else "altered"


def _make_folders(folder: str) -> None:
    """Make what is missing, for everybody to read, whatever the umask is: other programs may come to lie beside."""
    if os.path.isdir(folder):
        return
    _make_folders(os.path.dirname(folder))
    os.mkdir(folder, 0o755)
    os.chmod(folder, 0o755)  # noqa: S103  # a folder of programs for everybody


def _make_private(folder: str) -> None:
    _make_folders(os.path.dirname(folder))
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)


def may_be_owned(folder: str, runner: CommandRunner) -> bool:
    """Tell whether C(folder) is a package's, which it may be where rpm cannot be asked."""
    try:
        return bool(Rpm(runner).owners([folder])[folder])
    except SystemPythonError:
        return True
