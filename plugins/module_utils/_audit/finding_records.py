# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What is found, and what can be done about it: records as those of records.py, which has what is seen."""

import typing as t

if t.TYPE_CHECKING:
    # --- the remedies, which differ by their action (see _repair/plan.py) ---

    class LinkTarget(t.TypedDict):
        """A link and where it should lead."""

        path: str
        target: str

    class DroppedLink(t.TypedDict):
        """A link of a group that goes; it leads to C(packaged_target) then, or goes, too, where that is null."""

        path: str
        entry: str
        package: t.Optional[str]
        packaged_target: t.Optional[str]

    class RestoreLink(t.TypedDict):
        """Put a packaged link back; C(kind) is what lies there now."""

        action: t.Literal["restore_link"]
        path: str
        target: str
        kind: str

    class DropGroup(t.TypedDict):
        """Take a foreign alternatives group away without its links going away; C(entries) go with it."""

        action: t.Literal["drop_group"]
        name: str
        state_file: str
        entries: t.List[str]
        links: t.List[DroppedLink]

    class DropChoices(t.TypedDict):
        """Take foreign choices and slaves out of a group of the release itself; C(entries) are those of the slaves."""

        action: t.Literal["drop_choices"]
        name: str
        state_file: str
        targets: t.List[str]
        slaves: t.List[str]
        entries: t.List[str]
        links: t.List[LinkTarget]

    class RelinkGroup(t.TypedDict):
        """Make the links of a legitimate group agree with its state file."""

        action: t.Literal["relink_group"]
        name: str
        state_file: str
        links: t.List[LinkTarget]

    class RemakeGroup(t.TypedDict):
        """Let packages register themselves again, after what lies at C(cleared) went to the quarantine."""

        action: t.Literal["remake_group"]
        name: str
        state_file: str
        cleared: t.List[str]
        packages: t.Dict[str, str]
        links: t.List[str]

    class QuarantineFiles(t.TypedDict):
        """Move files that do not belong there."""

        action: t.Literal["quarantine"]
        paths: t.List[str]

    class UnsetVariable(t.TypedDict):
        """Make a comment of a line of a settings file."""

        action: t.Literal["unset_variables"]
        path: str
        line: str

    class Reinstall(t.TypedDict):
        """Reinstall a package, or install it where it is not in the database; C(keep) are files that are kept first."""

        action: t.Literal["reinstall"]
        package: str
        nevra: str
        keep: t.List[str]

    class SetMetadata(t.TypedDict):
        """Set mode, owner and group from rpm's own record; of a link, which has no mode, C(mode) is null."""

        action: t.Literal["set_metadata"]
        path: str
        mode: t.Optional[str]
        owner: str
        group: str

    class SetSelinux(t.TypedDict):
        """Set the mode in the configuration of SELinux."""

        action: t.Literal["selinux_config"]
        mode: str

    class RebuildVenv(t.TypedDict):
        """Repair a venv with the module python_venv, or with C(tasks_from) of its role."""

        action: t.Literal["python_venv"]
        path: str
        state: str
        tasks_from: t.NotRequired[str]

    class NoRemedy(t.TypedDict):
        """Nothing is to be done here: the finding goes away with others."""

        action: t.Literal["none"]

    Remedy = t.Union[
        RestoreLink,
        DropGroup,
        DropChoices,
        RelinkGroup,
        RemakeGroup,
        QuarantineFiles,
        UnsetVariable,
        Reinstall,
        SetMetadata,
        SetSelinux,
        RebuildVenv,
        NoRemedy,
    ]

    # --- the findings (see findings.py) ---

    class Acceptance(t.TypedDict):
        """The user's exception for a finding: see waivers.py."""

        reason: str
        expires: t.Optional[str]

    class Finding(t.TypedDict):
        """What one rule says is not as the contract promises.

        C(expected) and C(actual) are plain values, C(evidence) is what the rule went by; C(severity) is one of
        SEVERITIES; C(remedy) is what a repair does about it, and C(repairable) whether it does anything. One that is
        C(accepted) does not count; of one that is C(expired) the exception is over.
        """

        id: str
        name: str
        severity: str
        summary: str
        path: t.Optional[str]
        expected: object
        actual: object
        evidence: t.Dict[str, object]
        remedy: t.Optional[Remedy]
        repairable: bool
        accepted: t.NotRequired[Acceptance]
        expired: t.NotRequired[Acceptance]

else:
    LinkTarget = DroppedLink = RestoreLink = DropGroup = DropChoices = RelinkGroup = RemakeGroup = dict
    QuarantineFiles = UnsetVariable = Reinstall = SetMetadata = SetSelinux = RebuildVenv = dict
    NoRemedy = Acceptance = Finding = Remedy = dict
