# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: rpm_integrity
short_description: Keep installed packages as they were shipped
version_added: 0.1.0
description:
  - Verifies packages as C(rpm -V) does, reinstalls only those that differ, at the installed version and all in one rpm
    transaction, and verifies again.
  - Configuration, documentation, ghost and license files, and a changed time stamp alone, are no reason to reinstall.
    A configuration file that was changed is never touched.
  - The exact packages come from the first of several sources that has them. dnf is one of them, but nothing depends on
    it, so this works where the Python that dnf runs on is broken.
  - Before anything is changed, all packages are there, their signatures are checked, they are compared with what is
    installed (a rebuild under the same name is refused), and rpm tested the transaction. When the installed version
    is gone from the repositories, the module fails and names the versions that are available.
  - What the reinstallation overwrites is kept in a quarantine folder with a manifest.
  - An rpm transaction that was killed is finished by the next run, and what it left half written is removed.
options:
  state:
    description:
      - What the packages should be. There is only one good state.
    type: str
    choices: [intact]
    default: intact
  packages:
    description:
      - Names of the packages. They must be installed.
      - One of O(packages) and O(scope) is needed.
    type: list
    elements: str
  scope:
    description:
      - With V(contract), takes care of the packages that make up the operating system's own Python according to the
        collection. Those that the contract merely knows are taken care of where they are installed.
      - Adds to O(packages) when both are given.
      - For everything that packages alone cannot repair, use M(fleet.system_python.system_python).
    type: str
    choices: [contract]
  contract:
    description:
      - A contract of your own for an operating system that the collection does not know, or keys that replace those of
        the known one.
      - The keys are described in C(docs/adding-an-os.md).
    type: dict
  exclude:
    description:
      - Deviations of files of these types do not count either. A file can have several types.
    type: list
    elements: str
    choices: [artifact, config, doc, ghost, license, missingok, noreplace, readme, specfile]
    default: []
  files:
    description:
      - Package files (C(.rpm)) on the host, or folders of them, that are asked before any other source.
      - A file with a wrong signature is an error, even if another source had a good one.
    type: list
    elements: path
    default: []
  use:
    description:
      - The sources that may be asked for packages, in this order. Without it all of them are, the cheapest first.
      - V(files) are those of O(files). V(cache) are the folders where package managers keep downloads. V(zypper),
        V(microdnf) and V(dnf) are only asked to download, and only when they are as their packages shipped them; V(dnf)
        besides only when the Python that it runs on was verified. V(repositories) are the enabled repositories of dnf
        and zypper, read without either of them.
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
      - How many seconds to wait while another run of the collection works on this host.
    type: int
    default: 0
  timeout:
    description:
      - How many seconds the verification may take. When they are over, the module fails and changes nothing.
    type: int
    default: 120
  fetch_timeout:
    description:
      - How many seconds each source may take to give its packages.
    type: int
    default: 600
notes:
  - Needs root.
  - Asking package managers for packages may refresh their caches below C(/var/cache). Downloads themselves go to a
    folder of the run and are removed.
  - Packages are reinstalled with C(rpm --reinstall --nodeps). Since only what is installed is installed again, no
    dependencies change, and packages that these would replace in an upgrade stay.
  - Scripts of the packages are run as in every reinstallation. Those that failed are returned as warnings.
seealso:
  - module: fleet.system_python.rpm_verify_info
  - module: fleet.system_python.system_python
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Shows the packages that a real run reinstalls. They are not fetched, so a source that cannot give them shows
        only in the real run.
  diff_mode:
    support: full
  idempotent:
    support: full
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Keep the packages of the system Python as they were shipped
  fleet.system_python.rpm_integrity:
    scope: contract
  become: true

- name: Keep other packages as they were shipped
  fleet.system_python.rpm_integrity:
    packages: [openssl-libs, sudo]
  become: true

- name: Repair from package files that were copied to the host, and from nowhere else
  fleet.system_python.rpm_integrity:
    scope: contract
    files:
      - /srv/rescue
    use: [files]
  become: true

- name: Show what would be reinstalled, and why
  fleet.system_python.rpm_integrity:
    scope: contract
  become: true
  check_mode: true
  diff: true
"""

RETURN = r"""
intact:
  description: Whether all packages are as they were shipped, after the run (in check mode, before it).
  returned: success
  type: bool
  sample: true
