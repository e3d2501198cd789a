"""The packages of the EL 8-like test host."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from packing import common, derived, folders, python2, pythons, rhel9, rpms, sles15
from packing.common import DEBS, version_of
from packing.rpms import Package

PREFIX36, PREFIX312 = sles15.PREFIX36, rhel9.PREFIX312
RELEASE = "1.el8"
# The packages that exist in a newer release, too.
SCOPE = ("platform-python", "python3-libs")
LIBRARY = "usr/lib/python3.6"

NO_PYTHON = """\
#!/bin/sh
echo "For more information see 'man unversioned-python'." >&2
exit 2
"""

UNVERSIONED = """\
%post
alternatives --install /usr/bin/unversioned-python python /usr/libexec/no-python 404
%postun
[ "$1" -ne 0 ] || alternatives --remove python /usr/libexec/no-python
"""

# As the scriptlets of python36, python3.11 and python3.12 register them. Red Hat's call is one command per group, too.
GROUPS = """\
%post
alternatives --install /usr/bin/python3 python3 /usr/bin/python{minor} {priority} \\
    --slave /usr/bin/pip3 pip3 /usr/bin/pip{minor} --slave /usr/bin/pydoc3 pydoc3 /usr/bin/pydoc{minor}
alternatives --install /usr/bin/unversioned-python python /usr/bin/python3 300 \\
    --slave /usr/bin/python unversioned-python /usr/bin/python3
%postun
if [ "$1" -eq 0 ]; then
    alternatives --remove python3 /usr/bin/python{minor}
    [ -e /usr/bin/python3 ] || alternatives --remove python /usr/bin/python3
fi
"""

PYTHON2 = """\
%post
alternatives --install /usr/bin/unversioned-python python /usr/bin/python2 200 \\
    --slave /usr/bin/python unversioned-python /usr/bin/python2
%postun
[ "$1" -ne 0 ] || alternatives --remove python /usr/bin/python2
"""

GHOSTS = ("/usr/bin/python3", "/usr/bin/pip3", "/usr/bin/pydoc3", "/usr/bin/unversioned-python")


def _package(name: str, version: str, root: Path, **more: Any) -> Package:
    return Package(name, version, RELEASE, root, **more)


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    folders.write(root, "etc/selinux/config", rhel9.SELINUX_CONFIG)
    for path in ("usr/lib64", "usr/libexec"):
        folders.made(root, path)
    release = folders.new("redhat-release")
    common.os_release(
        release,
        name="Red Hat Enterprise Linux",
        version="8.10 (Ootpa)",
        id="rhel",
        like="fedora",
        version_id="8.10",
        platform='PLATFORM_ID="platform:el8"\n',
        pretty="Red Hat Enterprise Linux 8.10 (Ootpa)",
        cpe="cpe:/o:redhat:enterprise_linux:8::baseos",
    )
    folders.write(release, "etc/redhat-release", "Red Hat Enterprise Linux release 8.10 (Ootpa)\n")
    common.signing_key(release, "RPM-GPG-KEY-redhat-release")
    provides = ("system-release = 8.10-1", "system-release(releasever) = 8")
    return [
        _package("filesystem", "3.8", root, provides=rhel9.STAND_INS),
        _package("redhat-release", "8.10", release, provides=provides),
    ]


def _with_groups(package: Package, minor: str, priority: int) -> Package:
    """The package with the scriptlets and ghosts by which it takes part in the groups python and python3."""
    for ghost in GHOSTS:
        name = "python" if ghost.endswith("unversioned-python") else Path(ghost).name
        folders.link(package.root, ghost[1:], f"/etc/alternatives/{name}")
    scripts = GROUPS.format(minor=minor, priority=priority)
    requires = (*package.requires, "chkconfig")
    return dataclasses.replace(package, ghosts=GHOSTS, scripts=scripts, requires=requires)


def _platform_python(base: Path) -> Path:
    """The hard-linked pair below /usr/libexec, taken out of the library's folder."""
    root = folders.new("platform-python")
    libexec = folders.made(root, "usr/libexec")
    for name in ("python3.6", "python3.6m"):
        shutil.move(base / "usr/bin" / name, libexec / f"platform-{name}")
    shutil.rmtree(base / "usr/bin")
    folders.link(root, "usr/libexec/platform-python", "./platform-python3.6")
    folders.write(root, "usr/libexec/no-python", NO_PYTHON, 0o755)
    folders.made(root, "usr/bin")
    pythons.pydoc(root, "3.6")
    pydoc = root / "usr/bin/pydoc3.6"
    pydoc.write_text(pydoc.read_text().replace("/usr/bin/python3.6", "/usr/libexec/platform-python"))
    folders.link(root, "usr/bin/unversioned-python", "/etc/alternatives/python")
    return root


