"""The Python files of plugins/, read for what is counted in them."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from wings import PLUGINS, source_module

DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
Meaning: TypeAlias = "ast.expr | tuple[str, str] | None"
GENERIC = set(
    "dict list set frozenset tuple Dict List Set FrozenSet Tuple DefaultDict OrderedDict Mapping MutableMapping "
    "Sequence MutableSequence Iterable Iterator Collection Generator Callable".split()
)
"""Names of typing, collections.abc or the language. Where they stand without parameters they hold Any."""


@dataclass(frozen=True)
class Source:
    """A Python file of plugins/. CODE holds its lines by number, without blank ones, comments and documentation."""

    path: Path
    nodes: list[ast.AST]
    code: Mapping[int, str]

    @property
    def wing(self) -> str:
        return "/".join(self.path.parts[:-1][:2])

    @cached_property
    def functions(self) -> list[ast.FunctionDef]:
        return [node for node in self.nodes if isinstance(node, ast.FunctionDef)]

    @cached_property
    def names(self) -> dict[str, Meaning]:
        """What a name stands for: (module, name) of an import, the expression of an alias, None for a class."""
        found: dict[str, Meaning] = {}
        # Backwards, because of `if t.TYPE_CHECKING: ... else: ...` the first is for the type checker.
        for node in reversed(self.nodes):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = source_module(node, self.path.parent) if isinstance(node, ast.ImportFrom) else ""
                found.update({one.asname or one.name: (module, one.name) for one in node.names})
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = node.value
            elif isinstance(node, ast.ClassDef):
                found[node.name] = None
        return found


def read(root: Path) -> dict[str, Source]:
    """By the full name of the module."""
    found = {}
    for path in sorted((root / "plugins").rglob("*.py")):
        text, inside = path.read_text(encoding="utf-8"), path.relative_to(root / "plugins")
        nodes = list(ast.walk(ast.parse(text)))
        told = {n for node in nodes if isinstance(node, ast.stmt) and _is_documentation(node) for n in span(node)}
        lines = {n: line.strip() for n, line in enumerate(text.splitlines(), start=1) if n not in told}
        code = {n: line for n, line in lines.items() if line and not line.startswith("#")}
        found[PLUGINS + ".".join(inside.with_suffix("").parts)] = Source(inside, nodes, code)
    return found


def span(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or 0) + 1)


def _is_documentation(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTATION


class Types:
    """Tells which signatures hold Any, however many aliases, also of other files, lie between."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.sources = sources
        self.looking: set[int] = set()

    def any_in_signature(self, function: ast.FunctionDef, source: Source) -> bool:
        arguments = [node.annotation for node in ast.walk(function.args) if isinstance(node, ast.arg)]
        return any(self.any_in(node, source) for node in (*arguments, function.returns) if node)

    def any_in(self, node: ast.AST, source: Source) -> bool:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self.any_in(ast.parse(node.value, mode="eval").body, source)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).rpartition(".")[2] in GENERIC:
            return self.any_in(node.slice, source)
        if isinstance(node, ast.Name):
            return self.any_behind(source.names.get(node.id, ("builtins", node.id)), source)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = source.names.get(node.value.id)
            module = ".".join(filter(None, owner)) if isinstance(owner, tuple) else ""
            return self.any_behind((module, node.attr), source)
        inside = [] if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        return any(self.any_in(child, source) for child in inside)

    def any_behind(self, meaning: Meaning, source: Source) -> bool:
        if isinstance(meaning, tuple):
            module, name = meaning
            other = self.sources.get(module)
            return self.any_behind(other.names.get(name), other) if other else name == "Any" or name in GENERIC
        if meaning is None or id(meaning) in self.looking:
            return False
        self.looking.add(id(meaning))
        found = self.any_in(meaning, source)
        self.looking.discard(id(meaning))
        return found
