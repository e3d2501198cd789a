# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Keep the system Python what it is: one run of the module python_pin on this host.

Every part is wanted C(present), C(absent) or C(unmanaged). All of them are planned before the first is carried out, so
an error of one part leaves all as they were; what is made is written into the record (_pin_record.py) before.
"""

import os
import re
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._audit import audit
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    PinImpossibleError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    IMMUTABLE,
    clear_errors,
    file_flags,
    remove_leftovers,
    rewrite_durably,
    set_file_flags,
    sync_folder,
)
from ansible_collections.fleet.system_python.plugins.module_utils._findings import Policy
from ansible_collections.fleet.system_python.plugins.module_utils._intact import STATE_FOLDER
from ansible_collections.fleet.system_python.plugins.module_utils._leftovers import standard_library_folders
from ansible_collections.fleet.system_python.plugins.module_utils._lock import DEFAULT_LOCK_PATH, RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._observation import Observation
from ansible_collections.fleet.system_python.plugins.module_utils._pin_files import (
    HEADER,
    digest_of,
    want_file,
    want_no_file,
    want_no_text,
    want_pip_option,
)
from ansible_collections.fleet.system_python.plugins.module_utils._pin_record import Record
from ansible_collections.fleet.system_python.plugins.module_utils._pin_unversioned import ORIGINAL, Unversioned
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import Quarantine, new_run_id
from ansible_collections.fleet.system_python.plugins.module_utils._redact import redact
from ansible_collections.fleet.system_python.plugins.module_utils._repair import require_root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unversioned import described

__all__ = ["Pin", "PinSettings"]

Action = t.Dict[str, t.Any]

PIP_CONFIG = "/etc/pip.conf"
MARKER = "EXTERNALLY-MANAGED"
_PROTECTION = {
    "dnf": "/etc/dnf/protected.d/fleet.system_python.conf",
    "zypper": "/etc/zypp/systemCheck.d/fleet.system_python.check",
}
_PIP_PACKAGE = re.compile(r"^(?:platform-python|python3\d*)-pip$")
_PIP_VERSION = re.compile(r"-pip-(?:\d+:)?(\d+)\.(\d+)")
# The first pip that knows the marker.
_PIP_KNOWS_MARKER = (23, 0)
_CAP_LINUX_IMMUTABLE = 9
_MARKER_TEXT = """\
[externally-managed]
Error=This Python belongs to the operating system, whose tools run on it. Packages for
 it come from the system's package manager. For everything else make a virtual
 environment (python3 -m venv FOLDER) and use the pip in it.
