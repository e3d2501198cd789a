"""The gates of `make test`: what each runs, what it waits for, how many workers it takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from environment import CORES, CURRENT_CORE, ROOT, ToolError

Command = tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """One judge. Its commands run one after the other in the repository, until one fails."""

    name: str
    about: str
    commands: tuple[Command, ...]
    needs: tuple[str, ...] = ()
    slots: int = 1
    judges: bool = True
    minutes: int = 30


def tool(script: str, *arguments: str, core: str = CURRENT_CORE) -> Command:
    """A script of tests/tools, run by the venv's Python."""
    return in_core(core, "python", f"tests/tools/{script}", *arguments)


def in_core(core: str, *command: str) -> Command:
    return ("tests/tools/with-env", core, *command)


def all_gates() -> list[Gate]:
    """In the order in which they are started where nothing holds them back: the longest chains first."""
    current = (f"venv-{CURRENT_CORE}",)
    return [
        *(
            Gate(f"venv-{core}", f"tools for ansible-core {core}", (in_core(core, "true"),), judges=False)
            for core in CORES
        ),
        _hosts(),
        *(
            Gate(
                f"sanity-{core}",
                f"ansible-test sanity of ansible-core {core}",
                (tool("sanity.py", core, core=core),),
                (f"venv-{core}",),
            )
            for core in CORES
        ),
        Gate("unit", "unit tests on every Python", (tool("unit_matrix.py"),), tuple(f"venv-{core}" for core in CORES)),
        Gate("ruff", "Python style and layout", (tool("lint_python.py"),), current),
        Gate("mypy", "types", (tool("typecheck.py"),), current),
        Gate("vermin", "target-side code needs no more than Python 3.6", (tool("check_python36.py"),), current),
        Gate("shellcheck", "shell scripts", (tool("check_shell.py"),), current),
        Gate("yamllint", "YAML style", (in_core(CURRENT_CORE, "yamllint", "--strict", "."),), current),
        Gate("texts", "no registry hosts, no paths of one machine", (tool("check_texts.py"),), current),
        Gate("action-groups", "modules and meta/runtime.yml", (tool("check_action_groups.py"),), current),
        Gate("role-specs", "role argument specs and defaults", (tool("check_role_specs.py"),), current),
        Gate("changelog", "antsibull-changelog lint", (in_core(CURRENT_CORE, "antsibull-changelog", "lint"),), current),
        *(
            Gate(
                f"ansible-doc-{core}",
                f"every document, shown by ansible-core {core}",
                (tool("check_plugin_docs.py", core),),
                (f"venv-{core}", *current),
            )
            for core in CORES
        ),
        Gate("docs", "antsibull-docs lint-collection-docs", (DOCS_LINT,), current),
        Gate(
            "ansible-lint",
            "profile production",
            (in_core(CURRENT_CORE, "ansible-lint", "--nocolor", "--offline"),),
            current,
        ),
        Gate("importer", "galaxy-importer on the built artifact", (tool("check_artifact.py"),), current),
        Gate(
            "scenarios",
            "molecule scenarios on the test hosts",
            (tool("run_scenarios.py"),),
            ("hosts", *(f"venv-{core}" for core in CORES)),
            slots=2,
            minutes=80,
        ),
    ]


DOCS_LINT = in_core(
    CURRENT_CORE,
    "antsibull-docs",
    "lint-collection-docs",
    "--plugin-docs",
    "--validate-collection-refs=dependent",
    "--disallow-unknown-collection-refs",
    ".",
)
NOT_LINT = ("hosts", "unit", "scenarios")


def _venv(core: str) -> Gate:
    return Gate(f"venv-{core}", f"tools for ansible-core {core}", (in_core(core, "true"),), judges=False)


def _hosts() -> Gate:
    build = "tests/hosts/build"
    command = (build,) if (ROOT / build).exists() else ("echo", f"nothing to build: there is no {build} yet")
    return Gate("hosts", "images of the test hosts", (command,), judges=False, minutes=60)


def select(gates: Iterable[Gate], wanted: Iterable[str]) -> list[Gate]:
    """The wanted gates and all that they need, in the order of the table; "lint" stands for every static judge."""
    by_name = {gate.name: gate for gate in gates}
    names: set[str] = set()
    queue = [name for group in wanted for name in (_lint(by_name) if group == "lint" else [group])]
    while queue:
        name = queue.pop()
        if name not in by_name:
            raise ToolError(f"no gate {name!r}; there are: lint, {', '.join(by_name)}")
        if name not in names:
            names.add(name)
            queue += by_name[name].needs
    return [gate for gate in by_name.values() if gate.name in names]


def _lint(gates: Iterable[str]) -> list[str]:
    return [name for name in gates if name not in NOT_LINT]
