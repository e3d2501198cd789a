"""Run a command in the environment of an ansible-core line: with_env.py CORE COMMAND [ARGUMENT...]."""

import os
import sys

from environment import CORES, ToolError, prepare


def main(arguments: list[str]) -> int:
    """Become the command; return an exit code only where that was not possible."""
    if len(arguments) < 2 or arguments[0] not in CORES:
        print(f"usage: with-env {'|'.join(CORES)} COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    core, *command = arguments
    try:
        env = prepare(core)
    except ToolError as error:
        print(f"with-env: {error}", file=sys.stderr)
        return 1
    try:
        os.execvpe(command[0], command, env)
    except OSError as error:
        print(f"with-env: {command[0]}: {error.strerror}", file=sys.stderr)
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
