"""The packages of the SLES 15-like test host."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

from packing import folders, pythons, repositories, rpms
from packing.rpms import Package

DEBS = Path("/debs")
OUT = Path("/out")
PREFIX36 = Path("/interpreters/python3.6")
DIST = "150700"
RUN_LDCONFIG = "%post -p /sbin/ldconfig\n%postun -p /sbin/ldconfig"
SCOPE = ("python3-base", "libpython3_6m1_0", "python3")
# What SUSE keeps out of python3-base, because it needs libraries of its own.
EXTRAS = ("readline", "_sqlite3", "_curses", "_curses_panel")

OS_RELEASE = """\
NAME="SLES"
VERSION="15-SP7"
VERSION_ID="15.7"
PRETTY_NAME="SUSE Linux Enterprise Server 15 SP7 (lookalike test host)"
ID="sles"
ID_LIKE="suse"
ANSI_COLOR="0;32"
CPE_NAME="cpe:/o:suse:sles:15:sp7"
VARIANT="Lookalike test host built from Debian packages"
VARIANT_ID="test-host"
"""

# What Debian put on the host and no package of ours owns, promised to the dependency solver.
STAND_INS = ("/bin/sh", "/sbin/ldconfig", "bash", "coreutils", "glibc", "libopenssl3", "libsqlite3-0", "zlib", "ca-certificates", "gpg2")


def _version_of(deb: str) -> str:
    text = Path(f"/var/lib/test-host-versions/{deb}").read_text().strip()
    return text.split(":")[-1].split("-")[0].split("+")[0]


def _package(name: str, version: str, root: Path, release: str = "1", **more: object) -> Package:
    return dataclasses.replace(Package(name, version, f"{DIST}.{release}", root), **more)  # type: ignore[arg-type]


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    for path in ("usr/lib64", "usr/libexec", "usr/lib/sysimage/rpm"):
        (root / path).mkdir(parents=True, exist_ok=True)
    release = folders.new("sles-release")
    folders.write(release, "usr/lib/os-release", OS_RELEASE)
    folders.link(release, "etc/os-release", "../usr/lib/os-release")
    product = '<?xml version="1.0" encoding="UTF-8"?>\n<product schemeversion="0">\n  <vendor>SUSE</vendor>\n  <name>SLES</name>\n  <version>15.7</version>\n  <release>0</release>\n  <arch>x86_64</arch>\n  <summary>SUSE Linux Enterprise Server 15 SP7 (lookalike test host)</summary>\n</product>\n'
    folders.write(release, "etc/products.d/SLES.prod", product)
    folders.link(release, "etc/products.d/baseproduct", "SLES.prod")
    folders.write(release, "etc/pki/rpm-gpg/RPM-GPG-KEY-SUSE", (rpms.KEYS / "trusted.asc").read_text())
    provides = ("distribution-release", "product() = SLES", "suse-release = 15.7")
    return [_package("filesystem", "15.0", root, provides=STAND_INS), _package("sles-release", "15.7", release, provides=provides)]


def _python36_library(root: Path) -> None:
    library = root / "usr/lib/python3.6"
    pythons.copy_library((PREFIX36,), "python3.6", library)
    (library / "site-packages").mkdir()
    data = next(library.glob("_sysconfigdata_*.py"))
    text = data.read_text()
    prefix = next(line for line in text.splitlines() if "'prefix':" in line).split("'")[3]
    data.write_text(text.replace(prefix, "/usr"))
    for compiled in library.glob("lib-dynload/*.so"):
        pythons.drop_build_paths(compiled)


def _python36_binaries(root: Path) -> None:
    (root / "usr/bin").mkdir(parents=True)
    binary = root / "usr/bin/python3.6"
    shutil.copy2(PREFIX36 / "bin/python3.6", binary)
    pythons.drop_build_paths(binary)
    binary.chmod(0o755)
    os.link(binary, root / "usr/bin/python3.6m")
    folders.link(root, "usr/bin/python3", "python3.6")
    folders.write(root, "usr/bin/pydoc3.6", "#!/usr/bin/python3.6\nimport pydoc\nif __name__ == '__main__':\n    pydoc.cli()\n", 0o755)
    folders.link(root, "usr/bin/pydoc3", "pydoc3.6")


def _compile36(root: Path, folder: str) -> None:
    env = {"LD_LIBRARY_PATH": "/stage/libpython36/usr/lib64", "PATH": os.environ["PATH"], "PYTHONHOME": str(Path("/stage/python3-base/usr"))}
    binary = "/stage/python3-base/usr/bin/python3.6"
    for level in ([], ["-O"], ["-OO"]):
        command = [binary, *level, "-m", "compileall", "-q", "-d", f"/{folder}", str(root / folder)]
        subprocess.run(command, check=True, env=env)


def _system_python() -> list[Package]:
    version = (PREFIX36 / "VERSION").read_text().strip()
    base, library = folders.new("python3-base"), folders.new("libpython36")
    (library / "usr/lib64").mkdir(parents=True)
    shutil.copy2(PREFIX36 / "lib/libpython3.6m.so.1.0", library / "usr/lib64")
    pythons.drop_build_paths(library / "usr/lib64/libpython3.6m.so.1.0")
    _python36_binaries(base)
    _python36_library(base)
    _compile36(base, "usr/lib/python3.6")
    extras = pythons.split(base, [f"usr/lib/python3.6/lib-dynload/{name}.*" for name in EXTRAS], folders.new("python3-extras"))
    pip = folders.new("python3-pip")
    shutil.copytree(PREFIX36 / "lib/python3.6/site-packages", pip / "usr/lib/python3.6/site-packages")
    _compile36(pip, "usr/lib/python3.6/site-packages")
    for record in pip.rglob("INSTALLER"):
        record.write_text("rpm\n")
    full = f"{version}-{DIST}.1"
    shared = rpms.SHARED_FOLDERS | {"/usr/lib/python3.6", "/usr/lib/python3.6/lib-dynload", "/usr/lib/python3.6/site-packages"}
    needs = (f"libpython3_6m1_0 = {full}",)
    gives = ("python(abi) = 3.6", f"python36-base = {full}", "/usr/bin/python3.6")
    return [
        _package("libpython3_6m1_0", version, library, summary="Python 3.6 shared library", scripts=RUN_LDCONFIG),
        _package("python3-base", version, base, summary="Python 3.6 interpreter and standard library", requires=needs, provides=gives),
        _package("python3", version, extras, requires=(f"python3-base = {full}",), provides=(f"python36 = {full}",), shared_folders=shared),
        _package("python3-pip", "18.1", pip, arch="noarch", requires=("python(abi) = 3.6",), shared_folders=shared),
    ]


def _other_python(minor: str) -> list[Package]:
    """`python311-base` and `libpython3_11-1_0`, which claim no unversioned name."""
    short, version = minor.replace(".", ""), _version_of(f"python{minor}")
    whole = folders.new(f"python{short}-base")
    pythons.lay_out(pythons.from_debian(minor, DEBS), whole)
    pythons.byte_compile(whole, whole / f"usr/bin/python{minor}", [whole / f"usr/lib64/python{minor}"])
    library = pythons.split(whole, [f"usr/lib64/libpython{minor}.so*"], folders.new(f"libpython{short}"))
    full, soname = f"{version}-{DIST}.1", f"libpython{minor.replace('.', '_')}-1_0"
    extra = pythons.split(whole, [f"usr/lib64/python{minor}/lib-dynload/readline.*"], folders.new(f"python{short}"))
    lib = f"/usr/lib64/python{minor}"
    return [
        _package(soname, version, library, scripts=RUN_LDCONFIG),
        _package(f"python{short}-base", version, whole, requires=(f"{soname} = {full}",), provides=(f"python(abi) = {minor}",)),
        _package(f"python{short}", version, extra, requires=(f"python{short}-base = {full}",), shared_folders=rpms.SHARED_FOLDERS | {lib, f"{lib}/lib-dynload"}),
    ]


def _native_tools() -> list[Package]:
    rpm, zypper, zypp = _version_of("rpm"), _version_of("zypper"), _version_of("libzypp1735")
    tools = folders.from_debs(DEBS, ("rpm", "rpm2cpio", "librpm10", "librpmio10", "rpm-common"), folders.new("rpm"))
    zypper_root = folders.from_debs(DEBS, ("zypper", "zypper-common"), folders.new("zypper"))
    zypp_root = folders.from_debs(DEBS, ("libzypp1735", "libzypp-common", "libzypp-config", "libsolv1", "libsolvext1"), folders.new("libzypp"))
    alternatives = folders.new("update-alternatives")
    folders.write(alternatives, "usr/share/doc/update-alternatives/README", "SUSE's is dpkg's program as well; this host has Debian's build of it.\n")
    folders.link(alternatives, "usr/sbin/update-alternatives", "../bin/update-alternatives")
    folders.link(alternatives, "usr/sbin/alternatives", "update-alternatives")
    for path in ("etc/alternatives", "var/lib/alternatives"):
        (alternatives / path).mkdir(parents=True)
    return [
        _package("rpm", rpm, tools),
        _package("libzypp", zypp, zypp_root, requires=("rpm",)),
        _package("zypper", zypper, zypper_root, requires=("libzypp",)),
        _package("update-alternatives", "1.19.0.4", alternatives),
    ]


def _small_ones() -> list[Package]:
    """Packages that exist to be installed by tests."""
    packages = []
    for name in ("hello-rpm", "hello-rpm-2"):
        root = folders.new(name)
        folders.write(root, f"usr/bin/{name}", f"#!/bin/sh\necho 'hello from {name}'\n", 0o755)
        packages.append(_package(name, "1.0", root, arch="noarch"))
    for name, version in (("gcc", "7"), ("make", "4.2.1")):
        root = folders.new(name)
        folders.write(root, f"usr/share/doc/{name}/README", "Stands in for the real one: the incidents install it, nothing uses it.\n")
        packages.append(_package(name, version, root))
    return packages


def _take_over() -> list[Package]:
    """A package of somebody else that contains the system's interpreter."""
    root = folders.new("python3-thirdparty")
    folders.write(root, "usr/bin/python3.6", "#!/bin/sh\necho 'Python 3.6.99 of a third party'\n", 0o755)
    return [Package("python3-thirdparty", "3.6.99", "1", root, vendor="Third Party Ltd.")]


def _newer(package: Package) -> Package:
    old, new = f"-{DIST}.1", f"-{DIST}.2"
    requires, provides = (tuple(text.replace(old, new) for text in texts) for texts in (package.requires, package.provides))
    return dataclasses.replace(package, release=f"{DIST}.2", requires=requires, provides=provides)


def main() -> None:
    """Builds everything into /out: `install` lists what the host starts with, `repo` is served."""
    packages = _filesystem() + _system_python() + _other_python("3.11") + _other_python("3.13") + _native_tools()
    optional = _small_ones()
    built = rpms.build_all(packages + optional, Path("/rpms"))
    newer = rpms.build_all([_newer(package) for package in packages if package.name in SCOPE], Path("/rpms-newer"))
    third_party = rpms.build_all(_take_over(), Path("/rpms-third-party"))
    rpms.sign(built + newer + third_party, rpms.TRUSTED)
    OUT.mkdir(exist_ok=True)
    (OUT / "install").write_text("\n".join(file.name for file in built[: len(packages)]) + "\n")
    repositories.publish(OUT / "repo", built, newer, third_party, SCOPE)


if __name__ == "__main__":
    main()
