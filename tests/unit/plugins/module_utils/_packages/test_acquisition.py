# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real packages, signed with a key of this test and installed into a root of it, from sources that are played."""

import os
import shutil
import stat
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    DiskFullError,
    RepositoryError,
    SignatureError,
    SystemPythonError,
    VersionGoneError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.acquisition import (
    Fetched,
    Proposal,
    Source,
    Staging,
    acquire,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted, wanted_of
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.package_files import check_signatures
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, parse_nevra
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    install,
    new_key,
    new_root,
    run,
    sign,
    skip_unless,
    stop_agent,
)

Folder = t.Any
ALPHA, BETA = "alpha-1.0-1.noarch", "beta-2:1.0-1.noarch"


class Played(Source):
    """A source that offers what the test says."""

    def __init__(
        self,
        name: str,
        files: t.Optional[t.Dict[str, str]] = None,
        obstacle: str = "",
        error: t.Optional[SystemPythonError] = None,
        offers: t.Optional[t.Dict[str, t.List[str]]] = None,
        insists: bool = False,
    ) -> None:
        self.name = name
        self.insists = insists
        self._files = files or {}
        self._obstacle = obstacle
        self._error = error
        self._offers = offers or {}
        self.asked: t.List[t.List[str]] = []

    def obstacle(self) -> str:
        return self._obstacle

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        assert os.listdir(folder) == []
        self.asked.append([one.nevra for one in wanted])
        if self._error:
            raise self._error
        found = [Proposal(self._files[one.name], one, one.name) for one in wanted if one.name in self._files]
        return Fetched(found, [])

    def versions(self) -> t.Dict[str, t.List[str]]:
        return self._offers


class Built(t.NamedTuple):
    """Package files by what they are."""

    alpha: str
    beta: str
    newer: str
    rebuilt: str
    unsigned: str
    tampered: str
    foreign: str
    public: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: t.Any) -> t.Iterator[Built]:
    skip_unless("rpm", "rpmbuild", "gpg", "rpmsign", root=True)
    folder = str(tmp_path_factory.mktemp("packages"))
    other = str(tmp_path_factory.mktemp("other"))
    stranger = str(tmp_path_factory.mktemp("stranger"))
    home, public = new_key(folder)
    foreign_home, _public = new_key(stranger)
    files = [PackagedFile("/opt/alpha", b"alpha" * 2000), PackagedFile("/etc/alpha", b"x", directive="%config")]
    made = {
        "alpha": build(folder, "alpha", files),
        "beta": build(folder, "beta", [PackagedFile("/opt/beta", b"beta")], epoch=2),
        "newer": build(folder, "alpha", files, version="1.1"),
        "rebuilt": build(other, "alpha", [PackagedFile("/opt/alpha", b"other" * 2000), files[1]]),
    }
    made["unsigned"] = shutil.copy(made["alpha"], os.path.join(folder, "unsigned.rpm"))
    made["foreign"] = shutil.copy(made["alpha"], os.path.join(folder, "foreign.rpm"))
    sign(made["foreign"], foreign_home)
    for name in ("alpha", "beta", "newer", "rebuilt"):
        sign(made[name], home)
    made["tampered"] = os.path.join(folder, "tampered.rpm")
    with open(made["alpha"], "rb") as stream:
        data = bytearray(stream.read())
    data[-2000] ^= 1
    with open(made["tampered"], "wb") as stream:
        stream.write(data)
    yield Built(public=public, **made)
    stop_agent(home)
    stop_agent(foreign_home)


@pytest.fixture
def rpm(tmp_path: Folder, built: Built) -> Rpm:
    """A root where alpha and beta are installed and the key is imported."""
    root = new_root(str(tmp_path))
    install(root, built.alpha, built.beta)
    run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--import", built.public)
    return Rpm(root=root, dbpath="/var/lib/rpm")


@pytest.fixture
def staging(tmp_path: Folder) -> str:
    folder = str(tmp_path / "staging")
    os.mkdir(folder)
    return folder


def both(rpm: Rpm) -> t.List[Wanted]:
    return wanted_of(rpm.query(["alpha", "beta"]).packages)


def one(rpm: Rpm) -> t.List[Wanted]:
    return wanted_of(rpm.query(["alpha"]).packages)


