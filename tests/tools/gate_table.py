"""The gates of `make test`: what each runs and what it waits for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from environment import CORES, CURRENT_CORE, ROOT, ToolError
from run_scenarios import plan

Command = tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """One judge. Its commands run one after the other in the repository, until one fails."""

    name: str
    about: str
    commands: tuple[Command, ...]
    needs: tuple[str, ...] = ()
    group: str = "lint"
    judges: bool = True
    minutes: int = 30
    on_hosts: bool = False


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
        Gate("unit", "unit tests on every Python", (tool("unit_matrix.py"),), ALL_VENVS, group="unit"),
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
        Gate("browser", "the fleet page in chromium", (tool("run_pytest.py", "tests/browser"),), current, group="unit"),
        *_host_checks(),
        *_scenarios(),
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
GROUPS = ("lint", "unit", "hosts", "hosts-checks", "scenarios")
ALL_VENVS = tuple(f"venv-{core}" for core in CORES)


def _venv(core: str) -> Gate:
    return Gate(f"venv-{core}", f"tools for ansible-core {core}", (in_core(core, "true"),), judges=False)


def _hosts() -> Gate:
    build = "tests/hosts/build"
    command = (build,) if (ROOT / build).exists() else ("echo", f"nothing to build: there is no {build} yet")
    return Gate("hosts", "images of the test hosts", (command,), group="hosts", judges=False, minutes=60)


def _host_checks() -> list[Gate]:
    """One gate per file, because a file has its own hosts."""
    files = sorted((ROOT / "tests/hosts_checks").glob("test_*.py"))
    return [
        Gate(
            f"hosts-{file.stem.removeprefix('test_')}",
            "checks on real hosts",
            (tool("run_pytest.py", str(file.relative_to(ROOT))),),
            ("hosts", f"venv-{CURRENT_CORE}"),
            group="hosts-checks",
            minutes=45,
            on_hosts=True,
        )
        for file in files
    ]


def _scenarios() -> list[Gate]:
    """One gate per scenario and ansible-core line."""
    return [
        Gate(
            f"{run.scenario}-{run.core}",
            "molecule scenario",
            (tool("run_scenarios.py", "--core", run.core, run.scenario),),
            ("hosts", f"venv-{CURRENT_CORE}", f"venv-{run.core}"),
            group="scenarios",
            minutes=60,
            on_hosts=True,
        )
        for run in plan([], None)
    ]


def select(gates: Iterable[Gate], wanted: Iterable[str]) -> list[Gate]:
    """The gates and groups that are wanted, and all gates that they need, in the order of the table."""
    by_name = {gate.name: gate for gate in gates}
    names: set[str] = set()
    queue = [name for word in wanted for name in _meant(word, by_name)]
    while queue:
        name = queue.pop()
        if name not in names:
            names.add(name)
            queue += by_name[name].needs
    return [gate for gate in by_name.values() if gate.name in names]


def _meant(word: str, by_name: Mapping[str, Gate]) -> list[str]:
    """A gate, or the gates of a group."""
    if word in by_name:
        return [word]
    members = [gate.name for gate in by_name.values() if gate.group == word]
    if not members and word not in GROUPS:
        raise ToolError(f"no gate or group {word!r}; groups: {', '.join(GROUPS)}; gates: {', '.join(by_name)}")
    return members
