# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What is set for everyone: search paths and variables that could lead to another Python, and the mode of SELinux."""

import fnmatch
import os
import re
import typing as t

from .._disk.root import Root
from .import_path import HIJACKING_VARIABLES
from .readers.csh import read_csh
from .readers.plain import (
    read_crontab,
    read_login_defs,
    read_pam_conf,
    read_pam_environment,
    read_sshd_config,
    read_sudoers,
)
from .readers.setting import Included, Reading, Setting, in_force
from .readers.shell import read_shell
from .readers.systemd import (
    read_default_environment,
    read_environment_file,
    read_manager_environment,
    read_service,
)
from .records import Hijack, SearchPath, SelinuxConfig

__all__ = [
    "LOADER_VARIABLES",
    "SOURCES",
    "Everyone",
    "hijacks",
    "is_shell_file",
    "loader_settings",
    "of_connection",
    "search_paths",
    "selinux_config",
    "set_for_everyone",
]

# With these the dynamic loader puts other libraries into every program: ld.so(8).
LOADER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT")

# Behind this stands what a launcher of first aid took from the environment of the connection.
_PUT_ASIDE = "SYSTEM_PYTHON_PUT_ASIDE_"

# A shell that is started reads the file that these name (bash(1), INVOCATION; sh: ENV).
_START_FILES = ("BASH_ENV", "ENV")

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

_READERS: t.Dict[str, t.Callable[[str], Reading]] = {
    "sh": read_shell,
    "csh": read_csh,
    "environment": read_pam_environment,
    "pam_env.conf": read_pam_conf,
    "environment.d": read_environment_file,
    "DefaultEnvironment": read_default_environment,
    "ManagerEnvironment": read_manager_environment,
    "service": read_service,
    "crontab": read_crontab,
    "sudoers": read_sudoers,
    "login.defs": read_login_defs,
    "sshd_config": read_sshd_config,
}
_SHELLS = ("sh", "csh")


class Source(t.NamedTuple):
    """Files of one syntax, and whose environment they make.

    Where they are read C(together), one hides others of its name in later patterns, what stands in the last one holds,
    and the many that a C(*) names come behind the others.
    """

    who: str
    syntax: str
    patterns: t.Tuple[str, ...]
    together: bool = False


def _vendored(name: str, *folders: str) -> t.Tuple[str, ...]:
    return tuple(os.path.join(folder, name) for folder in folders or ("/etc", "/run", "/usr/local/lib", "/usr/lib"))


def _manager(who: str, name: str) -> t.Iterator[Source]:
    patterns = _vendored("systemd/" + name) + _vendored("systemd/" + name + ".d/*.conf")
    for key in ("DefaultEnvironment", "ManagerEnvironment"):
        yield Source(who, key, patterns, True)


# SUSE's pam and aaa_base have the vendor's files in /usr/etc, Red Hat's pam in /usr/share.
_ETC = ("/etc", "/usr/etc")
_PAM = ("/etc", "/usr/etc", "/usr/share")
_ZSH = ("zshenv", "zprofile", "zshrc", "zlogin")

