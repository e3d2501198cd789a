# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found on the import path, in a root of real folders."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.imports import (
    Suspects,
    astray_folders,
    root_user_base,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import RpmFile

LIBRARY = "/usr/lib64/python3.9"
SITE = "/usr/lib/python3.9/site-packages"
LOCAL = "/usr/local/lib/python3.9/site-packages"
PACKAGED = (
    LIBRARY + "/os.py",
    LIBRARY + "/json/__init__.py",
    LIBRARY + "/lib-dynload/zlib.cpython-39-x86_64-linux-gnu.so",
    LIBRARY + "/__pycache__/os.cpython-39.pyc",
    LIBRARY + "/site-packages/rpm/__init__.py",
    SITE + "/dnf/__init__.py",
    SITE + "/six.py",
)


class Tree:
    """A root with the packaged files; C(owned) are their paths and those of their folders."""

    def __init__(self, folder: t.Any) -> None:
        self._folder = str(folder)
        self.root = Root(self._folder)
        self.owned: t.Set[str] = set()
        for path in PACKAGED:
            self.add(path)
            parts = path.split("/")
            self.owned.update("/".join(parts[:number]) for number in range(2, len(parts) + 1))

    def outside(self, path: str) -> str:
        return self._folder + path

    def add(self, path: str, text: str = "") -> None:
        os.makedirs(os.path.dirname(self.outside(path)), exist_ok=True)
        with open(self.outside(path), "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)

    def suspects(self, **options: t.Any) -> Suspects:
        return Suspects("3.9", self.owned, root=self.root, **dict({"rights": False}, **options))

    def found(self, **options: t.Any) -> t.Set[t.Tuple[str, str, bool]]:
        """Return path and role, and whether it hides something if packages own what has its name."""
        return {(one.path, one.role, one.hides or bool(one.rivals)) for one in self.suspects(**options).found}

    def running(self, **options: t.Any) -> t.List[str]:
        return sorted(one.path for one in self.suspects(**options).found if one.runs)


@pytest.fixture
def tree(tmp_path: t.Any) -> Tree:
    return Tree(tmp_path)


def test_packages_are_no_suspects(tree: Tree) -> None:
    assert tree.found() == set()


@pytest.mark.parametrize(
    ("path", "role", "hides"),
    [
        ("/usr/lib64/python39.zip", "archive", True),
        ("/usr/lib/python39.zip", "archive", True),
        ("/usr/pyvenv.cfg", "landmark", True),
        ("/usr/bin/pybuilddir.txt", "landmark", True),
        (LIBRARY + "/codecs.cpython-39-x86_64-linux-gnu.so", "library", True),
        (LIBRARY + "/json/evil.py", "library", True),
        (LIBRARY + "/lib-dynload/zlib.so", "library", True),
        (LIBRARY + "/__pycache__/json.cpython-39.pyc", "library", True),
        (LIBRARY + "/a b\n\x1b[31m.py", "library", True),
        (SITE + "/evil.pth", "site", False),
        (SITE + "/add_on.py", "site", False),
        (SITE + "/thing-1.0.egg-link", "site", False),
        (SITE + "/thing-1.0-py3.9.egg-info", "site", False),
        (SITE + "/thing-1.0-py3.9.egg", "site", False),
        (SITE + "/vendor_namespace/agent/__init__.py", "site", False),
        (SITE + "/systemd.py", "site", True),
        (SITE + "/six.so", "site", True),
        (SITE + "/rpm.py", "site", True),
        (SITE + "/dnf/base.cpython-39-x86_64-linux-gnu.so", "site", True),
        ("/usr/bin/copy.py", "script", True),
        ("/usr/bin/os.pyc", "script", True),
        ("/usr/sbin/zlib.so", "script", True),
        ("/usr/libexec/dnf.py", "script", True),
        ("/usr/local/lib/python3.9/site-packages/sitecustomize.py", "local", False),
        ("/usr/local/lib64/python3.9/site-packages/six.py", "local", True),
        ("/root/.local/lib/python3.9/site-packages/a.pth", "user", False),
        ("/root/.local/lib/python3.9/site-packages/distro.py", "user", True),
    ],
)
def test_a_file_that_is_found(tree: Tree, path: str, role: str, hides: bool) -> None:
    tree.add(LIBRARY + "/copy.py")
    tree.owned.add(LIBRARY + "/copy.py")
    tree.add(path, "import os")
    found = path[: path.find("/agent/")] if "/agent/" in path else path
    assert tree.found() == {(found, role, hides)}


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib64/python311.zip",
        "/usr/lib/python3.11/site-packages/evil.pth",
        LIBRARY + "/README.txt",
        LIBRARY + "/__pycache__/json.cpython-311.pyc",
        LIBRARY + "/__pycache__/json.cpython-39.opt-1.pyc",
        SITE + "/__pycache__/six.cpython-39.pyc",
        SITE + "/dnf/thing.egg-info",
        "/usr/local/lib/python3.9/site-packages/easy-install.pth",
        "/usr/bin/backup.py",
        "/usr/bin/os",
        "/usr/bin/sitecustomize.py",
        "/usr/local/lib/python3.9/site-packages/requests.py",
        # The library comes before it.
        "/usr/local/lib/python3.9/site-packages/json.py",
        "/usr/local/lib/python3.9/site-packages/six/data.txt",
    ],
)
def test_a_file_that_does_not_matter(tree: Tree, path: str) -> None:
    tree.add(path)
    assert tree.found() == set()


