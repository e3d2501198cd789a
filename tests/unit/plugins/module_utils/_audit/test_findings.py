# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules and the plan, on observations of hosts: each case changes one thing of a healthy host."""

import copy
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.facts import shape_findings
from ansible_collections.fleet.system_python.plugins.module_utils._audit.finding_records import QuarantineFiles
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import RULES, Policy, find, worst
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import (
    AlternativesGroup,
    AnsibleChoice,
    AstrayFolder,
    FileFacts,
    Hijack,
    LinkHop,
    LoadedLibrary,
    LoaderVariable,
    ManagerPlugin,
    ManagerState,
    PreloadedLibrary,
    RpmSetting,
    SelinuxConfig,
    Shadow,
    StartState,
    Trace,
    UnfinishedUpgrade,
    WayPart,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.waivers import Waiver
from ansible_collections.fleet.system_python.plugins.module_utils._base.text import safe
from ansible_collections.fleet.system_python.plugins.module_utils._disk.links import Hop
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import describe, make_plan
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import (
    NEVRAS,
    choice,
    choice_of,
    drift_of,
    foreign_group,
    governed_link,
    healthy,
    healthy_el8,
    own_group,
    planted,
)

ASTRAY = AstrayFolder(
    path="/usr/lib64/python3.9/json", package="python3-libs", leads_to="/srv/open/json", open_folder="/srv/open"
)


def _change_link(change: t.Any) -> t.Any:
    def apply(seen: t.Any) -> t.Any:
        seen["links"][0].update(change)

    return apply


def _change_binary(change: t.Any, number: t.Any = 0) -> t.Any:
    def apply(seen: t.Any) -> t.Any:
        seen["binaries"][0]["names"][number].update(change)

    return apply


def _set(key: t.Any, value: t.Any) -> t.Any:
    def apply(seen: t.Any) -> t.Any:
        seen[key] = value

    return apply


ALTERED = drift_of("/usr/bin/python3.9")
LOOP = [
    Hop(path="/usr/bin/python3", kind="link", target="python3"),
    Hop(path="/usr/bin/python3", kind="loop", target=None),
]
SHADOW = Shadow(path="/usr/local/bin/python3", leads_to="/x", owner=None, who=["root"])
HIJACK = Hijack(
    variable="PYTHONPATH",
    value="/x",
    who="logins",
    source="/etc/environment:1",
    path="/etc/environment",
    line=None,
    owner=None,
)
UNOWNED_LIBRARY = PreloadedLibrary(
    name="/opt/agent/lib.so", path="/opt/agent/lib.so", writable=None, owner=None, verified=None
)
FOREIGN_LIBRARY = LoadedLibrary(
    name="libpython3.9.so.1.0",
    needed_by="/usr/bin/python3.9",
    of_manager=True,
    path="/usr/local/lib/libpython3.9.so.1.0",
    found_by="/etc/ld.so.cache",
    configured="/etc/ld.so.conf.d/local.conf:1",
    damage=None,
    owner=None,
    verified=None,
    instead="/usr/lib64/libpython3.9.so.1.0",
)
LOADER_VARIABLE = LoaderVariable(
    variable="LD_LIBRARY_PATH",
    value="/opt/app/lib",
    who="login shells",
    source="/etc/profile.d/app.sh:1",
    path="/etc/profile.d/app.sh",
    owner=None,
    unvouched=["/opt/app/lib/libz.so.1"],
    writable=None,
)
TRACE = Trace(path="/usr/bin/python3.15", version="3.15", governed=False)
PERMISSIVE = SelinuxConfig(configured="permissive", source="/etc/selinux/config:1")


def way_part(trouble: str, mode: str, package: t.Optional[str] = "filesystem") -> WayPart:
    recorded = FileFacts(mode="0755", owner="root", group="root") if package else None
    actual = FileFacts(mode=mode, uid=0, gid=0)
    return WayPart(path="/usr/bin", trouble=trouble, package=package, expected=recorded, actual=actual)


UPGRADE = UnfinishedUpgrade(
    package="python3-libs",
    recorded=["python3-libs-3.9.21-3.el9.x86_64", NEVRAS["python3-libs"]],
    on_disk="python3-libs-3.9.21-3.el9.x86_64",
    found={"python3-libs-3.9.21-3.el9.x86_64": ["/usr/lib64/python3.9/ssl.py"], NEVRAS["python3-libs"]: []},
)

# (what was changed, the ids that must appear and no others, the actions that must follow)
CASES = [
    (
        "redirected",
        _change_link({"target": "python3.12", "leads_to": "/usr/bin/python3.12"}),
        ["SP101"],
        ["restore_link", "relabel"],
    ),
    ("a file", _change_link({"kind": "file", "target": None}), ["SP102"], ["restore_link", "relabel"]),
    (
        "a directory",
        _change_link({"kind": "directory", "target": None, "leads_to": None}),
        ["SP102"],
        ["restore_link", "relabel"],
    ),
    (
        "missing",
        _change_link({"kind": "missing", "target": None, "leads_to": None}),
        ["SP103"],
        ["restore_link", "relabel"],
    ),
    (
        "loop",
        _change_link({"target": "python3", "leads_to": None, "chain": LOOP}),
        ["SP103"],
        ["restore_link", "relabel"],
    ),
    ("foreign group", _set("alternatives", [foreign_group()]), ["SP104"], ["drop_group", "relabel"]),
    (
        "stale foreign group",
        _set("alternatives", [foreign_group(problems=["x"])]),
        ["SP104", "SP105"],
        ["drop_group", "relabel"],
    ),
    (
        "shadowed",
        _set("shadowing", [SHADOW]),
        ["SP106"],
        [],
    ),
    (
        "hijack",
        _set("hijacks", [HIJACK]),
        ["SP107"],
        [],
    ),
    ("preload", _set("preloaded", [UNOWNED_LIBRARY]), ["SP109"], []),
    (
        "rpm redirected",
        _set("rpm_settings", [RpmSetting(path="/root/.rpmmacros", literal=False, owner=None, verified=None)]),
        ["SP304"],
        [],
    ),
    ("loader variable", _set("loader_variables", [LOADER_VARIABLE]), ["SP111"], []),
    ("foreign library", _set("libraries", [FOREIGN_LIBRARY]), ["SP110"], []),
    ("altered", _change_binary({"drift": ALTERED}), ["SP201"], ["reinstall", "relabel"]),
    ("gone", _change_binary({"kind": "missing", "size": None, "mode": None}), ["SP202"], ["reinstall"]),
    ("empty", _change_binary({"size": 0, "drift": ALTERED}), ["SP202"], ["reinstall"]),
    (
        "not executable",
        _change_binary(
            {"mode": 0o100644, "drift": drift_of("/usr/bin/python3.9", altered=["mode"], flags=".M.......")}
        ),
        ["SP202"],
        ["set_metadata", "relabel"],
    ),
    (
        "relinked",
        _change_binary({"kind": "link", "target": "python3.12", "drift": ALTERED}),
        ["SP203"],
        ["reinstall", "relabel"],
    ),
    (
        "library",
        _set("drift", [drift_of("/usr/lib64/python3.9/os.py", "python3-libs")]),
        ["SP205"],
        ["reinstall", "relabel"],
    ),
    (
        "library gone",
        _set("drift", [drift_of("/usr/lib64/python3.9/os.py", "python3-libs", missing=True)]),
        ["SP205"],
        ["reinstall"],
    ),
    (
        "taken over",
        _set("drift", [drift_of("/usr/bin/python3.9", note="replaced", altered=[])]),
        ["SP206"],
        ["reinstall", "relabel"],
    ),
    (
        "mode",
        _set("drift", [drift_of("/usr/lib64/python3.9/os.py", altered=["mode"])]),
        ["SP207"],
        ["set_metadata", "relabel"],
    ),
    (
        "a directory in a link's place",
        _set("drift", [drift_of("/usr/bin/pydoc3", altered=["mode", "type"], kind="directory")]),
        ["SP205"],
        ["reinstall", "relabel"],
    ),
    (
        "by pip",
        _set("drift", [drift_of("/x/site-packages/six.py", pip_record="/x/six.dist-info")]),
        ["SP208"],
        ["reinstall", "relabel"],
    ),
    (
        "planted",
        _set("planted", [planted("/x/evil.pth", runs_at_startup=True)]),
        ["SP209"],
        ["quarantine"],
    ),
    (
        "script's folder",
        _set("planted", [planted("/usr/bin/copy.py", role="script", hides=True)]),
        ["SP209"],
        ["quarantine"],
    ),
    ("module of a package", _set("planted", [planted("/x/six.so", hides=True)]), ["SP209"], ["quarantine"]),
    ("pip as root", _set("planted", [planted("/x/six.py", by_pip=True)]), ["SP209"], []),
    ("add-on", _set("planted", [planted("/x/agent")]), ["SP209"], []),
    ("add-on of root", _set("planted", [planted("/x/gpg", role="user", hides=True)]), ["SP213"], []),
    ("pip in /usr/local", _set("planted", [planted("/x/a.pth", role="local", by_pip=True)]), ["SP213"], []),
    ("library led away", _set("astray", [ASTRAY]), ["SP214"], []),
    (
        "traces",
        _set("traces", [TRACE]),
        ["SP210"],
        ["quarantine"],
    ),
    ("manager", _set("manager", ManagerState(name="dnf", state="broken", reason="rc 1", blocked=[])), ["SP211"], []),
    ("unfinished", _set("unfinished_states", ["/var/lib/alternatives/python3.new"]), ["SP105"], ["quarantine"]),
    ("start", _set("start", StartState(state="failed", reason="ImportError: x", foreign=[])), ["SP217"], []),
    ("foreign", _set("start", StartState(state="works", reason="", foreign=["/opt/x.py"])), ["SP218"], []),
    ("selinux", _set("selinux", PERMISSIVE), ["SP212"], []),
    ("owner gone", _set("missing_packages", ["python3"]), ["SP301"], ["reinstall"]),
    ("command's own package gone", _set("unlinked", {"python3-base": "/usr/bin/python3"}), ["SP301"], []),
    ("twice", _set("duplicate_packages", {"python3": NEVRAS["python3"]}), ["SP301"], ["reinstall"]),
    ("open way", _set("ways", [way_part("open", "0777")]), ["SP215"], ["set_metadata", "relabel"]),
    ("open way that nobody recorded", _set("ways", [way_part("open", "0777", None)]), ["SP215"], []),
    ("closed way", _set("ways", [way_part("closed", "0700")]), ["SP216"], ["set_metadata", "relabel"]),
    ("upgrade broken off", _set("unfinished_upgrades", [UPGRADE]), ["SP303"], []),
    (
        "discovery",
        _set("ansible", AnsibleChoice(path="/usr/local/bin/python3.13", realpath="/x", verified=None, owner=None)),
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


@pytest.mark.parametrize(
    ("mode", "altered", "severity", "stricter"),
    [
        ("0750", ["mode"], "minor", True),
        ("0700", ["mode", "mtime"], "minor", True),
        ("0555", ["mode"], "minor", True),
        # Not even root may run it; a right more than shipped; another owner.
        ("0055", ["mode"], "minor", False),
        ("0711", ["mode"], "minor", True),
        # Whoever starts it gets root's rights.
        ("2750", ["mode"], "critical", False),
        ("4755", ["mode"], "critical", False),
        ("0755", ["capabilities"], "critical", False),
        ("0770", ["mode"], "critical", False),
        ("0750", ["mode", "user"], "critical", False),
    ],
)
def test_a_stricter_mode_is_left_alone_but_on_request(mode: str, altered: t.Any, severity: str, stricter: bool) -> None:
    seen, uid = healthy(), 1 if "user" in altered else 0
    actual = FileFacts(mode=mode, uid=uid, gid=0)
    seen["drift"] = [drift_of("/usr/lib64/python3.9/os.py", altered=altered, actual=actual)]
    (finding,) = find(seen)
    assert (finding["severity"], finding["repairable"]) == (severity, not stricter)
    assert ("stricter" in finding["summary"]) == finding["evidence"]["stricter"] == stricter
    (finding,) = find(seen, Policy(stricter_modes=True))
    assert finding["repairable"]


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
        name["drift"] = drift_of(name["path"], "python3-base")
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
    seen["resolution"]["python"] = [
        LinkHop(path="/usr/bin/python", kind="link", target=target, owner="python-unversioned-command", verified=True)
    ]
    assert bool(find(seen, Policy(unversioned=policy))) is found


def test_a_manager_that_is_blocked_needs_no_remedy_of_its_own() -> None:
    seen = healthy()
    seen["manager"] = ManagerState(name=None, state="not checked", reason="x does not verify", blocked=["x"])
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
    seen["shadowing"] = [SHADOW]
    assert make_plan(find(seen, Policy(quarantine=("SP106",))))[0]["paths"] == ["/usr/local/bin/python3"]


def test_what_a_package_owns_is_not_moved() -> None:
    seen = healthy()
    seen["shadowing"] = [Shadow(path="/usr/local/bin/python3", leads_to="/x", owner="other", who=["root"])]
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
    seen["hijacks"] = [
        Hijack(
            variable=name,
            value="/x",
            who="logins",
            source="/etc/environment:1",
            path="/etc/environment",
            line=line and line.replace("PYTHONPATH", name),
            owner=owner,
        )
        for name in ("PYTHONPATH", "PYTHONHOME")
    ]
    plan = make_plan(find(seen, policy))
    assert [action["action"] for action in plan] == (["unset_variables", "relabel"] if repaired else [])
    assert not repaired or plan[0]["lines"] == ["PYTHONPATH=/x", "PYTHONHOME=/x"]


def test_the_order_of_the_plan() -> None:
    seen = healthy()
    seen["links"][0].update({"target": "/etc/alternatives/python3", "leads_to": "/usr/bin/python3.12"})
    seen["alternatives"] = [foreign_group()]
    seen["binaries"][0]["names"][0]["drift"] = ALTERED
    seen["traces"] = [TRACE]
    seen["drift"] = [ALTERED, drift_of("/usr/lib64/python3.9/os.py", "python3-libs", altered=["mode"])]
    plan = make_plan(find(seen))
    assert [action["action"] for action in plan] == [
        "set_metadata",
        "restore_link",
        "drop_group",
        "quarantine",
        "reinstall",
        "relabel",
    ]
    assert [package["name"] for package in plan[4]["packages"]] == ["python3"]
    assert plan[4]["keep"] == ["/usr/bin/python3.9"]
    assert all(describe(action) for action in plan)


def test_nothing_is_repaired_while_nobody_knows_which_release_is_there() -> None:
    seen = healthy()
    seen["drift"] = [drift_of("/usr/lib64/python3.9/os.py", "python3-libs"), drift_of("/usr/bin/pydoc3.9")]
    seen["traces"] = [TRACE]
    seen["unfinished_upgrades"] = [UPGRADE]
    repaired = [finding["id"] for finding in find(seen) if finding["repairable"]]
    assert repaired == ["SP205", "SP205", "SP210"]
    seen["unfinished_upgrades"] = [UPGRADE, t.cast(UnfinishedUpgrade, dict(UPGRADE, on_disk=None))]
    found = find(seen)
    assert [finding["id"] for finding in found] == ["SP205", "SP205", "SP210", "SP303", "SP303"]
    assert make_plan(found) == []
    assert not any(finding["repairable"] for finding in found)


@pytest.mark.parametrize(
    ("os_id", "version", "way"), [("rhel", "9.7", "dnf distro-sync x"), ("sles", "15.7", "zypper")]
)
def test_the_way_out_is_the_package_manager_s(os_id: str, version: str, way: str) -> None:
    seen = healthy(os_id, version)
    seen["unfinished_upgrades"] = [
        UnfinishedUpgrade(package="x", recorded=["x-1-1.noarch", "x-1-2.noarch"], on_disk=None, found={})
    ]
    (finding,) = find(seen)
    assert "x-1-1.noarch and x-1-2.noarch" in finding["summary"]
    assert way in finding["summary"]


@pytest.mark.parametrize("arch", ["x86_64", "x86_64_v2", "aarch64", "s390x"])
def test_a_missing_package_comes_back_for_the_same_architecture(arch: str) -> None:
    seen = healthy(architecture=arch, missing_packages=["python3"])
    seen["packages"] = {"python3-libs": "python3-libs-1:3.9.21-2.el9." + arch}
    (step,) = make_plan(find(seen))
    assert step["packages"] == [{"name": "python3", "nevra": "python3-1:3.9.21-2.el9." + arch}]


def test_who_took_files_over_is_named_with_the_advice_to_remove_it() -> None:
    taken = drift_of("/usr/bin/python3.9", note="replaced", altered=[], taken_by=["thief-1-1.noarch"])
    (finding,) = find(healthy(drift=[taken]))
    assert finding["evidence"]["taken_by"] == ["thief-1-1.noarch"]
    assert "after the repair (rpm -e thief-1-1.noarch)" in finding["summary"]


def test_all_packages_are_reinstalled_in_one_transaction() -> None:
    seen = healthy()
    seen["drift"] = [drift_of("/usr/lib64/python3.9/os.py", "python3-libs"), drift_of("/usr/bin/pydoc3.9")]
    (reinstall,) = [action for action in make_plan(find(seen)) if action["action"] == "reinstall"]
    assert [package["nevra"] for package in reinstall["packages"]] == [NEVRAS["python3"], NEVRAS["python3-libs"]]


def test_a_folder_takes_what_is_below_it_along() -> None:
    seen = healthy()
    seen["traces"] = [
        Trace(path=path, version="3.15", governed=False) for path in ("/usr/lib/python3.15", "/usr/lib/python3.15/x")
    ]
    assert make_plan(find(seen))[0]["paths"] == ["/usr/lib/python3.15"]


def test_findings_do_not_change_the_observation() -> None:
    seen = healthy()
    seen["drift"] = [drift_of("/usr/lib64/python3.9/os.py", "python3-libs")]
    before = copy.deepcopy(seen)
    find(seen)
    assert seen == before


def test_what_users_get_is_safe_to_print_and_without_the_remedy() -> None:
    seen = healthy()
    seen["planted"] = [planted("/x/a\udcff\x1b.pth", runs_at_startup=True)]
    (shaped,) = shape_findings(find(seen))
    assert "remedy" not in shaped
    assert "\x1b" not in str(shaped["summary"])
    assert "\udcff" not in str(shaped["path"])
    odd: object = {"a": ("b\udcff",)}
    assert safe(odd) == {"a": ["b\\xff"]}


def test_a_marker_that_is_gone_is_minor_unless_more_differs() -> None:
    seen = healthy()
    seen["drift"] = [drift_of("/usr/lib64/python3.13/EXTERNALLY-MANAGED", missing=True, kind="missing")]
    assert [(one["id"], one["severity"]) for one in find(seen)] == [("SP205", "minor")]
    seen["drift"].append(drift_of("/usr/lib64/python3.13/os.py"))
    assert [(one["id"], one["severity"]) for one in find(seen)] == [("SP205", "critical")]


# --- a release whose own packages make a group (EL 8) ----------------------------------------------------------------


def test_a_group_of_the_release_itself_is_no_finding() -> None:
    assert find(healthy_el8()) == []


def test_the_newer_python_of_a_host_without_python36_is_no_finding() -> None:
    group = own_group(
        chosen="/usr/bin/python3.11",
        choices=[choice_of("3.11", 31100, owner="python3.11")],
        governs=[governed_link("python3", "python3.11", owner="python3.11")],
    )
    assert find(healthy_el8(alternatives=[group])) == []


def test_a_command_past_its_group_to_what_no_package_owns() -> None:
    astray = {"target": "/usr/local/bin/python3", "leads_to": "/usr/local/bin/python3", "owner": None}
    group = own_group(governs=[governed_link("python3", "python3.6", **astray), governed_link("pip3", "pip3.6")])
    (finding,) = find(healthy_el8(alternatives=[group]))
    assert (finding["id"], finding["severity"]) == ("SP101", "major")
    (action, _relabel) = make_plan([finding])
    assert action["links"] == [
        {"path": "/usr/bin/python3", "target": "/etc/alternatives/python3"},
        {"path": "/etc/alternatives/python3", "target": "/usr/bin/python3.6"},
    ]


def test_a_slave_past_its_group_is_put_back_with_it() -> None:
    astray = {"target": "/usr/local/bin/pip3", "leads_to": "/usr/local/bin/pip3", "owner": None}
    group = own_group(governs=[governed_link("python3", "python3.6"), governed_link("pip3", "pip3.6", **astray)])
    (finding,) = find(healthy_el8(alternatives=[group]))
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
    group = own_group(governs=[governed_link("python3", "python3.6", **change)])
    (finding,) = find(healthy_el8(alternatives=[group]))
    assert finding["id"] == expected
    assert make_plan([finding])[0]["action"] == "relink_group"


def test_a_foreign_choice_is_taken_out_of_a_group_of_the_release() -> None:
    foreign = choice_of("3.99", 2000000, owner=None, folder="/usr/local/bin")
    group = own_group(chosen=foreign["target"], choices=[*own_group()["choices"], foreign])
    (finding,) = find(healthy_el8(alternatives=[group]))
    assert finding["id"] == "SP104"
    action = make_plan([finding])[0]
    assert (action["action"], action["targets"]) == ("drop_choices", ["/usr/local/bin/python3.99"])
    assert {"path": "/etc/alternatives/python3", "target": "/usr/bin/python3.6"} in action["links"]
    assert "/usr/local/bin/python3.99" in describe(action)


def test_a_foreign_choice_that_would_not_be_chosen_is_left_alone() -> None:
    foreign = choice_of("3.99", 5, owner=None, folder="/usr/local/bin")
    assert find(healthy_el8(alternatives=[own_group(choices=[*own_group()["choices"], foreign])])) == []


def _left_alone(**changes: t.Any) -> AlternativesGroup:
    foreign = choice_of("3.99", 5, owner=None, folder="/usr/local/bin")
    return own_group(chosen=foreign["target"], choices=[foreign], **changes)


def test_where_no_packaged_choice_is_left_the_packages_make_the_group_again() -> None:
    (finding,) = find(healthy_el8(alternatives=[_left_alone()]))
    assert finding["id"] == "SP104"
    quarantine, transaction, settle, _relabel = make_plan([finding])
    assert quarantine["paths"] == ["/var/lib/alternatives/python3"]
    # python3.11 is not in this database.
    assert [package["name"] for package in transaction["packages"]] == ["python36"]
    assert (settle["action"], settle["name"]) == ("settle_group", "python3")
    (finding,) = find(healthy_el8(alternatives=[_left_alone(makers=[])]))
    assert not finding["repairable"]


def test_a_packaged_choice_that_is_gone_stays_the_chosen_one() -> None:
    choices = [
        choice_of("3.6", 1000000, owner="python36", exists=False),
        choice_of("3.11", 31100, owner="python3.11"),
    ]
    group = own_group(choices=choices, governs=[governed_link("python3", "python3.6", leads_to=None, owner=None)])
    (finding,) = find(healthy_el8(alternatives=[group]))
    # Its package brings it back; the group is not led to another one.
    assert (finding["id"], finding["repairable"]) == ("SP103", True)
    assert make_plan([finding]) == []


def test_a_command_that_no_group_makes_and_leads_to_what_no_package_owns() -> None:
    seen = healthy_el8(alternatives=[])
    seen["command"].update({"target": "/usr/local/bin/python3", "leads_to": "/usr/local/bin/python3", "owner": None})
    (finding,) = find(seen)
    assert (finding["id"], finding["repairable"]) == ("SP101", False)


def test_a_group_that_leads_to_the_packaged_python_is_a_minor_matter() -> None:
    packaged = choice("/usr/bin/python3.9", 1000000, owner="python3")
    made = foreign_group(chosen="/usr/bin/python3.9", choices=[packaged])
    made["governs"][0].update({"leads_to": "/usr/bin/python3.9", "owner": "python3"})
    seen = healthy()
    seen["alternatives"] = [made]
    seen["links"][0].update({"target": "/etc/alternatives/python3"})
    redirected, foreign = find(seen)
    assert [(one["id"], one["severity"]) for one in (redirected, foreign)] == [("SP101", "minor"), ("SP104", "minor")]
    assert "as it should" in redirected["summary"]
    assert "nothing runs that should not" in foreign["summary"]
    assert [action["action"] for action in make_plan([redirected, foreign])] == [
        "restore_link",
        "drop_group",
        "relabel",
    ]
    made["governs"][0].update({"leads_to": "/usr/bin/python3.12"})
    assert [one["severity"] for one in find(seen) if one["id"] == "SP104"] == ["major"]


def test_a_packaged_link_that_a_foreign_group_governs_is_reported_once() -> None:
    seen = healthy()
    made = foreign_group()
    made["governs"].append(
        governed_link("pydoc3", "pydoc3.12", package="python3", expected="pydoc3.9", due="/usr/bin/pydoc3.9")
    )
    seen["alternatives"] = [made]
    seen["drift"] = [drift_of("/usr/bin/pydoc3", altered=["link"], kind="link")]
    assert [finding["id"] for finding in find(seen)] == ["SP104"]


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({}, "major", "puts what no package vouches for into the system's Python: /opt/app/lib/libz.so.1"),
        ({"unvouched": [], "writable": "/opt/app"}, "major", "others than root may write /opt/app"),
        (
            {"unvouched": []},
            "minor",
            "LD_LIBRARY_PATH is set for login shells (/etc/profile.d/app.sh:1): every program",
        ),
    ],
)
def test_a_variable_of_the_loader(changes: t.Dict[str, t.Any], severity: str, words: str) -> None:
    seen = healthy()
    one: t.Any = dict(LOADER_VARIABLE, **changes)
    seen["loader_variables"] = [one]
    (finding,) = find(seen)
    assert (finding["severity"], finding["path"]) == (severity, "/etc/profile.d/app.sh")
    assert words in finding["summary"]


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        (
            {},
            "major",
            "the loader takes /usr/local/lib/libpython3.9.so.1.0, not /usr/lib64/libpython3.9.so.1.0, by /etc/ld",
        ),
        ({"damage": "it ends too early"}, "critical", "it belongs to no package and is damaged, it ends too early"),
        ({"configured": None, "instead": None}, "major", "libpython3.9.so.1.0 by /etc/ld.so.cache: it"),
        ({"owner": "zlib", "verified": False}, "major", "it is not as the package zlib shipped it"),
        (
            {"path": None, "found_by": None},
            "critical",
            "/usr/bin/python3.9 needs libpython3.9.so.1.0, which the loader cannot find",
        ),
    ],
)
def test_a_library_that_nobody_vouches_for(changes: t.Dict[str, t.Any], severity: str, words: str) -> None:
    seen = healthy()
    library: t.Any = dict(FOREIGN_LIBRARY, **changes)
    seen["libraries"] = [library]
    (finding,) = find(seen)
    assert (finding["id"], finding["severity"]) == ("SP110", severity)
    assert words in finding["summary"]


