"""The packages of the RHEL 9-like test host."""

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
PREFIX312 = Path("/interpreters/python3.12")
DIST = "el9"
RUN_LDCONFIG = "%post -p /sbin/ldconfig\n%postun -p /sbin/ldconfig"
SCOPE = ("python3", "python3-libs")

OS_RELEASE = """\
NAME="Red Hat Enterprise Linux"
VERSION="9.7 (Plow)"
ID="rhel"
ID_LIKE="fedora"
VERSION_ID="9.7"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Red Hat Enterprise Linux 9.7 (lookalike test host)"
ANSI_COLOR="0;31"
CPE_NAME="cpe:/o:redhat:enterprise_linux:9::baseos"
VARIANT="Lookalike test host built from Debian packages"
VARIANT_ID="test-host"
"""

DNF_CONF = """\
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
"""

# What Debian put on the host and no package of ours owns, promised to the dependency solver.
STAND_INS = ("/bin/sh", "/sbin/ldconfig", "bash", "coreutils", "glibc", "openssl-libs", "sqlite-libs", "zlib", "ca-certificates", "gnupg2", "basesystem", "setup")


def _version_of(deb: str) -> str:
    text = Path(f"/var/lib/test-host-versions/{deb}").read_text().strip()
    return text.split(":")[-1].split("-")[0].split("+")[0]


def _package(name: str, version: str, root: Path, release: str = "1", **more: object) -> Package:
    return dataclasses.replace(Package(name, version, f"{release}.{DIST}", root), **more)  # type: ignore[arg-type]


