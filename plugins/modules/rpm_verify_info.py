# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: rpm_verify_info
short_description: Compare installed files with what their packages promise
version_added: 0.1.0
description:
  - Verifies packages with C(rpm -V). For each file that deviates, returns what the package promises and what is there.
  - Drives the C(rpm) command, not its Python bindings, so it works where the system Python is broken.
  - Dependencies are not checked, and no scripts of packages are run.
  - Reads only, with two rpm processes, whatever the number of packages (one or two more with O(files) and for files
    that another package took over; with O(scope=all) two for every 40 packages).
options:
  packages:
    description:
      - Names of the packages to verify. Any longer form that C(rpm -q) takes works, such as C(python3-3.9.18).
      - Packages that are not installed are returned in RV(not_installed); they are no error.
    type: list
    elements: str
  files:
    description:
      - Absolute paths. The packages that own them are verified, and RV(files) tells of these paths only, intact or not.
      - Paths that no package owns are returned in RV(unowned_files).
      - When another package took a path over, that package is the owner. Verify the rightful package by name in
        O(packages) to see this.
      - Cannot be combined with O(packages) and O(scope).
    type: list
    elements: path
  scope:
    description:
      - With V(contract), verifies the packages that make up the operating system's own Python according to the
        collection. Those that the contract merely knows are verified where they are installed.
      - With V(all), verifies every installed package, but those of O(exclude_packages). That reads every file of the
        system, so give it a O(timeout) that fits. Not every deviation is damage then, see O(drift_only).
      - Adds to O(packages) when both are given.
    type: str
    choices: [contract, all]
  exclude_packages:
    description:
      - For O(scope=all), patterns of the names of packages that are left out, such as V(kernel*). They are returned in
        RV(excluded_packages).
    type: list
    elements: str
    default: []
  contract:
    description:
      - For O(scope=contract), a contract of your own for an operating system that the collection does not know, or keys
        that replace those of the known one.
      - The keys are described in C(docs/adding-an-os.md).
    type: dict
  exclude:
    description:
      - Files of these types do not count as deviating. A file can have several types.
    type: list
    elements: str
    choices: [artifact, config, doc, ghost, license, missingok, noreplace, readme, specfile]
    default: []
  drift_only:
    description:
      - Leaves out deviations that a healthy host may have. These are all of configuration, documentation, ghost and
        license files, everything below the folders for documentation and translations, and a changed time stamp alone.
    type: bool
    default: false
  include_intact:
    description:
      - Also returns the files that are as they should be, and those that O(exclude) or O(drift_only) leaves out.
      - Python's standard library has thousands of files; the result grows accordingly.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds the verification may take. When they are over, what was found until then is returned, with
        RV(partial) true and the packages that were not verified to their end in RV(unverified_packages).
    type: int
    default: 120
  root:
    description:
      - Folder with another system, such as a mounted image. Its own package database and names of users are used.
      - Its database is read from a copy, and its files are compared without entering the folder, so nothing in there is
        written or run. The database may be of any format that this host's rpm reads; else the error names the format.
      - Needs root.
    type: path
  dbpath:
    description:
      - Folder of the package database when it is not in its usual place. With O(root) it is a path below that folder.
      - It is read from a copy.
    type: path
notes:
  - Verifying needs to read every file of the packages, which in general needs root. What cannot be read is returned
    with RV(files[].state=unreadable).
  - rpm does not verify SELinux labels, nor the content, size and target of ghost files.
  - What a package promises comes from the host's own package database.
seealso:
  - module: fleet.system_python.python_facts
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.info_module
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Verify what makes up the operating system's own Python
  fleet.system_python.rpm_verify_info:
    scope: contract
    drift_only: true
  register: verified
  become: true

- name: Stop when anything of it deviates
  ansible.builtin.assert:
    that: verified.intact
    fail_msg: "{{ verified.files | map(attribute='path') | list }}"

- name: Look at single files
  fleet.system_python.rpm_verify_info:
    files:
      - /usr/bin/python3
      - /usr/bin/python3.9
  become: true

- name: Verify packages, but not their documentation and configuration, for at most half a minute
  fleet.system_python.rpm_verify_info:
    packages: [python3, python3-libs, openssl-libs]
    exclude: [config, doc]
    timeout: 30
  become: true

- name: Verify the whole host, for at most ten minutes
  fleet.system_python.rpm_verify_info:
    scope: all
    exclude_packages: ["kernel*", "linux-firmware*"]
    drift_only: true
    timeout: 600
  register: whole
  become: true

- name: Tell what was not reached, which is not said to be intact
  ansible.builtin.debug:
    var: whole.unverified_packages
  when: whole.partial

- name: Verify a mounted image
  fleet.system_python.rpm_verify_info:
    scope: contract
    root: /mnt/image
  become: true