def test_a_folder_counts_as_a_package_or_for_what_nobody_else_has(tree: Tree) -> None:
    place = "/root/.local/lib/python3.9/site-packages"
    for name in ("six/__init__.py", "rpm/data.txt", "systemd/journal.py"):
        tree.add("{0}/{1}".format(place, name))
    assert tree.found() == {(place + "/six", "user", True), (place + "/systemd", "user", True)}


def test_an_unowned_folder_is_one_suspect(tree: Tree) -> None:
    tree.add(LIBRARY + "/new/deep/__init__.py")
    assert tree.found() == {(LIBRARY + "/new", "library", True)}


def test_two_names_of_one_folder_are_looked_at_once(tree: Tree) -> None:
    os.symlink("lib", tree.outside("/usr/lib32"))
    os.rename(tree.outside("/usr/lib64/python3.9/site-packages"), tree.outside("/srv-site"))
    os.symlink("../../lib/python3.9/site-packages", tree.outside("/usr/lib64/python3.9/site-packages"))
    tree.owned = {path for path in tree.owned if "/rpm" not in path}
    tree.add(SITE + "/add_on.py")
    assert {path for path, _role, _hides in tree.found()} == {
        LIBRARY + "/site-packages/dnf",
        LIBRARY + "/site-packages/six.py",
        LIBRARY + "/site-packages/add_on.py",
    }


def test_links_are_followed_and_a_circle_ends(tree: Tree) -> None:
    os.rename(tree.outside(LIBRARY + "/json"), tree.outside("/srv-json"))
    os.symlink("../../../srv-json", tree.outside(LIBRARY + "/json"))
    os.symlink(".", tree.outside("/srv-json/up"))
    tree.owned.add(LIBRARY + "/json/up")
    tree.add("/srv-json/evil.py")
    assert tree.found() == {(LIBRARY + "/json/evil.py", "library", True)}
    assert tree.found(astray=[LIBRARY + "/json"]) == set()


