# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exceptions: which mistakes are told, what they match, and what becomes of the findings that they are about."""

import datetime as dt
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.facts import (
    healthy as is_healthy,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.facts import (
    shape_accepted,
    shape_findings,
    summarize,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import (
    RULES,
    Policy,
    find,
    waivers_of,
    worst,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import (
    FileFacts,
    Hijack,
    ManagerState,
    UnfinishedUpgrade,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.waivers import of_host
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import make_plan
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import (
    drift_of,
    healthy,
    healthy_el8,
    own_group,
    planted,
)

GOOD: t.Dict[str, t.Any] = {"rule": "SP207", "path": "/usr/bin/python3.9", "reason": "hardening, SEC-12"}
BINARY, OS, RE = "/usr/bin/python3.9", "/usr/lib64/python3.9/os.py", "/usr/lib64/python3.9/re.py"


def policy(*entries: t.Dict[str, t.Any], **more: t.Any) -> Policy:
    return Policy(waivers=waivers_of([dict(GOOD, **entry) for entry in entries]), **more)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": "SP999"}, "unknown rule 'SP999'"),
        ({"rule": "sp207"}, "unknown rule 'sp207'"),
        ({"rule": None}, "it has no rule"),
        ({"rule": "*"}, "unknown rule '*'"),
        ({"path": ""}, "it has no path"),
        ({"path": "*"}, "is not absolute"),
        ({"path": "usr/bin/python3.9"}, "is not absolute"),
        ({"path": "/*"}, "matches nearly everything"),
        ({"path": "/**"}, "matches nearly everything"),
        ({"path": "/usr/*"}, "matches nearly everything"),
        ({"path": "/?sr/b*/python3.9"}, "matches nearly everything"),
        ({"path": "/usr/bin/../bin/x"}, "write '/usr/bin/x'"),
        ({"path": "/usr/bin/"}, "write '/usr/bin'"),
        ({"path": "/usr/bin/\\*"}, "a backslash"),
        ({"path": "/usr/bin/a\tb"}, "cannot be printed"),
        ({"reason": " "}, "it has no reason"),
        ({"reason": None}, "it has no reason"),
        ({"expires": "soon"}, "a day like 2027-01-31, and is 'soon'"),
        ({"expires": "2027-02-30"}, "a day like"),
        ({"expires": "2027-1-1"}, "a day like"),
        ({"expires": dt.datetime(2027, 1, 1)}, "a day like"),
        ({"hosts": []}, "leave it out for all hosts"),
        ({"hosts": [1]}, "names or groups"),
        ({"until": "2027-01-01"}, "unknown key 'until'; there are rule, path, name, hosts, reason, expires"),
        ({"name": "python3"}, "it has a path and a name"),
        ({"path": None, "name": "python3"}, "a finding of SP207 has a path"),
        ({"rule": "SP303"}, "no finding of SP303 has a path; give the package as name"),
        ({"rule": "SP303", "path": None}, "it has no name (of the package)"),
        ({"rule": "SP303", "path": None, "name": "*"}, "matches nearly everything"),
        ({"rule": "SP303", "path": None, "name": "py*"}, "matches nearly everything"),
        ({"rule": "SP303", "path": None, "name": "[a-z]*"}, "matches nearly everything"),
        ({"rule": "SP301", "path": None, "name": "a b"}, "is none of a package or variable"),
        ({"rule": "SP301", "path": None, "name": 3}, "is none of a package or variable"),
    ],
)
def test_each_mistake_is_told(change: t.Dict[str, t.Any], said: str) -> None:
    with pytest.raises(InvalidDataError, match=r"^system_python_exceptions has mistakes\. entry 2: ") as caught:
        waivers_of([GOOD, dict(GOOD, **change)])
    assert said in caught.value.message
    assert caught.value.details["mistakes"]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidDataError) as caught:
        waivers_of([{"rule": "SP999"}, "SP207"])
    assert [one[:8] for one in caught.value.details["mistakes"]] == ["entry 1:"] * 3 + ["entry 2:"]


def test_a_list_is_needed() -> None:
    with pytest.raises(InvalidDataError, match="must be a list of exceptions, not dict"):
        waivers_of(GOOD)


@pytest.mark.parametrize("expires", ["2020-01-31", dt.date(2020, 1, 31), "9999-12-31", None])
def test_a_day_that_is_over_is_no_mistake(expires: t.Any) -> None:
    (one,) = waivers_of([dict(GOOD, expires=expires)])
    assert one.expires == (None if expires is None else str(expires))
    assert waivers_of([one.entry()]) == (one,)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        (BINARY, BINARY, True),
        (BINARY, "/usr/bin/python3x9", False),
        ("/usr/bin/python3.*", BINARY, True),
        # An asterisk stands for slashes, too.
        ("/usr/lib/*/six.py", "/usr/lib/python3.9/site-packages/six.py", True),
        ("/usr/lib/python3.?/*", "/usr/lib/python3.9/a/b", True),
        ("/usr/lib/python3.[!9]/*", "/usr/lib/python3.9/a", False),
        ("/usr/bin/Python*", BINARY, False),
        (BINARY, None, False),
    ],
)
def test_what_a_path_matches(pattern: str, path: t.Optional[str], fits: bool) -> None:
    (one,) = waivers_of([dict(GOOD, path=pattern)])
    assert one.matches(path) is fits


