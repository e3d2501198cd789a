# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The variables of the roles and playbooks, and what was probably meant by one that is not among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

__all__ = ["OURS", "RESULTS", "SETTINGS", "Mistyped", "mistyped"]

# What users set, by the prefix of its name: the options in meta/argument_specs.yml of the roles, and what playbooks
# read. Here, because ten files are too many to read for each task.
SETTINGS: Mapping[str, str] = {
    "python_audit": (
        "check_manager contract dependents dependents_folders exceptions fail_severity timeout unversioned"
    ),
    "python_benchmark": (
        "baseline clock folder fsync interpreters niceness pictures pyperf_from_index pyperf_wheelhouse reports "
        "rounds runner scale scripts timeout tolerance user warmups workloads"
    ),
    "python_first_aid": (
        "borrow check_signatures contract donors exceptions files host_files install lock_timeout needed_files needs "
        "sources"
    ),
    "python_guard": (
        "baseline baseline_digest baselines contract exceptions full_every metrics_folder notify path_units period "
        "schedule state unversioned wait"
    ),
    "python_image_check": "archive contract engine exceptions fail_severity image root timeout unversioned work_folder",
    "python_pin": (
        "attributes contract edit_packaged_files fetch_timeout inventory inventory_folder inventory_group "
        "lock_timeout marker pip_config protection python3 restore shadows timeout unversioned variables"
    ),
    "python_report": (
        "check_mode fleet_page folder formats healthy_runs hosts kind partial reboot_timeout restart_command run_id "
        "second_run validate_reboot"
    ),
    "python_rescue": ("check_signatures contract disks exceptions fail_severity files selinux timeout use volume"),
    "python_restore": (
        "borrow check_signatures contract edit_packaged_files exceptions fail_severity fetch_timeout files "
        "install_link_package lock_timeout quarantine quarantine_all reboot_timeout report selinux stricter_modes "
        "timeout transactional unversioned use"
    ),
    "python_runtime": "keep lock_timeout mirror pack_to poll root runtimes state timeout user",
    "python_venv": (
        "dry_run except extra_files import_exceptions interpreter keep lock_timeout only origins restart roots venvs "
        "wheelhouse"
    ),
    "system_python": "batches builders contract event_host exceptions hosts own_variables",
    "image_check": "archive contract folder formats image root targets",
    "rescue": "machines",
    "venv_separation": "interpreters package user wheelhouse",
}

# What the roles and playbooks leave, or hand on.
RESULTS: Mapping[str, str] = {
    "python_audit": "dependents_result result",
    "python_benchmark": "report result",
    "python_first_aid": "answer borrowed donor healthy loan result",
    "python_guard": "result",
    "python_image_check": "result",
    "python_pin": "result",
    "python_report": "evidence first_aid page result rounds written",
    "python_rescue": "result",
    "python_restore": "result",
    "python_runtime": "packed results",
    "python_venv": "census census_after chosen result",
    "system_python": "began look note outcome pictures report reports table",
    "image_check": "problems target",
    "rescue": "machine problems",
    "venv_separation": "seen",
}


def _names(table: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{prefix}_{name}" for prefix, names in table.items() for name in names.split())


_SETTINGS = _names(SETTINGS)
_KNOWN = _SETTINGS | _names(RESULTS)
OURS = tuple(SETTINGS)
"""What the names of our variables begin with, before an underscore."""
_LIKE_OURS = ("python_", *(f"{prefix}_" for prefix in OURS))
# A prefix alone makes names similar: behind it names differ more.
_NEAR, _NEAR_IN_WHOLE = 0.75, 0.93


class Mistyped(NamedTuple):
    """A name, and the nearest right one; C(certain) when it is near enough to have been meant."""

    name: str
    nearest: str
    certain: bool

    @property
    def sentence(self) -> str:
        """What a person is told."""
        if self.certain:
            return (
                f"{self.name} is not a variable of this collection; {self.nearest} was probably meant. (If it is one "
                "of yours, name it in the list system_python_own_variables.)"
            )
        return (
            f"{self.name} is not a variable of this collection and has no effect here; the nearest is {self.nearest}."
        )


def mistyped(names: Iterable[str], own: Collection[str] = ()) -> list[Mistyped]:
    """Return those of C(names) that begin as ours do and are none of ours, nor in C(own), by name."""
    unknown = (name for name in names if name.startswith(_LIKE_OURS) and name not in _KNOWN and name not in own)
    return [one for one in map(_judged, sorted(unknown)) if one]


def _judged(name: str) -> Mistyped | None:
    # Seldom needed, and each task would load it.
    from difflib import get_close_matches  # noqa: PLC0415

    prefix = max((one for one in SETTINGS if name.startswith(f"{one}_")), key=len, default="")
    if not prefix:
        whole = get_close_matches(name, _SETTINGS, 1, _NEAR_IN_WHOLE)
        return Mistyped(name, whole[0], certain=True) if whole else None
    rest = name[len(prefix) + 1 :]
    near = get_close_matches(rest, SETTINGS[prefix].split(), 1, _NEAR)
    nearest = near or get_close_matches(rest, SETTINGS[prefix].split(), 1, 0)
    return Mistyped(name, f"{prefix}_{nearest[0]}", certain=bool(near))
