# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import ArchiveError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.archive import ArchiveLimits, pack, unpack

Member = t.Tuple[str, bytes, str, str, int]


def file(name: str, text: str = "text", mode: int = 0o644) -> Member:
    return (name, tarfile.REGTYPE, text, "", mode)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return (name, kind, "", target, 0o777)


def folder(name: str) -> Member:
    return (name, tarfile.DIRTYPE, "", "", 0o755)


def tar_of(*members: Member) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, text, target, mode in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, target, mode
            member.size = len(text.encode()) if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture(name="place")
def place_fixture(tmp_path: t.Any) -> t.Callable[..., t.Tuple[str, str]]:
    def make(data: bytes) -> t.Tuple[str, str]:
        archive, target = tmp_path / "archive", tmp_path / "target"
        archive.write_bytes(data)
        target.mkdir()
        return str(archive), str(target)

    return make


GOOD = (
    folder("python"),
    folder("python/bin"),
    file("python/bin/python3.13", "binary", 0o755),
    link("python/bin/python3", "python3.13"),
    link("python/bin/up", "../lib/a"),
    file("python/lib/a", "a", 0o666),
    link("python/lib/b", "python/lib/a", tarfile.LNKTYPE),
)


@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_good_archive_of_every_kind(place: t.Any, packed: t.Callable[[bytes], bytes]) -> None:
    archive, target = place(packed(tar_of(*GOOD)))
    done = unpack(archive, target)
    assert done.top == "python"
    digest = hashlib.sha256(b"a").hexdigest()
    assert done.digests == {
        "bin/python3.13": hashlib.sha256(b"binary").hexdigest(),
        "lib/a": digest,
        "lib/b": digest,
    }
    assert os.readlink(os.path.join(target, "bin/python3")) == "python3.13"
    assert os.stat(os.path.join(target, "lib/a")).st_mode & 0o7777 == 0o644
    assert os.stat(os.path.join(target, "bin/python3.13")).st_mode & 0o7777 == 0o755


BAD = [
    ("'..' in its name", [file("python/../../etc/passwd")]),
    ("absolute", [file("/etc/passwd")]),
    ("absolute", [link("python/a", "/etc/passwd")]),
    ("out of the folder", [link("python/a", "../../etc")]),
    ("out of the folder", [link("python/a", "..")]),
    # Only together they leave the folder: lexically each stays inside.
    (
        "out of the folder",
        [file("python/t/f"), link("python/x/y/z/a", "d/../../../w"), link("python/x/y/z/d", "../../../t")],
    ),
    ("lies below", [file("python/sub/f"), link("python/a", "sub"), file("python/a/b")]),
    ("lies below", [file("python/a"), file("python/a/b")]),
    ("comes twice", [file("python/a"), file("python/a", "other")]),
    ("comes twice", [link("python/a", "b"), folder("python/a")]),
    ("hard link", [link("python/a", "../../etc/passwd", tarfile.LNKTYPE)]),
    ("hard link", [link("python/a", "python/b", tarfile.LNKTYPE)]),
    ("hard link", [link("python/s", "x"), link("python/a", "python/s", tarfile.LNKTYPE)]),
    ("set-user-ID", [file("python/a", "x", 0o4755)]),
    ("neither", [("python/a", tarfile.CHRTYPE, "", "", 0o666)]),
    ("neither", [("python/a", tarfile.FIFOTYPE, "", "", 0o666)]),
    ("not below", [file("python/a"), file("other/b")]),
    ("top folder's name", [file("python")]),
]


@pytest.mark.parametrize(("said", "members"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_a_member_that_would_do_harm(place: t.Any, tmp_path: t.Any, said: str, members: t.List[Member]) -> None:
    archive, target = place(tar_of(file("python/first"), *members))
    outside = sorted(os.listdir(str(tmp_path)))
    with pytest.raises(ArchiveError) as caught:
        unpack(archive, target)
    assert said in caught.value.message or "'..'" in caught.value.message
    assert "member" in caught.value.details
    assert sorted(os.listdir(str(tmp_path))) == outside


def test_limits(place: t.Any) -> None:
    archive, target = place(tar_of(*GOOD))
    with pytest.raises(ArchiveError, match="max_files"):
        unpack(archive, target, ArchiveLimits(files=3))
    os.rename(target, target + ".old")
    os.mkdir(target)
    with pytest.raises(ArchiveError, match="max_size"):
        unpack(archive, target, ArchiveLimits(size=6))


def test_damage(place: t.Any, tmp_path: t.Any) -> None:
    whole = gzip.compress(tar_of(file("python/a", "x" * 100000)))
    for number, data in enumerate((whole[:-500], whole[:40], b"no archive at all" * 100, b"", gzip.compress(b""))):
        archive = tmp_path / "archive{0}".format(number)
        archive.write_bytes(data)
        target = tmp_path / "target{0}".format(number)
        target.mkdir()
        with pytest.raises(ArchiveError, match="damaged"):
            unpack(str(archive), str(target))
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 0xFF
    archive, target_path = place(bytes(flipped))
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(archive, target_path)


def test_zstd_without_the_program(place: t.Any) -> None:
    archive, target = place(b"\x28\xb5\x2f\xfd" + b"x" * 100)
    with pytest.raises(ArchiveError, match="zstd"):
        unpack(archive, target, zstd="no-such-program")


def test_packing_twice_gives_the_same_archive(tmp_path: t.Any) -> None:
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin/python3.13").write_text("binary")
    (source / "bin/python3").symlink_to("python3.13")
    (source / "skipped").write_text("x")

    def skipped(path: str) -> bool:
        return path == "skipped"

    first = pack(str(source), str(tmp_path / "one"), "python", skipped)
    os.utime(str(source / "bin/python3.13"), (1, 1))
    assert pack(str(source), str(tmp_path / "two"), "python", skipped) == first
    assert hashlib.sha256((tmp_path / "one").read_bytes()).hexdigest() == first
    target = tmp_path / "target"
    target.mkdir()
    assert list(unpack(str(tmp_path / "one"), str(target)).digests) == ["bin/python3.13"]
    assert os.readlink(str(target / "bin/python3")) == "python3.13"
