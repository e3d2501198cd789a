# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import stat
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import ArchiveError
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import Account
from ansible_collections.fleet.system_python.plugins.module_utils._rights.unprivileged import Unprivileged
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.prepare import (
    compile_library,
    find_interpreter,
    give_to_root,
    mark_as_managed,
)
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.relocate import old_prefix, relocate

FINAL = "/opt/python/3.13.5"
DATA = """# system configuration generated and used by the sysconfig module
build_time_vars = {'BINDIR': '/install/bin',
 'CC': 'gcc',
 'CONFIG_ARGS': "'--prefix=/install' '--with-x=/installed/other' '--y=/srv/install'",
 'prefix': '/install'}
"""


@pytest.fixture(name="made")
def made_fixture(tmp_path: t.Any) -> t.Any:
    """A tree as python-build-standalone's archives have it."""
    library = tmp_path / "lib/python3.13"
    (library / "__pycache__").mkdir(parents=True)
    (library / "config-3.13").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib/pkgconfig").mkdir()
    (library / "_sysconfigdata__linux_.py").write_text(DATA)
    (library / "__pycache__/_sysconfigdata__linux_.cpython-313.pyc").write_text("old")
    (library / "config-3.13/Makefile").write_text("prefix=\t/install\nLIBDIR=/install/lib\n")
    (tmp_path / "lib/pkgconfig/python-3.13.pc").write_text("prefix=/install\n")
    for name, text in {
        "python3.13": "binary",
        "pip3.13": "#!/install/bin/python3.13\nimport pip\n",
        "python3.13-config": '#!/bin/sh\nprefix="/install"\n',
        "other": "#!/bin/sh\necho /install\n",
    }.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def test_everything_that_names_the_old_prefix_is_rewritten(made: t.Any) -> None:
    assert old_prefix(str(made), "3.13") == "/install"
    changed = relocate(str(made), "3.13", FINAL)
    assert changed == [
        "bin/pip3.13",
        "bin/python3.13-config",
        "lib/pkgconfig/python-3.13.pc",
        "lib/python3.13/_sysconfigdata__linux_.py",
        "lib/python3.13/config-3.13/Makefile",
    ]
    data = (made / "lib/python3.13/_sysconfigdata__linux_.py").read_text()
    assert "'BINDIR': '/opt/python/3.13.5/bin'" in data
    assert "--prefix=/opt/python/3.13.5'" in data
    assert "/installed/other" in data
    assert "/srv/install'" in data
    assert not (made / "lib/python3.13/__pycache__/_sysconfigdata__linux_.cpython-313.pyc").exists()
    assert (made / "bin/pip3.13").read_text().startswith("#!/opt/python/3.13.5/bin/python3.13\nimport pip")
    assert (made / "bin/pip3.13").stat().st_mode & 0o777 == 0o755
    assert (made / "bin/other").read_text() == "#!/bin/sh\necho /install\n"
    assert relocate(str(made), "3.13", FINAL) == []


def test_a_place_that_is_too_long_for_a_first_line(made: t.Any, tmp_path: t.Any) -> None:
    long = str(tmp_path / ("x y" * 50) / "3.13.5")
    os.makedirs(os.path.join(long, "bin"))
    os.symlink(sys.executable, os.path.join(long, "bin/python3.13"))
    (made / "bin/pip3.13").write_text("#!/install/bin/python3.13\nimport sys\nprint(sys.argv[1:])\n")
    relocate(str(made), "3.13", long)
    said = subprocess.check_output([str(made / "bin/pip3.13"), "a b", "c"]).decode()
    assert said == "['a b', 'c']\n"


def test_no_interpreter(made: t.Any) -> None:
    assert find_interpreter(str(made), "3.13") == "bin/python3.13"
    with pytest.raises(ArchiveError, match=r"but one with python3\.13"):
        find_interpreter(str(made), "3.12")
    (made / "bin/python3.12").symlink_to("/usr/bin/python3")
    with pytest.raises(ArchiveError):
        find_interpreter(str(made), "3.12")


def test_modes(made: t.Any) -> None:
    (made / "bin/python3.13").chmod(0o6777)
    (made / "lib").chmod(0o777)
    (made / "lib/python3.13/config-3.13/Makefile").chmod(0o600)
    give_to_root(str(made), os.getuid(), os.getgid())
    modes = {name: stat.S_IMODE((made / name).stat().st_mode) for name in ("bin/python3.13", "lib")}
    assert modes == {"bin/python3.13": 0o755, "lib": 0o755}
    assert stat.S_IMODE((made / "lib/python3.13/config-3.13/Makefile").stat().st_mode) == 0o644
    os.mkfifo(str(made / "fifo"))
    with pytest.raises(ArchiveError, match="fifo"):
        give_to_root(str(made), os.getuid(), os.getgid())


@pytest.mark.skipif(sys.version_info < (3, 7), reason="compiled files that are not compared came with Python 3.7")
def test_a_library_is_compiled_once(tmp_path: t.Any) -> None:
    minor = "{0}.{1}".format(*sys.version_info[:2])
    library = tmp_path / "lib" / ("python" + minor)
    (library / "json").mkdir(parents=True)
    (library / "json/a.py").write_text("x = 1\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / ("python" + minor)).symlink_to(sys.executable)
    user = Unprivileged(Account("me", os.getuid(), os.getgid()), str(tmp_path), caller=1)
    assert compile_library(str(tmp_path), minor, user, 60) is True
    assert compile_library(str(tmp_path), minor, user, 60) is False
    (library / "json/b.py").write_text("y = 1\n")
    assert compile_library(str(tmp_path), minor, user, 60) is True


def test_pip_is_told_and_python3_is_a_name(made: t.Any) -> None:
    mark_as_managed(str(made), "3.13", FINAL)
    assert os.readlink(str(made / "bin/python3")) == "python3.13"
    assert FINAL in (made / "lib/python3.13/EXTERNALLY-MANAGED").read_text()
    mark_as_managed(str(made), "3.13", FINAL)
