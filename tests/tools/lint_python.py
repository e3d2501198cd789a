"""Run ruff, as linter and as formatter, on every Python file: lint_python.py [--fix] [FILE...]."""

import subprocess
import sys
from collections.abc import Sequence

from environment import CURRENT_CORE, ROOT, ToolError, prepare
from sources import source_files


def main(arguments: Sequence[str]) -> int:
    try:
        env = prepare(CURRENT_CORE)
    except ToolError as error:
        print(f"lint_python: {error}", file=sys.stderr)
        return 1
    fix = "--fix" in arguments
    files = [name for name in arguments if name != "--fix"] or [str(path) for path in source_files("python")]
    check = ["ruff", "check", *(["--fix"] if fix else []), "--output-format=concise", *files]
    layout = ["ruff", "format", *([] if fix else ["--check"]), *files]
    codes = [subprocess.run(command, cwd=ROOT, env=env, check=False).returncode for command in (check, layout)]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
