# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules and the plan, on observations of hosts: each case changes one thing of a healthy host."""

import copy
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe, shape_findings
from ansible_collections.fleet.system_python.plugins.module_utils._findings import RULES, Policy, find, worst
from ansible_collections.fleet.system_python.plugins.module_utils._plan import describe, make_plan

NEVRAS = {"python3": "python3-3.9.21-2.el9.x86_64", "python3-libs": "python3-libs-3.9.21-2.el9.x86_64"}


def _name(path: t.Any) -> t.Any:
    return {
        "path": path,
        "kind": "file",
        "target": None,
        "size": 15000,
        "mode": 0o100755,
        "inode": "1:7",
        "owner": "python3",
        "drift": None,
    }


def healthy(os_id: t.Any = "rhel", version: t.Any = "9.7") -> t.Any:
    """Return the observation of a healthy host."""
    contract = contract_for({"ID": os_id, "VERSION_ID": version})
    return {
        "contract": contract,
        "packages": dict(NEVRAS),
        "evr": {"python3": "3.9.21-2.el9", "python3-libs": "3.9.21-2.el9"},
        "missing_packages": [],
        "duplicate_packages": {},
        "links": [
            {
                "path": link["path"],
                "package": link["package"],
                "owner": link["package"],
                "expected": link["target"],
                "kind": "link",
                "target": link["target"],
                "chain": [
                    {"path": link["path"], "kind": "link"},
                    {"path": contract["binaries"][0]["path"], "kind": "file"},
                ],
                "leads_to": contract["binaries"][0]["path"],
                "due": contract["binaries"][0]["path"],
            }
            for link in contract["links"]
        ],
        "binaries": [
            {
                "path": one["path"],
                "package": one["package"],
                "names": [_name(path) for path in [one["path"]] + one["twins"]],
            }
            for one in contract["binaries"]
        ],
        "drift": [],
        "resolution": {"python3": [], "python": []},
        "command": {
            "path": "/usr/bin/python3",
            "kind": "link",
            "target": "python3.9",
            "leads_to": contract["binaries"][0]["path"],
            "owner": "python3",
            "made_by": None,
        },
        "interpreters": [],
        "alternatives": [],
        "search_paths": [],
        "shadowing": [],
        "hijacks": [],
        "planted": [],
        "traces": [],
        "selinux": {"configured": "enforcing", "source": "/etc/selinux/config:1"},
        "ansible": {"path": "/usr/bin/python3", "realpath": "/usr/bin/python3.9", "verified": True, "owner": "python3"},
        "manager": {"name": "dnf", "state": "works", "reason": "", "blocked": []},
    }


def drift(path: t.Any, package: t.Any = "python3", **changes: t.Any) -> t.Any:
    """Return a drift of one file: its content differs unless C(changes) say otherwise."""
    made = {
        "path": path,
        "package": package,
        "missing": False,
        "flags": "S.5....T.",
        "altered": ["size", "digest", "mtime"],
        "unreadable": [],
        "note": "",
        "reason": "",
        "kind": "file",
        "pip_record": None,
        "expected": {"digest": "aa", "size": 1, "mode": "0755", "owner": "root", "group": "root"},
        "actual": {"digest": "bb", "size": 2},
    }
    made.update(changes)
    return made


def group(**changes: t.Any) -> t.Any:
    """Return the foreign group of incident A."""
    made = {
        "name": "python3",
        "mode": "auto",
        "link": "/usr/bin/python3",
        "state_file": "/var/lib/alternatives/python3",
        "entry": "/etc/alternatives/python3",
        "chosen": "/usr/bin/python3.12",
        "choices": [
            {"target": "/usr/bin/python3.12", "priority": 20, "exists": True, "owner": "python3.12", "slaves": {}}
        ],
        "governs": [
            {
                "name": "python3",
                "path": "/usr/bin/python3",
                "kind": "link",
                "entry": "/etc/alternatives/python3",
                "entry_target": "/usr/bin/python3.12",
                "target": "/etc/alternatives/python3",
                "leads_to": "/usr/bin/python3.12",
                "owner": "python3.12",
                "package": "python3",
                "expected": "python3.9",
                "due": "/usr/bin/python3.9",
            }
        ],
        "problems": [],
    }
    made.update(changes)
    return made


