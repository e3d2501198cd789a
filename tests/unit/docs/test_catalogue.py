# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages say is what the code has: rules, error kinds, contract keys, links, examples."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import RULES
from ansible_collections.fleet.system_python.plugins.module_utils._venv.findings import VENV_RULES

ALL_RULES = sorted(RULES + VENV_RULES, key=lambda rule: rule.id)
ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")])
ROLES = sorted(path.parent for path in ROOT.glob("roles/*/meta"))
CODE = sorted((ROOT / "plugins").rglob("*.py"))

CATALOGUE_ROW = re.compile(r"^\| \[?(SP\d{3})\b[^|]*\| ([a-z-]+) \| (critical|major|minor|info) \|", re.MULTILINE)
CATALOGUE_HEADING = re.compile(r"^### (SP\d{3}) ([a-z-]+)$", re.MULTILINE)
ERROR_CLASS = re.compile(r'^class \w+Error\(.*?^    kind = "(\w+)"', re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_the_catalogue_is_the_registry() -> None:
    rows = [tuple(match) for match in CATALOGUE_ROW.findall(text_of("docs/findings.md"))]
    assert rows == [(rule.id, rule.name, rule.severity) for rule in ALL_RULES]


def test_every_rule_has_a_section() -> None:
    headings = CATALOGUE_HEADING.findall(text_of("docs/findings.md"))
    assert headings == [(rule.id, rule.name) for rule in ALL_RULES]


def test_every_error_kind_is_explained() -> None:
    kinds = {kind for path in CODE for kind in ERROR_CLASS.findall(path.read_text(encoding="utf-8"))}
    _before, _heading, explained = text_of("docs/troubleshooting.md").partition("\n## Error kinds\n")
    sections = set(re.findall(r"^### (\w+)$", explained, re.MULTILINE))
    assert kinds == sections


def test_every_key_of_a_contract_is_described() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", text_of("docs/adding-an-os.md"), re.MULTILINE))
    assert {key for contract in CONTRACTS for key in contract} <= described


def test_the_example_contract_is_valid() -> None:
    blocks = [body for language, body in FENCE.findall(text_of("docs/adding-an-os.md")) if language == "yaml"]
    contract = yaml.safe_load(blocks[0])["system_python_contract"]
    checked = contract_for({"ID": "amzn", "VERSION_ID": "2023"}, contract)
    assert checked["id"] == "amzn2023"
    assert set(CONTRACTS[0]) - set(checked) == set()
    for command in checked["proof"]:
        re.compile(command["expect"])


@pytest.mark.parametrize(("page", "folder"), [("docs/modules.md", "plugins/modules"), ("docs/roles.md", "roles")])
def test_every_module_and_role_is_listed(page: str, folder: str) -> None:
    rows = "".join(re.findall(r"^\| [^|]*\|", text_of(page), re.MULTILINE))
    listed = re.findall(r"`(\w+)`|\[(\w+)\]", rows)
    assert sorted("".join(pair) for pair in listed) == sorted(path.stem for path in (ROOT / folder).iterdir())


def test_the_readme_is_short_and_shows_a_run() -> None:
    text = text_of("README.md")
    assert len(text.splitlines()) <= 120
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    svg = (ROOT / picture).read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in svg
    assert len(re.findall(r"<text .*?5 hosts: (.*?)<", svg)) == 3


@pytest.mark.parametrize("role", ROLES, ids=named)
def test_every_option_of_a_role_is_described_with_its_default(role: Path) -> None:
    options = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", (role / "README.md").read_text(), re.MULTILINE)
    # In a table a pipe is written with a backslash.
    assert {name: yaml.safe_load(default.replace("\\|", "|")) for name, default in rows} == {
        name: defaults.get(name) for name in options
    }


def yaml_blocks() -> Iterator[Any]:
    for page in PAGES:
        for number, (language, body) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")), 1):
            if language == "yaml":
                yield pytest.param(body, id=f"{named(page)}-{number}")


@pytest.mark.parametrize("body", list(yaml_blocks()))
def test_yaml_examples_parse(body: str) -> None:
    assert yaml.safe_load(body)


def anchor(heading: str) -> str:
    """The name that code hosting sites give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_internal_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        place, _hash, fragment = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        if fragment:
            headings = HEADING.findall(FENCE.sub("", target.read_text(encoding="utf-8")))
            assert fragment in [anchor(heading) for heading in headings], link