def test_a_manager_that_is_not_started_stays_so_while_its_cause_is_left_alone() -> None:
    seen = healthy()
    cause = "/root/.rpmmacros"
    seen["manager"] = ManagerState(name="dnf", state="not checked", reason="x", blocked=[cause])
    assert [one["repairable"] for one in find(seen)] == [True]
    seen["rpm_settings"] = [RpmSetting(path=cause, literal=False, owner=None, verified=None)]
    assert [(one["id"], one["repairable"]) for one in find(seen)] == [("SP211", False), ("SP304", False)]


def test_the_package_of_a_link_is_installed_where_the_user_allows_it() -> None:
    seen = healthy(unlinked={"python3-base": "/usr/bin/python3"})
    assert [one["repairable"] for one in find(seen)] == [False]
    (finding,) = find(seen, Policy(install_link_package=True))
    assert finding["remedy"]
    assert finding["remedy"]["action"] == "reinstall"
    assert finding["remedy"]["nevra"] == "python3-base-3.9.21-2.el9.x86_64"


def test_a_plugin_of_nobody_is_left_alone_and_one_that_comes_back_is_not() -> None:
    seen = healthy()
    path = "/opt/dnf-plugins/x.py"
    seen["manager"] = ManagerState(name="dnf", state="not checked", reason="x", blocked=[path])
    seen["manager_plugins"] = [ManagerPlugin(path=path, told=True, owner=None, verified=None)]
    assert [one["repairable"] for one in find(seen)] == [False]
    seen["drift"] = [drift_of(path)]
    assert [one["repairable"] for one in find(seen) if one["id"] == "SP211"] == [True]