@pytest.mark.parametrize(
    ("hosts", "fits"),
    [(None, True), (["web1"], True), ("web1", True), (["db1", "web*"], True), (["shops"], True), (["db1"], False)],
)
def test_the_hosts_are_names_or_groups(hosts: t.Any, fits: bool) -> None:
    waivers = waivers_of([dict(GOOD, hosts=hosts)])
    assert bool(of_host(waivers, "web1", ["shops", "all"])) is fits


def opened(path: str = BINARY) -> t.Any:
    return drift_of(path, altered=["mode"], actual=FileFacts(mode="0777", uid=0, gid=0))


def test_an_accepted_finding_does_not_count_and_is_not_repaired() -> None:
    seen = healthy()
    seen["drift"] = [opened(), opened(OS)]
    found = find(seen, policy({"expires": "9999-12-31"}))
    assert [one["path"] for one in make_plan(found) if one["action"] == "set_metadata"] == [OS]
    (counts,), (accepted,) = shape_findings(found), shape_accepted(found)
    assert (counts["path"], accepted["path"], accepted["repairable"]) == (OS, BINARY, False)
    assert accepted["accepted"] == {"reason": "hardening, SEC-12", "expires": "9999-12-31"}
    assert (is_healthy(found), worst(found)) == (False, "critical")
    assert summarize(seen, found)[0] == "1 finding, the worst is critical; 1 accepted"
    assert summarize(seen, found)[-1].startswith(
        "accepted until 9999-12-31, hardening, SEC-12: SP207 metadata-altered: "
    )


def test_with_nothing_else_the_host_is_healthy() -> None:
    seen = healthy()
    seen["drift"] = [opened()]
    found = find(seen, policy({}))
    assert (is_healthy(found), worst(found), shape_findings(found)) == (True, None, [])
    assert summarize(seen, found)[0].endswith("; 1 accepted")
    assert "accepted without end" in summarize(seen, found)[1]


def test_an_exception_that_is_over_is_loud_and_no_longer_counts() -> None:
    seen = healthy()
    seen["drift"] = [opened()]
    (finding,) = find(seen, policy({"expires": "2020-01-31"}))
    assert "accepted" not in finding
    assert finding["expired"]["expires"] == "2020-01-31"
    assert finding["repairable"]
    assert "THE EXCEPTION FOR IT EXPIRED on 2020-01-31 (hardening, SEC-12)" in finding["summary"]
    # One that holds comes first, wherever it stands.
    (finding,) = find(seen, policy({"expires": "2020-01-31"}, {}))
    assert finding["accepted"]["expires"] is None
    assert "EXPIRED" not in finding["summary"]


