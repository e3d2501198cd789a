# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_runtime
short_description: Install CPython runtimes beside the system Python
version_added: 0.1.0
description:
  - Installs a CPython into a folder of its own, C(/opt/python/3.13.5), with a link C(/opt/python/3.13) to it. Nothing
    is written to the folders of the operating system, and no alternatives are registered.
  - Takes a prebuilt archive (the layout of python-build-standalone, or one that O(state=packed) made), builds a source
    archive, or installs the distribution's own parallel package.
  - What is new is made in a hidden folder beside the others, tried there without privileges, and published by one
    rename. Only then the link moves. After a failure or a kill the old runtime works, and nothing half-made is left
    that the next run does not remove.
  - A manifest in the runtime's folder tells what it is made of. O(state=intact) compares the runtime with it.
  - Works on every POSIX system. Where there is an rpm database, the module itself runs under an interpreter that rpm
    vouches for.
options:
  state:
    description:
      - V(present) installs the runtime unless one from the same archive is there. What is in it is not looked at.
      - V(intact) besides compares every file with the manifest, and installs the runtime again when anything differs.
        Then it tries the checks of the installation again, and looks for the libraries of the system that the runtime
        is linked with. One that was built on this host is built again where something is lost; of others the error
        names the library and how it comes back.
        Altered and foreign files of the old one are kept in the quarantine. A parallel package that differs is an error
        that names the files; M(fleet.system_python.rpm_integrity) repairs it.
      - V(absent) removes the runtime, unless venvs or processes use it. These are named in the error.
      - V(packed) packs an installed runtime into O(destination), for other hosts.
    type: str
    choices: [present, intact, absent, packed]
    default: present
  version:
    description:
      - The complete version, such as V(3.13.5); with O(source=package) the minor version, such as V(3.12).
    type: str
    required: true
  source:
    description:
      - Where it comes from. V(prebuilt) is an archive with one top folder in which C(bin), C(lib) and so on lie; of
        python-build-standalone those with C(install_only) in their name. V(source) is CPython's source archive.
        V(package) is the parallel package of the distribution, which stays where the package puts it.
    type: str
    choices: [prebuilt, source, package]
    default: prebuilt
  root:
    description:
      - The folder of all runtimes. It, and all folders above it, must be root's alone.
    type: path
    default: /opt/python
  url:
    description:
      - Address of the archive (http, https, ftp).
    type: str
  path:
    description:
      - Path of the archive on the host.
    type: path
  controller_file:
    description:
      - Path of the archive on the controller. It is sent to the host only when it is needed there.
    type: path
  mirror:
    description:
      - A release of python-build-standalone, as an address (https, file) or a folder on the host, that has its
        C(SHA256SUMS) and its archives. The project has them at
        U(https://github.com/astral-sh/python-build-standalone/releases), below
        C(download/20260610). The archive (C(install_only), for the host's processor) and its SHA-256 are looked up
        there.
      - The checksums are as trustworthy as the place that they come from. An address that is not https, or whose
        certificate is not checked (O(validate_certs)), and a folder that others than root can change, need O(sha256).
      - A runtime that came from another release is replaced.
    type: str
  sha256:
    description:
      - SHA-256 of the archive in hex. Required with O(url), O(path) and O(controller_file).
    type: str
  signature:
    description:
      - Detached OpenPGP signature of the archive, a URL or a path on the host. Checked in addition to O(sha256), with
        C(gpgv) or C(gpg) of the host.
    type: str
  keyring:
    description:
      - File with the public keys that may have signed, a URL or a path on the host.
    type: str
  controller_signature:
    description:
      - As O(signature), a path on the controller.
    type: path
  controller_keyring:
    description:
      - As O(keyring), a path on the controller.
    type: path
  validate_certs:
    description:
      - Whether certificates of servers are checked.
    type: bool
    default: true
  link:
    description:
      - Whether the link of the minor version leads to this runtime.
    type: bool
    default: true
  keep:
    description:
      - How many patch releases of the same minor version stay, this one included. Older ones are removed, those that
        venvs or processes use are kept with a warning. Without it nothing is removed.
    type: int
  packages:
    description:
      - With O(source=package), the names of the packages, where they are not C(python3.12) (RHEL, and with
        C(python3.12-venv) Debian) or C(python312) and C(python312-base) (SUSE).
    type: list
    elements: str
    default: []
  checks:
    description:
      - Modules that the runtime must be able to use before it is published.
    type: list
    elements: str
    default: [ssl, sqlite3, zlib, ctypes, venv]
  jobs:
    description:
      - With O(source=source), how many compilers run at a time. V(0) means as many as there are processors.
    type: int
    default: 0
  optimize:
    description:
      - With O(source=source), build with profile-guided optimization. Takes several times as long.
    type: bool
    default: false
  lto:
    description:
      - With O(source=source), build with link-time optimization.
    type: bool
    default: false
  run_tests:
    description:
      - With O(source=source), run CPython's own tests (C(make test)) before installing.
    type: bool
    default: false
  configure_options:
    description:
      - With O(source=source), further options of C(configure).
    type: list
    elements: str
    default: []
  build_environment:
    description:
      - With O(source=source), environment variables of the build, such as C(CFLAGS).
    type: dict
    default: {}
  user:
    description:
      - Account that builds and tries the runtime. Without it, an unused user id is taken.
    type: str
  destination:
    description:
      - With O(state=packed), the archive to make (C(.tar.gz)). It is made anew when the runtime was installed anew, or
        the archive is not the one that was made. A note beside it (C(.packed)) tells.
    type: path
  max_size:
    description:
      - How many bytes the content of an archive may have.
    type: int
    default: 4294967296
  max_files:
    description:
      - How many members an archive may have.
    type: int
    default: 100000
  census_roots:
    description:
      - Folders that are searched for venvs before a runtime is removed. Empty means the usual ones. Of what is mounted
        from the network only folders that you name are searched; others are a reason to refuse.
    type: list
    elements: path
    default: []
  census_timeout:
    description:
      - How many seconds the search for venvs may take.
    type: int
    default: 60
  ignore_partial_census:
    description:
      - Whether a runtime may be removed although not all folders could be searched for venvs.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds each step of a build, or the package manager, may take.
    type: int
    default: 7200
  fetch_timeout:
    description:
      - How many seconds the download may take.
    type: int
    default: 600
  lock_timeout:
    description:
      - How many seconds to wait while another run installs runtimes on this host.
    type: int
    default: 0
  progress:
    description:
      - A file on the host to which a line is added for every step, for whoever watches a long build.
    type: path
notes:
  - Needs root.
  - A source build takes minutes. Run it with C(async) and C(poll), or with the role
    P(fleet.system_python.python_runtime#role), which shows its progress.
  - The whole output of a build is in C(/var/log/fleet.system_python/build-VERSION.log).
  - pip refuses to install into a runtime (C(EXTERNALLY-MANAGED)); make venvs.
seealso:
  - module: fleet.system_python.rpm_integrity
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.controller
attributes:
  check_mode:
    support: full
    details:
      - Nothing is fetched, so an archive that cannot be had or is wrong shows only in the real run.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Install a prebuilt runtime from the controller
  fleet.system_python.python_runtime:
    version: 3.13.5
    controller_file: files/cpython-3.13.5-linux-x86_64.tar.gz
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  become: true

- name: Install one of python-build-standalone, from a mirror of its releases
  fleet.system_python.python_runtime:
    version: 3.12.13
    mirror: https://mirror.example.com/python-build-standalone/20260610
  become: true

- name: Verify it, and install it again if anything differs
  fleet.system_python.python_runtime:
    state: intact
    version: 3.13.5
    url: https://example.com/cpython-3.13.5-linux-x86_64.tar.gz
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  become: true

- name: Build one from source, optimized, at most two hours long
  fleet.system_python.python_runtime:
    version: 3.13.5
    source: source
    url: https://example.com/Python-3.13.5.tar.xz
    sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    optimize: true
    lto: true
  become: true
  async: 7200
  poll: 15

- name: Pack it for the rest of the fleet
  fleet.system_python.python_runtime:
    state: packed
    version: 3.13.5
    destination: /srv/cpython-3.13.5-linux-x86_64.tar.gz
  become: true

- name: Install the distribution's parallel package
  fleet.system_python.python_runtime:
    version: "3.12"
    source: package
  become: true

- name: Remove an old one that is no longer used
  fleet.system_python.python_runtime:
    version: 3.13.4
    state: absent
  become: true
"""

RETURN = r"""
folder:
  description: The runtime's folder, null for a package and for what was removed.
  returned: success
  type: str
  sample: /opt/python/3.13.5
interpreter:
  description: The runtime's interpreter.
  returned: success
  type: str
  sample: /opt/python/3.13.5/bin/python3.13
link:
  description: The link of the minor version and where it leads, null for a package.
  returned: success
  type: dict
  sample: {"path": "/opt/python/3.13", "target": "3.13.5"}
source:
  description:
    - What the runtime came from, as its manifest says, or the packages with their versions.
    - It is C(shortened) where the address had a user, a password or a query, which are not kept.
  returned: success
  type: dict
  sample:
    kind: prebuilt
    place: files/cpython-3.13.5.tar.gz
    sha256: "0123..."
    signed: false
    shortened: false
installed:
  description: When and by whom it was installed, null for a package.
  returned: success
  type: dict
  sample: {"at": "2026-01-02T03:04:05Z", "by": "ops", "host": "web1"}
intact:
  description: Whether it is as it was installed, and works, after the run; null where that was not looked at.
  returned: success
  type: bool
  sample: true
deviations:
  description: What differed before the run, by path and V(altered), V(missing), V(mode), V(owner), V(kind),
    V(link_target) or V(unexpected).
  returned: success
  type: list
  elements: dict
  sample: [{"path": "lib/python3.13/json/decoder.py", "what": "altered"}]
actions:
  description: What was done, or would be in check mode, in this order.
  returned: success
  type: list
  elements: dict
  sample: [{"action": "install", "path": "/opt/python/3.13.5", "reason": "it is not there"}]
runtimes:
  description: The versions below O(root) after the run.
  returned: success
  type: list
  elements: str
  sample: ["3.11.2", "3.13.5"]
archive:
  description: With O(state=packed), the archive and its SHA-256 (null in check mode).
  returned: state is packed
  type: dict
  sample: {"path": "/srv/cpython-3.13.5.tar.gz", "sha256": "0123..."}
quarantine:
  description: The folder with what was altered in the runtime that was replaced, null when there was nothing.
  returned: success
  type: str
  sample: /var/lib/fleet.system_python/quarantine/20260102T030405Z-5d09c4
kind:
  description:
    - What went wrong, as a stable word.
    - V(checksum), V(signature), V(archive), V(download), V(no_source), V(build_tools_missing), V(build), V(not_proven),
      V(library_lost),
      V(disk_full), V(read_only), V(unsafe_root), V(not_ours), V(in_use), V(account), V(not_root), V(locked) and others.
  returned: failure
  type: str
  sample: checksum
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The facts behind the message.
  returned: failure
  type: dict
  sample: {"wanted": "0123...", "found": "4567..."}
"""

import re

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._base.errors import InvalidDataError
from ..module_utils._base.module import run_module
from ..module_utils._disk.archive import ArchiveLimits
from ..module_utils._disk.files import sha256_of
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._packages.manager import family_of, manager_for
from ..module_utils._packages.repo_config import Connection
from ..module_utils._runtime.package import PackageRun, PackageSettings
from ..module_utils._runtime.records import LOCK_PATH, BuildOptions, RuntimeResult, RuntimeSettings
from ..module_utils._runtime.release import check_mirror
from ..module_utils._runtime.run import RuntimeRun
from ..module_utils._runtime.users import TakeCensus, census_of

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "intact", "absent", "packed"], "default": "present"},
    "version": {"type": "str", "required": True},
    "source": {"type": "str", "choices": ["prebuilt", "source", "package"], "default": "prebuilt"},
    "root": {"type": "path", "default": "/opt/python"},
    "url": {"type": "str"},
    "path": {"type": "path"},
    "controller_file": {"type": "path"},
    "mirror": {"type": "str"},
    "sha256": {"type": "str"},
    "signature": {"type": "str"},
    "keyring": {"type": "str", "no_log": False},
    "controller_signature": {"type": "path"},
    "controller_keyring": {"type": "path", "no_log": False},
    "validate_certs": {"type": "bool", "default": True},
    "link": {"type": "bool", "default": True},
    "keep": {"type": "int"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "checks": {"type": "list", "elements": "str", "default": ["ssl", "sqlite3", "zlib", "ctypes", "venv"]},
    "jobs": {"type": "int", "default": 0},
    "optimize": {"type": "bool", "default": False},
    "lto": {"type": "bool", "default": False},
    "run_tests": {"type": "bool", "default": False},
    "configure_options": {"type": "list", "elements": "str", "default": []},
    "build_environment": {"type": "dict", "default": {}},
    "user": {"type": "str"},
    "destination": {"type": "path"},
    "max_size": {"type": "int", "default": 4294967296},
    "max_files": {"type": "int", "default": 100000},
    "census_roots": {"type": "list", "elements": "path", "default": []},
    "census_timeout": {"type": "int", "default": 60},
    "ignore_partial_census": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 7200},
    "fetch_timeout": {"type": "int", "default": 600},
    "lock_timeout": {"type": "int", "default": 0},
    "progress": {"type": "path"},
}


def run(module: AnsibleModule) -> RuntimeResult:
    """Return what was done, or would be. Raises SystemPythonError."""
    options = module.params
    census = census_of(options["census_roots"], options["census_timeout"], options["root"])
    one = _packaged(module, census) if options["source"] == "package" else RuntimeRun(settings_of(module), census)
    result = one.result(module.check_mode)
    if options["state"] == "packed":
        digest = None if module.check_mode else sha256_of(options["destination"])
        result["archive"] = {"path": options["destination"], "sha256": digest}
    return result


def settings_of(module: AnsibleModule) -> RuntimeSettings:
    """Return what the module's options ask for."""
    options = module.params
    sha256 = (options["sha256"] or "").lower()
    place = options["url"] or options["path"] or ""
    mirror = (options["mirror"] or "").rstrip("/")
    if mirror and options["source"] != "prebuilt":
        raise InvalidDataError("With mirror the source is prebuilt: a release has archives that are built already.")
    if options["state"] in ("present", "intact"):
        check_mirror(mirror, sha256, options["validate_certs"])
    if (place or options["controller_file"] or sha256) and not re.match(r"[0-9a-f]{64}$", sha256):
        raise InvalidDataError(
            "sha256 must be given with url, path and controller_file: 64 hexadecimal digits, as sha256sum prints them."
        )
    same = ("state", "version", "root", "link", "keep", "ignore_partial_census")
    times = ("timeout", "fetch_timeout", "lock_timeout")
    return RuntimeSettings(
        kind=options["source"],
        place=place,
        shown_place=options["controller_file"] or "",
        mirror=mirror,
        sha256=sha256,
        signature=options["signature"] or "",
        keyring=options["keyring"] or "",
        connection=Connection(verify=options["validate_certs"]),
        build=BuildOptions(
            jobs=options["jobs"],
            optimize=options["optimize"],
            lto=options["lto"],
            tests=options["run_tests"],
            configure=tuple(options["configure_options"]),
            environment=tuple(sorted((name, str(value)) for name, value in options["build_environment"].items())),
        ),
        account=options["user"] or "",
        checks=tuple(options["checks"]),
        limits=ArchiveLimits(options["max_size"], options["max_files"]),
        destination=options["destination"] or "",
        family=family_of(read_os_release()),
        progress=options["progress"] or "",
        **{name: options[name] for name in same + times},
    )


def _packaged(module: AnsibleModule, census: TakeCensus) -> PackageRun:
    options = module.params
    minor = options["version"]
    if not re.match(r"\d+\.\d+$", minor):
        raise InvalidDataError(
            f"With source: package the version is a minor one, such as 3.12, not {minor!r}: the package manager "
            "decides on the patch release. In YAML it needs quotes."
        )
    if options["state"] == "packed":
        raise InvalidDataError("Packages are not packed again; state: packed is for runtimes below root.")
    settings = PackageSettings(
        state=options["state"],
        minor=minor,
        checks=tuple(options["checks"]),
        account=options["user"] or "",
        lock_path=LOCK_PATH,
        lock_timeout=options["lock_timeout"],
        ignore_partial_census=options["ignore_partial_census"],
    )
    manager = manager_for(read_os_release(), minor, options["packages"], timeout=options["timeout"])
    return PackageRun(settings, manager, census)


def main() -> None:
    """Run the module."""
    run_module(
        run,
        ARGUMENT_SPEC,
        mutually_exclusive=[
            ("mirror", "url"),
            ("mirror", "path"),
            ("mirror", "controller_file"),
            ("url", "path"),
            ("url", "controller_file"),
            ("signature", "controller_signature"),
            ("keyring", "controller_keyring"),
        ],
        required_by={"signature": ["keyring"]},
        required_if=[("state", "packed", ("destination",))],
    )


if __name__ == "__main__":
    main()
