# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images and archives whose author wants something else than an image: each is one error, and nothing of it stays."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import json
import lzma
import os
import shutil
import subprocess
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import ArchiveError, SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._base.time_limit import TimeOverError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.archive import ArchiveLimits, unpack
from ansible_collections.fleet.system_python.plugins.module_utils._image import archives, layers
from ansible_collections.fleet.system_python.plugins.module_utils._image.run import ImageSource, lay_out

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files their owners")

KINDS = ("archive", "image", "checksum")
FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", content: bytes = b"", **more: object) -> bytes:
    """Return one member with its headers; C(more) are attributes of a TarInfo, pax_headers among them."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, len(content)
    for attribute, value in more.items():
        setattr(made, attribute, value)
    return made.tobuf(tarfile.PAX_FORMAT) + content + b"\0" * (-len(content) % 512)


def tar_of(*members: bytes) -> bytes:
    return b"".join(members) + b"\0" * 1024


def with_field(header: bytes, offset: int, value: bytes) -> bytes:
    """Return a header with other bytes in one field, and the sum that fits."""
    block = header[:offset] + value + header[offset + len(value) : 512]
    total = sum(block[:148]) + 8 * 32 + sum(block[156:512])
    return block[:148] + b"%06o\0 " % total + block[156:] + header[512:]


def link(name: str, target: str) -> bytes:
    return member(name, tarfile.SYMTYPE, target)


def twin(name: str, target: str) -> bytes:
    return member(name, tarfile.LNKTYPE, target)


def docker(*layer: bytes, **manifest: object) -> bytes:
    names = [f"{number}/layer.tar" for number, _data in enumerate(layer)]
    entry = dict({"Config": "c.json", "RepoTags": ["app:1"], "Layers": names}, **manifest)
    files = [member(name, content=data) for name, data in zip(names, layer, strict=True)]
    return tar_of(member("manifest.json", content=json.dumps([entry]).encode()), *files)


class Oci:
    """An OCI layout that is filled blob by blob."""

    def __init__(self) -> None:
        self.members = [member("oci-layout", content=b"{}")]

    def blob(self, data: bytes, content: bytes | None = None) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        self.members.append(member("blobs/sha256/" + digest, content=data if content is None else content))
        return {"digest": "sha256:" + digest, "size": len(data)}

    def json(self, value: object) -> dict[str, object]:
        return self.blob(json.dumps(value).encode())

    def archive(self, index: object) -> bytes:
        return tar_of(member("index.json", content=json.dumps(index).encode()), *self.members)


class Machine:
    """A build machine: C(neighbours) is what lies beside the layouts, and must stay as it is."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.archive = folder / "image.tar"
        (self.work / "of-others").mkdir(parents=True)
        (self.work / "of-others/file").write_text("precious")

    def lay_out(self, data: bytes) -> Path:
        self.archive.write_bytes(data)
        return Path(lay_out(ImageSource(archive=str(self.archive)), str(self.work), 60)["root"])

    def require_untouched(self, *layouts: Path) -> None:
        assert sorted(self.work.iterdir()) == sorted([self.work / "of-others", *layouts])
        assert (self.work / "of-others/file").read_text() == "precious"

    def refused(self, data: bytes) -> SystemPythonError:
        with pytest.raises(SystemPythonError) as caught:
            self.lay_out(data)
        assert caught.value.kind in KINDS
        assert "image.tar" in caught.value.message
        assert len(caught.value.message) < 2000
        self.require_untouched()
        return caught.value


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


WHITEOUTS = [".wh.", ".wh..", ".wh...", "a/.wh...", "a/.wh..", "up/.wh...", "up/.wh.", "a/b/.wh..."]


@pytest.mark.parametrize("name", WHITEOUTS)
def test_a_whiteout_of_no_name(machine: Machine, name: str) -> None:
    lower = tar_of(member("a/b/c", content=b"x"), link("up", ".."))
    assert machine.refused(docker(lower, tar_of(member(name)))).kind == "archive"


