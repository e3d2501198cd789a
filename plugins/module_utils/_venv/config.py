# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read pyvenv.cfg, which makes a folder a venv, in every dialect (venv, virtualenv, uv, pipx), and change it."""

import re
import typing as t

__all__ = ["CONFIG_NAME", "VenvConfig", "changed_config", "parse_config"]

CONFIG_NAME = "pyvenv.cfg"

_MINOR = re.compile(r"\s*v?(\d+\.\d+)")


class VenvConfig(t.NamedTuple):
    """What a pyvenv.cfg says. C(values) has all keys, in lower case; text as it stands there."""

    values: t.Mapping[str, str]

    @property
    def home(self) -> str:
        """Return the folder of the interpreter that the venv was made with, empty where it does not say."""
        return self.values.get("home", "")

    @property
    def version(self) -> str:
        """Return the version that the venv was made with: virtualenv and uv call it version_info."""
        text = self.values.get("version") or self.values.get("version_info", "")
        # virtualenv writes 3.11.2.final.0.
        return re.sub(r"\.(?:final|alpha|beta|candidate)\.\d+$", "", text)

    @property
    def minor(self) -> str:
        """Return the version as "3.11", empty where it does not say."""
        found = _MINOR.match(self.version)
        return found.group(1) if found else ""

    @property
    def system_site_packages(self) -> bool:
        """Return whether it sees the packages of its interpreter."""
        return self.values.get("include-system-site-packages", "").lower() == "true"

    @property
    def tool(self) -> str:
        """Return who made it: uv, virtualenv or venv."""
        return next((tool for tool in ("uv", "virtualenv") if tool in self.values), "venv")


def parse_config(text: str) -> VenvConfig:
    """Return what C(text) says, read as CPython's site module reads it; of a key that is there twice the last holds."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip().lower()] = value.strip()
    return VenvConfig(values)


def changed_config(text: str, changes: t.Mapping[str, str]) -> str:
    """Return C(text) with the values of C(changes) where their keys are, and the other keys added at the end."""
    missing = dict(changes)
    lines = []
    for line in text.splitlines():
        key, equals, _value = line.partition("=")
        name = key.strip().lower()
        is_changed = equals and name in changes
        missing.pop(name, None)
        lines.append(f"{key.strip()} = {changes[name]}" if is_changed else line)
    lines += [f"{key} = {value}" for key, value in missing.items()]
    return "\n".join(lines) + "\n"
