"""The packages of the SLES 15-like test host."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from packing import common, folders, python2, pythons, rpms
from packing.common import DEBS, version_of
from packing.rpms import Package

PREFIX36 = Path("/interpreters/python3.6")
DIST = "150700"
# The packages that exist in a newer release, too.
SCOPE = ("python3-base", "libpython3_6m1_0", "python3")
# What SUSE keeps out of python3-base, because it needs libraries of its own.
EXTRAS = ("readline", "_sqlite3", "_curses", "_curses_panel")

PRODUCT = """\
<?xml version="1.0" encoding="UTF-8"?>
<product schemeversion="0">
  <vendor>SUSE</vendor>
  <name>SLES</name>
  <version>15.7</version>
  <release>0</release>
  <arch>x86_64</arch>
  <summary>SUSE Linux Enterprise Server 15 SP7 (lookalike test host)</summary>
</product>
"""

# What tells where modules are that have packages of their own: %{sitedir}/_import_failed in SUSE's python spec files.
HINT = "raise ImportError('{0} is in a package of its own: import_failed.map'.format(__name__))\n"
HINTED = {"python3-tk": "tkinter", "python3-idle": "idlelib"}

# What Debian put on the host and no package of ours owns, promised to the dependency solver.
STAND_INS = (
    *("/bin/sh", "/sbin/ldconfig", "bash", "coreutils", "glibc", "libopenssl3", "libsqlite3-0", "zlib"),
    *("ca-certificates", "gpg2"),
)

PIP_GROUPS = """\
%post
for group in pip pip3; do
    update-alternatives --quiet --install /usr/bin/$group $group /usr/bin/pip3.6 36
done
%postun
if [ ! -f /usr/bin/pip3.6 ]; then
    for group in pip pip3; do
        update-alternatives --quiet --remove $group /usr/bin/pip3.6
    done
