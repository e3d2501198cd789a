# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The rules: each reads the observation and says what is not as the contract promises.

A rule is one entry of C(RULES) and one function; docs/adding-a-rule.md shows how to add one. A finding is a dict:

- C(id), C(name), C(severity) (critical, major, minor, info), C(summary) (a sentence), C(path) (or null);
- C(expected), C(actual): plain values, C(evidence): a dict of what the rule went by;
- C(repairable): whether a repair does something about it, C(remedy): what that is (see _plan.py), null where nothing.
"""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.module_utils._unversioned import (
    actual_policy,
    described,
    target_of,
)

__all__ = ["DEFAULT_QUARANTINE", "RULES", "SEVERITIES", "Finding", "Policy", "Rule", "find", "worst"]

Finding = t.Dict[str, t.Any]
Observation = t.Mapping[str, t.Any]

SEVERITIES = ("info", "minor", "major", "critical")

# The findings whose files a repair may move to the quarantine without being asked: they run, or shadow, system code.
DEFAULT_QUARANTINE = ("SP209", "SP210")

# More names than this in one finding help nobody; the number of all is always given.
_SHOWN = 20


class Policy(t.NamedTuple):
    """What the user wants beyond the contract."""

    unversioned: str = "unmanaged"
    selinux: t.Optional[str] = None
    quarantine: t.Tuple[str, ...] = DEFAULT_QUARANTINE
    # Whether SP107 may change a line in a file that a package owns, too.
    edit_packaged: bool = False


class Rule(t.NamedTuple):
    """One entry of the registry."""

    id: str
    name: str
    severity: str
    check: t.Callable[[Observation, Policy], t.Iterator[t.Dict[str, t.Any]]]


def find(
    observation: Observation, policy: t.Optional[Policy] = None, rules: t.Optional[t.Sequence[Rule]] = None
) -> t.List[Finding]:
    """Return the findings of all rules, in the order of their ids. C(rules) are RULES where others are not given."""
    found: t.List[Finding] = []
    for rule in RULES if rules is None else rules:
        for partial in rule.check(observation, policy or Policy()):
            found.append(_complete(rule, partial))
    return found


def worst(findings: t.Iterable[Finding]) -> t.Optional[str]:
    """Return the highest severity among C(findings), null when there are none."""
    levels = [SEVERITIES.index(finding["severity"]) for finding in findings]
    return SEVERITIES[max(levels)] if levels else None


def _complete(rule: Rule, partial: t.Dict[str, t.Any]) -> Finding:
    finding: Finding = {
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity,
        "path": None,
        "expected": None,
        "actual": None,
        "evidence": {},
        "remedy": None,
    }
    finding.update(partial)
    finding["repairable"] = finding["remedy"] is not None
    return finding


def _shown(paths: t.Sequence[str]) -> str:
    text = ", ".join(printable(path) for path in paths[:3])
    return text + (" and {0} more".format(len(paths) - 3) if len(paths) > 3 else "")


def _listed(paths: t.Sequence[str]) -> t.Dict[str, t.Any]:
    return {"paths": list(paths[:_SHOWN]), "count": len(paths)}


def _reinstall(
    observation: Observation,
    package: t.Optional[str],
    overwritten: t.Iterable[str] = (),
    replaceable: t.Sequence[str] = (),
) -> t.Optional[t.Dict[str, t.Any]]:
    """Return the remedy, of which C(overwritten) are the altered files that the transaction overwrites.

    C(replaceable) are those that belong to another package now and are taken back.

    It is null where the package is not in the database: SP301 reports that, with its own remedy."""
    nevra = observation["packages"].get(package)
    if not nevra:
        return None
    return {
        "action": "reinstall",
        "package": package,
        "nevra": nevra,
        "replaceable": list(replaceable),
        "keep": list(overwritten),
    }


def _install(package: str, evr: str) -> t.Dict[str, t.Any]:
    return {"action": "reinstall", "package": package, "nevra": None, "evr": evr, "replaceable": [], "keep": []}


# --- the links of the contract ---------------------------------------------------------------------------------------


def _restore_link(link: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    return {"action": "restore_link", "path": link["path"], "target": link["expected"], "kind": link["kind"]}


def _is_redirected(link: t.Dict[str, t.Any]) -> bool:
    return link["kind"] == "link" and link["target"] != link["expected"]


def _link_redirected(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for link in observation["links"]:
        if _is_redirected(link) and link["leads_to"]:
            # By a detour, as after an upgrade with Leapp: nothing runs that should not.
            harmless = link["leads_to"] == link["due"]
            yield {
                "severity": "minor" if harmless else "major",
                "path": link["path"],
                "summary": "{0} leads to {1} {2}".format(
                    link["path"],
                    printable(link["leads_to"]),
                    "as it should, but by way of {0}".format(printable(link["target"]))
                    if harmless
                    else "instead of {0}".format(link["expected"]),
                ),
                "expected": link["expected"],
                "actual": link["target"],
                "evidence": {"chain": [hop["path"] for hop in link["chain"]], "package": link["package"]},
                "remedy": _restore_link(link),
            }
    yield from _group_bypassed(observation)
    yield from _command_unowned(observation)


def _governed(observation: Observation) -> t.Iterator[t.Tuple[t.Dict[str, t.Any], t.Dict[str, t.Any]]]:
    """Yield each command that a group of the release itself makes, with its group."""
    for group in observation["alternatives"]:
        if _is_legitimate(group, observation):
            for one in group["governs"]:
                yield one, group


def _group_bypassed(observation: Observation) -> t.Iterator[t.Dict[str, t.Any]]:
    for one, group in _governed(observation):
        if one["kind"] == "link" and one["target"] != one["entry"] and one["leads_to"] and not one["owner"]:
            yield {
                "path": one["path"],
                "summary": "{0} leads to {1}, which no package owns, past the alternatives group {2}".format(
                    one["path"], printable(one["leads_to"]), printable(group["name"])
                ),
                "expected": one["entry"],
                "actual": one["target"],
                "evidence": {"state_file": group["state_file"], "leads_to": one["leads_to"]},
                "remedy": _relink_group(group),
            }


def _command_unowned(observation: Observation) -> t.Iterator[t.Dict[str, t.Any]]:
    """Judge /usr/bin/python3 where neither a package ships it nor a group governs it."""
    command = observation["command"]
    known = {link["path"] for link in observation["links"]}
    known.update(one["path"] for group in observation["alternatives"] for one in group["governs"])
    if command["path"] in known or not command["leads_to"] or command["owner"]:
        return
    yield {
        "path": command["path"],
        "summary": "{0} leads to {1}, which no package owns, and no alternatives group governs it".format(
            command["path"], printable(command["leads_to"])
        ),
        "expected": "an interpreter of a package, or nothing",
        "actual": command["target"] or command["kind"],
        "evidence": {"leads_to": command["leads_to"], "made_by": command["made_by"]},
        # The scriptlets of the package that has it as a %ghost make its group again; they leave a file there alone.
        "remedy": _reinstall(observation, command["made_by"]) if command["kind"] == "link" else None,
    }


def _link_replaced(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for link in observation["links"]:
        if link["kind"] in ("file", "directory", "other"):
            yield {
                "path": link["path"],
                "summary": "{0} is a {1}; the package {2} ships a link to {3}".format(
                    link["path"], link["kind"], link["package"], link["expected"]
                ),
                "expected": link["expected"],
                "actual": link["kind"],
                "evidence": {"package": link["package"]},
                "remedy": _restore_link(link),
            }
    for one, group in _governed(observation):
        if one["kind"] in ("file", "directory", "other"):
            yield {
                "path": one["path"],
                "summary": "{0} is a {1}; the alternatives group {2} has a link there".format(
                    one["path"], one["kind"], printable(group["name"])
                ),
                "expected": one["entry"],
                "actual": one["kind"],
                "evidence": {"state_file": group["state_file"]},
                "remedy": _relink_group(group),
            }


def _link_broken(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for link in observation["links"]:
        ending = link["chain"][-1]["kind"]
        if link["kind"] == "missing":
            how = "is missing"
        elif _is_redirected(link) and not link["leads_to"]:
            how = "leads to {0}, which is {1}".format(
                printable(link["target"]), "a loop" if ending == "loop" else "no file"
            )
        else:
            continue
        yield {
            "path": link["path"],
            "summary": "{0} {1}".format(link["path"], how),
            "expected": link["expected"],
            "actual": link["target"],
            "evidence": {"chain": [hop["path"] for hop in link["chain"]], "ends_as": ending},
            "remedy": _restore_link(link),
        }
    for one, group in _governed(observation):
        if one["path"] == group["link"] and not one["leads_to"] and one["kind"] in ("link", "missing"):
            yield {
                "path": one["path"],
                "summary": "{0} {1}; the alternatives group {2} has a command there".format(
                    one["path"],
                    "is missing" if one["kind"] == "missing" else "leads to no file",
                    printable(group["name"]),
                ),
                "expected": one["entry"],
                "actual": one["target"],
                "evidence": {"state_file": group["state_file"], "chosen": group["chosen"]},
                "remedy": _relink_group(group) or _awaited(group),
            }


def _awaited(group: t.Dict[str, t.Any]) -> t.Optional[t.Dict[str, t.Any]]:
    """Return that nothing is to be done here where the chosen target comes back with its package."""
    chosen = [choice for choice in group["choices"] if choice["target"] == group["chosen"]]
    return {"action": "none"} if any(choice["owner"] for choice in chosen) else None


# --- alternatives ----------------------------------------------------------------------------------------------------


def _owned_links(group: t.Dict[str, t.Any]) -> t.List[t.Dict[str, t.Any]]:
    return [one for one in group["governs"] if one["package"]]


def _is_legitimate(group: t.Dict[str, t.Any], observation: Observation) -> bool:
    return group["name"] in (observation["contract"].get("alternatives") or [])


def _drop_group(group: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    return {
        "action": "drop_group",
        "name": group["name"],
        "state_file": group["state_file"],
        "links": [
            {
                "path": one["path"],
                "entry": one["entry"],
                "package": one["package"],
                "packaged_target": one["expected"],
                "governed": one["target"] == one["entry"],
            }
            for one in group["governs"]
        ],
    }


def _foreign_alternatives(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for group in observation["alternatives"]:
        if _is_legitimate(group, observation):
            yield from _foreign_choices(group)
            continue
        owned = _owned_links(group)
        if not owned:
            continue
        harmless = _leads_as_packaged(group)
        yield {
            "severity": "minor" if harmless else "major",
            "path": group["link"],
            "summary": "the alternatives group {0} governs {1}, which belongs to the package {2}{3}".format(
                printable(group["name"]),
                _shown([one["path"] for one in owned]),
                owned[0]["package"],
                "; it leads to the packaged {0}, so nothing runs that should not".format(group["chosen"])
                if harmless
                else "",
            ),
            "expected": "no alternatives group",
            "actual": group["chosen"],
            "evidence": {
                "state_file": group["state_file"],
                "mode": group["mode"],
                "choices": [
                    {"target": choice["target"], "priority": choice["priority"]} for choice in group["choices"]
                ],
            },
            "remedy": _drop_group(group),
        }


def _leads_as_packaged(group: t.Dict[str, t.Any]) -> bool:
    """Tell whether all that the group offers is what the packaged names lead to.

    Such a group is what an upgrade with Leapp may leave behind.
    """
    owned = _owned_links(group)
    targets = {choice["target"] for choice in group["choices"]}
    if group["problems"] or targets != {one["due"] for one in owned if one["path"] == group["link"]}:
        return False
    return all(one["leads_to"] == one["due"] for one in owned)


def _foreign_choices(group: t.Dict[str, t.Any]) -> t.Iterator[t.Dict[str, t.Any]]:
    """Judge what a group of the release itself offers: only what packages own may be chosen."""
    packaged = [choice["priority"] for choice in group["choices"] if choice["owner"]]
    foreign = [
        choice
        for choice in group["choices"]
        if choice["exists"] and not choice["owner"]
        if choice["target"] == group["chosen"] or choice["priority"] >= max(packaged, default=0)
    ]
    if foreign:
        yield {
            "path": group["link"],
            "summary": "the alternatives group {0} offers {1}, which no package owns, before what packages own".format(
                printable(group["name"]), _shown([choice["target"] for choice in foreign])
            ),
            "expected": "targets that packages own",
            "actual": group["chosen"],
            "evidence": {
                "state_file": group["state_file"],
                "mode": group["mode"],
                "choices": [{"target": one["target"], "priority": one["priority"]} for one in group["choices"]],
            },
            "remedy": _drop_choices(group, [choice["target"] for choice in foreign]),
        }


def _drop_choices(group: t.Dict[str, t.Any], targets: t.List[str]) -> t.Optional[t.Dict[str, t.Any]]:
    """Return how to take C(targets) out of a group; null where no packaged one would be left."""
    left = [choice for choice in group["choices"] if choice["target"] not in targets]
    relink = _relink_group(dict(group, choices=left))
    if not any(choice["owner"] for choice in left):
        return None
    return {
        "action": "drop_choices",
        "name": group["name"],
        "state_file": group["state_file"],
        "targets": targets,
        "links": relink["links"] if relink else [],
    }


def _alternatives_stale(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for group in observation["alternatives"]:
        if not group["problems"]:
            continue
        foreign = bool(_owned_links(group)) and not _is_legitimate(group, observation)
        yield {
            "path": group["link"],
            "summary": "the alternatives group {0} disagrees with itself: {1}".format(
                printable(group["name"]), "; ".join(printable(problem) for problem in group["problems"])
            ),
            "expected": group["entry"],
            "actual": group["chosen"],
            "evidence": {"state_file": group["state_file"], "problems": group["problems"]},
            "remedy": _drop_group(group) if foreign else _relink_group(group),
        }


def _relink_group(group: t.Dict[str, t.Any]) -> t.Optional[t.Dict[str, t.Any]]:
    """Return how to make the links agree with the state file; null where no registered target is left.

    A target that a package owns goes before one that none owns; where it is gone, it comes back with its package.
    """
    owned = [choice for choice in group["choices"] if choice["owner"]]
    living = owned or [choice for choice in group["choices"] if choice["exists"]]
    if not living:
        return None
    chosen = [choice for choice in living if group["mode"] == "manual" and choice["target"] == group["chosen"]]
    best = chosen[0] if chosen else max(living, key=lambda choice: choice["priority"])
    slaves = [one for one in group["governs"][1:] if _is_slave_astray(one, best)]
    if best["target"] == group["chosen"] and group["governs"][0]["target"] == group["entry"] and not slaves:
        # Only a registered target is gone: dropping the registration is its package's business.
        return None
    return {
        "action": "relink_group",
        "name": group["name"],
        "links": [{"path": group["link"], "target": group["entry"]}]
        + [{"path": one["path"], "target": one["entry"]} for one in slaves]
        + [{"path": group["entry"], "target": best["target"]}]
        + [{"path": one["entry"], "target": best["slaves"][one["name"]]} for one in slaves],
    }


def _is_slave_astray(one: t.Dict[str, t.Any], best: t.Dict[str, t.Any]) -> bool:
    """Tell whether a slave's links, where it has some, are not those of the choice C(best)."""
    wanted = best["slaves"].get(one["name"])
    if not wanted or one["kind"] == "missing":
        # Both programs pass over a slave whose file is not there, a manual page of a minimal host for example.
        return False
    return bool(one["target"] != one["entry"] or one["entry_target"] != wanted)


