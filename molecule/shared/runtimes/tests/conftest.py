"""Every test runs for each host of the scenario."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from shared.subject import fleet_name
from testinfra.host import Host

CONFIG = yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text(encoding="utf-8"))
FLEET = fleet_name(os.environ["MOLECULE_SCENARIO_NAME"])


@pytest.fixture(scope="session", params=[platform["name"] for platform in CONFIG["platforms"]])
def host(request: pytest.FixtureRequest) -> Host:
    """The host: shell commands by docker exec, nothing of the collection."""
    return testinfra.get_host(f"docker://fsp-{FLEET}-{request.param}")


@pytest.fixture(scope="session")
def platform(host: Host) -> dict[str, Any]:
    """The host's entry in molecule.yml."""
    name = host.backend.name.rpartition("-")[2]
    found: dict[str, Any] = next(entry for entry in CONFIG["platforms"] if entry["name"] == name)
    return found


@pytest.fixture(scope="session")
def index() -> dict[str, dict[str, str]]:
    """The archives."""
    path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "runtimes.json"
    loaded: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
