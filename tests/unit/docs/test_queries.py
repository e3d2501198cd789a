# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each question of docs/queries.md gives the answer that the page shows, in jmespath and in ansible-playbook."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulated_fleet import small_fleet

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/queries.md").read_text(encoding="utf-8")
QUESTION = re.compile(r"^### ([^\n]+)\n\n```jmespath\n(.+?)\n```\n\n```json\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
ABOUT_DEPENDENTS = re.compile(r"^## What depends on it$.*?(?=^## )", re.MULTILINE | re.DOTALL)
QUESTIONS = QUESTION.findall(ABOUT_DEPENDENTS.sub("", PAGE))
DEPENDENTS = QUESTION.findall(ABOUT_DEPENDENTS.findall(PAGE)[0])
PLAYBOOK = yaml.safe_load(re.findall(r"^```yaml\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])

jmespath = pytest.importorskip("jmespath", reason="jmespath is not installed in this environment")


def two_hosts() -> list[dict[str, Any]]:
    """Return what was recorded on two test hosts."""
    recorded = {"db1": "sles15", "web1": "rhel9"}
    folder = ROOT / "tests/unit/data/dependents"
    return [
        {"host": host, "facts": json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))}
        for host, name in recorded.items()
    ]


def test_every_question_has_an_expression_and_an_answer() -> None:
    assert len(QUESTIONS) + len(DEPENDENTS) == PAGE.count("\n### ") == PAGE.count("```jmespath\n") > 15


@pytest.mark.parametrize(("expression", "answer"), [one[1:] for one in QUESTIONS], ids=[one[0] for one in QUESTIONS])
def test_jmespath_gives_the_answer(expression: str, answer: str) -> None:
    fleet = json.loads(json.dumps(small_fleet()))
    assert jmespath.search(expression, fleet) == json.loads(answer)


@pytest.mark.parametrize(("expression", "answer"), [one[1:] for one in DEPENDENTS], ids=[one[0] for one in DEPENDENTS])
def test_jmespath_gives_the_answer_about_dependents(expression: str, answer: str) -> None:
    assert jmespath.search(expression, two_hosts()) == json.loads(answer)


def test_answers_are_not_all_empty() -> None:
    """A wrong expression often answers with nothing; the one question without an answer says so."""
    empty = [question for question, _expression, answer in QUESTIONS + DEPENDENTS if not json.loads(answer)]
    assert empty == ["On which hosts was the verification cut short by its time limit?"]


@pytest.mark.parametrize(
    ("about", "fleet", "questions"),
    [("system_python", small_fleet(), QUESTIONS), ("system_python_dependents", two_hosts(), DEPENDENTS)],
    ids=["system_python", "dependents"],
)
def test_ansible_gives_the_answers(tmp_path: Path, about: str, fleet: list[dict[str, Any]], questions: Any) -> None:
    """The second play of the page is asked every question. The first needs hosts; here it sets what it would find."""
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        pytest.skip(f"there is no {program}")
    hosts: dict[str, Any] = {one["host"]: {"found": one["facts"]} for one in fleet}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {**hosts, "unreachable": {}}}}))
    look = {
        "hosts": "all:!unreachable",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.set_fact": {about: "{{ found }}", "cacheable": True}}],
    }
    ask = copy.deepcopy(PLAYBOOK[1])
    (answering,) = ask["tasks"]
    expression = answering["ansible.builtin.debug"]["msg"]
    (tmp_path / "questions.json").write_text(json.dumps([one[1] for one in questions]))
    ask["vars"]["about"] = about
    ask["vars"]["questions"] = f"{{{{ lookup('ansible.builtin.file', '{tmp_path}/questions.json') | from_json }}}}"
    ask["vars"]["answers"] = [expression.replace("question", f"questions[{one}]") for one in range(len(questions))]
    ask["tasks"] = [
        {
            "ansible.builtin.copy": {
                "content": "{{ answers | to_json }}",
                "dest": f"{tmp_path}/answers.json",
                "mode": "0600",
            },
            "connection": "local",
            "vars": {"ansible_python_interpreter": sys.executable},
        }
    ]
    (tmp_path / "ask.json").write_text(json.dumps([look, ask]))
    done = subprocess.run(
        [program, "-i", tmp_path / "hosts.json", tmp_path / "ask.json"],
        env={**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_LOCALHOST_WARNING": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert answers == [json.loads(answer) for _question, _expression, answer in questions]
