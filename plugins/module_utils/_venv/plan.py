# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What has to be done so that a venv is as it was asked for, why, and with what. Reads, and changes nothing."""

import os
import re
import shutil
import typing as t

from .._base.errors import InvalidDataError, SystemPythonError
from .._base.text import json_text, printable, shortened
from .._rights.account import Account, account_of
from .._usage.places import PLACES, Places
from .build import Recipe, new_record, packages_of, read_record
from .extras import extra_files
from .interpreter import BaseInterpreter, InterpreterError, available, choose_interpreter, require_trusted
from .packages import is_seed
from .records import RUNTIMES, Origin, Venv
from .relink import require_own_folders
from .requirements import Requirements
from .usage import users_of

__all__ = [
    "CREATE",
    "EXTRA_FILES",
    "NOTHING",
    "ORIGINS",
    "REBUILD",
    "RELINK",
    "REMOVE",
    "REWRITE",
    "NotAVenvError",
    "VenvOptions",
    "VenvPlan",
    "plan_venv",
]

# What is done with packages that came from no index: stop and name them, install them from there again, go without.
ORIGINS = ("refuse", "reinstall", "leave_out")
# What is done with files that are no part of the venv: stop and name them, or leave them in the old one.
EXTRA_FILES = ("refuse", "leave_behind")

CREATE, REBUILD, RELINK, REWRITE, REMOVE = "create", "rebuild", "relink", "rewrite", "remove"
NOTHING = "none"

_UV_PLACES = "/usr/local/bin:/usr/bin:/opt/uv/bin:/opt/uv"
_SHOWN = 10
# What names, versions (PEP 508, PEP 440) and addresses of packages may be made of.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+\Z")
_URL = re.compile(r"[^\s\x00-\x20\x7f]*\Z")
_RECORDED = {
    "interpreter": "made with the interpreter",
    "minor": "made for Python",
    "requirements": "digest of the requirements",
    "system_site_packages": "system_site_packages",
}


class NotAVenvError(SystemPythonError):
    """Something is at the path that is no venv; details: path."""

    kind = "not_a_venv"
    changed_nothing = True


class VenvUsedError(SystemPythonError):
    """Somebody uses the venv; details: path, used_by."""

    kind = "venv_used"
    changed_nothing = True


class OriginError(SystemPythonError):
    """Packages came from no index, and nobody said what to do with them; details: path, packages."""

    kind = "venv_origin"
    changed_nothing = True


class ExtraFilesError(SystemPythonError):
    """Files lie in the venv that are no part of it, and nobody said what to do with them; details: path, files."""

    kind = "venv_extra_files"
    changed_nothing = True


class ToolError(SystemPythonError):
    """The tool that was asked for is not there; details: tool."""

    kind = "tool_missing"
    changed_nothing = True


class VenvOptions(t.NamedTuple):
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


class VenvPlan(t.NamedTuple):
    """What is to be done, why, and with what.

    C(recipe) is there for create and rebuild, C(interpreter) for relink, too. C(left_out) are packages, C(left_behind)
    files that the new venv will not have.
    """

    action: str
    reasons: t.Tuple[str, ...]
    account: Account
    interpreter: t.Optional[BaseInterpreter] = None
    recipe: t.Optional[Recipe] = None
    left_out: t.Tuple[str, ...] = ()
    left_behind: t.Tuple[str, ...] = ()


def plan_venv(options: VenvOptions, venv: t.Optional[Venv]) -> VenvPlan:
    """Return the plan for what is at the path now: None for nothing. Raises SystemPythonError."""
    owner = venv.uid if venv else os.geteuid()
    account = account_of(owner if options.user is None else options.user)
    if options.state == "absent":
        return _plan_absent(options, venv, account)
    if options.state == "repaired":
        return _plan_repaired(options, venv, account)
    return _plan_present(options, venv, account)


def _plan_absent(options: VenvOptions, venv: t.Optional[Venv], account: Account) -> VenvPlan:
    if venv is None:
        return VenvPlan(NOTHING, (), account)
    uses = users_of([options.path], options.places)[options.path]
    uses = [use for use in uses if use.name not in options.ignore_users]
    if uses:
        users = shortened((f"{use.kind} {printable(use.name)}" for use in uses), _SHOWN)
        raise VenvUsedError(
            f"{printable(options.path)} is used by {users}. Nothing was changed. Stop and change these first, or name "
            "them in ignore_users.",
            path=json_text(options.path),
            used_by=[use.as_dict() for use in uses],
        )
    return VenvPlan(REMOVE, ("it should not exist",), account)


