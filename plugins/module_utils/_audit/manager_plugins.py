# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The plugins of package managers: what they load or start beside their own files.

- dnf 4 imports C(*.py) of the folders in C(pluginpath) of dnf.conf, by default C(dnf-plugins) of its site-packages
  (dnf/plugin.py, dnf/const.py), unless C(plugins) is false. Python takes what lies below them for parts of these. What
  C(pluginconfpath) names are settings only. The file is read as libdnf's iniparser.cpp and OptionStringList.cpp do.
- microdnf loads C(*.so) of libdnf's folder (libdnf/plugin/plugin.cpp); dnf 4 does not (only a DnfContext loads them).
- zypper starts the programs below C(/usr/lib/zypp/plugins), which no setting of zypp.conf moves (pluginsPath in
  libzypp's ZConfig.cc).
"""

import os
import re
import typing as t

from .._disk.root import Root, writable_by_others
from .import_path import paths_of
from .records import Contract, ManagerPlugin

__all__ = ["DNF_CONF", "LIBDNF_FOLDERS", "ZYPP_FOLDER", "files_below", "interpreter_of", "plugin_folders", "plugins_of"]

DNF_CONF = "/etc/dnf/dnf.conf"
ZYPP_FOLDER = "/usr/lib/zypp/plugins"
LIBDNF_FOLDERS = ("/usr/lib64/libdnf/plugins", "/usr/lib/libdnf/plugins")

_FALSE = ("0", "no", "false", "off")
# What dnf takes for a pattern, a variable or a part of a quotation is not looked up.
_PLAIN = re.compile(r"/[^*?\[\]$\\{}\"'\s]*\Z")
_SHEBANG = re.compile(rb"#!\s*(\S+)(?:[ \t]+(?:-S[ \t]+)?(\S+))?")
_MOST_FILES = 2000


def plugin_folders(manager: str, version: str) -> t.List[str]:
    """Return where the package manager of this name has its plugins, where no setting says otherwise."""
    if manager == "zypper":
        return [ZYPP_FOLDER]
    return [site + "/dnf-plugins" for site in paths_of(version, "site")] if manager == "dnf" else []


def plugins_of(contract: Contract, root: Root) -> t.List[ManagerPlugin]:
    """Return, without owners, what the contract's package manager would load or start of its plugins."""
    name = contract["manager"]["name"] if contract["manager"] else ""
    folders = plugin_folders(name, contract["version"])
    untold: t.List[str] = []
    if name == "dnf" and root.isfile(DNF_CONF) and root.may_read(DNF_CONF):
        folders, untold = _configured(folders, root)
    found: t.Dict[str, bool] = {}
    for folder in folders:
        files = files_below(folder, root)
        found.update(dict.fromkeys(files[:_MOST_FILES], True))
        # More of them than plugins have: the setting leads to something else.
        untold += [DNF_CONF] if len(files) > _MOST_FILES else []
        if name == "zypper":
            found.update((path, True) for path in filter(None, (interpreter_of(one, root) for one in files)))
        if root.is_host and root.isdir(folder):
            untold += filter(None, [writable_by_others(folder, root)])
    found.update(dict.fromkeys(untold, False))
    return [ManagerPlugin(path=path, told=told, owner=None, verified=None) for path, told in sorted(found.items())]


def _configured(default: t.List[str], root: Root) -> t.Tuple[t.List[str], t.List[str]]:
    """Return the folders of dnf, and dnf.conf itself where it names one of which it cannot be told what is meant."""
    with root.open(DNF_CONF) as stream:
        text = os.fsdecode(stream.read())
    switches = [value.strip("\"'").lower() for value in _values(text, "plugins")]
    if switches and all(value in _FALSE for value in switches):
        return [], []
    named = [name for value in _values(text, "pluginpath") for name in re.split(r"[ ,\n]+", value.strip("\"'"))]
    plain = [name for name in named if _PLAIN.match(name)]
    return default + plain, [DNF_CONF] if any(name and name not in plain for name in named) else []


def _values(text: str, key: str) -> t.List[str]:
    """Return what each line C(key) of a file in libdnf's syntax sets, with the lines that go on with it."""
    values: t.List[str] = []
    is_taken = False
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            if is_taken:
                values[-1] += "\n" + line.strip()
            continue
        name, sign, value = line.partition("=")
        is_taken = bool(sign) and name.rstrip(" \t") == key
        if is_taken:
            values.append(value.strip())
    return values


def files_below(folder: str, root: Root) -> t.List[str]:
    """Return all below C(folder) that is no folder itself; links are not followed, but for that of C(folder)."""
    found: t.List[str] = []
    waiting = [folder]
    while waiting and len(found) <= _MOST_FILES:
        parent = waiting.pop()
        if not root.isdir(parent):
            continue
        for name in sorted(root.listdir(parent)):
            path = os.path.join(parent, name)
            into = waiting if root.isdir(path) and not root.islink(path) else found
            into.append(path)
    return found


def interpreter_of(path: str, root: Root) -> t.Optional[str]:
    """Return the program that the first line of a script names, null for anything else."""
    if not root.isfile(path):
        return None
    with root.open(path) as stream:
        match = _SHEBANG.match(stream.readline(256))
    if not match:
        return None
    program, argument = (os.fsdecode(part or b"") for part in match.groups())
    return os.path.join("/usr/bin", argument) if os.path.basename(program) == "env" and argument else program
