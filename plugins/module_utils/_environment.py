# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What could lead somebody to another Python than the system's: search paths and variables set for everyone."""

import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._root import Root

__all__ = ["PATH_FILES", "VARIABLE_FILES", "hijacks", "is_shell_file", "search_paths"]

HIJACKING_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

# Files that set variables for every user, every login shell or every service.
VARIABLE_FILES = (
    "/etc/environment",
    "/etc/environment.d/*.conf",
    "/etc/profile",
    "/etc/profile.local",
    "/etc/profile.d/*.sh",
    "/etc/bashrc",
    "/etc/bash.bashrc",
    "/etc/bash.bashrc.local",
    "/etc/zshenv",
    "/etc/zsh/zshenv",
    "/etc/security/pam_env.conf",
    "/etc/systemd/system.conf",
    "/etc/systemd/system.conf.d/*.conf",
    "/etc/crontab",
    "/root/.bash_profile",
    "/root/.bashrc",
    "/root/.profile",
)

_VARIABLE = re.compile(
    r"""^[^#]*?(?:^|[\s;"'])(?:export\s+|setenv\s+)?(?P<name>{0})(?:\s*=\s*|\s+DEFAULT\s*=\s*|\s+)(?P<value>[^;\n]*)""".format(
        "|".join(HIJACKING_VARIABLES)
    )
)
_UNSET = re.compile(r"^\s*unset\b")
_PLAIN_PATH = re.compile(r"""^\s*(?:export\s+)?PATH\s*=\s*["']?(?P<value>[^"'\s;]+)""")
_SECURE_PATH = re.compile(r"""^\s*Defaults(?:\s*[@:!>]\S+)?\s+.*?secure_path\s*=\s*["']?(?P<value>[^"'\s,]+)""")
_LOGIN_PATH = re.compile(r"^\s*(?:ENV_SUPATH|ENV_PATH)\s+(?:PATH=)?(?P<value>\S+)")
_SYSTEMD_PATH = re.compile(r"""^\s*(?:Default|Manager)Environment\s*=.*?\bPATH=(?P<value>[^"'\s]+)""")

PATH_FILES = (
    ("login shells", ("/etc/environment", "/etc/profile", "/etc/profile.d/*.sh", "/etc/profile.local"), _PLAIN_PATH),
    ("login(1) and su(1)", ("/etc/login.defs", "/etc/default/su"), _LOGIN_PATH),
    ("sudo secure_path", ("/etc/sudoers", "/etc/sudoers.d/*", "/usr/etc/sudoers"), _SECURE_PATH),
    ("systemd", ("/etc/systemd/system.conf", "/etc/systemd/system.conf.d/*.conf"), _SYSTEMD_PATH),
    ("cron", ("/etc/crontab", "/etc/cron.d/*"), _PLAIN_PATH),
)


# A word of a shell: no blank, no separator, nothing that runs a command, unless it is quoted.
_WORD = r"""(?:[^\s;&|<>()`$"'\\#]|\$\w+|\$\{[^{}`$]*\}|"[^"`\\]*"|'[^']*')*"""
_NAMES = "|".join(HIJACKING_VARIABLES)
# The lines that set one of the variables and do nothing else.
_SHELL_LINE = re.compile(
    r"^\s*(?:(?:export|declare\s+-x|typeset\s+-x)\s+)?(?P<name>{0})={1}\s*(?:;\s*export\s+(?P=name)\s*)?;?\s*(?:#.*)?$".format(
        _NAMES, _WORD
    )
)
_PLAIN_LINE = re.compile(r"^\s*(?:export\s+)?(?:{0})\s*=[^\\]*$".format(_NAMES))
_PAM_LINE = re.compile(r"^\s*(?:{0})(?:\s+(?:DEFAULT|OVERRIDE)=[^\\]*)+$".format(_NAMES))
_SYSTEMD_LINE = re.compile(
    r"""^\s*(?:Default|Manager)Environment\s*=\s*["']?(?:{0})=[^\s"'\\]*["']?\s*$""".format(_NAMES)
)
_PLAIN_FILES = ("/etc/environment", "/etc/crontab")


def is_shell_file(path: str) -> bool:
    """Tell whether a shell reads the file (of VARIABLE_FILES), so that a line of it may be all that a block has."""
    return not (path in _PLAIN_FILES or path.endswith(".conf"))


def _sets_nothing_else(path: str, line: str) -> bool:
    if path.startswith("/etc/systemd/"):
        return bool(_SYSTEMD_LINE.match(line))
    if path == "/etc/security/pam_env.conf":
        return bool(_PAM_LINE.match(line))
    return bool((_SHELL_LINE if is_shell_file(path) else _PLAIN_LINE).match(line))


def _lines(root: str, patterns: t.Iterable[str]) -> t.Iterator[t.Tuple[str, int, str]]:
    tree = Root(root)
    for pattern in patterns:
        for path in tree.glob(pattern):
            if not tree.isfile(path):
                continue
            try:
                with tree.open(path) as stream:
                    text = os.fsdecode(stream.read())
            except PermissionError:
                # An audit without privileges: what only root may read (sudoers) stays unknown.
                continue
            for number, line in enumerate(text.splitlines(), 1):
                yield path, number, line


def search_paths(environ: t.Mapping[str, str], root: str = "/") -> t.List[t.Dict[str, t.Any]]:
    """Return the search paths of the host: a list of C({who, source, folders}), each folder an absolute path.

    C(who) is "this connection", "login shells", "login(1) and su(1)", "sudo secure_path", "systemd", "cron" or
    "default"; C(source) names the file and line, or the place, that sets it. Relative folders are left out.
    """
    found = [_search_path("this connection", "PATH of the process", environ.get("PATH", ""))]
    found.append(_search_path("default", "built into login, sudo and systemd", _DEFAULT_PATH))
    for who, patterns, pattern in PATH_FILES:
        for path, number, line in _lines(root, patterns):
            match = pattern.match(line)
            if match:
                found.append(_search_path(who, "{0}:{1}".format(path, number), match.group("value")))
    return [one for one in found if one["folders"]]


def _search_path(who: str, source: str, value: str) -> t.Dict[str, t.Any]:
    folders = [folder for folder in value.split(":") if folder.startswith("/")]
    return {"who": who, "source": source, "folders": folders}


def hijacks(environ: t.Mapping[str, str], root: str = "/") -> t.List[t.Dict[str, t.Any]]:
    """Return where PYTHONHOME, PYTHONPATH or PYTHONSTARTUP are set for everyone: C({variable, value, source}).

    Of a file, C(path), and C(line): the line, where it does nothing else and can be taken out alone, or null.
    """
    found: t.List[t.Dict[str, t.Any]] = [
        {"variable": name, "value": environ[name], "source": "environment of this connection"}
        for name in HIJACKING_VARIABLES
        if environ.get(name)
    ]
    for path, number, line in _lines(root, VARIABLE_FILES):
        match = None if _UNSET.match(line) else _VARIABLE.match(line)
        if match and match.group("value").strip():
            found.append(
                {
                    "variable": match.group("name"),
                    "value": match.group("value").strip().strip("\"'"),
                    "source": "{0}:{1}".format(path, number),
                    "path": path,
                    "line": line if _sets_nothing_else(path, line) else None,
                }
            )
    return found
