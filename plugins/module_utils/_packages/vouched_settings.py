# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm may obey in a transaction, and a package manager with its plugins: only what packages vouch for."""

import typing as t

from .._audit.manager_plugins import LIBDNF_FOLDERS, ZYPP_FOLDER, files_below, interpreter_of
from .._base.errors import TransactionRefusedError
from .._base.text import json_text, printable
from .._disk.root import HOST
from .._rpm.asking import MACROS, RCFILE, require_no_aliases
from .._rpm.database import Rpm
from .._rpm.settings import is_literal, macro_files, other_files
from .._trust.database import RpmDatabase
from .._trust.vouch import parts_of_python, unvouched, vouched

__all__ = ["foreign_setting", "manager_obstacle", "transaction_options"]

# The processor's own, which say where plugins are; rpm fills in which processor it is.
_PLATFORM = "/usr/lib/rpm/platform/%{_target}/macros"
# Where those have their plugins that need no Python themselves; dnf's are the observation's.
_PLUGIN_FOLDERS = {"/usr/bin/zypper": (ZYPP_FOLDER,), "/usr/bin/microdnf": LIBDNF_FOLDERS}
_ALIASES_AT_HOME = ("/root/.popt", "/root/.config/popt")


def transaction_options(rpm: Rpm) -> t.List[str]:
    """Return the options that leave out what no package vouches for.

    Raises TransactionRefusedError for what cannot be left out: a plugin, or what is run at the start.
    """
    require_no_aliases(_ALIASES_AT_HOME)
    macros, others = macro_files(HOST), other_files(HOST)
    reasons = _objections(rpm, macros + others)
    refused = [path for path in others if path in reasons and not path.endswith("rpmrc")]
    if refused:
        raise TransactionRefusedError(
            "rpm would run or load {0} in the transaction ({1}), so nothing was changed. Find out who owns it, remove "
            "it, and run again.".format(printable(refused[0]), reasons[refused[0]]),
            path=json_text(refused[0]),
        )
    read = [path for path in macros if path not in reasons and not path.startswith("/usr/lib/rpm/platform/")]
    return ["--rcfile", RCFILE, "--macros", ":".join([MACROS, _PLATFORM, *filter(_is_plain, read)])]


def manager_obstacle(rpm: Rpm, program: str) -> str:
    """Return why the package manager C(program) is not started; empty where it may be."""
    plugins = [path for folder in _PLUGIN_FOLDERS.get(program, ()) for path in files_below(folder, HOST)]
    interpreters = {interpreter_of(path, HOST) for path in plugins} - {None}
    parts = [part for path in sorted(filter(None, interpreters)) for part in parts_of_python(path)]
    return unvouched(rpm, [program] + plugins + parts) or foreign_setting(rpm)


def foreign_setting(rpm: Rpm) -> str:
    """Return why a package manager is not started, which obeys all that rpm does; empty where it may be.

    Macros of an administrator's own that only give words for names do no harm.
    """
    macros, others = macro_files(HOST), other_files(HOST)
    for path, reason in _objections(rpm, macros + others).items():
        if path in others or not is_literal(path, HOST):
            return "its rpm would obey {0}: {1}".format(printable(path), reason)
    return ""


def _objections(rpm: Rpm, paths: t.Sequence[str]) -> t.Dict[str, str]:
    """Return why nobody vouches for those of C(paths) of which that is so."""
    answers = vouched(paths, RpmDatabase(rpm)) if paths else {}
    return {path: answer.reason for path, answer in answers.items() if not answer.intact}


def _is_plain(path: str) -> bool:
    """Tell whether rpm takes the name as it is: no separator, no pattern, no macro."""
    return not any(character in path for character in ":*?[]{}\\~% \t\n")