class TestWanted:
    def test_of_installed(self, rpm: Rpm) -> None:
        found = both(rpm)
        assert [wanted.nevra for wanted in found] == [ALPHA, BETA]

    def test_installed_twice_is_wanted_once(self, rpm: Rpm) -> None:
        packages = rpm.query(["alpha", "alpha"]).packages
        assert len(packages) == 2
        assert len(wanted_of(packages)) == 1

    @pytest.mark.parametrize("arch", ["x86_64", "x86_64_v2", "aarch64", "s390x", "noarch"])
    def test_another_architecture_is_another_package(self, arch: str) -> None:
        wanted = Wanted(PackageId("python3", 1, "3.9", "1", arch))
        assert wanted.accepts("python3", "1:3.9-1", arch)
        assert not wanted.accepts("python3", "1:3.9-1", "i686")
        assert not wanted.accepts("python3", "3.9-1", arch)


class TestLadder:
    def test_each_is_asked_only_for_what_is_still_missing(self, rpm: Rpm, built: Built, staging: str) -> None:
        sources = [
            Played("blocked", obstacle="not here"),
            Played("first", {"beta": built.beta}),
            Played("failing", error=RepositoryError("it is\n  down.")),
            Played("second", {"alpha": built.alpha, "beta": built.beta}),
            Played("never"),
        ]
        got = acquire(both(rpm), staging, sources, rpm)
        assert got.source_of == {ALPHA: "second", BETA: "first"}
        assert [source.asked for source in sources] == [[], [[ALPHA, BETA]], [[ALPHA]], [[ALPHA]], []]
        assert got.tried == [
            {"source": "blocked", "reason": "not here"},
            {"source": "failing", "reason": "it is down"},
        ]
        assert sorted(os.listdir(staging)) == sorted(os.path.basename(path) for path in got.files.values())
        assert {package.nevra for package in got.packages.values()} == {ALPHA, BETA}

    def test_nothing_wanted(self, rpm: Rpm, staging: str) -> None:
        source = Played("never")
        assert acquire([], staging, [source], rpm).files == {}
        assert source.asked == []

    def test_not_installed_at_all(self, rpm: Rpm, built: Built, staging: str) -> None:
        wanted = [Wanted(parse_nevra("alpha-1.1-1.noarch"))]
        got = acquire(wanted, staging, [Played("a", {"alpha": built.newer})], rpm)
        assert list(got.files) == ["alpha-1.1-1.noarch"]

    def test_what_was_checked_is_what_is_installed(
        self, rpm: Rpm, built: Built, staging: str, tmp_path: Folder
    ) -> None:
        offered = shutil.copy(built.alpha, str(tmp_path / "offered.rpm"))
        got = acquire(one(rpm), staging, [Played("a", {"alpha": offered})], rpm)
        shutil.copy(built.tampered, offered)
        check_signatures(rpm, list(got.files.values()))