SOURCES: t.Tuple[Source, ...] = (
    Source("logins", "environment", _vendored("environment", *_PAM), True),
    Source("logins", "pam_env.conf", _vendored("security/pam_env.conf", *_PAM), True),
    Source("login shells", "sh", _vendored("profile", *_ETC) + ("/etc/profile.local",)),
    Source("login shells", "sh", _vendored("profile.d/*.sh", *_ETC), True),
    Source(
        "shells",
        "sh",
        ("/etc/bashrc", "/etc/bash.bashrc.local", "/etc/kshrc", "/etc/ksh.kshrc")
        + _vendored("bash.bashrc", *_ETC)
        + _vendored("profile.d/*.bash", *_ETC)
        + _vendored("profile.d/*.zsh", *_ETC)
        + tuple(folder + name for folder in ("/etc/", "/etc/zsh/") for name in _ZSH)
        + tuple("/etc/{0}.local".format(name) for name in _ZSH),
    ),
    Source(
        "csh",
        "csh",
        _vendored("csh.cshrc", *_ETC)
        + _vendored("csh.login", *_ETC)
        + ("/etc/csh.cshrc.local", "/etc/csh.login.local"),
    ),
    Source("csh", "csh", _vendored("profile.d/*.csh", *_ETC) + _vendored("profile.d/*.tcsh", *_ETC), True),
    Source(
        "root's shells",
        "sh",
        tuple("/root/." + name for name in ("bash_profile", "bash_login", "bashrc", "profile", "kshrc") + _ZSH),
    ),
    Source("root's csh", "csh", ("/root/.cshrc", "/root/.tcshrc", "/root/.login")),
    *_manager("systemd", "system.conf"),
    Source("systemd", "service", _vendored("systemd/system/service.d/*.conf"), True),
    *_manager("services of users", "user.conf"),
    Source("services of users", "environment.d", _vendored("environment.d/*.conf"), True),
    Source(
        "cron",
        "crontab",
        ("/etc/crontab", "/etc/cron.d/*", "/etc/anacrontab", "/var/spool/cron/root", "/var/spool/cron/tabs/root"),
    ),
    Source("sudo", "sudoers", ("/etc/sudoers", "/etc/sudoers.d/*", "/usr/etc/sudoers", "/usr/etc/sudoers.d/*")),
    Source("login(1) and su(1)", "login.defs", ("/etc/login.defs", "/usr/etc/login.defs", "/etc/default/su")),
    Source(
        "ssh sessions",
        "sshd_config",
        _vendored("ssh/sshd_config", *_ETC) + _vendored("ssh/sshd_config.d/*.conf", *_ETC),
    ),
)

_SELINUX_MODE = re.compile(r"^\s*SELINUX\s*=\s*(\w+)")


class Everyone(t.NamedTuple):
    """A variable that is set for all whom C(who) means.

    C(line) is its line where that can be taken out alone: not in a file that another includes, which others may use.
    """

    name: str
    value: str
    who: str
    path: str
    number: int
    line: t.Optional[str]

    @property
    def source(self) -> str:
        """Return file and line."""
        return "{0}:{1}".format(self.path, self.number)


def is_shell_file(path: str) -> bool:
    """Tell whether a shell reads the file, and nothing else of SOURCES: a line of it may be all that a block has."""
    patterns = (pattern for source in SOURCES if source.syntax not in _SHELLS for pattern in source.patterns)
    return not any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


class _Files:
    """The files of one root; each is read once by each reader, under the first of its names."""

    def __init__(self, tree: Root) -> None:
        self._tree = tree
        self._names: t.Dict[str, str] = {}
        self._done: t.Set[t.Tuple[str, str]] = set()

    def sequences(self, source: Source) -> t.List[t.List[Setting]]:
        """Return what the files of C(source) set; in one list what one of them can take back from another."""
        paths = self._paths(source)
        lists = [paths] if source.together else [[path] for path in paths]
        return [self._read_all([Included(path, source.syntax) for path in one]) for one in lists]

    def _paths(self, source: Source) -> t.List[str]:
        found: t.Dict[t.Tuple[bool, str], str] = {}
        for pattern in source.patterns:
            for path in self._tree.glob(pattern):
                found.setdefault(("*" in pattern, os.path.basename(path) if source.together else path), path)
        return [found[key] for key in sorted(found)] if source.together else list(found.values())

    def _read_all(self, todo: t.List[Included]) -> t.List[Setting]:
        settings: t.List[Setting] = []
        listed = len(todo)
        for number, file in enumerate(todo):
            reading = self._read(file)
            for one in reading.settings:
                text = one.text.rstrip("\r") if one.text and number < listed else None
                settings.append(one._replace(path=file.path, text=text, exported=one.exported or file.exported))
                if one.value and one.name in _START_FILES:
                    todo.append(Included(one.value, "sh"))
            todo.extend(reading.files)
        return settings

    def _read(self, file: Included) -> Reading:
        """Return what is in the file; nothing where it is none, or one that was read before."""
        nothing, tree = Reading(settings=[], files=[]), self._tree
        if not tree.isfile(file.path) or self._names.setdefault(tree.realpath(file.path), file.path) != file.path:
            return nothing
        if (file.path, file.syntax) in self._done:
            return nothing
        self._done.add((file.path, file.syntax))
        try:
            with tree.open(file.path) as stream:
                return _READERS[file.syntax](os.fsdecode(stream.read()))
        except OSError:
            # What only root may read (sudoers), or is too large for anybody, stays unknown, and unseen.py says so.
            return nothing