@pytest.mark.parametrize(
    ("literal", "owner", "verified", "severities"),
    [
        (False, None, None, ["major"]),
        (True, None, None, ["info"]),
        (False, "rpm", True, []),
        (False, "macros", False, ["major"]),
        # Configuration that an administrator changed, as he may.
        (True, "macros", False, []),
    ],
)
def test_what_rpm_obeys(
    literal: bool, owner: t.Optional[str], verified: t.Optional[bool], severities: t.List[str]
) -> None:
    seen = healthy()
    seen["rpm_settings"] = [RpmSetting(path="/etc/rpm/macros.x", literal=literal, owner=owner, verified=verified)]
    assert [(one["id"], one["severity"]) for one in find(seen)] == [("SP304", severity) for severity in severities]


def test_what_rpm_obeys_is_told_by_folder_and_owner() -> None:
    seen, kinds = healthy(), ["{0}-linux".format(number) for number in range(60)]
    paths = ["/usr/lib/rpm/platform/{0}/macros".format(kind) for kind in kinds] + ["/usr/lib/rpm/macros.d/macros.x"]
    seen["rpm_settings"] = [RpmSetting(path=path, literal=False, owner="rpm", verified=False) for path in paths]
    seen["rpm_settings"] += [RpmSetting(path="/etc/rpm/macros.x", literal=False, owner=None, verified=None)]
    own, all_of_rpm = find(seen)
    assert (own["path"], own["evidence"]["owner"]) == ("/etc/rpm/macros.x", None)
    assert (all_of_rpm["evidence"]["count"], all_of_rpm["evidence"]["owner"]) == (61, "rpm")
    waiver = Waiver(rule="SP304", pattern="/usr/lib/rpm/platform/1*", reason="ours")
    counts = {"accepted" in one: one["evidence"]["count"] for one in find(seen, Policy(waivers=(waiver,)))[1:]}
    assert counts == {True: 11, False: 50}


