"""The packages of the EL 10-like test host."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from packing import common, derived, folders, pythons, rhel9, rpms
from packing.common import DEBS, version_of
from packing.rpms import Package

RELEASE = "1.el10"
# The packages that exist in a newer release, too.
SCOPE = ("python3", "python3-libs")
STAGE = Path("/stage/python3.12")


def _package(name: str, version: str, root: Path, **more: Any) -> Package:
    return Package(name, version, RELEASE, root, **more)


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    folders.write(root, "etc/selinux/config", rhel9.SELINUX_CONFIG)
    for path in ("usr/lib64", "usr/libexec", "usr/lib/sysimage/rpm"):
        folders.made(root, path)
    release = folders.new("redhat-release")
    common.os_release(
        release,
        name="Red Hat Enterprise Linux",
        version="10.1 (Coughlan)",
        id="rhel",
        like="fedora centos",
        version_id="10.1",
        platform='PLATFORM_ID="platform:el10"\n',
        pretty="Red Hat Enterprise Linux 10.1 (Coughlan)",
        cpe="cpe:/o:redhat:enterprise_linux:10.1",
    )
    folders.write(release, "etc/redhat-release", "Red Hat Enterprise Linux release 10.1 (Coughlan)\n")
    common.signing_key(release, "RPM-GPG-KEY-redhat-release")
    provides = ("system-release = 10.1-1", "system-release(releasever) = 10")
    return [
        _package("filesystem", "3.18", root, provides=rhel9.STAND_INS),
        _package("redhat-release", "10.1", release, provides=provides),
    ]


def _pip() -> Package:
    root = folders.new("python3-pip")
    site = root / "usr/lib/python3.12/site-packages"
    version = common.pip_from_wheel(site)
    for name in ("pip", "pip3", "pip3.12", "pip-3", "pip-3.12"):
        common.pip_program(root, name, "3.12")
    derived.compile_modules(root, site, Path(f"{STAGE}-binary"), STAGE)
    shared = rpms.SHARED_FOLDERS | {"/usr/lib/python3.12", "/usr/lib/python3.12/site-packages"}
    needs = ("python(abi) = 3.12",)
    return _package("python3-pip", version, root, arch="noarch", requires=needs, shared_folders=shared)


def _system_python() -> list[Package]:
    """python3 and python3-libs: the parallel packages of 3.12 under the names of the system's own."""
    version = (rhel9.PREFIX312 / "VERSION").read_text().strip()
    full = f"{version}-{RELEASE}"
    parallel = rhel9._interpreter(pythons.from_prefix("3.12", rhel9.PREFIX312), version)
    program, library = derived.rebranded(parallel, "1.el9", RELEASE)
    folders.link(program.root, "usr/bin/python3", "python3.12")
    folders.link(program.root, "usr/bin/pydoc3", "pydoc3.12")
    folders.link(program.root, "usr/bin/pydoc", "./pydoc3")
    provides = (*program.provides, f"python3.12 = {full}", f"platform-python = {full}")
    return [
        dataclasses.replace(program, name="python3", requires=(f"python3-libs = {full}",), provides=provides),
        dataclasses.replace(library, name="python3-libs"),
        _pip(),
    ]


def _native_tools() -> list[Package]:
    version = version_of("rpm")
    tools = folders.from_debs(DEBS, ("rpm", "rpm2cpio"), folders.new("rpm"))
    libraries = folders.from_debs(DEBS, ("librpm10", "librpmio10", "rpm-common"), folders.new("rpm-libs"))
    common.vendor_macros(libraries, "/usr/lib/sysimage/rpm", "sqlite")
    alternatives = folders.new("alternatives")
    folders.write(alternatives, "usr/sbin/alternatives", rhel9.ALTERNATIVES, 0o755)
    folders.link(alternatives, "usr/sbin/update-alternatives", "alternatives")
    for path in ("etc/alternatives", "var/lib/alternatives"):
        folders.made(alternatives, path)
    return [
        _package("rpm", version, tools, requires=(f"rpm-libs = {version}-{RELEASE}",)),
        _package("rpm-libs", version, libraries),
        _package("alternatives", "1.30", alternatives),
    ]


def _optional() -> list[Package]:
    """What is in the repository and not installed."""
    packages = [_package(name, "1.0", root, arch="noarch") for name, root in common.hello(("hello-rpm", "hello-rpm-2"))]
    unversioned = folders.new("python-unversioned-command")
    folders.link(unversioned, "usr/bin/python", "./python3")
    version = (rhel9.PREFIX312 / "VERSION").read_text().strip()
    packages.append(_package("python-unversioned-command", version, unversioned, arch="noarch", requires=("python3",)))
    return [*packages, _package("gcc", "14.3.1", common.stand_in("gcc"))]


def main() -> None:
    """Builds everything into /out."""
    packages = _filesystem() + _system_python() + derived.rebranded(rhel9._wheels(), "1.el9", RELEASE)
    other = rhel9._interpreter(pythons.from_debian("3.13", DEBS), version_of("python3.13"))
    packages += derived.rebranded(other, "1.el9", RELEASE) + _native_tools()
    settings = {"os": "el10", "dbpath": "/usr/lib/sysimage/rpm", "backend": "sqlite", "release": "redhat-release"}
    derived.describe_host({**settings, "key": "RPM-GPG-KEY-redhat-release"})
    derived.finish(packages, _optional(), SCOPE, (RELEASE, "2.el10"), "3.12")


if __name__ == "__main__":
    main()
