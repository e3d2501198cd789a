# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed of a parallel Python, as dpkg says it."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import CommandError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.manager import DpkgManager, Installed


class Dpkg:
    """A host with the packages of Python 3.99; C(verify) is what dpkg --verify prints."""

    def __init__(self, verify: str = "", rc: int = 0, installed: str = "installed") -> None:
        self.verify = verify
        self.rc = rc
        self.installed = installed
        self.verified: t.List[str] = []

    def __call__(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        if argv[1] == "--verify":
            self.verified = list(argv[2:])
            return Completed(tuple(argv), self.rc, self.verify, "", False)
        answers = {
            "-W": "python3.99 3.99.1 {0}\npython3.99-venv 3.99.1 installed\n".format(self.installed),
            "-S": "python3.99-minimal: /usr/bin/python3.99\n",
        }
        return Completed(tuple(argv), 0, answers.get(argv[1], ""), "", False)


def test_what_is_installed_is_verified_with_its_interpreter() -> None:
    dpkg = Dpkg("??5??????   /usr/bin/python3.99\n??5?????? c /etc/python3.99/sitecustomize.py\n")
    assert DpkgManager("3.99", [], dpkg).look() == Installed(
        ("python3.99 3.99.1", "python3.99-venv 3.99.1"), "/usr/bin/python3.99", ("/usr/bin/python3.99",)
    )
    assert dpkg.verified == ["python3.99", "python3.99-venv", "python3.99-minimal"]


def test_what_is_not_installed() -> None:
    assert DpkgManager("3.99", [], Dpkg(installed="config-files")).look() is None


def test_a_dpkg_that_does_not_work_is_no_pass() -> None:
    with pytest.raises(CommandError, match=r"Cannot verify python3\.99"):
        DpkgManager("3.99", [], Dpkg(rc=2)).look()
