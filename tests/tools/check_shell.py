"""Run shellcheck on every shell script, found by its ending or its first line."""

import subprocess
import sys

from environment import CURRENT_CORE, ROOT, ToolError, prepare
from sources import source_files


def main() -> int:
    try:
        env = prepare(CURRENT_CORE)
    except ToolError as error:
        print(f"check_shell: {error}", file=sys.stderr)
        return 1
    scripts = [str(path) for path in source_files("shell")]
    if not scripts:
        print("nothing to check: there are no shell scripts yet")
        return 0
    done = subprocess.run(["shellcheck", "--external-sources", "--", *scripts], cwd=ROOT, env=env, check=False)
    print(f"{len(scripts)} scripts checked")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
