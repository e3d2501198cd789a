"""Turns folders of files into signed RPM packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

KEYS = Path("/keys")
TRUSTED = "trusted"
UNKNOWN = "unknown"

# A folder with one of these names belongs to `filesystem`, not to the package that puts files into it.
SHARED_FOLDERS = frozenset(
    """
    / /etc /etc/pki /etc/pki/rpm-gpg /etc/rpm /opt /root /run /srv /tmp /usr /usr/bin /usr/include /usr/lib
    /usr/lib64 /usr/libexec /usr/local /usr/local/bin /usr/local/sbin /usr/sbin /usr/share /usr/share/man
    /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man8 /usr/src /var /var/cache /var/lib /var/lib/rpm /var/log
    /usr/lib/x86_64-linux-gnu
    """.split()
)

# rpmbuild must pack what it is given: no stripping, no byte compiling, no shebang or path rewriting.
SPEC = """\
%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%global _build_id_links none
%global _binary_payload w2.gzdio
%global source_date_epoch_from_changelog 0
Name: {name}
Version: {version}
Release: {release}
Summary: {summary}
License: distributable
Vendor: {vendor}
BuildArch: {arch}
AutoReqProv: no
{relations}
%description
{summary}. Packed for test hosts from files of Debian and CPython.
%install
mkdir -p %{{buildroot}}
cp -a {root}/. %{{buildroot}}/
{scripts}
%files -f {files}
"""


@dataclass(frozen=True)
class Package:
    """One package: where its files are and what it says about itself."""

    name: str
    version: str
    release: str
    root: Path
    arch: str = "x86_64"
    summary: str = ""
    vendor: str = "Test hosts"
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    ghosts: tuple[str, ...] = ()
    scripts: str = ""
    # Owning the folders is the job of one package only.
    own_folders: bool = True
    shared_folders: frozenset[str] = SHARED_FOLDERS

    @property
    def evr(self) -> str:
        """Version and release as rpm prints them."""
        return f"{self.version}-{self.release}"


def _file_line(path: str, directive: str) -> str:
    # Blanks need quotes; glob characters would be taken as patterns.
    if any(char in path for char in '"*?[]{}\\\n%'):
        raise SystemExit(f"cannot pack {path!r}: the file list of rpmbuild has no quoting for it; leave it out")
    return f'{directive}"{path}"'


def _attributes(path: str) -> str:
    if path.startswith("/etc/"):
        return "%config(noreplace) "
    if path.startswith(("/usr/share/man/", "/usr/share/doc/")):
        return "%doc "
    return ""


def file_list(package: Package) -> list[str]:
    """The lines of the %files section."""
    lines = [_file_line(ghost, "%ghost ") for ghost in package.ghosts]
    for folder, names, files in os.walk(package.root):
        inside = "/" + str(Path(folder).relative_to(package.root)) if Path(folder) != package.root else "/"
        if package.own_folders and inside not in package.shared_folders:
            lines.append(_file_line(inside, "%dir "))
        entries = [*files, *(name for name in names if (Path(folder) / name).is_symlink())]
        paths = [f"{inside.rstrip('/')}/{name}" for name in sorted(entries)]
        lines += [_file_line(path, _attributes(path)) for path in paths if path not in package.ghosts]
    return lines


def _relations(package: Package) -> str:
    named = (("Requires", package.requires), ("Provides", package.provides), ("Conflicts", package.conflicts))
    return "\n".join(f"{tag}: {value}" for tag, values in named for value in values)


def build(package: Package, out: Path) -> Path:
    """Builds one package into `out` and returns its file."""
    work = Path("/build") / f"{package.name}-{package.evr}"
    work.mkdir(parents=True, exist_ok=True)
    files = work / "files"
    files.write_text("\n".join(file_list(package)) + "\n")
    spec = work / "package.spec"
    spec.write_text(
        SPEC.format(
            name=package.name,
            version=package.version,
            release=package.release,
            summary=package.summary or package.name,
            vendor=package.vendor,
            arch=package.arch,
            relations=_relations(package),
            root=package.root,
            scripts=package.scripts,
            files=files,
        )
    )
    command = ["rpmbuild", "-bb", "--quiet", f"--define=_topdir {work}", f"--define=_rpmdir {out}"]
    command += ["--define=_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm"]
    command += [f"--buildroot={work}/root", f"--target={package.arch}-linux", str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"rpmbuild of {package.name} failed (exit code {done.returncode}):\n{done.stderr[-3000:]}")
    shutil.rmtree(work)
    return out / f"{package.name}-{package.evr}.{package.arch}.rpm"


def build_all(packages: list[Package], out: Path) -> list[Path]:
    """Builds packages in parallel, the order of the result is the order of the input."""
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return list(pool.map(lambda package: build(package, out), packages))


def sign(files: list[Path], key: str) -> None:
    """Signs packages in place with one of the two throw-away keys."""
    home = KEYS / key
    question = ["gpg", "--homedir", str(home), "--list-secret-keys", "--with-colons"]
    listing = subprocess.run(question, capture_output=True, text=True, check=True).stdout
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    command = ["rpmsign", "--resign", f"--define=_gpg_path {home}", f"--define=_gpg_name {fingerprint}"]
    command += map(str, files)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"rpmsign failed (exit code {done.returncode}):\n{(done.stdout + done.stderr)[-3000:]}")
