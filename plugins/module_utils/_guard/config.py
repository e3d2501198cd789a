# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The contract in the form that the guard's checker reads: a key and tab-separated values a line."""

import typing as t

from .._audit.alternatives import ADMIN_FOLDERS, ENTRIES_FOLDER
from .._audit.contract import COMMAND, Contract
from .._audit.environment import LOADER_VARIABLES, SOURCES
from .._audit.findings import RULES
from .._audit.import_path import ASKED_FOR, HIJACKING_VARIABLES, import_path
from .._audit.imports import root_user_base
from .._audit.loader import PRELOAD
from .._audit.manager_plugins import DNF_CONF, plugin_folders
from .._audit.records import ContractManager
from .._audit.unversioned import target_of
from .._audit.waivers import Waiver
from .._audit.ways import STANDARD_FOLDERS
from .._base.errors import ContractError
from .._loader.cache import CACHE
from .._rpm.settings import PATTERNS

__all__ = ["CONFIG", "SCHEMA", "GuardSettings", "render"]

CONFIG = "/etc/fleet.system_python/guard.conf"
SCHEMA = 1

# Names whose coming, going or changing makes the checker look again. The shell expands them.
_NAMES = ("python", "pip", "pydoc", "idle", "pyvenv", "easy_install", "2to3")
_FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/lib", "/usr/lib64", "/usr/include", "/usr/local/bin")
_WATCHED = (
    "/usr/share/man/man1/python*",
    "/usr/lib/pkgconfig/python*",
    "/usr/lib64/pkgconfig/python*",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages*",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages*",
    "/etc/selinux/config",
    "/usr/local/sbin/python*",
    ENTRIES_FOLDER + "/*",
    PRELOAD,
    CACHE,
    *PATTERNS,
)


class GuardSettings(t.NamedTuple):
    """What the user chooses; times are in seconds."""

    state: str = "/var/lib/fleet.system_python/guard"
    unversioned: str = "unmanaged"
    full_every: int = 21600
    wait: int = 120
    metrics: t.Optional[str] = None
    notify: t.Tuple[str, ...] = ()
    baseline: t.Optional[str] = None
    waivers: t.Tuple[Waiver, ...] = ()


def render(contract: Contract, settings: t.Optional[GuardSettings] = None) -> str:
    """Return the text of the configuration. Raises ContractError where a value has a tab or a newline."""
    lines = ["# Written by the role fleet.system_python.python_guard; docs/guard.md explains it."]
    for entry in _entries(contract, settings or GuardSettings()):
        texts = [str(value) for value in entry]
        if any(character in text for text in texts for character in "\t\n"):
            raise ContractError("{0!r} cannot be written for the guard: a tab or a newline in it.".format(texts[1:]))
        lines.append("\t".join(texts))
    return "\n".join(lines) + "\n"


def _entries(contract: Contract, settings: GuardSettings) -> t.Iterator[t.Tuple[object, ...]]:
    yield "schema", SCHEMA
    yield "contract", contract["id"]
    yield "state", settings.state
    yield "full_every", settings.full_every
    yield "wait_seconds", settings.wait
    if settings.metrics:
        yield "metrics", settings.metrics
    if settings.baseline:
        yield "baseline", settings.baseline
    for one in settings.waivers:
        # The shell compares numbers.
        yield "exception", one.rule, one.expires.replace("-", "") if one.expires else "-", one.pattern
    for word in settings.notify:
        yield "notify", word
    yield "command", COMMAND
    yield from _promises(contract, settings)
    yield from _import_path(contract)
    yield from _places()
    for rule in RULES:
        yield "rule", rule.id, rule.name, rule.severity
    # An error of an audit, so no rule; the guard reports it in the same way as the others.
    yield "rule", "SP302", "rpmdb-unreadable", "critical"


def _promises(contract: Contract, settings: GuardSettings) -> t.Iterator[t.Tuple[object, ...]]:
    for name in contract["packages"]:
        yield "required", name
    for name in contract["optional_packages"]:
        if name not in contract["packages"]:
            yield "optional", name
    for link in contract["links"]:
        yield "link", link["path"], link["target"], link["package"]
    yield from (("moved", one["path"], one["package"], one["later"]) for one in contract["links"] if "later" in one)
    for binary in contract["binaries"]:
        yield "binary", binary["path"], binary["package"]
        for twin in binary["twins"]:
            yield "twin", twin, binary["path"]
    yield _unversioned(contract, settings)
    if contract["manager"]:
        yield from _manager_lines(contract["manager"], contract["version"])
    if contract["selinux"]:
        yield "selinux", contract["selinux"]
    for name, links in contract["alternatives"].items():
        yield from (("group", name, link, path) for link, path in links.items())


def _unversioned(contract: Contract, settings: GuardSettings) -> t.Tuple[object, ...]:
    path, wanted = contract["unversioned"]["path"], target_of(contract, settings.unversioned)
    # A policy that the distribution cannot fulfil is no finding of an audit either.
    return ("unversioned", path, settings.unversioned, wanted) if wanted else ("unversioned", path, "unmanaged")


def _manager_lines(manager: ContractManager, version: str) -> t.Iterator[t.Tuple[object, ...]]:
    yield ("manager", manager["argv"][0], *([manager["interpreter"]] if manager["interpreter"] else []))
    for name in manager["packages"]:
        yield "manager_package", name
    for folder in plugin_folders(manager["name"], version):
        yield "plugin_folder", folder
    if manager["name"] == "dnf":
        yield "plugin_conf", DNF_CONF


def _import_path(contract: Contract) -> t.Iterator[t.Tuple[object, ...]]:
    for role, path in import_path(contract["version"], [root_user_base()]):
        yield "place", role, path
    for name in ASKED_FOR:
        yield "asked_for", name


def _places() -> t.Iterator[t.Tuple[object, ...]]:
    for folder in ADMIN_FOLDERS:
        yield "admin_folder", folder
        yield "watch", folder + "/*"
    yield "entries", ENTRIES_FOLDER
    for name in HIJACKING_VARIABLES + LOADER_VARIABLES:
        yield "variable", name
    for source in SOURCES:
        for pattern in source.patterns:
            yield "settings", source.who, ("together:" if source.together else "") + source.syntax, pattern
    for folder in _FOLDERS:
        for name in _NAMES:
            yield "watch", "{0}/*{1}*".format(folder, name)
    for pattern in _WATCHED:
        yield "watch", pattern
    for folder in sorted(STANDARD_FOLDERS):
        yield "passable", folder
