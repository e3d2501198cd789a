# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a rule is, what it may yield, and what the user may want of it."""

import os
import re
import typing as t

from .._base.text import printable, shortened
from .finding_records import Finding, Remedy
from .waivers import Waiver

__all__ = [
    "ADD_ON",
    "MOST_LISTED",
    "SEVERITIES",
    "Deviation",
    "Evidence",
    "Policy",
    "Rule",
    "listed",
    "named_files",
    "number_of_files",
    "project_of",
    "shown",
    "with_article",
]

SEVERITIES = ("info", "minor", "major", "critical")

# What a finding calls code that only lies there: it runs with what imports it, and not with the system's own programs.
ADD_ON = "an add-on"

# NAME-VERSION-py3.9.egg-info and the like, in which "-" parts the fields (setuptools, "The Internal Structure of Python
# Eggs").
_DESCRIPTION = re.compile(r"([^-]+)(?:-([^-]+))?(?:-.*)?\.(?:egg-info|dist-info|egg|egg-link)$")

Evidence = t.Dict[str, object]

# More names than this in one finding help nobody; the number of all is always given.
MOST_LISTED = 20


class Policy(t.NamedTuple):
    """What the user wants beyond the contract."""

    unversioned: str = "unmanaged"
    selinux: t.Optional[str] = None
    # Ids of the rules whose remedy, to move or change somebody else's files, is wanted; null: the usual ones.
    quarantine: t.Optional[t.Tuple[str, ...]] = None
    # Whether SP107 may change a line in a file that a package owns, too.
    edit_packaged: bool = False
    # Whether these may take what is otherwise left, too: what was put back from the quarantine, and add-ons.
    quarantine_all: bool = False
    # Whether a package may be installed that nothing requires and that has a name of the system's Python.
    install_link_package: bool = False
    # Whether a mode that is stricter than the package's is set right, too: somebody may have hardened the host.
    stricter_modes: bool = False
    # The exceptions for this host.
    waivers: t.Tuple[Waiver, ...] = ()


class Deviation(t.NamedTuple):
    """What a rule yields; C(severity) where it is another one than the rule's. See Finding for the others."""

    summary: str
    path: t.Optional[str] = None
    expected: object = None
    actual: object = None
    evidence: t.Optional[Evidence] = None
    remedy: t.Optional[Remedy] = None
    severity: t.Optional[str] = None


class Rule(t.NamedTuple):
    """One entry of a registry: what is known of a rule without looking at a host.

    - C(id), C(name), C(severity), C(check): the function, which takes what is observed and the policy.
    - C(subject): what it is about: link, alternatives, environment, binary, packaged (another file of a
      package), way (to the files of packages), unowned, manager, start (of the interpreter), selinux, package, ansible
      or venv.
    - C(change): which of the changes that python_dependents_info knows (_usage/read.py) it is, or null: redirected,
      overwritten or gone.
    - C(files): whether C(path), and C(paths) of the evidence, are files whose content matters.
    - C(untrusted): whether, with such a finding, the commands of the proof would run what rpm does not vouch for.
    - C(parts): the list of the observation of which one finding names several, null where each has one path.
    - C(quarantine): null, or whether its remedy, moving or changing files of somebody else, is carried out "by default"
      or "on request".
    - C(named_by): by what an exception names one of its findings: its path, or a key of the evidence.
    """

    id: str
    name: str
    severity: str
    check: t.Callable[..., t.Iterator[Deviation]]
    subject: str
    change: t.Optional[str] = None
    files: bool = False
    untrusted: bool = False
    quarantine: t.Optional[str] = None
    parts: t.Optional[str] = None
    named_by: t.Tuple[str, ...] = ("path",)

    @property
    def differs(self) -> bool:
        """Whether C(rpm -V) prints it: a file of a package, other than a link of the contract, is not as shipped."""
        return self.subject in ("binary", "packaged")


def shown(paths: t.Sequence[str]) -> str:
    """Return the first paths for a sentence."""
    return shortened(map(printable, paths), 3)


def listed(paths: t.Sequence[str], **more: object) -> Evidence:
    """Return the evidence C({paths, count}), and C(more)."""
    return dict(more, paths=list(paths[:MOST_LISTED]), count=len(paths))


def named_files(finding: Finding) -> t.List[str]:
    """Return the files that a finding names; more than it lists may be concerned."""
    paths = finding["evidence"].get("paths")
    names = [finding["path"]] + (paths if isinstance(paths, list) else [])
    return [str(name) for name in names if name]


def with_article(kind: str) -> str:
    """Return what C(kind_of) says lies there, for a sentence; "other" is a device, FIFO or socket."""
    return "a special file" if kind == "other" else "a " + kind


def number_of_files(finding: Finding) -> int:
    """Return how many files a finding is about."""
    count = finding["evidence"].get("count")
    return count if isinstance(count, int) else 1


def project_of(path: str) -> t.Optional[str]:
    """Return name and version of the project that a file or folder describes by its name, null where it does not."""
    match = _DESCRIPTION.match(os.path.basename(path))
    return " ".join(filter(None, match.groups())) if match else None
