# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Make a runtime in a hidden folder of the root: fetched, unpacked or built, fitted to its place, proven, published."""

import os
import pwd
import tempfile
import time
import typing as t

from .._base.clock import utc_stamp
from .._base.command import CommandRunner, run_command
from .._base.errors import ArchiveError
from .._base.text import json_text, printable
from .._disk.archive import unpack
from .._disk.atomic import write_durably
from .._disk.hidden import PREFIX
from .._disk.kernel import flush_file_system, sync_folder
from .._disk.space import clear_errors
from .._disk.trees import remove_any
from .._rights.account import builder_account
from .._rights.processes import end_processes, processes_in
from .._rights.unprivileged import Unprivileged
from .._trust.manifest import RuntimeAbout, make_about, make_source, new_manifest, write_manifest
from .build import build, install_hint, require_tools, version_of
from .fetch import fetch
from .needs import needs_of
from .prepare import compile_library, find_interpreter, give_to, give_to_root, mark_as_managed
from .proof import check_runtime
from .publish import publish
from .records import RuntimeSettings
from .relocate import relocate

__all__ = ["Installation", "about_runtime"]


class Installation:
    """One installation. C(progress) gets a word for each step."""

    def __init__(
        self, settings: RuntimeSettings, progress: t.Callable[[str], None], runner: CommandRunner = run_command
    ) -> None:
        self.settings = settings
        self._progress = progress
        self._runner = runner

    def run(self) -> t.Optional[str]:
        """Install the runtime; return where the quarantine has what was altered in the one that it replaces, if any."""
        root = self.settings.root
        with clear_errors(root):
            os.makedirs(root, 0o755, exist_ok=True)
            staging = tempfile.mkdtemp(prefix=PREFIX + "new-", dir=root)
        try:
            with clear_errors(root):
                return self._install_from(staging)
        finally:
            end_processes(processes_in([staging], "cwd"))
            remove_any(staging)
            sync_folder(root)

    def _install_from(self, staging: str) -> t.Optional[str]:
        settings = self.settings
        # Others must be able to search it: nothing in it is tried as root.
        os.chmod(staging, 0o755)  # noqa: S103
        user = Unprivileged(builder_account(settings.account), os.path.join(staging, "home"), caller=settings.owner)
        self._make_folder_of(user.home, user)
        archive = self._fetch(staging)
        digests: t.Mapping[str, str] = {}
        if settings.kind == "source":
            made = self._built(staging, archive, user)
        else:
            made, digests = self._unpacked(staging, archive)
        remove_any(archive)
        self._finish(made, digests, user)
        self._progress("publish")
        flush_file_system(made)
        return publish(settings, staging, made, user)

    def _make_folder_of(self, path: str, user: Unprivileged) -> None:
        os.mkdir(path, 0o700)
        if self.settings.owner == 0:
            os.chown(path, user.account.uid, user.account.gid)

    def _fetch(self, staging: str) -> str:
        settings = self.settings
        self._progress(f"fetch {settings.archive_name}")
        arrived = os.path.join(staging, "arrived")
        os.mkdir(arrived, 0o700)
        if settings.kind == "source":
            require_tools(settings.family)
        return fetch(settings, arrived, self._runner)

    def _unpacked(self, staging: str, archive: str) -> t.Tuple[str, t.Mapping[str, str]]:
        """Return the folder that the archive was unpacked into, and the SHA-256 of the files in it."""
        self._progress("unpack")
        made = os.path.join(staging, "made")
        os.mkdir(made, 0o755)
        unpacked = unpack(archive, made, self.settings.limits, name=self.settings.archive_name)
        find_interpreter(made, self.settings.minor)
        return made, unpacked.digests

    def _built(self, staging: str, archive: str, user: Unprivileged) -> str:
        """Return the folder with what was built from the archive."""
        settings = self.settings
        self._progress("unpack")
        source, stage = os.path.join(staging, "source"), os.path.join(staging, "stage")
        os.mkdir(source, 0o755)
        unpack(archive, source, settings.limits, name=settings.archive_name)
        version = version_of(source)
        if version != settings.version:
            raise ArchiveError(
                f"The archive holds the source of CPython {printable(version)}, not of {settings.version}."
            )
        self._make_folder_of(stage, user)
        if settings.owner == 0:
            give_to(source, user.account, with_files=True)
        os.makedirs(settings.log_folder, 0o755, exist_ok=True)
        log = os.path.join(settings.log_folder, f"build-{settings.version}.log")
        write_durably(log, b"")
        built = build(settings, source, stage, user, log, self._progress)
        remove_any(source)
        # Out of the folders that are the builder's.
        made = os.path.join(staging, "made")
        os.rename(built, made)
        return made

    def _finish(self, made: str, digests: t.Mapping[str, str], user: Unprivileged) -> None:
        """Fit what was made to its final place, compile and prove it, and write its manifest."""
        settings = self.settings
        group = 0 if settings.owner == 0 else os.getegid()
        give_to_root(made, settings.owner, group)
        find_interpreter(made, settings.minor)
        changed = relocate(made, settings.minor, settings.path)
        changed += mark_as_managed(made, settings.minor, settings.path)
        self._progress("compile")
        if compile_library(made, settings.minor, user, settings.timeout):
            give_to_root(made, settings.owner, group)
            digests = {}
        digests = {path: value for path, value in digests.items() if path not in changed}
        self._progress("check")
        hint = install_hint(settings.family) if settings.kind == "source" else ""
        check_runtime(made, settings.version, settings.checks, user, hint)
        user.end_all()
        about = about_runtime(settings)
        about["needs"] = needs_of(made, settings.minor)
        write_manifest(made, new_manifest(made, about, digests))
        if settings.owner == 0:
            os.chown(made, 0, 0)


def about_runtime(settings: RuntimeSettings) -> RuntimeAbout:
    """Return what the manifest says of a runtime besides its files: where it came from, when, and who asked for it."""
    return make_about(
        settings.version,
        make_source(
            json_text(settings.archive_name),
            settings.sha256,
            settings.kind,
            signed=bool(settings.signature),
            shortened=settings.archive_name not in (settings.shown_place, settings.place),
        ),
        settings.checks,
        settings.build.as_record() if settings.kind == "source" else None,
        at=utc_stamp(time.time()),
        by=json_text(settings.invoked_by or _invoker()),
        host=json_text(os.uname().nodename),
    )


def _invoker() -> str:
    """Return who asked for it, as far as the host can know: who logged in, or called sudo."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