HOSTILE_LAYERS = {
    "'..'": tar_of(member("a/../../of-others/file", content=b"x")),
    "null": tar_of(member("a\0b", pax_headers={"path": "a\0b"})),
    "a part of 300 bytes": tar_of(member("x" * 300)),
    "1,900 folders": tar_of(member("d/" * 1900 + "file")),
    "a path of 9,000 bytes": tar_of(member(("x" * 90 + "/") * 100 + "file")),
    "deep through links": tar_of(
        link("a", "d/" * 100), link("a/" + "e/" * 90 + "b", "f/" * 50), member("a/" + "e/" * 90 + "b/file")
    ),
    "a link to itself": tar_of(link("loop", "loop"), member("loop/file")),
    "two links in a circle": tar_of(link("a", "/b"), link("b", "a"), member("a/file")),
    "below a file": tar_of(member("a"), member("a/b")),
    "another name of nothing": tar_of(twin("a", "nothing")),
    "another name of itself, which is not there": tar_of(twin("a", "a")),
    "another name of a folder": tar_of(member("d", tarfile.DIRTYPE), twin("a", "d")),
    "another name of the root": tar_of(twin("a", "/")),
    "another name of what is outside": tar_of(twin("a", "../of-others/file")),
    "mtime=nan": tar_of(member("a", pax_headers={"mtime": "nan"})),
    "mtime=inf": tar_of(member("a", pax_headers={"mtime": "inf"})),
    "mtime=1e300": tar_of(member("a", pax_headers={"mtime": "1e300"})),
    "mtime of a link": tar_of(member("a", tarfile.SYMTYPE, "b", pax_headers={"mtime": "nan"})),
    "huge uid": tar_of(member("a", pax_headers={"uid": str(1 << 70)})),
    "uid that means none": tar_of(member("a", pax_headers={"uid": str((1 << 32) - 1)})),
    "negative gid": tar_of(member("a", pax_headers={"gid": "-1"})),
    "negative size": tar_of(member("a", pax_headers={"size": "-512"})),
    "size of 2**80": tar_of(member("a", pax_headers={"size": str(1 << 80)})),
    "size of a folder": tar_of(member("a", tarfile.DIRTYPE, pax_headers={"size": "-1024"})),
    "negative size in the block": with_field(member("a"), 124, b"\xff" * 12) + b"\0" * 1024,
    "a header of 2 GB": with_field(member("a", b"x"), 124, b"17777777777\0") + b"\0" * 1024,
    "a long name of 2 GB": with_field(member("a", b"L"), 124, b"17777777777\0") + b"\0" * 1024,
    "2,000 headers before a member": tar_of(*(member("h", b"x", content=b"11 path=ab\n") for _number in range(2000))),
    "2,000 global headers": tar_of(
        *(member("h", b"g", content=b"%d key%04d=x\n" % (13, number)) + member(f"f{number}") for number in range(2000))
    ),
    "a file with holes": tar_of(member("a", b"S")),
    "holes by pax": tar_of(
        member("a", content=b"9" * 512, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})
    ),
    "a name that is none": tar_of(member("a", tarfile.SYMTYPE, "x" * 5000)),
    "a link to an empty name": tar_of(member("a", tarfile.SYMTYPE, "")),
    "a link to a null": tar_of(member("a", tarfile.SYMTYPE, "b", pax_headers={"linkpath": "b\0c"})),
    "a capability that is none": tar_of(member("a", pax_headers={"SCHILY.xattr.security.capability": "nonsense"})),
    "no archive": b"no archive" * 100,
    "cut in the content": member("a", content=b"x" * 5000)[:3000],
    "empty": b"",
    "cut gzip": gzip.compress(tar_of(member("a", content=os.urandom(5000))))[:3000],
    "gzip of another sum": gzip.compress(tar_of(member("a")))[:-8] + b"12345678",
    "xz cut": lzma.compress(tar_of(member("a", content=os.urandom(5000))))[:3000],
    "bzip2 cut": bz2.compress(tar_of(member("a", content=os.urandom(5000))))[:3000],
    "zstd that is none": b"\x28\xb5\x2f\xfd" + b"x" * 1000,
}


@pytest.mark.parametrize("layer", HOSTILE_LAYERS.values(), ids=HOSTILE_LAYERS)
def test_a_layer_that_nobody_makes_by_accident(machine: Machine, layer: bytes) -> None:
    machine.refused(docker(tar_of(member("usr/bin/python3", content=b"x")), layer))