def _link(change: t.Any) -> t.Any:
    def apply(seen: t.Any) -> t.Any:
        seen["links"][0].update(change)

    return apply


def _binary(change: t.Any, number: t.Any = 0) -> t.Any:
    def apply(seen: t.Any) -> t.Any:
        seen["binaries"][0]["names"][number].update(change)

    return apply


def _set(key: t.Any, value: t.Any) -> t.Any:
    def apply(seen: t.Any) -> t.Any:
        seen[key] = value

    return apply


ALTERED = drift("/usr/bin/python3.9")
LOOP = [{"path": "/usr/bin/python3", "kind": "link"}, {"path": "/usr/bin/python3", "kind": "loop"}]

# (what was changed, the ids that must appear and no others, the actions that must follow)
CASES = [
    (
        "redirected",
        _link({"target": "python3.12", "leads_to": "/usr/bin/python3.12"}),
        ["SP101"],
        ["restore_link", "relabel"],
    ),
    ("a file", _link({"kind": "file", "target": None}), ["SP102"], ["restore_link", "relabel"]),
    (
        "a directory",
        _link({"kind": "directory", "target": None, "leads_to": None}),
        ["SP102"],
        ["restore_link", "relabel"],
    ),
    ("missing", _link({"kind": "missing", "target": None, "leads_to": None}), ["SP103"], ["restore_link", "relabel"]),
    ("loop", _link({"target": "python3", "leads_to": None, "chain": LOOP}), ["SP103"], ["restore_link", "relabel"]),
    ("foreign group", _set("alternatives", [group()]), ["SP104"], ["drop_group", "relabel"]),
    (
        "stale foreign group",
        _set("alternatives", [group(problems=["x"])]),
        ["SP104", "SP105"],
        ["drop_group", "relabel"],
    ),
    (
        "shadowed",
        _set("shadowing", [{"path": "/usr/local/bin/python3", "leads_to": "/x", "who": ["root"]}]),
        ["SP106"],
        [],
    ),
    (
        "hijack",
        _set("hijacks", [{"variable": "PYTHONPATH", "value": "/x", "source": "/etc/environment:1"}]),
        ["SP107"],
        [],
    ),
    ("altered", _binary({"drift": ALTERED}), ["SP201"], ["reinstall", "relabel"]),
    ("gone", _binary({"kind": "missing", "size": None, "mode": None}), ["SP202"], ["reinstall"]),
    ("empty", _binary({"size": 0, "drift": ALTERED}), ["SP202"], ["reinstall"]),
    (
        "not executable",
        _binary({"mode": 0o100644, "drift": drift("/usr/bin/python3.9", altered=["mode"], flags=".M.......")}),
        ["SP202"],
        ["set_metadata", "relabel"],
    ),
    (
        "relinked",
        _binary({"kind": "link", "target": "python3.12", "drift": ALTERED}),
        ["SP203"],
        ["reinstall", "relabel"],
    ),
    (
        "library",
        _set("drift", [drift("/usr/lib64/python3.9/os.py", "python3-libs")]),
        ["SP205"],
        ["reinstall", "relabel"],
    ),
    (
        "library gone",
        _set("drift", [drift("/usr/lib64/python3.9/os.py", "python3-libs", missing=True)]),
        ["SP205"],
        ["reinstall"],
    ),
    (
        "taken over",
        _set("drift", [drift("/usr/bin/python3.9", note="replaced", altered=[])]),
        ["SP206"],
        ["reinstall", "relabel"],
    ),
    (
        "mode",
        _set("drift", [drift("/usr/lib64/python3.9/os.py", altered=["mode"])]),
        ["SP207"],
        ["set_metadata", "relabel"],
    ),
    (
        "a directory in a link's place",
        _set("drift", [drift("/usr/bin/pydoc3", altered=["mode", "type"], kind="directory")]),
        ["SP205"],
        ["reinstall", "relabel"],
    ),
    (
        "by pip",
        _set("drift", [drift("/x/site-packages/six.py", pip_record="/x/six.dist-info")]),
        ["SP208"],
        ["reinstall", "relabel"],
    ),
    (
        "planted",
        _set("planted", [{"path": "/x/evil.pth", "runs_at_startup": True, "by_pip": False}]),
        ["SP209"],
        ["quarantine"],
    ),
    ("pip as root", _set("planted", [{"path": "/x/six.py", "runs_at_startup": False, "by_pip": True}]), ["SP209"], []),
    (
        "traces",
        _set("traces", [{"path": "/usr/bin/python3.15", "version": "3.15", "governed": False}]),
        ["SP210"],
        ["quarantine"],
    ),
    ("manager", _set("manager", {"name": "dnf", "state": "broken", "reason": "rc 1", "blocked": []}), ["SP211"], []),
    ("selinux", _set("selinux", {"configured": "permissive", "source": "/etc/selinux/config:1"}), ["SP212"], []),
    ("owner gone", _set("missing_packages", ["python3"]), ["SP301"], ["reinstall"]),
    ("twice", _set("duplicate_packages", {"python3": [NEVRAS["python3"]] * 2}), ["SP301"], ["reinstall"]),
    (
        "discovery",
        _set("ansible", {"path": "/usr/local/bin/python3.13", "realpath": "/x", "verified": None, "owner": None}),
        ["SP501"],
        [],
    ),
]


