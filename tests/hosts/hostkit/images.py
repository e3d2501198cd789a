"""The images of the test hosts: what each is made of, whether it is up to date, how it is built."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hostkit import booting, machine
from hostkit.shell import BUILD, HostError, ask, run, say

HERE = Path(__file__).resolve().parents[1]
PREFIX = "fleet-system-python"
OWN = "fleet.system_python=test-host"
RECIPE = "fleet.system_python.recipe"
# A host image named here is made of a registry's image instead of Debian's packages.
REGISTRY_VARIABLES = {"rhel9": "SYSTEM_PYTHON_RHEL9_IMAGE", "sles15": "SYSTEM_PYTHON_SLES15_IMAGE"}


@dataclass(frozen=True)
class Wanted:
    """An interpreter that an image takes from the build machine."""

    minor: str
    release: str = ""
    required: bool = False


@dataclass(frozen=True)
class Image:
    """One image. `parents` maps build arguments to images.

    `packing` names the packing tools that it needs beside the common ones. `folder` is its recipe in images/ where that
    has another name; `borrows` names folders and files of other recipes, and what its own has goes before them; `boots`
    means that its command is systemd.
    """

    name: str
    parents: dict[str, str] = field(default_factory=dict)
    packing: tuple[str, ...] = ()
    borrows: tuple[str, ...] = ()
    interpreters: tuple[Wanted, ...] = ()
    is_host: bool = False
    folder: str = ""
    boots: bool = False

    @property
    def tag(self) -> str:
        """The name that docker knows it by."""
        return tag(self.name)

    @property
    def recipe_folder(self) -> Path:
        """Where its Dockerfile is."""
        return HERE / "images" / (self.folder or self.name)

    @property
    def registry(self) -> str:
        """The registry's image that replaces the lookalike, '' for none."""
        return os.environ.get(REGISTRY_VARIABLES.get(self.name, ""), "")


def tag(name: str) -> str:
    """`fleet-system-python/rhel9:local` for rhel9."""
    return f"{PREFIX}/{name}:local"


# In the order in which they can be built.
IMAGES = (
    Image("base"),
    Image("toolbox", {"BASE": "base"}),
    Image("impostor", {"TOOLBOX": "toolbox"}),
    Image("rhel9-packages", {"TOOLBOX": "toolbox"}, packing=("rhel9",), interpreters=(Wanted("3.12"),)),
    Image(
        "sles15-packages",
        {"TOOLBOX": "toolbox"},
        packing=("sles15", "python2"),
        interpreters=(Wanted("3.6", "3.6.15", True),),
    ),
    Image("rhel9", {"BASE": "base", "PACKAGES": "rhel9-packages"}, is_host=True),
    Image("sles15", {"BASE": "base", "PACKAGES": "sles15-packages"}, is_host=True),
    Image("rhel9build", {"HOST": "rhel9"}, is_host=True),
    Image("debian", {"BASE": "base"}, is_host=True),
    Image("rhel9booted", {"HOST": "rhel9"}, is_host=True, folder="booted", boots=True),
    Image("sles15booted", {"HOST": "sles15"}, is_host=True, folder="booted", boots=True),
    Image(
        "el8-packages",
        {"TOOLBOX": "toolbox"},
        packing=("el8", "derived", "rhel9", "sles15", "python2"),
        interpreters=(Wanted("3.6", "3.6.15", True), Wanted("3.12")),
    ),
    Image(
        "el10-packages",
        {"TOOLBOX": "toolbox"},
        packing=("el10", "derived", "rhel9"),
        interpreters=(Wanted("3.12", required=True),),
    ),
    Image("sles16-packages", {"TOOLBOX": "toolbox"}, packing=("sles16", "derived", "sles15", "python2")),
    Image("el8", {"BASE": "base", "PACKAGES": "el8-packages"}, borrows=("rhel9",), is_host=True),
    Image("el10", {"BASE": "base", "PACKAGES": "el10-packages"}, borrows=("rhel9", "el8/finish"), is_host=True),
    Image("sles16", {"BASE": "base", "PACKAGES": "sles16-packages"}, borrows=("sles15", "el8/finish"), is_host=True),
    Image("leap15", {"TOOLBOX": "toolbox", "HOST": "sles15"}, packing=("leap15",), is_host=True),
    *(
        Image(f"{host}booted", {"HOST": host}, is_host=True, folder="booted", boots=True)
        for host in ("el8", "el10", "sles16", "leap15")
    ),
    Image(
        "repo",
        {
            "BASE": "base",
            "TOOLBOX": "toolbox",
            "RHEL9": "rhel9-packages",
            "SLES15": "sles15-packages",
            "EL8": "el8-packages",
            "EL10": "el10-packages",
            "SLES16": "sles16-packages",
            "IMPOSTOR": "impostor",
        },
    ),
)
BY_NAME = {image.name: image for image in IMAGES}


