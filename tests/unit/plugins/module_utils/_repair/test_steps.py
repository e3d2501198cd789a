# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every step meets every kind of file: it is done, or refused with a kind, and nothing is lost either way."""

import contextlib
import grp
import os
import pwd
import re
import socket
import stat
import subprocess
import tempfile
import typing as t
from unittest import mock

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    ReadOnlyError,
    SystemPythonError,
    TransactionError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.files import walk
from ansible_collections.fleet.system_python.plugins.module_utils._disk.obstacles import require_changeable
from ansible_collections.fleet.system_python.plugins.module_utils._disk.quarantine import Quarantine
from ansible_collections.fleet.system_python.plugins.module_utils._packages.transaction import Transaction
from ansible_collections.fleet.system_python.plugins.module_utils._repair import possible, steps
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import RepairStep, StepLink
from ansible_collections.fleet.system_python.plugins.module_utils._repair.possible import (
    UnknownOwnerError,
    changes_of,
    require_possible,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repair.steps import Workshop, carry_out
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import ROOT, make_tree, write

OWNER, GROUP = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
# A state file, a settings file and SELinux's configuration in one: every step has something to change in it.
TEXT = (
    "auto\n/usr/bin/python3\n\n/usr/bin/python3.11\n311\n/usr/bin/python3.9\n39\n\nexport PYTHONHOME=/x\nSELINUX=off\n"
)
CONTENT = TEXT.encode()


# --- what can lie at a path ------------------------------------------------------------------------------------------


def attributed(letter: str, path: str) -> None:
    done = subprocess.run(["chattr", "+" + letter, path], stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        pytest.skip("this file system has no such attribute")


def made_with(make: t.Callable[[str], object], attribute: str) -> t.Callable[[str], None]:
    def run(path: str) -> None:
        make(path)
        attributed(attribute, path)

    return run


def in_a_folder_with(attribute: str) -> t.Callable[[str], None]:
    def run(path: str) -> None:
        write(path, CONTENT)
        attributed(attribute, os.path.dirname(path))

    return run


def mounted(make: t.Callable[[str], object]) -> t.Callable[[str], None]:
    """Something of the same kind lies over it."""

    def run(path: str) -> None:
        for one in (path, path + "-over"):
            make(one)
        done = subprocess.run(["mount", "--bind", path + "-over", path], stderr=subprocess.DEVNULL, check=False)
        if done.returncode:
            pytest.skip("mount is not possible here")

    return run


def bound_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.ExitStack() as stack:
        # The name of a socket must be short.
        here = os.open(".", os.O_RDONLY)
        stack.callback(os.close, here)
        stack.callback(os.fchdir, here)
        os.chdir(os.path.dirname(path))
        made.bind(os.path.basename(path))


def closed_file(path: str) -> None:
    os.chmod(write(path, CONTENT), 0)


def below_a_file(path: str) -> None:
    os.rmdir(os.path.dirname(path))
    write(os.path.dirname(path), CONTENT)


def below_a_dangling_link(path: str) -> None:
    os.rmdir(os.path.dirname(path))
    os.symlink("nowhere", os.path.dirname(path))


def below_a_loop(path: str) -> None:
    os.rmdir(os.path.dirname(path))
    os.symlink(os.path.basename(os.path.dirname(path)), os.path.dirname(path))


KINDS: t.Dict[str, t.Callable[[str], object]] = {
    "missing": lambda _path: None,
    "missing with its folder": lambda path: os.rmdir(os.path.dirname(path)),
    "below a file": below_a_file,
    "below a dangling link": below_a_dangling_link,
    "below a loop": below_a_loop,
    "file": lambda path: write(path, CONTENT),
    "empty": lambda path: write(path, b""),
    "closed": closed_file,
    "hard link": lambda path: os.link(write(path + "-twin", CONTENT), path),
    "link": lambda path: os.symlink(write(path + "-target", CONTENT), path),
    "dangling": lambda path: os.symlink("nowhere", path),
    "loop": lambda path: os.symlink(os.path.basename(path), path),
    "link to a folder": lambda path: os.symlink(make_tree(path + "-target"), path),
    "directory": os.mkdir,
    "tree": make_tree,
    "fifo": os.mkfifo,
    "socket": bound_socket,
}
OUT_OF_REACH = {"below a file", "below a dangling link", "below a loop"}
KINDS_OF_ROOT: t.Dict[str, t.Callable[[str], object]] = {
    "device": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "immutable": made_with(KINDS["file"], "i"),
    "append-only": made_with(KINDS["file"], "a"),
    "immutable directory": made_with(make_tree, "i"),
    "in an immutable folder": in_a_folder_with("i"),
    "in an append-only folder": in_a_folder_with("a"),
    "mounted file": mounted(KINDS["file"]),
    "mounted directory": mounted(make_tree),
}
ALL_KINDS = dict(KINDS, **(KINDS_OF_ROOT if ROOT else {}))
ATTRIBUTED = {
    "immutable": "python3 (immutable)",
    "append-only": "python3 (append-only)",
    "immutable directory": "python3 (immutable)",
    "in an immutable folder": "/0 (immutable)",
    "in an append-only folder": "/0 (append-only)",
    "mounted file": "python3 (something is mounted over it)",
    "mounted directory": "python3 (something is mounted over it)",
}
if not ROOT:
    ATTRIBUTED.clear()


# --- the steps -------------------------------------------------------------------------------------------------------


def links_of(first: str, second: str) -> t.List[StepLink]:
    return [
        StepLink(path=first, entry=second, target=second, package="python3", packaged_target="python3.9"),
        StepLink(path=second, entry=second + "-entry", target=first + ".9", package=None, packaged_target=None),
    ]


def step(action: str, **keys: t.Any) -> RepairStep:
    return t.cast(RepairStep, dict(keys, action=action, findings=["SP000"]))


# Of two paths each: what lies there is up to the test.
STEPS: t.Dict[str, t.Callable[[str, str], RepairStep]] = {
    "restore_link": lambda one, _other: step("restore_link", path=one, target="python3.9", kind="file"),
    "drop_group": lambda one, other: step(
        "drop_group", name="python3", state_file=other, entries=[other], links=links_of(one, other)
    ),
    "drop_choices": lambda one, other: step(
        "drop_choices",
        name="python3",
        state_file=other,
        targets=["/usr/bin/python3.11"],
        slaves=[],
        entries=[],
        links=links_of(one, other)[:1],
    ),
    "relink_group": lambda one, other: step(
        "relink_group", name="python3", state_file=other, links=links_of(one, other)
    ),
    "settle_group": lambda one, other: step(
        "settle_group", name="python3", state_file=one, links=[StepLink(path=path) for path in (one, other)]
    ),
    "quarantine": lambda one, other: step("quarantine", paths=[one, other], reasons={one: "SP210", other: "SP209"}),
    "unset_variables": lambda one, _other: step("unset_variables", path=one, lines=["export PYTHONHOME=/x"]),
    "reinstall": lambda one, other: step("reinstall", packages=[], keep=[one, other]),
    "set_metadata": lambda one, _other: step("set_metadata", path=one, mode="0754", owner=OWNER, group=GROUP),
    "selinux_config": lambda _one, _other: step("selinux_config", mode="enforcing"),
    "relabel": lambda one, other: step("relabel", paths=[one, other]),
}


class Rpm(Transaction):
    """Puts its files in place as rpm does: by a rename, for which no directory may be in the way."""

    def __init__(self, *paths: str) -> None:
        super().__init__(mock.Mock())
        self.paths = paths

    def blockers(self, _packages: t.Any) -> t.List[str]:
        return [path for path in self.paths if os.path.isdir(path) and not os.path.islink(path)]

    def run(self, *_files: t.Any, **_options: t.Any) -> Completed:
        for path in self.paths:
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.rename(write(path + ";1", b"packaged"), path)
            except OSError as error:
                raise TransactionError(str(error)) from error
        return Completed((), 0, "", "", False)


def relabelled(argv: t.Sequence[str], **_options: t.Any) -> Completed:
    return Completed(tuple(argv), 0, "", "", False)


class World:
    """A folder with two paths, a state folder, and all that a step could lose."""

    def __init__(self, folder: str, first: str, second: str) -> None:
        self.folder = folder
        self.state = os.path.join(folder, "state")
        self.kinds = (first, second)
        self.paths: t.List[str] = []
        for number, kind in enumerate((first, second)):
            os.mkdir(os.path.join(folder, str(number)))
            self.paths.append(os.path.join(folder, str(number), "python3"))
            ALL_KINDS[kind](self.paths[-1])

    def contents(self) -> t.Dict[bytes, int]:
        """Return how often there is each content of a file."""
        found: t.Dict[bytes, int] = {}
        for path, _relative in walk(self.folder):
            if stat.S_ISREG(os.lstat(path).st_mode) and not os.path.basename(path).startswith("manifest"):
                with open(path, "rb") as stream:
                    content = stream.read()
                found[content] = found.get(content, 0) + 1
        return found

    def shape(self) -> t.List[t.Tuple[str, int, int, int]]:
        """Return all names with what they are."""
        known = [(path, os.lstat(path)) for path, _relative in walk(self.folder)]
        return sorted((path, found.st_mode, found.st_ino, found.st_uid) for path, found in known)

    def carry_out(self, action: str) -> t.Dict[str, object]:
        one = STEPS[action](*self.paths)
        workshop = Workshop(Quarantine(os.path.join(self.state, "quarantine"), "run"), Rpm(*self.paths), ["x.rpm"])
        with contextlib.ExitStack() as stack:
            for module in (steps, possible):
                stack.enter_context(mock.patch.object(module, "SELINUX_CONFIG", self.paths[0]))
            stack.enter_context(mock.patch.object(steps, "_SELINUX_ENFORCE", "/"))
            stack.enter_context(mock.patch.object(steps, "_RESTORECON", ("/bin/sh",)))
            require_changeable(changes_of([one], self.state))
            return carry_out(one, workshop._replace(runner=relabelled))

    def clean(self) -> None:
        """Make it deletable."""
        for path, kind in zip(self.paths, self.kinds):
            if kind.startswith("mounted"):
                subprocess.run(["umount", path], stderr=subprocess.DEVNULL, check=False)
            elif kind in KINDS_OF_ROOT:
                for one in (path, os.path.dirname(path)):
                    subprocess.run(["chattr", "-i", "-a", one], stderr=subprocess.DEVNULL, check=False)


@contextlib.contextmanager
def world(first: str, second: str) -> t.Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        made = None
        try:
            made = World(folder, first, second)
            yield made
        finally:
            if made is not None:
                made.clean()


def require_right(action: str, here: World) -> None:
    """Carry the step out, twice: done or refused, nothing is lost, and what is refused beforehand changed nothing."""
    contents = here.contents()
    for _turn in range(2):
        shape = here.shape()
        try:
            here.carry_out(action)
        except ReadOnlyError:
            assert here.shape() == shape
        except SystemPythonError:
            # Refused in words.
            pass
    assert set(contents) <= set(here.contents())


@pytest.mark.parametrize("kind", sorted(ALL_KINDS))
@pytest.mark.parametrize("action", sorted(STEPS))
def test_every_step_meets_every_kind_of_file(action: str, kind: str) -> None:
    with world(kind, kind) as here:
        require_right(action, here)


def test_all_steps_are_tried() -> None:
    assert set(STEPS) == set(steps._STEPS)


@pytest.mark.parametrize("kind", sorted(set(ALL_KINDS) - OUT_OF_REACH - set(ATTRIBUTED)))
def test_a_link_is_put_back_in_the_place_of_everything(kind: str) -> None:
    with world(kind, "file") as here:
        here.carry_out("restore_link")
        assert os.readlink(here.paths[0]) == "python3.9"


@pytest.mark.parametrize(("kind", "reason"), sorted(ATTRIBUTED.items()))
def test_what_is_in_the_way_is_named_before_anything_is_changed(kind: str, reason: str) -> None:
    with world(kind, "file") as here, pytest.raises(ReadOnlyError, match=re.escape(reason)) as caught:
        here.carry_out("restore_link")
    assert caught.value.details["paths"][0].startswith(os.path.dirname(here.paths[0]))


@pytest.mark.parametrize("kind", ["file", "closed", "hard link", "directory", "tree", "fifo", "socket"])
def test_metadata_is_set_on_whatever_has_some(kind: str) -> None:
    with world(kind, "file") as here:
        os.chmod(here.paths[0], 0o4700)
        assert here.carry_out("set_metadata") == {"path": here.paths[0], "mode": "0754"}
        assert stat.S_IMODE(os.lstat(here.paths[0]).st_mode) == 0o754


@pytest.mark.skipif(not ROOT, reason="only root can give a link away")
def test_of_a_link_only_the_owner_is_set() -> None:
    with world("link", "file") as here:
        target = os.path.realpath(here.paths[0])
        for path in (here.paths[0], target):
            os.chown(path, 12, 34, follow_symlinks=False)
        before = os.stat(target)
        here.carry_out("set_metadata")
        assert os.lstat(here.paths[0]).st_uid == os.geteuid()
        assert os.stat(target) == before


@pytest.mark.parametrize("kind", ["file", "hard link", "link"])
def test_a_settings_file_keeps_its_place(kind: str) -> None:
    with world(kind, "file") as here:
        target = os.path.realpath(here.paths[0])
        assert here.carry_out("unset_variables")["lines"] == 1
        assert os.path.realpath(here.paths[0]) == target
        with open(here.paths[0]) as stream:
            assert "\n: # export PYTHONHOME=/x\n" in stream.read()


def test_an_owner_that_is_not_there_is_found_out_before() -> None:
    lacking = step("set_metadata", path="/x", mode="0755", owner="no-such-user", group="root")
    with pytest.raises(UnknownOwnerError, match="no-such-user:root"):
        require_possible([lacking], "/var/lib/fleet.system_python", Rpm())
