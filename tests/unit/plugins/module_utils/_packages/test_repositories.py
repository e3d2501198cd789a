# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real repositories, made by createrepo_c, in folders and behind a server of this process."""

import functools
import hashlib
import http.server
import os
import re
import shutil
import threading
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DiskFullError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.acquisition import Fetched
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repositories import Repositories
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import parse_nevra
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    run,
    skip_unless,
)

Folder = t.Any
ALPHA = Wanted(parse_nevra("alpha-1.0-1.noarch"))
BETA = Wanted(parse_nevra("beta-2:1.0-1.noarch"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: t.Any) -> t.Dict[str, str]:
    skip_unless("rpm", "rpmbuild", "createrepo_c")
    folder = str(tmp_path_factory.mktemp("packages"))
    return {
        "alpha": build(folder, "alpha", [PackagedFile("/opt/alpha", b"x" * 5000)]),
        "beta": build(folder, "beta", [PackagedFile("/opt/beta", b"x")], epoch=2),
        "newer": build(folder, "alpha", [PackagedFile("/opt/alpha", b"x")], version="1.1"),
    }


class NoarchRpm(Rpm):
    """A system of packages for every processor."""

    def architecture(self) -> str:
        return "noarch"


class Place:
    """A root with configuration, and repositories below srv."""

    def __init__(self, folder: str, built: t.Mapping[str, str]) -> None:
        self.root = folder
        self.built = built
        self.staging = os.path.join(folder, "staging")
        os.makedirs(self.staging)
        os.makedirs(os.path.join(folder, "etc/yum.repos.d"))

    def repository(self, name: str, *packages: str, **options: str) -> str:
        folder = os.path.join(self.root, "srv", name)
        os.makedirs(os.path.join(folder, "Packages"))
        for package in packages:
            shutil.copy(self.built[package], os.path.join(folder, "Packages"))
        compress = options.get("compress", "gz")
        known = "gz" if compress == "zstd" else compress
        run("createrepo_c", "--general-compress-type=" + known, folder)
        if compress == "zstd":
            _with_zstd(os.path.join(folder, "repodata"))
        return folder

    def configure(self, text: str) -> None:
        with open(os.path.join(self.root, "etc/yum.repos.d/test.repo"), "w") as stream:
            stream.write(text.replace("SRV", "file://" + os.path.join(self.root, "srv")))

    def source(self, **options: t.Any) -> Repositories:
        return Repositories(NoarchRpm(check_database=False), self.root, **options)

    def fetch(self, *wanted: Wanted) -> Fetched:
        return self.source().fetch(wanted or [ALPHA], self.staging)


def _with_zstd(folder: str) -> None:
    """Pack the primary metadata anew; createrepo_c can do it only since 1.0."""
    packed = next(name for name in os.listdir(folder) if name.endswith("primary.xml.gz"))
    plain = os.path.join(folder, packed[:-3])
    run("gzip", "-d", plain + ".gz")
    run("zstd", "-q", "--rm", plain)
    text = (
        '<checksum type="sha256">{0}</checksum>\\g<1><location href="repodata/{1}.zst"/>\\g<2><size>{2}</size>'.format(
            digest(plain + ".zst"), packed[:-3], os.path.getsize(plain + ".zst")
        )
    )
    pattern = (
        r'(?s)(?<=<data type="primary">)\s*<checksum type="sha256">\w+</checksum>(.*?)'
        r"<location [^>]*>(.*?)<size>\d+</size>"
    )
    rewrite(os.path.join(folder, "repomd.xml"), lambda data: re.sub(pattern, text, data.decode(), count=1).encode())


@pytest.fixture
def place(tmp_path: Folder, built: t.Dict[str, str]) -> Place:
    return Place(str(tmp_path), built)


def contents(found: Fetched) -> t.Dict[str, str]:
    result = {}
    for proposal in found.proposals:
        with open(proposal.path, "rb") as stream:
            result[proposal.wanted.name] = hashlib.sha256(stream.read()).hexdigest()
    return result


def digest(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def rewrite(path: str, change: t.Callable[[bytes], bytes]) -> None:
    with open(path, "rb") as stream:
        data = stream.read()
    with open(path, "wb") as stream:
        stream.write(change(data))


class TestReading:
    @pytest.mark.parametrize("compress", ["gz", "xz", "bz2", "zstd"])
    def test_compressions(self, place: Place, compress: str) -> None:
        if compress == "zstd":
            skip_unless("zstd")
        place.repository("os", "alpha", "newer", "beta", compress=compress)
        place.configure("[os]\nbaseurl=SRV/os\n")
        found = place.fetch(ALPHA, BETA)
        assert found.reasons == []
        assert contents(found) == {"alpha": digest(place.built["alpha"]), "beta": digest(place.built["beta"])}
        assert re.match(r"alpha-1\.0-1\.noarch from os \(file:///.*/srv/os\)$", found.proposals[0].origin)

    def test_zstd_without_its_command(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        skip_unless("zstd")
        place.repository("os", "alpha", compress="zstd")
        place.configure("[os]\nbaseurl=SRV/os\n")
        monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
        found = place.fetch(ALPHA)
        assert found.proposals == []
        assert "compressed with zstd" in found.reasons[0]
        assert "package zstd" in found.reasons[0]

    def test_several_repositories_until_all_is_found(self, place: Place) -> None:
        place.repository("one", "newer")
        place.repository("two", "alpha")
        place.repository("three", "beta")
        place.configure(
            "[one]\nbaseurl=SRV/one\npriority=1\n[three]\nbaseurl=SRV/three\npriority=3\n"
            "[lost]\nbaseurl=SRV/lost\npriority=4\n[two]\nbaseurl=SRV/two\npriority=2\n"
        )
        found = place.fetch(ALPHA, BETA)
        assert sorted(contents(found)) == ["alpha", "beta"]
        assert found.reasons == []

    def test_one_that_is_down_does_not_matter(self, place: Place) -> None:
        place.repository("two", "alpha")
        place.configure("[one]\nbaseurl=SRV/lost\npriority=1\n[two]\nbaseurl=SRV/two\n")
        found = place.fetch()
        assert list(contents(found)) == ["alpha"]
        assert len(found.reasons) == 1
        assert re.match(r"one: file:///.*/srv/lost/repodata/repomd\.xml: No such file", found.reasons[0])

    def test_version_gone(self, place: Place) -> None:
        place.repository("os", "newer", "beta")
        place.configure("[os]\nbaseurl=SRV/os\n")
        source = place.source()
        found = source.fetch([ALPHA], place.staging)
        assert found.reasons == ["none of os has alpha-1.0-1.noarch"]
        assert source.versions() == {"alpha": ["1.1-1"]}

    def test_no_repository(self, place: Place) -> None:
        place.configure("[os]\nbaseurl=SRV/os\nenabled=0\n[x]\n")
        assert place.source().obstacle().startswith("no repository is enabled; /etc/yum.repos.d/test.repo: ")
        place.configure("[os]\nbaseurl=SRV/os\n")
        assert place.source().obstacle() == ""

    def test_time_is_over(self, place: Place) -> None:
        place.repository("os", "alpha")
        place.configure("[os]\nbaseurl=SRV/os\n[two]\nbaseurl=SRV/os\n")
        found = place.source(timeout=0.0).fetch([ALPHA], place.staging)
        assert found.proposals == []
        assert "os: the time limit of 0 seconds" in found.reasons[0]

    def test_disk_full(self, place: Place, mounter: t.Any) -> None:
        place.repository("os", "alpha")
        place.configure("[os]\nbaseurl=SRV/os\n")
        small = mounter.tmpfs(os.path.join(place.root, "small"), "4k")
        with pytest.raises(DiskFullError):
            place.source().fetch([ALPHA], small)


class TestDamage:
    def test_metadata_that_was_tampered_with(self, place: Place) -> None:
        folder = os.path.join(place.repository("os", "alpha"), "repodata")
        primary = next(name for name in os.listdir(folder) if name.endswith("primary.xml.gz"))
        rewrite(os.path.join(folder, primary), lambda data: data[:-1] + b"x")
        place.configure("[os]\nbaseurl=SRV/os\n")
        found = place.fetch()
        assert found.proposals == []
        assert "not what the metadata says" in found.reasons[0]

    def test_package_that_was_tampered_with(self, place: Place) -> None:
        folder = place.repository("os", "alpha", "beta")
        rewrite(os.path.join(folder, "Packages/alpha-1.0-1.noarch.rpm"), lambda data: data[:-1] + b"x")
        place.configure("[os]\nbaseurl=SRV/os\n")
        found = place.fetch(ALPHA, BETA)
        assert list(contents(found)) == ["beta"]
        assert "alpha-1.0-1.noarch.rpm is not what the metadata says" in found.reasons[0]

    def test_second_mirror_helps(self, place: Place) -> None:
        folder = place.repository("bad", "alpha")
        shutil.copytree(folder, folder[:-3] + "good")
        rewrite(os.path.join(folder, "Packages/alpha-1.0-1.noarch.rpm"), lambda data: data[:-1])
        place.configure("[os]\nbaseurl=SRV/lost SRV/bad\n  SRV/good\n")
        found = place.fetch()
        assert found.reasons == []
        assert "srv/good" in found.proposals[0].origin

    def test_empty_answer(self, place: Place) -> None:
        os.makedirs(os.path.join(place.root, "srv/os/repodata"))
        with open(os.path.join(place.root, "srv/os/repodata/repomd.xml"), "w") as stream:
            stream.write("<html>Please log in</html>")
        place.configure("[os]\nbaseurl=SRV/os\n")
        assert place.fetch().reasons == ["os: repomd.xml names no primary metadata"]


METALINK = """<metalink><files><file name="repomd.xml"><verification><hash type="sha256">{0}</hash></verification>
<resources><url preference="1">{1}/os/repodata/repomd.xml</url>
<url preference="100">{1}/lost/repodata/repomd.xml</url></resources></file></files></metalink>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_arguments: t.Any) -> None:
        pass

    def translate_path(self, path: str) -> str:
        return t.cast(t.Any, self.server).folder + path.partition("?")[0]


@pytest.fixture
def url(place: Place) -> t.Iterator[str]:
    """Serve the repositories."""
    server = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Quiet))
    t.cast(t.Any, server).folder = os.path.join(place.root, "srv")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield "http://127.0.0.1:{0}".format(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


class TestLists:
    def list_file(self, place: Place, text: str) -> None:
        with open(os.path.join(place.root, "srv/list"), "w") as stream:
            stream.write(text)

    def test_over_http(self, place: Place, url: str) -> None:
        place.repository("os", "alpha")
        place.configure("[os]\nbaseurl={0}/os/?token=secret\n".format(url))
        found = place.fetch()
        assert contents(found) == {"alpha": digest(place.built["alpha"])}
        assert "secret" not in found.proposals[0].origin

    def test_mirrorlist(self, place: Place, url: str) -> None:
        place.repository("os", "alpha")
        self.list_file(place, "# mirrors\n{0}/lost/\n{0}/os/\n".format(url))
        place.configure("[os]\nmirrorlist={0}/list?arch=x\n".format(url))
        assert list(contents(place.fetch())) == ["alpha"]

    @pytest.mark.parametrize("option", ["metalink", "mirrorlist"])
    def test_metalink(self, place: Place, url: str, option: str) -> None:
        folder = place.repository("os", "alpha")
        self.list_file(place, METALINK.format(digest(os.path.join(folder, "repodata/repomd.xml")), url))
        place.configure("[os]\n{0}={1}/list\n".format(option, url))
        assert list(contents(place.fetch())) == ["alpha"]

    def test_metalink_of_another_version(self, place: Place, url: str) -> None:
        place.repository("os", "alpha")
        self.list_file(place, METALINK.format("00" * 32, url))
        place.configure("[os]\nmetalink={0}/list\n".format(url))
        found = place.fetch()
        assert found.proposals == []
        assert "not one of the versions in the metalink" in found.reasons[0]

    def test_list_that_is_lost(self, place: Place, url: str) -> None:
        place.configure("[os]\nmetalink={0}/list?token=secret\n".format(url))
        assert re.match(r"os: http://[^?]*/list: the server answered 404", place.fetch().reasons[0])