"""

RETURN = r"""
intact:
  description:
    - Whether everything that was asked for is installed, was verified to the end and does not deviate, apart from what
      O(exclude) and O(drift_only) leave out.
  returned: success
  type: bool
  sample: false
packages:
  description: The packages that were verified.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      returned: success
      type: str
      sample: python3
    epoch:
      description: Epoch, 0 where the package has none.
      returned: success
      type: int
      sample: 0
    version:
      description: Version.
      returned: success
      type: str
      sample: 3.9.18
    release:
      description: Release.
      returned: success
      type: str
      sample: 3.el9_4.1
    arch:
      description: Architecture, empty where the package has none.
      returned: success
      type: str
      sample: x86_64
    nevra:
      description: Name, epoch where there is one, version, release and architecture.
      returned: success
      type: str
      sample: python3-3.9.18-3.el9_4.1.x86_64
    verified:
      description: Whether it was verified to its end.
      returned: success
      type: bool
    intact:
      description: Whether it was verified to its end and none of its files deviates. All count, with O(files) too.
      returned: success
      type: bool
    deviations:
      description: How many of its files deviate.
      returned: success
      type: int
      sample: 1
files:
  description:
    - The files that deviate; with O(files), the paths asked for; with O(include_intact=true), all files.
    - In the order of the packages. A path that several packages own can be there several times.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path as the package has it. Bytes that are not UTF-8 are escaped, and backslashes then doubled.
      returned: success
      type: str
      sample: /usr/bin/python3.9
    path_printable:
      description: The path with control, invisible and undecodable characters escaped and backslashes doubled.
      returned: when it differs from the path
      type: str
    path_base64:
      description: The bytes of the path.
      returned: when they are not UTF-8
      type: str
    requested:
      description: The path that was asked for.
      returned: when it leads to the path through a linked folder
      type: str
      sample: /bin/python3.9
    package:
      description: The package, as its RV(packages[].nevra).
      returned: success
      type: str
      sample: python3-3.9.18-3.el9_4.1.x86_64
    state:
      description:
        - V(ok), or V(altered), or V(missing).
        - V(replaced) when another package installed a file of its own there. rpm itself counts this as intact.
        - V(unreadable) when it, or a folder above it, could not be read and nothing is known to differ.
        - V(excluded) when it is of a type in O(exclude).
        - V(unverified) when the time limit came first.
      returned: success
      type: str
      sample: altered
    drift:
      description: Whether a healthy host does not have this deviation, see O(drift_only).
      returned: success
      type: bool
    flags:
      description:
        - What C(rpm -V) printed, V(missing) or nine characters. They are size (C(S)), mode or kind (C(M)), digest
          (C(5)), device (C(D)), link target (C(L)), user (C(U)), group (C(G)), time stamp (C(T)) and capabilities
          (C(P)), each C(.) where it is as promised or was not looked at, and C(?) where it could not be read.
      returned: success
      type: str
      sample: S.5....T.
    attribute:
      description: The letter that C(rpm -V) prints for the file's first type, empty where it has none.
      returned: success
      type: str
      sample: c
    types:
      description: All types of the file, as in O(exclude).
      returned: success
      type: list
      elements: str
      sample: [config, noreplace]
    rpm_state:
      description:
        - What the package database has recorded, V(normal), V(replaced), V(not installed) (left out on purpose, such as
          documentation), V(net shared), V(wrong color) (another architecture's file is there) or V(missing) (nothing).
      returned: success
      type: str
      sample: normal
    reason:
      description: Why the file could not be looked at, empty otherwise.
      returned: success
      type: str
      sample: Permission denied
    altered:
      description:
        - What differs, any of V(size), V(mode), V(digest), V(device), V(link_target), V(owner), V(group), V(mtime) and
          V(capabilities). The kind of a file counts as mode, except that of a link in place of a file, which shows as
          V(link_target) alone.
      returned: success
      type: list
      elements: str
      sample: [size, digest, mtime]
    unreadable:
      description: What could not be read, as in RV(files[].altered).
      returned: success
      type: list
      elements: str
      sample: []
    expected:
      description: What the package promises. What it does not promise for such a file is null.
      returned: success
      type: dict
      contains:
        kind:
          description: V(file), V(link), V(directory) or V(other).
          returned: success
          type: str
          sample: file
        size:
          description: Size in bytes.
          returned: success
          type: int
          sample: 15448
        mode:
          description: Permissions in octal.
          returned: success
          type: str
          sample: "0755"
        owner:
          description: Name of the user.
          returned: success
          type: str
          sample: root
        group:
          description: Name of the group.
          returned: success
          type: str
          sample: root
        mtime:
          description: Time of the last change in seconds of Unix time.
          returned: success
          type: int
          sample: 1711459208
        digest:
          description: Digest of the content in hexadecimal, by the algorithm that the package uses (SHA-256 today).
          returned: success
          type: str
          sample: c2407c40cfb7505431649de2a9d1f73bff1a1c86b320ff169a266d14bce1ddfe
        link_target:
          description: Where a link points to.
          returned: success
          type: str
          sample: python3.9
        capabilities:
          description: File capabilities, empty where there are none.
          returned: success
          type: str
          sample: cap_net_raw=ep
    actual:
      description:
        - What is on the disk, with the keys of RV(files[].expected). Null when nothing is there or cannot be looked at.
        - It is read after rpm ended, so on a busy host it may be newer than what rpm saw.
      returned: success
      type: dict
    actual_errors:
      description: What of RV(files[].actual) could not be read, and why.
      returned: success
      type: list
      elements: str
      sample: []
    replaced_by:
      description: The packages that own the path now.
      returned: when the state is V(replaced)
      type: list
      elements: str
not_installed:
  description: The packages of O(packages), and those that the contract asks for, that are not installed.
  returned: success
  type: list
  elements: str
  sample: []
unowned_files:
  description: The paths of O(files) that no package owns.
  returned: success
  type: list
  elements: str
  sample: []
partial:
  description: Whether the time limit ended the verification.
  returned: success
  type: bool
unverified_packages:
  description: The packages that were therefore not verified to their end, as their RV(packages[].nevra).
  returned: success
  type: list
  elements: str
  sample: []
excluded_packages:
  description: The packages that O(exclude_packages) left out.
  returned: with O(scope=all)
  type: list
  elements: str
  sample: []
contract:
  description: The contract whose packages were verified.
  returned: with O(scope=contract)
  type: str
  sample: el9
elapsed:
  description: How many seconds it took.
  returned: success
  type: float
  sample: 0.412
kind:
  description: What went wrong, as a stable word.
  returned: failure
  type: str
  sample: rpmdb_unreadable
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The facts behind the message.
  returned: failure
  type: dict
  sample: {"path": "/var/lib/rpm"}
"""

import contextlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._audit.contract import contract_for
from ..module_utils._base.errors import InvalidDataError
from ..module_utils._base.module import run_module
from ..module_utils._base.text import printable
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._disk.root import Root
from ..module_utils._rpm.database import Rpm
from ..module_utils._rpm.disk import Disk
from ..module_utils._rpm.everything import verify_everything
from ..module_utils._rpm.offline import open_offline
from ..module_utils._rpm.verification import VerifyRequest, verify_info

ARGUMENT_SPEC = {
    "packages": {"type": "list", "elements": "str"},
    "files": {"type": "list", "elements": "path"},
    "scope": {"type": "str", "choices": ["contract", "all"]},
    "exclude_packages": {"type": "list", "elements": "str", "default": []},
    "contract": {"type": "dict"},
    "exclude": {
        "type": "list",
        "elements": "str",
        "choices": ["artifact", "config", "doc", "ghost", "license", "missingok", "noreplace", "readme", "specfile"],
        "default": [],
    },
    "drift_only": {"type": "bool", "default": False},
    "include_intact": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
    "root": {"type": "path"},
    "dbpath": {"type": "path"},
}


def verify(module: AnsibleModule) -> t.Mapping[str, object]:
    """Return the module's result."""
    options = module.params
    root = Root(options["root"] or "/")
    packages = list(options["packages"] or [])
    optional = []  # type: t.List[str]
    contract = None
    if options["scope"] == "contract":
        contract = contract_for(read_os_release(root=root), options["contract"])
        packages += contract["packages"]
        optional += contract["optional_packages"]
    request = VerifyRequest(
        packages=packages,
        optional=optional,
        paths=options["files"] or [],
        exclude=options["exclude"],
        include_intact=options["include_intact"],
        drift_only=options["drift_only"],
        timeout=options["timeout"],
    )
    with _database(options["root"], options["dbpath"]) as rpm:
        if options["scope"] == "all":
            result = verify_everything(rpm, Disk(root), request, options["exclude_packages"])
        else:
            result = verify_info(rpm, Disk(root), request)
    known = {"contract": contract["id"]} if contract else {}
    return dict(result, changed=False, **known)


@contextlib.contextmanager
def _database(root: t.Optional[str], dbpath: t.Optional[str]) -> t.Iterator[Rpm]:
    """Give this host's database, or, read from a copy, that of another root or place."""
    if not root and not dbpath:
        yield Rpm()
        return
    if root and not root.startswith("/"):
        raise InvalidDataError("Not an absolute path: {0}".format(printable(root)), path=root)
    with open_offline(Root(root or "/"), dbpath=dbpath) as rpm:
        yield rpm


def main() -> None:
    """Run the module."""
    run_module(
        verify,
        ARGUMENT_SPEC,
        required_one_of=[("packages", "files", "scope")],
        mutually_exclusive=[("files", "packages"), ("files", "scope")],
        required_by={"contract": "scope"},
        changes=False,
    )


if __name__ == "__main__":
    main()