fi"""


def _package(name: str, version: str, root: Path, **more: Any) -> Package:
    return Package(name, version, f"{DIST}.1", root, **more)


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    for path in ("usr/lib64", "usr/libexec", "usr/lib/sysimage/rpm"):
        folders.made(root, path)
    release = folders.new("sles-release")
    common.os_release(
        release,
        name="SLES",
        version="15-SP7",
        id="sles",
        like="suse",
        version_id="15.7",
        platform="",
        pretty="SUSE Linux Enterprise Server 15 SP7",
        cpe="cpe:/o:suse:sles:15:sp7",
    )
    folders.write(release, "etc/products.d/SLES.prod", PRODUCT)
    folders.link(release, "etc/products.d/baseproduct", "SLES.prod")
    common.signing_key(release, "RPM-GPG-KEY-SUSE")
    provides = ("distribution-release", "product() = SLES", "suse-release = 15.7")
    return [
        _package("filesystem", "15.0", root, provides=STAND_INS),
        _package("sles-release", "15.7", release, provides=provides),
    ]


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


def _hints(root: Path, library: str) -> None:
    """The hints, to which an import comes last of all."""
    hints = f"{library}/_import_failed"
    folders.write(root, f"{hints}/import_failed.py", HINT)
    folders.write(root, f"{hints}/import_failed.map", "".join(f"{name}: {HINTED[name]}\n" for name in HINTED))
    folders.write(root, f"{library}/site-packages/zzzz-import-failed-hooks.pth", f"/{hints}\n")


def _hard_links(library: Path) -> None:
    """One file for all hints, and one for compiled files that are the same, as the spec and its fdupes make them."""
    for made in sorted((library / "_import_failed").rglob("import_failed.*py*")):
        for module in HINTED.values():
            made.with_name(made.name.replace("import_failed", module)).hardlink_to(made)
    known: dict[bytes, Path] = {}
    for path in sorted(library.rglob("*.pyc")):
        first = known.setdefault(path.read_bytes(), path)
        if not path.samefile(first):
            path.unlink()
            path.hardlink_to(first)


def _python36_binaries(root: Path) -> None:
    binary = folders.made(root, "usr/bin") / "python3.6"
    shutil.copy2(PREFIX36 / "bin/python3.6", binary)
    pythons.drop_build_paths(binary)
    binary.chmod(0o755)
    (root / "usr/bin/python3.6m").hardlink_to(binary)
    folders.link(root, "usr/bin/python3", "python3.6")
    pythons.pydoc(root, "3.6")
    folders.link(root, "usr/bin/pydoc3", "pydoc3.6")


def _compile36(root: Path, folder: str) -> None:
    home = "/stage/python3-base/usr"
    env = {"LD_LIBRARY_PATH": "/stage/libpython36/usr/lib64", "PATH": os.environ["PATH"], "PYTHONHOME": home}
    levels: tuple[tuple[str, ...], ...] = ((), ("-O",), ("-OO",))
    for level in levels:
        command = [f"{home}/bin/python3.6", *level, "-m", "compileall", "-q", "-j2", "-d", f"/{folder}"]
        subprocess.run([*command, str(root / folder)], check=True, env=env)


def _pip(shared: frozenset[str]) -> Package:
    """pip, whose commands are alternatives groups on SUSE."""
    root = folders.new("python3-pip")
    site_packages = root / "usr/lib/python3.6/site-packages"
    shutil.copytree(PREFIX36 / "lib/python3.6/site-packages", site_packages)
    common.packed_by_rpm(site_packages)
    _compile36(root, "usr/lib/python3.6/site-packages")
    common.pip_program(root, "pip3.6", "3.6")
    ghosts = ("/usr/bin/pip", "/usr/bin/pip3")
    for ghost in ghosts:
        folders.link(root, ghost[1:], f"/etc/alternatives/{Path(ghost).name}")
    version = next(site_packages.glob("pip-*.dist-info")).name.split("-")[1].removesuffix(".dist")
    return _package(
        "python3-pip",
        version,
        root,
        arch="noarch",
        requires=("python(abi) = 3.6", "update-alternatives"),
        ghosts=ghosts,
        scripts=PIP_GROUPS,
        shared_folders=shared,
    )


def _system_python() -> list[Package]:
    version = (PREFIX36 / "VERSION").read_text().strip()
    full = f"{version}-{DIST}.1"
    base, library = folders.new("python3-base"), folders.new("libpython36")
    shared_library = folders.made(library, "usr/lib64") / "libpython3.6m.so.1.0"
    shutil.copy2(PREFIX36 / "lib/libpython3.6m.so.1.0", shared_library)
    pythons.drop_build_paths(shared_library)
    _python36_binaries(base)
    _python36_library(base)
    _hints(base, "usr/lib/python3.6")
    _compile36(base, "usr/lib/python3.6")
    _hard_links(base / "usr/lib/python3.6")
    moved = [f"usr/lib/python3.6/lib-dynload/{name}.*" for name in EXTRAS]
    extras = pythons.split(base, moved, folders.new("python3-extras"))
    own = {"/usr/lib/python3.6", "/usr/lib/python3.6/lib-dynload", "/usr/lib/python3.6/site-packages"}
    shared = rpms.SHARED_FOLDERS | own
    needs, gives = (f"libpython3_6m1_0 = {full}",), ("python(abi) = 3.6", f"python36-base = {full}")
    extra = {"requires": (f"python3-base = {full}",), "provides": (f"python36 = {full}",), "shared_folders": shared}
    return [
        _package("libpython3_6m1_0", version, library, scripts=common.RUN_LDCONFIG),
        _package("python3-base", version, base, requires=needs, provides=gives),
        _package("python3", version, extras, **extra),
        _pip(shared),
    ]


def _wheels() -> list[Package]:
    packages = []
    for name in ("pip", "setuptools"):
        root, version = common.wheels(name)
        shared = rpms.SHARED_FOLDERS | ({"/usr/share/python-wheels"} if name == "pip" else set())
        packages.append(_package(f"python-{name}-wheel", version, root, arch="noarch", shared_folders=shared))
    return packages


def _other_python(minor: str) -> list[Package]:
    """`python311-base` and `libpython3_11-1_0`, which claim no unversioned name."""
    short, version = minor.replace(".", ""), version_of(f"python{minor}")
    full, library_name = f"{version}-{DIST}.1", f"libpython{minor.replace('.', '_')}-1_0"
    folder = f"/usr/lib64/python{minor}"
    base = folders.new(f"python{short}-base")
    pythons.lay_out(pythons.from_debian(minor, DEBS), base)
    _hints(base, folder[1:])
    pythons.byte_compile(base, base / f"usr/bin/python{minor}", [base / folder[1:]])
    _hard_links(base / folder[1:])
    library = pythons.split(base, [f"usr/lib64/libpython{minor}.so*"], folders.new(f"libpython{short}"))
    extra = pythons.split(base, [f"{folder[1:]}/lib-dynload/readline.*"], folders.new(f"python{short}"))
    shared = rpms.SHARED_FOLDERS | {folder, f"{folder}/lib-dynload"}
    gives = (f"python(abi) = {minor}",)
    return [
        _package(library_name, version, library, scripts=common.RUN_LDCONFIG),
        _package(f"python{short}-base", version, base, requires=(f"{library_name} = {full}",), provides=gives),
        _package(f"python{short}", version, extra, requires=(f"python{short}-base = {full}",), shared_folders=shared),
    ]


def _native_tools() -> list[Package]:
    rpm_debs = ("rpm", "rpm2cpio", "librpm10", "librpmio10", "rpm-common")
    zypp_debs = ("libzypp1735", "libzypp-common", "libzypp-config", "libsolv1", "libsolvext1")
    alternatives = folders.new("update-alternatives")
    # SUSE's is dpkg's program as well, so Debian's build of it is used under SUSE's names.
    folders.link(alternatives, "usr/sbin/update-alternatives", "../bin/update-alternatives")
    folders.link(alternatives, "usr/sbin/alternatives", "update-alternatives")
    for path in ("etc/alternatives", "var/lib/alternatives"):
        folders.made(alternatives, path)
    zypper = folders.from_debs(DEBS, ("zypper", "zypper-common"), folders.new("zypper"))
    zypp = folders.from_debs(DEBS, zypp_debs, folders.new("libzypp"))
    rpm = folders.from_debs(DEBS, rpm_debs, folders.new("rpm"))
    common.vendor_macros(rpm, "/usr/lib/sysimage/rpm", "ndb")
    return [
        _package("rpm", version_of("rpm"), rpm),
        _package("libzypp", version_of("libzypp1735"), zypp, requires=("rpm",)),
        _package("zypper", version_of("zypper"), zypper, requires=("libzypp",)),
        _package("update-alternatives", "1.19.0.4", alternatives),
    ]


def _python2() -> Package:
    root = python2.lay_out("python-base")
    folders.link(root, "usr/bin/python", "python2.7")
    provides = (f"python(abi) = {python2.VERSION}",)
    return _package("python-base", version_of("python2.7"), root, provides=provides)


def _optional() -> list[Package]:
    """What is in the repository and not installed."""
    packages = [_package(name, "1.0", root, arch="noarch") for name, root in common.hello(("hello-rpm", "hello-rpm-2"))]
    compilers = (("gcc", "7"), ("make", "4.2.1"))
    return packages + [_package(name, version, common.stand_in(name)) for name, version in compilers]


def _newer(package: Package) -> Package:
    old, new = f"-{DIST}.1", f"-{DIST}.2"
    requires = tuple(text.replace(old, new) for text in package.requires)
    provides = tuple(text.replace(old, new) for text in package.provides)
    return dataclasses.replace(package, release=f"{DIST}.2", requires=requires, provides=provides)


def main() -> None:
    """Builds everything into /out."""
    packages = _filesystem() + _system_python() + _other_python("3.11") + _other_python("3.13")
    packages += _wheels() + _native_tools()
    newer = [_newer(package) for package in packages if package.name in SCOPE]
    common.finish(packages, [*_optional(), _python2()], newer, "3.6")


if __name__ == "__main__":
    main()
