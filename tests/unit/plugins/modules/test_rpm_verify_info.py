# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import everything
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.disk import Disk
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verification import VerifyRequest
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import ATTRIBUTES
from ansible_collections.fleet.system_python.plugins.modules import rpm_verify_info
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    copied_database,
    install,
    new_root,
    run,
    skip_unless,
)

Folder = t.Any
RunModule = t.Callable[..., t.Dict[str, t.Any]]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: t.Any) -> t.List[str]:
    skip_unless("rpm", "rpmbuild")
    folder = str(tmp_path_factory.mktemp("packages"))
    odd = [PackagedFile("/usr/lib64/odd", is_folder=True), PackagedFile("/usr/lib64/odd/\udce9", directive="hidden")]
    return [
        build(folder, "python3", [PackagedFile("/usr/bin/python3.9", b"python", mode=0o755)], version="3.9.1"),
        build(folder, "python3-libs", odd, version="3.9.1"),
    ]


@pytest.fixture
def image(tmp_path: Folder, packages: t.Sequence[str]) -> str:
    """Return a root that looks like an Enterprise Linux 9 with few packages."""
    skip_unless("rpm", root=True)
    root = new_root(str(tmp_path))
    with open(os.path.join(root, "etc", "os-release"), "w") as stream:
        stream.write('ID="rhel"\nVERSION_ID="9.6"\n')
    install(root, *packages)
    return root


def test_the_scope_of_the_contract(run_module: RunModule, image: str) -> None:
    result = run_module(rpm_verify_info.main, {"scope": "contract", "root": image})
    assert "failed" not in result
    assert not result["changed"]
    assert (result["contract"], result["intact"], result["not_installed"]) == ("el9", True, [])
    assert [package["name"] for package in result["packages"]] == ["python3", "python3-libs"]


def test_the_scope_of_all_packages(run_module: RunModule, image: str) -> None:
    options = {"scope": "all", "root": image}  # type: t.Dict[str, t.Any]
    result = run_module(rpm_verify_info.main, options)
    assert (result["intact"], result["partial"], result["excluded_packages"]) == (True, False, [])
    assert sorted(package["name"] for package in result["packages"]) == ["python3", "python3-libs"]
    few = run_module(rpm_verify_info.main, dict(options, exclude_packages=["*-libs"], packages=["gone"]))
    assert ([package["name"] for package in few["packages"]], few["intact"]) == (["python3"], False)
    assert (few["not_installed"], len(few["excluded_packages"])) == (["gone"], 1)


def test_what_was_not_reached_in_time_is_not_called_intact(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.0, 0.0, 0.0, 61.0, 61.0])
    monkeypatch.setattr(everything, "_AT_ONCE", 1)
    rpm = Rpm(root=image)
    request = VerifyRequest(timeout=60.0)
    result = everything.verify_everything(rpm, Disk(Root(image)), request, clock=lambda: next(times))
    assert (result["partial"], result["intact"]) == (True, False)
    first, second = result["packages"]
    assert (first["verified"], first["intact"], second["verified"], second["intact"]) == (True, True, False, False)
    assert result["unverified_packages"] == [second["nevra"]]


def test_check_mode_is_the_same(run_module: RunModule, image: str) -> None:
    with open(os.path.join(image, "usr", "bin", "python3.9"), "w") as stream:
        stream.write("impostor")
    options = {"packages": ["python3", "gone"], "root": image}
    results = [run_module(rpm_verify_info.main, options, check_mode=mode) for mode in (False, True)]
    for result in results:
        result.pop("elapsed")
        result.pop("invocation")
    assert results[0] == results[1]
    assert results[0]["not_installed"] == ["gone"]
    assert [(info["path"], info["state"]) for info in results[0]["files"]] == [("/usr/bin/python3.9", "altered")]


