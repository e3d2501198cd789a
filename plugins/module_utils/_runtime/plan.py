# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What has to be done so that a runtime is as it was asked for: from what is there to the steps. Nothing is changed."""

import os
import typing as t

from .._base.errors import AcquisitionError, ForeignRuntimeError, LostLibraryError
from .._base.text import json_text, printable, shortened
from .._trust.manifest import MANIFEST, Manifest
from .._venv.records import minor_of
from .records import RuntimePlan, RuntimeSettings, RuntimeStep, SeenRuntime, is_url, version_key
from .release import is_of_release
from .users import TakeCensus, find_users

__all__ = ["plan_runtime"]


def plan_runtime(settings: RuntimeSettings, seen: SeenRuntime, census: TakeCensus) -> RuntimePlan:
    """Return the plan. C(census) is only taken when a runtime would be removed. Raises SystemPythonError."""
    steps = [RuntimeStep(action="clean", path=path) for path in seen.leftovers]
    warnings: t.List[str] = []
    if settings.state == "absent":
        steps += _removal(settings, seen, census)
    elif settings.state == "packed":
        steps += _packing(settings, seen)
    else:
        _require_ours(settings, seen)
        reason = _why_install(settings, seen)
        if reason:
            settings = _with_archive(settings, seen.manifest)
            steps.append(RuntimeStep(action="install", path=settings.path, reason=reason))
        if settings.link and seen.link != settings.version:
            steps.append(_link_step(settings, seen, settings.version))
        pruned, warnings = _pruning(settings, seen, census)
        steps += pruned
    return RuntimePlan(settings, tuple(steps), tuple(warnings))


def _require_ours(settings: RuntimeSettings, seen: SeenRuntime) -> None:
    if seen.is_foreign:
        raise ForeignRuntimeError(
            f"{printable(settings.path)} exists and was not made by this module: it has no {MANIFEST}. Move it away, "
            "or choose another root.",
            path=json_text(settings.path),
        )
    if seen.link_is_blocked and settings.link:
        raise ForeignRuntimeError(
            f"{printable(settings.link_path)} is in the way of the link of the same name. Move it away, or set link: "
            "false.",
            path=json_text(settings.link_path),
        )


def _why_install(settings: RuntimeSettings, seen: SeenRuntime) -> str:
    """Return why the runtime must be installed, nothing where it need not."""
    if not seen.exists:
        return "it is not there"
    if seen.manifest is None:
        return seen.damage or "its manifest is gone"
    if seen.deviations:
        deviations = (f"{printable(one.path)} ({one.what})" for one in seen.deviations)
        return f"not as it was installed: {shortened(deviations, 3)}"
    replace, problem = _why_replace(settings, seen.manifest), seen.tried.problem()
    if problem and not replace and seen.manifest["source"]["kind"] != "source":
        raise _does_not_run(settings, seen, problem)
    return replace or problem


def _does_not_run(settings: RuntimeSettings, seen: SeenRuntime, problem: str) -> LostLibraryError:
    """The same archive would have the same needs: only a build on this host takes what is there."""
    return LostLibraryError(
        f"{printable(settings.path)} is as it was installed, but does not work any more: {problem}. Bring that back, "
        "or install an archive that was made for this release of the operating system, or build it here (source: "
        "source).",
        libraries=[dict(one._asdict()) for one in seen.tried.lost],
        failed=dict(seen.tried.failed),
    )


def _why_replace(settings: RuntimeSettings, manifest: Manifest) -> str:
    """Return in what the archive that was asked for differs from the one that the runtime came from."""
    source = manifest["source"]
    if settings.mirror and not is_of_release(source["place"], settings.mirror):
        return "it came from another release"
    if not settings.sha256:
        return ""
    if source["sha256"] != settings.sha256:
        return "it came from another archive"
    if source["kind"] != settings.kind:
        return f"it came from a {source['kind']} archive"
    if settings.kind == "source" and manifest.get("build") != settings.build.as_record():
        return "it was built with other options"
    return ""


