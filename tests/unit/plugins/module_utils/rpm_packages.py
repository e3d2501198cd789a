# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real rpm packages, roots and databases for tests: built, signed and installed by the rpm of this machine."""

import hashlib
import json
import os
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, parse_nevra

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 4))
DATABASE_VARIABLE = "SYSTEM_PYTHON_RPMDB"
REAL_PACKAGES = os.path.join(REPOSITORY, "tests", "unit", "data", "packages")
_RECORDED = os.path.join(REPOSITORY, os.pardir, "shared", "data")
DATABASE = os.environ.get(DATABASE_VARIABLE, os.path.join(_RECORDED, "rpmdb", "amazonlinux-2023"))
_LEAD = 96
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class PackagedFile(t.NamedTuple):
    """One file of a package; C(directive) is what stands before its path in the spec's list of files."""

    path: str
    content: bytes = b""
    linkto: str = ""
    hardlink: str = ""
    mode: int = 0o644
    directive: str = ""
    is_folder: bool = False


def skip_unless(*programs: str, **needs: bool) -> None:
    """Skip the test, saying what is missing: one of C(programs), or root where C(root=True)."""
    for program in programs:
        if shutil.which(program, path=_PATH) is None:
            pytest.skip("{0} is not installed on this machine".format(program))
    if needs.get("root") and os.geteuid() != 0:
        pytest.skip("rpm --root needs root")


def run(*argv: str, **options: t.Any) -> str:
    """Run C(argv) in the C locale and return its output; a failure shows it."""
    env = dict(os.environ, PATH=_PATH, LC_ALL="C", **options.pop("env", {}))
    done = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, **options)
    output = done.communicate()[0].decode("utf-8", "surrogateescape")
    assert done.returncode == 0, "{0} ended with {1}: {2}".format(argv, done.returncode, output)
    return output


def real_data(*names: str) -> str:
    """Return the path of something that was recorded of real systems, and is too large to be a part of this."""
    path = os.path.join(_RECORDED, *names)
    if not os.path.exists(path):
        pytest.skip("there is no ../shared/data/" + "/".join(names))
    return path


def copied_database(folder: str) -> str:
    """Return a copy of the recorded database in C(folder); rpm wants to write beside it."""
    skip_unless("rpm")
    if not os.path.isdir(DATABASE):
        pytest.skip("no recorded package database at ${0} or ../shared/data/rpmdb".format(DATABASE_VARIABLE))
    target = os.path.join(folder, "rpmdb")
    shutil.copytree(DATABASE, target)
    return target


def shipped_by_centos() -> t.Dict[PackageId, t.List[str]]:
    """Return packages of CentOS Stream 9, each with some of the paths that it ships (see data/packages)."""
    with open(os.path.join(REAL_PACKAGES, "centos-stream-9.json")) as stream:
        return {parse_nevra(one["nevra"]): one["files"] for one in json.load(stream)}


def build(
    folder: str,
    name: str,
    files: t.Sequence[PackagedFile],
    version: str = "1.0",
    epoch: int = 0,
    preamble: str = "",
    renamed: t.Optional[t.Mapping[str, str]] = None,
) -> str:
    """Build the package C(name) in C(folder) and return the path of its file.

    C(renamed) replaces text in file names (same length) after the build, because rpmbuild refuses control characters
    since 4.16, while packages that were built by an older one may have them. C(preamble) is added to the spec.
    """
    work = os.path.join(folder, "build-{0}-{1}".format(name, version))
    tree = os.path.join(work, "tree")
    os.makedirs(tree)
    for file in files:
        _create(tree, file)
    spec = os.path.join(work, name + ".spec")
    with open(spec, "w") as stream:
        stream.write(_spec(name, files, version, epoch, preamble, tree))
    defines = {
        "_topdir": work,
        "_rpmdir": os.path.join(work, "out"),
        "_build_id_links": "none",
        "_binary_payload": "w0.ufdio",
        "_invalid_encoding_terminates_build": "0",
        "debug_package": "%{nil}",
    }
    options = [word for key, value in defines.items() for word in ("--define", key + " " + value)]
    run("rpmbuild", "-bb", *options + [spec])
    built = os.path.join(work, "out", "noarch", "{0}-{1}-1.noarch.rpm".format(name, version))
    if renamed:
        _rename(built, {os.fsencode(old): os.fsencode(new) for old, new in renamed.items()})
    return built


