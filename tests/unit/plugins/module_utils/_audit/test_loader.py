# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is preloaded, and which libraries are loaded, in real files below a root folder."""

import struct
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.loader import (
    Libraries,
    LoaderVariables,
    preloaded_libraries,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import (
    Hijack,
    LoadedLibrary,
    LoaderVariable,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import RpmFile


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("/opt/a.so\n", [("/opt/a.so", "/opt/a.so")]),
        ("  /opt/a.so:/usr/lib64/b.so\t/gone.so", [("/opt/a.so",) * 2, ("/usr/lib64/b.so",) * 2, ("/gone.so", None)]),
        ("# /opt/a.so\n/usr/lib64/b.so # why", [("/usr/lib64/b.so",) * 2]),
        ("b.so", [("b.so", "/usr/lib64/b.so")]),
        (
            "/usr/$LIB/b.so /usr/${LIB}/b.so",
            [("/usr/$LIB/b.so", "/usr/lib64/b.so"), ("/usr/${LIB}/b.so", "/usr/lib64/b.so")],
        ),
        ("/link.so", [("/link.so", "/opt/a.so")]),
        ("/usr/$LIBRARY/b.so", [("/usr/$LIBRARY/b.so", None)]),
    ],
)
def test_names_and_files(tmp_path: t.Any, text: str, found: t.List[t.Any]) -> None:
    for path in ("opt/a.so", "usr/lib64/b.so"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "link.so").symlink_to("/opt/a.so")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.preload").write_text(text)
    libraries = preloaded_libraries(Root(str(tmp_path)))
    assert [(one["name"], one["path"]) for one in libraries] == found


@pytest.mark.parametrize(
    ("name", "mode", "writable"),
    [
        ("/opt/gone/a.so", 0o755, None),
        ("/opt/gone/a.so", 0o777, "/opt"),
        ("/opt/gone/a.so", 0o775, "/opt"),
        ("/link/a.so", 0o777, "/opt"),
        ("gone.so", 0o777, None),
    ],
)
def test_who_may_make_what_is_not_there(tmp_path: t.Any, name: str, mode: int, writable: t.Optional[str]) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt").chmod(mode)
    (tmp_path / "link").symlink_to("/opt")
    (tmp_path / "etc/ld.so.preload").write_text(name)
    assert [one["writable"] for one in preloaded_libraries(Root(str(tmp_path)))] == [writable]


def test_a_host_without_the_file(tmp_path: t.Any) -> None:
    assert preloaded_libraries(Root(str(tmp_path))) == []


PYTHON, LIBPYTHON, LIBC = "/usr/bin/python3.9", "/usr/lib64/libpython3.9.so.1.0", "/usr/lib64/libc.so.6"
MODULE, LIBRPM = "/usr/lib64/python3.9/site-packages/rpm/_rpm.so", "/usr/lib64/librpm.so.9"
OWNERS = {PYTHON: "python3", LIBPYTHON: "python3-libs", MODULE: "python3-rpm", LIBRPM: "rpm-libs"}


class Packaged:
    """As PackagedFiles: every file has a record of its owner, and is as shipped where it is not in C(altered)."""

    def __init__(self, owners: t.Mapping[str, str], altered: t.Sequence[str], missing: t.Sequence[str]) -> None:
        fields = (1, 0o100755, 0, "00", "root", "root", "", 0, "normal", "", 1)
        self.records = {path: (owner, RpmFile(path, *fields)) for path, owner in owners.items()}
        self.scope = ["python3", "python3-libs", "python3-rpm"]
        self._altered = altered
        self._missing = list(missing)

    def missing(self) -> t.List[str]:
        return self._missing

    def owner(self, path: str) -> t.Optional[str]:
        return self.records[path][0] if path in self.records else None

    def verified(self, path: str) -> t.Optional[bool]:
        return path not in self._altered if path in self.records else None

    def shipped_file(self, path: str) -> t.Optional[str]:
        return path if path in self.records else None


class System:
    """An EL 9 in a folder."""

    def __init__(self, folder: t.Any, make_elf: t.Callable[..., bytes]) -> None:
        self._folder = folder
        self._make_elf = make_elf
        self.add(PYTHON, "libpython3.9.so.1.0", "libc.so.6")
        self.add(MODULE, "librpm.so.9", "libc.so.6")
        for path in (LIBPYTHON, LIBRPM, LIBC):
            self.add(path)

    def add(self, path: str, *needed: str) -> None:
        self.write(path, self._make_elf(needed=needed, runpath=""))

    def write(self, path: str, data: bytes) -> None:
        place = self._folder / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def remove(self, path: str) -> None:
        (self._folder / path[1:]).unlink()

    def unvouched(
        self, owners: t.Mapping[str, str], altered: t.Sequence[str] = (), missing: t.Sequence[str] = ()
    ) -> t.List[LoadedLibrary]:
        contract = contract_for({"ID": "rhel", "VERSION_ID": "9.4"})
        files: t.Any = Packaged(owners, altered, missing)
        return Libraries(contract, files, Root(str(self._folder))).unvouched()

    def variable(self, name: str, value: str, owners: t.Mapping[str, str]) -> LoaderVariable:
        root, files = Root(str(self._folder)), t.cast("t.Any", Packaged(owners, (), ()))
        libraries = Libraries(contract_for({"ID": "rhel", "VERSION_ID": "9.4"}), files, root)
        setting = Hijack(variable=name, value=value, who="x", source="/f:1", path="/f", line=None, owner=None)
        variables = LoaderVariables([setting], libraries, root)
        assert "/f" in variables.paths()
        (one,) = variables.judged(files.owner)
        return one