@pytest.mark.parametrize(("change", "ids", "actions"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_change_gives_its_findings_and_no_others(change: t.Any, ids: t.Any, actions: t.Any) -> None:
    seen = healthy()
    change(seen)
    findings = find(seen)
    assert [finding["id"] for finding in findings] == ids
    assert [action["action"] for action in make_plan(findings)] == actions


@pytest.mark.parametrize(("os_id", "version"), [("rhel", "9.7"), ("sles", "15.7")])
def test_a_healthy_host_has_no_findings(os_id: t.Any, version: t.Any) -> None:
    findings = find(healthy(os_id, version))
    assert findings == []
    assert make_plan(findings) == []
    assert worst(findings) is None


def test_every_rule_is_reached_by_a_case() -> None:
    reached = {finding_id for case in CASES for finding_id in case[2]} | {"SP108", "SP204"}
    assert reached == {rule.id for rule in RULES}


def test_twins() -> None:
    seen = healthy("sles", "15.7")
    for name in seen["binaries"][0]["names"]:
        name["drift"] = drift(name["path"], "python3-base")
    seen["packages"]["python3-base"] = "python3-base-3.6.15-1.x86_64"
    assert [finding["id"] for finding in find(seen)] == ["SP201", "SP204"]
    split = healthy("sles", "15.7")
    split["binaries"][0]["names"][1]["inode"] = "1:8"
    (finding,) = find(split)
    assert finding["id"] == "SP204"
    assert "no longer one file" in finding["summary"]


@pytest.mark.parametrize(
    ("policy", "target", "found"),
    [
        ("unmanaged", "python2", False),
        ("absent", "python2", True),
        ("python3", "python2", True),
        ("python3", "./python3", False),
    ],
)
def test_the_policy_for_the_unversioned_name(policy: t.Any, target: t.Any, found: t.Any) -> None:
    seen = healthy()
    seen["resolution"]["python"] = [{"path": "/usr/bin/python", "kind": "link", "target": target}]
    assert bool(find(seen, Policy(unversioned=policy))) is found


def test_a_manager_that_is_blocked_needs_no_remedy_of_its_own() -> None:
    seen = healthy()
    seen["manager"] = {"name": None, "state": "not checked", "reason": "x does not verify", "blocked": ["x"]}
    (finding,) = find(seen)
    assert finding["id"] == "SP211"
    assert finding["repairable"]
    assert make_plan([finding]) == []


def test_selinux_is_changed_only_on_request() -> None:
    seen = healthy()
    seen["selinux"]["configured"] = "permissive"
    (told,) = find(seen)
    assert not told["repairable"]
    (action,) = make_plan(find(seen, Policy(selinux="enforcing")))
    assert action["mode"] == "enforcing"
    seen["selinux"]["configured"] = None
    assert find(seen) == []


def test_shadowing_is_moved_only_on_request() -> None:
    seen = healthy()
    seen["shadowing"] = [{"path": "/usr/local/bin/python3", "leads_to": "/x", "who": ["root"]}]
    assert make_plan(find(seen, Policy(quarantine=("SP106",))))[0]["paths"] == ["/usr/local/bin/python3"]


def test_what_a_package_owns_is_not_moved() -> None:
    seen = healthy()
    seen["shadowing"] = [{"path": "/usr/local/bin/python3", "leads_to": "/x", "who": ["root"], "owner": "other"}]
    (finding,) = find(seen, Policy(quarantine=("SP106",)))
    assert not finding["repairable"]


@pytest.mark.parametrize(
    ("owner", "line", "policy", "repaired"),
    [
        (None, "PYTHONPATH=/x", Policy(), False),
        (None, "PYTHONPATH=/x", Policy(quarantine=("SP107",)), True),
        (None, None, Policy(quarantine=("SP107",)), False),
        ("setup", "PYTHONPATH=/x", Policy(quarantine=("SP107",)), False),
        ("setup", "PYTHONPATH=/x", Policy(quarantine=("SP107",), edit_packaged=True), True),
    ],
)
def test_variables_for_everyone_are_changed_only_on_request(
    owner: t.Any, line: t.Any, policy: t.Any, repaired: t.Any
) -> None:
    seen = healthy()
    file = {"path": "/etc/environment", "owner": owner, "line": line}
    hijack = {"variable": "PYTHONPATH", "value": "/x", "source": "/etc/environment:1", **file}
    seen["hijacks"] = [hijack, dict(hijack, variable="PYTHONHOME", line=line and "PYTHONHOME=/x")]
    plan = make_plan(find(seen, policy))
    assert [action["action"] for action in plan] == (["unset_variables", "relabel"] if repaired else [])
    assert not repaired or plan[0]["lines"] == ["PYTHONPATH=/x", "PYTHONHOME=/x"]


def test_the_order_of_the_plan() -> None:
    seen = healthy()
    seen["links"][0].update(target="/etc/alternatives/python3", leads_to="/usr/bin/python3.12")
    seen["alternatives"] = [group()]
    seen["binaries"][0]["names"][0]["drift"] = ALTERED
    seen["traces"] = [{"path": "/usr/bin/python3.15", "version": "3.15", "governed": False}]
    seen["drift"] = [ALTERED, drift("/usr/lib64/python3.9/os.py", "python3-libs", altered=["mode"])]
    plan = make_plan(find(seen))
    assert [action["action"] for action in plan] == [
        "restore_link",
        "drop_group",
        "quarantine",
        "reinstall",
        "set_metadata",
        "relabel",
    ]
    assert [package["name"] for package in plan[3]["packages"]] == ["python3"]
    assert plan[3]["keep"] == ["/usr/bin/python3.9"]
    assert all(describe(action) for action in plan)


def test_all_packages_are_reinstalled_in_one_transaction() -> None:
    seen = healthy()
    seen["drift"] = [drift("/usr/lib64/python3.9/os.py", "python3-libs"), drift("/usr/bin/pydoc3.9")]
    (reinstall,) = [action for action in make_plan(find(seen)) if action["action"] == "reinstall"]
    assert [package["nevra"] for package in reinstall["packages"]] == [NEVRAS["python3"], NEVRAS["python3-libs"]]
    assert reinstall["replaceable"] == []


def test_a_folder_takes_what_is_below_it_along() -> None:
    seen = healthy()
    seen["traces"] = [
        {"path": path, "version": "3.15", "governed": False}
        for path in ("/usr/lib/python3.15", "/usr/lib/python3.15/x")
    ]
    assert make_plan(find(seen))[0]["paths"] == ["/usr/lib/python3.15"]


def test_findings_do_not_change_the_observation() -> None:
    seen = healthy()
    seen["drift"] = [drift("/usr/lib64/python3.9/os.py", "python3-libs")]
    before = copy.deepcopy(seen)
    find(seen)
    assert seen == before


def test_what_users_get_is_safe_to_print_and_without_the_remedy() -> None:
    seen = healthy()
    seen["planted"] = [{"path": "/x/a\udcff\x1b.pth", "runs_at_startup": True, "by_pip": False}]
    (shaped,) = shape_findings(find(seen))
    assert "remedy" not in shaped
    assert "\x1b" not in shaped["summary"]
    assert "\udcff" not in shaped["path"]
    assert safe({"a": ("b\udcff",)}) == {"a": ["b\\xff"]}


def test_a_marker_that_is_gone_is_minor_unless_more_differs() -> None:
    seen = healthy()
    seen["drift"] = [drift("/usr/lib64/python3.13/EXTERNALLY-MANAGED", missing=True, kind="missing")]
    assert [(one["id"], one["severity"]) for one in find(seen)] == [("SP205", "minor")]
    seen["drift"].append(drift("/usr/lib64/python3.13/os.py"))
    assert [(one["id"], one["severity"]) for one in find(seen)] == [("SP205", "critical")]


# --- a release whose own packages make a group (EL 8) ----------------------------------------------------------------


def own_group(**changes: t.Any) -> t.Any:
    """Return the group python3 of a healthy EL 8 host with python36 and python3.11."""
    made = {
        "name": "python3",
        "mode": "auto",
        "link": "/usr/bin/python3",
        "state_file": "/var/lib/alternatives/python3",
        "entry": "/etc/alternatives/python3",
        "chosen": "/usr/bin/python3.6",
        "choices": [
            _choice("3.6", 1000000, owner="python36"),
            _choice("3.11", 31100, owner="python3.11"),
        ],
        "governs": [_governed("python3", "python3.6"), _governed("pip3", "pip3.6")],
        "problems": [],
    }
    made.update(changes)
    return made


def _choice(version: t.Any, priority: t.Any, owner: t.Any, folder: t.Any = "/usr/bin") -> t.Any:
    return {
        "target": "{0}/python{1}".format(folder, version),
        "priority": priority,
        "exists": True,
        "owner": owner,
        "slaves": {"pip3": "{0}/pip{1}".format(folder, version)},
    }


def _governed(name: t.Any, command: t.Any, **changes: t.Any) -> t.Any:
    made = {
        "name": name,
        "path": "/usr/bin/" + name,
        "kind": "link",
        "entry": "/etc/alternatives/" + name,
        "entry_target": "/usr/bin/" + command,
        "target": "/etc/alternatives/" + name,
        "leads_to": "/usr/bin/" + command,
        "owner": "python36",
        "package": None,
        "expected": None,
        "due": None,
    }
    made.update(changes)
    return made


def el8(**changes: t.Any) -> t.Any:
    """Return the observation of a healthy EL 8 host."""
    seen = healthy("rhel", "8.10")
    seen["packages"] = {
        "platform-python": "platform-python-3.6.8-62.el8_10.x86_64",
        "python36": "python36-3.6.8-39.x86_64",
    }
    seen["alternatives"] = [own_group()]
    seen.update(changes)
    return seen


def test_a_group_of_the_release_itself_is_no_finding() -> None:
    assert find(el8()) == []


def test_the_newer_python_of_a_host_without_python36_is_no_finding() -> None:
    group = own_group(
        chosen="/usr/bin/python3.11",
        choices=[_choice("3.11", 31100, owner="python3.11")],
        governs=[_governed("python3", "python3.11", owner="python3.11")],
    )
    assert find(el8(alternatives=[group])) == []


def test_a_command_past_its_group_to_what_no_package_owns() -> None:
    astray = {"target": "/usr/local/bin/python3", "leads_to": "/usr/local/bin/python3", "owner": None}
    group = own_group(governs=[_governed("python3", "python3.6", **astray), _governed("pip3", "pip3.6")])
    (finding,) = find(el8(alternatives=[group]))
    assert (finding["id"], finding["severity"]) == ("SP101", "major")
    (action, _relabel) = make_plan([finding])
    assert action["links"] == [
        {"path": "/usr/bin/python3", "target": "/etc/alternatives/python3"},
        {"path": "/etc/alternatives/python3", "target": "/usr/bin/python3.6"},
    ]


def test_a_slave_past_its_group_is_put_back_with_it() -> None:
    astray = {"target": "/usr/local/bin/pip3", "leads_to": "/usr/local/bin/pip3", "owner": None}
    group = own_group(governs=[_governed("python3", "python3.6"), _governed("pip3", "pip3.6", **astray)])
    (finding,) = find(el8(alternatives=[group]))
    assert (finding["id"], finding["path"]) == ("SP101", "/usr/bin/pip3")
    assert {"path": "/usr/bin/pip3", "target": "/etc/alternatives/pip3"} in make_plan([finding])[0]["links"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "file", "target": None}, "SP102"),
        ({"kind": "directory", "target": None, "leads_to": None}, "SP102"),
        ({"kind": "missing", "target": None, "leads_to": None}, "SP103"),
    ],
)
def test_a_command_of_a_group_that_is_no_link(change: t.Any, expected: t.Any) -> None:
    group = own_group(governs=[_governed("python3", "python3.6", **change)])
    (finding,) = find(el8(alternatives=[group]))
    assert finding["id"] == expected
    assert make_plan([finding])[0]["action"] == "relink_group"


