# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Downloads over file, http, https and ftp: bounded in size and time, checked against size and checksum.

The deadline holds for the whole of a download, whatever the server or the name server does: what may wait is done by a
thread of its own, and whoever wants the content waits for that no longer than there is time.
"""

import base64
import contextlib
import http.client
import os
import queue
import threading
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

try:
    import ssl
except ImportError:
    # A host that lost its OpenSSL still has files, and tells what it lacks.
    ssl = None  # type: ignore[assignment]

from .._base.errors import RepositoryError
from .._base.text import printable
from .._disk.files import new_hash, open_new, open_to_read
from .._disk.space import clear_errors, ensure_room
from .._disk.trees import remove_any
from .addresses import parsed_url, shown_url
from .repo_config import Connection
from .repodata import Checksum

__all__ = ["SOCKET_TIMEOUT", "Deadline", "Downloader"]

SOCKET_TIMEOUT = 30.0
_CHUNK = 1 << 18
# Characters of what a server may have said.
_LONGEST_REASON = 500
_AGENT = "fleet.system_python"

# Where distributions keep the authorities' certificates, for an interpreter whose OpenSSL looks elsewhere.
_BUNDLES = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/certs/ca-certificates.crt",
)


class Deadline:
    """A time limit over many steps, in seconds of C(clock)."""

    def __init__(self, seconds: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds left. Raises RepositoryError when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise RepositoryError("the time limit of {0:g} seconds for the download is over".format(self.seconds))
        return left


class Downloader:
    """Reads URLs the way that one repository's configuration asks for."""

    def __init__(self, connection: Connection, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._tls: t.Dict[str, ssl.SSLContext] = {}

    def read(self, url: str, limit: int) -> bytes:
        """Return the content of C(url). Raises RepositoryError when it cannot be had or exceeds C(limit) bytes."""
        return b"".join(self._chunks(url, limit))

    def save(self, url: str, path: str, checksum: Checksum, size: t.Optional[int], limit: int) -> None:
        """Write the content of C(url) to the new file C(path).

        Raises RepositoryError when it cannot be had, is longer than C(limit), or its size or checksum is another;
        DiskFullError when there is no room. C(path) does not exist then.
        """
        folder = os.path.dirname(path)
        if size is not None:
            limit = min(limit, size)
            ensure_room(folder, size)
        with clear_errors(path), open_new(path) as stream:
            try:
                found = self._write(url, stream, checksum.algorithm, limit)
                stream.flush()
                if found != (found[0] if size is None else size, checksum.value):
                    raise _unexpected(url, checksum, size, found)
            except BaseException:
                remove_any(path)
                raise

    def download(self, url: str, path: str, algorithm: str, limit: int) -> t.Tuple[int, str]:
        """Write the content of C(url) to the new file C(path); return size and checksum, for the caller to judge.

        Raises RepositoryError when it cannot be had or is longer than C(limit), DiskFullError when there is no room.
        """
        with clear_errors(path), open_new(path) as stream:
            return self._write(url, stream, algorithm, limit)

    def _write(self, url: str, stream: t.BinaryIO, algorithm: str, limit: int) -> t.Tuple[int, str]:
        digest = new_hash(algorithm)
        total = 0
        for chunk in self._chunks(url, limit):
            digest.update(chunk)
            total += len(chunk)
            stream.write(chunk)
        return total, digest.hexdigest()

    def _chunks(self, url: str, limit: int) -> t.Iterator[bytes]:
        total = 0
        reader = _Reader(lambda: self._open(url))
        try:
            while True:
                with _as_repository_error(url):
                    chunk = reader.next(self._deadline)
                if not chunk:
                    return
                total += len(chunk)
                if total > limit:
                    raise RepositoryError("{0} is longer than {1} bytes".format(shown_url(url), limit))
                yield chunk
        finally:
            reader.leave()

    def _open(self, url: str) -> t.Any:
        parts = parsed_url(url)
        if parts.scheme == "file":
            return open_to_read(os.fsdecode(urllib.parse.unquote_to_bytes(parts.path)), follow=True)
        if parts.scheme not in ("http", "https", "ftp"):
            raise RepositoryError(
                "{0} cannot be read here: only file, http, https and ftp can".format(printable(shown_url(url)))
            )
        opener = urllib.request.build_opener(*self._handlers(parts))
        opener.addheaders = [("User-Agent", _AGENT), ("Accept-Encoding", "identity")]
        if parts.scheme != "ftp":
            parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        return opener.open(parts.geturl(), timeout=min(SOCKET_TIMEOUT, self._deadline.left()))

    def _handlers(self, parts: urllib.parse.SplitResult) -> t.List[urllib.request.BaseHandler]:
        handlers: t.List[urllib.request.BaseHandler] = [self._proxies(parts)]
        if parts.scheme not in self._tls:
            # Without https here, it can only come by a redirection to somewhere else.
            known = self._connection if parts.scheme == "https" else Connection(verify=self._connection.verify)
            self._tls[parts.scheme] = _context(known)
        handlers.append(urllib.request.HTTPSHandler(context=self._tls[parts.scheme]))
        username = urllib.parse.unquote(parts.username or "") or self._connection.username
        password = urllib.parse.unquote(parts.password or "") or self._connection.password
        if username:
            handlers.append(_BasicAuthentication(parts.scheme, parts.netloc.rpartition("@")[2], username, password))
        return handlers

    def _proxies(self, parts: urllib.parse.SplitResult) -> urllib.request.ProxyHandler:
        proxies = self._connection.proxies
        if proxies is None:
            return urllib.request.ProxyHandler()
        if _needs_no_proxy(parts.hostname or "", self._connection.no_proxy):
            return urllib.request.ProxyHandler({})
        return urllib.request.ProxyHandler(dict(proxies))


class _Reader(threading.Thread):
    """Reads what C(open_source) opens, a piece for each that is asked for.

    A time limit of the socket is not enough: it begins anew with each byte, and looking a name up has none.
    """

    def __init__(self, open_source: t.Callable[[], t.Any]) -> None:
        # A daemon: where a server holds it up, it ends with the process.
        super().__init__(daemon=True)
        self._open_source = open_source
        self._asked: "queue.Queue[bool]" = queue.Queue()
        self._pieces: "queue.Queue[t.Union[bytes, Exception]]" = queue.Queue()
        self.start()

    def run(self) -> None:
        """Read until nobody asks any more."""
        with contextlib.ExitStack() as stack:
            source = None
            while self._asked.get():
                try:
                    source = source or stack.enter_context(contextlib.closing(self._open_source()))
                    self._pieces.put(_piece_of(source))
                except Exception as error:  # noqa: BLE001  # it is raised where the piece is waited for
                    self._pieces.put(error)

    def next(self, deadline: Deadline) -> bytes:
        """Return the next piece, nothing at the end. Raises what reading raised, RepositoryError at the deadline."""
        self._asked.put(True)
        try:
            piece = self._pieces.get(timeout=deadline.left())
        except queue.Empty:
            deadline.left()
            raise
        if isinstance(piece, Exception):
            raise piece
        return piece

    def leave(self) -> None:
        self._asked.put(False)


def _piece_of(source: t.Any) -> bytes:
    piece: bytes = source.read(_CHUNK)
    missing = getattr(source, "length", None)
    if not piece and missing:
        raise http.client.IncompleteRead(b"", missing)
    return piece


def _unexpected(url: str, checksum: Checksum, size: t.Optional[int], found: t.Tuple[int, str]) -> RepositoryError:
    wanted = checksum.value if size is None else "{0} bytes with {1}".format(size, checksum.value)
    return RepositoryError(
        "{0} is not what the metadata says: {1} bytes with the {2} {3} instead of {4}".format(
            printable(shown_url(url)), found[0], checksum.algorithm, found[1], wanted
        )
    )


@contextlib.contextmanager
def _as_repository_error(url: str) -> t.Iterator[None]:
    """Turn what urllib, http.client and ssl raise into RepositoryError; errors of writing do not come through here."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
        shown = printable(shown_url(url))
        raise RepositoryError(
            "{0}: {1}".format(shown, printable(_reason(error))[:_LONGEST_REASON]), url=shown
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return "the server answered {0} {1}".format(error.code, error.reason)
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "{0}: {1}".format(type(error).__name__, error) if str(error) else type(error).__name__


class _BasicAuthentication(urllib.request.BaseHandler):
    """Sends user and password with the first request, as dnf and zypper do, but never to the host of a redirection."""

    def __init__(self, scheme: str, host: str, username: str, password: str) -> None:
        self._server = (scheme, host)
        account = "{0}:{1}".format(username, password).encode("utf-8")
        self._value = "Basic " + base64.b64encode(account).decode("ascii")

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        """Add the header."""
        parts = urllib.parse.urlsplit(request.full_url)
        if (parts.scheme, parts.netloc) == self._server:
            request.add_unredirected_header("Authorization", self._value)
        return request

    https_request = http_request


def _needs_no_proxy(host: str, no_proxy: str) -> bool:
    for entry in no_proxy.replace(",", " ").split():
        suffix = entry.lstrip("*").lstrip(".")
        if entry == "*" or host == suffix or (suffix and host.endswith("." + suffix)):
            return True
    return False


def _context(connection: Connection) -> "ssl.SSLContext":
    if ssl is None:
        raise RepositoryError("the Python that runs here has no ssl: its OpenSSL is gone or is another")
    is_folder = os.path.isdir(connection.ca)
    context = ssl.create_default_context(
        cafile=None if is_folder else connection.ca or None, capath=connection.ca if is_folder else None
    )
    # Python 3.13 asks more of an authority's certificate than dnf and zypper do, so that private ones fail.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not connection.ca and not context.cert_store_stats()["x509_ca"]:
        for bundle in _BUNDLES:
            if os.path.isfile(bundle):
                context.load_verify_locations(cafile=bundle)
                break
    if not connection.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if connection.certificate:
        _load_client(context, connection.certificate, connection.key)
    return context


def _load_client(context: "ssl.SSLContext", certificate: str, key: str) -> None:
    try:
        # With an empty password, a protected key fails instead of asking on a terminal.
        context.load_cert_chain(certificate, key or None, password="")
    except OSError as error:
        raise RepositoryError(
            "the client's certificate {0} (key {1}) cannot be used: {2}. A key that is protected by a password cannot "
            "be used at all.".format(printable(certificate), printable(key or certificate), error)
        ) from error
