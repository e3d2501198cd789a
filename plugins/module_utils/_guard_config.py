# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The contract in the form that the guard's checker reads: a key and tab-separated values a line."""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._alternatives import ADMIN_FOLDERS, ENTRIES_FOLDER
from ansible_collections.fleet.system_python.plugins.module_utils._contract import COMMAND, Contract
from ansible_collections.fleet.system_python.plugins.module_utils._environment import PATH_FILES, VARIABLE_FILES
from ansible_collections.fleet.system_python.plugins.module_utils._errors import ContractError
from ansible_collections.fleet.system_python.plugins.module_utils._findings import RULES
from ansible_collections.fleet.system_python.plugins.module_utils._unversioned import target_of

__all__ = ["CONFIG", "SCHEMA", "GuardSettings", "render"]

CONFIG = "/etc/fleet.system_python/guard.conf"
SCHEMA = 1

# The checker tells the kinds of search path apart by a word; PATH_FILES by who uses them.
_HOW = {"login(1) and su(1)": "login", "sudo secure_path": "secure", "systemd": "systemd"}

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


def render(contract: Contract, settings: t.Optional[GuardSettings] = None) -> str:
    """Return the text of the configuration. Raises ContractError where a value has a tab or a newline."""
    lines = ["# Written by the role fleet.system_python.python_guard; docs/guard.md explains it."]
    for key, *values in _entries(contract, settings or GuardSettings()):
        texts = [str(value) for value in values]
        if any(character in text for text in texts for character in "\t\n"):
            raise ContractError("{0!r} cannot be written for the guard: a tab or a newline in it.".format(texts))
        lines.append("\t".join([key, *texts]))
    return "\n".join(lines) + "\n"


def _entries(contract: Contract, settings: GuardSettings) -> t.Iterator[t.Tuple[t.Any, ...]]:
    yield "schema", SCHEMA
    yield "contract", contract["id"]
    yield "state", settings.state
    yield "full_every", settings.full_every
    yield "wait_seconds", settings.wait
    if settings.metrics:
        yield "metrics", settings.metrics
    if settings.baseline:
        yield "baseline", settings.baseline
    for word in settings.notify:
        yield "notify", word
    yield "command", COMMAND
    yield from _promises(contract, settings)
    yield from _places(contract)
    for rule in RULES:
        yield "rule", rule.id, rule.name, rule.severity
    # An error of an audit, so no rule; the guard has to tell it in the same way as the others.
    yield "rule", "SP302", "rpmdb-unreadable", "critical"


def _promises(contract: Contract, settings: GuardSettings) -> t.Iterator[t.Tuple[t.Any, ...]]:
    for name in contract["packages"]:
        yield "required", name
    for name in contract["optional_packages"]:
        if name not in contract["packages"]:
            yield "optional", name
    for link in contract["links"]:
        yield "link", link["path"], link["target"], link["package"]
    for binary in contract["binaries"]:
        yield "binary", binary["path"], binary["package"]
        for twin in binary["twins"]:
            yield "twin", twin, binary["path"]
    yield _unversioned(contract, settings)
    if contract["manager"]:
        yield from _manager(contract["manager"])
    if contract["selinux"]:
        yield "selinux", contract["selinux"]
    for group in contract.get("alternatives") or []:
        yield "group", group


def _unversioned(contract: Contract, settings: GuardSettings) -> t.Tuple[t.Any, ...]:
    path, wanted = contract["unversioned"]["path"], target_of(contract, settings.unversioned)
    # A policy that the distribution cannot fulfil is no finding of an audit either.
    return ("unversioned", path, settings.unversioned, wanted) if wanted else ("unversioned", path, "unmanaged")


def _manager(manager: t.Mapping[str, t.Any]) -> t.Iterator[t.Tuple[t.Any, ...]]:
    yield ("manager", manager["argv"][0], *([manager["interpreter"]] if manager["interpreter"] else []))
    for name in manager["packages"]:
        yield "manager_package", name


def _places(contract: Contract) -> t.Iterator[t.Tuple[t.Any, ...]]:
    for folder in ("/usr/lib64/python", "/usr/lib/python"):
        yield "library", folder + contract["version"]
    for folder in ADMIN_FOLDERS:
        yield "admin_folder", folder
        yield "watch", folder + "/*"
    yield "entries", ENTRIES_FOLDER
    for pattern in VARIABLE_FILES:
        yield "variable_file", pattern
    for who, patterns, _pattern in PATH_FILES:
        for pattern in patterns:
            yield "path_file", who, _HOW.get(who, "plain"), pattern
    for folder in _FOLDERS:
        for name in _NAMES:
            yield "watch", "{0}/*{1}*".format(folder, name)
    for pattern in _WATCHED:
        yield "watch", pattern
