# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a path configuration file does."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.path_files import read_path_file
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root

FOLDER = "/site-packages"


@pytest.mark.parametrize(
    ("text", "runs", "adds"),
    [
        (b"", False, []),
        (b"./tool-1.0-py3.9.egg\n", False, [FOLDER + "/tool-1.0-py3.9.egg"]),
        (b"# a remark\n\n  \n/srv/product \r\n", False, ["/srv/product"]),
        (b"lib\n./lib\nlib/\n", False, [FOLDER + "/lib"]),
        (b"import os", True, []),
        (b"import\tos", True, []),
        (b"/srv/a\rimport os", True, ["/srv/a"]),
        (b"x\x0cimport os", True, [FOLDER + "/x"]),
        (b"\xe2\x80\xa8import os", True, []),
        (b"\xef\xbb\xbfimport os", True, []),
        (b" import os", False, [FOLDER + "/ import os"]),
        (b"important\n", False, [FOLDER + "/important"]),
        (b"#import os\nbytes\xff\n", False, [FOLDER + "/bytes\udcff"]),
        (b"with\0nul\n", False, []),
        (b"# " + b"x" * (1 << 20) + b"\nimport os", True, []),
    ],
)
def test_lines(tmp_path: t.Any, text: bytes, runs: bool, adds: t.List[str]) -> None:
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "a.pth").write_bytes(text)
    assert read_path_file(FOLDER + "/a.pth", Root(str(tmp_path))) == (runs, adds)


def test_what_is_no_file(tmp_path: t.Any) -> None:
    path = str(tmp_path / "a.pth")
    assert read_path_file(path) == (False, [])
    os.mkfifo(path)
    assert read_path_file(path).runs
    os.unlink(path)
    os.mkdir(path)
    assert read_path_file(path) == (False, [])
