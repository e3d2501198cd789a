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
from dataclasses import dataclass
from pathlib import Path

from hostkit import machine
from hostkit.shell import BUILD, HostError, ask, run, say

HERE = Path(__file__).resolve().parents[1]
PREFIX = "fleet-system-python"
OWN = "fleet.system_python=test-host"
RECIPE = "fleet.system_python.recipe"
REGISTRY_VARIABLES = {"rhel9": "SYSTEM_PYTHON_RHEL9_IMAGE", "sles15": "SYSTEM_PYTHON_SLES15_IMAGE"}
PACKING = tuple(f"packing/{name}" for name in ("__init__.py", "folders.py", "launcher.c", "pythons.py", "repositories.py", "rpms.py"))


@dataclass(frozen=True)
class Image:
    """One image. `parents` maps build arguments to images; `extra` are files outside its own folder."""

    name: str
    parents: tuple[tuple[str, str], ...] = ()
    extra: tuple[str, ...] = ()
    interpreters: tuple[tuple[str, str, bool], ...] = ()
    hosts: bool = False

    @property
    def tag(self) -> str:
        """The name that docker knows it by."""
        return tag(self.name)


def tag(name: str) -> str:
    """`fleet-system-python/rhel9:local` for rhel9."""
    return f"{PREFIX}/{name}:local"


# Interpreters from the build machine: minor version, wanted release, whether the image is impossible without it.
IMAGES = (
    Image("base"),
    Image("toolbox", (("BASE", "base"),)),
    Image("impostor", (("TOOLBOX", "toolbox"),)),
    Image("rhel9-packages", (("TOOLBOX", "toolbox"),), (*PACKING, "packing/rhel9.py"), (("3.12", "", False),)),
    Image("sles15-packages", (("TOOLBOX", "toolbox"),), (*PACKING, "packing/sles15.py"), (("3.6", "3.6.15", True),)),
    Image("rhel9", (("BASE", "base"), ("PACKAGES", "rhel9-packages")), hosts=True),
    Image("sles15", (("BASE", "base"), ("PACKAGES", "sles15-packages")), hosts=True),
    Image(
        "repo",
        (("BASE", "base"), ("TOOLBOX", "toolbox"), ("RHEL9", "rhel9-packages"), ("SLES15", "sles15-packages"), ("IMPOSTOR", "impostor")),
    ),
)
BY_NAME = {image.name: image for image in IMAGES}


def _interpreters(image: Image) -> list[machine.Prefix]:
    found = (machine.find_prefix(minor, wanted) for minor, wanted, _ in image.interpreters)
    return [prefix for prefix in found if prefix]


def missing(image: Image) -> str:
    """Why an image cannot be built on this machine, '' when it can."""
    for minor, wanted, required in image.interpreters:
        if required and not machine.find_prefix(minor, wanted):
            variable = f"PYTHON{minor.replace('.', '')}_PREFIX"
            return f"no CPython {minor} on this machine: neither {variable} nor pyenv {wanted or minor} (pyenv install {wanted or minor})"
    return next((reason for _, parent in image.parents if (reason := missing(BY_NAME[parent])) and image.name != "repo"), "")


def _files(image: Image) -> Iterator[Path]:
    yield from sorted(path for path in (HERE / "images" / image.name).rglob("*") if path.is_file())
    for name in image.extra:
        yield HERE / name


def recipe(image: Image, parent_ids: dict[str, str]) -> str:
    """A hash over everything that decides what is in the image."""
    digest = hashlib.sha256()
    for path in _files(image):
        digest.update(f"{path.relative_to(HERE)} {path.stat().st_mode & 0o111}\0".encode() + path.read_bytes() + b"\0")
    for prefix in _interpreters(image):
        digest.update(f"{prefix.minor} {prefix.version}\0".encode())
    digest.update(json.dumps(parent_ids, sort_keys=True).encode())
    digest.update(os.environ.get(REGISTRY_VARIABLES.get(image.name, ""), "").encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Built:
    """An image as the engine has it."""

    identity: str
    recipe: str


def present() -> dict[str, Built]:
    """Our images in the engine, by short name."""
    tags = ask(["docker", "image", "ls", "--filter", f"label={OWN}", "--format", "{{.Repository}}:{{.Tag}}"]).split()
    wanted = [name for name in tags if name in {image.tag for image in IMAGES}]
    if not wanted:
        return {}
    answers = json.loads(ask(["docker", "image", "inspect", *wanted]))
    return {
        name.split("/")[1].split(":")[0]: Built(answer["Id"], (answer["Config"]["Labels"] or {}).get(RECIPE, ""))
        for answer in answers
        for name in answer["RepoTags"]
        if name in wanted
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
    shutil.copytree(HERE / "images" / image.name, folder, dirs_exist_ok=True)
    for name in image.extra:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(HERE / name, folder / name)
    if image.interpreters:
        (folder / "interpreters").mkdir()
    for prefix in _interpreters(image):
        machine.copy_prefix(prefix, folder / f"interpreters/python{prefix.minor}")


def _build_dockerfile(image: Image, wanted: str, log: Path) -> None:
    registry = os.environ.get(REGISTRY_VARIABLES.get(image.name, ""), "")
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=f"context-{image.name}-") as name:
        folder = Path(name)
        _context(image, folder)
        command = ["docker", "build", "--force-rm", "--tag", image.tag, "--label", OWN, "--label", f"{RECIPE}={wanted}"]
        if registry:
            command += ["--file", str(folder / "Dockerfile.registry"), "--build-arg", f"IMAGE={registry}"]
        for argument, parent in image.parents:
            command += ["--build-arg", f"{argument}={tag(parent) if not missing(BY_NAME[parent]) else tag('toolbox')}"]
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
    """Builds the named images and all that they need, independent ones at the same time."""
    known = present()
    futures: dict[str, Future[Built]] = {}
    with ThreadPoolExecutor(max_workers=len(IMAGES)) as pool:

        def one(image: Image) -> Built:
            parents = {name: futures[name].result() for _, name in image.parents if name in futures}
            return ensure(image, known, parents)

        for image in IMAGES:
            if image.name in names:
                futures[image.name] = pool.submit(one, image)
    errors = [str(error) for future in futures.values() if (error := future.exception())]
    if errors:
        raise HostError("\n".join(dict.fromkeys(errors)))
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
        todo += [parent for _, parent in BY_NAME[name].parents]
    return [image.name for image in IMAGES if image.name in wanted]
