"""Lays CPython out as Red Hat and SUSE ship it: a small binary over libpython, standard library in /usr/lib64."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# What the vendors keep in packages of their own, and what only Debian or a build tree has.
LEFT_OUT = (
    *("test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py", "__pycache__", "sitecustomize.py"),
    *("EXTERNALLY-MANAGED", "site-packages", "dist-packages", "_tkinter.*", "config-*", "_test*.so", "xxlimited*.so"),
)

# Files with Debian's folder names in them, as far as a version has them.
PATCHED = (
    *("sysconfig.py", "sysconfig/__init__.py", "ensurepip/__init__.py"),
    *("distutils/sysconfig.py", "distutils/command/install.py"),
)

UPSTREAM_GETSITEPACKAGES = '''\
def getsitepackages(prefixes=None):
    """Returns a list containing all global site-packages directories."""
    sitepackages = []
    seen = set()
    if prefixes is None:
        prefixes = PREFIXES
        if sys.base_prefix == sys.prefix and "/usr/local" not in prefixes:
            prefixes = ["/usr/local"] + prefixes
    for prefix in prefixes:
        if not prefix or prefix in seen:
            continue
        seen.add(prefix)
        libdirs = [sys.platlibdir]
        if sys.platlibdir != "lib":
            libdirs.append("lib")
        for libdir in libdirs:
            sitepackages.append(os.path.join(prefix, libdir, "python%d.%d" % sys.version_info[:2], "site-packages"))
    return sitepackages

'''


@dataclass(frozen=True)
class Sources:
    """Where the pieces of one interpreter come from."""

    version: str
    # Folders with a `usr` below (unpacked Debian packages) or installation prefixes (pyenv).
    roots: tuple[Path, ...]
    library: Path
    headers: Path
    frozen_site: bool = False

    @property
    def folder(self) -> str:
        """`python3.9` for 3.9."""
        return f"python{self.version}"


def from_debian(version: str, debs: Path) -> Sources:
    """An interpreter from Debian's packages, unpacked below `debs`."""
    names = (f"libpython{version}-minimal", f"libpython{version}-stdlib", f"python{version}", f"python{version}-venv")
    extra = ("python3-distutils", "python3-lib2to3") if version == "3.9" else ()
    return Sources(
        version=version,
        roots=tuple(debs / name / "usr" for name in (*names, *extra)),
        library=debs / f"libpython{version}/usr/lib/x86_64-linux-gnu/libpython{version}.so.1.0",
        headers=debs / f"libpython{version}-dev/usr/include",
        frozen_site=version != "3.9",
    )


def from_prefix(version: str, prefix: Path) -> Sources:
    """An interpreter built with --enable-shared and installed in a prefix of its own (pyenv)."""
    return Sources(version, (prefix,), prefix / f"lib/libpython{version}.so.1.0", prefix / "include")


def copy_library(roots: tuple[Path, ...], name: str, target: Path) -> None:
    """Copies the standard library, merged from several roots."""
    target.mkdir(parents=True, exist_ok=True)
    for root in roots:
        source = root / "lib" / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LEFT_OUT))


def _changes(version: str) -> tuple[tuple[str, str], ...]:
    stdlib = "/lib/python{py_version_short}'"
    vendors = "/{platlibdir}/python{py_version_short}'"
    return (
        ('"lib", "python3", "dist-packages"', f'"lib", "python{version}", "site-packages"'),
        ("lib/python3/dist-packages", f"lib/python{version}/site-packages"),
        ("dist-packages", "site-packages"),
        ("'{installed_base}" + stdlib, "'{installed_base}" + vendors),
        ("'{platbase}" + stdlib, "'{platbase}" + vendors),
        # Its wheel is part of setuptools' here.
        ('    "pkg_resources",\n', ""),
    )


