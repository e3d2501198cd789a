"""The packages of the RHEL 9-like test host."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path
from typing import Any

from packing import common, folders, pythons, rpms
from packing.common import DEBS, version_of
from packing.rpms import Package

PREFIX312 = Path("/interpreters/python3.12")
DIST = "el9"
# The packages that exist in a newer release, too.
SCOPE = ("python3", "python3-libs")

DNF_CONF = """\
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
"""

SELINUX_CONFIG = """\
# There is no SELinux in the kernel of a container; this file is all there is of it.
SELINUX=enforcing
SELINUXTYPE=targeted
"""

ALTERNATIVES = """\
#!/bin/sh
# RHEL has a C program of its own here; dpkg's writes the same kind of state files.
exec /usr/bin/update-alternatives --admindir /var/lib/alternatives "$@"
"""

# What Debian put on the host and no package of ours owns, promised to the dependency solver.
STAND_INS = (
    *("/bin/sh", "/sbin/ldconfig", "bash", "coreutils", "glibc", "openssl-libs", "sqlite-libs", "zlib"),
    *("ca-certificates", "gnupg2", "basesystem", "setup"),
)


def _package(name: str, version: str, root: Path, release: str = "1", **more: Any) -> Package:
    return Package(name, version, f"{release}.{DIST}", root, **more)


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    folders.write(root, "etc/selinux/config", SELINUX_CONFIG)
    for path in ("usr/lib64", "usr/libexec"):
        folders.made(root, path)
    release = folders.new("redhat-release")
    cpe = "cpe:/o:redhat:enterprise_linux:9::baseos"
    common.os_release(
        release,
        name="Red Hat Enterprise Linux",
        version="9.7 (Plow)",
        id="rhel",
        like="fedora",
        version_id="9.7",
        platform='PLATFORM_ID="platform:el9"\n',
        pretty="Red Hat Enterprise Linux 9.7 (Plow)",
        cpe=cpe,
    )
    folders.write(release, "etc/redhat-release", "Red Hat Enterprise Linux release 9.7 (Plow)\n")
    folders.link(release, "etc/system-release", "redhat-release")
    folders.write(release, "etc/system-release-cpe", f"{cpe}\n")
    common.signing_key(release, "RPM-GPG-KEY-redhat-release")
    provides = ("system-release = 9.7-1", "system-release(releasever) = 9")
    return [
        _package("filesystem", "3.16", root, "5", provides=STAND_INS),
        _package("redhat-release", "9.7", release, provides=provides),
    ]


def _system_links(root: Path) -> None:
    folders.link(root, "usr/bin/python3", "python3.9")
    folders.link(root, "usr/bin/pydoc3", "pydoc3.9")
    folders.link(root, "usr/bin/pydoc", "./pydoc3")
    folders.link(root, "usr/libexec/platform-python", "/usr/bin/python3.9")
    folders.link(root, "usr/libexec/platform-python3.9", "/usr/bin/python3.9")
    manual = DEBS / "python3.9-minimal/usr/share/man/man1/python3.9.1.gz"
    folders.copy(manual, root, "usr/share/man/man1/python3.9.1.gz")
    folders.link(root, "usr/share/man/man1/python3.1.gz", "python3.9.1.gz")


def _interpreter(sources: pythons.Sources, version: str, *, system: bool = False) -> list[Package]:
    """`python3.11` and `python3.11-libs`, or `python3` and `python3-libs` for the system's own."""
    minor, full = sources.version, f"{version}-1.{DIST}"
    name = "python3" if system else f"python{minor}"
    libraries = folders.new(name)
    pythons.lay_out(sources, libraries)
    pythons.byte_compile(libraries, libraries / f"usr/bin/python{minor}", [libraries / f"usr/lib64/python{minor}"])
    programs = [f"usr/bin/python{minor}", f"usr/bin/pydoc{minor}"]
    root = pythons.split(libraries, programs, folders.new(f"{name}-binary"))
    provides: tuple[str, ...] = (f"python(abi) = {minor}", f"python{minor.replace('.', '')} = {full}")
    if system:
        pythons.stable_library(libraries / "usr/lib64", minor)
        _system_links(root)
        provides = (*provides, f"python{minor} = {full}", f"python{minor}(x86-64) = {full}")
    needs = (f"{name}-libs = {full}",)
    library_needs = ("glibc", "python3-pip-wheel", "python3-setuptools-wheel")
    return [
        _package(name, version, root, summary=f"Python {minor} interpreter", requires=needs, provides=provides),
        _package(f"{name}-libs", version, libraries, requires=library_needs, scripts=common.RUN_LDCONFIG),
    ]


