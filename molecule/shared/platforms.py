"""What the tests expect of each operating system, written down without asking the collection that they judge."""

from collections.abc import Mapping
from dataclasses import dataclass


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
}