def _filesystem() -> list[Package]:
    root = folders.new("filesystem")
    folders.write(root, "etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n")
    folders.write(root, "etc/selinux/config", "# There is no SELinux in the kernel of a container; this file is all there is.\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
    for path in ("usr/lib64", "usr/libexec"):
        (root / path).mkdir(parents=True, exist_ok=True)
    release = folders.new("redhat-release")
    folders.write(release, "usr/lib/os-release", OS_RELEASE)
    folders.link(release, "etc/os-release", "../usr/lib/os-release")
    folders.write(release, "etc/redhat-release", "Red Hat Enterprise Linux release 9.7 (Plow)\n")
    folders.link(release, "etc/system-release", "redhat-release")
    folders.write(release, "etc/system-release-cpe", "cpe:/o:redhat:enterprise_linux:9::baseos\n")
    shutil.copy2(rpms.KEYS / "trusted.asc", folders_made(release, "etc/pki/rpm-gpg") / "RPM-GPG-KEY-redhat-release")
    provides = ("system-release = 9.7-1", "system-release(releasever) = 9", "redhat-release-eula")
    return [
        _package("filesystem", "3.16", root, "5", provides=STAND_INS),
        _package("redhat-release", "9.7", release, "1", provides=provides),
    ]


def folders_made(root: Path, path: str) -> Path:
    """A folder below `root` that exists."""
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _system_python(root: Path) -> None:
    folders.link(root, "usr/bin/python3", "python3.9")
    folders.link(root, "usr/bin/pydoc3", "pydoc3.9")
    folders.link(root, "usr/bin/pydoc", "./pydoc3")
    folders.link(root, "usr/libexec/platform-python", "/usr/bin/python3.9")
    folders.link(root, "usr/libexec/platform-python3.9", "/usr/bin/python3.9")
    folders.copy(DEBS / "python3.9-minimal/usr/share/man/man1/python3.9.1.gz", root, "usr/share/man/man1/python3.9.1.gz")
    folders.link(root, "usr/share/man/man1/python3.1.gz", "python3.9.1.gz")


def _interpreter(sources: pythons.Sources, deb: str | None, version: str, system: bool) -> list[Package]:
    """`python3.11` and `python3.11-libs`, or `python3` and `python3-libs` for the system's own."""
    short = sources.version
    name = "python3" if system else f"python{short}"
    whole = folders.new(name)
    pythons.lay_out(sources, whole)
    binary = whole / f"usr/bin/python{short}"
    pythons.byte_compile(whole, binary, [whole / f"usr/lib64/python{short}"])
    root = pythons.split(whole, [f"usr/bin/python{short}", f"usr/bin/pydoc{short}"], folders.new(f"{name}-binary"))
    if system:
        _system_python(root)
    full = f"{version}-1.{DIST}"
    provides = (f"python(abi) = {short}", f"python{short.replace('.', '')} = {full}")
    if system:
        provides += (f"python{short} = {full}", f"python{short}(x86-64) = {full}", f"python3(x86-64) = {full}")
    del deb
    return [
        _package(name, version, root, summary=f"Python {short} interpreter", requires=(f"{name}-libs = {full}",), provides=provides),
        _package(f"{name}-libs", version, whole, summary=f"Python {short} runtime libraries", requires=("glibc",), scripts=RUN_LDCONFIG),
    ]


def _python_modules() -> list[Package]:
    """The package manager's bindings, byte-compiled by the system Python."""
    rpm, dnf, libdnf = _version_of("python3-rpm"), _version_of("python3-dnf"), _version_of("python3-libdnf")
    wanted = (
        ("python3-rpm", rpm, ("rpm-libs",)),
        ("python3-gpg", _version_of("python3-gpg"), ()),
        ("python3-libcomps", _version_of("python3-libcomps"), ()),
        ("python3-libdnf", libdnf, ("libdnf",)),
        ("python3-hawkey", libdnf, ("libdnf", "python3-libdnf")),
        ("python3-dnf", dnf, ("dnf-data", "python3-gpg", "python3-hawkey", "python3-libcomps", "python3-libdnf", "python3-rpm")),
    )
    packages = []
    for name, version, requires in wanted:
        root = folders.site_packages(DEBS, name, "3.9", folders.new(name))
        _compile_modules(root)
        arch = "noarch" if name == "python3-dnf" else "x86_64"
        packages.append(_package(name, version, root, arch=arch, requires=("python(abi) = 3.9", *requires), shared_folders=_modules_shared()))
    return packages


def _modules_shared() -> frozenset[str]:
    lib = {f"/usr/{lib}/python3.9{rest}" for lib in ("lib", "lib64") for rest in ("", "/site-packages")}
    return rpms.SHARED_FOLDERS | lib


def _compile_modules(root: Path) -> None:
    env = {"LD_LIBRARY_PATH": "/stage/python3/usr/lib64", "PATH": os.environ["PATH"], "PYTHONHOME": "/stage/python3/usr"}
    binary = "/stage/python3-binary/usr/bin/python3.9"
    folders_ = [str(path) for path in (root / "usr/lib/python3.9", root / "usr/lib64/python3.9") if path.exists()]
    subprocess.run([binary, "-m", "compileall", "-q", "-o0", "-o1", "-s", str(root), "-p", "/", *folders_], check=True, env=env)


def _package_manager() -> list[Package]:
    dnf = _version_of("python3-dnf")
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
    for path in ("etc/dnf/vars", "etc/dnf/modules.d", "etc/dnf/plugins", "etc/yum.repos.d", "var/cache/dnf", "var/lib/dnf"):
        folders_made(data, path)
    needs = (f"python3-dnf = {dnf}-1.{DIST}", "python(abi) = 3.9", "/usr/bin/python3.9")
    return [
        _package("dnf", dnf, tool, arch="noarch", requires=needs),
        _package("yum", dnf, yum, arch="noarch", requires=(f"dnf = {dnf}-1.{DIST}",)),
        _package("dnf-data", dnf, data, arch="noarch"),
    ]


def _native_tools() -> list[Package]:
    rpm, libdnf = _version_of("rpm"), _version_of("libdnf2")
    tools = folders.from_debs(DEBS, ("rpm", "rpm2cpio"), folders.new("rpm"))
    libs = folders.from_debs(DEBS, ("librpm9", "librpmio9", "rpm-common"), folders.new("rpm-libs"))
    folders.write(libs, "etc/rpm/macros.test-host", "%_dbpath /var/lib/rpm\n%_db_backend sqlite\n%_pkgverify_level signature\n")
    lib = folders.from_debs(DEBS, ("libdnf2", "librepo0", "libsolv1", "libsolvext1"), folders.new("libdnf"))
    alternatives = folders.new("alternatives")
    program = '#!/bin/sh\n# RHEL has a C program of its own here; dpkg\'s writes the same state files.\nexec /usr/bin/update-alternatives --admindir /var/lib/alternatives "$@"\n'
    folders.write(alternatives, "usr/sbin/alternatives", program, 0o755)
    folders.link(alternatives, "usr/sbin/update-alternatives", "alternatives")
    for path in ("etc/alternatives", "var/lib/alternatives"):
        folders_made(alternatives, path)
    return [
        _package("rpm", rpm, tools, requires=(f"rpm-libs = {rpm}-1.{DIST}",)),
        _package("rpm-libs", rpm, libs),
        _package("libdnf", libdnf, lib, requires=("rpm-libs",)),
        _package("alternatives", "1.24", alternatives),
    ]


def _small_ones() -> list[Package]:
    """Packages that exist to be installed by tests."""
    hello, hello2, unversioned, gcc = (folders.new(name) for name in ("hello-rpm", "hello-rpm-2", "unversioned", "gcc"))
    folders.write(hello, "usr/bin/hello-rpm", "#!/bin/sh\necho 'hello from an rpm'\n", 0o755)
    folders.write(hello2, "usr/bin/hello-rpm-2", "#!/bin/sh\necho 'hello from another rpm'\n", 0o755)
    folders.link(unversioned, "usr/bin/python", "./python3")
    folders.write(gcc, "usr/share/doc/gcc/README", "Stands in for the compiler: the incidents install it, nothing uses it.\n")
    return [
        _package("hello-rpm", "1.0", hello, arch="noarch"),
        _package("hello-rpm-2", "1.0", hello2, arch="noarch"),
        _package("python-unversioned-command", _version_of("python3.9"), unversioned, arch="noarch", requires=("python3",)),
        _package("gcc", "11.5.0", gcc),
    ]


def _take_over() -> list[Package]:
    """A package of somebody else that contains the system's interpreter."""
    root = folders.new("python3-thirdparty")
    folders.write(root, "usr/bin/python3.9", "#!/bin/sh\necho 'Python 3.9.99 of a third party'\n", 0o755)
    return [Package("python3-thirdparty", "3.9.99", "1", root, vendor="Third Party Ltd.")]


def main() -> None:
    """Builds everything into /out: `install` lists what the host starts with, `repo` is served."""
    packages = _filesystem()
    packages += _interpreter(pythons.from_debian("3.9", DEBS), "python3.9", _version_of("python3.9"), system=True)
    packages += _python_modules() + _package_manager() + _native_tools()
    packages += _interpreter(pythons.from_debian("3.11", DEBS), "python3.11", _version_of("python3.11"), system=False)
    packages += _interpreter(pythons.from_debian("3.13", DEBS), "python3.13", _version_of("python3.13"), system=False)
    optional = _small_ones()
    if PREFIX312.is_dir():
        full = (PREFIX312 / "VERSION").read_text().strip()
        optional += _interpreter(pythons.from_prefix("3.12", PREFIX312), None, full, system=False)
    newer = [dataclasses.replace(package, release=f"2.{DIST}", requires=_newer(package.requires), provides=_newer(package.provides)) for package in packages if package.name in SCOPE]
    built = rpms.build_all(packages + optional, Path("/rpms"))
    newer_built = rpms.build_all(newer, Path("/rpms-newer"))
    third_party = rpms.build_all(_take_over(), Path("/rpms-third-party"))
    rpms.sign(built + newer_built + third_party, rpms.TRUSTED)
    OUT.mkdir(exist_ok=True)
    (OUT / "install").write_text("\n".join(file.name for file in built[: len(packages)]) + "\n")
    repositories.publish(OUT / "repo", built, newer_built, third_party, SCOPE)


def _newer(relations: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(relation.replace(f"-1.{DIST}", f"-2.{DIST}") for relation in relations)


if __name__ == "__main__":
    main()
