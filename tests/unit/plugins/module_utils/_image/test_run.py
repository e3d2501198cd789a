# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers and archives made for the test, and a program that behaves as a container engine does."""

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    ArchiveError,
    ChecksumError,
    CommandError,
    ImageError,
    InvalidDataError,
    PrivilegeError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.archive import ArchiveLimits
from ansible_collections.fleet.system_python.plugins.module_utils._image.layers import Layout
from ansible_collections.fleet.system_python.plugins.module_utils._image.run import ImageSource, lay_out, remove

Folder = t.Any
Member = t.Tuple[str, bytes, bytes, str, int, int]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files their owners")


def file(name: str, text: str = "text", mode: int = 0o644, owner: int = 0) -> Member:
    return (name, tarfile.REGTYPE, text.encode(), "", mode, owner)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return (name, kind, b"", target, 0o777, 0)


def folder(name: str, mode: int = 0o755) -> Member:
    return (name, tarfile.DIRTYPE, b"", "", mode, 0)


def layer(*members: Member, **pax: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, content, target, mode, owner in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode, member.uid, member.gid = kind, target, mode, owner, owner
            member.mtime, member.size, member.pax_headers = 1000000000, len(content), dict(pax)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


BASE = layer(
    folder("usr"),
    folder("usr/bin"),
    file("usr/bin/python3.9", "vendor", 0o755),
    link("usr/bin/python3", "python3.9"),
    link("usr/bin/twin", "usr/bin/python3.9", tarfile.LNKTYPE),
    file("usr/bin/sudo", "x", 0o4755),
    file("home", "of nobody", 0o600, 65534),
    link("bin", "/usr/bin"),
    ("dev/null", tarfile.CHRTYPE, b"", "", 0o666, 0),
    ("run/pipe", tarfile.FIFOTYPE, b"", "", 0o666, 0),
)


def laid_out(where: Folder, *layers: bytes) -> str:
    """Lay the layers out and return the folder."""
    target = where / "root"
    target.mkdir()
    made = Layout(str(target), "image")
    for number, data in enumerate(layers):
        made.add(io.BufferedReader(io.BytesIO(data)), str(number))
    return str(target)


def text_of(path: str) -> str:
    with open(path) as stream:
        return stream.read()


def test_a_layer_keeps_what_an_operating_system_has(tmp_path: Folder) -> None:
    root = laid_out(tmp_path, BASE)
    assert text_of(root + "/usr/bin/python3.9") == "vendor"
    assert os.readlink(root + "/usr/bin/python3") == "python3.9"
    assert os.readlink(root + "/bin") == "/usr/bin"
    assert os.stat(root + "/usr/bin/twin").st_ino == os.stat(root + "/usr/bin/python3.9").st_ino
    assert stat.S_IMODE(os.stat(root + "/usr/bin/sudo").st_mode) == 0o4755
    assert os.stat(root + "/home").st_uid == 65534
    assert os.stat(root + "/home").st_mtime == 1000000000
    assert not os.path.lexists(root + "/dev/null")
    assert not os.path.lexists(root + "/run/pipe")


def test_capabilities_are_kept(tmp_path: Folder) -> None:
    data = b"\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    value = data.decode("utf-8", "surrogateescape")
    root = laid_out(tmp_path, layer(file("ping"), **{"SCHILY.xattr.security.capability": value}))
    assert os.getxattr(root + "/ping", "security.capability") == data


def test_upper_layers_replace_and_remove(tmp_path: Folder) -> None:
    root = laid_out(
        tmp_path,
        BASE,
        layer(folder("a"), file("a/one"), file("a/two"), folder("b"), file("b/three"), file("c")),
        layer(
            file("usr/bin/python3.9", "impostor", 0o755),
            file("usr/bin/.wh.python3"),
            file("a/four"),
            file("a/.wh..wh..opq"),
            file("b", "no folder any more"),
            folder("c"),
            file(".wh.home"),
            file(".wh..wh.plnk"),
            file(".wh.never-there"),
        ),
    )
    assert text_of(root + "/usr/bin/python3.9") == "impostor"
    assert text_of(root + "/usr/bin/twin") == "vendor"
    assert not os.path.lexists(root + "/usr/bin/python3")
    assert os.listdir(root + "/a") == ["four"]
    assert os.path.isfile(root + "/b")
    assert os.path.isdir(root + "/c")
    assert not [name for name in os.listdir(root) if name in ("home", "never-there") or name.startswith(".wh")]


def test_links_are_followed_inside_as_a_container_would(tmp_path: Folder) -> None:
    (tmp_path / "outside").mkdir()
    outside = str(tmp_path / "outside")
    root = laid_out(
        tmp_path,
        BASE,
        layer(link("escape", outside), link("up", "../../../../../../.." + outside)),
        layer(file("bin/new", "in usr/bin"), file("escape/a"), file("up/b"), file("escape/.wh.c")),
    )
    assert text_of(root + "/usr/bin/new") == "in usr/bin"
    assert os.listdir(outside) == []
    assert os.path.isfile(root + outside + "/a")
    assert os.path.isfile(root + outside + "/b")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([file("../evil")], "'..'"),
        ([file("a/../../evil")], "'..'"),
        ([file("a"), file("a/b")], "no folder"),
        ([link("loop", "/loop"), file("loop/x")], "no folder"),
        ([link("x", "/etc/passwd", tarfile.LNKTYPE)], "hard link"),
        ([link("x", "../../../etc/passwd", tarfile.LNKTYPE)], "hard link"),
        ([folder("d"), link("x", "d", tarfile.LNKTYPE)], "hard link"),
    ],
)
def test_what_no_layer_has_is_refused(tmp_path: Folder, members: t.List[Member], reason: str) -> None:
    with pytest.raises(ArchiveError, match=reason):
        laid_out(tmp_path, layer(*members))


