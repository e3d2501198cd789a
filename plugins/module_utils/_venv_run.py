# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""One run of the module python_venv: look, decide, lock, undo what a killed run left, build or relink, prove."""

import hashlib
import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    InvalidDataError,
    PrivilegeError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    Checkpoint,
    flush_file_system,
    no_checkpoint,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._identity import Identity, identity_of, run_as
from ansible_collections.fleet.system_python.plugins.module_utils._lock import RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._venv_build import (
    Recipe,
    build,
    find_uv,
    packages_of,
    read_record,
    write_record,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv_census import (
    RUNTIMES,
    CensusSettings,
    Venv,
    describe_venv,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv_config import CONFIG_NAME
from ansible_collections.fleet.system_python.plugins.module_utils._venv_extras import CARRIED, extra_files
from ansible_collections.fleet.system_python.plugins.module_utils._venv_interpreter import (
    Interpreter,
    InterpreterError,
    available,
    choose_interpreter,
    require_trusted,
    same_minor,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv_packages import normalized
from ansible_collections.fleet.system_python.plugins.module_utils._venv_proof import Proof, prove
from ansible_collections.fleet.system_python.plugins.module_utils._venv_relink import (
    JOURNAL,
    forget,
    relink,
    require_own_folders,
    undo,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv_requirements import Requirements
from ansible_collections.fleet.system_python.plugins.module_utils._venv_swap import Place, require_usable_path
from ansible_collections.fleet.system_python.plugins.module_utils._venv_usage import PLACES, Places, users_of

__all__ = ["EXTRA_FILES", "ORIGINS", "Options", "VenvRun"]

# What is done with packages that came from no index: stop and name them, install them from there again, go without.
ORIGINS = ("refuse", "reinstall", "leave_out")
# What is done with files that are no part of the venv: stop and name them, or leave them in the old one.
EXTRA_FILES = ("refuse", "leave_behind")

_SHOWN = 10
_SEEDS = {"pip", "setuptools", "wheel", "pkg-resources", "distribute"}
_CREATE, _REBUILD, _RELINK, _REMOVE, _NOTHING = "create", "rebuild", "relink", "remove", "none"


class NotAVenvError(SystemPythonError):
    """Something is at the path that is no venv; details: path."""

    kind = "not_a_venv"


class VenvUsedError(SystemPythonError):
    """Somebody uses the venv; details: path, used_by."""

    kind = "venv_used"


class OriginError(SystemPythonError):
    """Packages came from no index, and nobody said what to do with them; details: path, packages."""

    kind = "venv_origin"


class ExtraFilesError(SystemPythonError):
    """Files lie in the venv that are no part of it, and nobody said what to do with them; details: path, files."""

    kind = "venv_extra_files"


class ToolError(SystemPythonError):
    """The tool that was asked for is not there; details: tool."""

    kind = "tool_missing"


class Options(t.NamedTuple):
    """The options of the module, see its documentation."""

    path: str
    state: str = "present"
    interpreter: t.Optional[str] = None
    requirements: Requirements = Requirements()
    user: t.Optional[str] = None
    tool: str = "pip"
    uv: t.Optional[str] = None
    system_site_packages: t.Optional[bool] = None
    origins: str = "refuse"
    extra_files: str = "refuse"
    import_exceptions: t.Tuple[str, ...] = ()
    ignore_users: t.Tuple[str, ...] = ()
    keep: int = 1
    timeout: float = 900
    lock_timeout: float = 0
    trust_interpreter: bool = False
    runtimes: str = RUNTIMES
    folders: t.Tuple[str, ...] = ("/usr/bin",)
    places: Places = PLACES


class _Plan(t.NamedTuple):
    """What is to be done, why, and with what."""

    action: str
    reasons: t.List[str]
    identity: Identity
    interpreter: t.Optional[Interpreter] = None
    recipe: t.Optional[Recipe] = None
    left_out: t.Tuple[str, ...] = ()
    left_behind: t.Tuple[str, ...] = ()


class VenvRun:
    """The run for one venv; C(checkpoint) is called after every step, for tests that stop it there."""

    def __init__(
        self, options: Options, run: CommandRunner = run_command, checkpoint: Checkpoint = no_checkpoint
    ) -> None:
        require_usable_path(options.path)
        self.options = options
        self.path = options.path
        self._run = run
        self._checkpoint = checkpoint
        self._place = Place(options.path, checkpoint)

    def predict(self) -> t.Dict[str, t.Any]:
        """Return the result that C(apply) would have, as far as it can be known, and change nothing."""
        before = self._look()
        return self._result(before, self._plan(before))

    def apply(self) -> t.Dict[str, t.Any]:
        """Do what is asked, and return the result."""
        before = self._look()
        unfinished = self._is_unfinished()
        plan = None if unfinished else self._plan(before)
        if plan:
            self._require_rights(plan)
        if plan and plan.action == _NOTHING:
            return self._result(before, plan)
        with RunLock(_lock_path(self.path), self.options.lock_timeout, "python_venv " + self.path, owner=os.geteuid()):
            undone = self._undo_killed()
            # What was seen before the lock may have been another run's work.
            before = self._look()
            plan = self._plan(before)
            result = self._result(before, plan)
            if undone:
                result.update(changed=True, undone=undone)
            if plan.action != _NOTHING:
                self._require_rights(plan)
                result.update(self._carry_out(plan, before))
        return result

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look(self) -> t.Optional[Venv]:
        """Return what is at the path: None for nothing (or an empty folder), else a venv. Raises NotAVenvError."""
        if not os.path.lexists(self.path):
            return None
        is_folder = os.path.isdir(self.path) and not os.path.islink(self.path)
        if is_folder and os.path.isfile(os.path.join(self.path, CONFIG_NAME)):
            return describe_venv(self.path, CensusSettings(runtimes=self.options.runtimes))
        if is_folder and not os.listdir(self.path):
            return None
        raise NotAVenvError(
            "{0} is there and is no venv: {1}. Nothing was changed. Choose another path, or move it away.".format(
                printable(self.path),
                "it has no {0}".format(CONFIG_NAME) if is_folder else "it is a link or a file",
            ),
            path=json_text(self.path),
        )

    def _is_unfinished(self) -> bool:
        from_relink = os.path.isfile(os.path.join(self.path, JOURNAL))
        return from_relink or self._place.is_unfinished()

    def _undo_killed(self) -> t.Optional[str]:
        undone = self._place.take_back()
        if os.path.isfile(os.path.join(self.path, JOURNAL)):
            owner = identity_of(os.lstat(self.path).st_uid)
            run_as(owner, lambda: undo(self.path))
            undone = "the links from before were put back"
        return undone

    # --- deciding ----------------------------------------------------------------------------------------------------

    def _plan(self, venv: t.Optional[Venv]) -> _Plan:
        if self.options.state == "absent":
            return self._plan_absent(venv)
        if self.options.state == "repaired":
            return self._plan_repaired(venv)
        return self._plan_present(venv)

    def _identity(self, venv: t.Optional[Venv]) -> Identity:
        if self.options.user is not None:
            return identity_of(self.options.user)
        return identity_of(venv["uid"] if venv else os.geteuid())

    def _plan_absent(self, venv: t.Optional[Venv]) -> _Plan:
        identity = self._identity(venv)
        if venv is None:
            return _Plan(_NOTHING, [], identity)
        uses = users_of([self.path], self.options.places)[self.path]
        uses = [use for use in uses if use["name"] not in self.options.ignore_users]
        if uses:
            raise VenvUsedError(
                "{0} is used by {1}. Nothing was changed. Stop and change these first, or name them in "
                "ignore_users.".format(
                    printable(self.path),
                    ", ".join("{0} {1}".format(use["kind"], printable(use["name"])) for use in uses[:10]),
                ),
                path=json_text(self.path),
                used_by=uses,
            )
        return _Plan(_REMOVE, ["it shall not be there"], identity)

    def _plan_present(self, venv: t.Optional[Venv]) -> _Plan:
        if self.options.interpreter is None:
            raise InvalidDataError("state 'present' needs an interpreter: a path, or a version like '3.13'.")
        identity = self._identity(venv)
        interpreter = self._choose(self.options.interpreter, identity)
        self.options.requirements.check()
        recipe = self._recipe(interpreter, identity, self.options.requirements, bool(self.options.system_site_packages))
        if venv is None:
            return _Plan(_CREATE, ["there is no venv"], identity, interpreter, recipe)
        reasons = self._differences(venv, recipe)
        if not reasons:
            return _Plan(_NOTHING, reasons, identity, interpreter, recipe)
        return _Plan(_REBUILD, reasons, identity, interpreter, recipe, (), self._left_behind())

    def _differences(self, venv: Venv, recipe: Recipe) -> t.List[str]:
        """Return why the venv is not what the recipe would make."""
        reasons = list(venv["reasons"])
        if venv["interpreter"] != recipe.interpreter.realpath and not venv["reasons"]:
            reasons.append("it runs on {0}, not on {1}".format(venv["interpreter"], recipe.interpreter.realpath))
        if venv["uid"] != recipe.identity.uid:
            reasons.append("it belongs to {0}, not to {1}".format(venv["owner"], recipe.identity.name))
        record = read_record(self.path)
        if not record:
            return reasons + ["it is not known what it was made from"]
        for key, value in recipe.as_record().items():
            if record.get(key) != value:
                reasons.append("{0}: {1} instead of {2}".format(_WORDS[key], record.get(key), value))
        there = packages_of(self.path, recipe.interpreter.minor)
        for name, version in sorted((record.get("packages") or {}).items()):
            if there.get(name) != version:
                reasons.append("{0} {1} was installed, now it is {2}".format(name, version, there.get(name, "gone")))
        return reasons

    def _plan_repaired(self, venv: t.Optional[Venv]) -> _Plan:
        if venv is None:
            raise NotAVenvError(
                "There is no venv at {0} that could be repaired; make one with state 'present'.".format(
                    printable(self.path)
                ),
                path=json_text(self.path),
            )
        identity = self._identity(venv)
        if identity.uid != venv["uid"]:
            # What lies in it is imported, and what it says of its packages goes to pip: as its owner only.
            raise InvalidDataError(
                "{0} belongs to {1}, and is repaired with the rights of its owner, not with those of {2}. Leave out "
                "the option user. State 'present' makes a venv of another user in its place.".format(
                    printable(self.path), printable(venv["owner"]), printable(identity.name)
                ),
                path=json_text(self.path),
                user=printable(identity.name),
            )
        wanted = self.options.interpreter
        is_healthy = venv["state"] == "alive" and not venv["dangling"]
        if is_healthy and wanted is None:
            return _Plan(_NOTHING, [], identity)
        interpreter = self._choose(wanted, identity) if wanted else self._same_minor(venv, identity)
        if is_healthy and venv["interpreter"] == interpreter.realpath:
            return _Plan(_NOTHING, [], identity, interpreter)
        reasons = list(venv["reasons"]) or ["it runs on {0}, not on {1}".format(venv["interpreter"], interpreter.path)]
        if interpreter.minor == venv["packages_minor"]:
            require_own_folders(self.path)
            return _Plan(_RELINK, reasons, identity, interpreter)
        return self._plan_rebuild(venv, interpreter, identity, reasons)

    def _same_minor(self, venv: Venv, identity: Identity) -> Interpreter:
        minor = venv["packages_minor"]
        found = same_minor(minor, self.options.runtimes, self.options.folders) if minor else None
        if found is None:
            there = available(self.options.runtimes, self.options.folders)
            raise InterpreterError(
                "{0} needs Python {1}, and there is none on this host. Install one (python_runtime), or name another "
                "version in 'interpreter', for which the venv is then built anew. There are: {2}.".format(
                    printable(self.path), minor or "3", ", ".join(there) or "none"
                ),
                wanted=minor,
                available=there,
            )
        self._require_trusted(found, identity)
        return found

    def _plan_rebuild(self, venv: Venv, interpreter: Interpreter, identity: Identity, reasons: t.List[str]) -> _Plan:
        lines, left_out = self._recorded_lines(venv)
        given = self.options.requirements
        requirements = given if not given.is_empty else given._replace(lines=tuple(lines))
        requirements.check()
        site = self.options.system_site_packages
        recipe = self._recipe(
            interpreter, identity, requirements, venv["system_site_packages"] if site is None else site
        )
        return _Plan(_REBUILD, reasons, identity, interpreter, recipe, tuple(left_out), self._left_behind())

    def _left_behind(self) -> t.Tuple[str, ...]:
        """Return what the new venv will not have, although it lies in the old one's folder."""
        record = read_record(self.path)
        there = packages_of(self.path, str(record.get("minor")))
        found = extra_files(self.path, all(name in there for name in record.get("packages") or ()))
        if found and self.options.extra_files == "refuse":
            more = " and {0} more".format(len(found) - _SHOWN) if len(found) > _SHOWN else ""
            raise ExtraFilesError(
                "{0} has to be built anew, and there are files in it that are no part of a venv: {1}{2}. The new one "
                "would not have them. Nothing was changed. Move them to a folder of their own, or leave them in the "
                "old venv (extra_files: leave_behind).".format(
                    printable(self.path), ", ".join(printable(path) for path in found[:_SHOWN]), more
                ),
                path=json_text(self.path),
                files=found,
            )
        return tuple(found)

    def _recorded_lines(self, venv: Venv) -> t.Tuple[t.List[str], t.List[str]]:
        """Return the venv's packages as requirements, and the names of those that the new venv goes without."""
        lines, left_out, unsure = [], [], []
        for package in venv["packages"]:
            name, origin = package["name"], package.get("origin")
            if normalized(name) in _SEEDS:
                continue
            if not origin:
                lines.append("{0}=={1}".format(name, package["version"]))
            elif self.options.origins == "leave_out":
                left_out.append(name)
            elif self.options.origins == "reinstall" and origin["url"]:
                lines.append(_line_of(name, origin))
            else:
                unsure.append("{0} ({1} {2})".format(name, origin["kind"], origin["url"]))
        if unsure and self.options.requirements.is_empty:
            raise OriginError(
                "Packages of {0} came from no index: {1}. Nothing was changed. Say what to do with them (origins: "
                "reinstall or leave_out), or give requirements.".format(printable(self.path), ", ".join(unsure)),
                path=json_text(self.path),
                packages=unsure,
            )
        return lines, left_out

    def _choose(self, wanted: str, identity: Identity) -> Interpreter:
        interpreter = choose_interpreter(wanted, self.options.runtimes, self.options.folders)
        self._require_trusted(interpreter, identity)
        return interpreter

    def _require_trusted(self, interpreter: Interpreter, identity: Identity) -> None:
        if not self.options.trust_interpreter:
            require_trusted(interpreter, identity.uid, self.options.runtimes)

    def _recipe(self, interpreter: Interpreter, identity: Identity, requirements: Requirements, site: bool) -> Recipe:
        uv = None
        if self.options.tool == "uv":
            uv = self.options.uv or find_uv()
            if uv is None or not os.access(uv, os.X_OK):
                raise ToolError(
                    "The tool uv was asked for, and is not there ({0}). Install it, name its path in 'uv', or use "
                    "'tool: pip'.".format(printable(uv or "/usr/local/bin, /usr/bin, /opt/uv")),
                    tool="uv",
                )
        return Recipe(interpreter, identity, requirements, self.options.tool, uv, site, self.options.timeout)

    def _require_rights(self, plan: _Plan) -> None:
        if os.geteuid() not in (0, plan.identity.uid):
            raise PrivilegeError(
                "The venv {0} belongs to {1}, and this run is user id {2}. Use 'become: true'.".format(
                    printable(self.path), printable(plan.identity.name), os.geteuid()
                ),
                user=printable(plan.identity.name),
            )
        folder = os.path.dirname(self.path)
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        if os.geteuid() != 0 and plan.action not in (_NOTHING, _RELINK) and not os.access(folder, os.W_OK | os.X_OK):
            raise PrivilegeError(
                "{0} cannot write to {1}, where the venv {2} has to be built. Make the folder of the venv its own, or "
                "use 'become: true' and the option user.".format(
                    printable(plan.identity.name), printable(folder), printable(self.path)
                ),
                user=printable(plan.identity.name),
            )

    # --- doing -------------------------------------------------------------------------------------------------------

    def _carry_out(self, plan: _Plan, before: t.Optional[Venv]) -> t.Dict[str, t.Any]:
        # As it is for another owner, see run_as: who runs the application is often not who owns the venv.
        umask = os.umask(0o022)
        try:
            return self._carry_out_openly(plan, before)
        finally:
            os.umask(umask)

    def _carry_out_openly(self, plan: _Plan, before: t.Optional[Venv]) -> t.Dict[str, t.Any]:
        if plan.action == _REMOVE:
            return {"kept": _text(self._place.retire(self.options.keep))}
        if plan.action == _RELINK:
            return self._relink(plan)
        return self._build(plan, before)

    def _build(self, plan: _Plan, before: t.Optional[Venv]) -> t.Dict[str, t.Any]:
        recipe = t.cast(Recipe, plan.recipe)
        if before is None and os.path.isdir(self.path):
            os.rmdir(self.path)
        earlier = read_record(self.path) if self.options.state == "repaired" and before else {}
        new = self._place.begin(plan.identity)
        try:
            is_same_owner = bool(before and before["uid"] == plan.identity.uid)
            proof = Proof(*run_as(plan.identity, lambda: self._fill(new, recipe, earlier, is_same_owner)))
            if before:
                _take_rights(new, before, plan.identity)
            self._checkpoint("built")
            self._place.swap()
            self._prove(plan, True)
        except BaseException:
            self._place.take_back()
            raise
        kept = self._place.finish(self.options.keep)
        return {
            "kept": _text(kept),
            "imports": proof.imports,
            "packages": packages_of(self.path, recipe.interpreter.minor),
        }

    def _fill(self, new: str, recipe: Recipe, earlier: t.Mapping[str, t.Any], is_same_owner: bool) -> t.List[t.Any]:
        build(new, self.path, recipe, self._run)
        record = dict(recipe.as_record(), packages=packages_of(new, recipe.interpreter.minor))
        # The digest is of what the user asks for with state present; a repair asks for nothing else.
        for key in ("requirements",) if earlier else ():
            record[key] = earlier.get(key)
        write_record(new, record)
        for name in CARRIED if is_same_owner else ():
            _carry(os.path.join(self.path, name), os.path.join(new, name))
        proof = prove(
            new,
            recipe.interpreter.minor,
            self.options.import_exceptions,
            self.options.timeout,
            recipe.environment(),
            self._run,
            strict=False,
        )
        flush_file_system(new)
        return list(proof)

    def _prove(self, plan: _Plan, strict: bool) -> Proof:
        interpreter = t.cast(Interpreter, plan.interpreter)
        env = plan.identity.environment()

        def work() -> t.List[t.Any]:
            return list(
                prove(
                    self.path,
                    interpreter.minor,
                    self.options.import_exceptions,
                    self.options.timeout,
                    env,
                    self._run,
                    strict,
                )
            )

        return Proof(*run_as(plan.identity, work))

    def _relink(self, plan: _Plan) -> t.Dict[str, t.Any]:
        interpreter = t.cast(Interpreter, plan.interpreter)
        owner = plan.identity
        run_as(owner, lambda: relink(self.path, interpreter, self._checkpoint))
        try:
            proof = self._prove(plan, False)
        except BaseException:
            run_as(owner, lambda: undo(self.path))
            raise
        run_as(owner, lambda: self._finish_relink(interpreter))
        packages = packages_of(self.path, interpreter.minor)
        return {"imports": proof.imports, "packages": packages, "foreign_scripts": proof.scripts}

    def _finish_relink(self, interpreter: Interpreter) -> None:
        record = read_record(self.path)
        if record:
            write_record(self.path, dict(record, interpreter=interpreter.path, minor=interpreter.minor))
        forget(self.path)

    def _result(self, before: t.Optional[Venv], plan: _Plan) -> t.Dict[str, t.Any]:
        result: t.Dict[str, t.Any] = {
            "changed": plan.action != _NOTHING,
            "path": json_text(self.path),
            "action": plan.action,
            "reasons": plan.reasons,
            "user": plan.identity.name,
            "before": None,
            "interpreter": None,
            "left_out": list(plan.left_out),
            "left_behind": list(plan.left_behind),
        }
        if before:
            names = ("state", "interpreter", "interpreter_version", "packages_minor", "runtime")
            result["before"] = {name: before[name] for name in names}
        if plan.interpreter:
            result["interpreter"] = dict(plan.interpreter._asdict())
        elif before and plan.action == _NOTHING:
            version = before["interpreter_version"]
            result["interpreter"] = {"path": before["links"][0], "realpath": before["interpreter"], "version": version}
        return result


_WORDS = {
    "interpreter": "made with the interpreter",
    "minor": "made for Python",
    "requirements": "digest of the requirements",
    "system_site_packages": "system_site_packages",
}


def _take_rights(new: str, before: Venv, identity: Identity) -> None:
    """Give the folder C(new) the mode and, where the owner stays, the group of the venv that it replaces."""
    descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != identity.uid:
            return
        if before["uid"] == identity.uid and before["gid"] != found.st_gid:
            os.fchown(descriptor, -1, before["gid"])
        os.fchmod(descriptor, int(before["mode"], 8) | 0o700)
    finally:
        os.close(descriptor)


def _carry(source: str, target: str) -> None:
    if os.path.isfile(source) and not os.path.islink(source):
        with open(source, "rb") as stream:
            write_durably(target, stream.read(), 0o644)


def _line_of(name: str, origin: t.Mapping[str, str]) -> str:
    if origin["kind"] == "editable" and origin["url"].startswith("file://"):
        # A path with blanks and the like comes as it is: quoted.
        return "-e " + (origin["url"] if "%" in origin["url"] else origin["url"][len("file://") :])
    return "{0} @ {1}".format(name, origin["url"])


def _text(path: t.Optional[str]) -> t.Optional[str]:
    return json_text(path) if path else None


def _lock_path(path: str) -> str:
    name = "fleet.system_python.venv-{0}.lock".format(hashlib.sha256(os.fsencode(path)).hexdigest()[:16])
    if os.geteuid() == 0:
        return os.path.join("/run/lock", name)
    cache = os.path.join(identity_of(os.geteuid()).home, ".cache")
    folders = [os.environ.get("XDG_RUNTIME_DIR") or cache, cache]
    for folder in folders:
        if os.access(folder if os.path.isdir(folder) else os.path.dirname(folder), os.W_OK | os.X_OK):
            return os.path.join(folder, name)
    # An account without a home.
    return os.path.join(os.path.dirname(path), "." + name)
