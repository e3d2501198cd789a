"""The gates of `make test`: what each runs and what it waits for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import CORES, CURRENT_CORE, OLDEST_CORE, ROOT, ToolError
from unit_matrix import MATRIX

Command = tuple[str, ...]
ON_OLDEST = ("runtime_prebuilt",)
"""Scenarios that run on the oldest core too. Both incidents do in hosts_checks/test_installed.py, under Python 3.6."""


@dataclass(frozen=True)
class Gate:
    """One judge: a command, run in the repository. COMPLAINT matches lines of the log that make it fail in any case."""

    name: str
    about: str
    command: Command
    needs: tuple[str, ...] = ()
    group: str = "lint"
    judges: bool = True
    minutes: int = 30
    complaint: str = ""


def all_gates() -> list[Gate]:
    """In the order in which they are started where nothing holds them back: the longest chains first."""
    current, every = (f"venv-{CURRENT_CORE}",), tuple(f"venv-{core}" for core in CORES)
    style, importer = in_core(CURRENT_CORE, "pre-commit", "run", "--all-files"), nox("build-import-check")
    antsibull = nox("yamllint", "antsibull-nox-config", "license-check", "extra-checks")
    lint, complaint = in_core(CURRENT_CORE, "ansible-lint", "--nocolor", "--offline"), "(WARNING|ERROR|CRITICAL)"
    return [
        *(Gate(f"venv-{core}", f"tools of core {core}", in_core(core, "true"), judges=False) for core in CORES),
        Gate("hosts", "images of the test hosts", ("tests/hosts/build",), group="hosts", judges=False, minutes=60),
        *(Gate(f"sanity-{core}", "ansible-test sanity", nox(f"sanity-{core}"), current) for core in CORES),
        *(Gate(f"unit-{row}", "unit tests", script("unit_matrix.py", "--row", row), every, "unit") for row in MATRIX),
        Gate("browser", "the fleet page in chromium", pytest(ROOT / "tests/browser"), current, "unit"),
        Gate("mypy", "types", script("typecheck.py"), current),
        Gate("pre-commit", "style of Python, shell and YAML", style, current),
        Gate("antsibull", "YAML in documentation, licenses, files, action group", antsibull, current),
        Gate("docs", "antsibull-docs lint-collection-docs, and the site", nox("docs-check", "docs-site"), current),
        Gate("ansible-lint", "profile production", lint, current),
        Gate("importer", "galaxy-importer on the built artifact", importer, current, complaint=complaint),
        *_host_checks(),
        *_scenarios(),
    ]


def in_core(core: str, *command: str) -> Command:
    return ("tests/tools/with-env", core, *command)


def nox(*sessions: str) -> Command:
    return in_core(CURRENT_CORE, "nox", "--sessions", *sessions)


def script(name: str, *arguments: str, core: str = CURRENT_CORE) -> Command:
    return in_core(core, "python", f"tests/tools/{name}", *arguments)


def pytest(path: Path) -> Command:
    return in_core(CURRENT_CORE, "python", "-m", "pytest", str(path.relative_to(ROOT)))


def _host_checks() -> Iterator[Gate]:
    """One gate per file, because a file has its own hosts. The largest first, because they take longest."""
    needs = ("hosts", f"venv-{CURRENT_CORE}")
    for file in sorted((ROOT / "tests/hosts_checks").glob("test_*.py"), key=lambda file: -file.stat().st_size):
        name = "hosts-" + file.stem.removeprefix("test_")
        yield Gate(name, "checks on real hosts", pytest(file), needs, "hosts-checks", minutes=45)


def _scenarios() -> Iterator[Gate]:
    """One gate per scenario and ansible-core line."""
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    for name, core in [(name, CURRENT_CORE) for name in names] + [(name, OLDEST_CORE) for name in ON_OLDEST]:
        command, needs = script("scenario.py", name, core=core), ("hosts", f"venv-{core}")
        yield Gate(f"{name}-{core}", "molecule scenario", command, needs, "scenarios", minutes=45)


def select(gates: Sequence[Gate], wanted: Iterable[str]) -> list[Gate]:
    """The gates and groups that are wanted, and all gates that they need, in the order of the table."""
    words = set(wanted)
    names, groups = [gate.name for gate in gates], sorted({gate.group for gate in gates})
    strangers = sorted(words.difference(names, groups))
    if strangers:
        text = f"groups: {', '.join(groups)}; gates: {', '.join(names)}"
        raise ToolError(f"no gate or group {', '.join(strangers)}; {text}")
    chosen = {gate.name for gate in gates if words & {gate.name, gate.group}}
    # What a gate needs stands above it.
    for gate in reversed(gates):
        chosen.update(gate.needs if gate.name in chosen else ())
    return [gate for gate in gates if gate.name in chosen]