@pytest.mark.parametrize(
    ("library", "severities"),
    [
        (dict(UNOWNED_LIBRARY, owner="agent", verified=True), []),
        (dict(UNOWNED_LIBRARY, owner="agent", verified=False), ["major"]),
        (UNOWNED_LIBRARY, ["major"]),
        (dict(UNOWNED_LIBRARY, path=None), ["info"]),
        (dict(UNOWNED_LIBRARY, path=None, writable="/opt"), ["major"]),
    ],
)
def test_a_preloaded_library_that_nobody_vouches_for(library: PreloadedLibrary, severities: t.List[str]) -> None:
    seen = healthy()
    seen["preloaded"] = [library]
    assert [one["severity"] for one in find(seen)] == severities


# --- groups that are lost, or not what their names say ---------------------------------------------------------------


def _unreadable(**changes: t.Any) -> AlternativesGroup:
    lost: t.Dict[str, t.Any] = {"mode": None, "choices": [], "chosen": None, "problems": ["it is empty"]}
    return own_group(**dict(lost, **changes))


def test_a_group_whose_state_cannot_be_read_is_made_again_by_its_packages() -> None:
    (finding,) = find(healthy_el8(alternatives=[_unreadable()]))
    assert (finding["id"], finding["severity"], finding["repairable"]) == ("SP105", "minor", True)
    assert "has no readable state" in finding["summary"]
    assert [step["action"] for step in make_plan([finding])] == ["quarantine", "reinstall", "settle_group", "relabel"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "file", "target": None}, "SP102"),
        ({"kind": "missing", "target": None, "leads_to": None}, "SP103"),
        ({"target": "/opt/python3", "leads_to": "/opt/python3", "owner": None}, "SP101"),
    ],
)
def test_what_lies_at_the_command_of_a_lost_group_is_one_plan_with_it(change: t.Any, expected: str) -> None:
    findings = find(healthy_el8(alternatives=[_unreadable(governs=[governed_link("python3", "python3.6", **change)])]))
    assert [finding["id"] for finding in findings] == [expected, "SP105"]
    plan = make_plan(findings)
    assert [step["action"] for step in plan] == ["quarantine", "reinstall", "settle_group", "relabel"]
    assert plan[1]["findings"] == [expected, "SP105"]


