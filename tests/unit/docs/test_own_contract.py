# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of Amazon Linux 2023 in docs/adding-an-os.md is what a real package database of that release says."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import Contract, ContractManager

ROOT = Path(__file__).resolve().parents[3]
DATABASE = Path(os.environ.get("SYSTEM_PYTHON_RPMDB", ROOT.parent / "shared/data/rpmdb/amazonlinux-2023"))
OS_RELEASE = {"ID": "amzn", "VERSION_ID": "2023"}

Query = Callable[..., str]


@pytest.fixture(scope="module")
def contract() -> Contract:
    """The page's example, as contract_for takes it."""
    page = (ROOT / "docs/adding-an-os.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (example,) = [block for block in blocks if "system_python_contract:" in block]
    return contract_for(OS_RELEASE, yaml.safe_load(example)["system_python_contract"])


def manager_of(contract: Contract) -> ContractManager:
    assert contract["manager"] is not None
    return contract["manager"]


def paths_of(contract: Contract) -> set[str]:
    return {one["path"] for one in contract["binaries"]} | {one["path"] for one in contract["links"]}


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Ask rpm about the recorded database; it is copied, because rpm wants to write beside it."""
    if shutil.which("rpm") is None:
        pytest.skip("rpm is not installed on this machine")
    if not DATABASE.is_dir():
        pytest.skip("no recorded package database at $SYSTEM_PYTHON_RPMDB or ../shared/data/rpmdb")
    copy = tmp_path_factory.mktemp("database") / "rpmdb"
    shutil.copytree(DATABASE, copy)
    copy.chmod(0o700)

    def ask(*arguments: str) -> str:
        command = ["rpm", "--dbpath", str(copy), "-q", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    return ask


def _files(query: Query, package: str) -> dict[str, str]:
    """Path -> link target ('' for what is no link) of a package's files."""
    lines = query("--qf", "[%{FILENAMES}|%{FILELINKTOS}\n]", package).splitlines()
    return dict(line.split("|", 1) for line in lines)


def test_the_first_aid_knows_the_release_by_it(contract: Contract) -> None:
    assert {"ids": ["amzn"], "major": "2023"} in contract["match"]


def test_every_package_is_installed_there(contract: Contract, query: Query) -> None:
    packages = [*contract["packages"], *manager_of(contract)["packages"]]
    assert query("--qf", "%{NAME}\n", *packages).split() == packages


def test_the_optional_packages_are_those_of_the_release(contract: Contract, query: Query) -> None:
    installed = set(query("-a", "--qf", "%{NAME}\n").split())
    optional = set(contract["optional_packages"])
    # What the recorded host has not installed cannot be compared; most of it must be there.
    assert {"dnf", "python3-dnf", "python3-hawkey", "python3-rpm"} <= optional & installed
    assert len(optional & installed) > len(optional) / 2


def test_every_binary_is_a_file_of_its_package_under_one_name(contract: Contract, query: Query) -> None:
    for binary in contract["binaries"]:
        files = _files(query, binary["package"])
        assert files[binary["path"]] == ""
        # An interpreter with twins would be there under the name with the flag of its ABI.
        assert [f"{binary['path']}m"][: len(binary["twins"])] == binary["twins"]
        assert f"{binary['path']}m" not in files
        assert query("--qf", "%{NAME}", "-f", binary["path"]) == binary["package"]


def test_every_link_leads_where_the_package_says(contract: Contract, query: Query) -> None:
    for link in contract["links"]:
        assert _files(query, link["package"])[link["path"]] == link["target"]


def test_no_packaged_name_of_the_interpreter_is_left_out(contract: Contract, query: Query) -> None:
    name = re.compile(r"^/usr/(?:bin/python|libexec/platform-python)[\d.]*m?$")
    shipped = {path for path in _files(query, contract["binaries"][0]["package"]) if name.match(path)}
    assert shipped == paths_of(contract)


def test_the_version_is_the_packages(contract: Contract, query: Query) -> None:
    version = query("--qf", "%{VERSION}", contract["binaries"][0]["package"])
    assert version.startswith(contract["version"] + ".")
    assert re.search(contract["proof"][0]["expect"], f"Python {version}")


def test_the_manager_is_a_program_of_its_package_and_runs_on_the_systems_python(
    contract: Contract, query: Query
) -> None:
    program = manager_of(contract)["argv"][0]
    assert query("--qf", "%{NAME}", "-f", program).split("\n")[0] in manager_of(contract)["packages"]
    requires = query("--requires", "python3-dnf") + query("--requires", "dnf")
    assert f"python(abi) = {contract['version']}" in requires
    assert manager_of(contract)["interpreter"] in paths_of(contract)


def test_no_group_of_alternatives_makes_the_command(contract: Contract, query: Query) -> None:
    assert contract["alternatives"] == {}
    assert "alternatives" not in query("--scripts", contract["binaries"][0]["package"])
