# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Where a packaged CPython looks for its library, and then for modules: the one list, for audit, first aid and guard.

By the role of a place, in the order in which Python reads them:

- C(landmark): what makes it take another library than its own. Modules/getpath.c (3.6 to 3.10) and getpath.py (since
  3.11) look for C(pyvenv.cfg) beside the program and one folder above, for C(pybuilddir.txt) and C(Modules/Setup)
  beside it, and for the library first below the folder of the program. Since 3.11 C(._pth) behind the program's name
  replaces the whole path.
- C(script): the folder of the program that is started (Doc/library/sys_path_init.rst). Those of the system's own
  commands are here.
- C(archive): C(pythonXY.zip) in C(lib) or the build's C(PLATLIBDIR). SUSE's 3.6 has its library in lib64 and reads
  C(/usr/lib/python36.zip).
- C(library): the standard library, at any depth; C(lib-dynload) is in it.
- C(user): the user's own modules (Lib/site.py, PEP 370), of root or below PYTHONUSERBASE.
- C(local): where C(pip) of root installs, and administrators. Fedora and RHEL put it before the packaged modules
  (patch 00251, "Change user install location"), SUSE behind them (C(localpath.patch)), since 3.7 before them, too.
- C(site): the packaged modules.

Options take places away (Doc/using/cmdline.rst): C(-I) all of C(script) and C(user), C(-S) those from C(user) on.
Nothing takes away C(landmark), C(archive) and C(library).
"""

import typing as t

__all__ = [
    "ASKED_FOR",
    "CORE",
    "HIJACKING_VARIABLES",
    "ROOT_USER_BASE",
    "SITE_NAMES",
    "Place",
    "import_path",
    "paths_of",
    "place_templates",
]

SITE_NAMES = ("site-packages", "dist-packages")
# The roles that no option of Python takes away.
CORE = ("landmark", "archive", "library")
ROOT_USER_BASE = "/root/.local"

# What dnf, and Ansible in each module (ansible.module_utils.basic and .common.sys_info), import where it happens to be
# there.
_BY_PROGRAMS = ("systemd", "distro", "selinux", "dbus", "gi", "unbound")
# What the library itself tries to import, and on Linux never has: copy and pickle, subprocess and getpass, mimetypes,
# since 3.13 platform.
_BY_THE_LIBRARY = ("org", "msvcrt", "_winapi", "winreg", "_wmi")
ASKED_FOR = _BY_PROGRAMS + _BY_THE_LIBRARY

_LIBRARY_FOLDERS = ("/usr/lib64", "/usr/lib")
_LOCAL_FOLDERS = ("/usr/local/lib64", "/usr/local/lib")
_SCRIPT_FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/libexec")
# Of the interpreters; those of EL 8 are in the second.
_PROGRAM_FOLDERS = ("/usr/bin", "/usr/libexec")
_PROGRAM_NAMES = ("python%v", "python3", "python", "platform-python%v", "platform-python")


# With these Python runs other code than its own, wherever it is started (the last one: where people type into it).
HIJACKING_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUSERBASE",
    "PYTHONSTARTUP",
)


class Place(t.NamedTuple):
    """A file or folder that Python C(3.since) and newer look at, as a template.

    C(%v) stands for the version ("3.9"), C(%t) for its digits ("39"), C(%u) for the base of a user's folder.
    """

    role: str
    template: str
    since: int = 0


def place_templates() -> t.List[Place]:
    """Return all places of all versions, in Python's order."""
    places = [Place("landmark", "/usr/pyvenv.cfg")]
    for folder in _PROGRAM_FOLDERS:
        beside = (
            "pyvenv.cfg",
            "pybuilddir.txt",
            "Modules/Setup",
            "Modules/Setup.local",
            "lib64/python%v",
            "lib/python%v",
        )
        places += [Place("landmark", "{0}/{1}".format(folder, name)) for name in beside]
        newer = ["lib64/python%t.zip", "lib/python%t.zip"] + [name + "._pth" for name in _PROGRAM_NAMES]
        places += [Place("landmark", "{0}/{1}".format(folder, name), 11) for name in newer]
    places += [Place("script", folder) for folder in _SCRIPT_FOLDERS]
    places += [Place("archive", folder + "/python%t.zip") for folder in _LIBRARY_FOLDERS]
    places += [Place("library", folder + "/python%v") for folder in _LIBRARY_FOLDERS]
    places.append(Place("user", "%u/lib/python%v/site-packages"))
    for role, folders in (("local", _LOCAL_FOLDERS), ("site", _LIBRARY_FOLDERS)):
        places += [Place(role, "{0}/python%v/{1}".format(folder, name)) for folder in folders for name in SITE_NAMES]
    return places


def import_path(version: str, user_bases: t.Sequence[str] = (ROOT_USER_BASE,)) -> t.List[t.Tuple[str, str]]:
    """Return role and path of every place of Python C(version) ("3.9"), in its order."""
    minor = int(version.partition(".")[2])
    found = []
    for place in place_templates():
        if place.since <= minor:
            path = place.template.replace("%v", version).replace("%t", version.replace(".", ""))
            bases = user_bases if "%u" in path else ("",)
            found += [(place.role, path.replace("%u", base)) for base in bases]
    return found


def paths_of(version: str, *roles: str) -> t.List[str]:
    """Return the places of Python C(version) that have one of C(roles)."""
    return [path for role, path in import_path(version) if role in roles]