def _python36(version: str) -> Package:
    root = folders.new("python36")
    for name in ("python3.6", "python3.6m"):
        folders.link(root, f"usr/bin/{name}", f"/usr/libexec/platform-{name}")
    needs = (f"platform-python = {version}-{RELEASE}", "python3-pip")
    package = _package("python36", version, root, requires=needs, provides=(f"python3 = {version}-{RELEASE}",))
    return _with_groups(package, "3.6", 1000000)


def _pip() -> Package:
    root = folders.new("python3-pip")
    site_packages = root / LIBRARY / "site-packages"
    shutil.copytree(PREFIX36 / "lib/python3.6/site-packages", site_packages)
    common.packed_by_rpm(site_packages)
    sles15._compile36(root, f"{LIBRARY}/site-packages")
    common.pip_program(root, "pip3.6", "3.6")
    version = next(site_packages.glob("pip-*.dist-info")).name.split("-")[1].removesuffix(".dist")
    shared = rpms.SHARED_FOLDERS | {f"/{LIBRARY}", f"/{LIBRARY}/site-packages"}
    needs = ("python(abi) = 3.6",)
    return _package("python3-pip", version, root, arch="noarch", requires=needs, shared_folders=shared)


def _system_python() -> list[Package]:
    version = (PREFIX36 / "VERSION").read_text().strip()
    full = f"{version}-{RELEASE}"
    # The names of these two folders are those that the byte compiler of 3.6 knows.
    libraries, shared = folders.new("python3-base"), folders.new("libpython36")
    shared_library = folders.made(shared, "usr/lib64") / "libpython3.6m.so.1.0"
    shutil.copy2(PREFIX36 / "lib/libpython3.6m.so.1.0", shared_library)
    pythons.drop_build_paths(shared_library)
    sles15._python36_binaries(libraries)
    sles15._python36_library(libraries)
    sles15._compile36(libraries, LIBRARY)
    folders.copy(shared_library, libraries, "usr/lib64/libpython3.6m.so.1.0")
    # It compiles its files with the binary, so it comes before that is moved.
    pip = _pip()
    platform = _platform_python(libraries)
    needs = (f"python3-libs = {full}", "chkconfig")
    ghosts = ("/usr/bin/unversioned-python",)
    return [
        _package("python3-libs", version, libraries, scripts=common.RUN_LDCONFIG),
        _package(
            "platform-python",
            version,
            platform,
            requires=needs,
            ghosts=ghosts,
            scripts=UNVERSIONED,
            provides=("python(abi) = 3.6",),
        ),
        _python36(version),
        pip,
    ]


def _parallel(sources: pythons.Sources, version: str, priority: int) -> list[Package]:
    program, library = derived.rebranded(rhel9._interpreter(sources, version), "1.el9", RELEASE)
    return [_with_groups(program, sources.version, priority), library]


def _native_tools() -> list[Package]:
    *tools, alternatives = derived.rebranded(rhel9._native_tools(), "1.el9", RELEASE)
    provides = ("alternatives = 1.19.2",)
    return [*tools, dataclasses.replace(alternatives, name="chkconfig", version="1.19.2", provides=provides)]


def _python2() -> Package:
    root, ghost = python2.lay_out("python2"), "/usr/bin/unversioned-python"
    folders.link(root, ghost[1:], "/etc/alternatives/python")
    more = {"ghosts": (ghost,), "requires": ("chkconfig",), "provides": (f"python(abi) = {python2.VERSION}",)}
    return _package("python2", version_of("python2.7"), root, scripts=PYTHON2, **more)


def _optional() -> list[Package]:
    """What is in the repository and not installed."""
    packages = [_package(name, "1.0", root, arch="noarch") for name, root in common.hello(("hello-rpm", "hello-rpm-2"))]
    return [*packages, _python2(), _package("gcc", "8.5.0", common.stand_in("gcc"))]


def main() -> None:
    """Builds everything into /out."""
    packages = _filesystem() + _system_python() + derived.rebranded(rhel9._wheels(), "1.el9", RELEASE)
    packages += _parallel(pythons.from_debian("3.11", DEBS), version_of("python3.11"), 31100)
    if PREFIX312.is_dir():
        version = (PREFIX312 / "VERSION").read_text().strip()
        packages += _parallel(pythons.from_prefix("3.12", PREFIX312), version, 31200)
    packages += _native_tools()
    settings = {"os": "el8", "dbpath": "/var/lib/rpm", "backend": "bdb", "release": "redhat-release"}
    derived.describe_host({**settings, "key": "RPM-GPG-KEY-redhat-release"})
    derived.finish(packages, _optional(), SCOPE, (RELEASE, "2.el8"), "3.6")


if __name__ == "__main__":
    main()
