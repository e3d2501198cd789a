"""Check that the action group in meta/runtime.yml lists every module, and nothing else."""

import sys
from collections.abc import Sequence
from pathlib import Path

from content import load_mapping, modules
from environment import NAME, ROOT, ToolError


def problems(root: Path = ROOT) -> list[str]:
    runtime = root / "meta/runtime.yml"
    group = load_mapping(runtime).get("action_groups", {}).get(NAME)
    if group is None:
        return [f"{runtime}: no action group {NAME!r}; add it under action_groups"]
    where = f"{runtime}: action group {NAME!r}"
    listed, present = list(group), modules(root)
    found = [f"{where} does not list module {name!r}" for name in present if name not in listed]
    found += [f"{where} lists {name!r}, which is no module" for name in listed if name not in present]
    if listed != sorted(set(listed)):
        found.append(f"{where} is not sorted, or lists a module twice")
    return found + [text for name in present for text in _fragment_problems(root, name)]


def _fragment_problems(root: Path, name: str) -> list[str]:
    """A module in the group says so in its documentation."""
    source = root / "plugins/modules" / f"{name}.py"
    if "fleet.system_python._attributes.action_group" in source.read_text(encoding="utf-8").lower():
        return []
    return [f"{source}: does not extend the documentation fragment fleet.system_python._attributes.action_group"]


def main(arguments: Sequence[str]) -> int:
    try:
        found = problems(Path(arguments[0]) if arguments else ROOT)
    except ToolError as error:
        found = [str(error)]
    print("\n".join(found) or f"{len(modules())} modules checked")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
