# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers in this process: plain, encrypted, with client certificates, redirecting, slow, lying, proxies."""

import base64
import hashlib
import http.server
import os
import ssl
import threading
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DiskFullError, RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._packages import download
from ansible_collections.fleet.system_python.plugins.module_utils._packages.download import (
    Deadline,
    Downloader,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repo_config import Connection
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repodata import Checksum, checksum_of
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import run, skip_unless

Folder = t.Any
CONTENT = os.urandom(700000)
ACCOUNT: t.Dict[str, t.Any] = {"username": "user", "password": "p@ss"}
SUM = Checksum("sha256", hashlib.sha256(CONTENT).hexdigest())


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path; notes every request."""

    def do_GET(self) -> None:
        server = t.cast("Server", self.server)
        server.requests.append((self.path, self.headers))
        name = self.path.rpartition("/")[2].partition("?")[0]
        if name == "moved":
            self.send_response(302)
            self.send_header("Location", server.target)
            self.end_headers()
        elif name == "secret" and self.headers.get("Authorization") != server.account:
            self.send_error(401)
        elif name in ("file", "secret", "short", "slow"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self._send(name)
        else:
            self.send_error(404)

    def _send(self, name: str) -> None:
        if name == "short":
            self.wfile.write(CONTENT[:1000])
        elif name == "slow":
            self.wfile.write(CONTENT[:1000])
            self.wfile.flush()
            time.sleep(3)
        else:
            self.wfile.write(CONTENT)

    def log_message(self, *_arguments: t.Any) -> None:
        pass


class Server(http.server.HTTPServer):
    """On a free port, in a thread."""

    account = "Basic " + base64.b64encode(b"user:p@ss").decode()

    def __init__(self, context: t.Optional[ssl.SSLContext] = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: t.List[t.Tuple[str, t.Any]] = []
        self.target = ""
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.thread.start()

    def handle_error(self, *_arguments: t.Any) -> None:
        """Say nothing of clients that go away; that is tested."""

    def url(self, name: str, host: str = "localhost") -> str:
        return "{0}://{1}:{2}/{3}".format(self.scheme, host, self.server_address[1], name)

    def close(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


@pytest.fixture
def server() -> t.Iterator[Server]:
    made = Server()
    yield made
    made.close()


def downloader(seconds: float = 30.0, **connection: t.Any) -> Downloader:
    return Downloader(Connection(**dict({"proxies": ()}, **connection)), Deadline(seconds))


class TestDeadline:
    def test_counts(self) -> None:
        now = [100.0]
        deadline = Deadline(5.0, lambda: now[0])
        assert deadline.left() == 5.0
        now[0] = 105.0
        with pytest.raises(RepositoryError, match="time limit of 5 seconds"):
            deadline.left()


class TestContent:
    def test_read(self, server: Server) -> None:
        assert downloader().read(server.url("file"), 1 << 20) == CONTENT

    def test_save(self, server: Server, tmp_path: Folder) -> None:
        path = str(tmp_path / "x")
        downloader().save(server.url("file"), path, SUM, len(CONTENT), 1 << 30)
        with open(path, "rb") as stream:
            assert stream.read() == CONTENT

    def test_file(self, tmp_path: Folder) -> None:
        (tmp_path / "a b%").write_bytes(b"x")
        assert downloader().read("file://{0}/a%20b%25".format(tmp_path), 10) == b"x"

    @pytest.mark.parametrize(
        ("name", "checksum", "size", "says"),
        [
            ("file", Checksum("sha256", "00" * 32), len(CONTENT), "not what the metadata says"),
            ("file", SUM, len(CONTENT) + 1, "not what the metadata says"),
            ("file", SUM, len(CONTENT) - 1, "longer than"),
            ("short", SUM, len(CONTENT), "not what the metadata says|IncompleteRead"),
            ("short", SUM, None, "not what the metadata says|IncompleteRead"),
            ("none", SUM, None, "answered 404"),
        ],
    )
    def test_wrong_content_leaves_nothing(
        self, server: Server, tmp_path: Folder, name: str, checksum: Checksum, size: t.Optional[int], says: str
    ) -> None:
        path = str(tmp_path / "x")
        with pytest.raises(RepositoryError, match=says):
            downloader().save(server.url(name), path, checksum, size, 1 << 30)
        assert not os.path.exists(path)

    def test_never_over_an_existing_file(self, server: Server, tmp_path: Folder) -> None:
        target = tmp_path / "x"
        target.write_bytes(b"precious")
        with pytest.raises(FileExistsError):
            downloader().save(server.url("file"), str(target), SUM, None, 1 << 30)
        assert target.read_bytes() == b"precious"

    def test_disk_full_before(self, server: Server, tmp_path: Folder) -> None:
        with pytest.raises(DiskFullError):
            downloader().save(server.url("file"), str(tmp_path / "x"), SUM, 1 << 60, 1 << 61)
        assert server.requests == []

    def test_disk_full_while_writing(self, server: Server, mounter: t.Any, tmp_path: Folder) -> None:
        small = mounter.tmpfs(str(tmp_path / "small"), "100k")
        path = os.path.join(small, "x")
        with pytest.raises(DiskFullError):
            downloader().save(server.url("file"), path, SUM, None, 1 << 30)
        assert not os.path.exists(path)

    @pytest.mark.parametrize("url", ["nfs://h/x", "plugin:/susecloud", "javascript:alert(1)", "no-scheme"])
    def test_other_schemes(self, url: str) -> None:
        with pytest.raises(RepositoryError, match="only file, http, https and ftp"):
            downloader().read(url, 10)

    def test_nobody_there(self) -> None:
        closed = Server()
        url = closed.url("file")
        closed.close()
        with pytest.raises(RepositoryError, match="refused"):
            downloader().read(url, 10)

    def test_unknown_host(self) -> None:
        with pytest.raises(RepositoryError, match=r"http://nowhere\.invalid/x: "):
            downloader().read("http://nowhere.invalid/x", 10)

    def test_stalled_server(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download, "SOCKET_TIMEOUT", 0.3)
        with pytest.raises(RepositoryError, match=r"timed out|timeout"):
            downloader().read(server.url("slow"), 1 << 30)

    def test_checksum_of(self) -> None:
        assert checksum_of(CONTENT, "sha256") == SUM


class TestAccounts:
    def test_from_the_configuration(self, server: Server) -> None:
        assert downloader(**ACCOUNT).read(server.url("secret"), 1 << 20) == CONTENT

    def test_from_the_url(self, server: Server) -> None:
        url = server.url("secret").replace("//", "//user:p%40ss@")
        assert downloader().read(url, 1 << 20) == CONTENT

    def test_wrong_password_is_not_in_the_message(self, server: Server) -> None:
        url = server.url("secret?token=hidden").replace("//", "//user:hidden@")
        with pytest.raises(RepositoryError, match="answered 401") as caught:
            downloader().read(url, 1 << 20)
        assert "hidden" not in str(caught.value)

    def test_not_sent_to_where_a_redirection_leads(self, server: Server) -> None:
        other = Server()
        server.target = other.url("file", "127.0.0.1")
        try:
            assert downloader(**ACCOUNT).read(server.url("moved"), 1 << 20) == CONTENT
        finally:
            other.close()
        assert server.requests[0][1]["Authorization"] == Server.account
        assert "Authorization" not in other.requests[0][1]

    def test_no_redirection_into_the_file_system(self, server: Server, tmp_path: Folder) -> None:
        (tmp_path / "x").write_bytes(b"secret")
        server.target = "file://{0}/x".format(tmp_path)
        with pytest.raises(RepositoryError):
            downloader().read(server.url("moved"), 1 << 20)


class TestProxies:
    def test_by_configuration(self, server: Server) -> None:
        proxy = server.url("").replace("//", "//me:pw@")
        made = downloader(proxies=(("http", proxy),))
        assert made.read("http://far.invalid/os/file", 1 << 20) == CONTENT
        path, headers = server.requests[0]
        assert path == "http://far.invalid/os/file"
        assert headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:pw").decode()

    def test_exceptions(self, server: Server) -> None:
        made = downloader(proxies=(("http", "http://nowhere.invalid:1"),), no_proxy="a, localhost")
        assert made.read(server.url("file"), 1 << 20) == CONTENT

    def test_none_even_with_one_in_the_environment(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://nowhere.invalid:1")
        assert downloader(proxies=()).read(server.url("file"), 1 << 20) == CONTENT

    def test_by_environment(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", server.url(""))
        monkeypatch.delenv("no_proxy", raising=False)
        assert downloader(proxies=None).read("http://far.invalid/file", 1 << 20) == CONTENT


class Certificates(t.NamedTuple):
    ca: str
    server: str
    client: str
    protected: str


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: t.Any) -> Certificates:
    """An authority and what it signed; each file holds certificate and key."""
    skip_unless("openssl")
    folder = str(tmp_path_factory.mktemp("tls"))
    ca = os.path.join(folder, "ca.pem")
    key = os.path.join(folder, "ca.key")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout"]
    run(*new + [key, "-x509", "-days", "2", "-subj", "/CN=Test authority", "-out", ca])
    made = [_certificate(folder, name, ca, key, new) for name in ("server", "client")]
    protected = os.path.join(folder, "protected.key")
    run("openssl", "rsa", "-aes256", "-passout", "pass:secret", "-in", made[1], "-out", protected)
    return Certificates(ca, made[0], made[1], protected)


def _certificate(folder: str, name: str, ca: str, ca_key: str, new: t.Sequence[str]) -> str:
    start = os.path.join(folder, name)
    run(*list(new) + [start + ".key", "-subj", "/CN=" + name, "-out", start + ".csr"])
    with open(start + ".ext", "w") as stream:
        stream.write("subjectAltName=DNS:localhost\n")
    sign = ["openssl", "x509", "-req", "-days", "2", "-CA", ca, "-CAkey", ca_key, "-CAcreateserial"]
    run(*sign + ["-in", start + ".csr", "-extfile", start + ".ext", "-out", start + ".crt"])
    with open(start + ".pem", "w") as stream:
        for part in (start + ".key", start + ".crt"):
            with open(part) as source:
                stream.write(source.read())
    return start + ".pem"


@pytest.fixture
def tls(certificates: Certificates) -> t.Iterator[Server]:
    """Asks for a client certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    context.load_verify_locations(certificates.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    made = Server(context)
    yield made
    made.close()


class TestTls:
    def test_client_certificate(self, tls: Server, certificates: Certificates) -> None:
        made = downloader(ca=certificates.ca, certificate=certificates.client)
        assert made.read(tls.url("file"), 1 << 20) == CONTENT
        assert made.read(tls.url("file"), 1 << 20) == CONTENT

    def test_authority_not_known(self, tls: Server, certificates: Certificates) -> None:
        with pytest.raises(RepositoryError, match=r"(?i)certificate verify failed"):
            downloader(certificate=certificates.client).read(tls.url("file"), 1 << 20)

    def test_wrong_name(self, tls: Server, certificates: Certificates) -> None:
        with pytest.raises(RepositoryError, match=r"(?i)certificate|hostname|match"):
            downloader(ca=certificates.ca, certificate=certificates.client).read(tls.url("file", "127.0.0.1"), 1 << 20)

    def test_verification_turned_off(self, tls: Server, certificates: Certificates) -> None:
        made = downloader(verify=False, certificate=certificates.client)
        assert made.read(tls.url("file", "127.0.0.1"), 1 << 20) == CONTENT

    def test_without_client_certificate(self, tls: Server, certificates: Certificates) -> None:
        with pytest.raises(RepositoryError):
            downloader(ca=certificates.ca).read(tls.url("file"), 1 << 20)

    def test_lost_certificate(self, tls: Server, certificates: Certificates) -> None:
        with pytest.raises(RepositoryError, match=r"/nowhere\.pem.*No such file"):
            downloader(ca=certificates.ca, certificate="/nowhere.pem").read(tls.url("file"), 1 << 20)

    def test_protected_key_fails_instead_of_asking(self, tls: Server, certificates: Certificates) -> None:
        made = downloader(ca=certificates.ca, certificate=certificates.client, key=certificates.protected)
        with pytest.raises(RepositoryError, match="protected by a password"):
            made.read(tls.url("file"), 1 << 20)
