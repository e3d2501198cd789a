# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror sends what fills memory or disk, what never ends, and what names places that are not its own."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import http.server
import io
import lzma
import shutil
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repodata import (
    decompressed,
    find_packages,
    parse_mirrors,
    parse_repomd,
)
from ansible_collections.fleet.system_python.tests.hostile.hostilekit import SHELLS, ShellHost

SUM = f'<checksum type="sha256">{"ab" * 32}</checksum>'
PACKAGE = (
    '<package type="rpm"><name>{name}</name><arch>noarch</arch><version epoch="0" ver="{version}" rel="1"/>'
    f'{SUM}<location href="p.rpm"{{more}}/></package>'
)
REPOMD = f'<repomd><data type="primary">{SUM}<location href="repodata/p.xml"{{more}}/></data></repomd>'
SIZE = 40 << 20


def package(name: str = "python3", version: str = "3.9", more: str = "") -> str:
    return PACKAGE.format(name=name, version=version, more=more)


def many(piece: bytes) -> bytes:
    return piece * (SIZE // len(piece))


# Each opens to 40 MB, of which a reader may keep a few.
BOMBS = {
    "a text": b"<m><package><name>" + many(b"a") + b"</name></package></m>",
    "a tag": b"<" + many(b"a") + b"/>",
    "an attribute": b'<m><package x="' + many(b"a") + b'"/></m>',
    "attributes": b"<m><package><a " + b" ".join(b'x%d=""' % n for n in range(SIZE // 12)) + b"/></package></m>",
    "a comment": b"<m><!--" + many(b"a") + b"--></m>",
    "an instruction": b"<m><?a " + many(b"a") + b"?></m>",
    "depth": many(b"<a>"),
    "children": b"<m><package>" + b"".join(b'<a%d b=""/>' % n for n in range(1 << 18)) + b"</package></m>",
    "packages": b"<m>" + many(package().encode()) + b"</m>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_metadata_that_fills_the_memory(name: str) -> None:
    packed = gzip.compress(BOMBS[name], 1)
    tracemalloc.start()
    try:
        with pytest.raises(RepositoryError):
            find_packages(decompressed(io.BytesIO(packed), 1 << 30), {"python3"})
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_metadata_that_opens_without_end() -> None:
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        with pytest.raises(RepositoryError, match="grows beyond"):
            list(decompressed(io.BytesIO(pack(b"a" * (8 << 20))), 1 << 20))


def test_xz_that_asks_for_gigabytes_of_memory() -> None:
    data = bytearray(lzma.compress(b"<m/>" * 1000))
    # The header of the first block: two bytes, the filter, and the size of its dictionary, here 1.5 GB.
    assert data[14:16] == b"\x21\x01"
    data[16] = 37
    data[20:24] = zlib.crc32(bytes(data[12:20])).to_bytes(4, "little")
    with pytest.raises(RepositoryError, match="valid xz"):
        list(decompressed(io.BytesIO(bytes(data)), 1 << 30))


@pytest.mark.parametrize("padding", [b"", b"\0" * 8])
def test_xz_in_several_streams_is_read_whole(padding: bytes) -> None:
    data = lzma.compress(b"a" * 300000) + padding + lzma.compress(b"b" * 300000) + padding
    assert b"".join(decompressed(io.BytesIO(data), 1 << 20)) == b"a" * 300000 + b"b" * 300000
    with pytest.raises(RepositoryError, match="ends in the middle"):
        list(decompressed(io.BytesIO(data[:-20]), 1 << 20))


PLACES = [
    "file:///etc/shadow",
    "FILE:///etc",
    "/etc",
    "http:///etc",
    "-o/etc/profile.d/x",
    "http://h/&#34;&#10;output = &#34;/etc/profile.d/x.sh",
    "http://h/\\",
    "http://h/ x",
    "http://[",
    "dict://h/",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_mirror_names_no_place_but_in_the_network(place: str) -> None:
    metalink = (
        f'<metalink><file name="repomd.xml"><hash type="sha256">{"ab" * 32}</hash>'
        f"<url>{place}/repodata/repomd.xml</url></file></metalink>"
    )
    with pytest.raises(RepositoryError):
        parse_mirrors(metalink.encode())
    with pytest.raises(RepositoryError):
        parse_mirrors(place.replace("&#34;", '"').replace("&#10;", "").encode())
    more = f' xml:base="{place}"'
    with pytest.raises(RepositoryError):
        parse_repomd(REPOMD.format(more=more).encode())
    with pytest.raises(RepositoryError):
        find_packages([f"<m>{package(more=more)}</m>".encode()], {"python3"})


@pytest.mark.parametrize("version", ["9" * 5000, "--eval", "1;id", "1/../../x", "$(id)", "", " "])
def test_a_version_that_is_none(version: str) -> None:
    with pytest.raises(RepositoryError):
        find_packages([f"<m>{package(version=version)}x</m>".encode()], {"python3"})


_XML = st.recursive(
    st.text(max_size=20),
    lambda inner: st.builds(
        "<{0} {1}>{2}</{0}>".format,
        st.sampled_from("m metalink file url hash data package name location version checksum size".split()),
        st.sampled_from(['type="primary"', 'type="sha256"', 'href="a"', 'ver="1" rel="\u00b2"', 'name="repomd.xml"']),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=1000)
@given(st.one_of(st.binary(max_size=200), _XML.map(lambda text: text.encode("utf-8", "replace"))))
def test_no_metadata_breaks_a_reader(data: bytes) -> None:
    for read in (
        parse_mirrors,
        parse_repomd,
        lambda data: find_packages([data], {"python3"}),
        lambda data: list(decompressed(io.BytesIO(data), 1 << 20)),
    ):
        with contextlib.suppress(RepositoryError):
            read(data)


# ---------------------------------------------------------------------------------------------------------------------
# The same on a host, where a shell reads it


def cut(tmp_path: Path, shell: list[str], data: bytes, **more: str) -> str:
    host = ShellHost(tmp_path / "host", shell=shell)
    (host.folder / "download/0-primary").write_bytes(data)
    given = {"download_timeout": "20", "most_opened": str(1 << 30), **more}
    answer = host.ask(["fetch"], given, [["cut_packages", "0-primary", "python3"]])
    return answer.first("cut").body


def zstd(data: bytes) -> bytes:
    if not shutil.which("zstd"):
        pytest.skip("no zstd here")
    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress, zstd])
def test_the_host_cuts_out_what_is_wanted(tmp_path: Path, shell: list[str], pack: type[bytes]) -> None:
    whole = f"<metadata>{package('a')}\n{package()}{package('b')}</metadata>\n".encode()
    text = cut(tmp_path, shell, pack(whole))
    assert text.count("<name>") == 1
    assert "<name>python3</name>" in text
    assert "<!-- whole -->" in text


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_host_does_not_open_without_end(tmp_path: Path, pack: type[bytes]) -> None:
    text = f"<metadata>{package()}{'<a/>' * (4 << 20)}</metadata>".encode()
    assert "<!-- whole -->" not in cut(tmp_path, ["dash"], pack(text), most_opened=str(1 << 20))


def test_a_host_does_not_hold_a_text_without_end(tmp_path: Path) -> None:
    text = b"<metadata>" + package().encode() + b"<name>" + b"a" * SIZE + b"</name></metadata>"
    # What is started there has 32 MB of memory in all.
    limited = ["sh", "-c", 'shift; ulimit -v 32768; exec dash -c "$1"', "sh"]
    assert "<!-- whole -->" in cut(tmp_path, limited, gzip.compress(text, 1))


@pytest.mark.parametrize("cut_at", [20, 100, 1000])
def test_damaged_metadata_is_not_taken_for_whole(tmp_path: Path, cut_at: int) -> None:
    whole = f"<metadata>{''.join(package(f'a{n}') for n in range(500))}{package()}</metadata>\n".encode()
    assert "<!-- whole -->" not in cut(tmp_path, ["dash"], gzip.compress(whole)[:-cut_at])


class _Trickle(http.server.BaseHTTPRequestHandler):
    """One byte a second, or all that anybody takes; of no length that is told."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _turn in range(40000):
                self.wfile.write(b"x" if "slow" in self.path else b"x" * 65536)
                self.wfile.flush()
                if "slow" in self.path:
                    time.sleep(1)
        except OSError:
            pass

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Trickle)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


PROGRAMS = [name for name in ("curl", "wget") if shutil.which(name)]


def host_with(tmp_path: Path, program: str) -> ShellHost:
    stubs = 'command() { [ "$2" = PROGRAM ]; }\nfree_kilobytes() { printf 99999999; }'.replace("PROGRAM", program)
    host = ShellHost(tmp_path / "host", stubs)
    for each in PROGRAMS:
        (host.folder / f"options/0-{each}").touch()
    return host


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_byte_a_second_ends_with_the_time_for_all_downloads(tmp_path: Path, mirror: str, program: str) -> None:
    host = host_with(tmp_path, program)
    began = time.monotonic()
    calls = [["download", f"0-{n}", f"{mirror}/slow", "1000", "0", ""] for n in range(6)]
    answer = host.ask(["fetch"], {"download_timeout": "2", "fetch_timeout": "3"}, calls)
    assert time.monotonic() - began < 8
    assert [section.words[1] != "0" for section in answer.named("download")] == [True] * 6
    assert list((host.folder / "download").iterdir()) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_file_without_end_does_not_fill_the_disk(tmp_path: Path, mirror: str, program: str) -> None:
    host = host_with(tmp_path, program)
    began = time.monotonic()
    calls = [["download", "0-x", f"{mirror}/all", "1000000", "0", ""]]
    answer = host.ask(["fetch"], {"download_timeout": "20", "fetch_timeout": "20"}, calls)
    assert time.monotonic() - began < 10
    assert answer.first("download").words[1] != "0"
    assert "longer than 1000000 bytes" in answer.first("download").body
    assert list((host.folder / "download").iterdir()) == []