def test_a_foreign_choice_is_taken_out_of_a_group_of_the_release() -> None:
    foreign = _choice("3.99", 2000000, owner=None, folder="/usr/local/bin")
    group = own_group(chosen=foreign["target"], choices=[*own_group()["choices"], foreign])
    (finding,) = find(el8(alternatives=[group]))
    assert finding["id"] == "SP104"
    action = make_plan([finding])[0]
    assert (action["action"], action["targets"]) == ("drop_choices", ["/usr/local/bin/python3.99"])
    assert {"path": "/etc/alternatives/python3", "target": "/usr/bin/python3.6"} in action["links"]
    assert "/usr/local/bin/python3.99" in describe(action)


def test_a_foreign_choice_that_would_not_be_chosen_is_left_alone() -> None:
    foreign = _choice("3.99", 5, owner=None, folder="/usr/local/bin")
    assert find(el8(alternatives=[own_group(choices=[*own_group()["choices"], foreign])])) == []


def test_a_foreign_choice_without_a_packaged_one_beside_it_is_only_told() -> None:
    foreign = _choice("3.99", 5, owner=None, folder="/usr/local/bin")
    (finding,) = find(el8(alternatives=[own_group(chosen=foreign["target"], choices=[foreign])]))
    assert not finding["repairable"]


