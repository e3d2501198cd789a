# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Checks that data of a host are what a record says: a TypedDict of ours, here or in C(module_utils).

The records are for the type checker; most are not there when the code runs, because Python 3.6 has no TypedDict. So
their sources are read, and there is no second list of what a host may say.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from ...module_utils._base.errors import HostAnswerError
from .types import HOST

__all__ = ["Record", "read_all", "record_named"]

_Check = Callable[[object, str], None]
# Records that others have a field of, by module and name.
_MENTIONED: list[tuple[str, str]] = []

_LISTS = ("List", "list", "Sequence")
_DICTS = ("Dict", "dict", "Mapping")
_PLAIN: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "a text"),
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "None": (type(None), "null"),
}


class Record(NamedTuple):
    """What the data of one record must be; C(required) are the keys that must be there."""

    fields: Mapping[str, _Check]
    required: frozenset[str]

    def check(self, value: object, field: str, partial: bool = False) -> None:
        """Raise HostAnswerError where C(value) is not the record; C(partial): any of its keys may be missing.

        Keys that the record does not have are not looked at.
        """
        if not isinstance(value, Mapping):
            raise HOST.refused(value, field, "a mapping")
        missing = () if partial else sorted(self.required - value.keys())
        if missing:
            raise HOST.refused(value, field, f"a mapping with the key {missing[0]}")
        for name, check in self.fields.items():
            if name in value:
                check(value[name], f"{field}.{name}" if field else name)


@cache
def record_named(module: str, name: str) -> Record:
    """Return the record C(name) that the module of that full name has, or imports."""
    fields: dict[str, _Check] = {}
    required: set[str] = set()
    home, node = _found(module, name)
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"{name} of {module} is no record")
    for base in map(_word, node.bases):
        if base != "TypedDict":
            inherited = record_named(home, base)
            fields.update(inherited.fields)
            required |= inherited.required
    total = not any(word.arg == "total" for word in node.keywords)
    for key, annotation in _annotations(node):
        fields[key] = _check_of(home, annotation)
        if total and not (isinstance(annotation, ast.Subscript) and _word(annotation.value) == "NotRequired"):
            required.add(key)
    return Record(fields, frozenset(required))


def read_all(module: str, name: str) -> None:
    """Read a record, and those of its fields, as C(record_named) would later."""
    record_named(module, name)
    while _MENTIONED:
        record_named(*_MENTIONED.pop())


def _annotations(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id, one.annotation


@cache
def _names(module: str) -> Mapping[str, ast.ClassDef | ast.expr | str]:
    """Return what the names of a module stand for: a class, an expression, or the module that it is imported from."""
    spec = importlib.util.find_spec(module)
    names: dict[str, ast.ClassDef | ast.expr | str] = {}
    # Each loader of files has it.
    for node in ast.walk(ast.parse(spec.loader.get_source(module))):  # type: ignore[union-attr]
        if isinstance(node, ast.ImportFrom) and node.level:
            home = importlib.util.resolve_name("." * node.level + (node.module or ""), module.rpartition(".")[0])
            names.update({alias.name: home for alias in node.names})
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, node.value)
        elif isinstance(node, ast.ClassDef):
            names[node.name] = node
    return names


def _found(module: str, name: str) -> tuple[str, ast.ClassDef | ast.expr]:
    """Return what a name stands for, and the module that really has it."""
    found = _names(module)[name]
    return _found(found, name) if isinstance(found, str) else (module, found)


def _word(node: ast.expr) -> str:
    """Return the last word of a name: C(TypedDict) of C(t.TypedDict)."""
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    return ast.unparse(node).rpartition(".")[2]


def _check_of(module: str, node: ast.expr) -> _Check:
    """Return the check of an annotation. Raises KeyError or TypeError for one that no record of ours may have."""
    if isinstance(node, ast.BinOp):
        return _one_of(_check_of(module, node.left), _check_of(module, node.right))
    if isinstance(node, ast.Subscript):
        return _subscript(module, _word(node.value), node.slice)
    word = _word(node)
    if word in ("object", "Any"):
        return _anything
    if word in _PLAIN:
        return _plain(*_PLAIN[word])
    home, found = _found(module, word)
    if isinstance(found, ast.ClassDef):
        _MENTIONED.append((home, word))
        return lambda value, field: record_named(home, word).check(value, field)
    return _check_of(home, found)


def _subscript(module: str, word: str, inner: ast.expr) -> _Check:
    arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if word == "Literal":
        words = [ast.literal_eval(one) for one in arguments]
        return lambda value, field: _check_word(value, field, words)
    checks = [_check_of(module, one) for one in arguments]
    if word in _LISTS:
        return lambda value, field: _check_list(value, field, checks[0])
    if word in _DICTS:
        return lambda value, field: _check_dict(value, field, checks[1])
    if word == "Optional":
        return _one_of(_plain(*_PLAIN["None"]), checks[0])
    if word == "Union":
        return _one_of(*checks)
    if word == "NotRequired":
        return checks[0]
    raise TypeError(f"{module} has a record with {word}")


def _anything(_value: object, _field: str) -> None:
    return


def _plain(kind: type | tuple[type, ...], wanted: str) -> _Check:
    def check(value: object, field: str) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise HOST.refused(value, field, wanted)

    return check


def _one_of(*checks: _Check) -> _Check:
    """Return the check of what may be one of several; the last one says what is wrong."""

    def check(value: object, field: str) -> None:
        for one in checks[:-1]:
            try:
                return one(value, field)
            except HostAnswerError:
                continue
        return checks[-1](value, field)

    return check


def _check_word(value: object, field: str, words: list[object]) -> None:
    if value not in words:
        raise HOST.refused(value, field, "one of " + ", ".join(map(str, words)))


def _check_list(value: object, field: str, check: _Check) -> None:
    if not isinstance(value, (list, tuple)):
        raise HOST.refused(value, field, "a list")
    for number, one in enumerate(value):
        check(one, f"{field}[{number}]")


def _check_dict(value: object, field: str, check: _Check) -> None:
    if not isinstance(value, Mapping):
        raise HOST.refused(value, field, "a mapping")
    for key, one in value.items():
        check(one, f"{field}.{key}")
