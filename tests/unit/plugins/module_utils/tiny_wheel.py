"""Makes tiny wheels for tests: one module, with a script of its own. Python 3.6, because target-side tests use it."""

import argparse
import base64
import hashlib
import typing as t
import zipfile
from pathlib import Path


def make_wheel(
    folder: str,
    name: str,
    version: str = "1.0",
    requires: t.Sequence[str] = (),
    source: t.Optional[str] = None,
    requires_python: str = ">=3.6",
) -> str:
    """Make C(name-version-py3-none-any.whl) in C(folder) and return its path.

    The module C(name) has C(VERSION) and C(main), which the script C(name) starts; C(source) replaces it.
    """
    main = f'def main():\n    print("{name}", VERSION, "on", sys.version.split()[0])\n'
    text = f'import sys\nVERSION = "{version}"\n\n\n{main}' if source is None else source
    info = f"{name}-{version}.dist-info/"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {requires_python}\n"
    files = {
        name + "/__init__.py": text,
        info + "METADATA": metadata + "".join(f"Requires-Dist: {one}\n" for one in requires),
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        info + "entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    rows = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content.encode())}\n")
    rows.append(info + "RECORD,,\n")
    made = Path(folder) / f"{name}-{version}-py3-none-any.whl"
    made.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(str(made), "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(info + "RECORD", "".join(rows))
    return str(made)


def main() -> None:
    """Make wheels, and a file SHA256 about them, as the command line says: FOLDER NAME==VERSION[:REQUIREMENT]..."""
    parser = argparse.ArgumentParser(description="Makes tiny wheels for tests.")
    parser.add_argument("folder")
    parser.add_argument("wheel", nargs="+", help="NAME==VERSION, with :REQUIREMENT appended for a dependency")
    options = parser.parse_args()
    for wheel in options.wheel:
        what, _colon, requirement = wheel.partition(":")
        name, _equals, version = what.partition("==")
        made = Path(make_wheel(options.folder, name, version, [requirement] if requirement else []))
        with (made.parent / "SHA256").open("a") as sums:
            sums.write(hashlib.sha256(made.read_bytes()).hexdigest() + "  " + made.name + "\n")


if __name__ == "__main__":
    main()
