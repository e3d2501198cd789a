"""A host of the running scenario: its entry in molecule.yml, its operating system, what was recorded about it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from shared.platforms import PLATFORMS, Platform

Record = Mapping[str, Any]
CORE = os.environ["SYSTEM_PYTHON_CORE"]
# Any small package that is not installed; images of a registry have no hello-rpm in their repositories.
TEST_PACKAGE = os.environ.get("SYSTEM_PYTHON_TEST_PACKAGE", "hello-rpm")

# On the hosts: what the collection keeps there, and what prepare.yml left.
STATE = "/var/lib/fleet.system_python"
MARKER = "/var/tmp/prepared"  # noqa: S108
TRIPWIRE = "/var/tmp/unowned-python-ran"  # noqa: S108


def fleet_name(scenario: str) -> str:
    """The fleet of a scenario, as the variable scenario_fleet of the base configuration names it."""
    return f"{os.environ['SYSTEM_PYTHON_FLEET_PREFIX']}-{scenario}-{CORE.replace('.', '')}"


@dataclass(frozen=True)
class Subject:
    """One host. Steps that record something are before, predicted, repaired, repeated and after."""

    name: str
    entry: Record

    @property
    def container(self) -> str:
        """The container that tests/hosts/fleet made of it."""
        return f"fsp-{fleet_name(os.environ['MOLECULE_SCENARIO_NAME'])}-{self.name}"

    @property
    def platform(self) -> Platform:
        """What its vendor ships."""
        return PLATFORMS[self.entry["image"]]

    @property
    def is_from_registry(self) -> bool:
        """Whether its image is a layer over one of a registry."""
        return bool(os.environ.get(f"SYSTEM_PYTHON_{self.entry['image'].upper()}_IMAGE"))

    @property
    def is_broken(self) -> bool:
        """Whether the scenario broke it."""
        return bool(self.entry.get("tampering"))

    def findings(self, *keys: str) -> set[str]:
        """Ids that its tampering names as findings (they must be found) or as allowed (they may be)."""
        told = [done.get(key, []) for done in self._tampering() for key in keys]
        lists = [one.get(self.entry["image"], []) if isinstance(one, Mapping) else one for one in told]
        return {name for one in lists for name in one}

    @property
    def expected_error(self) -> str:
        """The kind of the error that an audit of the broken host ends with, empty where it ends with facts."""
        return str(self.entry.get("error", ""))

    def _tampering(self) -> list[Record]:
        folder = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "tests/tampering"
        names = self.entry.get("tampering", [])
        return [yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8")) for name in names]

    def record(self, step: str) -> Record:
        """What a step recorded."""
        path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / f"records/{self.name}.{step}.json"
        recorded: Record = json.loads(path.read_text(encoding="utf-8"))
        return recorded


def subjects() -> list[Subject]:
    """All hosts of the scenario."""
    config = yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text(encoding="utf-8"))
    return [Subject(entry["name"], entry) for entry in config["platforms"]]
