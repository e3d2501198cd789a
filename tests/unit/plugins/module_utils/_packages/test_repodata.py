# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tracemalloc
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.compression import compression_of
from ansible_collections.fleet.system_python.plugins.module_utils._packages.addresses import join_url, shown_url
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repodata import (
    Checksum,
    MetadataFile,
    decompressed,
    evr_key,
    find_packages,
    parse_metalink,
    parse_mirrorlist,
    parse_repomd,
    split_evr,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import real_data

SHA256 = "ab" * 32
REPOMD = """<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>1</revision>
  <data type="filelists"><checksum type="sha256">{0}</checksum><location href="repodata/f.xml.gz"/></data>
  <data type="primary">
    <checksum type="sha256">{0}</checksum>
    <open-checksum type="sha256">{1}</open-checksum>
    <location href="repodata/p.xml.gz"{2}/>
    <timestamp>1</timestamp><size>120</size><open-size>999</open-size>
  </data>
</repomd>
"""
PACKAGE = """<package type="rpm">
  <name>{name}</name><arch>{arch}</arch><version epoch="{epoch}" ver="3.9.2" rel="{rel}"/>
  <checksum type="sha256" pkgid="YES">{sha}</checksum>
  <summary>&lt;name&gt;decoy&lt;/name&gt;</summary><description>A &amp; B</description>
  <size package="1234" installed="1" archive="1"/><location href="Packages/{name}.rpm"/>
  <format><rpm:license>x</rpm:license><rpm:provides><rpm:entry name="python3-libs"/></rpm:provides>
  <file>/usr/bin/x</file></format>
</package>"""
PRIMARY = '<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://x" packages="2">{0}</metadata>'


def repomd(more: str = "") -> bytes:
    return REPOMD.format(SHA256, "cd" * 32, more).encode()


def package(name: str, arch: str = "x86_64", epoch: int = 0, rel: str = "1.el9") -> str:
    return PACKAGE.format(name=name, arch=arch, epoch=epoch, rel=rel, sha=SHA256)


def primary(*packages: str) -> bytes:
    return PRIMARY.format("".join(packages)).encode()


class TestRepomd:
    def test_primary(self) -> None:
        found = parse_repomd(repomd())
        assert found == MetadataFile("repodata/p.xml.gz", "", Checksum("sha256", SHA256), 120, 999)

    def test_xml_base(self) -> None:
        assert parse_repomd(repomd(' xml:base="http://other/"')).base == "http://other/"

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"<html>no</html>", "names no primary"),
            (b"not xml", "not valid XML"),
            (b"", "not valid XML"),
            (repomd()[:300], "not valid XML"),
            (repomd().replace(b"sha256", b"crc32"), "cannot be checked"),
            (repomd().replace(SHA256.encode(), b"../../x"), "cannot be checked"),
            (b'<!DOCTYPE x [<!ENTITY a "b">]><repomd>&a;</repomd>', "document type"),
        ],
    )
    def test_damaged(self, data: bytes, says: str) -> None:
        with pytest.raises(RepositoryError, match=says):
            parse_repomd(data)


class TestPrimary:
    def test_finds_by_name_only(self) -> None:
        data = primary(
            package("python3"), package("python3-libs", epoch=1), package("decoy"), package("python3", "i686")
        )
        found = find_packages([data], {"python3", "python3-libs"})
        assert [one.nevra for one in found] == [
            "python3-3.9.2-1.el9.x86_64",
            "python3-libs-1:3.9.2-1.el9.x86_64",
            "python3-3.9.2-1.el9.i686",
        ]
        assert (found[0].size, found[0].location, found[0].checksum) == (
            1234,
            "Packages/python3.rpm",
            Checksum("sha256", SHA256),
        )

    def test_any_cut_between_chunks(self) -> None:
        data = primary(package("python3"))
        whole = find_packages([data], {"python3"})
        assert find_packages([data[i : i + 1] for i in range(len(data))], {"python3"}) == whole

    def test_memory_does_not_grow_with_the_file(self) -> None:
        def chunks() -> t.Iterator[bytes]:
            yield b'<metadata xmlns:rpm="http://x">'
            for number in range(20000):
                yield package("other{0}".format(number)).encode()
            yield package("python3").encode() + b"</metadata>"

        tracemalloc.start()
        found = find_packages(chunks(), {"python3"})
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(found) == 1
        assert peak < 2 << 20

    @pytest.mark.parametrize("lost", ["Packages/python3.rpm", "3.9.2", "sha256"])
    def test_incomplete_entry(self, lost: str) -> None:
        with pytest.raises(RepositoryError):
            find_packages([primary(package("python3")).replace(lost.encode(), b"")], {"python3"})

    def test_incomplete_entry_of_another_package_does_not_matter(self) -> None:
        broken = package("other").replace("Packages/other.rpm", "")
        assert len(find_packages([primary(broken, package("python3"))], {"python3"})) == 1

    def test_entities_are_refused(self) -> None:
        data = b'<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + primary(package("python3"))
        with pytest.raises(RepositoryError, match="document type"):
            find_packages([data], {"python3"})


