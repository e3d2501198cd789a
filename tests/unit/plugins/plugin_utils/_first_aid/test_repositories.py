# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repo_config import Connection
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import parse_nevra
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.repo_access import (
    curl_options,
    wget_options,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.repositories import RepositoryReader
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import (
    Answer,
    Calls,
    Section,
    Settings,
)

WANTED = Wanted(parse_nevra("python3-3.9.2-1.el9.x86_64"))
PACKAGE = (
    '<package type="rpm"><name>python3</name><arch>{arch}</arch><version epoch="0" ver="{ver}" rel="1.el9"/>'
    '<checksum type="sha256" pkgid="YES">{digest}</checksum><size package="7"/>'
    '<location href="Packages/p.rpm"/></package>'
)
OTHER = '<package type="rpm"><name>other</name></package>'


class Web:
    """Answers the calls of fetch.sh from a dictionary of URLs, as the script on the host does."""

    def __init__(self, repositories: str, files: Mapping[str, bytes], awk: bool = True) -> None:
        self.files = files
        self.repositories = repositories
        self.awk = awk
        self.saved: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.sections: list[Section] = []
        self.uploads: dict[str, str] = {}
        self.options: dict[str, str] = {}

    def __call__(self, parts: Sequence[str], calls: Calls, settings: Settings) -> Answer:
        assert (parts, "fetch_timeout" in settings) == (["fetch"], True)
        self.sections = []
        for name, *arguments in calls:
            getattr(self, name)(*arguments)
        return Answer(tuple(self.sections))

    def add(self, name: str, *words: str, body: str = "") -> None:
        self.sections.append(Section(name, words, body))

    def show_configuration(self, *providers: str) -> None:
        content = base64.b64encode(self.repositories.encode()).decode()
        self.add("file", body=f"/etc/yum.repos.d/a.repo\n{content}")
        self.add("architecture", "x86_64")
        for provider in providers:
            self.add("provider", provider, body="9.7\nsystem-release 9.7")
            self.add("provider-rc", provider, "0")

    def adopt_options(self, path: str) -> None:
        self.options = dict(line.split(" ") for line in self.uploads[path].splitlines())

    def upload(self, path: Path) -> str:
        self.uploads[path.name] = path.read_text()
        return path.name

    def download(self, key: str, url: str, limit: str, repository: str, authorities: str) -> None:
        assert f"{repository}-curl" in self.options
        assert authorities == ""
        self.asked.append(url)
        data = self.files.get(url.replace("http://", "").replace("/", "_").replace(".", "_").replace("-", "_"))
        if data is None or len(data) > int(limit):
            self.add("download", key, "22", "0", body="curl: (22) The requested URL returned error: 404")
            return
        self.saved[key] = data
        self.add("download", key, "0", str(len(data)))

    def show_download(self, key: str) -> None:
        if key in self.saved:
            self.add("content-of", key, body=base64.b64encode(self.saved[key]).decode())

    def check(self, key: str, algorithm: str, value: str) -> None:
        if key in self.saved and hashlib.new(algorithm, self.saved[key]).hexdigest() != value:
            del self.saved[key]
            self.add("mismatch", key)

    def cut_packages(self, key: str, *names: str) -> None:
        if not self.awk:
            self.show_download(key)
        elif key in self.saved:
            text = gzip.decompress(self.saved[key]).decode()
            kept = [part for part in text.split("\n") if any(f"<name>{name}</name>" in part for name in names)]
            self.add("cut", key, body="".join([*kept, "<!-- whole -->"]))


def site(
    version: str = "3.9.2", host: str = "good", package: bytes = b"package", arches: Sequence[str] = ("i686", "x86_64")
) -> dict[str, bytes]:
    digest = hashlib.sha256(b"package").hexdigest()
    offered = "\n".join(PACKAGE.format(ver=version, arch=arch, digest=digest) for arch in arches)
    text = f"<metadata>\n{OTHER}\n{offered}\n</metadata>"
    primary = gzip.compress(text.encode())
    repomd = (
        '<repomd><data type="primary"><checksum type="sha256">'
        f"{hashlib.sha256(primary).hexdigest()}"
        '</checksum><location href="repodata/primary.xml.gz"/></data></repomd>'
    )
    return {
        f"{host}_repodata_repomd_xml": repomd.encode(),
        f"{host}_repodata_primary_xml_gz": primary,
        f"{host}_Packages_p_rpm": package,
    }


def reader(web: Web) -> RepositoryReader:
    return RepositoryReader(web, web.upload, "/staging")


@pytest.mark.parametrize("awk", [True, False])
def test_the_exact_package_is_found_and_downloaded(awk: bool) -> None:
    web = Web("[a]\nbaseurl=http://good/\n", site(), awk)
    found = reader(web).fetch([WANTED])
    assert found == [(WANTED, "/staging/download/0-python3-3.9.2-1.el9.x86_64.rpm")]
    assert web.asked[-1] == "http://good/Packages/p.rpm"


@pytest.mark.parametrize("arch", ["x86_64", "x86_64_v2", "aarch64", "s390x"])
def test_only_the_architecture_that_is_wanted_is_taken(arch: str) -> None:
    wanted = Wanted(WANTED.id._replace(arch=arch))
    asked = reader(Web("[a]\nbaseurl=http://good/\n", site(arches=[arch, "i686"])))
    assert asked.fetch([wanted]) == [(wanted, f"/staging/download/0-python3-3.9.2-1.el9.{arch}.rpm")]
    asked = reader(Web("[a]\nbaseurl=http://good/\n", site(arches=["i686"])))
    assert asked.fetch([wanted]) == []


def test_the_next_mirror_is_asked() -> None:
    web = Web("[a]\nbaseurl=http://dead/ http://good/\n", site())
    asked = reader(web)
    assert asked.fetch([WANTED])
    assert asked.reasons == []
    assert web.asked[0] == "http://dead/repodata/repomd.xml"


def test_a_mirror_list_and_the_variables_of_the_host() -> None:
    web = Web(
        "[a]\nmirrorlist=http://list/$releasever/$basearch\n",
        {**site(), "list_9_7_x86_64": b"# comment\nhttp://dead/\nhttp://good/\n"},
    )
    assert reader(web).fetch([WANTED])


def test_one_broken_repository_does_not_hide_another() -> None:
    web = Web("[bad]\nbaseurl=http://dead/\n[odd]\nbaseurl=plugin:/cloud\n[a]\nbaseurl=http://good/\n", site())
    asked = reader(web)
    assert asked.fetch([WANTED])
    assert any(reason.startswith("bad: http://dead/") and "404" in reason for reason in asked.reasons)
    assert any(reason.startswith("odd:") for reason in asked.reasons)


def test_another_version_is_named() -> None:
    asked = reader(Web("[a]\nbaseurl=http://good/\n", site(version="3.9.9")))
    assert asked.fetch([WANTED]) == []
    assert asked.available == {"python3": {"3.9.9-1.el9"}}
    assert "3.9.9-1.el9" in asked.reasons[-1]


def test_a_package_that_is_not_what_the_metadata_says() -> None:
    asked = reader(Web("[a]\nbaseurl=http://good/\n", site(package=b"changed")))
    assert asked.fetch([WANTED]) == []
    assert any("not what the metadata says" in reason for reason in asked.reasons)


def test_damaged_metadata() -> None:
    files = {**site(), "good_repodata_repomd_xml": b"<repomd>"}
    asked = reader(Web("[a]\nbaseurl=http://good/\n", files))
    assert asked.fetch([WANTED]) == []
    assert any("not valid XML" in reason for reason in asked.reasons)


def test_no_repository_is_enabled() -> None:
    with pytest.raises(RepositoryError, match="no repository is enabled"):
        reader(Web("[a]\nbaseurl=http://good/\nenabled=0\n", {})).fetch([WANTED])


@pytest.mark.parametrize(
    ("connection", "curl", "wget"),
    [
        (Connection(), "", ""),
        (Connection(verify=False), "insecure", "check_certificate = off"),
        (
            Connection(certificate="/c.pem", key="/k.pem"),
            'cert = "/c.pem"\nkey = "/k.pem"',
            "certificate = /c.pem\nprivate_key = /k.pem",
        ),
        (Connection(username="u", password='p"\\'), 'user = "u:p\\"\\\\"', 'user = u\npassword = p"\\'),
        (Connection(proxies=()), 'noproxy = "*"', "use_proxy = off"),
        (
            Connection(proxies=(("http", "http://proxy:1"),), no_proxy="local"),
            'proxy = "http://proxy:1"\nnoproxy = "local"',
            "use_proxy = on\nhttp_proxy = http://proxy:1\nno_proxy = local",
        ),
    ],
)
def test_how_a_repository_is_reached(connection: Connection, curl: str, wget: str) -> None:
    assert curl_options(connection) == curl
    assert wget_options(connection) == wget
