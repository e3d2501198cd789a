# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which scripts of other packages run when a package is installed; test_identity.py has real ones."""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.triggers import blamed, triggers_of

# A package without triggers of a kind has "(none)" in the place of its rows.
ROWS = (
    ("trigger", "corp-1-1.noarch", 1 << 16, "python3"),
    ("trigger", "corp-1-1.noarch", (1 << 18) | 2, "other"),
    ("filetrigger", "glibc-2-1.x86_64", 1 << 16, "/usr/lib64"),
    ("transfiletrigger", "corp-1-1.noarch", 1 << 18, "/usr/bin/it's"),
)


def answer(argv: t.Sequence[str], **_options: t.Any) -> Completed:
    rows = ["\x1f".join((kind, nevra, str(flags), _quoted(name))) + "\x1e" for kind, nevra, flags, name in ROWS]
    return Completed(tuple(argv), 0, "(none)" + "(none)".join(rows), "", False)


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "'\\''") + "'"


def shown(packages: t.List[str], paths: t.List[str]) -> t.List[str]:
    return [str(one) for one in triggers_of(Rpm(runner=answer, check_database=False), packages, paths)]


def test_triggers_of_packages_and_of_files() -> None:
    assert shown(["python3"], []) == ["%triggerin -- python3 of corp-1-1.noarch"]
    assert shown([], ["/usr/lib64/libpython3.9.so.1.0"]) == ["%filetriggerin -- /usr/lib64 of glibc-2-1.x86_64"]
    assert shown([], ["/usr/bin/it's"]) == ["%transfiletriggerpostun -- /usr/bin/it's of corp-1-1.noarch"]
    assert shown(["python3-libs"], ["/usr/bin/python3"]) == []


def test_they_are_told_in_a_sentence() -> None:
    found = triggers_of(Rpm(runner=answer, check_database=False), ["python3", "other"], [])
    assert "%triggerin -- python3 of corp-1-1.noarch, %triggerpostun -- other of corp-1-1.noarch" in blamed(found)
    assert blamed([]) == ""