packages:
  description: The packages that were verified.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the package.
      returned: success
      type: str
      sample: python3
    nevra:
      description: Name, epoch (when it is not 0), version, release and architecture.
      returned: success
      type: str
      sample: python3-3.9.21-2.el9.x86_64
    deviations:
      description: How many of its files were not as they should be.
      returned: success
      type: int
      sample: 1
    installed_twice:
      description: Whether the package database held it twice, as a killed transaction leaves it.
      returned: success
      type: bool
      sample: false
    intact_before:
      description: Whether it was as it should be before the run.
      returned: success
      type: bool
      sample: false
    reinstalled:
      description: Whether it was reinstalled, or would be in check mode.
      returned: success
      type: bool
      sample: true
    source:
      description: Which source gave it, null when none was asked.
      returned: success
      type: str
      sample: repositories
    intact_after:
      description: Whether it is as it should be after the run, null in check mode.
      returned: success
      type: bool
      sample: true
files:
  description:
    - The files that were not as they should be before the run.
    - For expected and actual values, ask M(fleet.system_python.rpm_verify_info) before the run.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Absolute path; bytes that are no UTF-8 are written as C(\\xNN).
      returned: success
      type: str
      sample: /usr/bin/python3.9
    package:
      description: Package that ships it.
      returned: success
      type: str
      sample: python3-3.9.21-2.el9.x86_64
    state:
      description: V(altered), V(missing), V(replaced) (another package took it over) or V(unreadable).
      returned: success
      type: str
      sample: altered
    flags:
      description: The flags as C(rpm -V) prints them, or V(missing).
      returned: success
      type: str
      sample: S.5....T.
    altered:
      description: What differs, such as V(size), V(mode), V(digest), V(link_target), V(owner), V(group).
      returned: success
      type: list
      elements: str
      sample: [size, digest, mtime]
leftovers:
  description: Half-written files of a killed rpm transaction that were removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: []
tried:
  description: The sources that could not give a package, and why, in the order in which they were asked.
  returned: success
  type: list
  elements: dict
  sample: [{"source": "cache", "reason": "there is no package cache"}]
quarantine:
  description: The folder with copies of what was overwritten, and its manifest; null when nothing was.
  returned: success
  type: str
  sample: /var/lib/fleet.system_python/quarantine/20260102T030405Z-5d09c4
kind:
  description:
    - What went wrong, as a stable word.
    - V(no_source), V(version_gone), V(signature), V(disk_full), V(read_only), V(transaction), V(not_installed),
      V(installed_twice), V(verification_incomplete), V(rpmdb_unreadable), V(not_root), V(locked), V(not_proven),
      V(unknown_platform) and others.
  returned: failure
  type: str
  sample: version_gone
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The facts behind the message, such as C(wanted), C(available) and C(tried).
  returned: failure
  type: dict
  sample: {"wanted": ["python3-3.9.21-1.el9.x86_64"], "available": {"python3": ["3.9.21-2.el9"]}}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._audit.contract import Contract, contract_for
from ..module_utils._base.errors import UnknownPlatformError
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._packages.ladder import SOURCES
from ..module_utils._repair.integrity import IntegrityRun, IntegritySettings
from ..module_utils._repair.packages import PackageOptions

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["intact"], "default": "intact"},
    "packages": {"type": "list", "elements": "str"},
    "scope": {"type": "str", "choices": ["contract"]},
    "contract": {"type": "dict"},
    "exclude": {
        "type": "list",
        "elements": "str",
        "choices": ["artifact", "config", "doc", "ghost", "license", "missingok", "noreplace", "readme", "specfile"],
        "default": [],
    },
    "files": {"type": "list", "elements": "path", "default": []},
    "use": {"type": "list", "elements": "str", "choices": list(SOURCES)},
    "check_signatures": {"type": "bool", "default": True},
    "lock_timeout": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 120},
    "fetch_timeout": {"type": "int", "default": 600},
}


def make_run(module: AnsibleModule) -> IntegrityRun:
    """Return the run that the module's options ask for."""
    options = module.params
    contract = _contract(options["contract"], is_needed=options["scope"] == "contract")
    packages = list(options["packages"] or [])
    optional = []  # type: t.List[str]
    if options["scope"] == "contract" and contract:
        packages += contract["packages"]
        optional += contract["optional_packages"]
    settings = IntegritySettings(
        names=packages,
        optional=optional,
        contract=contract,
        exclude=options["exclude"],
        packages=PackageOptions(
            options["files"], options["use"], options["check_signatures"], options["fetch_timeout"]
        ),
        timeout=options["timeout"],
        lock_timeout=options["lock_timeout"],
    )
    return IntegrityRun(settings)


def _contract(own: t.Optional[Contract], is_needed: bool) -> t.Optional[Contract]:
    try:
        return contract_for(read_os_release(), own)
    except UnknownPlatformError:
        if is_needed:
            raise
        # Packages can be named on any system; only dnf is then not asked, as nobody knows what it runs on.
        return None


def main() -> None:
    """Run the module."""
    run_module(make_run, ARGUMENT_SPEC, required_one_of=[("packages", "scope")])


if __name__ == "__main__":
    main()
