# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""How the enabled repositories of a host are reached: read from its files by the code that the modules use.

Only the host may be able to reach them (client certificates, proxies, accounts), so it is curl or wget there that asks.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Sequence

from ...module_utils._base.command import Completed
from ...module_utils._packages.repo_config import (
    CONFIGURATION_FOLDERS,
    CONFIGURATION_NAMES,
    RELEASE_PROVIDERS,
    Configuration,
    Connection,
    Files,
    read_configuration,
)
from .._border.types import HOST
from .script import Answer, decoded

__all__ = ["SHOW_CONFIGURATION", "configuration_of", "curl_options", "wget_options"]

# What dnf takes as the version of the release is asked for in one go, because the configuration is read elsewhere.
SHOW_CONFIGURATION = ("show_configuration", *RELEASE_PROVIDERS)

# More than a host has; the script passes longer files over, too.
_MOST_FILES = 2000
_LONGEST_FILE = 1 << 20


def curl_options(connection: Connection) -> str:
    """Return the lines of a curl configuration file; the authorities' certificates are added on the host."""
    options: list[tuple[str, str]] = []
    if connection.certificate:
        options.append(("cert", connection.certificate))
    if connection.key:
        options.append(("key", connection.key))
    if connection.username:
        options.append(("user", f"{connection.username}:{connection.password}"))
    if connection.proxies is not None:
        # Package managers know one proxy a repository, whatever the scheme.
        proxy = next((url for _scheme, url in connection.proxies), "")
        options += [("proxy", proxy), ("noproxy", connection.no_proxy)] if proxy else [("noproxy", "*")]
    lines = [f"{name} = {_quoted(value)}" for name, value in options]
    return "\n".join([*lines, *([] if connection.verify else ["insecure"])])


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def wget_options(connection: Connection) -> str:
    """Return the lines of a wgetrc."""
    options = [("certificate", connection.certificate), ("private_key", connection.key)]
    if connection.username:
        options += [("user", connection.username), ("password", connection.password)]
    if not connection.verify:
        options.append(("check_certificate", "off"))
    if connection.proxies is not None:
        options.append(("use_proxy", "on" if connection.proxies else "off"))
        options += [(f"{scheme}_proxy", url) for scheme, url in connection.proxies]
        options.append(("no_proxy", connection.no_proxy))
    return "\n".join(f"{name} = {value}" for name, value in options if value)


def configuration_of(answer: Answer) -> Configuration:
    """Return the enabled repositories that the files in an answer of C(show_configuration) describe.

    Nothing is read but the answer. Raises HostAnswerError where it has other files than those that were asked for.
    """
    provided = {section.word: section.body for section in answer.named("provider")}
    codes = {
        section.word: HOST.number(section.words[-1], "provider-rc", most=255) for section in answer.named("provider-rc")
    }

    def answered(argv: Sequence[str], **_options: object) -> Completed:
        provider = argv[-1]
        return Completed(tuple(argv), codes.get(provider, 1), provided.get(provider, ""), "", False)

    # A package's architecture has the form of a package's name.
    architecture = HOST.package_name(answer.first("architecture").word, "architecture")
    return read_configuration(architecture, _SentFiles(answer), answered)


class _SentFiles(Files):
    """What the host sent of its files; nothing else exists."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        sent = [section.body.partition("\n")[::2] for section in answer.named("file")]
        names = HOST.items([name for name, _content in sent], "file", _asked_for, most=_MOST_FILES)
        contents = (decoded(content, "file", _LONGEST_FILE) for _name, content in sent)
        self._contents = dict(zip(names, contents, strict=True))

    def content(self, path: str) -> bytes:
        """See Files."""
        if path not in self._contents:
            raise FileNotFoundError(errno.ENOENT, "the host did not send it", path)
        return self._contents[path]

    def names(self, folder: str) -> list[str]:
        """See Files."""
        return [name for parent, name in map(posixpath.split, self._contents) if parent == folder.rstrip("/")]

    def exists(self, path: str) -> bool:
        """See Files."""
        return path in self._contents


def _asked_for(value: object, field: str) -> str:
    """Return the path of a file that show_configuration was told to send. Raises HostAnswerError for another."""
    path = HOST.absolute_path(value, field)
    folder, name = posixpath.split(path)
    if path in CONFIGURATION_NAMES or (folder in CONFIGURATION_FOLDERS and HOST.file_name(name, field)):
        return path
    raise HOST.refused(path, field, "a file of the configuration of repositories")
