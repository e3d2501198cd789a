# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What would have stopped an incident: what to do otherwise, per cause, and the guards of the collection, per finding.

Pure data, and two functions that look things up in it. A part of the collection is named only when this version has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from ...module_utils._audit.findings import ids_of
from .records import Advice, GuardAdvice
from .rules import BINARY

__all__ = ["ADVICE", "GUARDS", "Habit", "Safeguard", "advice_for", "guards_for"]


class Habit(NamedTuple):
    """What to do otherwise, and the part of the collection that helps, null when it is yours alone."""

    text: str
    part: str | None = None


class Safeguard(NamedTuple):
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

ADVICE: Mapping[str, Sequence[Habit]] = {
    "alternatives_redirected": (
        Habit("Register no alternatives group over a path that a package ships; call a newer Python by its own name."),
    ),
    "link_replaced": (
        Habit("Leave the links of packages alone; a newer Python has its own folder.", "roles/python_runtime"),
    ),
    "path_shadowed": (Habit("Link nothing called python3 into /usr/local/bin; give applications full paths."),),
    "binary_overwritten": (
        Habit("Build no CPython with --prefix=/usr and copy nothing over /usr/bin/python3.*; both belong to packages."),
        Habit("A newer Python has its own folder under /opt.", "roles/python_runtime"),
        Habit("Applications get environments of their own.", "roles/python_venv"),
        Habit("Verify images before they are rolled out.", "playbooks/image_check.yml"),
    ),
    "replaced_by_package": (
        Habit("Install no package that ships files of the system's Python; look at its file list before."),
        Habit("Verify images before they are rolled out.", "playbooks/image_check.yml"),
    ),
    "library_altered": (
        Habit("Patch nothing in the system's library; own code has an environment of its own.", "roles/python_venv"),
    ),
    "pip_as_root": (Habit("Run no pip as root outside a virtual environment.", "roles/python_venv"),),
    "environment_variable": (
        Habit("Set PYTHONPATH, PYTHONHOME and the like for one service or user, never for everyone."),
    ),
    "failed_update": (Habit("Watch the exit codes of updates, and finish what was interrupted before the next one."),),
    "disk_corruption": (Habit("Look at the disk (smartctl, the kernel's log) before you trust this host again."),),
}

# --- the guards, per finding -----------------------------------------------------------------------------------------

_GONE = ids_of(lambda rule: rule.change == "gone")
_BY_PIP = ("SP208", "SP209")
# What a repair puts back or takes away of itself; what pip did is prevented.
_RESTORED = ids_of(
    lambda rule: (rule.differs or rule.subject in ("link", "alternatives", "unowned")) and rule.id not in _BY_PIP
)


def _pin(effect: str, findings: tuple[str, ...], option: str, text: str) -> Safeguard:
    return Safeguard(findings, effect, "roles/python_pin", f"python_pin_{option}", text)


GUARDS = (
    _pin("prevents", _BY_PIP, "marker: present", "pip refuses to install into it"),
    _pin(
        "prevents",
        _BY_PIP,
        "pip_config: present",
        "every pip of the host refuses to work outside of virtual environments",
    ),
    _pin("prevents", _GONE, "protection: present", "the package manager refuses to remove its packages"),
    _pin(
        "prevents",
        BINARY,
        "attributes: present",
        "the binaries are immutable; updates of them fail, too, while it is set",
    ),
    _pin("prevents", ("SP501",), "inventory: present", "the inventory names the interpreter"),
    _pin("undoes", _RESTORED, "restore: true", "each run puts the links and the files of the packages back"),
    _pin("undoes", ("SP106",), "shadows: quarantined", "each run moves another python3 away that PATH has before it"),
    _pin(
        "undoes", ("SP107",), "variables: quarantined", "each run takes lines away that set the variables for everyone"
    ),
    _pin("undoes", ("SP108",), "unversioned", "each run makes /usr/bin/python what it should be"),
    Safeguard(
        ("SP212",),
        "undoes",
        "roles/python_restore",
        "python_restore_selinux: enforcing",
        "each run puts the configured mode of SELinux back",
    ),
    Safeguard(
        ids_of(lambda rule: rule.subject not in ("ansible", "start")),
        "notices",
        "roles/python_guard",
        "python_guard_state: present",
        "a timer on the host looks every python_guard_period seconds, and tells what changed",
    ),
    Safeguard(
        ids_of(lambda _rule: True),
        "notices",
        "playbooks/audit.yml",
        None,
        "run every night, it finds it the next morning",
    ),
)

# The order in which they are shown.
_EFFECTS = ("prevents", "undoes", "notices")


def advice_for(causes: Sequence[str], parts: Iterable[str]) -> list[Advice]:
    """Return the advice for the causes, each once. C(parts) are those of this version."""
    there: Collection[str] = set(parts)
    found: dict[str, Advice] = {}
    for cause in causes:
        for one in ADVICE.get(cause, ()):
            if one.part is None or one.part in there:
                guard = _name_of_part(one.part) if one.part else None
                found.setdefault(one.text, {"for": cause, "advice": one.text, "guard": guard})
    return list(found.values())


def guards_for(findings: Iterable[str], parts: Iterable[str]) -> list[GuardAdvice]:
    """Return which guards would have prevented, undone or noticed C(findings), of the C(parts) of this version."""
    ids = sorted(set(findings))
    there: Collection[str] = set(parts)
    helpful = [one for one in GUARDS if one.part in there and set(ids).intersection(one.findings)]
    return [
        GuardAdvice(
            effect=one.effect,
            guard=_name_of_part(one.part),
            option=one.option,
            what=one.text,
            findings=[finding for finding in ids if finding in one.findings],
        )
        for one in sorted(helpful, key=lambda one: _EFFECTS.index(one.effect))
    ]


def _name_of_part(part: str) -> str:
    """Return the name by which a part is called in a playbook or on the command line."""
    return "fleet.system_python." + part.partition("/")[2].replace(".yml", "")