def test_a_chosen_python_that_lost_its_registration_registers_itself() -> None:
    cut = own_group(choices=[choice_of("3.11", 31100, owner="python3.11")], problems=["not registered"])
    (finding,) = find(healthy_el8(alternatives=[cut]))
    transaction, settle, _relabel = make_plan([finding])
    assert [package["name"] for package in transaction["packages"]] == ["python36"]
    assert settle["name"] == "python3"


def test_a_state_that_nobody_makes_goes_away_alone() -> None:
    seen = healthy_el8(alternatives=[_unreadable(own=False, makers=[])])
    (finding,) = find(seen)
    (step,) = make_plan([finding])
    assert (step["action"], step["paths"]) == ("quarantine", ["/var/lib/alternatives/python3"])


def test_slaves_that_a_foreign_choice_did_not_have_come_back_with_the_packaged_one() -> None:
    foreign = choice_of("3.99", 2000000, owner=None, folder="/usr/local/bin")
    foreign["slaves"] = {"pip3": None}
    gone = governed_link("pip3", "pip3.6", kind="missing", target=None, leads_to=None, owner=None)
    group = own_group(
        chosen=foreign["target"],
        choices=[*own_group()["choices"], foreign],
        governs=[governed_link("python3", "python3.99", leads_to=foreign["target"]), gone],
    )
    (finding,) = find(healthy_el8(alternatives=[group]))
    assert make_plan([finding])[0]["links"] == [
        {"path": "/usr/bin/python3", "target": "/etc/alternatives/python3"},
        {"path": "/usr/bin/pip3", "target": "/etc/alternatives/pip3"},
        {"path": "/etc/alternatives/python3", "target": "/usr/bin/python3.6"},
        {"path": "/etc/alternatives/pip3", "target": "/usr/bin/pip3.6"},
    ]


