# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interpreter whose OpenSSL is gone still reads files, and says what it cannot do."""

import importlib.util
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._packages import download
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repo_config import Connection


def test_downloads_without_ssl(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ssl", None)
    spec = importlib.util.spec_from_file_location(download.__name__, download.__file__)
    assert spec is not None
    assert spec.loader is not None
    without = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(without)
    downloader = without.Downloader(Connection(), without.Deadline(10))
    (tmp_path / "file").write_text("content")
    assert downloader.read(f"file://{tmp_path}/file", 100) == b"content"
    with pytest.raises(RepositoryError, match="has no ssl"):
        downloader.read("https://example.invalid/", 100)