def test_links_lead_nowhere_but_into_the_layout(machine: Machine) -> None:
    others = str(machine.work / "of-others")
    lower = tar_of(
        link("a", others), link("b", "../../of-others"), link("c", "/proc/self/root" + others), link("d", "/")
    )
    upper = tar_of(
        *(member(name + "/file", content=b"ours") for name in "abcd"),
        *(member(name + "/.wh..wh..opq") for name in "abc"),
        *(member(name + "/.wh.other") for name in "abcd"),
        twin("e", "a/file"),
    )
    root = machine.lay_out(docker(lower, upper, upper))
    machine.require_untouched(root)
    assert (root / "file").read_text() == "ours"
    assert (root / others.lstrip("/") / "file").read_text() == "ours"


def test_what_is_odd_but_right_is_kept(machine: Machine) -> None:
    root = machine.lay_out(
        docker(
            tar_of(
                member("./d/", tarfile.DIRTYPE),
                member("d" + "/d" * 150 + "/file", content=b"deep"),
                member("year 1", mtime=-62135596800),
                member("x" * 255),
                member("utf-8 \udcff"),
                twin("d" + "/d" * 150 + "/file", "d" + "/d" * 150 + "/file"),
                member("pipe", tarfile.FIFOTYPE),
            )
        )
    )
    assert Path(root, *["d"] * 151, "file").read_text() == "deep"
    shutil.rmtree(root)