def set_for_everyone(tree: Root) -> t.List[Everyone]:
    """Return all variables that files set for more than one service or user, and root's own; in the files' order."""
    files = _Files(tree)
    sequences = [(source, one) for source in SOURCES for one in files.sequences(source)]
    # A shell gives on what it only sets, too, once it is exported: in another file, or because a login came with it.
    exported = {one.name for _source, settings in sequences for one in settings if one.exported}
    return [
        Everyone(one.name, one.value or "", source.who, one.path, one.line, one.text)
        for source, settings in sequences
        for one in in_force(settings)
        if one.name in exported or one.name == "PATH"
    ]


def search_paths(environ: t.Mapping[str, str], everyone: t.Iterable[Everyone]) -> t.List[SearchPath]:
    """Return the search paths of the host, without relative folders.

    C(who) is "this connection", "default" or one of C(SOURCES); C(source) names the file and line, or the place, that
    sets it.
    """
    found = [
        _search_path("this connection", "PATH of the process", environ.get("PATH", "")),
        _search_path("default", "built into login, sudo and systemd", _DEFAULT_PATH),
    ]
    found += [_search_path(one.who, one.source, one.value) for one in everyone if one.name == "PATH"]
    return [one for one in found if one["folders"]]


def _search_path(who: str, source: str, value: str) -> SearchPath:
    folders = [folder for folder in value.split(":") if folder.startswith("/")]
    return SearchPath(who=who, source=source, folders=folders)


def of_connection(environ: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return the environment that the connection gave, with what first aid's launcher put aside."""
    aside = {name[len(_PUT_ASIDE) :]: value for name, value in environ.items() if name.startswith(_PUT_ASIDE)}
    return {name: value for name, value in {**environ, **aside}.items() if not name.startswith(_PUT_ASIDE)}


def hijacks(environ: t.Mapping[str, str], everyone: t.Iterable[Everyone]) -> t.List[Hijack]:
    """Return where one of HIJACKING_VARIABLES is set; the files' owners are not asked."""
    return _settings_of(HIJACKING_VARIABLES, environ, everyone)


def loader_settings(environ: t.Mapping[str, str], everyone: t.Iterable[Everyone]) -> t.List[Hijack]:
    """Return where one of LOADER_VARIABLES is set; the files' owners are not asked."""
    return _settings_of(LOADER_VARIABLES, environ, everyone)


def _settings_of(
    names: t.Sequence[str], environ: t.Mapping[str, str], everyone: t.Iterable[Everyone]
) -> t.List[Hijack]:
    connection = "environment of this connection"
    found = [
        Hijack(
            variable=name,
            value=environ[name],
            who="this connection",
            source=connection,
            path=None,
            line=None,
            owner=None,
        )
        for name in names
        if environ.get(name)
    ]
    found += [
        Hijack(
            variable=one.name, value=one.value, who=one.who, source=one.source, path=one.path, line=one.line, owner=None
        )
        for one in everyone
        if one.name in names
    ]
    return found


def selinux_config(root: Root, config: str = "/etc/selinux/config") -> SelinuxConfig:
    """Return the mode in the configuration file, nulls where there is none."""
    # A pipe in its place would end the check of an image, and hold up that of a host for ever.
    if root.isfile(config):
        with root.open(config) as stream:
            lines = os.fsdecode(stream.read()).splitlines()
        for number, line in enumerate(lines, 1):
            match = _SELINUX_MODE.match(line)
            if match:
                return SelinuxConfig(configured=match.group(1).lower(), source="{0}:{1}".format(config, number))
    return SelinuxConfig(configured=None, source=None)
