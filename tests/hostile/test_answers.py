# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose modules answer what it likes: what is not as documented ends that host's task, and nothing else."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import HostAnswerError
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark.rows import usable
from ansible_collections.fleet.system_python.plugins.plugin_utils._border import answers
from ansible_collections.fleet.system_python.plugins.plugin_utils._border.answers import module_answer
from ansible_collections.fleet.system_python.plugins.plugin_utils._border.schema import record_named

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/unit/data"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
# Whole on the controller: no host answers.
OF_THE_CONTROLLER = {"python_benchmark_report", "python_first_aid", "python_fleet_page", "python_report"}
# What Ansible's strategies, executor and callbacks act upon.
ACTED_UPON = (
    "add_host",
    "add_group",
    "ansible_stats",
    "ansible_module_results",
    "attempts",
    "censored",
    "deprecations",
    "exception",
    "failed_when_result",
    "include",
    "include_args",
    "include_vars_files",
    "parent_groups",
    "results",
    "retries",
    "skip_reason",
    "skipped",
    "unreachable",
    "_ansible_delegated_vars",
    "_ansible_facts_cacheable",
    "_ansible_item_result",
    "_ansible_no_log",
    "_ansible_notify",
    "_ansible_verbose_always",
)
WRONG: list[Any] = [5, -1.5, True, None, "text", b"bytes", [], ["a"], [[]], [None], {}, {"a": 1}, {"id": {}}, "x" * 100]


def recorded(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((DATA / f"evidence/{name}.json").read_text(encoding="utf-8"))
    return data


def audit() -> dict[str, Any]:
    facts = copy.deepcopy(recorded("pip_overwrote")["facts"])
    assert facts["findings"]
    return {"changed": False, "ansible_facts": {"system_python": facts}, "summary": ["1 finding"]}


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def put(data: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def test_each_module_of_a_host_has_its_gate() -> None:
    for name in MODULES:
        action = (ROOT / f"plugins/action/{name}.py").read_text(encoding="utf-8")
        assert ("trusted_module import" in action) == (name not in OF_THE_CONTROLLER)


@pytest.mark.parametrize("module", answers._RECORDS)
def test_the_record_of_a_module_can_be_read(module: str) -> None:
    place, name = answers._RECORDS[module]
    assert record_named(f"{answers._PLUGINS}.{place}", name).fields


@pytest.mark.parametrize("module", [name for name in MODULES if name not in OF_THE_CONTROLLER])
def test_what_ansible_acts_upon_is_dropped_and_what_is_documented_is_not(module: str) -> None:
    source = (ROOT / f"plugins/modules/{module}.py").read_text(encoding="utf-8")
    documented = set(yaml.safe_load(source.partition('\nRETURN = r"""')[2].partition('"""')[0])) - {"ansible_facts"}
    assert documented <= answers._documented(module)
    answer: dict[str, object] = {key: {"host_name": "evil"} for key in ACTED_UPON}
    assert module_answer(module, {**answer, "changed": True}) == {"changed": True}


def test_a_job_has_begun_where_numbers_say_so() -> None:
    begun = {"ansible_job_id": "j1", "results_file": "/root/j1", "started": 1, "finished": 0, "failed": 0}
    assert module_answer("python_runtime", begun, job=True) == {**begun, "failed": False}
    with pytest.raises(HostAnswerError):
        module_answer("python_runtime", {**begun, "failed": "0"}, job=True)


def test_of_facts_only_ours_pass() -> None:
    answer = audit()
    answer["ansible_facts"].update(
        python_report_restart_command="id",
        python_report_validate_reboot=True,
        ansible_connection="local",
        inventory_hostname="other",
        discovered_interpreter_python="/srv/python",
        system_python_outcome={"state": "healthy"},
    )
    passed: Any = module_answer("python_facts", answer)
    assert list(passed["ansible_facts"]) == ["system_python"]


@pytest.mark.parametrize("name", sorted(path.stem for path in (DATA / "evidence").glob("*.json")))
def test_what_real_hosts_answered_passes_as_it_is(name: str) -> None:
    collected = recorded(name)
    facts = {"system_python": collected["facts"]}
    assert module_answer("python_facts", {"ansible_facts": facts}) == {"ansible_facts": facts}
    assert module_answer("python_evidence", {"report": collected}) == {"report": collected}
    answer = {"findings": collected["facts"]["findings"], "report": collected, "healthy": False}
    assert module_answer("system_python", answer) == answer


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("findings",), 5),
        (("findings", 0, "kind"), {}),
        (("findings", 0, "id"), ["SP1"]),
        (("findings", 0, "severity"), "<b>"),
        (("findings", 0, "evidence", "count"), "x"),
        (("findings", 0, "evidence"), None),
        (("worst",), "worse"),
        (("resolution",), {"python3": 5}),
        (("alternatives",), {"name": "x"}),
        (("packages",), {"python3": {}}),
        (("accepted",), [{}]),
        (("verification",), {}),
    ],
)
def test_the_field_that_is_wrong_is_named(path: tuple[Any, ...], value: object) -> None:
    wrong = put(audit(), ("ansible_facts", "system_python", *path), value)
    if path[-1] == "kind":
        assert module_answer("python_facts", wrong)
        return
    with pytest.raises(HostAnswerError) as caught:
        module_answer("python_facts", wrong)
    named = str(caught.value.details["field"])
    assert named.startswith("ansible_facts.system_python." + str(path[0]))
    assert named in caught.value.message