def _undo_debian(library: Path, version: str) -> None:
    site = library / "site.py"
    function = re.compile(r"def getsitepackages\(.*?(?=^def )", flags=re.DOTALL | re.MULTILINE)
    patched, count = function.subn(UPSTREAM_GETSITEPACKAGES, site.read_text())
    if count != 1:
        raise SystemExit(f"{site}: no getsitepackages(); this CPython is different, adapt packing/pythons.py")
    site.write_text(patched)
    for name in PATCHED:
        path = library / name
        if path.exists():
            text = path.read_text()
            for old, new in _changes(version):
                text = text.replace(old, new)
            path.write_text(text)


def compile_launcher(sources: Sources, binary: Path, libdir: Path) -> None:
    """The interpreter's small executable, linked against libpython."""
    headers = [f"-I{sources.headers}", f"-I{sources.headers / sources.folder}"]
    launcher = Path(__file__).with_name("launcher.c")
    if sources.frozen_site:
        headers.append("-DSITE_FROM_FILE")
    link = [f"-L{libdir}", f"-l:libpython{sources.version}.so.1.0", "-Wl,--allow-shlib-undefined"]
    subprocess.run(["gcc", "-O2", "-Wall", *headers, str(launcher), "-o", str(binary), *link], check=True)


def stable_library(libdir: Path, version: str) -> None:
    """`libpython3.so`, which has no code of its own and needs the real library."""
    link = ["-nostdlib", "-Wl,--no-as-needed,-soname,libpython3.so", f"-L{libdir}", f"-l:libpython{version}.so.1.0"]
    subprocess.run(["gcc", "-shared", "-o", str(libdir / "libpython3.so"), *link], check=True)


def byte_compile(root: Path, binary: Path, folders: list[Path]) -> None:
    """Compiled files for all optimization levels, so that running as root leaves nothing new behind."""
    env = {"LD_LIBRARY_PATH": f"{root}/usr/lib64", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    command = [str(binary), "-m", "compileall", "-q", "-j2", "-o0", "-o1", "-o2", "-s", str(root), "-p", "/"]
    subprocess.run([*command, *map(str, folders)], check=True, env=env)


def drop_build_paths(path: Path) -> None:
    """Removes the run path that points into the folder where the interpreter was built."""
    subprocess.run(["patchelf", "--remove-rpath", str(path)], check=True)


def lay_out(sources: Sources, root: Path) -> None:
    """One interpreter below `root`: /usr/bin/python3.X, libpython and the standard library."""
    version, folder = sources.version, sources.folder
    libdir = root / "usr/lib64"
    library = libdir / folder
    for path in (root / "usr/bin", library / "site-packages", root / "usr/lib" / folder / "site-packages"):
        path.mkdir(parents=True, exist_ok=True)
    copy_library(sources.roots, folder, library)
    _undo_debian(library, version)
    shutil.copy2(sources.library, libdir / f"libpython{version}.so.1.0")
    (libdir / f"libpython{version}.so").symlink_to(f"libpython{version}.so.1.0")
    for compiled in [libdir / f"libpython{version}.so.1.0", *library.glob("lib-dynload/*.so")]:
        drop_build_paths(compiled)
    binary = root / "usr/bin" / folder
    compile_launcher(sources, binary, libdir)
    pydoc(root, version)


def pydoc(root: Path, version: str) -> None:
    """The documentation reader's command."""
    program = root / "usr/bin" / f"pydoc{version}"
    program.write_text(f"#!/usr/bin/python{version}\nimport pydoc\n\nif __name__ == '__main__':\n    pydoc.cli()\n")
    program.chmod(0o755)


def split(root: Path, moves: list[str], target: Path) -> Path:
    """Moves paths (relative, globs allowed) out of `root` into another package's folder."""
    for pattern in moves:
        found = sorted(root.glob(pattern))
        if not found:
            raise SystemExit(f"nothing matches {pattern} below {root}; the layout of the sources has changed")
        for path in found:
            place = target / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, place)
    return target
