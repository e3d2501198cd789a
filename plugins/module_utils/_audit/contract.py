# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What each operating system release promises of its own Python: pure data, one entry per release.

The keys of a contract:

- C(id), C(name): the release, C(version): the minor version of its Python ("3.9").
- C(match): what its os-release may say; C(binaries): its interpreters.
- C(links): those that packages ship; one of an optional package counts where that is installed. C(later) is the
  package that ships it where C(package) does no more.
- C(alternatives): the groups that the release's own packages make, each with its links by their names, the group's own
  and those of slaves; C(/usr/bin/python3) is then the link of the group C(python3) instead of a packaged link.
- C(unversioned): what C(/usr/bin/python) is. It may have C(python2), the package that ships it as Python 2, and
  C(group), where an alternatives group decides.
- C(packages): names that must be installed; C(optional_packages): names verified where they are installed.
- C(manager): the package manager, or null; C(proof): what must run after a repair.
- C(selinux): the mode that the vendor ships ("enforcing") or null.

Where a fact was not verified on a real host, docs/supported.md says so.
"""

import os
import re
import typing as t

from .._base.errors import ContractError, UnknownPlatformError
from .._disk.files import read_text
from .._disk.os_release import parse_os_release
from .records import (
    Contract,
    ContractBinary,
    ContractLink,
    ContractManager,
    ContractMatch,
    ProofCommand,
    Unversioned,
    UnversionedGroup,
    UnversionedOffer,
)

__all__ = ["COMMAND", "COMMAND_GROUP", "CONTRACTS", "Contract", "contract_for", "known_platforms", "system_pythons"]

# The name by which the system's Python is called, packaged or made by the release's own alternatives group.
COMMAND = "/usr/bin/python3"
COMMAND_GROUP = "python3"

_ENTERPRISE_LINUX = ["rhel", "centos", "rocky", "almalinux", "ol", "cloudlinux", "eurolinux"]
_PIP = ["python3-pip", "python3-pip-wheel", "python3-setuptools", "python3-setuptools-wheel"]
_DNF_RUNS = ["dnf", "python3-dnf", "python3-hawkey", "python3-libdnf", "python3-libcomps", "python3-rpm", "python3-gpg"]
_DNF = _DNF_RUNS + ["yum", "python3-dnf-plugins-core"]
_IMPORTS = "import ssl, json, hashlib, subprocess; print('imports')"
_ZYPPER = ContractManager(
    name="zypper", argv=["/usr/bin/zypper", "--version"], interpreter=None, packages=["zypper", "libzypp"]
)
_NO_UNVERSIONED = Unversioned(path="/usr/bin/python", package=None, target=None)


def _dnf(interpreter: str) -> ContractManager:
    return ContractManager(name="dnf", argv=["/usr/bin/dnf", "--version"], interpreter=interpreter, packages=_DNF_RUNS)


def _proof(version: str, *names: str) -> t.List[ProofCommand]:
    """Return the proof that all of C(names) are Python C(version), and that the first one can import."""
    expect = "^Python {0}\\.".format(re.escape(version))
    commands = [ProofCommand(argv=[name, "--version"], expect=expect) for name in names]
    return commands + [ProofCommand(argv=[names[0], "-I", "-S", "-B", "-c", _IMPORTS], expect="^imports$")]


_EL8 = Contract(
    id="el8",
    name="Enterprise Linux 8",
    match=[ContractMatch(ids=_ENTERPRISE_LINUX, major="8")],
    version="3.6",
    binaries=[
        ContractBinary(
            path="/usr/libexec/platform-python3.6",
            package="platform-python",
            twins=["/usr/libexec/platform-python3.6m"],
        )
    ],
    links=[
        ContractLink(path="/usr/libexec/platform-python", target="./platform-python3.6", package="platform-python"),
        ContractLink(path="/usr/bin/python3.6", target="/usr/libexec/platform-python3.6", package="python36"),
        ContractLink(path="/usr/bin/python3.6m", target="/usr/libexec/platform-python3.6m", package="python36"),
    ],
    # From the scriptlets of python3, python36, python3.11, python3.11-pip and python3.12 of OpenELA (branch el8).
    alternatives={
        "python": {
            "python": "/usr/bin/unversioned-python",
            "unversioned-python": "/usr/bin/python",
            "unversioned-python-man": "/usr/share/man/man1/python.1.gz",
        },
        "python3": {
            "python3": COMMAND,
            "python3-man": "/usr/share/man/man1/python3.1.gz",
            "pip3": "/usr/bin/pip3",
            "pip-3": "/usr/bin/pip-3",
            "easy_install-3": "/usr/bin/easy_install-3",
            "pydoc3": "/usr/bin/pydoc3",
            "pydoc-3": "/usr/bin/pydoc-3",
            "pyvenv-3": "/usr/bin/pyvenv-3",
            "python3-config": "/usr/bin/python3-config",
            "python3-debug": "/usr/bin/python3-debug",
            "python3-debug-config": "/usr/bin/python3-debug-config",
            "idle3": "/usr/bin/idle3",
        },
    },
    # No package ships it: it is a slave of the group python.
    unversioned=Unversioned(
        path="/usr/bin/python",
        package=None,
        target=None,
        group=UnversionedGroup(
            name="python",
            targets={
                "absent": "/usr/libexec/no-python",
                "python3": "/usr/bin/python3",
                "python2": "/usr/bin/python2",
            },
        ),
    ),
    packages=["platform-python", "python3-libs"],
    optional_packages=["python36", "platform-python-pip", "platform-python-setuptools"] + _PIP + _DNF,
    manager=_dnf("/usr/libexec/platform-python"),
    proof=_proof("3.6", "/usr/libexec/platform-python"),
    selinux="enforcing",
)

_EL9 = Contract(
    id="el9",
    name="Enterprise Linux 9",
    match=[ContractMatch(ids=_ENTERPRISE_LINUX + ["scientific"], major="9")],
    version="3.9",
    binaries=[ContractBinary(path="/usr/bin/python3.9", package="python3", twins=[])],
    links=[
        ContractLink(path=COMMAND, target="python3.9", package="python3"),
        ContractLink(path="/usr/libexec/platform-python", target="/usr/bin/python3.9", package="python3"),
        ContractLink(path="/usr/libexec/platform-python3.9", target="/usr/bin/python3.9", package="python3"),
    ],
    alternatives={},
    unversioned=Unversioned(path="/usr/bin/python", package="python-unversioned-command", target="./python3"),
    packages=["python3", "python3-libs"],
    optional_packages=["python-unversioned-command"] + _PIP + _DNF,
    manager=_dnf("/usr/bin/python3.9"),
    proof=_proof("3.9", COMMAND, "/usr/libexec/platform-python"),
    selinux="enforcing",
)

_EL10 = Contract(
    id="el10",
    name="Enterprise Linux 10",
    match=[ContractMatch(ids=_ENTERPRISE_LINUX, major="10")],
    version="3.12",
    binaries=[ContractBinary(path="/usr/bin/python3.12", package="python3", twins=[])],
    links=[ContractLink(path=COMMAND, target="python3.12", package="python3")],
    alternatives={},
    unversioned=_EL9["unversioned"],
    packages=["python3", "python3-libs"],
    optional_packages=_EL9["optional_packages"],
    # dnf's own dnf.spec hands %{__python3} on; what pins the minor version is a line of EL 9's spec alone.
    manager=_dnf(COMMAND),
    proof=_proof("3.12", COMMAND),
    selinux="enforcing",
)

_SLES15 = Contract(
    id="sles15",
    name="SUSE Linux Enterprise 15 and Leap 15",
    match=[ContractMatch(ids=["sles", "sles_sap", "sle_hpc", "sled", "opensuse-leap"], major="15")],
    version="3.6",
    binaries=[ContractBinary(path="/usr/bin/python3.6", package="python3-base", twins=["/usr/bin/python3.6m"])],
    links=[ContractLink(path=COMMAND, target="python3.6", package="python3-base")],
    alternatives={},
    unversioned=Unversioned(
        path="/usr/bin/python",
        package=None,
        target=None,
        python2=UnversionedOffer(package="python-base", target="python2.7"),
    ),
    packages=["python3-base", "libpython3_6m1_0"],
    optional_packages=[
        "python3",
        "python3-pip",
        "python3-setuptools",
        "python3-rpm",
        "python3-zypp-plugin",
        "zypper",
        "libzypp",
    ],
    manager=_ZYPPER,
    proof=_proof("3.6", COMMAND),
    selinux=None,
)

_SLES16 = Contract(
    id="sles16",
    name="SUSE Linux Enterprise 16 and Leap 16",
    match=[ContractMatch(ids=["sles", "sles_sap", "opensuse-leap"], major="16")],
    version="3.13",
    binaries=[ContractBinary(path="/usr/bin/python3.13", package="python313-base", twins=[])],
    links=[ContractLink(path=COMMAND, target="python3.13", package="python313-base", later="python3-base")],
    alternatives={},
    unversioned=_NO_UNVERSIONED,
    packages=["python313-base", "libpython3_13-1_0"],
    optional_packages=[
        "python3-base",
        "python313",
        "python313-pip",
        "python313-setuptools",
        "python313-rpm",
        "python313-zypp-plugin",
        "zypper",
        "libzypp",
    ],
    manager=_ZYPPER,
    # Not by the link, which a host may lack: nothing requires the package that has it.
    proof=_proof("3.13", "/usr/bin/python3.13"),
    selinux="enforcing",
)

CONTRACTS: t.Tuple[Contract, ...] = (_EL8, _EL9, _EL10, _SLES15, _SLES16)

_REQUIRED_KEYS = ("id", "version", "binaries", "links", "packages")


def known_platforms() -> t.List[str]:
    """Return one readable line per known release, for messages."""
    return [
        "{0} (ID {1}, VERSION_ID {2})".format(contract["name"], "/".join(match["ids"]), match["major"])
        for contract in CONTRACTS
        for match in contract["match"]
    ]


def contract_for(os_release: t.Mapping[str, str], override: t.Optional[t.Mapping[str, t.Any]] = None) -> Contract:
    """Return the contract of the release that C(os_release) names, or C(override) where it is given.

    C(override) is a contract of the user's own; one that holds only some keys changes those of the known release.
    Raises UnknownPlatformError (nothing fits) or ContractError (C(override) is not valid).
    """
    known = _known_contract(os_release)
    if override:
        return _contract_of_user(dict(known or {}, **override))
    if known is None:
        raise UnknownPlatformError(
            "No contract for this operating system: os-release says ID={0!r}, VERSION_ID={1!r}. Known are: {2}. "
            "Give a contract of your own in the option 'contract' (see docs/adding-an-os.md).".format(
                os_release.get("ID", ""), os_release.get("VERSION_ID", ""), "; ".join(known_platforms())
            ),
            os_id=os_release.get("ID", ""),
            version_id=os_release.get("VERSION_ID", ""),
            known=known_platforms(),
        )
    return known.copy()


def _known_contract(os_release: t.Mapping[str, str]) -> t.Optional[Contract]:
    os_id = os_release.get("ID", "").lower()
    major = os_release.get("VERSION_ID", "").split(".")[0]
    for contract in CONTRACTS:
        for match in contract["match"]:
            if os_id in match["ids"] and major == match["major"]:
                return contract
    return None


def _contract_of_user(given: t.Mapping[str, t.Any]) -> Contract:
    """Return the contract that the user gave, with all keys. Raises ContractError."""
    missing = [key for key in _REQUIRED_KEYS if not given.get(key)]
    if missing:
        raise ContractError("The contract lacks: {0}. See docs/adding-an-os.md.".format(", ".join(missing)))
    if not re.match(r"^3\.\d+$", str(given["version"])):
        raise ContractError("The contract's version must look like '3.9', not {0!r}.".format(given["version"]))
    _check_entries(given, "binaries", ("path", "package"))
    _check_entries(given, "links", ("path", "target", "package"))
    _check_command(given)
    return Contract(
        id=given["id"],
        name=given.get("name") or given["id"],
        match=given.get("match") or [],
        version=str(given["version"]),
        binaries=[
            ContractBinary(path=one["path"], package=one["package"], twins=one.get("twins") or [])
            for one in given["binaries"]
        ],
        links=given["links"],
        alternatives=given.get("alternatives") or {},
        unversioned=given.get("unversioned") or _NO_UNVERSIONED,
        packages=given["packages"],
        optional_packages=given.get("optional_packages") or [],
        manager=given.get("manager"),
        proof=given.get("proof") or [],
        selinux=given.get("selinux"),
    )


def _check_entries(given: t.Mapping[str, t.Any], key: str, wanted: t.Sequence[str]) -> None:
    for number, entry in enumerate(given[key]):
        lacking = [name for name in wanted if not isinstance(entry, dict) or not entry.get(name)]
        if lacking:
            raise ContractError(
                "The contract's {0}[{1}] lacks: {2}. See docs/adding-an-os.md.".format(key, number, ", ".join(lacking))
            )


def _check_command(given: t.Mapping[str, t.Any]) -> None:
    """Raise ContractError when the contract does not say what makes /usr/bin/python3."""
    groups = given.get("alternatives") or {}
    if not isinstance(groups, dict) or not all(
        isinstance(groups[name], dict) and name in groups[name] for name in groups
    ):
        raise ContractError(
            "The contract's alternatives must have the links of each group by their names, its own among them, as in "
            "{{python3: {{python3: /usr/bin/python3}}}}; they are {0!r}.".format(groups)
        )
    if COMMAND_GROUP not in groups and not any(link["path"] == COMMAND for link in given["links"]):
        raise ContractError(
            "The contract's links lack {0}, and its alternatives do not name the group {1} that would make it. "
            "See docs/adding-an-os.md.".format(COMMAND, COMMAND_GROUP)
        )


def system_pythons(os_release: str = "/etc/os-release") -> t.List[str]:
    """Return the interpreters that belong to the OS: those of its contract, else what /usr/bin/python3 leads to."""
    release = {}
    if os.path.exists(os_release):
        release = parse_os_release(read_text(os_release, follow=True))
    try:
        contract = contract_for(release)
    except UnknownPlatformError:
        return [os.path.realpath("/usr/bin/python3")]
    return [path for binary in contract["binaries"] for path in [binary["path"]] + list(binary["twins"])]
