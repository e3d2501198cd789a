# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What each operating system release promises of its own Python: pure data, one entry per release.

A contract is a dict with these keys:

- C(id), C(name): the release, C(version): the minor version of its Python ("3.9").
- C(match): list of C({ids, major}) that its os-release may have.
- C(binaries): list of C({path, package, twins}); twins are the other names of the same inode.
- C(links): list of C({path, target, package}); one of an optional package counts where that is installed.
- C(alternatives): names of the groups that the release's own packages make; C(/usr/bin/python3) is then the link of
  the group C(python3) instead of a packaged link.
- C(unversioned): C({path, package, target}) of C(/usr/bin/python), C(package) is null where no package ships it as
  Python 3. It may have C(python2), the C({package, target}) of a package that ships it as Python 2, and C(group), where
  an alternatives group decides: C({name, targets}), with one target for each of C(absent), C(python3), C(python2).
- C(packages): names that must be installed; C(optional_packages): names verified where they are installed.
- C(manager): C({name, argv, interpreter, packages}); C(interpreter) is null where the manager is no Python program.
- C(proof): list of C({argv, expect}); each must exit with 0 and print C(expect) (a regular expression).
- C(selinux): the mode that the vendor ships ("enforcing") or null.

Where a fact was not verified on a real host, docs/supported.md says so.
"""

import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import ContractError, UnknownPlatformError

__all__ = ["COMMAND", "CONTRACTS", "Contract", "contract_for", "known_platforms", "parse_os_release"]

Contract = t.Dict[str, t.Any]

_ENTERPRISE_LINUX = ["rhel", "centos", "rocky", "almalinux", "ol", "cloudlinux", "eurolinux"]
_PIP = ["python3-pip", "python3-pip-wheel", "python3-setuptools", "python3-setuptools-wheel"]
_DNF_RUNS = ["dnf", "python3-dnf", "python3-hawkey", "python3-libdnf", "python3-libcomps", "python3-rpm"]
_DNF = _DNF_RUNS + ["yum", "python3-gpg", "python3-dnf-plugins-core"]
_IMPORTS = "import ssl, json, hashlib, subprocess; print('imports')"

_EL8: Contract = {
    "id": "el8",
    "name": "Enterprise Linux 8",
    "match": [{"ids": _ENTERPRISE_LINUX, "major": "8"}],
    "version": "3.6",
    "binaries": [
        {
            "path": "/usr/libexec/platform-python3.6",
            "package": "platform-python",
            "twins": ["/usr/libexec/platform-python3.6m"],
        }
    ],
    "links": [
        {"path": "/usr/libexec/platform-python", "target": "./platform-python3.6", "package": "platform-python"},
        {"path": "/usr/bin/python3.6", "target": "/usr/libexec/platform-python3.6", "package": "python36"},
        {"path": "/usr/bin/python3.6m", "target": "/usr/libexec/platform-python3.6m", "package": "python36"},
    ],
    "alternatives": ["python", "python3"],
    # No package ships it: it is a slave of the group python.
    "unversioned": {
        "path": "/usr/bin/python",
        "package": None,
        "target": None,
        "group": {
            "name": "python",
            "targets": {
                "absent": "/usr/libexec/no-python",
                "python3": "/usr/bin/python3",
                "python2": "/usr/bin/python2",
            },
        },
    },
    "packages": ["platform-python", "python3-libs"],
    "optional_packages": ["python36", "platform-python-pip", "platform-python-setuptools"] + _PIP + _DNF,
    "manager": {
        "name": "dnf",
        "argv": ["/usr/bin/dnf", "--version"],
        "interpreter": "/usr/libexec/platform-python",
        "packages": _DNF_RUNS,
    },
    "proof": [
        {"argv": ["/usr/libexec/platform-python", "--version"], "expect": r"^Python 3\.6\."},
        {"argv": ["/usr/libexec/platform-python", "-I", "-c", _IMPORTS], "expect": "^imports$"},
    ],
    "selinux": "enforcing",
}

_EL9: Contract = {
    "id": "el9",
    "name": "Enterprise Linux 9",
    "match": [{"ids": _ENTERPRISE_LINUX + ["scientific"], "major": "9"}],
    "version": "3.9",
    "binaries": [{"path": "/usr/bin/python3.9", "package": "python3", "twins": []}],
    "links": [
        {"path": "/usr/bin/python3", "target": "python3.9", "package": "python3"},
        {"path": "/usr/libexec/platform-python", "target": "/usr/bin/python3.9", "package": "python3"},
        {"path": "/usr/libexec/platform-python3.9", "target": "/usr/bin/python3.9", "package": "python3"},
    ],
    "unversioned": {"path": "/usr/bin/python", "package": "python-unversioned-command", "target": "./python3"},
    "packages": ["python3", "python3-libs"],
    "optional_packages": ["python-unversioned-command"] + _PIP + _DNF,
    "manager": {
        "name": "dnf",
        "argv": ["/usr/bin/dnf", "--version"],
        "interpreter": "/usr/bin/python3.9",
        "packages": _DNF_RUNS,
    },
    "proof": [
        {"argv": ["/usr/bin/python3", "--version"], "expect": r"^Python 3\.9\."},
        {"argv": ["/usr/libexec/platform-python", "--version"], "expect": r"^Python 3\.9\."},
        {"argv": ["/usr/bin/python3", "-I", "-c", _IMPORTS], "expect": "^imports$"},
    ],
    "selinux": "enforcing",
}

_EL10: Contract = {
    "id": "el10",
    "name": "Enterprise Linux 10",
    "match": [{"ids": _ENTERPRISE_LINUX, "major": "10"}],
    "version": "3.12",
    "binaries": [{"path": "/usr/bin/python3.12", "package": "python3", "twins": []}],
    "links": [{"path": "/usr/bin/python3", "target": "python3.12", "package": "python3"}],
    "unversioned": {"path": "/usr/bin/python", "package": "python-unversioned-command", "target": "./python3"},
    "packages": ["python3", "python3-libs"],
    "optional_packages": list(_EL9["optional_packages"]),
    # Not known whether its first line names the minor version, as in EL 9: the link counts as needed.
    "manager": dict(_EL9["manager"], interpreter="/usr/bin/python3"),
    "proof": [
        {"argv": ["/usr/bin/python3", "--version"], "expect": r"^Python 3\.12\."},
        {"argv": ["/usr/bin/python3", "-I", "-c", _IMPORTS], "expect": "^imports$"},
    ],
    "selinux": "enforcing",
}

_SLES15: Contract = {
    "id": "sles15",
    "name": "SUSE Linux Enterprise 15 and Leap 15",
    "match": [{"ids": ["sles", "sles_sap", "sle_hpc", "sled", "opensuse-leap"], "major": "15"}],
    "version": "3.6",
    "binaries": [{"path": "/usr/bin/python3.6", "package": "python3-base", "twins": ["/usr/bin/python3.6m"]}],
    "links": [{"path": "/usr/bin/python3", "target": "python3.6", "package": "python3-base"}],
    "unversioned": {
        "path": "/usr/bin/python",
        "package": None,
        "target": None,
        "python2": {"package": "python-base", "target": "python2.7"},
    },
    "packages": ["python3-base", "libpython3_6m1_0"],
    "optional_packages": [
        "python3",
        "python3-pip",
        "python3-setuptools",
        "python3-rpm",
        "python3-zypp-plugin",
        "zypper",
        "libzypp",
    ],
    "manager": {
        "name": "zypper",
        "argv": ["/usr/bin/zypper", "--version"],
        "interpreter": None,
        "packages": ["zypper", "libzypp"],
    },
    "proof": [
        {"argv": ["/usr/bin/python3", "--version"], "expect": r"^Python 3\.6\."},
        {"argv": ["/usr/bin/python3", "-I", "-c", _IMPORTS], "expect": "^imports$"},
    ],
    "selinux": None,
}

_SLES16: Contract = {
    "id": "sles16",
    "name": "SUSE Linux Enterprise 16 and Leap 16",
    "match": [{"ids": ["sles", "sles_sap", "opensuse-leap"], "major": "16"}],
    "version": "3.13",
    "binaries": [{"path": "/usr/bin/python3.13", "package": "python313-base", "twins": []}],
    "links": [{"path": "/usr/bin/python3", "target": "python3.13", "package": "python313-base"}],
    "unversioned": {"path": "/usr/bin/python", "package": None, "target": None},
    "packages": ["python313-base", "libpython3_13-1_0"],
    "optional_packages": [
        "python313",
        "python313-pip",
        "python313-setuptools",
        "python313-rpm",
        "python313-zypp-plugin",
        "zypper",
        "libzypp",
    ],
    "manager": dict(_SLES15["manager"]),
    "proof": [
        {"argv": ["/usr/bin/python3", "--version"], "expect": r"^Python 3\.13\."},
        {"argv": ["/usr/bin/python3", "-I", "-c", _IMPORTS], "expect": "^imports$"},
    ],
    "selinux": "enforcing",
}

CONTRACTS: t.Tuple[Contract, ...] = (_EL8, _EL9, _EL10, _SLES15, _SLES16)

# The name by which the system's Python is called, packaged or made by the release's own alternatives group.
COMMAND = "/usr/bin/python3"
_COMMAND_GROUP = "python3"

_OPTIONAL_KEYS: t.Dict[str, t.Any] = {
    "optional_packages": [],
    "unversioned": {"path": "/usr/bin/python", "package": None, "target": None},
    "manager": None,
    "proof": [],
    "alternatives": [],
    "selinux": None,
}
_REQUIRED_KEYS = ("id", "version", "binaries", "links", "packages")
_OS_RELEASE_LINE = re.compile(r"^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$")


def parse_os_release(text: str) -> t.Dict[str, str]:
    """Return the variables of an os-release file (os-release(5)); lines of any other form are passed over."""
    found: t.Dict[str, str] = {}
    for line in text.splitlines():
        match = _OS_RELEASE_LINE.match(line)
        if match:
            found[match.group(1)] = _unquote(match.group(2))
    return found


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return re.sub(r"\\(.)", r"\1", value)


def known_platforms() -> t.List[str]:
    """Return one readable line per known release, for messages."""
    return [
        "{0} (ID {1}, VERSION_ID {2})".format(contract["name"], "/".join(match["ids"]), match["major"])
        for contract in CONTRACTS
        for match in contract["match"]
    ]


def contract_for(os_release: t.Mapping[str, str], override: t.Optional[Contract] = None) -> Contract:
    """Return the contract of the release that C(os_release) names, or C(override) where it is given.

    C(override) is a contract of the user's own; one that holds only some keys changes those of the known release.
    Raises UnknownPlatformError (nothing fits) or ContractError (C(override) is not valid).
    """
    known = _matching(os_release)
    if override:
        return _checked(dict(known or _OPTIONAL_KEYS, **override))
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
    return dict(_OPTIONAL_KEYS, **known)


def _matching(os_release: t.Mapping[str, str]) -> t.Optional[Contract]:
    os_id = os_release.get("ID", "").lower()
    major = os_release.get("VERSION_ID", "").split(".")[0]
    for contract in CONTRACTS:
        for match in contract["match"]:
            if os_id in match["ids"] and major == match["major"]:
                return contract
    return None


def _checked(contract: Contract) -> Contract:
    missing = [key for key in _REQUIRED_KEYS if not contract.get(key)]
    if missing:
        raise ContractError("The contract lacks: {0}. See docs/adding-an-os.md.".format(", ".join(missing)))
    if not re.match(r"^3\.\d+$", str(contract["version"])):
        raise ContractError("The contract's version must look like '3.9', not {0!r}.".format(contract["version"]))
    for key, wanted in (("binaries", ("path", "package")), ("links", ("path", "target", "package"))):
        for number, entry in enumerate(contract[key]):
            lacking = [name for name in wanted if not isinstance(entry, dict) or not entry.get(name)]
            if lacking:
                raise ContractError(
                    "The contract's {0}[{1}] lacks: {2}. See docs/adding-an-os.md.".format(
                        key, number, ", ".join(lacking)
                    )
                )
    checked = dict(_OPTIONAL_KEYS, **contract)
    _check_command(checked)
    checked["version"] = str(contract["version"])
    checked["binaries"] = [dict({"twins": []}, **entry) for entry in contract["binaries"]]
    checked.setdefault("name", contract["id"])
    return checked


def _check_command(contract: Contract) -> None:
    """Raise ContractError when the contract does not say what makes /usr/bin/python3."""
    groups = contract["alternatives"] or []
    if not isinstance(groups, (list, tuple)) or not all(isinstance(name, str) for name in groups):
        raise ContractError("The contract's alternatives must be a list of names, not {0!r}.".format(groups))
    if _COMMAND_GROUP not in groups and not any(link["path"] == COMMAND for link in contract["links"]):
        raise ContractError(
            "The contract's links lack {0}, and its alternatives do not name the group {1} that would make it. "
            "See docs/adding-an-os.md.".format(COMMAND, _COMMAND_GROUP)
        )