def _plan_present(options: VenvOptions, venv: t.Optional[Venv], account: Account) -> VenvPlan:
    if options.interpreter is None:
        raise InvalidDataError("state 'present' needs an interpreter: a path, or a version like '3.13'.")
    interpreter = _chosen(options, options.interpreter, account)
    options.requirements.check()
    recipe = _recipe(options, interpreter, account, options.requirements, bool(options.system_site_packages))
    if venv is None:
        return VenvPlan(CREATE, ("there is no venv",), account, interpreter, recipe)
    reasons = tuple(_differences(venv, recipe))
    if not reasons:
        return VenvPlan(NOTHING, reasons, account, interpreter)
    return VenvPlan(REBUILD, reasons, account, interpreter, recipe, (), _left_behind(options))


def _differences(venv: Venv, recipe: Recipe) -> t.List[str]:
    """Return why the venv is not what the recipe would make."""
    reasons = list(venv.reasons)
    if venv.interpreter != recipe.interpreter.realpath and not venv.reasons:
        reasons.append(f"it runs on {venv.interpreter}, not on {recipe.interpreter.realpath}")
    if venv.uid != recipe.account.uid:
        reasons.append(f"it belongs to {venv.owner}, not to {recipe.account.name}")
    record = read_record(venv.path)
    if record is None:
        return reasons + ["it is not known what it was made from"]
    wanted = new_record(recipe, {})
    for key, words in _RECORDED.items():
        before, after = getattr(record, key), getattr(wanted, key)
        if before != after:
            reasons.append(f"{words}: {before} instead of {after}")
    there = packages_of(venv.path, recipe.interpreter.minor)
    for name, version in sorted(record.packages.items()):
        if there.get(name) != version:
            reasons.append(f"{name} {version} was installed, now it is {there.get(name, 'gone')}")
    return reasons


def _plan_repaired(options: VenvOptions, venv: t.Optional[Venv], account: Account) -> VenvPlan:
    if venv is None:
        raise NotAVenvError(
            f"There is no venv at {printable(options.path)} to repair; make one with state 'present'.",
            path=json_text(options.path),
        )
    _require_owner(venv, account)
    is_healthy = venv.state == "alive" and not venv.dangling
    if is_healthy and options.interpreter is None:
        return VenvPlan(NOTHING, (), account)
    main = venv.main
    if venv.state == "moved" and main and main.realpath and options.interpreter is None:
        require_own_folders(venv.path)
        interpreter = BaseInterpreter(main.realpath, main.realpath, main.version or "")
        return VenvPlan(REWRITE, venv.reasons, account, _trusted(options, interpreter, account))
    if options.interpreter:
        interpreter = _chosen(options, options.interpreter, account)
    else:
        interpreter = _of_same_minor(options, venv, account)
    if is_healthy and venv.interpreter == interpreter.realpath:
        return VenvPlan(NOTHING, (), account, interpreter)
    reasons = venv.reasons or (f"it runs on {venv.interpreter}, not on {interpreter.path}",)
    if interpreter.minor == venv.packages_minor:
        require_own_folders(venv.path)
        is_there = venv.state == "moved" and venv.interpreter == interpreter.realpath
        return VenvPlan(REWRITE if is_there else RELINK, reasons, account, interpreter)
    lines, left_out = _recorded_lines(options, venv)
    given = options.requirements
    requirements = given._replace(lines=tuple(lines)) if given.is_empty else given
    requirements.check()
    site = options.system_site_packages
    recipe = _recipe(options, interpreter, account, requirements, venv.system_site_packages if site is None else site)
    return VenvPlan(REBUILD, reasons, account, interpreter, recipe, tuple(left_out), _left_behind(options))


def _require_owner(venv: Venv, account: Account) -> None:
    """What lies in it is imported, and what it says of its packages goes to pip: as its owner only."""
    if account.uid != venv.uid:
        raise InvalidDataError(
            f"{printable(venv.path)} belongs to {printable(venv.owner)}, and is repaired with the rights of its "
            f"owner, not with those of {printable(account.name)}. Leave out the option user. State 'present' makes a "
            "venv of another user in its place.",
            path=json_text(venv.path),
            user=printable(account.name),
        )


