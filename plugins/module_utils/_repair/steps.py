# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Carry a plan out, step by step. What was wrong before the first step is reported before the first step is taken.

Every step can be done again: a run that was killed is finished by making a new plan from what the host then is.
"""

import os
import re
import stat
import typing as t

from .._audit.alternatives import judge_links, leads_to, read_group
from .._audit.alternatives_state import without
from .._audit.environment import is_shell_file
from .._audit.finding_records import LinkTarget
from .._audit.remedies import relink
from .._base.command import CommandRunner, run_command
from .._base.errors import ProofError, clear_os_errors
from .._disk.atomic import replace_link, rewrite_durably
from .._disk.files import octal_mode, read_text
from .._disk.links import kind_of
from .._disk.quarantine import Keeping, Quarantine, before_a_package
from .._disk.root import HOST, Root
from .._packages.transaction import Transaction
from .._rpm.packages import RpmPackage
from .plan import RepairStep, StepLink, describe
from .possible import SELINUX_CONFIG, ids_of_owner

__all__ = ["StepResult", "Workshop", "carry_out"]

_SELINUX_ENFORCE = "/sys/fs/selinux/enforce"
_RESTORECON = ("/usr/sbin/restorecon", "/sbin/restorecon")

# What a step did, for the result: paths, names and the like.
StepResult = t.Dict[str, object]


class Workshop(t.NamedTuple):
    """What the steps work with; C(package_files) hold C(packages), C(root) has the paths of the steps."""

    quarantine: Quarantine
    transaction: Transaction
    package_files: t.Sequence[str] = ()
    packages: t.Sequence[RpmPackage] = ()
    runner: CommandRunner = run_command
    root: Root = HOST

    def there(self, paths: t.Iterable[str]) -> t.List[str]:
        """Return where, for this process, those of C(paths) are that exist."""
        return [self.root.place(path) for path in paths if self.root.lexists(path)]


def carry_out(step: RepairStep, workshop: Workshop) -> StepResult:
    """Do one step of the plan, whatever lies at its paths, and return what it did. Raises SystemPythonError."""
    with clear_os_errors("The step '{0}'".format(describe(step))):
        return _STEPS[step["action"]](step, workshop)


def _reason(step: RepairStep) -> str:
    return ", ".join(step["findings"]) or step["action"]


def _restore_link(step: RepairStep, workshop: Workshop) -> StepResult:
    return _put_link_back(step["path"], step["target"], _reason(step), workshop)


def _put_link_back(path: str, target: str, reason: str, workshop: Workshop) -> StepResult:
    """Make C(path) the link it was shipped as; what lay there goes to the quarantine. It is never missing."""
    place = workshop.root.place(path)
    kind = kind_of(place)
    if kind == "link" and os.readlink(place) == target:
        return {"path": path, "already": True}
    if kind == "missing":
        # A folder that is gone, too, gets the rest of its metadata from its package.
        os.makedirs(os.path.dirname(place), 0o755, exist_ok=True)
        replace_link(place, target)
    else:
        workshop.quarantine.replace(place, target, "replaced by the packaged link", reason)
    if kind_of(place) != "link" or os.readlink(place) != target:
        raise ProofError("{0} is not the link to {1} although it was just made. Who changes it?".format(path, target))
    return {"path": path, "target": target, "was": kind}


def _drop_group(step: RepairStep, workshop: Workshop) -> StepResult:
    """Put the packaged links back, then take the group's records away.

    C(alternatives --remove-all) deletes the public link even after it was put back, so the program is not asked.
    """
    reason = _reason(step)
    moved: t.List[str] = []
    for link in step["links"]:
        if link["packaged_target"]:
            _put_link_back(link["path"], link["packaged_target"], reason, workshop)
        elif not link["package"] and leads_to(link["path"], link["entry"], workshop.root):
            moved.append(link["path"])
    moved.extend([step["state_file"]] + step["entries"])
    _take_away(moved, "part of a foreign alternatives group", step, workshop)
    for link in step["links"]:
        if link["packaged_target"] and workshop.root.readlink(link["path"]) != link["packaged_target"]:
            raise ProofError("{0} changed while its alternatives group was dropped.".format(link["path"]))
    return {"name": step["name"], "moved": moved}


def _take_away(paths: t.Iterable[str], why: str, step: RepairStep, workshop: Workshop) -> None:
    workshop.quarantine.secure([Keeping("take", path, why, _reason(step)) for path in workshop.there(paths)])


def _drop_choices(step: RepairStep, workshop: Workshop) -> StepResult:
    """Take choices out of the state file, of which a copy is kept, and make the links agree with what is left."""

    def without_foreign(text: str) -> str:
        return without(step["name"], text, step["targets"], step["slaves"])

    _rewrite(step["state_file"], without_foreign, "foreign choices removed from an alternatives group", step, workshop)
    _relink_group(step, workshop)
    _take_away(step["entries"], "entry of a foreign slave of an alternatives group", step, workshop)
    return {"name": step["name"], "targets": step["targets"], "links": step["links"]}


def _rewrite(path: str, change: t.Callable[[str], str], why: str, step: RepairStep, workshop: Workshop) -> None:
    """Change the text of a file, of which a copy goes to the quarantine before. Links to it stay links."""
    path = workshop.root.place(workshop.root.realpath(path))
    before = read_text(path)
    after = change(before)
    if after != before:
        workshop.quarantine.keep(path, why, _reason(step))
        rewrite_durably(path, os.fsencode(after))


def _relink_group(step: RepairStep, workshop: Workshop) -> StepResult:
    return _put_links_back(step["links"], step, workshop)


def _put_links_back(
    links: t.Sequence[t.Union[StepLink, LinkTarget]], step: RepairStep, workshop: Workshop
) -> StepResult:
    # The entry first: the public link must not lead to a wrong target, however short.
    for link in reversed(links):
        _put_link_back(link["path"], link["target"], _reason(step), workshop)
    return {"name": step["name"], "links": list(links)}


def _settle_group(step: RepairStep, workshop: Workshop) -> StepResult:
    """Relink what the packages that have just registered themselves left as it was: a file in the place of a link."""
    group = read_group(step["name"], step["state_file"], root=workshop.root)
    judge_links(group, workshop.root)
    follow = relink(group, group["choices"])
    return _put_links_back(follow["links"] if follow else [], step, workshop)


def _quarantine(step: RepairStep, workshop: Workshop) -> StepResult:
    moved = [path for path in step["paths"] if workshop.root.lexists(path)]
    reasons, place = step["reasons"], workshop.root.place
    workshop.quarantine.secure([Keeping("take", place(path), "no package owns it", reasons[path]) for path in moved])
    return {"moved": moved}


def _unset_variables(step: RepairStep, workshop: Workshop) -> StepResult:
    """Make comments of the lines, and leave every other byte as it is. A shell's block must not become empty."""
    path = step["path"]
    found: t.List[str] = []
    mark = ": # " if is_shell_file(path) else "# "

    def with_comments(text: str) -> str:
        lines = text.split("\n")
        found.extend(line for line in lines if line.rstrip("\r") in step["lines"])
        return "\n".join(mark + line if line in found else line for line in lines)

    _rewrite(path, with_comments, "lines that set a variable for everyone became comments", step, workshop)
    return {"path": path, "lines": len(found)}


