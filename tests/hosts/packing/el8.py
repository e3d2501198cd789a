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

# The scriptlets say in the spec files' own words what they register (python3, python36, python3.11 and python3.12 of
# OpenELA, branch el8). Slaves are NAME, LINK, TARGET.
MANUAL = "/usr/share/man/man1"
UNVERSIONED_LINK, PYTHON3_LINK = "/usr/bin/unversioned-python", "/usr/bin/python3"
GHOSTS = (UNVERSIONED_LINK, f"{MANUAL}/python.1.gz")


def _install(link: str, group: str, target: str, priority: int, *slaves: tuple[str, str, str]) -> str:
    words = [f"alternatives --install {link} {group} {target} {priority}"]
    words += [f"--slave {path} {name} {led}" for name, path, led in slaves]
    return " \\\n    ".join(words) + "\n"


def _unversioned(target: str, priority: int, manual: str, command: str = "") -> str:
    slaves = [("unversioned-python", "/usr/bin/python", command)] if command else []
    slaves.append(("unversioned-python-man", f"{MANUAL}/python.1.gz", f"{MANUAL}/{manual}.1.gz"))
    return _install(UNVERSIONED_LINK, "python", target, priority, *slaves)


def _python3(minor: str, priority: int, names: tuple[str, ...]) -> str:
    target = f"/usr/bin/python{minor}"
    slaves = [("python3-man", f"{MANUAL}/python3.1.gz", f"{MANUAL}/python{minor}.1.gz")]
    for name in names:
        led = f"pydoc{minor}" if name == "pydoc-3" else name[: -len("3")] + minor
        slaves.append((name, f"/usr/bin/{name}", f"/usr/bin/{led}"))
    return f"""\
EXISTS=`alternatives --display python3 2>/dev/null | grep -c "^{target} - priority [0-9]*"`
if [ $EXISTS -eq 0 ]; then
    {_install(PYTHON3_LINK, "python3", target, priority, *slaves)}fi
"""


UNINSTALLED = """\
%postun
if [ "$1" -eq 0 ]; then
{removals}fi
"""
LAST_PYTHON3 = """\
    if ! alternatives --display python3 > /dev/null 2>&1; then
        alternatives --remove python /usr/bin/python3
    fi
"""


def _scripts(registrations: str, *removed: tuple[str, str], more: str = "") -> str:
    removals = "".join(f"    alternatives --remove {group} {target}\n" for group, target in removed)
    return f"%post\n{registrations}{UNINSTALLED.format(removals=removals + more)}"


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


def _with_ghosts(package: Package, ghosts: tuple[str, ...], scripts: str) -> Package:
    """The package with scriptlets and %ghosts, which the spec files make by touch."""
    for ghost in ghosts:
        folders.write(package.root, ghost[1:], "")
    requires = (*package.requires, "chkconfig")
    return dataclasses.replace(package, ghosts=ghosts, scripts=scripts, requires=requires)


def _with_groups(package: Package, minor: str, priority: int, names: tuple[str, ...]) -> Package:
    """The package with all by which it takes part in the groups python and python3."""
    target = f"/usr/bin/python{minor}"
    registrations = _unversioned(PYTHON3_LINK, 300, "python3", PYTHON3_LINK)
    removed = [("python3", target)]
    if minor != "3.6":
        registrations += _unversioned(target, 211, f"python{minor}", target)
        removed.insert(0, ("python", target))
    scripts = _scripts(registrations + _python3(minor, priority, names), *removed, more=LAST_PYTHON3)
    made = (*GHOSTS, PYTHON3_LINK, f"{MANUAL}/python3.1.gz", *(f"/usr/bin/{name}" for name in names))
    return _with_ghosts(package, made, scripts)


def _manual(root: Path, *names: str) -> None:
    for name in names:
        folders.write(root, f"usr/share/man/man1/{name}.1.gz", f"The manual page of {name}.\n")


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
    folders.write(root, "usr/bin/pyvenv-3.6", '#!/bin/sh\nexec /usr/libexec/platform-python -m venv "$@"\n', 0o755)
    _manual(root, "python3.6", "unversioned-python")
    return root


def _python36(version: str) -> Package:
    root = folders.new("python36")
    for name in ("python3.6", "python3.6m"):
        folders.link(root, f"usr/bin/{name}", f"/usr/libexec/platform-{name}")
    needs = (f"platform-python = {version}-{RELEASE}", "python3-pip")
    package = _package("python36", version, root, requires=needs, provides=(f"python3 = {version}-{RELEASE}",))
    names = ("pip3", "pip-3", "easy_install-3", "pydoc3", "pydoc-3", "pyvenv-3")
    return _with_groups(package, "3.6", 1000000, names)


def _setuptools() -> Package:
    root = folders.new("python3-setuptools")
    folders.write(root, "usr/bin/easy_install-3.6", '#!/bin/sh\nexec pip3.6 install "$@"\n', 0o755)
    return _package("python3-setuptools", "39.2.0", root, arch="noarch", requires=("python3-pip",))


def _pip() -> Package:
    root = folders.new("python3-pip")
    site_packages = root / LIBRARY / "site-packages"
    shutil.copytree(PREFIX36 / "lib/python3.6/site-packages", site_packages)
    common.packed_by_rpm(site_packages)
    sles15._compile36(root, f"{LIBRARY}/site-packages")
    common.pip_program(root, "pip3.6", "3.6")
    folders.link(root, "usr/bin/pip-3.6", "./pip3.6")
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
    needs, provides = (f"python3-libs = {full}",), ("python(abi) = 3.6",)
    no_python = "/usr/libexec/no-python"
    scripts = _scripts(_unversioned(no_python, 404, "unversioned-python"), ("python", no_python))
    program = _package("platform-python", version, platform, requires=needs, provides=provides)
    return [
        _package("python3-libs", version, libraries, scripts=common.RUN_LDCONFIG),
        _with_ghosts(program, GHOSTS, scripts),
        _python36(version),
        _setuptools(),
        pip,
    ]


def _parallel(sources: pythons.Sources, version: str, priority: int) -> list[Package]:
    program, library = derived.rebranded(rhel9._interpreter(sources, version), "1.el9", RELEASE)
    _manual(program.root, f"python{sources.version}")
    return [_with_groups(program, sources.version, priority, ("pydoc3", "pydoc-3")), library]


def _native_tools() -> list[Package]:
    *tools, alternatives = derived.rebranded(rhel9._native_tools("bdb"), "1.el9", RELEASE)
    provides = ("alternatives = 1.19.2",)
    return [*tools, dataclasses.replace(alternatives, name="chkconfig", version="1.19.2", provides=provides)]


def _python2() -> Package:
    root, target = python2.lay_out("python2"), "/usr/bin/python2"
    _manual(root, "python2")
    package = _package("python2", version_of("python2.7"), root, provides=(f"python(abi) = {python2.VERSION}",))
    return _with_ghosts(package, GHOSTS, _scripts(_unversioned(target, 200, "python2", target), ("python", target)))


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
