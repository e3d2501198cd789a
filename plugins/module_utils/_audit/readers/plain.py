# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""Files of one setting a line: pam_env's, crontabs, sudoers, login.defs and sshd_config."""

import re
import typing as t

from .setting import Included, Reading, Setting, joined_lines

__all__ = [
    "read_crontab",
    "read_login_defs",
    "read_pam_conf",
    "read_pam_environment",
    "read_sshd_config",
    "read_sudoers",
]

_PAM_ENVIRONMENT = re.compile(r"[ \t]*(?:export )?(\w+)(?:=(.*))?", re.ASCII)
_PAM_CONF = re.compile(r"[ \t]*([^ \t]+)((?:[ \t]+(?:DEFAULT|OVERRIDE)=(?:\"[^\"]*\"|[^\" \t][^ \t]*|))*)[ \t]*")
_PAM_VALUE = re.compile(r"(DEFAULT|OVERRIDE)=(?:\"([^\"]*)\"|([^ \t]*))")
_CRONTAB = re.compile(
    r"""\s*(?:"([^"=]*)"|'([^'=]*)'|([^\s"'=][^\s=]*))\s*=\s*(?:"([^"]*)"\s*|'([^']*)'\s*|([^"'].*?)?\s*)"""
)
_SUDO_DEFAULTS = re.compile(r"\s*Defaults(?:[@:!>]\s*\S+)?\s+(.*)")
_SUDO_VALUE = re.compile(r"""\b(secure_path|env_file|restricted_env_file)\s*=\s*(?:"([^"]*)"|((?:\\.|[^\s,"\\])+))""")
_LOGIN_PATH = re.compile(r"\s*(?:ENV_SUPATH|ENV_PATH)\s+(?:PATH=)?(\S+)")
_SSHD_LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
_SSHD_WORD = re.compile(r'(?:"[^"]*"|[^\s"#])+')


def read_pam_environment(text: str) -> Reading:
    """Return what /etc/environment sets for each login (C(_parse_env_file) of Linux-PAM's pam_env.c, 1.3 to 1.7).

    A hash ends the line wherever it stands; of the quotes only the first and the last are taken away.
    """
    settings: t.List[Setting] = []
    for number, line, whole in joined_lines(text):
        match = _PAM_ENVIRONMENT.fullmatch(line.partition("#")[0].rstrip())
        if match:
            value = match.group(2) or ""
            if value[:1] in ("'", '"'):
                value = value[1:-1] if value[1:] and value[-1] in "'\"" else value[1:]
            settings.append(Setting(name=match.group(1), value=value, line=number, text=whole))
    return Reading(settings=settings, files=[])


def read_pam_conf(text: str) -> Reading:
    """Return what pam_env.conf(5) sets for each login. Where there is no value, the variable is taken back."""
    settings: t.List[Setting] = []
    for number, line, whole in joined_lines(text):
        match = _PAM_CONF.fullmatch(line.partition("#")[0])
        if match:
            values = {kind: quoted or bare for kind, quoted, bare in _PAM_VALUE.findall(match.group(2))}
            value = values.get("OVERRIDE") or values.get("DEFAULT") or ""
            settings.append(Setting(name=match.group(1), value=value, line=number, text=whole))
    return Reading(settings=settings, files=[])


def read_crontab(text: str) -> Reading:
    """Return what a crontab sets for the jobs below (C(load_env) of cronie's env.c); a variable of one job is none."""
    settings: t.List[Setting] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = None if line.lstrip().startswith("#") else _CRONTAB.fullmatch(line)
        if match:
            name, value = ("".join(part or "" for part in match.groups()[at : at + 3]) for at in (0, 3))
            settings.append(Setting(name=name, value=value, line=number, text=line))
    return Reading(settings=settings, files=[])


def read_sudoers(text: str) -> Reading:
    """Return sudo's search path, and the files of variables that sudo reads (sudoers(5))."""
    reading = Reading(settings=[], files=[])
    for number, line, _whole in joined_lines(text):
        match = _SUDO_DEFAULTS.match(line)
        for option, quoted, bare in _SUDO_VALUE.findall(match.group(1)) if match else ():
            value = quoted or re.sub(r"\\(.)", r"\1", bare)
            if option == "secure_path":
                reading.settings.append(Setting(name="PATH", value=value, line=number))
            else:
                reading.files.append(Included(value, "environment"))
    return reading


def read_login_defs(text: str) -> Reading:
    """Return the search paths that login(1) and su(1) give (login.defs(5))."""
    matches = ((number, _LOGIN_PATH.match(line)) for number, line in enumerate(text.split("\n"), 1))
    settings = [Setting(name="PATH", value=match.group(1), line=number) for number, match in matches if match]
    return Reading(settings=settings, files=[])


def read_sshd_config(text: str) -> Reading:
    """Return what sshd sets for each session (SetEnv of sshd_config(5)), or for those that a C(Match) describes."""
    settings: t.List[Setting] = []
    is_certain = True
    for number, line in enumerate(text.split("\n"), 1):
        match = _SSHD_LINE.match(line)
        keyword = match.group(1).lower() if match else ""
        is_certain = is_certain and keyword != "match"
        if match and keyword == "setenv":
            words = [word.replace('"', "") for word in _SSHD_WORD.findall(match.group(2))]
            for name, _equals, value in (word.partition("=") for word in words):
                alone = line if len(words) == 1 else None
                settings.append(Setting(name=name, value=value, line=number, text=alone, certain=is_certain))
    return Reading(settings=settings, files=[])
