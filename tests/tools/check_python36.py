"""Let vermin tell whether target-side code, and the tests that run beside it, need more than Python 3.6."""

import subprocess
import sys

from environment import CURRENT_CORE, ROOT, ToolError, prepare
from sources import source_files

TARGET_SIDE = (
    "plugins/modules/",
    "plugins/module_utils/",
    "tests/unit/conftest.py",
    "tests/unit/plugins/modules/",
    "tests/unit/plugins/module_utils/",
)


def main() -> int:
    try:
        env = prepare(CURRENT_CORE)
    except ToolError as error:
        print(f"check_python36: {error}", file=sys.stderr)
        return 1
    files = [path.as_posix() for path in source_files("python")]
    chosen = [name for name in files if name.startswith(TARGET_SIDE)]
    if not chosen:
        print("nothing to check: there is no target-side code yet")
        return 0
    # Annotations are evaluated under 3.6, because `from __future__ import annotations` needs 3.7.
    options = ["--target=3.6-", "--no-tips", "--no-parse-comments", "--eval-annotations", "--violations"]
    done = subprocess.run(["vermin", *options, *chosen], cwd=ROOT, env=env, check=False)
    print(f"{len(chosen)} files checked")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