def deep_json(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


HOSTILE_MANIFESTS: dict[str, object] = {
    "5": 5,
    "text": "x",
    "layers 5": [{"Layers": 5}],
    "layers null": [{"Layers": None}],
    "no layers": [{"Layers": []}],
    "layers of numbers": [{"Layers": [1, 2]}],
    "layers of lists": [{"Layers": [["x"]]}],
    "tags 5": [{"RepoTags": 5, "Layers": ["manifest.json"]}],
    "tags of objects": [{"RepoTags": [{}], "Layers": ["manifest.json"]}],
    "an entry that is none": [5],
    "no entry": [],
    "its own manifest": [{"Layers": ["manifest.json"]}],
    "a path": [{"Layers": ["../../../etc/passwd"]}],
    "a path from the root": [{"Layers": ["/etc/passwd"]}],
    "a digest that is none": [{"Layers": ["blobs/sha256/../../manifest.json"]}],
    "a digest nobody knows": [{"Layers": ["blobs/md5/x"]}],
    "2,000 layers": [{"Layers": ["manifest.json"] * 2000}],
    "a long name": [{"Layers": ["x" * 1000000]}],
}


@pytest.mark.parametrize("manifest", HOSTILE_MANIFESTS.values(), ids=HOSTILE_MANIFESTS)
def test_a_manifest_that_is_none(machine: Machine, manifest: object) -> None:
    machine.refused(tar_of(member("manifest.json", content=json.dumps(manifest).encode())))


@pytest.mark.parametrize("name", ["manifest.json", "index.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"NaN", b"[" * 100000, deep_json(100000), b"[" + b"9" * 5000 + b"]", b" " * (9 << 20)],
    ids=range(8),
)
def test_json_that_is_none(machine: Machine, name: str, content: bytes) -> None:
    machine.refused(tar_of(member(name, content=content)))


def test_members_of_the_archive_that_lead_in_circles(machine: Machine) -> None:
    for name in ("manifest.json", "index.json"):
        for made in (link(name, name), twin(name, name), link(name, "a/../" + name)):
            machine.refused(tar_of(made))
        machine.refused(tar_of(link(name, "other"), link("other", name)))
        machine.refused(tar_of(member(name, tarfile.DIRTYPE)))
        machine.refused(tar_of(member(name, tarfile.FIFOTYPE)))


def test_more_members_than_an_archive_has(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 100)
    machine.refused(tar_of(*(member(f"{number}") for number in range(101))))


def test_a_layer_that_is_a_link_to_another_as_docker_save_makes_it(machine: Machine) -> None:
    manifest = json.dumps([{"RepoTags": None, "Layers": ["1/layer.tar", "2/layer.tar"]}]).encode()
    layer = member("1/layer.tar", content=tar_of(member("a", content=b"x")))
    root = machine.lay_out(
        tar_of(member("manifest.json", content=manifest), layer, link("2/layer.tar", "../1/layer.tar"))
    )
    assert (root / "a").read_text() == "x"


class TestOci:
    """Indexes, manifests and blobs that lie."""

    def test_an_index_that_names_itself(self, machine: Machine) -> None:
        made = Oci()
        name = "blobs/sha256/" + "0" * 64
        itself = {"manifests": [{"digest": "sha256:" + "0" * 64}]}
        made.members.append(member(name, content=json.dumps(itself).encode()))
        assert machine.refused(made.archive(itself)).kind == "checksum"

    def test_indexes_without_an_end(self, machine: Machine) -> None:
        made = Oci()
        entry = made.json({"layers": []})
        for _step in range(30):
            entry = made.json({"manifests": [entry]})
        assert "never a manifest" in machine.refused(made.archive({"manifests": [entry]})).message

    @pytest.mark.parametrize(
        "digest",
        [
            None,
            5,
            "",
            "sha256:",
            "sha256:" + "g" * 64,
            "sha256:../../index.json",
            "sha256:" + "A" * 64,
            "md5:" + "0" * 32,
        ],
    )
    def test_a_digest_that_is_none(self, machine: Machine, digest: object) -> None:
        machine.refused(Oci().archive({"manifests": [{"digest": digest}]}))

    def test_each_blob_is_what_its_digest_says(self, machine: Machine) -> None:
        layer, other = tar_of(member("a")), tar_of(member("b"))
        for lie in ("manifest", "index", "layer"):
            made = Oci()
            manifest = json.dumps({"layers": [made.blob(layer, other if lie == "layer" else None)]}).encode()
            entry = made.blob(manifest, manifest + b" " if lie == "manifest" else None)
            index = json.dumps({"manifests": [entry]}).encode()
            top = made.blob(index, index + b" " if lie == "index" else None)
            assert machine.refused(made.archive({"manifests": [top]})).kind == "checksum"

    @pytest.mark.parametrize(
        "manifest",
        [
            {},
            {"layers": 5},
            {"layers": []},
            {"layers": [5]},
            {"layers": [{}]},
            {"manifests": 5},
            {"manifests": [5]},
            {"manifests": [{"platform": 5}]},
            {"manifests": [{"annotations": 5}]},
            {"manifests": [{"annotations": {"org.opencontainers.image.ref.name": 5}}]},
        ],
    )
    def test_a_manifest_that_is_none(self, machine: Machine, manifest: object) -> None:
        made = Oci()
        machine.refused(made.archive({"manifests": [made.json(manifest)]}))


def fast_xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


class TestBombs:
    """A little that grows to much."""

    @pytest.fixture(autouse=True)
    def small_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layers.Layout.__init__, "__defaults__", (ArchiveLimits(size=4 << 20, files=50),))

    @contextlib.contextmanager
    def little_memory(self) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            assert tracemalloc.get_traced_memory()[1] < 20 << 20
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, fast_xz], ids=["gzip", "bzip2", "xz"])
    def test_zeros(self, machine: Machine, compress: Callable[[bytes], bytes]) -> None:
        bomb = compress(member("a", content=b"x" * (8 << 20)))
        behind = compress(tar_of(member("a")) + b"\0" * (8 << 20))
        for data in (bomb, behind):
            with self.little_memory():
                machine.refused(docker(data))

    def test_zstd(self, machine: Machine) -> None:
        if not shutil.which("zstd"):
            pytest.skip("zstd is not installed on this machine")
        data = tar_of(member("a")) + b"\0" * (8 << 20)
        packed = subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        with self.little_memory():
            machine.refused(docker(packed))

    def test_a_dictionary_of_a_gigabyte(self, machine: Machine) -> None:
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
        data = lzma.compress(tar_of(member("a")), filters=filters)
        # The size of the dictionary is one byte in the header of the block, before its CRC32 (xz-file-format 3.1).
        header = bytearray(data[12:24])
        assert header[4] == 16
        header[4] = 37
        header[-4:] = zlib.crc32(bytes(header[:-4])).to_bytes(4, "little")
        assert "emory" in machine.refused(docker(data[:12] + bytes(header) + data[24:])).message

    def test_too_many(self, machine: Machine) -> None:
        machine.refused(docker(tar_of(*(member(f"{number}") for number in range(51)))))
        machine.refused(docker(*[tar_of(*(member(f"{number}") for number in range(20)))] * 3))


