# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that do not end, lie or lead elsewhere: each is one error within the deadline of the download."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DownloadError, RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.download import Deadline, Downloader
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repo_config import Connection
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repodata import Checksum, decompressed
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.fetch import fetch
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.records import RuntimeSettings

SECONDS = 0.4
FEW = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))

Play = Callable[[socket.socket], None]


class Mirror:
    """A server on a free port that does C(play) with each connection."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self.connections = 0
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._play(connection)

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/repodata/repomd.xml"

    def close(self) -> None:
        for one in (self._server, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def mirror() -> Iterator[Callable[[Play], Mirror]]:
    with contextlib.ExitStack() as stack:

        def start(play: Play) -> Mirror:
            return stack.enter_context(contextlib.closing(Mirror(play)))

        yield start


def downloader(seconds: float = SECONDS, **connection: object) -> Downloader:
    return Downloader(Connection(**{"proxies": (), **connection}), Deadline(seconds))  # type: ignore[arg-type]


def refused(url: str, made: Downloader | None = None, limit: int = 1 << 20) -> str:
    """Read C(url), which must end with an error in time; return what it says."""
    begin = time.monotonic()
    with pytest.raises(RepositoryError) as caught:
        (made or downloader()).read(url, limit)
    assert time.monotonic() - begin < SECONDS + 1
    return caught.value.message


def requested(connection: socket.socket) -> None:
    connection.recv(65536)


def drip(connection: socket.socket, before: bytes, piece: bytes = b"x") -> None:
    """Say C(before) at once, then C(piece) ten times a second, for as long as somebody listens."""
    requested(connection)
    connection.sendall(before)
    while True:
        connection.sendall(piece)
        time.sleep(0.1)


def endless(connection: socket.socket, before: bytes, piece: bytes) -> None:
    requested(connection)
    connection.sendall(before)
    while True:
        connection.sendall(piece)


OK = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "nothing at all": lambda _c: time.sleep(30),
    "the status, byte by byte": lambda c: drip(c, b""),
    "the headers, byte by byte": lambda c: drip(c, OK + b"X: "),
    "headers, line by line": lambda c: drip(c, OK, b"A: b\r\n"),
    "the content, byte by byte": lambda c: drip(c, OK + b"Content-Length: 100000\r\n\r\n"),
    "content without an end": lambda c: drip(c, OK + b"\r\n"),
    "chunks of a byte": lambda c: drip(c, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "the size of a chunk": lambda c: drip(c, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "continue, continue": lambda c: drip(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the content of an error": lambda c: drip(c, b"HTTP/1.1 404 Not found\r\nContent-Length: 10000\r\n\r\n"),
    "a redirection without an end": lambda c: drip(c, b"HTTP/1.1 302 Found\r\nLocation: /", b"x"),
}


@pytest.mark.parametrize("play", SLOW.values(), ids=SLOW)
def test_the_deadline_is_one_for_the_whole_download(mirror: Callable[[Play], Mirror], play: Play) -> None:
    refused(mirror(play).url())


def test_a_byte_a_second_into_a_file(mirror: Callable[[Play], Mirror], tmp_path: Path) -> None:
    slow = mirror(SLOW["the content, byte by byte"])
    with pytest.raises(RepositoryError, match="time limit"):
        downloader().save(slow.url(), str(tmp_path / "x"), Checksum("sha256", "00" * 32), 100000, 1 << 20)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["https", "ftp"])
@pytest.mark.parametrize("piece", [b"", b"x", b"\x16\x03\x01\x40\x00"], ids=["silent", "text", "records"])
def test_other_protocols(mirror: Callable[[Play], Mirror], scheme: str, piece: bytes) -> None:
    refused(mirror(lambda c: drip(c, b"", piece) if piece else time.sleep(30)).url(scheme))


def test_ftp_that_welcomes_for_ever(mirror: Callable[[Play], Mirror]) -> None:
    def welcome(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"220-welcome\r\n")
            time.sleep(0.05)

    refused(mirror(welcome).url("ftp"))


def test_a_slow_proxy(mirror: Callable[[Play], Mirror]) -> None:
    for play in (SLOW["headers, line by line"], lambda c: drip(c, b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")):
        proxy = f"http://127.0.0.1:{mirror(play).port}"
        for scheme in ("http", "https"):
            refused(f"{scheme}://far.invalid/x", downloader(proxies=((scheme, proxy),)))


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: time.sleep(5))
    refused("http://mirror.invalid/x")


def test_a_server_that_takes_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _number in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        refused(f"http://127.0.0.1:{full.getsockname()[1]}/x")


FLOODS = {
    "one header line": lambda c: endless(c, OK + b"X: ", b"x" * 65536),
    "header lines": lambda c: endless(c, OK, b"A: b\r\n" * 10000),
    "content": lambda c: endless(c, OK + b"\r\n", b"x" * 65536),
    "chunks": lambda c: endless(c, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "chunk sizes": lambda c: endless(c, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
    "more than was said": lambda c: endless(c, OK + b"Content-Length: 100000000\r\n\r\n", b"x" * 65536),
    "continue": lambda c: endless(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
}


@pytest.mark.parametrize("play", FLOODS.values(), ids=FLOODS)
def test_a_flood(mirror: Callable[[Play], Mirror], play: Play) -> None:
    tracemalloc.start()
    try:
        refused(mirror(play).url())
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def says(text: bytes) -> Play:
    def play(connection: socket.socket) -> None:
        requested(connection)
        connection.sendall(text)

    return play


LIES = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "a status that is none": b"HTTP/1.1 999999 x\r\n\r\n",
    "less than it says": OK + b"Content-Length: 100\r\n\r\nshort",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk that is none": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx",
    "a negative chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nx",
    "a chunk that ends too early": OK + b"Transfer-Encoding: chunked\r\n\r\n100\r\nx",
    "moved to nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
    "moved to a port that is none": b"HTTP/1.1 302 Found\r\nLocation: http://h:x/\r\n\r\n",
    "moved to a name that is none": b"HTTP/1.1 302 Found\r\nLocation: http://" + b"x" * 300 + b".invalid/\r\n\r\n",
}


@pytest.mark.parametrize("text", LIES.values(), ids=LIES)
def test_a_lie(mirror: Callable[[Play], Mirror], text: bytes) -> None:
    refused(mirror(says(text)).url())


def test_what_a_server_says_is_shown_escaped_and_short(mirror: Callable[[Play], Mirror]) -> None:
    said = refused(mirror(says(b"HTTP/1.1 404 \x1b[2J" + b"x" * 5000 + b"\r\n\r\n")).url())
    assert "\x1b" not in said
    assert len(said) < 1000


@pytest.mark.parametrize("scheme", ["file", "data", "gopher", "jar", "FILE", "netdoc"])
def test_no_redirection_leads_to_this_host(mirror: Callable[[Play], Mirror], tmp_path: Path, scheme: str) -> None:
    (tmp_path / "secret").write_text("precious")
    target = f"{scheme}://{tmp_path}/secret".encode()
    assert "precious" not in refused(mirror(says(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\n\r\n")).url())


def test_redirections_without_an_end(mirror: Callable[[Play], Mirror]) -> None:
    for location in (b"/same", b"/%d"):
        count = iter(range(1000))

        def play(connection: socket.socket, location: bytes = location, count: Iterator[int] = count) -> None:
            target = location.replace(b"%d", b"%d" % next(count))
            says(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\n\r\n")(connection)

        made = mirror(play)
        refused(made.url())
        assert made.connections <= 12


def test_an_account_goes_to_its_server_alone(mirror: Callable[[Play], Mirror]) -> None:
    seen: list[bytes] = []

    def note(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(OK + b"Content-Length: 1\r\n\r\nx")

    other = mirror(note)
    first = mirror(says(b"HTTP/1.1 302 Found\r\nLocation: " + other.url().encode() + b"\r\n\r\n"))
    assert downloader(5, username="user", password="secret").read(first.url(), 10) == b"x"
    assert b"Authorization" not in seen[0]


@FEW
@given(st.binary(max_size=40), st.sampled_from([b"", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", gzip.compress(b"x" * 99)]))
def test_any_compressed_file(data: bytes, start: bytes) -> None:
    with contextlib.suppress(RepositoryError):
        list(decompressed(io.BytesIO(start + data), 1000))


@FEW
@given(st.text(max_size=30), st.sampled_from(["", "http://", "http://[", "file://", "http://h:", "ftp://u@h/"]))
def test_any_address(text: str, start: str) -> None:
    with pytest.raises(RepositoryError):
        downloader(0).read(start + text, 10)


# The archive of a runtime.


def test_a_runtime_from_a_slow_server(mirror: Callable[[Play], Mirror], tmp_path: Path) -> None:
    slow = mirror(SLOW["the content, byte by byte"])
    wanted = RuntimeSettings(
        "present", "3.13.1", place=slow.url(), sha256=hashlib.sha256(b"").hexdigest(), fetch_timeout=SECONDS
    )
    with pytest.raises(DownloadError, match="time limit"):
        fetch(wanted, str(tmp_path))