def _compile_modules(root: Path) -> None:
    system = "/stage/python3"
    env = {"LD_LIBRARY_PATH": f"{system}/usr/lib64", "PATH": os.environ["PATH"], "PYTHONHOME": f"{system}/usr"}
    found = [str(path) for path in (root / "usr/lib/python3.9", root / "usr/lib64/python3.9") if path.exists()]
    command = ["/stage/python3-binary/usr/bin/python3.9", "-m", "compileall", "-q", "-o0", "-o1"]
    subprocess.run([*command, "-s", str(root), "-p", "/", *found], check=True, env=env)


def _module_package(name: str, version: str, root: Path, requires: tuple[str, ...], arch: str = "noarch") -> Package:
    """Modules in the system Python's site-packages, with their compiled files."""
    _compile_modules(root)
    site = {f"/usr/{lib}/python3.9{rest}" for lib in ("lib", "lib64") for rest in ("", "/site-packages")}
    needs = ("python(abi) = 3.9", *requires)
    return _package(name, version, root, arch=arch, requires=needs, shared_folders=rpms.SHARED_FOLDERS | site)


def _python_modules() -> list[Package]:
    libdnf = version_of("python3-libdnf")
    bindings = ("python3-gpg", "python3-hawkey", "python3-libcomps", "python3-libdnf", "python3-rpm")
    wanted: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("python3-rpm", version_of("python3-rpm"), ("rpm-libs",)),
        ("python3-gpg", version_of("python3-gpg"), ()),
        ("python3-libcomps", version_of("python3-libcomps"), ()),
        ("python3-libdnf", libdnf, ("libdnf",)),
        ("python3-hawkey", libdnf, ("libdnf", "python3-libdnf")),
        ("python3-dnf", version_of("python3-dnf"), ("dnf-data", *bindings)),
    )
    packages = []
    for name, version, requires in wanted:
        root = folders.site_packages(DEBS, name, "3.9", folders.new(name))
        arch = "noarch" if name == "python3-dnf" else "x86_64"
        packages.append(_module_package(name, version, root, requires, arch))
    return packages


def _pip() -> Package:
    root = folders.new("python3-pip")
    version = common.pip_from_wheel(root / "usr/lib/python3.9/site-packages")
    for name in ("pip3", "pip3.9", "pip-3", "pip-3.9"):
        common.pip_program(root, name, "3.9")
    return _module_package("python3-pip", version, root, ())


def _wheels() -> list[Package]:
    packages = []
    for name in ("pip", "setuptools"):
        root, version = common.wheels(name)
        shared = rpms.SHARED_FOLDERS | ({"/usr/share/python-wheels"} if name == "pip" else set())
        packages.append(_package(f"python3-{name}-wheel", version, root, arch="noarch", shared_folders=shared))
    return packages