def test_what_takes_too_long(machine: Machine) -> None:
    padding = gzip.compress(tar_of(member("a")) + b"\0" * (8 << 20), 1)
    machine.archive.write_bytes(docker(padding, Layers=["0/layer.tar"] * 1000))
    with pytest.raises(TimeOverError, match=r"image\.tar took longer"):
        lay_out(ImageSource(archive=str(machine.archive)), str(machine.work), 0.5)
    machine.require_untouched()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["sha256:" + "0" * 64]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Layers", "RepoTags", "manifests", "layers", "digest", "platform", "annotations", "os"]),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(FEW, max_examples=12)
@given(st.sampled_from(["manifest.json", "index.json"]), JSON, JSON)
def test_any_json(tmp_path_factory: pytest.TempPathFactory, name: str, top: object, inner: object) -> None:
    made = Oci()
    entry = made.json(inner)
    choices = [top, [top], {"manifests": top}, {"manifests": [entry]}, [{"Layers": top}], [{"Layers": [top]}]]
    machine = Machine(tmp_path_factory.mktemp("any"))
    for choice in choices:
        machine.refused(tar_of(member(name, content=json.dumps(choice).encode()), *made.members))


NAMES = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", ".wh.", ".wh.a", ".wh..", ".wh..wh..opq", "x" * 99]), max_size=5
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["path", "linkpath", "size", "uid", "gid", "mtime", "GNU.sparse.size", "hdrcharset", "SCHILY.xattr.user.x"]
    ),
    st.text(max_size=9) | st.integers().map(str) | st.floats().map(str),
    max_size=2,
)
MEMBERS = st.builds(
    lambda parts, kind, target, content, headers: member(
        "/".join(parts), kind, "/".join(target), content if kind in (b"0", b"x") else b"", pax_headers=headers
    ),
    NAMES,
    st.sampled_from([b"0", b"1", b"2", b"3", b"5", b"6", b"7", b"x", b"g", b"L", b"K", b"S"]),
    NAMES,
    st.binary(max_size=20),
    HEADERS,
)


@FEW
@given(st.lists(MEMBERS, max_size=6), st.lists(MEMBERS, max_size=6), st.integers(0, 3000), st.binary(max_size=4))
def test_any_members(
    tmp_path_factory: pytest.TempPathFactory, lower: list[bytes], upper: list[bytes], at: int, noise: bytes
) -> None:
    """Either it is laid out or it is one error; the neighbours stay either way."""
    machine = Machine(tmp_path_factory.mktemp("any"))
    second = tar_of(*upper)
    second = second[:at] + noise + second[at + len(noise) :]
    made = []
    with contextlib.suppress(ArchiveError):
        made.append(machine.lay_out(docker(tar_of(*lower), second)))
    machine.require_untouched(*made)


@FEW
@given(st.lists(MEMBERS, max_size=6), st.integers(0, 3000), st.binary(max_size=4))
def test_any_archive_of_a_runtime(
    tmp_path_factory: pytest.TempPathFactory, members: list[bytes], at: int, noise: bytes
) -> None:
    machine = Machine(tmp_path_factory.mktemp("any"))
    (machine.work / "new").mkdir()
    data = tar_of(*members)
    machine.archive.write_bytes(data[:at] + noise + data[at + len(noise) :])
    with contextlib.suppress(ArchiveError):
        unpack(str(machine.archive), str(machine.work / "new"), ArchiveLimits(size=1 << 20, files=100))
    machine.require_untouched(machine.work / "new")


@pytest.mark.parametrize("layer", HOSTILE_LAYERS.values(), ids=HOSTILE_LAYERS)
def test_the_same_as_the_archive_of_a_runtime(machine: Machine, layer: bytes) -> None:
    machine.archive.write_bytes(layer)
    (machine.work / "new").mkdir()
    with contextlib.suppress(ArchiveError):
        unpack(str(machine.archive), str(machine.work / "new"))
    machine.require_untouched(machine.work / "new")


def test_an_archive_that_is_a_pipe(machine: Machine) -> None:
    os.mkfifo(machine.archive)
    with pytest.raises((OSError, SystemPythonError)):
        lay_out(ImageSource(archive=str(machine.archive)), str(machine.work), 60)
    machine.require_untouched()
