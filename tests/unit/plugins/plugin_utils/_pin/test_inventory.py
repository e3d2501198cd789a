# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the inventory: made once, taken away again, and nobody else's file is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    PinConflictError,
    PinImpossibleError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._pin.inventory import (
    content_of,
    ensure_file,
    explain,
    file_for,
    folder_of,
)

CONTENT = content_of("/usr/bin/python3.9")


def test_it_is_made_once_and_goes_with_its_folders(tmp_path: Path) -> None:
    path = file_for(str(tmp_path), "web1", None)
    assert path == tmp_path / "host_vars/web1/fleet_system_python.yml"
    predicted = ensure_file(path, CONTENT, check_mode=True)
    assert predicted.changed
    assert list(tmp_path.iterdir()) == []
    assert ensure_file(path, CONTENT, check_mode=False) == predicted
    assert yaml.safe_load(path.read_text()) == {"ansible_python_interpreter": "/usr/bin/python3.9"}
    assert not ensure_file(path, CONTENT, check_mode=False).changed
    assert ensure_file(path, content_of("/usr/bin/python3.12"), check_mode=False).changed
    assert ensure_file(path, None, check_mode=True).changed
    assert path.exists()
    assert ensure_file(path, None, check_mode=False).changed
    assert list(tmp_path.iterdir()) == []
    assert not ensure_file(path, None, check_mode=False).changed


def test_other_files_of_the_host_stay(tmp_path: Path) -> None:
    path = file_for(str(tmp_path), "web1", None)
    path.parent.mkdir(parents=True)
    (path.parent / "main.yml").write_text("a: 1\n")
    ensure_file(path, CONTENT, check_mode=False)
    ensure_file(path, None, check_mode=False)
    assert [one.name for one in path.parent.iterdir()] == ["main.yml"]


@pytest.mark.parametrize("text", ["ansible_python_interpreter: /opt/x\n", CONTENT + "more: 1\n", "---\n"])
@pytest.mark.parametrize("wanted", [CONTENT.replace("3.9", "3.8"), None])
def test_what_is_not_ours_or_was_changed_is_left_alone(tmp_path: Path, text: str, wanted: str | None) -> None:
    path = file_for(str(tmp_path), "web1", None)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(PinConflictError, match="It was not touched"):
        ensure_file(path, wanted, check_mode=False)
    assert path.read_text() == text


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/web1").write_text("a: 1\n")
    with pytest.raises(PinConflictError, match="make it a folder"):
        ensure_file(file_for(str(tmp_path), "web1", None), CONTENT, check_mode=False)


@pytest.mark.parametrize("group", [None, "web1"])
@pytest.mark.parametrize("ending", [".yml", ".yaml", ".json"])
def test_a_file_that_ansible_would_not_read_any_more_is_named(tmp_path: Path, ending: str, group: str | None) -> None:
    path = file_for(str(tmp_path), "web1", group)
    path.parent.parent.mkdir()
    theirs = path.parent.with_name("web1" + ending)
    theirs.write_text("become_password: x\n")
    for check_mode in (True, False):
        with pytest.raises(PinConflictError, match="would not be read by Ansible any more"):
            ensure_file(path, CONTENT, check_mode=check_mode, shared=bool(group))
    assert not path.parent.exists()
    # Beside a folder with files of their own it was not read before either.
    path.parent.mkdir()
    (path.parent / "main.yml").write_text("a: 1\n")
    assert ensure_file(path, CONTENT, check_mode=False).changed
    # It came later, when the folder was there: taking ours away makes Ansible read it again.
    (path.parent / "main.yml").unlink()
    with pytest.raises(PinConflictError, match="would not be read by Ansible any more"):
        ensure_file(path, CONTENT, check_mode=False)
    ensure_file(path, None, check_mode=False)
    assert list(path.parent.parent.iterdir()) == [theirs]


def test_hosts_that_are_unpinned_at_once_do_not_hinder_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_for(str(tmp_path), "web1", "web")
    ensure_file(path, CONTENT, check_mode=False, shared=True)
    unlink = Path.unlink

    def after_the_other(one: Path, *words: bool, **options: bool) -> None:
        monkeypatch.undo()
        ensure_file(path, None, check_mode=False, shared=True)
        unlink(one, *words, **options)

    monkeypatch.setattr(Path, "unlink", after_the_other)
    assert ensure_file(path, None, check_mode=False, shared=True).changed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_folder_that_cannot_be_written_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    path = file_for(str(tmp_path), "web1", None)
    monkeypatch.setattr("os.access", lambda *_words: False)
    with pytest.raises(PinImpossibleError, match="cannot be written or removed on the controller"):
        ensure_file(path, CONTENT, check_mode=check_mode)
    monkeypatch.undo()
    with pytest.raises(PinImpossibleError, match="cannot be written or removed on the controller"):
        ensure_file(Path("/proc/fleet/host_vars/web1") / path.name, CONTENT, check_mode=False)


def test_the_hosts_of_a_group_must_agree(tmp_path: Path) -> None:
    path = file_for(str(tmp_path), "web1", "web")
    assert path == tmp_path / "group_vars/web/fleet_system_python.yml"
    ensure_file(path, CONTENT, check_mode=False, shared=True)
    assert not ensure_file(path, CONTENT, check_mode=False, shared=True).changed
    with pytest.raises(PinConflictError, match="do not agree"):
        ensure_file(path, content_of("/usr/bin/python3.11"), check_mode=False, shared=True)


def test_it_lies_where_ansible_reads_it(tmp_path: Path) -> None:
    below = tmp_path / "inventory/sub"
    below.mkdir(parents=True)
    top = str(tmp_path / "inventory")
    assert folder_of(str(below), [top]) == top
    assert folder_of(str(below), [top, f"{below}/hosts.yml"]) == str(below)
    assert folder_of(top, [f"{top}/hosts.yml", "a,b"]) == top
    assert folder_of("/elsewhere", [top]) == "/elsewhere"
    assert folder_of("", ["a,b"]) == ""


def test_what_cannot_be_pinned(tmp_path: Path) -> None:
    with pytest.raises(PinImpossibleError, match="until the next boot"):
        content_of("/run/fleet.system_python/python3.9")
    for interpreter in ("", "auto_silent"):
        with pytest.raises(PinImpossibleError, match="no interpreter to pin"):
            content_of(interpreter)
    with pytest.raises(PinImpossibleError, match="inventory_folder"):
        file_for("", "web1", None)
    with pytest.raises(PinImpossibleError, match="cannot be the name of a folder"):
        file_for(str(tmp_path), "..", None)


def test_the_explanation_says_what_discovery_would_have_done() -> None:
    choice = {"path": "/usr/bin/python3.13", "owner": "python3.13", "verified": True}
    text = explain("/usr/bin/python3.9", choice, "2.19.14")
    assert "would have chosen /usr/bin/python3.13, of the package python3.13;" in text
    assert "SP501" in explain("/usr/bin/python3.9", dict(choice, verified=False), "2.19.14")
    assert "SP501" in explain("/usr/bin/python3.9", dict(choice, owner=None, verified=None), "2.19.14")
    assert "found nothing" in explain("/usr/bin/python3.9", {"path": None}, "2.19.14")