def test_a_slave_that_governs_a_packaged_path_leaves_the_group_of_the_release() -> None:
    extra = governed_link("dnf", "dnf-4", package="dnf", expected="dnf-3", due="/usr/bin/dnf-3")
    (finding,) = find(healthy_el8(alternatives=[own_group(governs=[*own_group()["governs"], extra])]))
    assert finding["id"] == "SP104"
    assert "governs /usr/bin/dnf, which belongs to the package dnf" in finding["summary"]
    step = make_plan([finding])[0]
    assert (step["targets"], step["slaves"], step["entries"]) == ([], ["dnf"], ["/etc/alternatives/dnf"])
    assert {"path": "/usr/bin/dnf", "target": "dnf-3"} in step["links"]


def test_a_foreign_group_over_the_link_of_the_releases_own_leaves_that_what_it_needs() -> None:
    over = governed_link(
        "py3", "python3.11", path="/usr/bin/python3", package="python36", expected="/etc/alternatives/python3"
    )
    # Its slave has the name of an entry of the other group.
    shared = governed_link("pip3", "pip3.11", path="/opt/bin/pip3", package=None)
    group = foreign_group(name="py3", entry="/etc/alternatives/py3", state_file="/x/py3", governs=[over, shared])
    (finding,) = find(healthy_el8(alternatives=[own_group(), group]))
    step = make_plan([finding])[0]
    assert (step["action"], step["entries"]) == ("drop_group", ["/etc/alternatives/py3"])
    assert step["links"][0]["packaged_target"] == "/etc/alternatives/python3"