def test_the_folder_of_another_base_counts(tree: Tree) -> None:
    tree.add("/srv/base/lib/python3.9/site-packages/a.pth", "import a")
    assert tree.found() == set()
    assert tree.found(user_bases=["/srv/base"]) == {
        ("/srv/base/lib/python3.9/site-packages/a.pth", "user", False),
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("closed", ["/root", "/root/.local/lib/python3.9/site-packages"])
def test_what_cannot_be_read_is_named(tree: Tree, closed: str) -> None:
    place = "/root/.local/lib/python3.9/site-packages"
    tree.add(place + "/a.pth")
    os.chmod(tree.outside(closed), 0)
    try:
        assert tree.suspects().closed == [place]
    finally:
        os.chmod(tree.outside(closed), 0o700)


@pytest.mark.parametrize(
    ("passwd", "base"),
    [
        ("daemon:x:1:1::/:/bin/sh\nadmin:x:0:0::/srv/admin/:/bin/sh\n", "/srv/admin/.local"),
        ("root:x:0:0\n", "/root/.local"),
        ("", "/root/.local"),
    ],
)
def test_where_root_s_own_modules_are(tree: Tree, passwd: str, base: str) -> None:
    assert root_user_base(tree.root) == "/root/.local"
    tree.add("/etc/passwd", passwd)
    assert root_user_base(tree.root) == base


def _folder(path: str) -> RpmFile:
    return RpmFile(
        path=path,
        size=0,
        mode=0o40755,
        digest="",
        flags=0,
        owner="root",
        group="root",
        linkto="",
        state="normal",
        mtime=0,
        verify_flags=0,
        caps="",
    )


def test_folders_that_lead_where_others_may_write(tree: Tree) -> None:
    records = {path: ("python3-libs", _folder(path)) for path in (LIBRARY, LIBRARY + "/json", SITE + "/dnf")}
    os.mkdir(tree.outside("/srv"))
    for name in ("json", "dnf"):
        place = LIBRARY if name == "json" else SITE
        os.rename(tree.outside("{0}/{1}".format(place, name)), tree.outside("/srv/" + name))
        os.symlink("/srv/" + name, tree.outside("{0}/{1}".format(place, name)))
    found = astray_folders(records, "3.9", tree.root)
    if os.geteuid() == 0:
        assert found == []
        os.chown(tree.outside("/srv/json"), 1, 1)
        (one,) = astray_folders(records, "3.9", tree.root)
        assert one["open_folder"] == "/srv/json"
    else:
        assert [one["open_folder"] for one in found] == ["/", "/"]
    assert {one["leads_to"] for one in astray_folders(records, "3.9", tree.root)} <= {"/srv/json", "/srv/dnf"}


@pytest.mark.parametrize(
    ("path", "text", "runs"),
    [
        ("a.pth", "import os; print(1)", True),
        (
            "zope-nspkg.pth",
            "import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], 'zope')",
            True,
        ),
        ("a.pth", "./tool-1.0-py3.9.egg\n/srv/product/lib\n# import os\n", False),
        ("a.pth", "", False),
        ("thing.egg-link", "import os", False),
        ("sitecustomize.py", "", True),
        ("sitecustomize/__init__.py", "", True),
        ("usercustomize.cpython-39-x86_64-linux-gnu.so", "", True),
        ("mysitecustomize.py", "", False),
    ],
)
@pytest.mark.parametrize("site", [SITE, "/root/.local/lib/python3.9/site-packages"])
def test_what_python_runs_by_itself(tree: Tree, site: str, path: str, text: str, runs: bool) -> None:
    tree.add("{0}/{1}".format(site, path), text)
    assert tree.running() == (["{0}/{1}".format(site, path.partition("/")[0])] if runs else [])


@pytest.mark.parametrize(
    ("site", "added", "hides", "rivals"),
    [
        (SITE, "tool/__init__.py", False, ()),
        (SITE, "json/__init__.py", False, ()),
        # The packaged ones come first.
        (SITE, "six/__init__.py", False, ()),
        (SITE, "rpm.py", False, ()),
        (LIBRARY + "/site-packages", "rpm.py", False, ()),
        (LIBRARY + "/site-packages", "six/__init__.py", False, (SITE + "/six.py",)),
        (LOCAL, "rpm.py", False, (LIBRARY + "/site-packages/rpm",)),
        (SITE, "systemd/journal.py", True, ()),
        (SITE, "distro.py", False, ()),
        (LIBRARY + "/site-packages", "distro.py", True, (SITE + "/distro.py",)),
    ],
)
def test_a_path_file_hides_what_comes_behind_the_folders_that_it_adds(
    tree: Tree, site: str, added: str, hides: bool, rivals: t.Tuple[str, ...]
) -> None:
    tree.add(SITE + "/distro.py")
    tree.owned.add(SITE + "/distro.py")
    tree.add("{0}/tool-1.0-py3.9.egg/{1}".format(site, added))
    tree.add(site + "/easy-install.pth", ".\n./tool-1.0-py3.9.egg\n/srv/gone\n")
    found = [one for one in tree.suspects().found if one.path == site + "/easy-install.pth"]
    assert [(one.hides, one.rivals, one.runs) for one in found] == (
        [(hides, rivals, False)] if site != LOCAL or hides or rivals else []
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_who_may_change_what_a_path_file_adds_decides_what_runs(tree: Tree) -> None:
    for name, folder in (("ours", "/srv/product"), ("theirs", "/srv/alice/src"), ("not_yet", "/srv/alice/new")):
        tree.add("{0}/{1}.pth".format(SITE, name), folder + "\n")
        if name != "not_yet":
            tree.add(folder + "/module.py")
    tree.add(SITE + "/changed.pth")
    os.chown(tree.outside("/srv/alice"), 1, 1)
    os.chown(tree.outside(SITE + "/changed.pth"), 1, 1)
    open_ones = [SITE + "/changed.pth", SITE + "/not_yet.pth", SITE + "/theirs.pth"]
    assert tree.running(rights=True) == open_ones
    assert tree.running(rights=False) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_what_others_may_change(tree: Tree) -> None:
    for name in ("agent", "tool"):
        tree.add("{0}/{1}/__init__.py".format(SITE, name))
    os.symlink("/srv/missing", tree.outside(SITE + "/link.py"))
    os.chown(tree.outside(SITE + "/agent"), 1001, 1001)
    assert [one.path for one in tree.suspects(rights=True).found if one.open] == [SITE + "/agent"]
    assert [one.path for one in tree.suspects().found if one.open] == []