def _of_same_minor(options: VenvOptions, venv: Venv, account: Account) -> BaseInterpreter:
    minor = venv.packages_minor
    try:
        found = choose_interpreter(minor or "", options.runtimes, options.folders)
    except InterpreterError as error:
        there = available(options.runtimes, options.folders)
        raise InterpreterError(
            f"{printable(venv.path)} needs Python {minor or '3'}, and there is none on this host. Install one "
            "(python_runtime), or name another version in 'interpreter', for which the venv is then built anew. There "
            f"are: {', '.join(there) or 'none'}.",
            wanted=minor,
            available=there,
        ) from error
    return _trusted(options, found, account)


def _chosen(options: VenvOptions, wanted: str, account: Account) -> BaseInterpreter:
    return _trusted(options, choose_interpreter(wanted, options.runtimes, options.folders), account)


def _trusted(options: VenvOptions, interpreter: BaseInterpreter, account: Account) -> BaseInterpreter:
    if not options.trust_interpreter:
        require_trusted(interpreter, account.uid, options.runtimes)
    return interpreter


def _recipe(
    options: VenvOptions, interpreter: BaseInterpreter, account: Account, requirements: Requirements, site: bool
) -> Recipe:
    uv = None
    if options.tool == "uv":
        uv = options.uv or shutil.which("uv", path=_UV_PLACES)
        if uv is None or not os.access(uv, os.X_OK):
            raise ToolError(
                "The tool uv was requested, but was not found "
                f"({printable(uv or '/usr/local/bin, /usr/bin, /opt/uv')}). Install it, name its path in 'uv', or use "
                "'tool: pip'.",
                tool="uv",
            )
    return Recipe(interpreter, account, requirements, uv, site, options.timeout)


def _left_behind(options: VenvOptions) -> t.Tuple[str, ...]:
    """Return what the new venv will not have, although it lies in the old one's folder."""
    record = read_record(options.path)
    there = packages_of(options.path, record.minor) if record else {}
    found = extra_files(options.path, all(name in there for name in (record.packages if record else ())))
    if found and options.extra_files == "refuse":
        raise ExtraFilesError(
            f"{printable(options.path)} has to be built anew, and it contains files that are not part of a venv: "
            f"{shortened(map(printable, found), _SHOWN)}. The new one would not have them. Nothing was changed. Move "
            "them to a folder of their own, or leave them in the old venv (extra_files: leave_behind).",
            path=json_text(options.path),
            files=found,
        )
    return tuple(found)


def _recorded_lines(options: VenvOptions, venv: Venv) -> t.Tuple[t.List[str], t.List[str]]:
    """Return the venv's packages as requirements, and the names of those that the new venv goes without."""
    lines, left_out, unsure = [], [], []
    for package in venv.packages or ():
        name, origin = package.name, package.origin
        if is_seed(name):
            continue
        if (
            not _NAME.match(name)
            or (origin and not _URL.match(origin.url))
            or not (origin or _VERSION.match(package.version))
        ):
            # Each is a line for pip, which takes options there, too.
            unsure.append(f"{printable(name)} (its metadata are not such as an installer writes)")
        elif not origin:
            lines.append(f"{name}=={package.version}")
        elif options.origins == "leave_out":
            left_out.append(name)
        elif options.origins == "reinstall" and origin.url:
            lines.append(_requirement(name, origin))
        else:
            unsure.append(f"{name} ({origin.kind} {origin.url})")
    if unsure and options.requirements.is_empty:
        raise OriginError(
            f"Packages of {printable(venv.path)} came from no index: {', '.join(unsure)}. Nothing was changed. Say "
            "what to do with them (origins: reinstall or leave_out), or give requirements.",
            path=json_text(venv.path),
            packages=unsure,
        )
    return lines, left_out


def _requirement(name: str, origin: Origin) -> str:
    """Return the line of a requirements file that installs a package from where it came from."""
    if origin.kind == "editable" and origin.url.startswith("file://"):
        # A path with blanks and the like comes as it is: quoted.
        return "-e " + (origin.url if "%" in origin.url else origin.url[len("file://") :])
    return f"{name} @ {origin.url}"
