# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: system_python
short_description: Put the system Python back to what its vendor shipped
version_added: 0.1.0
description:
  - Finds what is not as the operating system's contract promises (see M(fleet.system_python.python_facts)), repairs it
    in one call, observes again and proves the result.
  - Links are put back by rename, so that C(/usr/bin/python3) never stops existing. Foreign alternatives groups are
    removed without their links. Altered packages are reinstalled at the installed version, all in one rpm
    transaction. Modes and owners of single files come from rpm's own record.
  - Nothing is destroyed. What is in the way, or does not belong there, goes to a quarantine folder below
    C(/var/lib/fleet.system_python) with a manifest that can put it back.
  - Everything that the repair needs is fetched, and its signatures are checked, before anything is changed.
  - A run that was killed is finished by the next one. If two runs start at once, the second waits, or fails and names
    the holder of the lock.
  - It runs under an interpreter that rpm vouches for, whatever C(ansible_python_interpreter) says; on a host without
    one it fails. The role P(fleet.system_python.python_first_aid#role) brings one back.
options:
  state:
    description:
      - What the system Python should be. There is only one good state.
    type: str
    choices: [intact]
    default: intact
  contract:
    description:
      - A contract of your own for an operating system that the collection does not know, or keys that replace those of
        the known one.
    type: dict
  unversioned:
    description:
      - What C(/usr/bin/python) should be. A difference is reported as a finding; it is not repaired.
    type: str
    choices: [unmanaged, absent, python3, python2]
    default: unmanaged
  selinux:
    description:
      - The SELinux mode that the configuration file should have. Without it a mode that differs from the vendor's is
        reported and left alone.
    type: str
    choices: [enforcing, permissive]
  quarantine:
    description:
      - The findings whose files may be moved to the quarantine. Others of these are reported and left where they are.
      - With V(SP107) the line of a settings file becomes a comment, where it does nothing but set that variable. A copy
        of the file goes to the quarantine before.
    type: list
    elements: str
    choices: [SP106, SP107, SP209, SP210, SP213]
    default: [SP209, SP210]
  quarantine_all:
    description:
      - Whether the findings in O(quarantine) may take what is otherwise left, too.
      - That is what M(fleet.system_python.python_quarantine) put back; and with V(SP209) add-ons, which neither run
        when Python starts nor hide a module. What pip installed stays.
    type: bool
    default: false
  edit_packaged_files:
    description:
      - Whether V(SP107) in O(quarantine) may change files that a package owns, too.
    type: bool
    default: false
  install_link_package:
    description:
      - Whether a package may be installed that nothing requires, and from which a name of the system's Python comes.
      - On SLES 16 that is C(python3-base), which has C(/usr/bin/python3) since python313 3.13.14.
    type: bool
    default: false
  stricter_modes:
    description:
      - Whether a mode that is stricter than the package's is set right, too. By default it is left as it is, because
        the host may have been hardened, and reported as minor.
    type: bool
    default: false
  files:
    description:
      - Package files (C(.rpm)) on the host, or folders of them, that are asked before any other source.
    type: list
    elements: path
    default: []
  controller_files:
    description:
      - Package files on the controller. They are copied to the host for this run and asked like those of O(files).
    type: list
    elements: path
    default: []
  use:
    description:
      - The sources that may be asked for packages, in this order. Without it all of them are, the cheapest first.
    type: list
    elements: str
    choices: [files, cache, zypper, microdnf, dnf, repositories]
  check_signatures:
    description:
      - Whether a package must be signed by a key that the host's package database trusts.
    type: bool
    default: true
  lock_timeout:
    description:
      - How many seconds to wait while another run works on this host.
    type: int
    default: 0
  timeout:
    description:
      - How many seconds each rpm query may take.
    type: int
    default: 120
  fetch_timeout:
    description:
      - How many seconds each source may take to give its packages.
    type: int
    default: 600
  report:
    description:
      - Whether to return what an incident report needs as well (RV(report)). On a host with findings, evidence is
        collected before anything is changed, see M(fleet.system_python.python_evidence).
    type: bool
    default: false
  report_always:
    description:
      - Whether, with O(report=true), the evidence is collected although nothing is found. First aid may have repaired
        all of it before any module could run.
    type: bool
    default: false
  root:
    description:
      - The folder of a system that is not running, such as the mounted disk of a machine that does not start any more.
        Instead of this host, that system is repaired. Nothing of it is executed, no scriptlet either, and its package
        database is read and not written.
      - What deviates is taken out of exact packages, whose signatures are checked with the keys in the root's database.
        They come from O(files), from the root's own package cache, and from the sources of this machine where it is of
        the same release.
      - Quarantine and journal lie in the root, below C(/var/lib/fleet.system_python).
      - The root must not be in use. Nothing of it may be mounted elsewhere, too; what its fstab has as volumes of their
        own must be mounted in it.
      - There is no O(report) of a root.
    type: path
    version_added: 0.1.0
  transactional:
    description:
      - Whether, on a host that changes its system in snapshots (C(transactional-update)), the exact packages are
        installed in one. Nothing changes before the next boot; then run the module again, which proves it and does what
        is left. Without it such a repair is an error of the kind V(immutable_host).
      - On other hosts it changes nothing.
    type: bool
    default: false
seealso:
  - module: fleet.system_python.python_facts
  - module: fleet.system_python.python_evidence
  - module: fleet.system_python.rpm_integrity
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.exceptions
attributes:
  check_mode:
    support: full
    details:
      - Shows exactly the plan that a real run carries out. Packages are not fetched, so a source that cannot give them
        shows only in the real run.
  diff_mode:
    support: full
  idempotent:
    support: full
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Put the system Python back to what its vendor shipped
  fleet.system_python.system_python:

- name: The same with packages from a folder on the host, for hosts without repositories
  fleet.system_python.system_python:
    files:
      - /srv/rescue
    use: [files]

- name: Show what would be done
  fleet.system_python.system_python:
  check_mode: true
  diff: true
"""

RETURN = r"""
healthy:
  description: Whether the host is as its contract promises, proven by observing it again and by the proof's commands.
  type: bool
  returned: success
contract:
  description: Id of the contract that the host was compared with.
  type: str
  returned: success
  sample: el9
findings:
  description: What was not as promised before the run.
  type: list
  elements: dict
  returned: success
accepted:
  description: The findings that O(exceptions) accept, each with C(accepted), the reason and the end of the exception.
  type: list
  elements: dict
  returned: success
findings_after:
  description: What is not as promised after the run; in check mode the findings that no action answers.
  type: list
  elements: dict
  returned: success
plan:
  description: The actions, in their order, each with a C(description) and the C(findings) that it answers.
  type: list
  elements: dict
  returned: success
actions:
  description: The actions that were carried out, each with its C(result).
  type: list
  elements: dict
  returned: when something was done
packages:
  description: The packages of the scope, name to name-epoch:version-release.architecture.
  type: dict
  returned: success
sources:
  description: Which source gave which package.
  type: dict
  returned: when something was done
  sample: {"python3-3.9.21-2.el9.x86_64": "repositories"}
tried:
  description: The sources that could not give a package, and why.
  type: list
  elements: dict
  returned: when something was done
quarantine:
  description: The folder with what was moved or kept, and its manifest; null when there is none.
  type: str
  returned: when something was done
proof:
  description:
    - The commands of the proof, each with C(ok) and C(output).
    - After a change, C(other packages) tells whether a package with files where something was changed is worse than
      before.
  type: list
  elements: dict
  returned: when not in check mode
summary:
  description: The result as lines for people.
  type: list
  elements: str
  returned: success
report:
  description:
    - What an incident report needs, as far as the run came. C(facts) and C(facts_after) (as of
      M(fleet.system_python.python_facts)), C(evidence), C(quarantine) (what was kept, with digests), C(proof), C(boot),
      C(run_id), C(started), C(proved).
  type: dict
  returned: with O(report=true), also on failure
staged:
  description:
    - What waits for the next boot of a transactional host. C(packages), as name=version-release, and C(snapshot), its
      number, null in check mode and where an earlier run made it.
  type: dict
  returned: with O(transactional=true), when something of the system had to be changed
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: no_source
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The error's data.
  type: dict
  returned: failure
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._audit.contract import contract_for
from ..module_utils._audit.findings import DEFAULT_QUARANTINE, QUARANTINE_CHOICES, Policy, waivers_of
from ..module_utils._audit.unversioned import POLICIES
from ..module_utils._base.errors import InvalidDataError
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._disk.root import HOST, Root
from ..module_utils._packages.ladder import SOURCES
from ..module_utils._repair.packages import PackageOptions
from ..module_utils._repair.rescue import RootRepair
from ..module_utils._repair.run import Repair, RepairSettings
from ..module_utils._repair.staged import StagedRepair

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["intact"], "default": "intact"},
    "contract": {"type": "dict"},
    "unversioned": {"type": "str", "choices": list(POLICIES), "default": "unmanaged"},
    "selinux": {"type": "str", "choices": ["enforcing", "permissive"]},
    "quarantine": {
        "type": "list",
        "elements": "str",
        "choices": list(QUARANTINE_CHOICES),
        "default": list(DEFAULT_QUARANTINE),
    },
    "quarantine_all": {"type": "bool", "default": False},
    "edit_packaged_files": {"type": "bool", "default": False},
    "install_link_package": {"type": "bool", "default": False},
    "stricter_modes": {"type": "bool", "default": False},
    "files": {"type": "list", "elements": "path", "default": []},
    "controller_files": {"type": "list", "elements": "path", "default": []},
    "use": {"type": "list", "elements": "str", "choices": list(SOURCES)},
    "check_signatures": {"type": "bool", "default": True},
    "lock_timeout": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 120},
    "fetch_timeout": {"type": "int", "default": 600},
    "report": {"type": "bool", "default": False},
    "report_always": {"type": "bool", "default": False},
    "transactional": {"type": "bool", "default": False},
    "root": {"type": "path"},
    "exceptions": {"type": "list", "elements": "dict", "default": []},
}