"""


class PinSettings(t.NamedTuple):
    """What the user asked for: C(present), C(absent) or C(unmanaged) for each part; times are in seconds."""

    contract: Contract
    os_release: t.Mapping[str, str]
    environ: t.Mapping[str, str]
    core_version: str = ""
    unversioned: str = "unmanaged"
    marker: str = "unmanaged"
    pip_config: str = "unmanaged"
    protection: str = "unmanaged"
    attributes: str = "unmanaged"
    lock_timeout: float = 0.0
    timeout: float = 120.0
    fetch_timeout: float = 600.0
    state_folder: str = STATE_FOLDER
    lock_path: str = DEFAULT_LOCK_PATH


class Pin:
    """One run on this host."""

    def __init__(
        self, settings: PinSettings, runner: CommandRunner = run_command, clock: t.Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self._runner = runner
        self._rpm = Rpm(runner=runner, timeout=settings.timeout)
        self._quarantine = Quarantine(
            os.path.join(settings.state_folder, "quarantine"), new_run_id(clock()), clock=clock
        )

    def predict(self) -> t.Dict[str, t.Any]:
        """Return what a real run would do. Raises SystemPythonError as the real run would."""
        require_root()
        look = self._look()
        return self._result(look, look.plan())

    def ensure(self) -> t.Dict[str, t.Any]:
        """Do it and return what was done. Raises SystemPythonError."""
        require_root()
        look = self._look()
        plan = look.plan()
        if not plan:
            return self._result(look, plan)
        with RunLock(self.settings.lock_path, self.settings.lock_timeout, what="pinning of the system Python"):
            self._quarantine.recover()
            # Only now: what was seen before the lock was ours may have been another run's work in progress.
            look = self._look()
            remove_leftovers(sorted({os.path.dirname(path) for path in look.paths()}))
            plan = look.plan()
            result = self._result(look, plan)
            for action in plan:
                look.carry_out(action, self._quarantine)
            look.finish(plan)
        folder = os.path.join(self._quarantine.folder, self._quarantine.run_id)
        result["quarantine"] = folder if os.path.isdir(folder) else None
        return result

    def _look(self) -> "_Look":
        settings = self.settings
        observation, _findings = audit(
            settings.contract,
            Policy(),
            environ=settings.environ,
            core_version=settings.core_version,
            timeout=settings.timeout,
            runner=self._runner,
        )
        return _Look(settings, observation, self._rpm, self._runner)

    def _result(self, look: "_Look", plan: t.Sequence[Action]) -> t.Dict[str, t.Any]:
        shown = [
            {key: value for key, value in action.items() if key not in ("text", "content")}
            for action in (dict(action, description=_describe(action)) for action in plan)
        ]
        result: t.Dict[str, t.Any] = safe(
            {
                "changed": bool(plan),
                "contract": self.settings.contract["id"],
                "plan": shown,
                "notes": look.notes(),
                "discovery": look.observation["ansible"],
                "unversioned": described(look.unversioned.chain),
                "quarantine": None,
            }
        )
        result["diff"] = [safe(_diff(action)) for action in plan]
        result["summary"] = _summary(result)
        return result


class _Look:
    """One look at the host: what each part needs, and how it is done."""

    def __init__(self, settings: PinSettings, observation: Observation, rpm: Rpm, runner: CommandRunner) -> None:
        self.settings = settings
        self.contract = settings.contract
        self.observation = observation
        self.record = Record(os.path.join(settings.state_folder, "pin.json"))
        self.unversioned = Unversioned(
            settings.contract, observation, settings.os_release, rpm, runner, settings.fetch_timeout
        )
        self._rpm = rpm

    # --- the parts

    def plan(self) -> t.List[Action]:
        """Return the actions of all parts, in their order: what is immutable stays so for as long as it may."""
        settings = self.settings
        unmake = self._attributes("absent") if settings.attributes == "absent" else []
        actions = [dict(action, part="attributes") for action in unmake]
        if settings.unversioned != "unmanaged":
            found = self.unversioned.plan(settings.unversioned, self.record.entry("unversioned"))
            actions += [dict(action, part="unversioned") for action in found]
        for part, planner in (
            ("marker", self._marker),
            ("pip_config", self._pip_config),
            ("protection", self._protection),
        ):
            wish = getattr(settings, part)
            if wish != "unmanaged":
                actions += [dict(action, part=part) for action in planner(wish)]
        if settings.attributes == "present":
            actions += [dict(action, part="attributes") for action in self._attributes("present")]
        return actions

    def paths(self) -> t.List[str]:
        """Return the files that the parts may write."""
        written = [PIP_CONFIG, self._marker_path()]
        written += [path for path in [_PROTECTION.get(self._manager_name())] if path]
        return [path for path in written if os.path.isdir(os.path.dirname(path))]

    def _marker_path(self) -> str:
        version = self.contract["version"]
        folders = standard_library_folders(version) or ["/usr/lib64/python" + version]
        # Where os.py is, sysconfig's path "stdlib" is; the other one of the two holds add-on modules only.
        stdlib = [folder for folder in folders if os.path.exists(os.path.join(folder, "os.py"))]
        return os.path.join((stdlib or folders)[0], MARKER)

    def _marker(self, wish: str) -> t.List[Action]:
        entry = self.record.entry("marker")
        if wish == "absent":
            return want_no_file(entry)
        path = self._marker_path()
        if self._owner(path):
            # Its package ships one, and the rules about packages watch it.
            return want_no_file(entry) if entry and entry["path"] != path else []
        return want_file(path, _MARKER_TEXT, entry, accept=lambda text: "[externally-managed]" in text)

    def _pip_config(self, wish: str) -> t.List[Action]:
        entry = self.record.entry("pip_config")
        return want_no_text(entry) if wish == "absent" else want_pip_option(PIP_CONFIG, entry)

    def _protection(self, wish: str) -> t.List[Action]:
        entry = self.record.entry("protection")
        if wish == "absent":
            return want_no_file(entry)
        name = self._manager_name()
        if name not in _PROTECTION:
            raise PinImpossibleError(
                "The packages of the system Python cannot be protected: {0}. Known are dnf and zypper.".format(
                    "the contract names the package manager " + name
                    if name
                    else "the contract names no package manager"
                ),
                part="protection",
                possible=[],
            )
        installed = [package for package in self.contract["packages"] if package in self.observation["packages"]]
        line = "requires:{0}\n" if name == "zypper" else "{0}\n"
        lines = "".join(line.format(package) for package in installed)
        return want_file(_PROTECTION[name], HEADER + lines, entry)

    def _manager_name(self) -> str:
        return str((self.contract["manager"] or {}).get("name") or "")

    def _owner(self, path: str) -> t.Optional[str]:
        owners = self._rpm.owners([path]).get(path) or []
        return owners[0].name if owners else None

    def _attributes(self, wish: str) -> t.List[Action]:
        entry = self.record.entry("attributes")
        if wish == "absent":
            mine = [path for path in (entry or {"paths": []})["paths"] if _is_immutable(path)]
            actions = [{"action": "clear_immutable", "path": path} for path in mine]
            if entry and not actions:
                actions = [{"action": "forget", "path": path} for path in entry["paths"][:1]]
        else:
            binaries = sorted({os.path.realpath(one["path"]) for one in self.contract["binaries"]})
            actions = [{"action": "set_immutable", "path": path} for path in binaries if not _is_immutable(path)]
        for action in actions:
            if action["action"] != "forget":
                _require_attributes(action["path"])
        return actions

    def notes(self) -> t.List[str]:
        """Return what one has to know about the parts that are wanted, on this host."""
        found = []
        packages = [nevra for name, nevra in self.observation["packages"].items() if _PIP_PACKAGE.match(name)]
        pip = _PIP_VERSION.search(packages[0]) if packages else None
        if self.settings.marker == "present" and pip and (int(pip.group(1)), int(pip.group(2))) < _PIP_KNOWS_MARKER:
            found.append(
                "pip {0}.{1} of this host does not know {2} (pip 23.0 and newer do): pip_config is what keeps it "
                "out".format(pip.group(1), pip.group(2), MARKER)
            )
        if self.settings.attributes == "present":
            found.append("updates of the system Python fail until attributes is absent again")
        return found

    # --- doing

    def carry_out(self, action: Action, quarantine: Quarantine) -> None:
        """Do one action, noting in the record before what is made."""
        if action["part"] == "unversioned":
            self._carry_out_unversioned(action, quarantine)
        else:
            steps: t.Dict[str, t.Callable[[Action, Quarantine], None]] = {
                "write_file": self._write_file,
                "insert_text": self._insert_text,
                "remove_file": self._remove_file,
                "remove_text": self._remove_text,
                "forget": self._forget,
                "set_immutable": self._set_immutable,
                "clear_immutable": self._clear_immutable,
            }
            steps[action["action"]](action, quarantine)

    def _carry_out_unversioned(self, action: Action, quarantine: Quarantine) -> None:
        if action["action"] == "forget":
            return
        if self.settings.unversioned == ORIGINAL:
            self.unversioned.carry_out(action, quarantine)
            return
        made = list((self.record.entry("unversioned") or {"made": []})["made"])
        self.record.note("unversioned", {"made": made + self.unversioned.intended(action, quarantine.run_id)})
        try:
            done = self.unversioned.carry_out(action, quarantine)
        except SystemPythonError:
            self._give_back(made, quarantine)
            raise
        self.record.note("unversioned", {"made": self.unversioned.settled(made + done)})

    def _give_back(self, made: t.Sequence[t.Dict[str, t.Any]], quarantine: Quarantine) -> None:
        """After a step that failed: put back what this run moved out of its way."""
        for one in made:
            if one.get("run_id") == quarantine.run_id and not os.path.lexists(one["path"]):
                quarantine.put_back(quarantine.run_id, [one["path"]])
        left = [one for one in made if one.get("run_id") != quarantine.run_id]
        if left:
            self.record.note("unversioned", {"made": left})
        else:
            self.record.drop("unversioned")

    def finish(self, plan: t.Sequence[Action]) -> None:
        """Forget what was undone, when all of it is."""
        entry = self.record.entry("unversioned")
        touched = any(action["part"] == "unversioned" for action in plan)
        if touched and entry and (self.settings.unversioned == ORIGINAL or not entry["made"]):
            self.record.drop("unversioned")

    def _write_file(self, action: Action, quarantine: Quarantine) -> None:
        path, part = action["path"], action["part"]
        if action["keep"]:
            quarantine.keep(path, "changed by somebody; written again", "python_pin")
        entry = {"path": path, "sha256": digest_of(action["text"]), "folders": self._folders(part, path)}
        self.record.note(part, entry)
        _write(path, action["text"])

    def _insert_text(self, action: Action, _quarantine: Quarantine) -> None:
        path, part = action["path"], action["part"]
        entry = {key: action[key] for key in ("path", "text", "created")}
        self.record.note(part, dict(entry, folders=self._folders(part, path)))
        _write(path, action["content"])

    def _folders(self, part: str, path: str) -> t.List[str]:
        """Return the folders that have to be made for C(path), and those that were made for it before."""
        entry = self.record.entry(part)
        found = list(entry["folders"]) if entry and entry["path"] == path else []
        folder = os.path.dirname(path)
        while not os.path.isdir(folder):
            found.append(folder)
            folder = os.path.dirname(folder)
        return found

    def _remove_file(self, action: Action, _quarantine: Quarantine) -> None:
        path = action["path"]
        with clear_errors(path):
            os.unlink(path)
            sync_folder(os.path.dirname(path))
        self._forget(action, _quarantine)

    def _remove_text(self, action: Action, _quarantine: Quarantine) -> None:
        _write(action["path"], action["content"])
        self.record.drop(action["part"])

    def _forget(self, action: Action, _quarantine: Quarantine) -> None:
        entry = self.record.entry(action["part"]) or {}
        for folder in entry.get("folders", []):
            if os.path.isdir(folder) and not os.listdir(folder):
                os.rmdir(folder)
        self.record.drop(action["part"])

    def _set_immutable(self, action: Action, _quarantine: Quarantine) -> None:
        paths = list((self.record.entry("attributes") or {"paths": []})["paths"])
        self.record.note("attributes", {"paths": sorted(set(paths + [action["path"]]))})
        set_file_flags(action["path"], (file_flags(action["path"]) or 0) | IMMUTABLE)

    def _clear_immutable(self, action: Action, _quarantine: Quarantine) -> None:
        set_file_flags(action["path"], (file_flags(action["path"]) or 0) & ~IMMUTABLE)
        left = [path for path in (self.record.entry("attributes") or {"paths": []})["paths"] if path != action["path"]]
        if left:
            self.record.note("attributes", {"paths": left})
        else:
            self.record.drop("attributes")


def _write(path: str, text: str) -> None:
    with clear_errors(path):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    rewrite_durably(path, os.fsencode(text))


def _is_immutable(path: str) -> bool:
    return bool((file_flags(path) or 0) & IMMUTABLE)


def _require_attributes(path: str) -> None:
    """Raise PinImpossibleError where the file system, or this process, cannot set the attribute."""
    if not os.path.isfile(path) or os.path.islink(path):
        reason = "it is missing or no regular file (put it back first, role python_restore)"
    elif file_flags(path) is None:
        reason = "its file system has no such attributes"
    elif not _may_set_immutable():
        reason = "this run lacks the capability CAP_LINUX_IMMUTABLE (containers are mostly started without it)"
    else:
        return
    raise PinImpossibleError(
        "{0} cannot be made immutable, or changeable again: {1}. Nothing was changed. Leave attributes unmanaged "
        "here.".format(printable(path), reason),
        part="attributes",
        path=json_text(path),
        possible=[],
    )


def _may_set_immutable(status: str = "/proc/self/status") -> bool:
    with open(status, "rb") as stream:
        match = re.search(rb"^CapEff:\s*([0-9a-f]+)", stream.read(), re.MULTILINE)
    return bool(match and int(match.group(1), 16) >> _CAP_LINUX_IMMUTABLE & 1)


# --- for people ------------------------------------------------------------------------------------------------------


def _describe(action: Action) -> str:
    path = printable(action.get("path", ""))
    packages = ", ".join(action.get("packages", []))
    descriptions = {
        "write_file": "write {0}".format(path),
        "insert_text": "put require-virtualenv into {0}".format(path),
        "remove_file": "remove {0}".format(path),
        "remove_text": "take require-virtualenv out of {0}".format(path),
        "forget": "forget what was made in {0}, which is gone".format(path),
        "set_immutable": "make {0} immutable".format(path),
        "clear_immutable": "make {0} changeable again".format(path),
        "quarantine": "move to the quarantine: {0}".format(path),
        "put_back": "put {0} back from the quarantine".format(path),
        "install_packages": "install {0}{1}".format(packages, "-" + action["evr"] if action.get("evr") else ""),
        "remove_packages": "remove the package {0}".format(packages),
        "select_alternative": "let the alternatives group {0} choose {1} ({2})".format(
            action.get("group"), action.get("target"), action.get("mode")
        ),
    }
    return descriptions[action["action"]]


def _diff(action: Action) -> t.Dict[str, str]:
    """Return the diff that Ansible shows of one action: the text of a file, else what is done."""
    name = action["action"]
    if name not in ("write_file", "insert_text", "remove_file", "remove_text"):
        return {"before": "", "after": _describe(action) + "\n"}
    path = action["path"]
    before = ""
    if os.path.isfile(path):
        with open(path, "rb") as stream:
            before = os.fsdecode(stream.read())
    after = str(action.get("content", action.get("text", "")))
    if action["part"] == "pip_config":
        # The addresses of package indexes in it may hold passwords.
        before, after = redact(before, looks=False)[0], redact(after, looks=False)[0]
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def _summary(result: t.Mapping[str, t.Any]) -> t.List[str]:
    lines = ["changed" if result["changed"] else "as asked for, nothing to do"]
    lines += ["  " + action["description"] for action in result["plan"]]
    return lines + ["note: " + note for note in result["notes"]]
