"""What the tests expect of each operating system, written down without asking the collection that they judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Platform:
    """One operating system, as its vendor ships it."""

    version: str
    binary: str
    twin: str
    owner: str
    links: Mapping[str, str]
    scope: tuple[str, ...]
    install: str
    remove: str
    modules_run_under: Mapping[str, str]
    # Links of further packages, and of the alternatives groups that are the release's own.
    further_links: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    manuals: tuple[str, ...] = ()


def _with_rpm(os: str, dist: str) -> tuple[str, str]:
    """Commands that install and remove a package, whose name follows, where there is no package manager but rpm."""
    return f"sh -c 'rpm -i http://repo/{os}/os/Packages/$0-1.0-1.{dist}.noarch.rpm'", "rpm -e"


PLATFORMS = {
    "rhel9": Platform(
        version="3.9",
        binary="/usr/bin/python3.9",
        twin="",
        owner="python3",
        links={
            "/usr/bin/python3": "python3.9",
            "/usr/libexec/platform-python": "/usr/bin/python3.9",
            "/usr/libexec/platform-python3.9": "/usr/bin/python3.9",
        },
        scope=(
            "python3",
            "python3-libs",
            "dnf",
            "yum",
            "python3-dnf",
            "python3-hawkey",
            "python3-libdnf",
            "python3-libcomps",
            "python3-gpg",
            "python3-rpm",
        ),
        install="dnf -y install",
        remove="dnf -y remove",
        modules_run_under={"2.16": "/usr/bin/python3.9", "2.19": "/usr/bin/python3.9"},
    ),
    "sles15": Platform(
        version="3.6",
        binary="/usr/bin/python3.6",
        twin="/usr/bin/python3.6m",
        owner="python3-base",
        links={"/usr/bin/python3": "python3.6"},
        scope=("python3-base", "libpython3_6m1_0", "python3"),
        install="zypper -n install",
        remove="zypper -n remove",
        # 2.16 is the last line whose modules run under 3.6.
        modules_run_under={"2.16": "/usr/bin/python3.6", "2.19": "/usr/bin/python3.11"},
    ),
    "el8": Platform(
        version="3.6",
        binary="/usr/libexec/platform-python3.6",
        twin="/usr/libexec/platform-python3.6m",
        owner="platform-python",
        links={"/usr/libexec/platform-python": "./platform-python3.6"},
        scope=("platform-python", "python3-libs", "python36", "python3-pip"),
        install=_with_rpm("el8", "el8")[0],
        remove=_with_rpm("el8", "el8")[1],
        modules_run_under={"2.16": "/usr/libexec/platform-python3.6", "2.19": "/usr/bin/python3.11"},
        further_links={
            "/usr/bin/python3.6": "/usr/libexec/platform-python3.6",
            "/usr/bin/python3.6m": "/usr/libexec/platform-python3.6m",
            "/usr/bin/python3": "/etc/alternatives/python3",
            "/etc/alternatives/python3": "/usr/bin/python3.6",
            "/usr/bin/pip3": "/etc/alternatives/pip3",
            "/etc/alternatives/pip3": "/usr/bin/pip3.6",
            "/usr/bin/unversioned-python": "/etc/alternatives/python",
            "/etc/alternatives/python": "/usr/libexec/no-python",
        },
        groups=("python", "python3"),
        manuals=("unversioned-python-man", "python3-man"),
    ),
    "el10": Platform(
        version="3.12",
        binary="/usr/bin/python3.12",
        twin="",
        owner="python3",
        links={"/usr/bin/python3": "python3.12"},
        scope=("python3", "python3-libs", "python3-pip"),
        install=_with_rpm("el10", "el10")[0],
        remove=_with_rpm("el10", "el10")[1],
        modules_run_under={"2.16": "/usr/bin/python3.12", "2.19": "/usr/bin/python3.12"},
    ),
    "sles16": Platform(
        version="3.13",
        binary="/usr/bin/python3.13",
        twin="",
        owner="python313-base",
        links={"/usr/bin/python3": "python3.13"},
        scope=("python313-base", "libpython3_13-1_0", "python313", "python313-pip"),
        install="zypper -n install",
        remove="zypper -n remove",
        # 2.16 knows no interpreter newer than 3.12.
        modules_run_under={"2.16": "/usr/bin/python3.11", "2.19": "/usr/bin/python3.13"},
    ),
}
# openSUSE's binaries are SUSE's own.
PLATFORMS["leap15"] = PLATFORMS["sles15"]