def test_two_groups_of_one_name_are_two() -> None:
    here, there = foreign_group(), foreign_group(state_file="/var/lib/rpm/alternatives/python3")
    plan = make_plan(find(healthy(alternatives=[here, there])))
    assert [step["state_file"] for step in plan if step["action"] == "drop_group"] == [
        "/var/lib/alternatives/python3",
        "/var/lib/rpm/alternatives/python3",
    ]


def test_what_pip_put_beside_the_packages_is_minor_until_it_hides_one_of_their_modules() -> None:
    def severities(*files: t.Any) -> t.List[str]:
        seen = healthy()
        seen["planted"] = list(files)
        return [finding["severity"] for finding in find(seen)]

    for role in ("site", "local", "user"):
        assert severities(planted("/x/add-on", role=role, by_pip=True)) == ["minor"]
        assert severities(planted("/x/gpg", role=role, by_pip=True, hides=True)) == ["major"]
        assert severities(planted("/x/gpg", role=role, hides=True)) == ["major"]


def test_somebody_s_add_on_is_named_and_moved_on_request_alone() -> None:
    names = (
        "easy-install.pth",
        "other",
        "other-1.0-py3.9.egg-info",
        "tool-2.1-py3.9-linux-x86_64.egg",
        "agent.egg-link",
    )
    paths = ["/x/" + name for name in names]
    seen = healthy()
    seen["planted"] = [planted(path) for path in paths] + [planted("/x/six.py", by_pip=True)]
    finding, by_pip = find(seen)
    assert (finding["severity"], finding["remedy"], finding["actual"]) == ("minor", None, "an add-on")
    assert finding["evidence"]["add_ons"] == ["agent", "other 1.0", "tool 2.1"]
    assert "(agent, other 1.0, tool 2.1)" in finding["summary"]
    assert by_pip["actual"] == "installed by pip"
    (step,) = make_plan(find(seen, Policy(quarantine_all=True)))
    assert step["paths"] == sorted(paths)
    assert not make_plan(find(seen, Policy(quarantine=("SP210",), quarantine_all=True)))