def test_a_real_repository() -> None:
    folder = real_data("repositories", "centos-stream-9")
    with open(os.path.join(folder, "appstream-repomd.xml"), "rb") as stream:
        promised = parse_repomd(stream.read())
    with open(os.path.join(folder, "appstream-primary.xml.gz"), "rb") as stream:
        assert promised.checksum == Checksum("sha256", hashlib.sha256(stream.read()).hexdigest())
        assert promised.size == stream.tell()
        stream.seek(0)
        found = find_packages(decompressed(stream, promised.open_size or 0), {"python3.12", "python3.12-libs"})
    newest = [one for one in found if one.evr == "3.12.8-1.el9"]
    assert [one.nevra for one in newest] == [
        "python3.12-3.12.8-1.el9.x86_64",
        "python3.12-libs-3.12.8-1.el9.i686",
        "python3.12-libs-3.12.8-1.el9.x86_64",
    ]
    assert max(found, key=lambda one: evr_key(one.evr)).evr == newest[0].evr


METALINK = """<?xml version="1.0"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
 <files><file name="repomd.xml">
  <mm0:timestamp>1</mm0:timestamp><size>10</size>
  <verification><hash type="md5">{md5}</hash><hash type="sha256">{new}</hash></verification>
  <mm0:alternates><mm0:alternate><mm0:timestamp>0</mm0:timestamp>
    <verification><hash type="sha256">{old}</hash></verification></mm0:alternate></mm0:alternates>
  <resources maxconnections="1">
   <url protocol="rsync" type="rsync" preference="100">rsync://a/repodata/repomd.xml</url>
   <url protocol="http" type="http" preference="90">http://second/os/repodata/repomd.xml</url>
   <url protocol="https" type="https" preference="99">https://first/os/repodata/repomd.xml</url>
  </resources>
 </file></files></metalink>"""


def test_metalink() -> None:
    found = parse_metalink(METALINK.format(md5="12" * 16, new="ab" * 32, old="cd" * 32).encode())
    assert found.urls == ["https://first/os/repodata/repomd.xml", "http://second/os/repodata/repomd.xml"]
    assert found.checksums == [Checksum("sha256", "ab" * 32), Checksum("sha256", "cd" * 32)]


@pytest.mark.parametrize("data", [b"<metalink/>", b"<html>", METALINK.encode().replace(b"<hash", b"<hush")])
def test_metalink_without_use(data: bytes) -> None:
    with pytest.raises(RepositoryError):
        parse_metalink(data)


def test_mirrorlist() -> None:
    text = "# a comment\nhttp://a/os/\n\nrsync://no/\n  https://b/os \n"
    assert parse_mirrorlist(text) == ["http://a/os/", "https://b/os"]
    with pytest.raises(RepositoryError, match="no usable URL"):
        parse_mirrorlist("<html>\nnot found")


