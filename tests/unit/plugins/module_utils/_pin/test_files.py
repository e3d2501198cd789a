# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done so that a file of the pinning is there, and so that it is gone again, byte by byte."""

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import PinConflictError
from ansible_collections.fleet.system_python.plugins.module_utils._pin.files import (
    digest_of,
    want_file,
    want_no_file,
    want_no_text,
    want_pip_option,
)
from ansible_collections.fleet.system_python.plugins.module_utils._pin.plan import PinStep
from ansible_collections.fleet.system_python.plugins.module_utils._pin.record import PinEntry


def entry_of(path: Path, text: str) -> PinEntry:
    return PinEntry(path=str(path), sha256=digest_of(text), folders=[])


def noted(step: PinStep) -> PinEntry:
    """Return what the record has of a text that was put into a file."""
    return PinEntry(path=step["path"], text=step["text"], created=step["created"], folders=[])


def names(steps: t.List[PinStep]) -> t.List[str]:
    return [step["action"] for step in steps]


def test_a_file_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (step,) = want_file(str(path), "ours\n", None)
    assert (step["action"], step["text"], step["keep"]) == ("write_file", "ours\n", False)
    path.write_text("ours\n")
    assert want_file(str(path), "ours\n", entry_of(path, "ours\n")) == []
    assert want_file(str(path), "ours\n", None) == []


def test_what_somebody_changed_is_kept_before_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("ours\nand theirs\n")
    (step,) = want_file(str(path), "ours\n", entry_of(path, "ours\n"))
    assert step["keep"] is True
    path.write_text("ours of yesterday\n")
    (step,) = want_file(str(path), "ours\n", entry_of(path, "ours of yesterday\n"))
    assert step["keep"] is False


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("theirs\n")
    with pytest.raises(PinConflictError, match="was not made by this collection"):
        want_file(str(path), "ours\n", None)
    assert want_file(str(path), "ours\n", None, accept=lambda text: text == "theirs\n") == []


def test_a_link_or_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    for path in (tmp_path, tmp_path / "link"):
        with pytest.raises(PinConflictError, match="is not a regular file"):
            want_file(str(path), "ours\n", None)


def test_when_its_place_moves_the_old_file_goes(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("ours\n")
    steps = want_file(str(new), "ours\n", entry_of(old, "ours\n"))
    assert [(step["action"], step["path"]) for step in steps] == [
        ("remove_file", str(old)),
        ("write_file", str(new)),
    ]


def test_only_what_is_still_ours_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert want_no_file(None) == []
    assert names(want_no_file(entry_of(path, "ours\n"))) == ["forget"]
    path.write_text("ours\n")
    assert names(want_no_file(entry_of(path, "ours\n"))) == ["remove_file"]
    path.write_text("theirs\n")
    with pytest.raises(PinConflictError, match="been changed since"):
        want_no_file(entry_of(path, "ours\n"))


PIP_FILES = [
    "[global]\nindex-url = https://example.com\n",
    "# a comment\n[global]\r\nindex-url = https://example.com\r\n",
    "[install]\nno-compile = true\n",
    "[install]\nno-compile = true",
    "[global]",
    "",
    "# nothing\n\n",
    "[global]\n[install]\nuser = false\n",
    "[global] # of the company\nindex-url = https://example.com\n",
]


@pytest.mark.parametrize("before", PIP_FILES)
def test_the_option_goes_into_pip_conf_and_out_again_to_the_byte(tmp_path: Path, before: str) -> None:
    path = tmp_path / "pip.conf"
    path.write_bytes(before.encode())
    (step,) = want_pip_option(str(path), None)
    assert step["action"] == "insert_text"
    assert step["created"] is False
    path.write_bytes(step["content"].encode())
    assert want_pip_option(str(path), noted(step)) == []
    for line in before.splitlines():
        assert line in step["content"]
    (back,) = want_no_text(noted(step))
    assert (back["action"], back["content"]) == ("remove_text", before)


def test_a_pip_conf_that_was_not_there_goes_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    (step,) = want_pip_option(str(path), None)
    assert step["created"] is True
    path.write_text(step["content"])
    assert names(want_no_text(noted(step))) == ["remove_file"]
    path.write_text(step["content"] + "[install]\nuser = false\n")
    (back,) = want_no_text(noted(step))
    assert (back["action"], back["content"]) == ("remove_text", "[install]\nuser = false\n")


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        (None, "index-url = x\n", "[global]\nindex-url = x\n"),
        (None, "\n# theirs\n[install]\nuser = 0\n", "\n# theirs\n[install]\nuser = 0\n"),
        ("[install]\nuser = 0\n", "# theirs\nindex-url = x", "[install]\nuser = 0\n[global]\n# theirs\nindex-url = x"),
        ("[install]\nuser = 0", "index-url = x\n", "[install]\nuser = 0\n[global]\nindex-url = x\n"),
        ("[install]\nuser = 0", "[list]\nuser = 1\n", "[install]\nuser = 0\n[list]\nuser = 1\n"),
        ("[global]", "index-url = x\n", "[global]\nindex-url = x\n"),
    ],
)
def test_what_was_put_below_ours_stays_in_its_section(
    tmp_path: Path, before: t.Optional[str], added: str, after: str
) -> None:
    path = tmp_path / "pip.conf"
    if before is not None:
        path.write_text(before)
    (step,) = want_pip_option(str(path), None)
    path.write_text(step["content"] + added)
    (back,) = want_no_text(noted(step))
    assert (back["action"], back["content"]) == ("remove_text", after)


def test_an_option_of_somebody_else_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text("[global]\nrequire_virtualenv = 1\n")
    assert want_pip_option(str(path), None) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[global]\nrequire-virtualenv = no\n", "to false in \\[global\\]"),
        ("[global]\nrequire-virtualenv = true\n[install]\nrequire-virtualenv = off\n", "to false in \\[install\\]"),
        ("[global]\nrequire-virtualenv =\n", "to nothing in \\[global\\]"),
        (" [global]\nindex-url = x\n", "has no place for require-virtualenv"),
        ("[global]\n[global]\n", "cannot be read as pip reads it"),
        ("nonsense\n", "cannot be read as pip reads it"),
    ],
)
def test_a_pip_conf_that_says_otherwise_is_not_touched(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pip.conf"
    path.write_text(text)
    with pytest.raises(PinConflictError, match=said):
        want_pip_option(str(path), None)
    assert path.read_text() == text


def test_our_text_that_was_changed_is_not_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    (step,) = want_pip_option(str(path), None)
    for now in (step["content"].replace("= true", "= True"), "[global]\nrequire_virtualenv = true\n"):
        path.write_text(now)
        with pytest.raises(PinConflictError, match="been changed since"):
            want_no_text(noted(step))


@pytest.mark.parametrize("now", ["", "[global]\nindex-url = x\n"])
def test_our_text_that_somebody_took_out_is_forgotten(tmp_path: Path, now: str) -> None:
    path = tmp_path / "pip.conf"
    (step,) = want_pip_option(str(path), None)
    path.write_text(now)
    assert names(want_no_text(noted(step))) == ["forget"]
