# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of variables is that of the roles; what is near to one of them is named."""

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.plugin_utils._run.variables import RESULTS, SETTINGS, mistyped

ROOT = Path(__file__).resolve().parents[5]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
NAME = re.compile(rf"(?<![\w.])(?:{'|'.join(SETTINGS)})_[a-z0-9_]+")
# Names of groups, of folders, and of a module.
OTHERS = {"system_python_benchmark", "system_python_images", "system_python_to_repair", "python_venv_info"}


@pytest.mark.parametrize("role", ROLES)
def test_every_option_of_a_role_is_known(role: str) -> None:
    text = (ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8")
    options = {name for one in yaml.safe_load(text)["argument_specs"].values() for name in one.get("options", {})}
    known = {f"{role}_{name}" for name in SETTINGS[role].split()}
    # The playbook guard.yml has one more.
    assert known - {"python_guard_baselines"} == options


def test_every_name_in_roles_and_playbooks_is_known() -> None:
    files = [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    used = {name for path in files for name in NAME.findall(path.read_text(encoding="utf-8"))}
    assert mistyped(used - OTHERS) == []


def test_no_name_is_both_set_and_left() -> None:
    assert [
        f"{role}_{name}" for role in RESULTS for name in RESULTS[role].split() if name in SETTINGS[role].split()
    ] == []


@pytest.mark.parametrize(
    ("name", "nearest", "certain"),
    [
        ("python_restore_sellinux", "python_restore_selinux", True),
        ("system_python_hots", "system_python_hosts", True),
        ("python_audit_fail_severty", "python_audit_fail_severity", True),
        ("python_resotre_selinux", "python_restore_selinux", True),
        ("python_restore_enforce_selinux", "python_restore_selinux", False),
    ],
)
def test_the_nearest_name_is_told(name: str, nearest: str, certain: bool) -> None:
    [found] = mistyped([name])
    assert (found.nearest, found.certain) == (nearest, certain)
    assert name in found.sentence
    assert nearest in found.sentence
    assert mistyped([name], own=[name]) == []


@pytest.mark.parametrize("name", ["python_version", "python_packages", "pythonic", "system_python_hosts", "web_port"])
def test_other_names_are_nobodys_business(name: str) -> None:
    assert mistyped([name]) == []