class TestDecompression:
    TEXT = b"".join(b"line %d\n" % number for number in range(300000))
    PACKED = (
        ("gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("xz", lzma.compress(TEXT)),
        ("bzip2", bz2.compress(TEXT)),
        ("bzip2", bz2.compress(TEXT[:1000]) + bz2.compress(TEXT[1000:])),
        ("none", TEXT),
    )

    @pytest.mark.parametrize(("kind", "packed"), PACKED)
    def test_round_trip(self, kind: str, packed: bytes) -> None:
        assert compression_of(io.BufferedReader(io.BytesIO(packed))) == kind  # type: ignore[arg-type,unused-ignore]
        assert b"".join(decompressed(io.BytesIO(packed), 1 << 30)) == self.TEXT

    @pytest.mark.parametrize("packed", [packed for _kind, packed in PACKED[:5]])
    def test_cut_off(self, packed: bytes) -> None:
        with pytest.raises(RepositoryError, match=r"ends in the middle|not valid"):
            list(decompressed(io.BytesIO(packed[:-20]), 1 << 30))

    @pytest.mark.parametrize("packed", [packed for _kind, packed in PACKED[:5]])
    def test_damaged(self, packed: bytes) -> None:
        middle = len(packed) // 2
        with pytest.raises(RepositoryError):
            list(decompressed(io.BytesIO(packed[:middle] + b"\xff" * 40 + packed[middle + 40 :]), 1 << 30))

    def test_bomb(self) -> None:
        bomb = gzip.compress(b"\0" * (64 << 20))
        seen: t.List[int] = []
        pieces = decompressed(io.BytesIO(bomb), 1 << 20)
        with pytest.raises(RepositoryError, match="grows beyond"):
            seen.extend(len(piece) for piece in pieces)
        assert max(seen, default=0) <= 1 << 18
        assert sum(seen) <= 1 << 20

    def test_zstd_is_not_for_this_function(self) -> None:
        with pytest.raises(RepositoryError, match="zstd"):
            list(decompressed(io.BytesIO(b"\x28\xb5\x2f\xfd1234"), 10))


@pytest.mark.parametrize(
    ("base", "location", "own", "url"),
    [
        ("http://h/os/", "repodata/r.xml", "", "http://h/os/repodata/r.xml"),
        ("http://h/os", "a/b.rpm", "", "http://h/os/a/b.rpm"),
        ("https://h/os/?token", "a.rpm", "", "https://h/os/a.rpm?token"),
        ("http://h/os/", "a.rpm", "http://other/x/", "http://other/x/a.rpm"),
        ("http://h/os/", "../../../etc/shadow", "", "http://h/os/etc/shadow"),
        ("http://h/os/", "lib+c++~1^2 3?#.rpm", "", "http://h/os/lib+c++~1%5E2%203%3F%23.rpm"),
        ("http://h/os/", "a%2Bb.rpm", "", "http://h/os/a%2Bb.rpm"),
        ("file:///srv/repo", "x.rpm", "", "file:///srv/repo/x.rpm"),
    ],
)
def test_join_url(base: str, location: str, own: str, url: str) -> None:
    assert join_url(base, location, own) == url


def test_shown_url_hides_secrets() -> None:
    assert shown_url("https://user:secret@host:8443/os/?SECRET#x") == "https://host:8443/os/"


def test_split_evr() -> None:
    assert split_evr("1:3.9-2.el9") == (1, "3.9", "2.el9")
    assert split_evr("3.9-2") == (0, "3.9", "2")
    assert split_evr("0:3.9-2") == (0, "3.9", "2")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0-1", "1.1-1"),
        ("1.9-1", "1.10-1"),
        ("9-1", "1:1-1"),
        ("1.0~rc1-1", "1.0-1"),
        ("1.0~rc1-1", "1.0~rc2-1"),
        ("1.0-1", "1.0^git1-1"),
        ("1.0^git1-1", "1.0.1-1"),
        ("1.0-1", "1.0a-1"),
        ("1.0a-1", "1.0.1-1"),
        ("3.9.16-1.el9", "3.9.18-3.el9_4.9"),
        ("3.6.15-150300.10.9.1", "3.6.15-150300.10.51.1"),
    ],
)
def test_order_of_versions(older: str, newer: str) -> None:
    assert evr_key(older) < evr_key(newer)


def test_equal_versions() -> None:
    assert evr_key("1.0.0-01") == evr_key("0:1_0.0-1")