class TestRefusals:
    @pytest.mark.parametrize(
        ("which", "says"),
        [("unsigned", "no signature|not signed"), ("foreign", "NOKEY"), ("tampered", "digest|signature")],
    )
    def test_signature(self, rpm: Rpm, built: Built, staging: str, which: str, says: str) -> None:
        sources = [Played("bad", {"alpha": getattr(built, which)}), Played("empty")]
        with pytest.raises(SignatureError, match=says) as caught:
            acquire(one(rpm), staging, sources, rpm)
        assert caught.value.details["wanted"] == [ALPHA]
        assert caught.value.details["file"] == "alpha"
        assert caught.value.details["tried"][0]["source"] == "bad"
        assert sources[1].asked == [[ALPHA]]

    def test_a_good_one_after_a_bad_one(self, rpm: Rpm, built: Built, staging: str) -> None:
        sources = [Played("bad", {"alpha": built.foreign}), Played("good", {"alpha": built.alpha})]
        got = acquire(one(rpm), staging, sources, rpm)
        assert got.source_of == {ALPHA: "good"}
        assert "NOKEY" in got.tried[0]["reason"]

    def test_what_the_operator_named_is_not_passed_over(self, rpm: Rpm, built: Built, staging: str) -> None:
        sources = [Played("files", {"alpha": built.foreign}, insists=True), Played("good", {"alpha": built.alpha})]
        with pytest.raises(SignatureError):
            acquire(one(rpm), staging, sources, rpm)
        assert sources[1].asked == []

    def test_unsigned_when_signatures_are_turned_off(self, rpm: Rpm, built: Built, staging: str) -> None:
        sources = [Played("a", {"alpha": built.unsigned})]
        assert acquire(one(rpm), staging, sources, rpm, check_signatures=False).source_of == {ALPHA: "a"}

    def test_damaged_even_when_signatures_are_turned_off(self, rpm: Rpm, built: Built, staging: str) -> None:
        with pytest.raises(SignatureError):
            acquire(one(rpm), staging, [Played("a", {"alpha": built.tampered})], rpm, check_signatures=False)

    def test_rebuild_under_the_same_name(self, rpm: Rpm, built: Built, staging: str) -> None:
        with pytest.raises(AcquisitionError, match=r"another build.*1 of its files differ \(/opt/alpha\)"):
            acquire(one(rpm), staging, [Played("a", {"alpha": built.rebuilt})], rpm)

    def test_another_version(self, rpm: Rpm, built: Built, staging: str) -> None:
        with pytest.raises(AcquisitionError, match=r"is alpha-1\.1-1\.noarch, but alpha-1\.0-1\.noarch is wanted"):
            acquire(one(rpm), staging, [Played("a", {"alpha": built.newer})], rpm)

    def test_no_package_at_all(self, rpm: Rpm, staging: str, tmp_path: Folder) -> None:
        rubbish = tmp_path / "x.rpm"
        rubbish.write_bytes(b"rubbish")
        with pytest.raises(AcquisitionError, match="not an rpm package"):
            acquire(one(rpm), staging, [Played("a", {"alpha": str(rubbish)})], rpm)
        assert os.listdir(staging) == []

    def test_vanished_file(self, rpm: Rpm, staging: str) -> None:
        with pytest.raises(AcquisitionError, match="No such file"):
            acquire(one(rpm), staging, [Played("a", {"alpha": "/nowhere.rpm"})], rpm)

    def test_no_source(self, rpm: Rpm, staging: str) -> None:
        with pytest.raises(AcquisitionError, match=r"nothing was changed\. Tried: a: not here; b: down") as caught:
            acquire(
                one(rpm), staging, [Played("a", obstacle="not here"), Played("b", error=RepositoryError("down"))], rpm
            )
        assert caught.value.kind == "no_source"
        assert caught.value.details["wanted"] == [ALPHA]

    def test_version_gone(self, rpm: Rpm, staging: str) -> None:
        offers = {"alpha": ["1.10-1", "1.2-1", "1.0-1"], "other": ["1-1"]}
        with pytest.raises(VersionGoneError, match=r"Available are alpha: 1\.10-1, 1\.2-1\.") as caught:
            acquire(one(rpm), staging, [Played("a", offers=offers)], rpm)
        assert caught.value.details["available"] == {"alpha": ["1.10-1", "1.2-1"]}

    def test_disk_full(self, rpm: Rpm, built: Built, mounter: t.Any, tmp_path: Folder) -> None:
        small = mounter.tmpfs(str(tmp_path / "small"), "8k")
        sources = [Played("a", {"alpha": built.alpha}), Played("b", {"alpha": built.alpha})]
        with pytest.raises(DiskFullError):
            acquire(one(rpm), small, sources, rpm)
        assert sources[1].asked == []


class TestStaging:
    def test_is_private_and_goes_away(self, tmp_path: Folder) -> None:
        with Staging(str(tmp_path)) as folder:
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
            os.mkdir(os.path.join(folder, "x"))
        assert os.listdir(str(tmp_path)) == []

    def test_clears_up_after_a_killed_run(self, tmp_path: Folder) -> None:
        killed = Staging(str(tmp_path))
        left = killed.__enter__()
        os.close(killed._lock)
        (tmp_path / "somebody's").mkdir()
        with Staging(str(tmp_path)):
            assert not os.path.exists(left)
        assert os.listdir(str(tmp_path)) == ["somebody's"]

    def test_leaves_what_another_run_uses(self, tmp_path: Folder) -> None:
        with Staging(str(tmp_path)) as used, Staging(str(tmp_path)) as own:
            assert sorted(os.listdir(str(tmp_path))) == sorted([os.path.basename(used), os.path.basename(own)])

    def test_goes_away_after_an_error(self, tmp_path: Folder) -> None:
        with pytest.raises(KeyError), Staging(str(tmp_path)):
            raise KeyError
        assert os.listdir(str(tmp_path)) == []
