# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_first_aid
short_description: Find an interpreter that rpm vouches for, even where no Python works
version_added: 0.1.0
description:
  - Picks the Python that Ansible's modules are to run under on a host, before any of them runs.
    An interpreter is taken only when C(rpm -V) reports its binary, its library and its standard library as intact, and
    when no file that no package owns would be imported with it.
  - The operating system's own Python comes first where the running ansible-core supports its version, then the packaged
    parallel versions, the nearest one first.
  - Where rpm vouches for none of a version that the core supports, a runtime of M(fleet.system_python.python_runtime)
    below C(/opt/python) is taken, when all of it is as its manifest says and only root can have written that.
  - Where none of these is left, the system's own is brought back by installing exactly the same packages again. They
    are looked for in the O(sources), one after the other. Each one must have a right signature and the same files as
    the installed one. They are installed in one transaction. What is overwritten or in the way is kept in
    C(/var/lib/fleet.system_python/quarantine). Afterwards the host is looked at again, and only that look decides.
  - Nothing that neither rpm nor such a manifest vouches for is executed. The host needs a POSIX shell and rpm, no
    Python. Whether an interpreter is trusted is asked in one round trip.
  - Use it with C(gather_facts=false) and set C(ansible_python_interpreter) from what it returns, as the role
    P(fleet.system_python.python_first_aid#role) does. An action cannot set that variable itself, because Ansible
    removes interpreter keys from the facts of every action but M(ansible.builtin.set_fact).
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.controller
  - fleet.system_python._attributes.exceptions
attributes:
  action:
    details: All of the work is done by the action plugin. The module itself only fails.
  check_mode:
    support: full
    details:
      - Where an interpreter would have to be brought back, RV(interpreter) is null and RV(plan) says how.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  contract:
    description:
      - A contract of your own for a release that the collection does not know, or keys that differ from the known one.
    type: dict
  files:
    description:
      - Package files on the controller that may be what is wanted. Relative paths are looked for where
        M(ansible.builtin.copy) looks for its O(ansible.builtin.copy#module:src).
    type: list
    elements: path
    default: []
  host_files:
    description: Package files on the host that may be what is wanted.
    type: list
    elements: path
    default: []
  sources:
    description:
      - Where packages may come from, in this order.
      - V(files) are O(files) and O(host_files). V(cache) are the package caches of the host. V(zypper) and V(microdnf)
        download, if their own packages are intact and they would start no Python. V(repositories) are the enabled
        repositories of the host, read without a package manager, with curl or wget on the host.
        V(borrowed) is what other hosts lent, see O(borrowed).
    type: list
    elements: str
    choices: [files, cache, zypper, microdnf, repositories, borrowed]
    default: [files, cache, zypper, microdnf, repositories, borrowed]
  check_signatures:
    description:
      - Whether a package file must have a right signature by a key that the host trusts.
        Wrong signatures and digests are never accepted.
    type: bool
    default: true
  install:
    description:
      - A package to install with zypper or microdnf where no installed Python has a version that ansible-core can use,
        for example V(python311) on SLES 15.
    type: str
  lock_timeout:
    description: How many seconds to wait for another run on the host.
    type: int
    default: 300
  mode:
    description:
      - V(aid) gives first aid to the host.
      - V(lend) brings the O(packages) to the controller, for another host. Delegate the task to the lending host.
    type: str
    choices: [aid, lend]
    default: aid
  may_borrow:
    description:
      - With V(true), a host that no source can help is not an error. RV(needs) then says what another host has to lend.
    type: bool
    default: false
  borrowed:
    description:
      - What other hosts lent, with the keys of RV(lent), and C(error) (from RV(needs)) and C(lenders) (their answers),
        which are reported again when nothing was lent. No other source is asked then.
    type: dict
  packages:
    description: With O(mode=lend), the wanted packages, each as name-[epoch:]version-release.arch.
    type: list
    elements: str
    default: []
  needed_files:
    description:
      - With O(mode=lend), the SHA-256 of single files to lend where a package cannot be had, from RV(needs).
      - Only files of the O(packages) are lent that have the digest in the package database of the lending host, too.
    type: list
    elements: str
    default: []
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Find the interpreter that is trusted
  fleet.system_python.python_first_aid:
  register: first_aid

- name: Use it from here on
  ansible.builtin.set_fact:
    ansible_python_interpreter: "{{ first_aid.interpreter }}"

- name: Bring the system's Python back from files at hand
  fleet.system_python.python_first_aid:
    files:
      - packages/python3-3.9.21-2.el9.x86_64.rpm
      - packages/python3-libs-3.9.21-2.el9.x86_64.rpm
    sources: [files]

- name: Get packages from another host for this one
  fleet.system_python.python_first_aid:
    mode: lend
    packages:
      - python3-3.9.21-2.el9.x86_64
  delegate_to: web2
  register: loan
"""

RETURN = r"""
incident:
  description:
    - The host before anything was changed, where no interpreter was trusted, as far as a shell can tell. C(facts) and
      C(evidence) are those of M(fleet.system_python.python_evidence). Secrets are taken out on the controller.
    - When it cannot be read, C(incident_error) says why.
  returned: with O(mode=aid), when no interpreter was trusted
  type: dict
interpreter:
  description:
    - The value for C(ansible_python_interpreter). Where something that no package owns would run with it (see
      RV(hazards)), this is a launcher that starts it with options against that (V(-I), V(-S)).
  returned: with O(mode=aid), null where none is trusted
  type: str
  sample: /usr/bin/python3.9
isolated_interpreter:
  description:
    - What modules of this collection run under. For root it is a launcher in C(/run/fleet.system_python), which keeps
      out everything but the interpreter's own library (V(-I), V(-S)); C(ansible.builtin.dnf) and others that need
      packaged modules do not work under it.
  returned: with O(mode=aid), null where none is trusted
  type: str
  sample: /run/fleet.system_python/python3.9-isolated
interpreter_path:
  description: The path of the interpreter itself.
  returned: when one is trusted
  type: str
  sample: /usr/bin/python3.9
interpreter_version:
  description: Its full version.
  returned: when one is trusted
  type: str
  sample: 3.9.21
trusted_by:
  description: What vouches for it. V(rpm); V(manifest) for a runtime below C(/opt/python), where rpm vouches for none.
  returned: when one is trusted
  type: str
  sample: rpm
trusted_because:
  description:
    - Which packages were verified, how, and which differences were judged as harmless. Of a runtime C(packages) is
      empty, C(verified_by) is the path of its manifest, and C(files) says how many files were compared.
  returned: when one is trusted
  type: dict
  sample:
    packages: [python3-3.9.21-2.el9.x86_64, python3-libs-3.9.21-2.el9.x86_64]
    verified_by: rpm -V
    left_aside: []
summary:
  description: All of this in a few sentences.
  returned: on success, with O(mode=aid)
  type: str
  sample: Modules run under /usr/bin/python3.9 (Python 3.9.21), which rpm vouches for.
rejected:
  description: Interpreters that were looked at and not taken, with the reason (C(path), C(kind), C(reason)).
  returned: with O(mode=aid)
  type: list
  elements: dict
  sample:
    - path: /usr/bin/python3.9
      kind: altered
      reason: rpm -V reports /usr/bin/python3.9 (size, digest)
hazards:
  description: Environment variables, site hooks and libraries that would run beside the interpreter (C(kind) and more).
  returned: with O(mode=aid)
  type: list
  elements: dict
  sample:
    - kind: site_hook
      path: /usr/lib/python3.9/site-packages/sitecustomize.py
os:
  description: The operating system as its os-release names it, and the contract that fits.
  returned: with O(mode=aid)
  type: dict
  sample:
    id: rhel
    version_id: "9.7"
    contract: el9
plan:
  description: What would be brought back.
  returned: in check mode, where no interpreter is trusted
  type: dict
  sample:
    version: "3.9"
    packages: [python3-3.9.21-2.el9.x86_64]
    move_aside: []
    close: [/usr/bin]
    sources: [cache, repositories]
brought_back:
  description: What was brought back, where each package came from, and where what was there is kept.
  returned: when something was brought back
  type: dict
  sample:
    version: "3.9"
    packages: [python3-3.9.21-2.el9.x86_64]
    source: {python3-3.9.21-2.el9.x86_64: repositories}
    moved_aside: []
    closed:
      - "/usr/bin: mode and owner were 777 root:root, and are 755 root:root"
    quarantine: /var/lib/fleet.system_python/quarantine/20260131T120000Z-aid-1f2e3d
tried:
  description: Sources that did not give everything, with the reason (C(source), C(reason)).
  returned: with O(mode=aid)
  type: list
  elements: dict
  sample:
    - source: microdnf
      reason: /usr/bin/microdnf is not installed
removed:
  description: Folders of killed runs that were removed, which counts as no change.
  returned: when there were any
  type: list
  elements: str
  sample: [/var/cache/.fleet-system-python-aid-Xa81Qz]
database_settled:
  description:
    - The folder of the quarantine with the shared memory of Berkeley DB (C(__db.*)) that a killed rpm had left so that
      no question was answered any more.
    - It is moved only where rpm says that it is this, and no process has the database open.
  returned: when that was done, which counts as a change
  type: str
  sample: /var/lib/fleet.system_python/quarantine/20260101T120000Z-aid-1a2b3c
needs:
  description: What another host would have to lend (C(packages), C(files)), and the C(error) to tell where none does.
  returned: with O(may_borrow=true), where no source could help
  type: dict
  sample:
    packages: [python3-3.9.21-2.el9.x86_64]
    files: []
    error: {}
lent:
  description:
    - Paths on the controller of what was lent (C(packages)), of single files (C(content)), and why it is not everything
      (C(reason)). The files are removed when the run of Ansible ends.
  returned: with O(mode=lend)
  type: dict
  sample:
    packages: {python3-3.9.21-2.el9.x86_64: /tmp/ansible-local/first-aid-x/python3-3.9.21-2.el9.x86_64.rpm}
    content: null
    reason: ""
kind:
  description: A stable word for what went wrong.
  returned: on failure
  type: str
  sample: rpmdb_unreadable
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: Data about what went wrong.
  returned: on failure
  type: dict
  sample: {}
"""

import typing as t

from ..module_utils._base.module import refuse_to_be_a_module

_SOURCES = ["files", "cache", "zypper", "microdnf", "repositories", "borrowed"]


# The action plugin uses it too.
ARGUMENT_SPEC: t.Dict[str, t.Dict[str, object]] = {
    "contract": {"type": "dict"},
    "exceptions": {"type": "list", "elements": "dict", "default": []},
    "files": {"type": "list", "elements": "path", "default": []},
    "host_files": {"type": "list", "elements": "path", "default": []},
    "sources": {"type": "list", "elements": "str", "choices": _SOURCES, "default": _SOURCES},
    "check_signatures": {"type": "bool", "default": True},
    "install": {"type": "str"},
    "lock_timeout": {"type": "int", "default": 300},
    "mode": {"type": "str", "choices": ["aid", "lend"], "default": "aid"},
    "may_borrow": {"type": "bool", "default": False},
    "borrowed": {"type": "dict"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "needed_files": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Fail: the work is done by the action plugin."""
    refuse_to_be_a_module("python_first_aid", ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
