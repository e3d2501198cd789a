"""Print the figures of plugins/ beside their goals, those of each wing, and what repeats: figures.py [ROOT]."""

import ast
import keyword
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

from plugin_source import Source, Types, read, span
from wings import arrows, wrong_arrows

ROOT = Path(__file__).resolve().parents[2]
SHARED, COMMON = 6, 8
GOALS = ("<= 21500", "<= 400", "<= 300", "<= 10", "<= 45", "<= 10 %", "0", "0", "<= 40", "<= 1000")


def repeated(sources: Iterable[Source]) -> list[str]:
    """The pairs of places that share six or more lines, but for names, texts and numbers; imports apart."""
    windows: dict[tuple[str, ...], list[tuple[Source, int, int]]] = defaultdict(list)
    for source in sources:
        imports = {n for node in source.nodes if isinstance(node, ast.Import | ast.ImportFrom) for n in span(node)}
        lines = [(number, _shape(line)) for number, line in source.code.items() if number not in imports]
        for index in range(len(lines) - SHARED + 1):
            window = tuple(line for _number, line in lines[index : index + SHARED])
            windows[window].append((source, index, lines[index][0]))
    runs = {}
    for window, places in windows.items():
        # Lists of fields and options look alike everywhere.
        if len(set(window)) >= SHARED - 1 and len(places) <= COMMON:
            for (one, i, first), (other, j, second) in combinations(places, 2):
                if one is not other or j - i >= SHARED:
                    runs[one.path, i, other.path, j] = f"{one.path}:{first} ~ {other.path}:{second}"
    return [text for (one, i, other, j), text in runs.items() if (one, i - 1, other, j - 1) not in runs]


def _shape(line: str) -> str:
    line = re.sub(r"""(["'])(?:\\.|(?!\1).)*\1|\b\d+\b""", "0", line)
    return re.sub(r"[A-Za-z_]\w*", lambda match: match[0] if keyword.iskeyword(match[0]) else "n", line)


def figures(chosen: list[Source], types: Types) -> dict[str, str]:
    """What can be told of some of the files, by themselves."""
    functions = [(node, source) for source in chosen for node in source.functions]
    lengths = [(sum(n in source.code for n in span(node)), node.name) for node, source in functions] or [(0, "")]
    classes = [node for source in chosen for node in source.nodes if isinstance(node, ast.ClassDef)]
    return {
        "code lines": str(sum(len(source.code) for source in chosen)),
        "largest file": "{} {}".format(*max((len(source.code), source.path.name) for source in chosen)),
        "largest class": "{} {}".format(*max(((len(span(node)), node.name) for node in classes), default=(0, ""))),
        "mean function": f"{sum(length for length, _name in lengths) / len(lengths):.1f}",
        "largest function": "{} {}".format(*max(lengths)),
        "with Any": f"{100 * sum(types.any_in_signature(*one) for one in functions) / len(lengths):.1f} %",
    }


def main(root: Path) -> None:
    sources = read(root)
    types, wrong, pairs = Types(sources), wrong_arrows(arrows(root)), repeated(sources.values())
    tools = [path.read_bytes().count(b"\n") for path in (root / "tests/tools").iterdir() if path.is_file()]
    wings = {source.wing for source in sources.values()}
    total = {
        **figures(list(sources.values()), types),
        "files without a wing": str(sum(source.path.parent.name.endswith("_utils") for source in sources.values())),
        "wrong arrows": str(len(wrong)),
        "repeated places": str(len(pairs)),
        "lines of tests/tools": str(sum(tools)),
    }
    print(*(f"{name:<22}{value:<30}{goal}" for (name, value), goal in zip(total.items(), GOALS, strict=True)), sep="\n")
    for wing in sorted(wings):
        chosen = [source for source in sources.values() if source.wing == wing]
        print(f"{wing:<24}", *(f"{name} {value}" for name, value in figures(chosen, types).items()), sep="  ")
    print("", *wrong, *pairs, sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