# --- what comes before, and what is set for everyone -----------------------------------------------------------------


def _path_shadowed(observation: Observation, policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for hit in observation["shadowing"]:
        yield {
            "path": hit["path"],
            "summary": "{0} comes before the system's python3 on the search path of: {1}".format(
                printable(hit["path"]), ", ".join(hit["who"])
            ),
            "expected": observation["command"]["path"],
            "actual": hit["path"],
            "evidence": {"leads_to": hit["leads_to"], "search_paths": hit["who"], "owner": hit.get("owner")},
            # What a package owns is its package's: only removing that helps.
            "remedy": None if hit.get("owner") else _quarantine(policy, "SP106", [hit["path"]]),
        }


def _quarantine(policy: Policy, finding_id: str, paths: t.Sequence[str]) -> t.Optional[t.Dict[str, t.Any]]:
    if finding_id not in policy.quarantine or not paths:
        return None
    return {"action": "quarantine", "paths": list(paths)}


def _environment_hijack(observation: Observation, policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for one in observation["hijacks"]:
        owner = one.get("owner")
        yield {
            "path": one["source"].partition(":")[0] if one["source"].startswith("/") else None,
            "summary": "{0} is set for everyone ({1}): every Python obeys it, the system's tools too".format(
                one["variable"], one["source"]
            ),
            "expected": "not set",
            "actual": one["value"],
            "evidence": {"source": one["source"], "owner": owner, "editable": bool(one.get("line"))},
            "remedy": _unset(one, policy),
        }


def _unset(hijack: t.Mapping[str, t.Any], policy: Policy) -> t.Optional[t.Dict[str, t.Any]]:
    """Return the remedy for a line that sets nothing else, in a file whose editing was asked for."""
    asked = "SP107" in policy.quarantine and (not hijack.get("owner") or policy.edit_packaged)
    if not asked or not hijack.get("line"):
        return None
    return {"action": "unset_variables", "path": hijack["path"], "line": hijack["line"]}


def _unversioned_policy(observation: Observation, policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    contract, chain = observation["contract"], observation["resolution"]["python"]
    wanted = None if policy.unversioned == "unmanaged" else target_of(contract, policy.unversioned)
    if wanted is None or actual_policy(contract, chain) == policy.unversioned:
        return
    promised = contract["unversioned"]
    actual = described(chain)
    yield {
        "path": promised["path"],
        "summary": "{0} is {1}, the policy asks for {2}".format(
            promised["path"], printable(actual), policy.unversioned
        ),
        "expected": wanted,
        "actual": actual,
        "evidence": {"policy": policy.unversioned, "package": promised["package"]},
    }


# --- the files of the packages ---------------------------------------------------------------------------------------


def _content_words(drift: t.Dict[str, t.Any]) -> t.Set[str]:
    return set(drift["altered"]) & {"size", "digest", "link", "device", "type"}


def _is_metadata_only(drift: t.Dict[str, t.Any]) -> bool:
    return not drift["missing"] and not drift["note"] and bool(drift["altered"]) and not _content_words(drift)


def _is_taken_over(drift: t.Dict[str, t.Any]) -> bool:
    return drift["note"] == "replaced"


def _names(observation: Observation) -> t.Iterator[t.Tuple[t.Dict[str, t.Any], t.Dict[str, t.Any], bool]]:
    """Yield each name of each contract binary, with its binary and whether it is a twin."""
    for binary in observation["binaries"]:
        for number, name in enumerate(binary["names"]):
            yield binary, name, number > 0


def _is_executable_file(name: t.Dict[str, t.Any]) -> bool:
    return name["kind"] == "file" and bool(name["size"]) and bool(name["mode"] & 0o111)


def _interpreter_altered(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for binary, name, twin in _names(observation):
        drift = name["drift"]
        if twin or drift is None or _is_taken_over(drift) or not _is_executable_file(name):
            continue
        if _content_words(drift):
            yield {
                "path": name["path"],
                "summary": "{0} is not the file that the package {1} shipped".format(name["path"], binary["package"]),
                "expected": drift["expected"],
                "actual": drift["actual"],
                "evidence": {"rpm": drift["flags"]},
                "remedy": _reinstall(observation, binary["package"], [name["path"]]),
            }


def _interpreter_missing(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for binary, name, _twin in _names(observation):
        if name["kind"] == "link" or _is_executable_file(name):
            continue
        how, remedy = "is missing", _reinstall(observation, binary["package"])
        if name["kind"] == "file" and not name["size"]:
            how = "is empty"
        elif name["kind"] == "file":
            how = "is not executable"
            if name["drift"] is not None and _is_metadata_only(name["drift"]):
                remedy = _set_metadata(name["drift"])
        elif name["kind"] != "missing":
            how = "is a {0}".format(name["kind"])
        yield {
            "path": name["path"],
            "summary": "{0} {1}".format(name["path"], how),
            "expected": "an executable file of the package {0}".format(binary["package"]),
            "actual": how,
            "evidence": {"rpm": name["drift"]["flags"] if name["drift"] else None, "kind": name["kind"]},
            "remedy": remedy,
        }


def _interpreter_relinked(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for binary, name, _twin in _names(observation):
        if name["kind"] == "link":
            yield {
                "path": name["path"],
                "summary": "{0} became a link to {1}; the package {2} ships a file".format(
                    name["path"], printable(name["target"]), binary["package"]
                ),
                "expected": "file",
                "actual": name["target"],
                "evidence": {"rpm": name["drift"]["flags"] if name["drift"] else None},
                "remedy": _reinstall(observation, binary["package"], [name["path"]]),
            }


def _twin_altered(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for binary in observation["binaries"]:
        first, twins = binary["names"][0], binary["names"][1:]
        for twin in twins:
            altered = twin["drift"] is not None and bool(_content_words(twin["drift"])) and _is_executable_file(twin)
            split = first["inode"] and twin["inode"] and first["inode"] != twin["inode"]
            if not altered and not split:
                continue
            yield {
                "path": twin["path"],
                "summary": "{0} and {1} {2}".format(
                    twin["path"], first["path"], "are no longer one file" if split else "were altered together"
                ),
                "expected": "one inode, content of the package {0}".format(binary["package"]),
                "actual": {"same_inode": not split, "altered": altered},
                "evidence": {"rpm": twin["drift"]["flags"] if twin["drift"] else None},
                "remedy": _reinstall(observation, binary["package"], [twin["path"]]),
            }


def _other_drift(observation: Observation) -> t.Iterator[t.Dict[str, t.Any]]:
    """Yield the drift that no rule about a link, a foreign group or a binary of the contract reports."""
    reported = {link["path"] for link in observation["links"]}
    reported.update(
        one["path"]
        for group in observation["alternatives"]
        if not _is_legitimate(group, observation)
        for one in _owned_links(group)
        if one["target"] == one["entry"]
    )
    reported.update(name["path"] for _binary, name, _twin in _names(observation))
    for drift in observation["drift"]:
        if drift["path"] not in reported:
            yield drift


def _by_package(drifts: t.Iterable[t.Dict[str, t.Any]]) -> t.List[t.Tuple[str, t.List[t.Dict[str, t.Any]]]]:
    grouped: t.Dict[str, t.List[t.Dict[str, t.Any]]] = {}
    for drift in drifts:
        grouped.setdefault(drift["package"] or "", []).append(drift)
    return sorted(grouped.items())


def _library_altered(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    mine = (
        drift
        for drift in _other_drift(observation)
        if not _is_taken_over(drift) and not _is_metadata_only(drift) and not drift["pip_record"]
        if drift["missing"] or _content_words(drift)
    )
    for package, drifts in _by_package(mine):
        paths = [drift["path"] for drift in drifts]
        yield {
            # Python does not read this one, pip does; images and people delete it.
            "severity": "minor" if all(path.endswith("/EXTERNALLY-MANAGED") for path in paths) else "critical",
            "path": paths[0],
            "summary": "{0} of the package {1} {2} not as shipped: {3}".format(
                "1 file" if len(paths) == 1 else "{0} files".format(len(paths)),
                package,
                "is" if len(paths) == 1 else "are",
                _shown(paths),
            ),
            "expected": "as in the rpm database",
            "actual": _words(drifts),
            "evidence": dict(_listed(paths), package=package, rpm=_flags(drifts[0])),
            "remedy": _reinstall(observation, package, _present(drifts)),
        }


def _present(drifts: t.Iterable[t.Dict[str, t.Any]]) -> t.List[str]:
    return [drift["path"] for drift in drifts if not drift["missing"]]


def _words(drifts: t.Iterable[t.Dict[str, t.Any]]) -> str:
    words: t.Set[str] = set()
    for drift in drifts:
        words.update(["missing"] if drift["missing"] else drift["altered"])
    return ", ".join(sorted(words))


def _flags(drift: t.Dict[str, t.Any]) -> str:
    return "missing" if drift["missing"] else drift["flags"]


def _taken_over(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    for package, drifts in _by_package(drift for drift in observation["drift"] if _is_taken_over(drift)):
        paths = [drift["path"] for drift in drifts]
        yield {
            "path": paths[0],
            "summary": "another package replaced {0} of the package {1}".format(_shown(paths), package),
            "expected": package,
            "actual": "replaced",
            "evidence": dict(_listed(paths), package=package),
            "remedy": _reinstall(observation, package, _present(drifts), paths),
        }


def _set_metadata(drift: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    expected = drift["expected"]
    return {
        "action": "set_metadata",
        "path": drift["path"],
        "mode": expected.get("mode"),
        "owner": expected.get("owner"),
        "group": expected.get("group"),
    }


def _metadata_altered(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    not_executable = {name["path"] for _binary, name, _twin in _names(observation) if not _is_executable_file(name)}
    for drift in observation["drift"]:
        if not _is_metadata_only(drift) or drift["path"] in not_executable:
            continue
        remedy = _set_metadata(drift)
        if "capabilities" in drift["altered"]:
            remedy = _reinstall(observation, drift["package"], [drift["path"]]) or remedy
        yield {
            "path": drift["path"],
            "summary": "{0} of {1} {2} not as the package {3} shipped it".format(
                " and ".join(drift["altered"]),
                printable(drift["path"]),
                "is" if len(drift["altered"]) == 1 else "are",
                drift["package"],
            ),
            "expected": drift["expected"],
            "actual": drift["actual"],
            "evidence": {"rpm": drift["flags"]},
            "remedy": remedy,
        }


def _pip_overwrote(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    mine = (
        drift
        for drift in _other_drift(observation)
        if not _is_taken_over(drift) and not _is_metadata_only(drift) and drift["pip_record"]
    )
    for package, drifts in _by_package(mine):
        paths = [drift["path"] for drift in drifts]
        yield {
            "path": paths[0],
            "summary": "pip replaced {0} of the package {1}".format(_shown(paths), package),
            "expected": "as in the rpm database",
            "actual": "installed by pip",
            "evidence": dict(_listed(paths), package=package, installed_by=drifts[0]["pip_record"]),
            "remedy": _reinstall(observation, package, _present(drifts)),
        }


# --- what no package owns --------------------------------------------------------------------------------------------


def _planted(observation: Observation, policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    startup = [one["path"] for one in observation["planted"] if one["runs_at_startup"]]
    installed = [one["path"] for one in observation["planted"] if one["by_pip"] and one["path"] not in startup]
    dangerous = [one["path"] for one in observation["planted"] if one["path"] not in installed]
    if dangerous:
        yield {
            "path": dangerous[0],
            "summary": "no package owns {0} in the folders of the system's Python{1}".format(
                _shown(dangerous), ", where it runs whenever Python starts" if startup else ""
            ),
            "expected": "only files of packages",
            "actual": "unowned",
            "evidence": dict(_listed(dangerous), run_at_startup=startup[:_SHOWN]),
            "remedy": _quarantine(policy, "SP209", dangerous),
        }
    if installed:
        yield {
            "severity": "minor",
            "path": installed[0],
            "summary": "pip installed {0} into the folders of the system's Python".format(_shown(installed)),
            "expected": "only files of packages",
            "actual": "installed by pip",
            "evidence": _listed(installed),
        }


def _unowned_interpreter(observation: Observation, policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    by_version: t.Dict[str, t.List[str]] = {}
    for trace in observation["traces"]:
        if not trace["governed"]:
            by_version.setdefault(trace["version"] or "", []).append(trace["path"])
    for version, paths in sorted(by_version.items()):
        yield {
            "path": paths[0],
            "summary": "no package owns {0} in folders of the operating system{1}".format(
                _shown(paths), ": parts of a Python {0}".format(version) if version else ""
            ),
            "expected": "only files of packages",
            "actual": "unowned",
            "evidence": dict(_listed(paths), version=version or None),
            "remedy": _quarantine(policy, "SP210", paths),
        }


def _manager_broken(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    manager = observation["manager"]
    argv = (observation["contract"]["manager"] or {}).get("argv", [None])
    name = (observation["contract"]["manager"] or {}).get("name")
    if manager["state"] == "broken":
        yield {
            "path": argv[0],
            "summary": "{0} does not start although its files are as shipped".format(name),
            "expected": "exit code 0",
            "actual": manager["reason"],
            "evidence": {"command": argv},
        }
    elif manager["blocked"]:
        yield {
            "path": argv[0],
            "summary": "{0} cannot be trusted to start: {1}".format(name, manager["reason"]),
            "expected": "every file that it runs verifies",
            "actual": manager["reason"],
            "evidence": _listed(manager["blocked"]),
            # What blocks it has a finding, and a remedy, of its own; this one goes away with them.
            "remedy": {"action": "none"},
        }


def _selinux_weakened(observation: Observation, policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    shipped = policy.selinux or observation["contract"]["selinux"]
    configured = observation["selinux"]["configured"]
    if not shipped or not configured or configured == shipped:
        return
    yield {
        "path": observation["selinux"]["source"].partition(":")[0],
        "summary": "SELinux is configured as {0}; the vendor ships {1}".format(configured, shipped),
        "expected": shipped,
        "actual": configured,
        "evidence": {"source": observation["selinux"]["source"]},
        "remedy": {"action": "selinux_config", "mode": policy.selinux} if policy.selinux else None,
    }


def _owner_missing(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    contract = observation["contract"]
    for name in observation["missing_packages"]:
        siblings = [observation["evr"][other] for other in contract["packages"] if other in observation["evr"]]
        yield {
            "path": next((one["path"] for one in contract["binaries"] if one["package"] == name), None),
            "summary": "the package {0} is not installed".format(name),
            "expected": "{0}-{1}".format(name, siblings[0]) if siblings else name,
            "actual": "not installed",
            "evidence": {"package": name},
            "remedy": _install(name, siblings[0]) if siblings else None,
        }
    for name, nevras in sorted(observation["duplicate_packages"].items()):
        yield {
            "summary": "the package {0} is installed more than once: {1}".format(name, ", ".join(nevras)),
            "expected": "once",
            "actual": nevras,
            "evidence": {"package": name, "installed": nevras},
            "remedy": _reinstall(observation, name) if len(set(nevras)) == 1 else None,
        }


def _ansible_interpreter(observation: Observation, _policy: Policy) -> t.Iterator[t.Dict[str, t.Any]]:
    choice = observation["ansible"]
    if choice["path"] is None or choice["verified"]:
        return
    yield {
        "path": choice["path"],
        "summary": "Ansible's interpreter discovery would choose {0}, which {1}".format(
            printable(choice["path"]),
            "no package owns" if choice["verified"] is None else "is not as its package shipped it",
        ),
        "expected": "an interpreter that rpm verifies",
        "actual": choice["realpath"],
        "evidence": {"owner": choice["owner"]},
    }


RULES: t.Tuple[Rule, ...] = (
    Rule("SP101", "link-redirected", "major", _link_redirected),
    Rule("SP102", "link-replaced", "critical", _link_replaced),
    Rule("SP103", "link-broken", "critical", _link_broken),
    Rule("SP104", "foreign-alternatives", "major", _foreign_alternatives),
    Rule("SP105", "alternatives-stale", "minor", _alternatives_stale),
    Rule("SP106", "path-shadowed", "minor", _path_shadowed),
    Rule("SP107", "environment-hijack", "major", _environment_hijack),
    Rule("SP108", "unversioned-policy", "minor", _unversioned_policy),
    Rule("SP201", "interpreter-altered", "critical", _interpreter_altered),
    Rule("SP202", "interpreter-missing", "critical", _interpreter_missing),
    Rule("SP203", "interpreter-relinked", "critical", _interpreter_relinked),
    Rule("SP204", "twin-altered", "critical", _twin_altered),
    Rule("SP205", "library-altered", "critical", _library_altered),
    Rule("SP206", "taken-over", "critical", _taken_over),
    Rule("SP207", "metadata-altered", "minor", _metadata_altered),
    Rule("SP208", "pip-overwrote", "major", _pip_overwrote),
    Rule("SP209", "planted", "major", _planted),
    Rule("SP210", "unowned-interpreter", "minor", _unowned_interpreter),
    Rule("SP211", "manager-broken", "critical", _manager_broken),
    Rule("SP212", "selinux-weakened", "info", _selinux_weakened),
    Rule("SP301", "owner-missing", "critical", _owner_missing),
    Rule("SP501", "ansible-interpreter", "minor", _ansible_interpreter),
)
