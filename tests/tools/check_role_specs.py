"""Compare each role's meta/argument_specs.yml with its defaults/main.yml and its task files.

An option is either required, and then has no default anywhere, or has the same default in both files.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from content import load_mapping, roles
from environment import ROOT, ToolError


def problems(root: Path = ROOT) -> list[str]:
    return [text for role in roles(root) for text in role_problems(role)]


def role_problems(role: Path) -> list[str]:
    specs = role / "meta/argument_specs.yml"
    if not specs.exists():
        return [f"{role}: has no meta/argument_specs.yml"]
    entry_points = load_mapping(specs).get("argument_specs") or {}
    if not entry_points:
        return [f"{specs}: describes no entry point; begin with argument_specs: {{main: ...}}"]
    options = _merged_options(entry_points)
    defaults_file = role / "defaults/main.yml"
    defaults = load_mapping(defaults_file) if defaults_file.exists() else {}
    return [
        *_entry_point_problems(role, specs, entry_points),
        *_name_problems(role.name, specs, [*options, *(name for name in defaults if name not in options)]),
        *_default_problems(specs, defaults_file, options, defaults),
    ]


def _merged_options(entry_points: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    merged: dict[str, Mapping[str, Any]] = {}
    for entry_point in entry_points.values():
        merged.update((entry_point or {}).get("options") or {})
    return merged


def _entry_point_problems(role: Path, specs: Path, entry_points: Mapping[str, Any]) -> list[str]:
    found = []
    for name, entry_point in entry_points.items():
        if not (role / f"tasks/{name}.yml").exists():
            found.append(f"{specs}: entry point {name!r} has no tasks/{name}.yml")
        missing = [key for key in ("short_description", "description") if not (entry_point or {}).get(key)]
        found += [f"{specs}: entry point {name!r} has no {key}" for key in missing]
    # Task files that begin with an underscore are included by others and are no entry points.
    public = sorted(path.stem for path in (role / "tasks").glob("*.yml") if not path.stem.startswith("_"))
    found += [
        f"{specs}: tasks/{name}.yml is not described; describe it, or name it _{name}.yml if it is only included"
        for name in public
        if name not in entry_points
    ]
    return found


def _name_problems(role: str, specs: Path, names: Sequence[str]) -> list[str]:
    return [f"{specs}: {name!r} does not begin with '{role}_'" for name in names if not name.startswith(f"{role}_")]


def _default_problems(
    specs: Path, defaults_file: Path, options: Mapping[str, Mapping[str, Any]], defaults: Mapping[str, Any]
) -> list[str]:
    found = [f"{specs}: no option {name!r}, which {defaults_file} sets" for name in defaults if name not in options]
    for name, option in options.items():
        if option.get("required"):
            if name in defaults or "default" in option:
                found.append(f"{specs}: {name!r} is required and has a default; it cannot be both")
        elif name not in defaults:
            found.append(f"{defaults_file}: no default for {name!r}, which {specs} does not call required")
        elif "default" not in option:
            found.append(f"{specs}: {name!r} has no default; {defaults_file} says {defaults[name]!r}")
        elif not same(option["default"], defaults[name]):
            found.append(
                f"{specs}: default of {name!r} is {option['default']!r}; {defaults_file} says {defaults[name]!r}"
            )
    return found


def same(left: Any, right: Any) -> bool:
    """Equality that tells true from 1 and "1", at every depth."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def main(arguments: Sequence[str]) -> int:
    root = Path(arguments[0]) if arguments else ROOT
    try:
        found = problems(root)
    except ToolError as error:
        found = [str(error)]
    count = len(roles(root))
    print("\n".join(found) or (f"{count} roles checked" if count else "nothing to check: there are no roles yet"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