def _with_archive(settings: RuntimeSettings, manifest: t.Optional[Manifest]) -> RuntimeSettings:
    """Return the settings with the archive that the user gives, else the address that the runtime once came from."""
    if settings.mirror or ((settings.place or settings.shown_place) and settings.sha256):
        return settings
    source = manifest["source"] if manifest else None
    if manifest and source and is_url(source["place"]) and not source.get("shortened"):
        build = manifest.get("build")
        return settings._replace(
            place=source["place"],
            sha256=source["sha256"],
            kind=source["kind"],
            build=settings.build.like(build) if build else settings.build,
        )
    lost = "; of the address that it came from, user, password and query are not kept"
    raise AcquisitionError(
        f"{printable(settings.path)} must be installed, and no archive is "
        f"given{lost if source and source.get('shortened') else ''}. Give url, path or controller_file, and its "
        "sha256."
    )


def _pruning(
    settings: RuntimeSettings, seen: SeenRuntime, census: TakeCensus
) -> t.Tuple[t.List[RuntimeStep], t.List[str]]:
    """Return the steps that remove older patch releases, and why some of these stay."""
    steps: t.List[RuntimeStep] = []
    warnings: t.List[str] = []
    for version in _superfluous(settings, seen):
        path = os.path.join(settings.root, version)
        moving = settings.link_path if settings.link and seen.link == version else ""
        refusal = find_users([path], census, moving=moving).refusal(path, settings.ignore_partial_census)
        if refusal:
            warnings.append(refusal.message)
        else:
            steps.append(RuntimeStep(action="remove", path=path))
    return steps, warnings


def _superfluous(settings: RuntimeSettings, seen: SeenRuntime) -> t.List[str]:
    """Return the versions beyond the C(keep) newest ones of the same minor version, oldest first."""
    if settings.keep is None:
        return []
    same = [version for version in seen.installed if minor_of(version) == settings.minor]
    # Of two entries of one minor version the older must not remove the newer.
    spared = {version for version in same if version_key(version) > version_key(settings.version)}
    spared.add(settings.version)
    if not settings.link and seen.link in same:
        spared.add(seen.link)
    rest = [version for version in same if version not in spared]
    return rest[: max(0, len(rest) - max(0, settings.keep - len(spared)))]


def _removal(settings: RuntimeSettings, seen: SeenRuntime, census: TakeCensus) -> t.List[RuntimeStep]:
    if not seen.exists:
        return []
    _require_ours(settings, seen)
    is_linked = seen.link == settings.version
    places = [settings.path] + ([settings.link_path] if is_linked else [])
    refusal = find_users(places, census).refusal(settings.path, settings.ignore_partial_census)
    if refusal:
        raise refusal
    steps = []
    if is_linked:
        others = [one for one in seen.installed if minor_of(one) == settings.minor and one != settings.version]
        steps.append(_link_step(settings, seen, others[-1] if others else None))
    return steps + [RuntimeStep(action="remove", path=settings.path)]


def _link_step(settings: RuntimeSettings, seen: SeenRuntime, target: t.Optional[str]) -> RuntimeStep:
    return RuntimeStep(action="link", path=settings.link_path, target=target, was=seen.link)


def _packing(settings: RuntimeSettings, seen: SeenRuntime) -> t.List[RuntimeStep]:
    if seen.manifest is None:
        raise AcquisitionError(
            f"There is no runtime {printable(settings.path)} that could be "
            f"packed.{' ' + seen.damage if seen.damage else ''}"
        )
    if not os.path.isdir(os.path.dirname(settings.destination)):
        raise AcquisitionError(
            f"{printable(settings.destination)} cannot be written: its folder is not there. Make it first."
        )
    return [] if seen.is_packed else [RuntimeStep(action="pack", path=settings.destination)]
