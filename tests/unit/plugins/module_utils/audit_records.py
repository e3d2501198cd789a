# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of an audit for tests, whole, as the code makes them: a healthy host, and what may be wrong with one.

C(changes) replace keys of the record. Python 3.6: target-side tests use them, too.
"""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import COMMAND, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.finding_records import Finding, Remedy
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import (
    AlternativesChoice,
    AlternativesGroup,
    AnsibleChoice,
    BinaryName,
    Command,
    Contract,
    ContractLink,
    Drift,
    FileFacts,
    GovernedLink,
    Interpreter,
    ManagerState,
    Observation,
    ObservedBinary,
    ObservedLink,
    PlantedFile,
    SelinuxConfig,
    StartState,
    VerificationState,
    make_group,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import PACKAGES, HostMode
from ansible_collections.fleet.system_python.plugins.module_utils._disk.links import Hop

__all__ = [
    "NEVRAS",
    "choice",
    "choice_of",
    "drift_of",
    "finding_of",
    "foreign_group",
    "governed_link",
    "healthy",
    "healthy_el8",
    "interpreter",
    "own_group",
    "planted",
]

NEVRAS = {"python3": "python3-3.9.21-2.el9.x86_64", "python3-libs": "python3-libs-3.9.21-2.el9.x86_64"}


_Record = t.TypeVar("_Record")


def _with(made: _Record, changes: t.Mapping[str, t.Any]) -> _Record:
    """Return the record with other values. A key that it does not have is a mistake of the test."""
    record: t.Any = made
    assert set(changes) <= set(record), sorted(set(changes) - set(record))
    record.update(changes)
    return made


def healthy(os_id: str = "rhel", version: str = "9.7", **changes: t.Any) -> Observation:
    """Return the observation of a healthy host."""
    contract = contract_for({"ID": os_id, "VERSION_ID": version})
    binary = contract["binaries"][0]["path"]
    seen = Observation(
        contract=contract,
        root="/",
        packages=dict(NEVRAS),
        evr={"python3": "3.9.21-2.el9", "python3-libs": "3.9.21-2.el9"},
        architecture="x86_64",
        installed=True,
        missing_packages=[],
        unlinked={},
        duplicate_packages={},
        unfinished_upgrades=[],
        verification=VerificationState(partial=False, seconds=0.5),
        links=[_link(link, binary) for link in contract["links"]],
        binaries=_binaries(contract),
        drift=[],
        ways=[],
        resolution={"python3": [], "python": []},
        command=Command(path=COMMAND, kind="link", target="python3.9", leads_to=binary, owner="python3"),
        interpreters=[],
        alternatives=[],
        unfinished_states=[],
        search_paths=[],
        shadowing=[],
        hijacks=[],
        preloaded=[],
        rpm_settings=[],
        manager_plugins=[],
        libraries=[],
        loader_variables=[],
        planted=[],
        astray=[],
        traces=[],
        put_back=[],
        ansible=AnsibleChoice(path=COMMAND, realpath="/usr/bin/python3.9", verified=True, owner="python3"),
        selinux=SelinuxConfig(configured="enforcing", source="/etc/selinux/config:1"),
        mode=HostMode(PACKAGES),
        manager=ManagerState(name="dnf", state="works", reason="", blocked=[]),
        start=StartState(state="works", reason="", foreign=[]),
        not_checked={},
        unreadable=[],
        rpm_processes=4,
    )
    return _with(seen, changes)


def _link(link: ContractLink, binary: str) -> ObservedLink:
    return ObservedLink(
        path=link["path"],
        package=link["package"],
        owner=link["package"],
        expected=link["target"],
        kind="link",
        target=link["target"],
        chain=[
            Hop(path=link["path"], kind="link", target=link["target"]),
            Hop(path=binary, kind="file", target=None),
        ],
        leads_to=binary,
        due=binary,
    )


def _binaries(contract: Contract) -> t.List[ObservedBinary]:
    return [
        ObservedBinary(
            path=one["path"],
            package=one["package"],
            names=[
                BinaryName(
                    path=path,
                    kind="file",
                    target=None,
                    size=15000,
                    mode=0o100755,
                    inode="1:7",
                    owner="python3",
                    drift=None,
                )
                for path in [one["path"]] + one["twins"]
            ],
        )
        for one in contract["binaries"]
    ]


def drift_of(path: str, package: str = "python3", **changes: t.Any) -> Drift:
    """Return the drift of a file whose content differs."""
    made = Drift(
        path=path,
        package=package,
        missing=False,
        flags="S.5....T.",
        altered=["size", "digest", "mtime"],
        unreadable=[],
        note="",
        taken_by=[],
        reason="",
        kind="file",
        pip_record=None,
        expected=FileFacts(digest="aa", size=1, mode="0755", owner="root", group="root"),
        actual=FileFacts(digest="bb", size=2),
    )
    return _with(made, changes)


def foreign_group(**changes: t.Any) -> AlternativesGroup:
    """Return a group over the packaged /usr/bin/python3."""
    made = make_group(
        "python3",
        "auto",
        COMMAND,
        choices=[choice("/usr/bin/python3.12", 20, owner="python3.12")],
        state_file="/var/lib/alternatives/python3",
        entry="/etc/alternatives/python3",
        chosen="/usr/bin/python3.12",
        chosen_owner="python3.12",
        governs=[
            governed_link(
                "python3",
                "python3.12",
                owner="python3.12",
                package="python3",
                expected="python3.9",
                due="/usr/bin/python3.9",
            )
        ],
    )
    return _with(made, changes)


# --- a release whose own packages make a group (EL 8) ----------------------------------------------------------------


def healthy_el8(**changes: t.Any) -> Observation:
    """Return the observation of a healthy EL 8 host."""
    packages = {
        "platform-python": "platform-python-3.6.8-62.el8_10.x86_64",
        "python36": "python36-3.6.8-39.x86_64",
    }
    return healthy("rhel", "8.10", **dict({"packages": packages, "alternatives": [own_group()]}, **changes))


def own_group(**changes: t.Any) -> AlternativesGroup:
    """Return the group python3 of a healthy EL 8 host with python36 and python3.11."""
    made = make_group(
        "python3",
        "auto",
        COMMAND,
        choices=[choice_of("3.6", 1000000, owner="python36"), choice_of("3.11", 31100, owner="python3.11")],
        state_file="/var/lib/alternatives/python3",
        entry="/etc/alternatives/python3",
        chosen="/usr/bin/python3.6",
        governs=[governed_link("python3", "python3.6"), governed_link("pip3", "pip3.6")],
        own=True,
        makers=["python3.11", "python36"],
        chosen_owner="python36",
    )
    return _judged(_with(made, changes))


def _judged(group: AlternativesGroup) -> AlternativesGroup:
    """Return the group with what its links make of its choices."""
    for one in group["choices"]:
        one["chosen"] = one["target"] == group["chosen"]
        one["astray"] = [
            slave["name"]
            for slave in group["governs"][1:]
            if not slave["governed"] or slave["leads_to"] != one["slaves"].get(slave["name"])
        ]
    return group


def choice(target: str, priority: int, owner: t.Optional[str], exists: bool = True) -> AlternativesChoice:
    """Return a choice of a group without slaves that is not chosen."""
    return AlternativesChoice(
        target=target,
        place=target,
        priority=priority,
        family=None,
        slaves={},
        chosen=False,
        exists=exists,
        astray=[],
        owner=owner,
    )


def choice_of(
    version: str, priority: int, owner: t.Optional[str], folder: str = "/usr/bin", exists: bool = True
) -> AlternativesChoice:
    """Return a choice of the group python3 with pip3 as its slave."""
    made = choice("{0}/python{1}".format(folder, version), priority, owner, exists)
    made["slaves"] = {"pip3": "{0}/pip{1}".format(folder, version)}
    return made


def governed_link(name: str, command: str, **changes: t.Any) -> GovernedLink:
    """Return the link of a group in /usr/bin that leads to C(command) as it should."""
    made = GovernedLink(
        name=name,
        path="/usr/bin/" + name,
        kind="link",
        entry="/etc/alternatives/" + name,
        target="/etc/alternatives/" + name,
        governed=True,
        leads_to="/usr/bin/" + command,
        owner="python36",
        package=None,
        expected=None,
        due=None,
    )
    _with(made, changes)
    made["governed"] = made["target"] == made["entry"]
    return made


def interpreter(path: str, version: t.Optional[str], reason: t.Optional[str] = None) -> Interpreter:
    """Return a name of a Python that is a program of its own."""
    return Interpreter(
        path=path,
        realpath=path,
        source="usual place",
        version=version,
        version_source="elf-string",
        kind="elf",
        executable=True,
        reason=reason,
        owner=None,
        verified=None,
    )


def finding_of(
    rule: str,
    severity: str = "major",
    path: t.Optional[str] = None,
    remedy: t.Optional[Remedy] = None,
    **evidence: object,
) -> Finding:
    """Return a finding that needs no more than an id, a path, a remedy and evidence."""
    return Finding(
        id=rule,
        name="name-of-" + rule,
        severity=severity,
        summary="summary of " + rule,
        path=path,
        expected=None,
        actual=None,
        evidence=evidence,
        remedy=remedy,
        repairable=remedy is not None,
    )


def planted(path: str, **changes: t.Any) -> PlantedFile:
    """Return a file in a folder of packaged modules that no package owns."""
    made = PlantedFile(
        path=path, role="site", runs_at_startup=False, hides=False, by_pip=False, open_to_others=False, since=None
    )
    return _with(made, changes)