def test_bytes_that_are_not_text(run_module: RunModule, image: str) -> None:
    result = run_module(rpm_verify_info.main, {"files": ["/usr/lib64/odd", "/usr/bin/python3.9"], "root": image})
    assert result["intact"]
    os.unlink(os.fsencode(image + "/usr/lib64/odd/\udce9"))
    result = run_module(rpm_verify_info.main, {"packages": ["python3-libs"], "root": image})
    json.dumps(result).encode("utf-8")
    assert [info["path"] for info in result["files"]] == ["/usr/lib64/odd/\\xe9"]


def test_a_database_elsewhere(run_module: RunModule, tmp_path: Folder) -> None:
    database = copied_database(str(tmp_path))
    result = run_module(rpm_verify_info.main, {"packages": ["basesystem"], "dbpath": database})
    assert result["intact"]
    assert result["packages"][0]["nevra"] == "basesystem-11-11.amzn2023.0.2.noarch"


def test_a_database_elsewhere_in_another_root(run_module: RunModule, image: str) -> None:
    os.rename(os.path.join(image, "var", "lib", "rpm"), os.path.join(image, "moved"))
    failed = run_module(rpm_verify_info.main, {"packages": ["python3"], "root": image})
    assert (failed["failed"], failed["kind"]) == (True, "rpmdb_unreadable")
    result = run_module(rpm_verify_info.main, {"packages": ["python3"], "root": image, "dbpath": "/moved"})
    assert result["intact"]


ERRORS = [
    ({"packages": ["x"], "dbpath": "/no/such/database"}, "rpmdb_unreadable", "/no/such/database"),
    ({"packages": ["x"], "dbpath": "relative"}, "invalid_data", "Not an absolute path"),
    ({"packages": ["x"], "root": "/no/such/root"}, "invalid_data", "does not exist"),
    ({"packages": ["not a name"]}, "invalid_data", "Not a package name"),
    ({"files": ["relative"]}, "invalid_data", "Not an absolute path"),
    ({"scope": "contract", "root": "/no/such/root"}, "invalid_data", "does not exist"),
]


@pytest.mark.parametrize(("options", "kind", "message"), ERRORS)
def test_errors(run_module: RunModule, tmp_path: Folder, options: t.Dict[str, t.Any], kind: str, message: str) -> None:
    if not set(options).intersection(["dbpath", "root"]):
        options = dict(options, dbpath=copied_database(str(tmp_path)))
    result = run_module(rpm_verify_info.main, options)
    assert (result["failed"], result["kind"]) == (True, kind)
    assert message in result["msg"]


def test_an_unknown_system(run_module: RunModule, image: str) -> None:
    with open(os.path.join(image, "etc", "os-release"), "w") as stream:
        stream.write("ID=haiku\nVERSION_ID=1\n")
    failed = run_module(rpm_verify_info.main, {"scope": "contract", "root": image})
    assert (failed["failed"], failed["kind"]) == (True, "unknown_platform")
    own = {"id": "own", "version": "3.9", "packages": ["python3"]}  # type: t.Dict[str, t.Any]
    own["links"] = [{"path": "/usr/bin/python3", "target": "python3.9", "package": "python3"}]
    own["binaries"] = [{"path": "/usr/bin/python3.9", "package": "python3", "twins": []}]
    result = run_module(rpm_verify_info.main, {"scope": "contract", "root": image, "contract": own})
    assert (result.get("contract"), [package["name"] for package in result["packages"]]) == ("own", ["python3"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"packages": ["x"], "files": ["/x"]},
        {"scope": "contract", "files": ["/x"]},
        {"packages": ["x"], "contract": {"id": "x"}},
        {"packages": ["x"], "exclude": ["everything"]},
    ],
)
def test_options_that_do_not_fit(run_module: RunModule, options: t.Dict[str, t.Any]) -> None:
    assert run_module(rpm_verify_info.main, options)["failed"]


def test_every_type_can_be_excluded() -> None:
    exclude = rpm_verify_info.ARGUMENT_SPEC["exclude"]
    assert isinstance(exclude, dict)
    assert exclude["choices"] == sorted(ATTRIBUTES.values())


def test_the_helper_shows_failures() -> None:
    skip_unless("rpm")
    with pytest.raises(AssertionError, match="ended with"):
        run("rpm", "--no-such-option")