@pytest.fixture
def system(tmp_path: t.Any, make_elf: t.Callable[..., bytes]) -> System:
    return System(tmp_path, make_elf)


def test_all_from_packages(system: System) -> None:
    assert system.unvouched(dict(OWNERS, **{LIBC: "glibc"})) == []


def test_a_host_that_is_not_made_of_packages_has_a_base(system: System) -> None:
    assert system.unvouched(OWNERS) == []


def test_a_library_beside_the_packaged_c_library_needs_an_owner(system: System) -> None:
    owners = {path: owner for path, owner in OWNERS.items() if path != LIBRPM}
    (one,) = system.unvouched(dict(owners, **{LIBC: "glibc"}))
    assert (one["name"], one["needed_by"], one["path"], one["instead"]) == ("librpm.so.9", MODULE, LIBRPM, None)
    assert one["of_manager"]


@pytest.mark.parametrize("owners", [OWNERS, dict(OWNERS, **{LIBC: "glibc"})])
def test_what_comes_before_a_packaged_library(system: System, owners: t.Dict[str, str]) -> None:
    shadow = "/usr/local/lib/librpm.so.9"
    system.add(shadow)
    # As the loader's own folder of 64 bit comes before this one, only its cache makes it the first.
    assert system.unvouched(owners) == []
    system.write("/etc/ld.so.conf", b"include ld.so.conf.d/*.conf")
    system.write("/etc/ld.so.conf.d/local.conf", b"# ours\n/usr/local/lib\n")
    entry = b"librpm.so.9\0" + shadow.encode() + b"\0"
    row = struct.pack("<iIIIQ", 0x0303, 72, 84, 0, 0)
    system.write("/etc/ld.so.cache", b"glibc-ld.so.cache1.1" + struct.pack("<II20x", 1, 0) + row + entry)
    (one,) = system.unvouched(owners)
    assert (one["path"], one["instead"], one["owner"], one["damage"]) == (shadow, LIBRPM, None, None)
    assert (one["found_by"], one["configured"]) == ("/etc/ld.so.cache", "/etc/ld.so.conf.d/local.conf:2")
    system.write(shadow, b"\x7fELF and no more")
    (one,) = system.unvouched(owners)
    assert one["damage"]


def test_an_altered_library(system: System) -> None:
    (one,) = system.unvouched(dict(OWNERS, **{LIBC: "glibc"}), altered=[LIBC])
    assert (one["path"], one["owner"], one["verified"]) == (LIBC, "glibc", False)


def test_the_contracts_own_library_is_for_other_rules(system: System) -> None:
    owners = dict(OWNERS, **{LIBC: "glibc"})
    assert system.unvouched(owners, altered=[LIBPYTHON]) == []
    system.remove(LIBPYTHON)
    assert system.unvouched(owners) == []


def test_a_library_that_is_nowhere(system: System) -> None:
    system.remove(LIBRPM)
    owners = {path: owner for path, owner in OWNERS.items() if path != LIBRPM}
    (one,) = system.unvouched(owners)
    assert (one["name"], one["path"], one["needed_by"]) == ("librpm.so.9", None, MODULE)


def test_nothing_is_said_while_an_owner_is_missing(system: System) -> None:
    assert system.unvouched({PYTHON: "python3"}, missing=["python3-libs"]) == []


@pytest.mark.parametrize(
    ("name", "value", "unvouched"),
    [
        ("LD_LIBRARY_PATH", "/opt/app:/nothing", ["/opt/app/librpm.so.9"]),
        ("LD_LIBRARY_PATH", "/opt/app/sub", []),
        ("LD_PRELOAD", "/opt/app/librpm.so.9:/opt/app/gone.so librpm.so.9", ["/opt/app/librpm.so.9"]),
        ("LD_AUDIT", "/opt/app/$LIB/audit.so", ["/opt/app/lib64/audit.so"]),
        ("LD_PRELOAD", "/opt/app/packaged.so libc.so.6", []),
    ],
)
def test_what_a_variable_puts_into_python(system: System, name: str, value: str, unvouched: t.List[str]) -> None:
    for path in ("librpm.so.9", "unrelated.so", "lib64/audit.so", "packaged.so"):
        system.add("/opt/app/" + path)
    one = system.variable(name, value, dict(OWNERS, **{"/opt/app/packaged.so": "agent"}))
    assert (one["unvouched"], one["writable"], one["who"]) == (unvouched, None, "x")


@pytest.mark.parametrize("value", ["/opt/app:/usr/lib64", "/usr/lib64:/opt/app/not/there"])
def test_folders_that_others_may_write(system: System, tmp_path: t.Any, value: str) -> None:
    system.add("/opt/app/unrelated.so")
    (tmp_path / "opt/app").chmod(0o777)
    assert system.variable("LD_LIBRARY_PATH", value, OWNERS)["writable"] == "/opt/app"
