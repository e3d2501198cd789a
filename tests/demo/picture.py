"""Draw the picture of the README from the logs of the last demonstration.

Usage: tests/demo/picture.py [TARGET]      (after make demo; TARGET is docs/images/demo.svg unless it is given)
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build/demo"
TARGET = ROOT / "docs/images/demo.svg"
RUNS = (("before-audit.log", "audit"), ("repair-remediate.log", "remediate"), ("after-audit.log", "audit"))
PREFIX = "fsp-demo-"
"""What the containers' names begin with; the hosts are called by the rest."""

TABLE = re.compile(r"TASK \[Host by host\].*?\"msg\": \[(.*?)\n    \]", re.DOTALL)
LINE, MARGIN, WIDTH, PADDING = 20, 24, 860, 16
COLUMNS = (MARGIN, MARGIN + 160, MARGIN + 250)
SEVERE = {"critical": "bad", "major": "poor", "repaired": "good", "healthy": "good"}
STYLE = """
  svg { color-scheme: light dark; }
  text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2328; }
  .page { fill: #f6f8fa; stroke: #d0d7de; }
  .command { font-weight: 600; }
  .quiet { fill: #59636e; }
  .bad { fill: #b3121d; font-weight: 600; } .poor { fill: #8a4b00; font-weight: 600; } .good { fill: #116329; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .page { fill: #0d1117; stroke: #3d444d; }
    .quiet { fill: #9198a1; }
    .bad { fill: #ff938a; } .poor { fill: #f0b72f; } .good { fill: #5fd37a; }
  }
"""


class Run(NamedTuple):
    """A playbook and the lines of its last table, of which the last one counts the hosts."""

    playbook: str
    lines: Sequence[str]


def table_of(log: str) -> list[str]:
    """Return the lines of the table at the end of a log of ansible-playbook."""
    found = TABLE.findall(log)
    if not found:
        raise ValueError("the log has no table; run make demo first")
    return [line.replace(PREFIX, "") for line in re.findall(r'^\s+"(.*?)",?$', found[-1], re.MULTILINE)]


def _row(line: str) -> str:
    name, state, *ids = re.split(r" +", line, maxsplit=2)
    cells = zip(COLUMNS, (name, state, *ids), ("", SEVERE.get(state, ""), "quiet"), strict=False)
    return "".join(f'<tspan x="{x}" class="{kind}">{escape(text)}</tspan>' for x, text, kind in cells)


def _texts(runs: Sequence[Run]) -> Iterator[str]:
    """Each line of the picture; an empty one between two runs."""
    for run in runs:
        command = f"$ ansible-playbook -i inventory fleet.system_python.{run.playbook} -b"
        yield f'<tspan x="{MARGIN}" class="command">{command}</tspan>'
        yield from map(_row, run.lines[:-1])
        yield f'<tspan x="{MARGIN}" class="quiet">{escape(run.lines[-1].partition(". ")[0])}</tspan>'
        yield ""


def draw(runs: Sequence[Run]) -> str:
    """Return the SVG of the tables, one below the other."""
    lines = list(_texts(runs))[:-1]
    height = len(lines) * LINE + 2 * PADDING
    body = [
        f'  <text y="{PADDING + number * LINE - 5}">{line}</text>' for number, line in enumerate(lines, start=1) if line
    ]
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    title = "The summary tables of an audit, a repair and a second audit of five hosts"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title" {size}>',
            f'  <title id="title">{title}</title>',
            f"  <style>{STYLE}  </style>",
            f'  <rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    runs = [Run(playbook, table_of((LOGS / log).read_text(encoding="utf-8"))) for log, playbook in RUNS]
    target.write_text(draw(runs), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