def parents_of(image: Image) -> dict[str, str]:
    """Build argument -> image. The toolbox, which has an empty repository, stands for what cannot be built here."""
    if image.registry:
        return {}
    return {
        argument: "toolbox" if image.name == "repo" and missing(BY_NAME[parent]) else parent
        for argument, parent in image.parents.items()
    }


def missing(image: Image) -> str:
    """Why an image cannot be built on this machine, '' when it can."""
    for wanted in image.interpreters:
        if wanted.required and not machine.find_prefix(wanted.minor, wanted.release):
            release = wanted.release or wanted.minor
            return (
                f"no CPython {wanted.minor} on this machine: {machine.prefix_variable(wanted.minor)} is not set and "
                f"pyenv has no {release} (pyenv install {release}, with --enable-shared)"
            )
    if image.boots and booting.obstacle():
        return booting.obstacle()
    if image.name == "repo" or image.registry:
        return ""
    return next((reason for parent in image.parents.values() if (reason := missing(BY_NAME[parent]))), "")


def _interpreters(image: Image) -> list[machine.Prefix]:
    found = (machine.find_prefix(wanted.minor, wanted.release) for wanted in image.interpreters)
    return [prefix for prefix in found if prefix]


def _packing(image: Image) -> list[Path]:
    if not image.packing:
        return []
    others = {name for other in IMAGES for name in other.packing} - set(image.packing)
    return [path for path in sorted((HERE / "packing").glob("*.*")) if path.stem not in others]


def _files(image: Image) -> Iterator[Path]:
    for source in _sources(image):
        yield from sorted(path for path in [source, *source.rglob("*")] if path.is_file())
    yield from _packing(image)


def _sources(image: Image) -> list[Path]:
    """Where the files of the build context come from; the later ones replace files of the earlier ones."""
    return [*(HERE / "images" / name for name in image.borrows), image.recipe_folder]


