# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What would have stopped an incident: what to do otherwise, per cause, and the guards of the collection, per finding.

Pure data, and two functions that look things up in it. A part of the collection is named only when this version has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["ADVICE", "GUARDS", "Advice", "Guard", "advice_for", "guards_for"]

_GUARD = "roles/python_guard"
_PIN = "roles/python_pin"
_AUDIT = "playbooks/audit.yml"


class Advice(NamedTuple):
    """What to do otherwise, and the part of the collection that helps, null when it is yours alone."""

    text: str
    part: str | None = None


class Guard(NamedTuple):
    """What a part of the collection does about findings.

    C(effect): C(prevents) (it does not come about), C(undoes) (the next run takes it back) or C(notices); C(option) is
    what must be set, null when the part does it in any case.
    """

    findings: tuple[str, ...]
    effect: str
    part: str
    option: str | None
    text: str


# --- what to do otherwise, per cause ---------------------------------------------------------------------------------

ADVICE: Mapping[str, Sequence[Advice]] = {
    "alternatives_redirected": (
        Advice("Register no alternatives group over a path that a package ships; call a newer Python by its own name."),
    ),
    "link_replaced": (
        Advice("Leave the links of packages alone; a newer Python has its own folder.", "roles/python_runtime"),
    ),
    "path_shadowed": (Advice("Link nothing called python3 into /usr/local/bin; give applications full paths."),),
    "binary_overwritten": (
        Advice(
            "Build no CPython with --prefix=/usr and copy nothing over /usr/bin/python3.*; both belong to packages."
        ),
        Advice("A newer Python has its own folder under /opt.", "roles/python_runtime"),
        Advice("Applications get environments of their own.", "roles/python_venv"),
        Advice("Verify images before they are rolled out.", "playbooks/image_check.yml"),
    ),
    "replaced_by_package": (
        Advice("Install no package that ships files of the system's Python; look at its file list before."),
        Advice("Verify images before they are rolled out.", "playbooks/image_check.yml"),
    ),
    "library_altered": (
        Advice("Patch nothing in the system's library; own code has an environment of its own.", "roles/python_venv"),
    ),
    "pip_as_root": (Advice("Run no pip as root outside a virtual environment.", "roles/python_venv"),),
    "environment_variable": (
        Advice("Set PYTHONHOME, PYTHONPATH and PYTHONSTARTUP for one service or user, never for everyone."),
    ),
    "failed_update": (Advice("Watch the exit codes of updates, and finish what was interrupted before the next one."),),
    "disk_corruption": (Advice("Look at the disk (smartctl, the kernel's log) before you trust this host again."),),
}

# --- the guards, per finding -----------------------------------------------------------------------------------------

_LINKS = ("SP101", "SP102", "SP103", "SP104", "SP105")
_PATHS = ("SP106", "SP107", "SP108")
_CONTENT = ("SP201", "SP202", "SP203", "SP204", "SP205", "SP206", "SP207")
_LIBRARY = ("SP208", "SP209", "SP210")
_REST = ("SP211", "SP212", "SP301")

GUARDS: Sequence[Guard] = (
    Guard(("SP208", "SP209"), "prevents", _PIN, "python_pin_marker: present", "pip refuses to install into it"),
    Guard(
        ("SP208", "SP209"),
        "prevents",
        _PIN,
        "python_pin_pip_config: present",
        "every pip of the host refuses to work outside of virtual environments",
    ),
    Guard(
        ("SP202", "SP301"),
        "prevents",
        _PIN,
        "python_pin_protection: present",
        "the package manager refuses to remove its packages",
    ),
    Guard(
        ("SP201", "SP202", "SP203", "SP204"),
        "prevents",
        _PIN,
        "python_pin_attributes: present",
        "the binaries are immutable; updates of them fail, too, while it is set",
    ),
    Guard(("SP501",), "prevents", _PIN, "python_pin_inventory: present", "the inventory names the interpreter"),
    Guard(
        (*_LINKS, *_CONTENT, "SP210"),
        "undoes",
        _PIN,
        "python_pin_restore: true",
        "each run puts the links and the files of the packages back",
    ),
    Guard(
        ("SP106",),
        "undoes",
        _PIN,
        "python_pin_shadows: quarantined",
        "each run moves another python3 away that PATH has before it",
    ),
    Guard(
        ("SP107",),
        "undoes",
        _PIN,
        "python_pin_variables: quarantined",
        "each run takes lines away that set the variables for everyone",
    ),
    Guard(("SP108",), "undoes", _PIN, "python_pin_unversioned", "each run makes /usr/bin/python what it should be"),
    Guard(
        ("SP212",),
        "undoes",
        "roles/python_restore",
        "python_restore_selinux: enforcing",
        "each run puts the configured mode of SELinux back",
    ),
    Guard(
        (*_LINKS, *_PATHS, *_CONTENT, *_LIBRARY, *_REST),
        "notices",
        _GUARD,
        "python_guard_state: present",
        "a timer on the host looks every python_guard_period seconds, and tells what changed",
    ),
    Guard(
        (*_LINKS, *_PATHS, *_CONTENT, *_LIBRARY, *_REST, "SP501"),
        "notices",
        _AUDIT,
        None,
        "run every night, it finds it the next morning",
    ),
)

# The order in which they are told.
_EFFECTS = ("prevents", "undoes", "notices")


def advice_for(causes: Sequence[str], parts: Iterable[str]) -> list[dict[str, Any]]:
    """Return the advice for the causes, each once: C({for, advice, guard}). C(parts) are those of this version."""
    there: Collection[str] = set(parts)
    found: dict[str, dict[str, Any]] = {}
    for cause in causes:
        for one in ADVICE.get(cause, ()):
            if one.part is None or one.part in there:
                name = _name(one.part) if one.part else None
                found.setdefault(one.text, {"for": cause, "advice": one.text, "guard": name})
    return list(found.values())


def guards_for(findings: Iterable[str], parts: Iterable[str]) -> list[dict[str, Any]]:
    """Return which guards would have prevented, undone or noticed C(findings).

    Each is C({effect, guard, option, what, findings}); C(parts) are the roles and playbooks of this version.
    """
    ids = sorted(set(findings))
    there: Collection[str] = set(parts)
    told = [
        {
            "effect": one.effect,
            "guard": _name(one.part),
            "option": one.option,
            "what": one.text,
            "findings": [finding for finding in ids if finding in one.findings],
        }
        for one in GUARDS
        if one.part in there and set(ids).intersection(one.findings)
    ]
    return sorted(told, key=lambda one: _EFFECTS.index(str(one["effect"])))


def _name(part: str) -> str:
    """Return the name by which a part is called in a playbook or on the command line."""
    return "fleet.system_python." + part.partition("/")[2].replace(".yml", "")
