"""Let ansible-doc show every module, plugin and role entry point: check_plugin_docs.py CORE."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from content import action_plugins, documented_plugins, load_mapping, modules, roles
from environment import COLLECTION, CURRENT_CORE, ToolError, prepare


def main(arguments: Sequence[str]) -> int:
    core = arguments[0] if arguments else CURRENT_CORE
    try:
        env = prepare(core)
        found = [
            *_undocumented_actions(),
            *(text for kind, names in documented_plugins().items() for text in _plugin_problems(kind, names, env)),
            *_role_problems(env),
        ]
    except ToolError as error:
        found = [str(error)]
    count = sum(map(len, documented_plugins().values())) + len(roles())
    print(
        "\n".join(found) or (f"{count} documents shown" if count else "nothing to check: no plugins and no roles yet")
    )
    return 1 if found else 0


def _undocumented_actions() -> list[str]:
    return [
        f"plugins/action/{name}.py: has no plugins/modules/{name}.py with its documentation"
        for name in action_plugins()
        if name not in modules()
    ]


def _plugin_problems(kind: str, names: Sequence[str], env: Mapping[str, str]) -> list[str]:
    shown = _ansible_doc(kind, names, env)
    found = []
    for name in names:
        document = shown.get(f"{COLLECTION}.{name}", {}).get("doc")
        if not document:
            found.append(f"ansible-doc -t {kind} {COLLECTION}.{name}: shows nothing")
        elif not document.get("version_added"):
            found.append(f"ansible-doc -t {kind} {COLLECTION}.{name}: has no version_added")
    return found


def _role_problems(env: Mapping[str, str]) -> list[str]:
    names = [role.name for role in roles()]
    shown = _ansible_doc("role", names, env) if names else {}
    found = []
    for role in roles():
        described = load_mapping(role / "meta/argument_specs.yml").get("argument_specs") or {}
        points = shown.get(f"{COLLECTION}.{role.name}", {}).get("entry_points", {})
        found += [
            f"ansible-doc -t role {COLLECTION}.{role.name}: does not show entry point {point!r}"
            for point in described
            if point not in points
        ]
        if not described:
            found.append(f"{role}: describes no entry point in meta/argument_specs.yml")
    return found


def _ansible_doc(kind: str, names: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    command = ["ansible-doc", "--json", "--type", kind, *(f"{COLLECTION}.{name}" for name in names)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode or not done.stdout.strip():
        raise ToolError(f"{' '.join(command)} failed with exit code {done.returncode} (its message is above)")
    shown = json.loads(done.stdout)
    if not isinstance(shown, dict):
        raise ToolError(f"{' '.join(command)} printed no mapping")
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