def test_a_packaged_choice_that_is_gone_stays_the_chosen_one() -> None:
    choices = [
        dict(_choice("3.6", 1000000, owner="python36"), exists=False),
        _choice("3.11", 31100, owner="python3.11"),
    ]
    group = own_group(choices=choices, governs=[_governed("python3", "python3.6", leads_to=None, owner=None)])
    (finding,) = find(el8(alternatives=[group]))
    # Its package brings it back; the group is not led to another one.
    assert (finding["id"], finding["repairable"]) == ("SP103", True)
    assert make_plan([finding]) == []


@pytest.mark.parametrize(("made_by", "repaired"), [("python36", True), (None, False)])
def test_a_command_without_a_group_that_leads_to_what_no_package_owns(made_by: t.Any, repaired: t.Any) -> None:
    seen = el8(alternatives=[])
    seen["command"].update(
        target="/usr/local/bin/python3", leads_to="/usr/local/bin/python3", owner=None, made_by=made_by
    )
    (finding,) = find(seen)
    assert (finding["id"], finding["repairable"]) == ("SP101", repaired)


def test_a_group_that_leads_to_the_packaged_python_is_a_minor_matter() -> None:
    choice = {"target": "/usr/bin/python3.9", "priority": 1000000, "exists": True, "owner": "python3", "slaves": {}}
    made = group(chosen="/usr/bin/python3.9", choices=[choice])
    made["governs"][0].update(leads_to="/usr/bin/python3.9", owner="python3", entry_target="/usr/bin/python3.9")
    seen = healthy()
    seen["alternatives"] = [made]
    seen["links"][0].update(target="/etc/alternatives/python3")
    redirected, foreign = find(seen)
    assert [(one["id"], one["severity"]) for one in (redirected, foreign)] == [("SP101", "minor"), ("SP104", "minor")]
    assert "as it should" in redirected["summary"]
    assert "nothing runs that should not" in foreign["summary"]
    assert [action["action"] for action in make_plan([redirected, foreign])] == [
        "restore_link",
        "drop_group",
        "relabel",
    ]
    made["governs"][0].update(leads_to="/usr/bin/python3.12")
    assert [one["severity"] for one in find(seen) if one["id"] == "SP104"] == ["major"]


def test_a_packaged_link_that_a_foreign_group_governs_is_reported_once() -> None:
    seen = healthy()
    made = group()
    made["governs"].append(
        _governed("pydoc3", "pydoc3.12", package="python3", expected="pydoc3.9", due="/usr/bin/pydoc3.9")
    )
    seen["alternatives"] = [made]
    seen["drift"] = [drift("/usr/bin/pydoc3", altered=["link"], kind="link")]
    assert [finding["id"] for finding in find(seen)] == ["SP104"]