def _package_manager() -> list[Package]:
    version = version_of("python3-dnf")
    full = f"{version}-1.{DIST}"
    tool = folders.new("dnf")
    folders.copy(DEBS / "dnf/usr/bin/dnf-3", tool, "usr/bin/dnf-3")
    script = tool / "usr/bin/dnf-3"
    # Pinned since RHEL 9.3, so that a wrong /usr/bin/python3 does not stop dnf.
    script.write_text(script.read_text().replace("#!/usr/bin/python3\n", "#!/usr/bin/python3.9\n", 1))
    folders.link(tool, "usr/bin/dnf", "dnf-3")
    yum = folders.new("yum")
    folders.link(yum, "usr/bin/yum", "dnf-3")
    data = folders.from_debs(DEBS, ("dnf-data",), folders.new("dnf-data"))
    folders.write(data, "etc/dnf/dnf.conf", DNF_CONF)
    own = ("etc/dnf/vars", "etc/dnf/modules.d", "etc/dnf/plugins", "etc/yum.repos.d", "var/cache/dnf", "var/lib/dnf")
    for path in own:
        folders.made(data, path)
    needs = (f"python3-dnf = {full}", "python(abi) = 3.9", "/usr/bin/python3.9")
    return [
        _package("dnf", version, tool, arch="noarch", requires=needs),
        _package("yum", version, yum, arch="noarch", requires=(f"dnf = {full}",)),
        _package("dnf-data", version, data, arch="noarch"),
    ]


def _native_tools(backend: str = "sqlite") -> list[Package]:
    rpm, libdnf = version_of("rpm"), version_of("libdnf2")
    tools = folders.from_debs(DEBS, ("rpm", "rpm2cpio"), folders.new("rpm"))
    libraries = folders.from_debs(DEBS, ("librpm9", "librpmio9", "rpm-common"), folders.new("rpm-libs"))
    common.vendor_macros(libraries, "/var/lib/rpm", backend)
    solver = folders.from_debs(DEBS, ("libdnf2", "librepo0", "libsolv1", "libsolvext1"), folders.new("libdnf"))
    alternatives = folders.new("alternatives")
    folders.write(alternatives, "usr/sbin/alternatives", ALTERNATIVES, 0o755)
    folders.link(alternatives, "usr/sbin/update-alternatives", "alternatives")
    for path in ("etc/alternatives", "var/lib/alternatives"):
        folders.made(alternatives, path)
    return [
        _package("rpm", rpm, tools, requires=(f"rpm-libs = {rpm}-1.{DIST}",)),
        _package("rpm-libs", rpm, libraries),
        _package("libdnf", libdnf, solver, requires=("rpm-libs",)),
        _package("alternatives", "1.24", alternatives),
    ]


def _optional() -> list[Package]:
    """What is in the repository and not installed."""
    packages = [_package(name, "1.0", root, arch="noarch") for name, root in common.hello(("hello-rpm", "hello-rpm-2"))]
    unversioned = folders.new("python-unversioned-command")
    folders.link(unversioned, "usr/bin/python", "./python3")
    version = version_of("python3.9")
    packages += [
        _package("python-unversioned-command", version, unversioned, arch="noarch", requires=("python3",)),
        _package("gcc", "11.5.0", common.stand_in("gcc")),
    ]
    if PREFIX312.is_dir():
        version312 = (PREFIX312 / "VERSION").read_text().strip()
        packages += _interpreter(pythons.from_prefix("3.12", PREFIX312), version312)
    return packages


def _newer(package: Package) -> Package:
    old, new = f"-1.{DIST}", f"-2.{DIST}"
    requires = tuple(text.replace(old, new) for text in package.requires)
    provides = tuple(text.replace(old, new) for text in package.provides)
    return dataclasses.replace(package, release=f"2.{DIST}", requires=requires, provides=provides)


def main() -> None:
    """Builds everything into /out."""
    packages = _filesystem()
    packages += _interpreter(pythons.from_debian("3.9", DEBS), version_of("python3.9"), system=True)
    packages += _python_modules() + [_pip()] + _wheels() + _package_manager() + _native_tools()
    for minor in ("3.11", "3.13"):
        packages += _interpreter(pythons.from_debian(minor, DEBS), version_of(f"python{minor}"))
    newer = [_newer(package) for package in packages if package.name in SCOPE]
    common.finish(packages, _optional(), newer, "3.9")


if __name__ == "__main__":
    main()