def _reinstall(step: RepairStep, workshop: Workshop) -> StepResult:
    overwritten = {*workshop.there(step["keep"]), *workshop.transaction.blockers(workshop.packages)}
    workshop.quarantine.secure([before_a_package(path, _reason(step)) for path in sorted(overwritten)])
    workshop.transaction.run(workshop.package_files)
    return {"packages": [one["nevra"] for one in step["packages"]]}


def _set_metadata(step: RepairStep, workshop: Workshop) -> StepResult:
    """Set what the package recorded of what lies there. A link has an owner, and no mode."""
    path = step["path"]
    # It opens nothing: no pipe is waited for, no device is touched, no link is followed.
    descriptor = os.open(workshop.root.place(path), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        itself = "/proc/self/fd/{0}".format(descriptor)
        # Owner first: chown clears the set-user-id bit that chmod may have to set.
        os.chown(itself, *ids_of_owner(step, workshop.root))
        if step["mode"] and not stat.S_ISLNK(found.st_mode):
            os.chmod(itself, int(step["mode"], 8))
        return {"path": path, "mode": octal_mode(os.fstat(descriptor).st_mode)}
    finally:
        os.close(descriptor)


def _selinux_config(step: RepairStep, workshop: Workshop) -> StepResult:
    def with_mode(text: str) -> str:
        return re.sub(r"(?m)^(\s*SELINUX\s*=\s*)\w+", r"\g<1>{0}".format(step["mode"]), text)

    _rewrite(SELINUX_CONFIG, with_mode, "SELINUX= changed on request", step, workshop)
    return {"path": SELINUX_CONFIG, "mode": step["mode"], "effective": "after the next boot or setenforce"}


def _relabel(step: RepairStep, workshop: Workshop) -> StepResult:
    if not workshop.root.is_host:
        return {"relabelled": [], "reason": "the whole root is seen to at the end"}
    program = next((path for path in _RESTORECON if os.access(path, os.X_OK)), None)
    if program is None or not os.path.exists(_SELINUX_ENFORCE):
        return {"relabelled": [], "reason": "SELinux is not active on this host"}
    paths = [path for path in step["paths"] if os.path.lexists(path)]
    done = workshop.runner([program, "-F"] + paths, timeout=60)
    if done.rc != 0:
        raise done.error("The SELinux labels of restored files cannot be set")
    return {"relabelled": paths}


_STEPS: t.Dict[str, t.Callable[[RepairStep, Workshop], StepResult]] = {
    "restore_link": _restore_link,
    "drop_group": _drop_group,
    "drop_choices": _drop_choices,
    "relink_group": _relink_group,
    "settle_group": _settle_group,
    "quarantine": _quarantine,
    "unset_variables": _unset_variables,
    "reinstall": _reinstall,
    "set_metadata": _set_metadata,
    "selinux_config": _selinux_config,
    "relabel": _relabel,
}