def test_a_link_is_replaced_and_not_written_through(tmp_path: Folder) -> None:
    (tmp_path / "outside").write_text("untouched")
    root = laid_out(tmp_path, layer(link("a", str(tmp_path / "outside"))), layer(file("a", "new")))
    assert (tmp_path / "outside").read_text() == "untouched"
    assert text_of(root + "/a") == "new"


def test_the_limits_hold(tmp_path: Folder) -> None:
    for limits in (ArchiveLimits(size=10), ArchiveLimits(files=1)):
        made = Layout(str(tmp_path), "image", limits)
        with pytest.raises(ArchiveError, match="more than an image may hold"):
            made.add(io.BufferedReader(io.BytesIO(layer(file("a", "123456"), file("b", "123456")))), "x")


# Archives.


def tar_of(path: Folder, files: t.Mapping[str, bytes]) -> str:
    with tarfile.open(str(path), "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return str(path)


def docker_archive(path: Folder, *tags: str) -> str:
    entries = [{"Config": "c.json", "RepoTags": [tag], "Layers": ["1/layer.tar", "2/layer.tar"]} for tag in tags]
    upper = layer(file("tag", "upper"), file("usr/bin/.wh.sudo"))
    files = {"1/layer.tar": BASE, "2/layer.tar": upper, "manifest.json": json.dumps(entries).encode()}
    return tar_of(path, files)


def oci_archive(path: Folder, compress: t.Callable[[bytes], bytes] = gzip.compress, **broken: bytes) -> str:
    files: t.Dict[str, bytes] = {}

    def blob(data: bytes, **more: t.Any) -> t.Dict[str, t.Any]:
        digest = hashlib.sha256(data).hexdigest()
        files["blobs/sha256/" + digest] = broken.get("blob", data) if not more else data
        return dict({"digest": "sha256:" + digest, "size": len(data)}, **more)

    layers = [blob(compress(BASE)), blob(compress(layer(file("tag", "upper"))))]
    manifest = blob(json.dumps({"layers": layers}).encode(), platform={"architecture": "amd64", "os": "linux"})
    note = blob(b'{"layers": []}', platform={"architecture": "unknown", "os": "unknown"})
    nested = blob(json.dumps({"manifests": [manifest, note]}).encode(), mediaType="index")
    nested["annotations"] = {"org.opencontainers.image.ref.name": "1.4"}
    files["oci-layout"] = b"{}"
    files["index.json"] = json.dumps({"manifests": [nested]}).encode()
    return tar_of(path, files)


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def test_what_docker_save_wrote(tmp_path: Folder) -> None:
    found = lay_out(ImageSource(archive=docker_archive(tmp_path / "a.tar", "app:1")), str(tmp_path), 60)
    assert found["root"].startswith(str(tmp_path) + "/fleet-system-python-image-")
    assert stat.S_IMODE(os.stat(found["root"]).st_mode) == 0o700
    assert text_of(found["root"] + "/tag") == "upper"
    assert not os.path.lexists(found["root"] + "/usr/bin/sudo")
    assert (found["source"], found["left_out"]) == ("a.tar", 2)
    assert sorted(os.listdir(str(tmp_path))) == sorted(["a.tar", os.path.basename(found["root"])])


def test_one_of_several_images(tmp_path: Folder) -> None:
    archive = docker_archive(tmp_path / "a.tar", "app:1", "app:2")
    assert lay_out(ImageSource(archive=archive, image="app:2"), str(tmp_path), 60)["source"] == "a.tar, image app:2"
    for image in (None, "app:3"):
        with pytest.raises(ImageError, match="app:1, app:2"):
            lay_out(ImageSource(archive=archive, image=image), str(tmp_path), 60)


@pytest.mark.parametrize("compress", [gzip.compress, bytes, zstd])
def test_an_oci_layout(tmp_path: Folder, compress: t.Callable[[bytes], bytes]) -> None:
    if compress is zstd and not shutil.which("zstd"):
        pytest.skip("zstd is not installed on this machine")
    archive = oci_archive(tmp_path / "a.tar", compress)
    for image in (None, "1.4", "registry.example.com/app:1.4"):
        assert (
            text_of(lay_out(ImageSource(archive=archive, image=image), str(tmp_path), 60)["root"] + "/tag") == "upper"
        )


def test_a_layer_that_is_not_what_its_digest_says(tmp_path: Folder) -> None:
    archive = oci_archive(tmp_path / "a.tar", blob=b"another one")
    with pytest.raises(ChecksumError, match="damaged"):
        lay_out(ImageSource(archive=archive), str(tmp_path), 60)
    assert os.listdir(str(tmp_path)) == ["a.tar"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"x": b"y"}, "neither manifest.json"),
        ({"manifest.json": b"{"}, "not what it should be"),
        ({"manifest.json": b"{}"}, "not what it should be"),
        ({"manifest.json": b'[{"Layers": ["gone"]}]'}, "gone is not in it"),
        ({"index.json": b'{"manifests": []}'}, "it has: none"),
    ],
)
def test_what_is_no_image(tmp_path: Folder, files: t.Mapping[str, bytes], reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        lay_out(ImageSource(archive=tar_of(tmp_path / "a.tar", files)), str(tmp_path), 60)
    assert os.listdir(str(tmp_path)) == ["a.tar"]


def test_what_is_no_archive(tmp_path: Folder) -> None:
    (tmp_path / "a.tar").write_bytes(b"no archive" * 1000)
    with pytest.raises(ArchiveError, match="damaged"):
        lay_out(ImageSource(archive=str(tmp_path / "a.tar")), str(tmp_path), 60)


# Engines.

ENGINE = """#!/bin/sh
echo "$*" >>{folder}/calls
case $1 in
    create) [ {create} -eq 0 ] || {{ echo 'no such image' >&2; exit 125; }} ;;
    export) {export} ;;
    rm) exit {rm} ;;
esac
"""


def engine(where: Folder, export: str = "", create: int = 0, rm: int = 0) -> str:
    """Return a program that exports a layer; C(export) is what it does instead."""
    (where / "layer.tar").write_bytes(BASE + b"\0" * 1000000)
    program = where / "engine"
    program.write_text(
        ENGINE.format(folder=where, create=create, rm=rm, export=export or "cat {0}/layer.tar".format(where))
    )
    program.chmod(0o755)
    return str(program)


def calls(where: Folder) -> t.List[str]:
    return [line.split()[0] for line in (where / "calls").read_text().splitlines()]


@pytest.fixture
def work(tmp_path: Folder) -> Folder:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_a_container_is_created_exported_and_removed(tmp_path: Folder, work: Folder) -> None:
    found = lay_out(ImageSource("app:1", engine=engine(tmp_path)), str(work), 60)
    assert found["source"] == "app:1, by engine"
    assert text_of(found["root"] + "/usr/bin/python3.9") == "vendor"
    create, export, removed = (tmp_path / "calls").read_text().splitlines()
    assert create.startswith("create --pull=never --network=none --name=fleet-system-python-check-")
    assert create.endswith(" app:1 /nothing-is-started")
    assert "--name=" + export.split()[1] == "--name=" + removed.split()[-1] == create.split()[3]


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"create": 1}, ImageError, "no such image. Pull or build it first"),
        ({"export": "echo broken >&2; exit 3"}, CommandError, "ended with exit code 3. It said: broken"),
        ({"export": "printf 'no archive at all'"}, ArchiveError, "damaged"),
        ({"rm": 4}, CommandError, "is still there"),
    ],
)
def test_what_an_engine_cannot_do(
    tmp_path: Folder, work: Folder, options: t.Dict[str, t.Any], error: t.Type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        lay_out(ImageSource("app:1", engine=engine(tmp_path, **options)), str(work), 60)
    assert calls(tmp_path)[-1] == "rm"
    assert os.listdir(str(work)) == []


def test_an_engine_that_does_not_end_is_ended(tmp_path: Folder, work: Folder) -> None:
    with pytest.raises(CommandError, match="did not end within its time limit"):
        lay_out(ImageSource("app:1", engine=engine(tmp_path, export="exec sleep 60")), str(work), 1)
    assert calls(tmp_path) == ["create", "export", "rm"]


def test_a_name_that_is_an_option_is_refused(tmp_path: Folder, work: Folder) -> None:
    with pytest.raises(InvalidDataError, match="Not the name of an image"):
        lay_out(ImageSource("--privileged", engine=engine(tmp_path)), str(work), 60)
    assert not (tmp_path / "calls").exists()


def test_no_engine(work: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ImageError, match="There is no podman or docker"):
        lay_out(ImageSource("app:1"), str(work), 60)


def test_only_root(work: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PrivilegeError, match="podman unshare"):
        lay_out(ImageSource("app:1"), str(work), 60)


# Removing.


def test_only_what_was_made_here_is_removed(tmp_path: Folder) -> None:
    root = lay_out(ImageSource(archive=docker_archive(tmp_path / "a.tar", "app:1")), str(tmp_path), 60)["root"]
    assert remove(root + "/", check_mode=True)
    assert os.path.isdir(root)
    assert remove(root, check_mode=False)
    assert not remove(root, check_mode=False)
    (tmp_path / "other").mkdir()
    os.symlink("other", root)
    for path in (str(tmp_path / "other"), root, "/"):
        with pytest.raises(InvalidDataError, match="was not laid out"):
            remove(path, check_mode=False)
    assert os.path.isdir(str(tmp_path / "other"))
