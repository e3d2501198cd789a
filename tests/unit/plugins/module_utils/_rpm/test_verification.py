# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import base64
import hashlib
import os
import stat
import struct
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    PrivilegeError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.capabilities import (
    capability_text,
    normal_capabilities,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.disk import Disk, FileMetadata
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import RpmFile
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verification import (
    FileInfo,
    VerifyInfo,
    VerifyRequest,
    expected_of,
    state_of,
    verify_info,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import (
    NO_FLAGS,
    VerifyEntry,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    install,
    new_root,
    skip_unless,
)

Folder = t.Any

FOREVER = float("inf")


def packaged(**fields: t.Any) -> RpmFile:
    values = {
        "path": "/x",
        "size": 3,
        "mode": stat.S_IFREG | 0o644,
        "mtime": 7,
        "digest": "ab",
        "owner": "root",
        "group": "root",
        "linkto": "",
        "flags": 0,
        "state": "normal",
        "caps": "",
        "verify_flags": 0xFFFFFFFF,
    }  # type: t.Dict[str, t.Any]
    return RpmFile(**dict(values, **fields))


def said(flags: str = NO_FLAGS, missing: bool = False, note: str = "", reason: str = "") -> VerifyEntry:
    return VerifyEntry("/x", flags, "", missing, note, reason)


CONFIG, GHOST = 1, 64
STATES = [
    (None, 0, (), "ok"),
    (None, CONFIG, ("config",), "excluded"),
    (said("S.5....T."), 0, (), "altered"),
    (said("S.?......"), 0, (), "altered"),
    (said("..?......"), 0, (), "unreadable"),
    (said(missing=True), 0, (), "missing"),
    (said(missing=True, reason="Permission denied"), 0, (), "unreadable"),
    (said(note="replaced"), 0, (), "replaced"),
    (said(missing=True, note="replaced"), 0, (), "replaced"),
    (said(note="wrong color"), 0, (), "ok"),
    (said("S.5....T."), CONFIG, ("doc",), "altered"),
    (said("S.5....T."), CONFIG | GHOST, ("doc", "ghost"), "excluded"),
]


@pytest.mark.parametrize(("entry", "flags", "exclude", "expected"), STATES)
def test_states(entry: t.Optional[VerifyEntry], flags: int, exclude: t.Tuple[str, ...], expected: str) -> None:
    assert state_of(entry, packaged(flags=flags), exclude) == expected


def test_what_a_package_promises() -> None:
    whole = expected_of(packaged(caps="= cap_net_raw+ep"))
    assert whole == {
        "kind": "file",
        "size": 3,
        "mode": "0644",
        "owner": "root",
        "group": "root",
        "mtime": 7,
        "digest": "ab",
        "link_target": None,
        "capabilities": "cap_net_raw=ep",
    }
    link = expected_of(packaged(mode=stat.S_IFLNK | 0o777, linkto="t\udce9", digest=""))
    assert (link["kind"], link["mode"], link["size"], link["link_target"]) == ("link", None, None, "t\\xe9")
    ghost = expected_of(packaged(flags=GHOST))
    assert (ghost["mode"], ghost["size"], ghost["digest"], ghost["capabilities"]) == ("0644", None, None, None)
    folder = expected_of(packaged(mode=stat.S_IFDIR | 0o1777))
    assert (folder["kind"], folder["mode"], folder["size"]) == ("directory", "1777", None)


# Text that libcap 2.22 to 2.66 wrote, and the one form.
CAPABILITIES = [
    ("", ""),
    ("=", ""),
    ("= cap_net_raw+ep", "cap_net_raw=ep"),
    ("cap_net_raw=ep", "cap_net_raw=ep"),
    ("cap_net_raw+ep", "cap_net_raw=ep"),
    ("cap_setpcap=p", "cap_setpcap=p"),
    ("= cap_net_admin,cap_net_raw+p", "cap_net_admin,cap_net_raw=p"),
    ("cap_net_raw,cap_net_admin=p", "cap_net_admin,cap_net_raw=p"),
    ("= cap_chown+eip cap_sys_nice+ei", "cap_chown=eip cap_sys_nice=ei"),
    ("cap_chown,cap_sys_nice=ei cap_chown+p", "cap_chown=eip cap_sys_nice=ei"),
    ("cap_chown=ep cap_chown-e", "cap_chown=p"),
    ("CAP_CHOWN=ep", "cap_chown=ep"),
    ("=ep", "=ep"),
    ("all=ep", "=ep"),
    ("50=ep", "50=ep"),
    ("cap_unheard_of=ep", "cap_unheard_of=ep"),
    ("no capabilities", "no capabilities"),
]


@pytest.mark.parametrize(("text", "expected"), CAPABILITIES)
def test_capabilities_have_one_form(text: str, expected: str) -> None:
    assert normal_capabilities(text) == expected


def test_capability_attributes() -> None:
    net_raw, perfmon = 1 << 13, 1 << (38 - 32)
    assert capability_text(struct.pack("<3I", 0x01000001, net_raw, 0)) == "cap_net_raw=ep"
    assert capability_text(struct.pack("<5I", 0x02000000, net_raw, 0, perfmon, 0)) == "cap_net_raw,cap_perfmon=p"
    assert capability_text(struct.pack("<6I", 0x03000001, net_raw, net_raw, 0, 0, 1000)) == "cap_net_raw=eip"
    assert capability_text(struct.pack("<5I", 0x02000000, 0, 1, 1 << 31, 0)) == "cap_chown=i 63=p"
    for damaged in (b"", b"\0\0\0\x02", b"\0\0\0\x09" + b"\0" * 16):
        with pytest.raises(ValueError, match="not a capability attribute"):
            capability_text(damaged)


# What is on the disk.


def test_reads_files(tmp_path: Folder) -> None:
    content = b"x" * 3000000
    (tmp_path / "file").write_bytes(content)
    os.chmod(str(tmp_path / "file"), 0o640)
    os.utime(str(tmp_path / "file"), (5, 5))
    actual, errors = Disk().read(str(tmp_path / "file"), "sha256", FOREVER)
    assert actual["digest"] == hashlib.sha256(content).hexdigest()
    assert (actual["kind"], actual["size"], actual["mode"], actual["mtime"]) == ("file", 3000000, "0640", 5)
    assert (actual["link_target"], actual["capabilities"], errors) == (None, "", [])
    assert Disk().read(str(tmp_path / "file"), "md5", FOREVER)[0]["digest"] == hashlib.md5(content).hexdigest()  # noqa: S324
    assert Disk().read(str(tmp_path / "file"), "sha256", FOREVER, digest=False)[0]["digest"] is None


def test_reads_what_is_no_file(tmp_path: Folder) -> None:
    os.symlink(b"t\xe9", str(tmp_path / "link"))
    os.mkfifo(str(tmp_path / "pipe"))
    link, _errors = Disk().read(str(tmp_path / "link"), "sha256", FOREVER)
    assert (link["kind"], link["link_target"], link["digest"]) == ("link", "t\\xe9", None)
    assert Disk().read(str(tmp_path / "pipe"), "sha256", FOREVER)[0]["kind"] == "other"
    assert Disk().read(str(tmp_path), "sha256", FOREVER)[0]["kind"] == "directory"
    with pytest.raises(FileNotFoundError):
        Disk().read(str(tmp_path / "nothing"), "sha256", FOREVER)


def test_says_what_it_could_not_read(tmp_path: Folder) -> None:
    (tmp_path / "file").write_bytes(b"x")
    late, errors = Disk(clock=lambda: 10.0).read(str(tmp_path / "file"), "sha256", 9.0)
    assert (late["digest"], errors) == (None, ["digest: the time limit is over"])
    odd, errors = Disk().read(str(tmp_path / "file"), "rot13", FOREVER)
    assert odd["digest"] is None
    assert errors[0].startswith("digest: unsupported hash type")


def test_unknown_users_are_numbers(tmp_path: Folder) -> None:
    skip_unless(root=True)
    (tmp_path / "file").write_bytes(b"x")
    os.chown(str(tmp_path / "file"), 54321, 54322)
    actual, _errors = Disk().read(str(tmp_path / "file"), "sha256", FOREVER)
    assert (actual["owner"], actual["group"]) == ("54321", "54322")


@pytest.fixture
def other_root(tmp_path: Folder) -> str:
    """Return a root whose links would lead out of it."""
    for folder in ("etc", "usr/bin", "usr/lib", "real"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc" / "passwd").write_text("bad line\nroot:x:0:0::/:/bin/sh\nadmin:x:0:0::/:/bin/sh\n")
    (tmp_path / "usr" / "lib" / "os-release").write_text("ID=inside\n")
    os.symlink("/usr/lib/os-release", str(tmp_path / "etc" / "os-release"))
    os.symlink("/usr/bin", str(tmp_path / "bin"))
    os.symlink("../../../../../../../../real", str(tmp_path / "usr" / "up"))
    os.symlink("loop", str(tmp_path / "loop"))
    (tmp_path / "usr" / "bin" / "tool").write_text("inside")
    return str(tmp_path)


def test_links_do_not_lead_out_of_the_root(other_root: str) -> None:
    disk = Disk(Root(other_root + "/"))
    assert disk.read("/bin/tool", "sha256", FOREVER)[0]["size"] == 6
    assert disk.read("/usr/../../bin/./tool", "sha256", FOREVER)[0]["size"] == 6
    assert disk.read("/bin", "sha256", FOREVER)[0]["link_target"] == "/usr/bin"
    with pytest.raises(OSError, match="Too many levels"):
        disk.read("/loop/x", "sha256", FOREVER)


def test_names_come_from_the_root(other_root: str) -> None:
    skip_unless(root=True)
    os.chown(os.path.join(other_root, "usr", "bin", "tool"), 0, 0)
    actual, _errors = Disk(Root(other_root)).read("/bin/tool", "sha256", FOREVER)
    assert (actual["owner"], actual["group"]) == ("root", "0")


# The whole way, with real packages.

FILES = [
    PackagedFile("/opt/odd", is_folder=True),
    PackagedFile("/opt/odd/escZ31m", b"odd", directive="hidden"),
    PackagedFile("/opt/odd/new\udce9", b"odd", directive="hidden"),
    PackagedFile("/opt/tiny", is_folder=True, directive="%dir"),
    PackagedFile("/opt/tiny/conf", b"conf", directive="%config"),
    PackagedFile("/opt/tiny/exact", b"exact"),
    PackagedFile("/opt/tiny/ghost", b"ghost", directive="%ghost"),
    PackagedFile("/opt/tiny/link", linkto="plain"),
    PackagedFile("/opt/tiny/plain", b"plain"),
    PackagedFile("/opt/tiny/unchecked", b"free", directive="%verify(not md5 size mtime)"),
    PackagedFile("/usr/share/doc/tiny", b"doc"),
]
EVERYTHING = [
    "/opt/odd",
    "/opt/odd/esc\x1b31m",
    "/opt/odd/new\\xe9",
    "/opt/tiny",
    "/opt/tiny/conf",
    "/opt/tiny/exact",
    "/opt/tiny/ghost",
    "/opt/tiny/link",
    "/opt/tiny/plain",
    "/opt/tiny/unchecked",
    "/usr/share/doc/tiny",
]
TINY = "tiny-1.0-1.noarch"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: t.Any) -> t.Dict[str, str]:
    """Return the files of built packages by name."""
    skip_unless("rpm", "rpmbuild")
    folder = str(tmp_path_factory.mktemp("packages"))
    return {
        "tiny": build(folder, "tiny", FILES, renamed={"escZ31m": "esc\x1b31m"}),
        "taker": build(folder, "taker", [PackagedFile("/opt/tiny/plain", b"taken over")]),
        "sharer": build(folder, "sharer", [PackagedFile("/opt/tiny", is_folder=True, directive="%dir")]),
    }


@pytest.fixture
def root(tmp_path: Folder, packages: t.Mapping[str, str]) -> str:
    """Return a root in which the package tiny is installed."""
    skip_unless("rpm", root=True)
    folder = new_root(str(tmp_path))
    install(folder, packages["tiny"])
    return folder


def verified(root: str, **request: t.Any) -> VerifyInfo:
    return verify_info(Rpm(root=root), Disk(Root(root)), VerifyRequest(**request))


def by_path(result: VerifyInfo) -> t.Dict[str, FileInfo]:
    return {info["path"]: info for info in result["files"]}


def actual_of(info: FileInfo) -> FileMetadata:
    assert info["actual"] is not None
    return info["actual"]


def test_an_intact_package(root: str) -> None:
    rpm = Rpm(root=root)
    result = verify_info(rpm, Disk(Root(root)), VerifyRequest(packages=["tiny", "tiny"], optional=["no-such-package"]))
    assert result["elapsed"] < 60
    assert result == {
        "elapsed": result["elapsed"],
        "packages": [
            {
                "name": "tiny",
                "epoch": 0,
                "version": "1.0",
                "release": "1",
                "arch": "noarch",
                "nevra": TINY,
                "verified": True,
                "intact": True,
                "deviations": 0,
            }
        ],
        "files": [],
        "not_installed": [],
        "unowned_files": [],
        "partial": False,
        "unverified_packages": [],
        "intact": True,
    }
    assert rpm.calls == 2


def test_every_file_of_an_intact_package(root: str) -> None:
    result = verified(root, packages=["tiny"], include_intact=True)
    assert [info["path"] for info in result["files"]] == EVERYTHING
    assert {info["state"] for info in result["files"]} == {"ok"}
    files = by_path(result)
    assert files["/opt/tiny/exact"]["actual"] == files["/opt/tiny/exact"]["expected"]
    assert files["/opt/tiny/unchecked"]["actual"] == files["/opt/tiny/unchecked"]["expected"]
    assert actual_of(files["/opt/tiny/link"])["link_target"] == "plain"
    assert (files["/opt/tiny/ghost"]["actual"], files["/opt/tiny/ghost"]["attribute"]) == (None, "g")
    assert result["intact"]
    escape = files["/opt/odd/esc\x1b31m"]
    assert (escape["path_printable"], "path_base64" in escape) == ("/opt/odd/esc\\x1b31m", False)
    latin = files["/opt/odd/new\\xe9"]
    assert base64.b64decode(latin["path_base64"]) == b"/opt/odd/new\xe9"
    assert "path_printable" not in files["/opt/tiny/exact"]


def change(root: str) -> None:
    for path in ("/opt/tiny/plain", "/opt/tiny/conf", "/opt/odd/new\udce9", "/opt/tiny/unchecked"):
        with open(os.fsencode(root + path), "w") as stream:
            stream.write("changed content")
        os.utime(os.fsencode(root + path), (9, 9))
    os.unlink(root + "/opt/tiny/link")
    os.symlink("/etc", root + "/opt/tiny/link")
    os.unlink(root + "/opt/tiny/exact")
    os.symlink("plain", root + "/opt/tiny/exact")
    os.unlink(root + "/usr/share/doc/tiny")
    os.utime(root + "/opt/odd/esc\x1b31m", (9, 9))
    os.chown(root + "/opt/tiny", 1000, 1234)


def test_what_deviates(root: str) -> None:
    change(root)
    result = verified(root, packages=["tiny"])
    files = by_path(result)
    assert [(info["path"], info["state"], info["drift"], info["altered"]) for info in result["files"]] == [
        ("/opt/odd/esc\x1b31m", "altered", False, ["mtime"]),
        ("/opt/odd/new\\xe9", "altered", True, ["size", "digest", "mtime"]),
        ("/opt/tiny", "altered", True, ["owner", "group"]),
        ("/opt/tiny/conf", "altered", False, ["size", "digest", "mtime"]),
        ("/opt/tiny/exact", "altered", True, ["link_target"]),
        ("/opt/tiny/link", "altered", True, ["link_target"]),
        ("/opt/tiny/plain", "altered", True, ["size", "digest", "mtime"]),
        ("/usr/share/doc/tiny", "missing", False, []),
    ]
    plain = files["/opt/tiny/plain"]
    assert plain["flags"] == "S.5....T."
    assert actual_of(plain)["digest"] == hashlib.sha256(b"changed content").hexdigest()
    assert plain["expected"]["digest"] == hashlib.sha256(b"plain").hexdigest()
    assert (actual_of(plain)["size"], plain["expected"]["size"]) == (15, 5)
    assert (actual_of(files["/opt/tiny"])["owner"], actual_of(files["/opt/tiny"])["group"]) == ("alice", "1234")
    assert actual_of(files["/opt/tiny/exact"])["kind"] == "link"
    assert files["/opt/tiny/exact"]["expected"]["kind"] == "file"
    assert files["/opt/tiny/link"]["expected"]["link_target"] == "plain"
    assert actual_of(files["/opt/tiny/link"])["link_target"] == "/etc"
    assert actual_of(files["/opt/odd/esc\x1b31m"])["digest"] == hashlib.sha256(b"odd").hexdigest()
    assert (files["/usr/share/doc/tiny"]["flags"], files["/usr/share/doc/tiny"]["actual"]) == ("missing", None)
    assert not result["intact"]
    assert (result["packages"][0]["deviations"], result["packages"][0]["intact"]) == (8, False)


def test_only_drift(root: str) -> None:
    change(root)
    result = verified(root, packages=["tiny"], drift_only=True)
    drift = ["/opt/odd/new\\xe9", "/opt/tiny", "/opt/tiny/exact", "/opt/tiny/link", "/opt/tiny/plain"]
    assert [info["path"] for info in result["files"]] == drift
    assert result["packages"][0]["deviations"] == 5
    whole = verified(root, packages=["tiny"], drift_only=True, include_intact=True)
    assert [info["path"] for info in whole["files"]] == EVERYTHING
    assert [info["path"] for info in whole["files"] if info["drift"]] == drift


def test_excluded_types_do_not_count(root: str) -> None:
    with open(root + "/opt/tiny/conf", "w") as stream:
        stream.write("changed")
    os.utime(root + "/opt/tiny/conf", (1, 1))
    result = verified(root, packages=["tiny"], exclude=["config"])
    assert (result["files"], result["intact"], result["packages"][0]["intact"]) == ([], True, True)
    asked = verified(root, paths=["/opt/tiny/conf"], exclude=["config"])
    assert [(info["state"], info["flags"]) for info in asked["files"]] == [("excluded", "S.5....T.")]
    assert asked["intact"]


def test_single_paths(root: str) -> None:
    change(root)
    os.symlink("opt", root + "/way")
    with open(root + "/opt/stranger", "w") as stream:
        stream.write("x")
    paths = ["/opt/tiny/plain", "/way/tiny/exact", "/opt/stranger", "/opt/odd/new\udce9", "/no/such\udce9", "/opt/odd"]
    rpm = Rpm(root=root)
    result = verify_info(rpm, Disk(Root(root)), VerifyRequest(paths=paths))
    # rpm itself may or may not see the owner through a linked folder of another root.
    assert result["unowned_files"] in (
        ["/opt/stranger", "/no/such\\xe9"],
        ["/way/tiny/exact", "/opt/stranger", "/no/such\\xe9"],
    )
    files = by_path(result)
    assert [info["path"] for info in result["files"]] == [
        path for path in ("/opt/odd", "/opt/odd/new\\xe9", "/opt/tiny/exact", "/opt/tiny/plain") if path in files
    ]
    assert files["/opt/odd"]["state"] == "ok"
    assert files["/opt/tiny/plain"]["state"] == "altered"
    assert result["packages"][0]["deviations"] == 8
    assert not result["intact"]
    assert rpm.calls == 3


def test_an_intact_path_of_an_altered_package(root: str) -> None:
    change(root)
    result = verified(root, paths=["/opt/odd"])
    assert (result["intact"], result["packages"][0]["intact"]) == (True, False)


def test_a_file_that_another_package_took(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["taker"])
    rpm = Rpm(root=root)
    result = verify_info(rpm, Disk(Root(root)), VerifyRequest(packages=["taker", "tiny"]))
    assert rpm.calls == 3
    [info] = result["files"]
    assert (info["path"], info["package"], info["state"]) == ("/opt/tiny/plain", TINY, "replaced")
    assert info["replaced_by"] == ["taker-1.0-1.noarch"]
    assert (info["rpm_state"], info["flags"], info["drift"]) == ("replaced", NO_FLAGS, True)
    assert actual_of(info)["digest"] == hashlib.sha256(b"taken over").hexdigest()
    assert [package["intact"] for package in result["packages"]] == [True, False]


def test_a_shared_folder_is_told_for_each_package(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["sharer"])
    os.chmod(root + "/opt/tiny", 0o700)
    result = verified(root, packages=["sharer", "tiny"])
    assert [(info["path"], info["package"]) for info in result["files"]] == [
        ("/opt/tiny", "sharer-1.0-1.noarch"),
        ("/opt/tiny", TINY),
    ]


def test_absent_packages(root: str) -> None:
    result = verified(root, packages=["no-such-package", "tiny"], optional=["none-either"])
    assert result["not_installed"] == ["no-such-package"]
    assert ([package["name"] for package in result["packages"]], result["intact"]) == (["tiny"], False)


def test_capabilities(tmp_path: Folder) -> None:
    skip_unless("rpm", "rpmbuild", root=True)
    folder = new_root(str(tmp_path))
    caps = "%caps(cap_net_raw,cap_net_admin=ep)"
    names = ["/opt/kept", "/opt/lost"]
    install(folder, build(str(tmp_path), "capable", [PackagedFile(name, b"x", directive=caps) for name in names]))
    os.removexattr(folder + "/opt/lost", "security.capability")
    files = by_path(verified(folder, packages=["capable"], include_intact=True))
    kept, lost = files["/opt/kept"], files["/opt/lost"]
    assert actual_of(kept)["capabilities"] == kept["expected"]["capabilities"] == "cap_net_admin,cap_net_raw=ep"
    assert (lost["altered"], actual_of(lost)["capabilities"]) == (["capabilities"], "")


def test_a_partial_result_says_so(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["sharer"])
    change(root)

    def killed(argv: t.Sequence[str], timeout: float = 0, env: t.Any = None) -> Completed:
        done = run_command(argv, timeout=timeout, env=env)
        shown, found, _rest = done.out.partition("/opt/tiny/ghost")
        return done._replace(out=shown, rc=-9, timed_out=True) if "-V" in argv and found else done

    request = VerifyRequest(packages=["sharer", "tiny"], include_intact=True)
    result = verify_info(Rpm(runner=killed, root=root), Disk(Root(root)), request)
    assert (result["partial"], result["intact"], result["unverified_packages"]) == (True, False, [TINY])
    assert [package["verified"] for package in result["packages"]] == [True, False]
    files = {(info["package"], info["path"]): info["state"] for info in result["files"]}
    assert files[TINY, "/opt/tiny/conf"] == "altered"
    assert files[TINY, "/opt/tiny/plain"] == "unverified"
    few = verify_info(Rpm(runner=killed, root=root), Disk(Root(root)), request._replace(include_intact=False))
    assert "/opt/tiny/conf" in by_path(few)
    assert "/opt/tiny/plain" not in by_path(few)


def test_without_root_another_root_is_refused() -> None:
    skip_unless("rpm", root=True)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            Rpm(root="/", check_database=False).verify(["x"])
        except PrivilegeError as error:
            os.write(writer, error.message.encode("utf-8"))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        assert b"needs root" in stream.read()
    os.waitpid(child, 0)