def new_root(folder: str) -> str:
    """Return a folder that rpm can install into: it has users, nothing else."""
    root = os.path.join(folder, "root")
    os.makedirs(os.path.join(root, "etc"))
    for name, text in (("passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n"), ("group", "root:x:0:\n")):
        with open(os.path.join(root, "etc", name), "w") as stream:
            stream.write(text)
    return root


def install(root: str, *files: str) -> None:
    """Install package files into C(root), over whatever is there."""
    options = ["--nodeps", "--nosignature", "--replacefiles"]
    run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-i", *options + list(files))


def new_key(folder: str) -> t.Tuple[str, str]:
    """Return the folder of a new GnuPG key and the file with its public half."""
    home = os.path.join(folder, "gnupg")
    os.mkdir(home, 0o700)
    run("gpg", "--homedir", home, "--batch", "--passphrase", "", "--quick-gen-key", "Test <test@invalid>", "rsa2048")
    public = os.path.join(folder, "key.asc")
    run("gpg", "--homedir", home, "--batch", "--armor", "--output", public, "--export", "test@invalid")
    return home, public


def sign(file: str, home: str) -> None:
    """Sign the package C(file) with the key in C(home)."""
    gpg = shutil.which("gpg", path=_PATH)
    defines = ["_gpg_name test@invalid", "_gpg_path " + home, "__gpg {0}".format(gpg)]
    run("rpmsign", *[word for define in defines for word in ("--define", define)] + ["--addsign", file])


def stop_agent(home: str) -> None:
    """End the agent that GnuPG started for the key in C(home)."""
    run("gpgconf", "--homedir", home, "--kill", "gpg-agent")


def _create(tree: str, file: PackagedFile) -> None:
    path = os.fsencode(tree + file.path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if file.is_folder:
        os.makedirs(path, exist_ok=True)
    elif file.linkto:
        os.symlink(os.fsencode(file.linkto), path)
    elif file.hardlink:
        os.link(os.fsencode(tree + file.hardlink), path)
    else:
        with open(path, "wb") as stream:
            stream.write(file.content)
    if not file.linkto:
        os.chmod(path, 0o755 if file.is_folder else file.mode)


def _spec(name: str, files: t.Sequence[PackagedFile], version: str, epoch: int, preamble: str, tree: str) -> str:
    lines = [
        "Name: " + name,
        "Version: " + version,
        "Release: 1",
        "Summary: A package for tests",
        "License: GPL-3.0-or-later",
        "BuildArch: noarch",
        "AutoReqProv: no",
    ]
    lines += ["Epoch: {0}".format(epoch)] if epoch else []
    lines += [preamble] if preamble else []
    lines += ["%description", "A package for tests.", "%install", "cp -a {0}/. %{{buildroot}}".format(tree)]
    lines += ["%files", "%defattr(-,root,root)"]
    lines += ["{0} {1}".format(file.directive, file.path).strip() for file in files if file.directive != "hidden"]
    return "\n".join(lines) + "\n"


def _rename(package: str, names: t.Mapping[bytes, bytes]) -> None:
    """Rewrite names in the package and every digest over what they change; its payload must not be compressed."""
    with open(package, "rb") as stream:
        data = stream.read()
    main = _LEAD + _header_size(data, _LEAD)
    main += -main % 8
    payload = main + _header_size(data, main)
    signature, old_main, old_payload = data[_LEAD:main], data[main:payload], data[payload:]
    new_main, new_payload = old_main, old_payload
    for old, new in names.items():
        assert len(old) == len(new), (old, new)
        assert old in old_main, old
        new_main, new_payload = new_main.replace(old, new), new_payload.replace(old, new)
    new_main = new_main.replace(_hex("sha256", old_payload), _hex("sha256", new_payload))
    for algorithm in ("sha1", "sha256"):
        signature = signature.replace(_hex(algorithm, old_main), _hex(algorithm, new_main))
    md5 = hashlib.md5(old_main + old_payload).digest(), hashlib.md5(new_main + new_payload).digest()  # noqa: S324
    signature = signature.replace(*md5)
    with open(package, "wb") as stream:
        stream.write(data[:_LEAD] + signature + new_main + new_payload)


def _hex(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data).hexdigest().encode("ascii")


def _header_size(data: bytes, offset: int) -> int:
    """Return the size of the header at C(offset): magic, counts, index and store."""
    entries = int.from_bytes(data[offset + 8 : offset + 12], "big")
    store = int.from_bytes(data[offset + 12 : offset + 16], "big")
    return 16 + 16 * entries + store
