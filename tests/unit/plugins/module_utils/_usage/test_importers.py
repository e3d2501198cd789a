# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who imports an add-on: a unit, a cron job, a process and a command of a tree that stands for a host."""

import os
import pathlib
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS, Contract
from ansible_collections.fleet.system_python.plugins.module_utils._audit.finding_records import Acceptance
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import ContractBinary
from ansible_collections.fleet.system_python.plugins.module_utils._audit.rule import ADD_ON
from ansible_collections.fleet.system_python.plugins.module_utils._usage.importers import importers_of, tell_importers
from ansible_collections.fleet.system_python.plugins.module_utils._usage.places import Places
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import finding_of


class Tree:
    """A folder with the places of a host, and its Python."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.python = self.add("bin/python3.9", "x")
        self.places = Places(
            commands=(str(folder / "bin"),),
            personal=(),
            deep=(),
            units=(str(folder / "units"),),
            crontabs=(),
            spools=(str(folder / "spool/*"),),
            anacrontabs=(),
            cron_scripts=(),
            proc=str(folder / "proc"),
        )

    def add(self, name: str, text: str, mode: int = 0o755) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def process(self, pid: int, *words: str, maps: str = "") -> None:
        folder = "proc/{0}/".format(pid)
        self.add(folder + "cmdline", "".join(word + "\0" for word in (self.python, *words)))
        self.add(folder + "cgroup", "0::/system.slice/shop.service\n")
        self.add(folder + "maps", maps)
        os.symlink(self.python, str(self.folder / folder / "exe"))
        os.symlink("/", str(self.folder / folder / "root"))

    @property
    def contract(self) -> Contract:
        contract = CONTRACTS[0].copy()
        contract["binaries"] = [ContractBinary(path=self.python, package="python3", twins=[])]
        contract["links"] = []
        return contract

    def importers(self, *paths: str) -> t.List[str]:
        return importers_of(self.contract, paths, self.places, (str(self.folder / "bin"),))


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> Tree:
    return Tree(tmp_path)


def test_all_who_import_it_are_named(tree: Tree) -> None:
    script = tree.add("opt/run.py", "import os\nfrom agent.core import main\n", 0o644)
    tree.add("units/agent.service", "[Service]\nExecStart={0} {1}\n".format(tree.python, script))
    tree.add("units/module.service", "[Service]\nExecStart={0} -m agent\n".format(tree.python))
    tree.add("units/other.service", "[Service]\nExecStart={0} -m agency\n".format(tree.python))
    tree.add("spool/root", "5 4 * * * {0} {1}\n".format(tree.python, script))
    tree.add("bin/agentctl", "#!{0}\nimport sys, agent\n".format(tree.python))
    tree.add("bin/entry", "#!{0}\n__requires__ = 'agent==2.1'\n".format(tree.python))
    tree.add("bin/stranger", "#!{0}\nimport agents\n".format(tree.python))
    tree.process(4711, script)
    tree.process(4712, "/opt/nothing", maps="7f00-7f01 r-xp 0 08:01 42 /x/site-packages/agent/_fast.so\n")
    tree.process(4713, "/opt/nothing", maps="7f00-7f01 r-xp 0 08:01 42 /x/site-packages/agent2/_fast.so\n")
    assert tree.importers("/x/site-packages/agent") == [
        "unit agent.service",
        "unit module.service",
        "cron {0}/spool/root".format(tree.folder),
        "process 4711 of shop.service",
        "process 4712 of shop.service",
        "command {0}/bin/agentctl".format(tree.folder),
        "command {0}/bin/entry".format(tree.folder),
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("agent.py", "import agent"),
        ("_fast.cpython-39-x86_64-linux-gnu.so", "import _fast"),
        ("vendor_agent-2.1.dist-info", "import vendor_agent"),
        ("vendor_agent-2.1-py3.9.egg-info", "__requires__ = 'vendor-agent==2.1'"),
        ("product.egg-link", "from product import x"),
        ("tool-1.0-py3.9.egg", "from tools.core import main"),
    ],
)
def test_the_names_of_an_add_on(tree: Tree, path: str, line: str) -> None:
    tree.add("site/tool-1.0-py3.9.egg/tools/__init__.py", "")
    tree.add("site/tool-1.0-py3.9.egg/EGG-INFO/PKG-INFO", "")
    command = tree.add("bin/it", "#!{0}\n{1}\n".format(tree.python, line))
    assert tree.importers(str(tree.folder / "site" / path)) == ["command " + command]
    assert tree.importers("/x/site-packages/elsewhere") == []


def test_only_add_ons_that_count_are_asked_about(tree: Tree) -> None:
    command = tree.add("bin/it", "#!{0}\nimport agent\n".format(tree.python))
    findings = [finding_of("SP209", path="/x/agent"), finding_of("SP209", path="/x/agent"), finding_of("SP209")]
    findings[0]["actual"] = findings[1]["actual"] = ADD_ON
    findings[1]["accepted"] = Acceptance(reason="ours", expires=None)
    tell_importers(tree.contract, findings, tree.places, (str(tree.folder / "bin"),))
    assert findings[0]["summary"] == "summary of SP209; imported by command " + command
    assert findings[0]["evidence"]["imported_by"] == ["command " + command]
    assert [one["summary"] for one in findings[1:]] == ["summary of SP209"] * 2


def test_that_nobody_is_known_is_said(tree: Tree) -> None:
    finding = finding_of("SP209", path="/x/agent")
    finding["actual"] = ADD_ON
    tell_importers(tree.contract, [finding], tree.places, (str(tree.folder / "bin"),))
    assert finding["summary"].endswith("; imported by nothing that is known")
