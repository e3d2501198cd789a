"""The packages of the SLES 16-like test host."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from packing import common, derived, folders, rpms, sles15
from packing.rpms import Package

OLD, RELEASE = f"{sles15.DIST}.1", "160000.1"
# The packages that exist in a newer release, too.
SCOPE = ("python313-base", "libpython3_13-1_0", "python313")
LIBRARY = "usr/lib64/python3.13"

SELINUX_CONFIG = """\
# There is no SELinux in the kernel of a container; this file is all there is of it.
SELINUX=enforcing
SELINUXTYPE=targeted
"""

EXTERNALLY_MANAGED = """\
[externally-managed]
Error=Packages come from zypper here; others belong into a virtual environment (lookalike test host).
"""


def _package(name: str, version: str, root: Path, **more: Any) -> Package:
    return Package(name, version, RELEASE, root, **more)


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    folders.write(root, "etc/selinux/config", SELINUX_CONFIG)
    for path in ("usr/lib64", "usr/libexec", "usr/lib/sysimage/rpm"):
        folders.made(root, path)
    release = folders.new("sles-release")
    common.os_release(
        release,
        name="SLES",
        version="16.0",
        id="sles",
        like="suse",
        version_id="16.0",
        platform="",
        pretty="SUSE Linux Enterprise Server 16.0",
        cpe="cpe:/o:suse:sles:16:16.0",
    )
    product = sles15.PRODUCT.replace("15.7", "16.0").replace("Server 15 SP7", "Server 16.0")
    folders.write(release, "etc/products.d/SLES.prod", product)
    folders.link(release, "etc/products.d/baseproduct", "SLES.prod")
    common.signing_key(release, "RPM-GPG-KEY-SUSE")
    provides = ("distribution-release", "product() = SLES", "suse-release = 16.0")
    return [
        _package("filesystem", "16.0", root, provides=sles15.STAND_INS),
        _package("sles-release", "16.0", release, provides=provides),
    ]


def _pip() -> Package:
    """pip, whose unversioned command is chosen by a file of libalternatives, a program that Debian does not have."""
    root = folders.new("python313-pip")
    site = root / LIBRARY / "site-packages"
    version = common.pip_from_wheel(site)
    common.pip_program(root, "pip3.13", "3.13")
    for name in ("pip", "pip3"):
        folders.write(root, f"usr/share/libalternatives/{name}/1313.conf", "binary=/usr/bin/pip3.13\ngroup=pip, pip3\n")
    derived.compile_modules(root, site, Path("/stage/python313-base"), Path("/stage/libpython313"))
    shared = rpms.SHARED_FOLDERS | {f"/{LIBRARY}", f"/{LIBRARY}/site-packages"}
    needs = ("python(abi) = 3.13",)
    return _package("python313-pip", version, root, arch="noarch", requires=needs, shared_folders=shared)


def _system_python() -> list[Package]:
    """The parallel packages of 3.13 with what makes them the system's own."""
    library, base, extra = derived.rebranded(sles15._other_python("3.13"), OLD, RELEASE)
    full = f"{base.version}-{RELEASE}"
    folders.link(base.root, "usr/bin/python3", "python3.13")
    folders.link(base.root, "usr/bin/pydoc3", "pydoc3.13")
    folders.write(base.root, f"{LIBRARY}/EXTERNALLY-MANAGED", EXTERNALLY_MANAGED)
    return [
        library,
        dataclasses.replace(base, provides=(*base.provides, f"python3-base = {full}")),
        dataclasses.replace(extra, provides=(*extra.provides, f"python3 = {full}")),
    ]


def main() -> None:
    """Builds everything into /out."""
    packages = _filesystem() + _system_python() + [_pip()]
    shared = (sles15._other_python("3.11"), sles15._wheels(), sles15._native_tools())
    for found in shared:
        packages += derived.rebranded(found, OLD, RELEASE)
    optional = derived.rebranded(sles15._optional(), OLD, RELEASE)
    settings = {"os": "sles16", "dbpath": "/usr/lib/sysimage/rpm", "backend": "ndb", "release": "sles-release"}
    derived.describe_host({**settings, "key": "RPM-GPG-KEY-SUSE"})
    derived.finish(packages, optional, SCOPE, (RELEASE, "160000.2"), "3.13")


if __name__ == "__main__":
    main()
