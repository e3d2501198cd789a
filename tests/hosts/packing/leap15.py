"""The package that makes an openSUSE Leap 15 of the SLES 15-like test host."""

from __future__ import annotations

from pathlib import Path

from packing import common, folders, rpms
from packing.rpms import Package

PRODUCT = """\
<?xml version="1.0" encoding="UTF-8"?>
<product schemeversion="0">
  <vendor>openSUSE</vendor>
  <name>Leap</name>
  <version>15.6</version>
  <release>1</release>
  <arch>x86_64</arch>
  <summary>openSUSE Leap 15.6 (lookalike test host)</summary>
</product>
"""


def main() -> None:
    """Builds the one package into /rpms."""
    root = folders.new("openSUSE-release")
    common.os_release(
        root,
        name="openSUSE Leap",
        version="15.6",
        id="opensuse-leap",
        like="suse opensuse",
        version_id="15.6",
        platform="",
        pretty="openSUSE Leap 15.6",
        cpe="cpe:/o:opensuse:leap:15.6",
    )
    folders.write(root, "etc/products.d/Leap.prod", PRODUCT)
    folders.link(root, "etc/products.d/baseproduct", "Leap.prod")
    common.signing_key(root, "RPM-GPG-KEY-SUSE")
    provides = ("distribution-release", "product() = Leap", "suse-release = 15.6")
    package = Package("openSUSE-release", "15.6", "1", root, provides=provides)
    rpms.sign(rpms.build_all([package], Path("/rpms")), rpms.TRUSTED)


if __name__ == "__main__":
    main()