def test_an_add_on_that_others_may_change_is_major_and_stays() -> None:
    seen = healthy()
    seen["planted"] = [planted("/x/agent", open_to_others=True), planted("/x/other")]
    (finding,) = find(seen)
    assert (finding["severity"], finding["remedy"]) == ("major", None)
    assert finding["evidence"]["open_to_others"] == ["/x/agent"]


def test_what_was_put_back_from_the_quarantine_stays_until_it_is_asked_for() -> None:
    paths = ["/x/a.pth", "/x/b.pth"]
    seen = healthy(put_back=["/x/a.pth", "/usr/bin/python3.15"], traces=[TRACE])
    seen["planted"] = [planted(path, runs_at_startup=True) for path in paths]
    planted_files, trace = find(seen)
    assert trace["remedy"] is None
    assert planted_files["remedy"] == QuarantineFiles(action="quarantine", paths=["/x/b.pth"])
    assert planted_files["evidence"]["put_back"] == ["/x/a.pth"]
    assert planted_files["severity"] == "major"
    seen["put_back"] = paths
    assert not find(seen)[0]["repairable"]
    (asked, _trace) = find(seen, Policy(quarantine_all=True))
    assert asked["remedy"] == QuarantineFiles(action="quarantine", paths=paths)


def test_what_lies_outside_the_system_s_folders_is_moved_on_request() -> None:
    seen = healthy()
    seen["planted"] = [planted("/x/gpg", role="local", hides=True), planted("/x/six", role="local", by_pip=True)]
    (step,) = make_plan(find(seen, Policy(quarantine=("SP213",))))
    assert step["paths"] == ["/x/gpg"]


def test_a_special_file_is_called_so() -> None:
    seen = healthy()
    seen["links"][0]["kind"] = "other"
    assert [one["summary"].partition(";")[0] for one in find(seen)] == ["/usr/bin/python3 is a special file"]