@pytest.mark.parametrize(
    ("rule", "key", "records"),
    [
        ("SP205", "drift", [drift_of(OS, "python3-libs"), drift_of(RE, "python3-libs")]),
        ("SP206", "drift", [drift_of(OS, note="replaced", altered=[]), drift_of(RE, note="replaced", altered=[])]),
        ("SP208", "drift", [drift_of(OS, pip_record="/x"), drift_of(RE, pip_record="/x")]),
        ("SP209", "planted", [planted(OS), planted(RE)]),
        ("SP209", "planted", [planted(OS, runs_at_startup=True), planted(RE, runs_at_startup=True)]),
        ("SP213", "planted", [planted(OS, role="local", hides=True), planted(RE, role="local", hides=True)]),
    ],
)
def test_of_several_files_only_those_are_accepted_that_are_named(rule: str, key: str, records: t.Any) -> None:
    seen: t.Any = healthy()
    seen[key] = records
    found = find(seen, policy({"rule": rule, "path": OS}))
    assert {one["path"]: ("accepted" in one, one["evidence"]["paths"]) for one in found} == {
        OS: (True, [OS]),
        RE: (False, [RE]),
    }


def hijack(**changes: t.Any) -> Hijack:
    usual = Hijack(
        variable="PYTHONPATH", value="/x", who="logins", source="/etc/x:1", path="/etc/x", line=None, owner=None
    )
    return t.cast(Hijack, dict(usual, **changes))


def unfinished(package: str) -> UnfinishedUpgrade:
    return UnfinishedUpgrade(package=package, recorded=["1", "2"], on_disk="2", found={})


@pytest.mark.parametrize(
    ("rule", "name", "change"),
    [
        ("SP303", "python3-libs", {"unfinished_upgrades": [unfinished(name) for name in ("python3-libs", "python3")]}),
        (
            "SP301",
            "python3-*",
            {"duplicate_packages": {name: name + "-3.9-1.el9.x86_64" for name in ("python3-libs", "zypper")}},
        ),
        ("SP301", "python3", {"missing_packages": ["python3", "python3-libs"]}),
        ("SP107", "PYTHONPATH", {"hijacks": [hijack(path=None), hijack(path=None, variable="PYTHONHOME")]}),
        # The same variable in a file is another matter.
        ("SP107", "PYTHONPATH", {"hijacks": [hijack(path=None), hijack()]}),
    ],
)
def test_what_has_no_path_is_accepted_by_its_name(rule: str, name: str, change: t.Dict[str, t.Any]) -> None:
    seen: t.Any = dict(healthy(), **change)
    found = [one for one in find(seen, policy({"rule": rule, "path": None, "name": name})) if one["id"] == rule]
    assert ["accepted" in one for one in found] == [True, False]


def test_every_finding_can_be_named_in_an_exception() -> None:
    assert {one.id: one.named_by for one in RULES if one.named_by != ("path",)} == {
        "SP107": ("path", "variable"),
        "SP111": ("path", "variable"),
        "SP301": ("path", "package"),
        "SP303": ("package",),
    }
    group = own_group(link=None, choices=[], problems=["no line of it can be read"])
    assert [one["path"] for one in find(healthy_el8(alternatives=[group]))] == [group["state_file"]]


def test_a_package_is_not_reinstalled_over_what_is_accepted() -> None:
    seen = healthy()
    seen["drift"] = [drift_of(OS, "python3-libs"), drift_of(RE, "python3-libs"), drift_of("/usr/bin/dnf", "dnf")]
    seen["packages"]["dnf"] = "dnf-4.14.0-1.el9.noarch"
    found = find(seen, policy({"rule": "SP205", "path": OS}))
    (step,) = [one for one in make_plan(found) if one["action"] == "reinstall"]
    assert [one["name"] for one in step["packages"]] == ["dnf"]
    (left,) = [one for one in found if one["path"] == RE]
    assert "not repaired: that would overwrite " + OS in left["summary"]
    # What is gone comes back without a loss, and what differs in its mode is as before each update.
    seen["drift"][0] = drift_of(OS, "python3-libs", missing=True)
    assert len(make_plan(find(seen, policy({"rule": "SP205", "path": OS})))[0]["packages"]) == 2


@pytest.mark.parametrize(("blocked", "accepted"), [([OS], True), ([OS, RE], False)])
def test_a_manager_that_is_not_started_because_of_it_is_accepted_with_it(blocked: t.List[str], accepted: bool) -> None:
    seen = healthy()
    seen["drift"] = [drift_of(OS, "python3-libs")]
    seen["manager"] = ManagerState(name="dnf", state="not checked", reason="x", blocked=blocked)
    found = find(seen, policy({"rule": "SP205", "path": OS}))
    assert [("accepted" in one) for one in found if one["id"] == "SP211"] == [accepted]
