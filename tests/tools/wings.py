"""The wings of the collection's private code, and the rule between them."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

FLOORS = (
    ("_base",),
    ("_disk", "_rights"),
    ("_rpm", "_loader"),
    ("_audit", "_trust", "_image"),
    ("_packages", "_usage", "_guard", "_benchmark"),
    ("_evidence", "_venv", "_pin"),
    ("_repair", "_runtime"),
)
"""The wings of module_utils, ground floor first; a wing imports lower floors alone."""
FEATURES = {"_image", "_guard", "_benchmark", "_evidence", "_venv", "_pin", "_repair", "_runtime"}
"""These do not know each other either, but for the two that stand on another one."""
ACQUAINTED = {("_repair", "_evidence"), ("_runtime", "_venv")}
PLUGINS = "ansible_collections.fleet.system_python.plugins."


def source_module(node: ast.ImportFrom, folder: Path) -> str:
    """The full name of the module from which a file in plugins/FOLDER imports."""
    package = PLUGINS + ".".join(folder.parts)
    return importlib.util.resolve_name("." * node.level + (node.module or ""), package.rstrip("."))


def imported(tree: ast.AST, folder: Path) -> Iterator[str]:
    """All that a file in plugins/FOLDER imports from the collection's plugins, by its name below them."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{source_module(node, folder)}.{name}" for name in names]
        yield from (name.removeprefix(PLUGINS) for name in names if name.startswith(PLUGINS))


def arrows(root: Path) -> set[tuple[str, str]]:
    """The pairs of C(module_utils/_wing) of which one imports the other; a folder without wings stands for itself."""
    found = set()
    for path in (root / "plugins").rglob("*.py"):
        folder, tree = path.relative_to(root / "plugins").parent, ast.parse(path.read_text(encoding="utf-8"))
        start = "/".join(folder.parts[:2])
        ends = {"/".join(name.split(".")[:2]) for name in imported(tree, folder)}
        found |= {(start, end) for end in ends if end != start}
    return found


def wrong_arrows(found: set[tuple[str, str]]) -> list[str]:
    """The arrows that break the rule, each with the reason."""
    return sorted(f"{start} -> {end}: {reason}" for start, end in found if (reason := _objection(start, end, found)))


def _objection(start: str, end: str, found: set[tuple[str, str]]) -> str:
    (kind, importer), (end_kind, wing) = (one.partition("/")[::2] for one in (start, end))
    if kind in ("modules", "module_utils") and end_kind != "module_utils":
        return "the controller's side does not travel to a target"
    if kind == end_kind == "plugin_utils" and (end, start) in found:
        return "two folders import each other"
    if kind == end_kind == "module_utils":
        if _floor(wing) >= _floor(importer):
            return "not on a lower floor"
        if {importer, wing} <= FEATURES and (importer, wing) not in ACQUAINTED:
            return "features do not know each other"
    return ""


def _floor(wing: str) -> int:
    return next((number for number, wings in enumerate(FLOORS, start=1) if wing in wings), len(FLOORS) + 1)
