# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The registry of the rules: each reads the observation and says what is not as the contract promises.

A rule is one entry of C(RULES) and one function in _audit/rules; docs/adding-a-rule.md shows how to add one.
"""

import typing as t

from .decided import decide, is_open, keep_accepted, let_follow, parts_of
from .finding_records import Finding, QuarantineFiles
from .records import Observation
from .rule import MOST_LISTED, SEVERITIES, Deviation, Policy, Rule, named_files, number_of_files, shown
from .rules import alternatives, binaries, environment, links, loader, packaged, packages, start, unowned, ways
from .waivers import Waiver, read_waivers, today

__all__ = [
    "DEFAULT_QUARANTINE",
    "QUARANTINE_CHOICES",
    "RULES",
    "SEVERITIES",
    "Finding",
    "Policy",
    "Rule",
    "find",
    "finding_of",
    "ids_of",
    "is_open",
    "named_files",
    "number_of_files",
    "waivers_of",
    "worst",
]

RULES: t.Tuple[Rule, ...] = (
    Rule("SP101", "link-redirected", "major", links.redirected, "link", "redirected", untrusted=True),
    Rule("SP102", "link-replaced", "critical", links.replaced, "link", "redirected", files=True, untrusted=True),
    Rule("SP103", "link-broken", "critical", links.broken, "link", "redirected", untrusted=True),
    Rule("SP104", "foreign-alternatives", "major", alternatives.foreign, "alternatives", "redirected"),
    Rule("SP105", "alternatives-stale", "minor", alternatives.stale, "alternatives"),
    Rule("SP106", "path-shadowed", "minor", environment.shadowed, "environment", files=True, quarantine="on request"),
    Rule(
        "SP107",
        "environment-hijack",
        "major",
        environment.hijacked,
        "environment",
        quarantine="on request",
        named_by=("path", "variable"),
    ),
    Rule("SP108", "unversioned-policy", "minor", environment.unversioned, "environment"),
    Rule("SP109", "loader-preload", "major", environment.preloaded, "environment"),
    Rule("SP110", "loader-library", "major", loader.library, "environment", files=True, untrusted=True),
    Rule("SP111", "loader-environment", "major", loader.variable, "environment", named_by=("path", "variable")),
    Rule(
        "SP201",
        "interpreter-altered",
        "critical",
        binaries.altered,
        "binary",
        "overwritten",
        files=True,
        untrusted=True,
    ),
    Rule("SP202", "interpreter-missing", "critical", binaries.missing, "binary", "gone", files=True, untrusted=True),
    Rule(
        "SP203",
        "interpreter-relinked",
        "critical",
        binaries.relinked,
        "binary",
        "overwritten",
        files=True,
        untrusted=True,
    ),
    Rule("SP204", "twin-altered", "critical", binaries.twin, "binary", "overwritten", files=True, untrusted=True),
    Rule(
        "SP205", "library-altered", "critical", packaged.altered, "packaged", files=True, untrusted=True, parts="drift"
    ),
    Rule(
        "SP206",
        "taken-over",
        "critical",
        packaged.taken_over,
        "packaged",
        "overwritten",
        files=True,
        untrusted=True,
        parts="drift",
    ),
    Rule("SP207", "metadata-altered", "minor", packaged.metadata_altered, "packaged", files=True),
    Rule("SP208", "pip-overwrote", "major", packaged.overwritten_by_pip, "packaged", files=True, parts="drift"),
    Rule(
        "SP209",
        "planted",
        "major",
        unowned.planted,
        "unowned",
        files=True,
        untrusted=True,
        quarantine="by default",
        parts="planted",
    ),
    Rule(
        "SP210",
        "unowned-interpreter",
        "minor",
        unowned.interpreter,
        "unowned",
        files=True,
        quarantine="by default",
        parts="traces",
    ),
    Rule("SP211", "manager-broken", "critical", packages.manager_broken, "manager"),
    Rule("SP212", "selinux-weakened", "info", packages.selinux_weakened, "selinux"),
    Rule(
        "SP213",
        "module-shadowed",
        "major",
        unowned.modules_shadowed,
        "environment",
        files=True,
        quarantine="on request",
        parts="planted",
    ),
    Rule("SP214", "folder-astray", "critical", unowned.astray, "environment", untrusted=True),
    Rule("SP215", "way-open", "critical", ways.opened, "way", untrusted=True),
    Rule("SP216", "way-closed", "major", ways.closed, "way"),
    Rule("SP217", "start-failed", "critical", start.failed, "start"),
    Rule("SP218", "start-foreign", "critical", start.foreign, "start", files=True, untrusted=True),
    Rule(
        "SP301",
        "owner-missing",
        "critical",
        packages.owner_missing,
        "package",
        "gone",
        untrusted=True,
        named_by=("path", "package"),
    ),
    Rule("SP303", "upgrade-unfinished", "major", packages.upgrade_unfinished, "package", named_by=("package",)),
    Rule(
        "SP304",
        "rpm-redirected",
        "major",
        packages.rpm_redirected,
        "package",
        files=True,
        untrusted=True,
        parts="rpm_settings",
    ),
    Rule("SP501", "ansible-interpreter", "minor", environment.ansible_interpreter, "ansible"),
)


def ids_of(matches: t.Callable[[Rule], bool]) -> t.Tuple[str, ...]:
    """Return the ids of the rules that C(matches) is true of."""
    return tuple(rule.id for rule in RULES if matches(rule))


# The findings whose files a repair may move to the quarantine, or change, when it is asked to.
QUARANTINE_CHOICES = ids_of(lambda rule: rule.quarantine is not None)
# Those of which it does so without being asked: they run, or shadow, system code.
DEFAULT_QUARANTINE = ids_of(lambda rule: rule.quarantine == "by default")


def waivers_of(entries: object) -> t.Tuple[Waiver, ...]:
    """Return the exceptions that the user wrote. Raises InvalidDataError, with all mistakes in them."""
    return tuple(read_waivers(entries, {rule.id: rule.named_by for rule in RULES}))


def find(observation: Observation, policy: t.Optional[Policy] = None) -> t.List[Finding]:
    """Return the findings of all rules, in the order of their ids.

    None has a remedy while it is not known which release of a package is on the disk: half of it would be repaired.
    Those that the user accepts are among them.
    """
    policy = policy or Policy()
    found = _decided(observation, policy)
    if not policy.quarantine_all:
        for finding in found:
            _leave(finding, set(observation["put_back"]))
    if all(one["on_disk"] for one in observation["unfinished_upgrades"]):
        return found
    for finding in found:
        finding["remedy"], finding["repairable"] = None, False
    return found


def _decided(observation: Observation, policy: Policy) -> t.List[Finding]:
    day = today()
    waivers = sorted(policy.waivers, key=lambda one: one.is_expired(day))
    found: t.List[Finding] = []
    for rule in RULES:
        own = [one for one in waivers if one.rule == rule.id]
        for part in parts_of(rule, observation, own):
            for finding in (finding_of(rule, deviation, policy) for deviation in rule.check(part, policy)):
                decide(finding, rule, own, day)
                found.append(finding)
    accepted = [one for one in found if not is_open(one)]
    if accepted:
        let_follow(found, accepted)
        keep_accepted(found, accepted, observation)
    return found


def _leave(finding: Finding, wanted: t.Set[str]) -> None:
    """Take out of the remedy what somebody put back from the quarantine."""
    remedy = finding["remedy"]
    if not remedy or remedy["action"] != "quarantine" or finding["id"] not in QUARANTINE_CHOICES:
        return
    stays = [path for path in remedy["paths"] if path in wanted]
    if not stays:
        return
    rest = [path for path in remedy["paths"] if path not in wanted]
    finding["summary"] += "; put back from the quarantine, so it stays: {0}".format(shown(stays))
    finding["evidence"] = dict(finding["evidence"], put_back=stays[:MOST_LISTED])
    finding["remedy"] = QuarantineFiles(action="quarantine", paths=rest) if rest else None
    finding["repairable"] = bool(rest)


def finding_of(rule: Rule, deviation: Deviation, policy: Policy) -> Finding:
    """Return the finding, without a remedy that C(policy) does not want."""
    wanted = DEFAULT_QUARANTINE if policy.quarantine is None else policy.quarantine
    remedy = deviation.remedy if rule.quarantine is None or rule.id in wanted else None
    return Finding(
        id=rule.id,
        name=rule.name,
        severity=deviation.severity or rule.severity,
        summary=deviation.summary,
        path=deviation.path,
        expected=deviation.expected,
        actual=deviation.actual,
        evidence=deviation.evidence or {},
        remedy=remedy,
        repairable=remedy is not None,
    )


def worst(findings: t.Iterable[Finding]) -> t.Optional[str]:
    """Return the highest severity among C(findings) that count, null when there are none."""
    levels = [SEVERITIES.index(finding["severity"]) for finding in findings if is_open(finding)]
    return SEVERITIES[max(levels)] if levels else None