def recipe(image: Image, parent_ids: dict[str, str]) -> str:
    """A hash over everything that decides what is in the image."""
    digest = hashlib.sha256()
    for path in _files(image):
        header = f"{path.relative_to(HERE)} {path.stat().st_mode & 0o111}\0"
        digest.update(header.encode() + path.read_bytes() + b"\0")
    for prefix in _interpreters(image):
        digest.update(f"{prefix.minor} {prefix.version}\0".encode())
    digest.update(json.dumps([parent_ids, image.registry], sort_keys=True).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Built:
    """An image as the engine has it."""

    identity: str
    recipe: str


def present() -> dict[str, Built]:
    """Our images in the engine, by short name."""
    tags = {image.tag: image.name for image in IMAGES}
    # Asked by name: a list of all images fails while somebody removes one. Of what is not there nothing is printed.
    answers = json.loads(ask(["docker", "image", "inspect", *tags], check=False) or "[]")
    return {
        tags[name]: Built(answer["Id"], (answer["Config"]["Labels"] or {}).get(RECIPE, ""))
        for answer in answers
        for name in answer["RepoTags"]
        if name in tags
    }


def _build_base(image: Image, wanted: str, log: Path) -> None:
    machine.require("debootstrap", "debootstrap")
    script = HERE / "images/base/make-base"
    mirror = machine.debian_mirror()
    with tempfile.NamedTemporaryFile("w", dir=BUILD, suffix=".apt") as settings:
        settings.write(machine.apt_settings())
        settings.flush()
        run([script, mirror, settings.name, image.tag, OWN, f"{RECIPE}={wanted}"], log, "debootstrap of the base image")


def _context(image: Image, folder: Path) -> None:
    for source in _sources(image):
        if source.is_dir():
            shutil.copytree(source, folder, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy2(source, folder)
    for path in _packing(image):
        target = folder / path.relative_to(HERE)
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(path, target)
    if image.interpreters:
        (folder / "interpreters").mkdir()
    for prefix in _interpreters(image):
        machine.copy_prefix(prefix, folder / f"interpreters/python{prefix.minor}")


def _build_dockerfile(image: Image, wanted: str, log: Path) -> None:
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=f"context-{image.name}-") as name:
        folder = Path(name)
        _context(image, folder)
        command = ["docker", "build", "--force-rm", "--tag", image.tag]
        command += ["--label", OWN, "--label", f"{RECIPE}={wanted}"]
        if image.registry:
            command += ["--file", str(folder / "Dockerfile.registry"), "--build-arg", f"IMAGE={image.registry}"]
        for argument, parent in parents_of(image).items():
            command += ["--build-arg", f"{argument}={tag(parent)}"]
        # The classic builder is in every docker.io; buildx is a package of its own.
        env = {**os.environ, "DOCKER_BUILDKIT": "0"}
        run([*command, str(folder)], log, f"docker build of {image.tag}", env)


def ensure(image: Image, known: dict[str, Built], parents: dict[str, Built]) -> Built:
    """Builds an image unless the engine has it as the recipe wants it."""
    wanted = recipe(image, {name: built.identity for name, built in parents.items()})
    if image.name in known and known[image.name].recipe == wanted:
        return known[image.name]
    log = BUILD / f"logs/{image.name}.log"
    say(f"{image.name}: building (log: {log})")
    begin = time.monotonic()
    builder = _build_base if image.name == "base" else _build_dockerfile
    builder(image, wanted, log)
    say(f"{image.name}: built in {time.monotonic() - begin:.0f} s")
    return Built(ask(["docker", "image", "inspect", "--format", "{{.Id}}", image.tag]).strip(), wanted)


def build(names: list[str]) -> dict[str, Built]:
    """Builds the named images, independent ones at the same time."""
    known = present()
    futures: dict[str, Future[Built]] = {}
    # A thread waits for the images that its own is built from, so there must be one for each.
    with ThreadPoolExecutor(max_workers=len(IMAGES)) as pool:

        def one(image: Image) -> Built:
            return ensure(image, known, {name: futures[name].result() for name in parents_of(image).values()})

        for image in IMAGES:
            if image.name in names:
                futures[image.name] = pool.submit(one, image)
    errors = [error for future in futures.values() if (error := future.exception())]
    unexpected = [error for error in errors if not isinstance(error, HostError)]
    if unexpected:
        raise unexpected[0]
    if errors:
        raise HostError("\n".join(dict.fromkeys(map(str, errors))))
    return {name: future.result() for name, future in futures.items()}


def with_parents(names: list[str]) -> list[str]:
    """The names and everything that they are built from, as far as this machine can build it."""
    wanted: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in wanted or missing(BY_NAME[name]):
            continue
        wanted.add(name)
        todo += parents_of(BY_NAME[name]).values()
    return [image.name for image in IMAGES if image.name in wanted]
