"""What the collection holds: its modules, plugins, roles and playbooks, read from the tree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from environment import ROOT, ToolError


def modules(root: Path = ROOT) -> list[str]:
    return _names(root / "plugins/modules")


def action_plugins(root: Path = ROOT) -> list[str]:
    return _names(root / "plugins/action")


def documented_plugins(root: Path = ROOT) -> dict[str, list[str]]:
    """Every kind of plugin that has documentation of its own. An action is documented by the module of its name."""
    kinds = ["module", "filter", "lookup", "test", "inventory", "connection", "callback", "become", "strategy", "vars"]
    found = {kind: _names(root / "plugins" / _folder(kind)) for kind in kinds}
    return {kind: names for kind, names in found.items() if names}


def roles(root: Path = ROOT) -> list[Path]:
    return sorted(path for path in (root / "roles").glob("*") if path.is_dir())


def load_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ToolError(f"{path}: cannot be read as YAML: {error}") from error


def load_mapping(path: Path) -> Mapping[str, Any]:
    value = load_yaml(path)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ToolError(f"{path}: must hold a mapping, holds {type(value).__name__}")
    return value


def _folder(kind: str) -> str:
    return "modules" if kind == "module" else kind


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