def test_each_place_of_an_answer_is_what_its_record_says_or_refused() -> None:
    good = audit()
    for number, path in enumerate(places(good)):
        if path:
            wrong = put(good, path, WRONG[number % len(WRONG)])
            with contextlib.suppress(HostAnswerError):
                json.dumps(module_answer("python_facts", wrong))


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        10**400,
        {"a": {5: "key"}},
        {"a": object()},
        "x" * (129 * 1024 * 1024),
        [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],
    ],
    ids=lambda value: str(type(value)),
)
def test_what_is_no_plain_bounded_data_is_refused(value: object) -> None:
    with pytest.raises(HostAnswerError):
        module_answer("rpm_verify_info", {"details": {"x": value}, "files": value})


@pytest.mark.parametrize("answer", [None, 5, "text", [], ["a"]])
def test_an_answer_is_a_mapping(answer: object) -> None:
    with pytest.raises(HostAnswerError, match="result"):
        module_answer("python_facts", answer)


@pytest.mark.parametrize(
    "answer",
    [
        {"changed": {}},
        {"failed": "no"},
        {"msg": {}},
        {"kind": "<img>"},
        {"kind": {}},
        {"details": 5},
        {"summary": [{}]},
        {"summary": 5},
        {"warnings": 5},
        {"ansible_facts": 5},
    ],
)
def test_what_every_module_returns_is_checked(answer: dict[str, object]) -> None:
    with pytest.raises(HostAnswerError):
        module_answer("python_facts", answer)


def test_warnings_are_short_printable_texts() -> None:
    passed: Any = module_answer("rpm_integrity", {"warnings": ["\x1b[2J" + "x" * 10_000] * 1000})
    assert len(passed["warnings"]) == 100
    assert all(text.isprintable() and len(text) < 2100 for text in passed["warnings"])


def test_a_module_that_printed_no_result_is_told_with_the_end_of_what_it_printed() -> None:
    answer = {
        "_ansible_parsed": False,
        "failed": True,
        "msg": "MODULE FAILURE",
        "module_stdout": "x" * 9000,
        "add_host": 1,
    }
    passed = module_answer("python_facts", answer)
    assert passed == {"failed": True, "msg": "MODULE FAILURE", "module_stdout": "x" * 4000}


def test_texts_pass_every_writer() -> None:
    passed = module_answer("python_facts", {"summary": ["\ud800", "\udcff"], "details": {"\udcff": "a"}})
    json.dumps(passed, ensure_ascii=False).encode("utf-8")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["ansible_facts", "findings", "report", "msg", "kind", "plan"]), JSON))
def test_no_answer_is_more_than_an_error_of_its_kind(answer: dict[str, object]) -> None:
    for module in ("python_facts", "system_python", "python_pin", "python_venv_info"):
        with contextlib.suppress(HostAnswerError):
            json.dumps(module_answer(module, answer), allow_nan=False)


TIMES: Any = {"median": 1.0, "spread": 0.1, "ratio": 1.0, "interval": None, "different": None, "reason": "x"}
TIMES["path"] = "/p"
WORKLOAD: Any = {"name": "words", "title": "Words", "results": [TIMES], "problems": {}}
INTERPRETER: Any = {"path": "/p", "version": "3.9", "verified": True, "problem": None, "note": None}
MEASURED: Any = {"baseline": "/p", "interpreters": [INTERPRETER], "workloads": [WORKLOAD]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"workloads": 5},
        {"baseline": "/none"},
        {"interpreters": []},
        *(
            {"workloads": [{**WORKLOAD, "results": [{**TIMES, **broken}]}]}
            for broken in ({"median": 0}, {"path": "/other"}, {"ratio": None})
        ),
    ],
)
def test_a_benchmark_of_one_host_does_not_end_the_report_of_the_others(wrong: dict[str, Any]) -> None:
    evil: Any = {**MEASURED, **wrong}
    found, sentences = usable({"web1": MEASURED, "evil": evil})
    assert list(found) == ["web1"]
    assert len(sentences) == 1
