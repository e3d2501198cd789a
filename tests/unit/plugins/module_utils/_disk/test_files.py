# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of looking at files."""

import errno
import hashlib
import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.files import (
    kind_of,
    new_hash,
    sha256_of,
    size_of,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import names, write


def test_sha256_reads_a_regular_file_only(tmp_path: t.Any) -> None:
    path = write(tmp_path / "a", b"abc")
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    os.symlink(path, str(tmp_path / "link"))
    os.mkfifo(str(tmp_path / "fifo"))
    with pytest.raises(OSError, match="ymbolic") as link_error:
        sha256_of(str(tmp_path / "link"))
    assert link_error.value.errno == errno.ELOOP
    with pytest.raises(OSError, match="not a regular file"):
        sha256_of(str(tmp_path / "fifo"))
    with pytest.raises(OSError, match="not a regular file"):
        sha256_of(str(tmp_path))


def test_a_digest_where_fips_rules(monkeypatch: t.Any) -> None:
    # As RHEL's hashlib does it: what is not for security may be had.
    md5, real = "d41d8cd98f00b204e9800998ecf8427e", hashlib.new

    def strict(name: str, usedforsecurity: bool = True) -> t.Any:
        if usedforsecurity:
            raise ValueError("disabled for FIPS")
        return real(name)

    monkeypatch.setattr(hashlib, "new", strict)
    assert new_hash("md5").hexdigest() == md5
    monkeypatch.setattr(hashlib, "new", real)
    assert new_hash("md5").hexdigest() == md5


def test_kinds(tmp_path: t.Any) -> None:
    write(tmp_path / "f")
    os.symlink("f", str(tmp_path / "l"))
    os.mkfifo(str(tmp_path / "p"))
    found = {name: kind_of(os.lstat(str(tmp_path / name)).st_mode) for name in names(tmp_path)}
    assert found == {"f": "file", "l": "link", "p": "fifo"}
    assert kind_of(os.stat("/dev/null").st_mode) == "character device"
    assert kind_of(os.stat("/").st_mode) == "directory"
    assert kind_of(0) == "unknown"


def test_size_counts_hard_links_once(tmp_path: t.Any) -> None:
    write(tmp_path / "a", b"x" * 5000)
    before = size_of(str(tmp_path))
    os.link(str(tmp_path / "a"), str(tmp_path / "b"))
    assert size_of(str(tmp_path)) == before
    assert size_of(str(tmp_path / "a")) == 5000