def make_run(module: AnsibleModule) -> Repair:
    """Return the run that the module's options ask for."""
    params = module.params
    root = HOST if params["root"] is None else Root(params["root"])
    if params["root"] is not None and (params["report"] or params["transactional"]):
        raise InvalidDataError("'root' does not go with 'report' and 'transactional'.")
    os_release = read_os_release(root=root)
    settings = RepairSettings(
        contract=contract_for(os_release, params["contract"]),
        policy=Policy(
            params["unversioned"],
            params["selinux"],
            tuple(params["quarantine"]),
            params["edit_packaged_files"],
            params["quarantine_all"],
            params["install_link_package"],
            params["stricter_modes"],
            waivers_of(params["exceptions"]),
        ),
        environ=os.environ,
        core_version=module.ansible_version,
        packages=PackageOptions(
            params["files"], params["use"] or None, params["check_signatures"], params["fetch_timeout"]
        ),
        lock_timeout=params["lock_timeout"],
        timeout=params["timeout"],
        report=os_release if params["report"] else None,
        report_always=params["report_always"],
        root=root,
    )
    if params["root"] is not None:
        return RootRepair(settings, os_release)
    return StagedRepair(settings) if params["transactional"] else Repair(settings)


def main() -> None:
    """Run the module."""
    run_module(make_run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
