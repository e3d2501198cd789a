# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Reads a host's enabled repositories from the controller: the host downloads, this side understands.

Only the host may be able to reach them (client certificates, proxies, accounts). The configuration is read by the same
code that the modules use, from a copy of the host's files.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._errors import RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._repository import (
    Checksum,
    MetadataFile,
    RepositoryPackage,
    compression,
    decompressed,
    find_packages,
    join_url,
    parse_metalink,
    parse_mirrorlist,
    parse_repomd,
    shown_url,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repository_config import (
    Configuration,
    Connection,
    Repository,
    read_configuration,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_plan import Wanted, split_nevra
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_script import Answer

__all__ = ["RepositoryReader", "configuration_of", "curl_options", "wget_options"]

Ask = Callable[[Sequence[str], Sequence[Sequence[str]]], Answer]

# What dnf takes as the version of the release; asked for in one go because the configuration is read elsewhere.
_PROVIDERS = (
    "system-release(releasever)",
    "system-release",
    "distribution-release(releasever)",
    "distribution-release",
    "redhat-release",
    "suse-release",
)

# Bytes: more than any repository has, less than what hurts.
_LIST_LIMIT = 4 << 20
_REPOMD_LIMIT = 16 << 20
_PRIMARY_LIMIT = 1 << 30
_OPEN_LIMIT = 8 << 30
_PACKAGE_LIMIT = 4 << 30
_MIRRORS = 8
_SCHEMES = ("http", "https", "ftp", "file")
_REPOMD = "repodata/repomd.xml"


@dataclass
class _Place:
    """One repository on its way to being read."""

    number: int
    repository: Repository
    bases: list[str] = field(default_factory=list)
    accepted: list[Checksum] = field(default_factory=list)
    packages: list[RepositoryPackage] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def id(self, what: str) -> str:
        """Return the name of one of its downloads."""
        return f"{self.number}-{what}"


class RepositoryReader:
    """Finds and downloads exact packages. C(ask) runs calls of fetch.sh in the folder C(staging) of the host."""

    def __init__(self, ask: Ask, upload: Callable[[Path], str], staging: str) -> None:
        self._ask = ask
        self._upload = upload
        self._staging = staging
        self.reasons: list[str] = []
        self.available: dict[str, set[str]] = {}

    def fetch(self, wanted: Sequence[Wanted]) -> list[tuple[Wanted, str]]:
        """Return each package that could be downloaded, with its path on the host; C(reasons) tells of the others."""
        configuration = configuration_of(self._ask(["fetch"], [["show_configuration", *_PROVIDERS]]))
        self.reasons += configuration.problems
        if not configuration.repositories:
            raise RepositoryError("; ".join(["no repository is enabled", *configuration.problems]))
        places = [_Place(number, repository) for number, repository in enumerate(configuration.repositories)]
        names = sorted({one.name for one in wanted})
        self._bring_options(places)
        self._find_bases(places)
        self._read_all(places, names)
        for place in places:
            self.reasons += [f"{place.repository.id}: {failure}" for failure in place.failures]
            for package in place.packages:
                self.available.setdefault(package.name, set()).add(package.evr)
        return [(one, path) for one in wanted if (path := self._download(one, places))]

    def _bring_options(self, places: Sequence[_Place]) -> None:
        """Passwords must not be on a command line, which Ansible prints when it is asked for details."""
        lines = []
        for place in places:
            connection = place.repository.connection
            for program, text in (("curl", curl_options(connection)), ("wget", wget_options(connection))):
                lines.append(f"{place.number}-{program} {base64.b64encode(text.encode()).decode()}\n")
        with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as folder:
            path = Path(folder, "options")
            path.write_text("".join(lines), encoding="ascii")
            self._ask(["fetch"], [["adopt_options", self._upload(path)]])

    def _find_bases(self, places: Sequence[_Place]) -> None:
        listed = {}
        for place in places:
            place.bases = [url for url in place.repository.baseurls if self._usable(place, url)]
            url = place.repository.metalink or place.repository.mirrorlist
            if url and not place.repository.baseurls and self._usable(place, url):
                listed[place.id("list")] = (place, url)
        answer = self._downloads([(place, url, key, _LIST_LIMIT) for key, (place, url) in listed.items()])
        for key, (place, url) in listed.items():
            data = self._content(answer, key, place, url)
            if data is not None:
                self._read_list(place, data)
        for place in places:
            del place.bases[_MIRRORS:]

    def _usable(self, place: _Place, url: str) -> bool:
        if urllib.parse.urlsplit(url).scheme in _SCHEMES:
            return True
        place.failures.append(f"{printable(shown_url(url))} cannot be read here: only {', '.join(_SCHEMES)} can")
        return False

    def _read_list(self, place: _Place, data: bytes) -> None:
        try:
            # A mirrorlist may be a metalink too, whatever the option is called.
            if data.lstrip().startswith(b"<"):
                metalink = parse_metalink(data)
                place.accepted = metalink.checksums
                urls = [url.removesuffix(_REPOMD) for url in metalink.urls if url.endswith(_REPOMD)]
            else:
                urls = parse_mirrorlist(data.decode("utf-8", "replace"))
        except RepositoryError as error:
            place.failures.append(error.message)
            return
        place.bases = [url for url in urls if urllib.parse.urlsplit(url).scheme in _SCHEMES]

    def _read_all(self, places: Sequence[_Place], names: Sequence[str]) -> None:
        """Read all repositories side by side, the first mirror of each, then the next one of those that failed."""
        open_places = [place for place in places if place.bases]
        for turn in range(_MIRRORS):
            asked = [place for place in open_places if turn < len(place.bases)]
            if not asked:
                return
            read = self._read_from([(place, place.bases[turn]) for place in asked], names)
            for place in read:
                place.bases.insert(0, place.bases.pop(turn))
                # What other mirrors could not do no longer matters.
                place.failures.clear()
            open_places = [place for place in open_places if place not in read]

    def _read_from(self, asked: Sequence[tuple[_Place, str]], names: Sequence[str]) -> list[_Place]:
        answer = self._downloads(
            [(place, join_url(base, _REPOMD), place.id("repomd"), _REPOMD_LIMIT) for place, base in asked]
        )
        calls: list[Sequence[str]] = []
        primaries: dict[str, tuple[_Place, str]] = {}
        for place, base in asked:
            url = join_url(base, _REPOMD)
            data = self._content(answer, place.id("repomd"), place, url)
            if data is None:
                continue
            try:
                primary = _primary(data, place)
            except RepositoryError as error:
                place.failures.append(f"{shown_url(url)}: {error.message}")
                continue
            key = place.id("primary")
            primary_url = join_url(base, primary.location, primary.base)
            calls += [
                _download(place, primary_url, key, primary.size or _PRIMARY_LIMIT),
                ["check", key, primary.checksum.algorithm, primary.checksum.value],
                ["cut_packages", key, *names],
            ]
            primaries[key] = (place, primary_url)
        answer = self._ask(["fetch"], calls) if calls else Answer(())
        return [
            place
            for key, (place, url) in primaries.items()
            if self._read_primary(answer, key, place, url, frozenset(names))
        ]

    def _read_primary(self, answer: Answer, key: str, place: _Place, url: str, names: frozenset[str]) -> bool:
        try:
            chunks = self._cut(answer, key, place, url)
            if chunks is None:
                return False
            place.packages = find_packages(chunks, names)
        except RepositoryError as error:
            place.failures.append(f"{shown_url(url)}: {error.message}")
            return False
        return True

    def _cut(self, answer: Answer, key: str, place: _Place, url: str) -> Iterator[bytes] | None:
        cut = _keyed(answer, "cut", key)
        if cut is None:
            data = self._content(answer, key, place, url)
            return None if data is None else decompressed(iter([data]), compression(data[:8]), _OPEN_LIMIT)
        if "<!-- unreadable -->" in cut:
            raise RepositoryError(f"it cannot be decompressed: {printable(cut[-300:])}")
        return iter([b"<metadata>", cut.encode("utf-8", "surrogateescape"), b"</metadata>"])

    def _download(self, wanted: Wanted, places: Sequence[_Place]) -> str:
        for place in places:
            for package in place.packages:
                if (package.name, package.evr, package.arch) != (wanted.name, wanted.evr, split_nevra(wanted.nevra)[4]):
                    continue
                for base in place.bases:
                    url = join_url(base, package.location, package.base)
                    key = place.id(wanted.nvra + ".rpm")
                    if self._saved(place, url, key, package):
                        return f"{self._staging}/download/{key}"
        offered = sorted(self.available.get(wanted.name, ()))
        others = f"; it is offered as {', '.join(offered)}" if offered and wanted.evr not in offered else ""
        self.reasons.append(f"none gave {wanted.nevra}{others}")
        return ""

    def _saved(self, place: _Place, url: str, key: str, package: RepositoryPackage) -> bool:
        answer = self._ask(
            ["fetch"],
            [
                _download(place, url, key, package.size or _PACKAGE_LIMIT),
                ["check", key, package.checksum.algorithm, package.checksum.value],
            ],
        )
        before = len(place.failures)
        self._note_failure(answer, key, place, url)
        self.reasons += [f"{place.repository.id}: {failure}" for failure in place.failures[before:]]
        return len(place.failures) == before

    def _downloads(self, wanted: Sequence[tuple[_Place, str, str, int]]) -> Answer:
        calls: list[Sequence[str]] = []
        for place, url, key, limit in wanted:
            calls += [_download(place, url, key, limit), ["show_download", key]]
        return self._ask(["fetch"], calls) if calls else Answer(())

    def _content(self, answer: Answer, key: str, place: _Place, url: str) -> bytes | None:
        text = _keyed(answer, "content-of", key)
        if text is None:
            self._note_failure(answer, key, place, url)
            return None
        return base64.b64decode(text)

    def _note_failure(self, answer: Answer, key: str, place: _Place, url: str) -> None:
        for section in answer.named("download"):
            if section.words[0] == key and section.words[1] != "0":
                said = printable(section.body.strip()[-300:]) or f"exit code {section.words[1]}"
                place.failures.append(f"{shown_url(url)}: {said}")
        if _keyed(answer, "mismatch", key) is not None:
            place.failures.append(f"{shown_url(url)} is not what the metadata says")


def _keyed(answer: Answer, name: str, key: str) -> str | None:
    return next((section.body for section in answer.named(name) if section.words[:1] == (key,)), None)


def _primary(data: bytes, place: _Place) -> MetadataFile:
    if place.accepted and not any(_matches(data, one) for one in place.accepted):
        raise RepositoryError("it is none of the versions that the metalink knows")
    return parse_repomd(data)


def _matches(data: bytes, checksum: Checksum) -> bool:
    return hashlib.new(checksum.algorithm, data).hexdigest() == checksum.value


def _download(place: _Place, url: str, key: str, limit: int) -> Sequence[str]:
    return ["download", key, url, str(limit), str(place.number), place.repository.connection.ca]


def curl_options(connection: Connection) -> str:
    """Return the lines of a curl configuration file; the authorities' certificates are added on the host."""
    options: list[tuple[str, str]] = []
    if connection.certificate:
        options.append(("cert", connection.certificate))
    if connection.key:
        options.append(("key", connection.key))
    if connection.username:
        options.append(("user", f"{connection.username}:{connection.password}"))
    if connection.proxies is not None:
        # Package managers know one proxy a repository, whatever the scheme.
        proxy = next((url for _scheme, url in connection.proxies), "")
        options += [("proxy", proxy), ("noproxy", connection.no_proxy)] if proxy else [("noproxy", "*")]
    lines = [f"{name} = {_quoted(value)}" for name, value in options]
    return "\n".join([*lines, *([] if connection.verify else ["insecure"])])


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def wget_options(connection: Connection) -> str:
    """Return the lines of a wgetrc."""
    options = [("certificate", connection.certificate), ("private_key", connection.key)]
    if connection.username:
        options += [("user", connection.username), ("password", connection.password)]
    if not connection.verify:
        options.append(("check_certificate", "off"))
    if connection.proxies is not None:
        options.append(("use_proxy", "on" if connection.proxies else "off"))
        options += [(f"{scheme}_proxy", url) for scheme, url in connection.proxies]
        options.append(("no_proxy", connection.no_proxy))
    return "\n".join(f"{name} = {value}" for name, value in options if value)


def configuration_of(answer: Answer) -> Configuration:
    """Return the enabled repositories that the files in an answer of C(show_configuration) describe."""
    provided = {section.words[0]: section.body for section in answer.named("provider")}
    codes = {section.words[0]: int(section.words[1]) for section in answer.named("provider-rc")}
    machine = answer.first("machine")
    with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as root:
        for section in answer.named("file"):
            name, _newline, content = section.body.partition("\n")
            path = Path(root, name.lstrip("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(content))
        return read_configuration(root, _answering(provided, codes), machine.words[0] if machine else None)


def _answering(provided: Mapping[str, str], codes: Mapping[str, int]) -> Callable[..., Completed]:
    def run(argv: Sequence[str], **_options: Any) -> Completed:
        provider = argv[argv.index("--whatprovides") + 1]
        return Completed(tuple(argv), codes.get(provider, 1), provided.get(provider, ""), "", False)

    return run
