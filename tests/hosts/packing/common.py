"""What both operating systems' packages have in common."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from packing import folders, repositories, rpms
from packing.rpms import Package

DEBS = Path("/debs")
OUT = Path("/out")
RUN_LDCONFIG = "%post -p /sbin/ldconfig\n%postun -p /sbin/ldconfig"

OS_RELEASE = """\
NAME="{name}"
VERSION="{version}"
ID="{id}"
ID_LIKE="{like}"
VERSION_ID="{version_id}"
{platform}PRETTY_NAME="{pretty} (lookalike test host)"
CPE_NAME="{cpe}"
VARIANT="Lookalike test host built from Debian packages"
VARIANT_ID="test-host"
"""


def version_of(deb: str) -> str:
    """The upstream version of a Debian package that fetch-debs unpacked."""
    text = Path(f"/var/lib/test-host-versions/{deb}").read_text().strip()
    return re.split(r"[-+~]", text.split(":")[-1])[0]


def os_release(root: Path, **values: str) -> None:
    """/etc/os-release where both vendors have it."""
    folders.write(root, "usr/lib/os-release", OS_RELEASE.format(**values))
    folders.link(root, "etc/os-release", "../usr/lib/os-release")


def signing_key(root: Path, name: str) -> None:
    """The public key that the packages are signed with."""
    folders.write(root, f"etc/pki/rpm-gpg/{name}", (rpms.KEYS / "trusted.asc").read_text())


def pip_from_wheel(site_packages: Path) -> str:
    """Unpacks pip's wheel as a vendor's package has it, returns its version."""
    wheel = next((DEBS / "python3-pip-whl/usr/share/python-wheels").glob("pip-*.whl"))
    site_packages.mkdir(parents=True)
    subprocess.run(["python3", "-m", "zipfile", "-e", str(wheel), str(site_packages)], check=True)
    packed_by_rpm(site_packages)
    return wheel.name.split("-")[1]


def wheels(name: str) -> tuple[Path, str]:
    """The folder and the version of a package with the wheel of pip or setuptools, which new venvs start with."""
    wheel = next((DEBS / f"python3-{name}-whl/usr/share/python-wheels").glob(f"{name}-*.whl"))
    root = folders.new(f"{name}-wheel")
    folders.copy(wheel, root, f"usr/share/python-wheels/{wheel.name}")
    return root, wheel.name.split("-")[1]


def packed_by_rpm(site_packages: Path) -> None:
    """Says in the metadata of a Python distribution what vendors' packages say there."""
    for info in site_packages.glob("*.dist-info"):
        folders.write(info, "INSTALLER", "rpm\n")
        (info / "RECORD").unlink(missing_ok=True)


def vendor_macros(root: Path, dbpath: str, backend: str) -> None:
    """Let rpm's own macros say what the vendor's say; Debian's rpm looks for its database in the home folder.

    Containers may not unshare, as the rpm of newer releases tries to.
    """
    path = root / "usr/lib/rpm/macros"
    text = path.read_text()
    for name, value in (("_dbpath", dbpath), ("_db_backend", backend)):
        text, found = re.subn(rf"^%{name}\s.*$", f"%{name} {value}", text, flags=re.MULTILINE)
        assert found == 1, name
    path.write_text(text)
    # Packed all the same: what the base has there would belong to nobody.
    unshare = path.parent / "macros.d/macros.transaction_unshare"
    if unshare.exists():
        unshare.write_text("")


def pip_program(root: Path, name: str, minor: str) -> None:
    """pip's command."""
    body = "import sys\nfrom pip._internal import main\n\nif __name__ == '__main__':\n    sys.exit(main())\n"
    if minor != "3.6":
        body = body.replace("pip._internal import", "pip._internal.cli.main import")
    folders.write(root, f"usr/bin/{name}", f"#!/usr/bin/python{minor}\n{body}", 0o755)


def hello(names: tuple[str, ...]) -> list[tuple[str, Path]]:
    """Tiny packages for tests to install."""
    packages = []
    for name in names:
        root = folders.new(name)
        folders.write(root, f"usr/bin/{name}", f"#!/bin/sh\necho 'hello from {name}'\n", 0o755)
        packages.append((name, root))
    return packages


def stand_in(name: str) -> Path:
    """A package that the incidents install and nothing uses."""
    root = folders.new(name)
    text = "Stands in for the real one: the incidents install it, nothing uses it.\n"
    folders.write(root, f"usr/share/doc/{name}/README", text)
    return root


def third_party(minor: str) -> Package:
    """A package of somebody else that contains the system's interpreter."""
    root = folders.new("python3-thirdparty")
    text = f"#!/bin/sh\necho 'Python {minor}.99 of a third party'\n"
    folders.write(root, f"usr/bin/python{minor}", text, 0o755)
    return Package("python3-thirdparty", f"{minor}.99", "1", root, vendor="Third Party Ltd.")


def finish(installed: list[Package], optional: list[Package], newer: list[Package], minor: str) -> None:
    """Builds, signs and publishes; /out/install lists what a host starts with."""
    built = rpms.build_all(installed + optional, Path("/rpms"))
    newer_built = rpms.build_all(newer, Path("/rpms-newer"))
    taking_over = rpms.build_all([third_party(minor)], Path("/rpms-third-party"))
    rpms.sign(built + newer_built + taking_over, rpms.TRUSTED)
    OUT.mkdir(exist_ok=True)
    (OUT / "install").write_text("\n".join(file.name for file in built[: len(installed)]) + "\n")
    scope = tuple(package.name for package in newer)
    repositories.publish(OUT / "repo", built, newer_built, taking_over, scope)
