# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""How the enabled repositories of a host are reached: read from its files by the code that the modules use.

Only the host may be able to reach them (client certificates, proxies, accounts), so it is curl or wget there that asks.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...module_utils._base.command import Completed
from ...module_utils._packages.repo_config import RELEASE_PROVIDERS, Configuration, Connection, read_configuration
from .script import Answer

__all__ = ["SHOW_CONFIGURATION", "configuration_of", "curl_options", "wget_options"]

# What dnf takes as the version of the release is asked for in one go, because the configuration is read elsewhere.
SHOW_CONFIGURATION = ("show_configuration", *RELEASE_PROVIDERS)


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
    """Return the enabled repositories that the files in an answer of C(show_configuration) describe."""
    provided = {section.word: section.body for section in answer.named("provider")}
    codes = {section.word: int(section.words[1]) for section in answer.named("provider-rc")}

    def answered(argv: Sequence[str], **_options: object) -> Completed:
        provider = argv[argv.index("--whatprovides") + 1]
        return Completed(tuple(argv), codes.get(provider, 1), provided.get(provider, ""), "", False)

    with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as root:
        for section in answer.named("file"):
            name, _newline, content = section.body.partition("\n")
            path = Path(root, name.lstrip("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(content))
        return read_configuration(answer.first("architecture").word, root, answered)
