# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The explanations that a report tests: each is ruled in or out by named pieces of evidence, or left open.

A hypothesis is one entry of C(HYPOTHESES) and one function over the C(Case). Nothing is ruled out because nothing was
looked at: then it is open, and says what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._contract import COMMAND
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["HYPOTHESES", "Case", "Verdict", "check_all"]

_LIBRARY = re.compile(r"^/usr/lib(?:64)?/(?:python\d\.\d+/|libpython)")
# Findings about what rpm -V prints.
_DIFFERENCES = ("SP201", "SP202", "SP203", "SP204", "SP205", "SP206", "SP207", "SP208")
_BINARY_FINDINGS = ("SP201", "SP202", "SP203", "SP204")


@dataclass(frozen=True)
class Verdict:
    """What became of one hypothesis; C(evidence) are ids of exhibits with what they show."""

    verdict: str
    evidence: Sequence[tuple[str, str]] = ()
    missing: str | None = None


@dataclass
class Case:
    """The data of one host, and the exhibits that were taken from it so far."""

    facts: Mapping[str, Any]
    evidence: Mapping[str, Any]
    exhibits: list[dict[str, Any]] = field(default_factory=list)

    def exhibit(self, what: str, source: str, shows: str, time: str | None = None) -> str:
        """Return the id of this piece of evidence; the same piece is numbered once."""
        for known in self.exhibits:
            if (known["what"], known["source"], known["shows"]) == (what, source, shows):
                return str(known["id"])
        number = f"E{len(self.exhibits) + 1}"
        self.exhibits.append({"id": number, "what": what, "source": source, "shows": shows, "time": time})
        return number

    def findings(self, *ids: str) -> list[Mapping[str, Any]]:
        """Return the findings with one of these ids."""
        return [finding for finding in self.facts["findings"] if finding["id"] in ids]

    def files(self, *ids: str) -> list[Mapping[str, Any]]:
        """Return the collected files that findings with one of these ids name."""
        return [one for one in self.evidence.get("files", []) if one["finding"] in ids]

    @property
    def version(self) -> str:
        """Return the minor version of the system Python, "3.9"."""
        return str(self.facts["contract"]["version"])

    @property
    def whole(self) -> bool:
        """Tell whether rpm verified everything."""
        return not self.facts["verification"]["partial"]

    def verified(self) -> str:
        """Return the exhibit of the verification."""
        packages = ", ".join(sorted(self.facts["contract"]["packages"]))
        named = sorted({finding["id"] for finding in self.findings(*_DIFFERENCES)})
        shows = (
            f"differences are in the findings {', '.join(named)} only"
            if named
            else "no file differs from what was shipped"
        )
        return self.exhibit(f"files of {packages} and the package manager", "rpm -V --nodeps --noscripts", shows)


def check_all(case: Case) -> list[dict[str, Any]]:
    """Return all hypotheses with their verdicts; the exhibits are in the case afterwards."""
    checked = []
    for name, title, check in HYPOTHESES:
        verdict = check(case)
        evidence = [{"ref": ref, "shows": shows} for ref, shows in verdict.evidence]
        checked.append(
            {"id": name, "title": title, "verdict": verdict.verdict, "evidence": evidence, "missing": verdict.missing}
        )
    return checked


def ruled_in(*evidence: tuple[str, str]) -> Verdict:
    return Verdict("ruled_in", evidence)


def ruled_out(*evidence: tuple[str, str]) -> Verdict:
    return Verdict("ruled_out", evidence)


def left_open(missing: str, *evidence: tuple[str, str]) -> Verdict:
    return Verdict("open", evidence, missing)


# --- exhibits that several explanations share ------------------------------------------------------------------------


def _short(digest: str | None) -> str:
    return f"{digest[:12]}..." if digest else "unknown"


def _bytes_text(file: Mapping[str, Any]) -> str:
    """Return in words what lies where a file was shipped."""
    if file["kind"] == "missing":
        return "it is missing"
    if file["kind"] == "link":
        return f"it is a link to {printable(str(file['actual'].get('link_target')))}"
    if file["kind"] != "file":
        return f"it is a {file['kind']}"
    actual, expected = file["actual"], file["expected"]
    text = f"SHA-256 {_short(actual.get('digest'))}, {actual.get('size')} bytes"
    if file["same_as"]:
        text += f", the same content as {', '.join(printable(name) for name in file['same_as'])}"
    if file["version"]:
        text += f"; a program of CPython {file['version']}"
    elif file["content"]:
        text += f"; content: {file['content']}"
    if expected.get("digest"):
        text += f"; shipped was {_short(expected['digest'])}, {expected.get('size')} bytes"
    return text


def _file_exhibit(case: Case, file: Mapping[str, Any]) -> str:
    return case.exhibit(
        printable(file["path"]), "lstat, SHA-256, ELF constants, rpm's record", _bytes_text(file), file["ctime"]
    )


def _chain_exhibit(case: Case) -> str:
    hops = case.facts["resolution"]["python3"]
    shows = " -> ".join(printable(hop["path"]) for hop in hops) if hops else "missing"
    times = [
        one["hops"][0]["ctime"] for one in case.evidence.get("links", []) if one["path"] == COMMAND and one["hops"]
    ]
    return case.exhibit(f"where {COMMAND} leads", "readlink, hop by hop", shows, times[0] if times else None)


def _shell_evidence(case: Case, pattern: str) -> list[tuple[str, str]]:
    """Return the shell lines that match, two at most: they support, they do not decide."""
    found = [one for one in case.evidence.get("shell_history", []) if re.search(pattern, one["text"])]
    return [
        (
            case.exhibit(
                f"shell history of {one['user']}",
                f"{one['source']}:{one['line']}" if one["line"] else one["source"],
                f"'{one['text']}'",
                one["time"],
            ),
            "somebody typed it",
        )
        for one in found[-2:]
    ]


# --- the explanations ------------------------------------------------------------------------------------------------


def _alternatives_redirected(case: Case) -> Verdict:
    chain = _chain_exhibit(case)
    through = any(hop["path"].startswith("/etc/alternatives/") for hop in case.facts["resolution"]["python3"])
    foreign = case.findings("SP104")
    if not foreign:
        groups = ", ".join(printable(group["name"]) for group in case.facts["alternatives"]) or "none"
        read = case.exhibit(
            "alternatives groups about Python",
            "state files and /etc/alternatives",
            f"{groups}; none governs a packaged file",
        )
        return ruled_out(
            (read, "no group governs a file or link that a package ships"),
            (
                chain,
                "it passes /etc/alternatives by a group of the release itself"
                if through
                else "it does not pass /etc/alternatives",
            ),
        )
    states = {one["path"]: one for one in case.evidence.get("alternatives", [])}
    evidence = []
    for finding in foreign:
        path = finding["evidence"].get("state_file", "")
        choices = ", ".join(
            f"{printable(one['target'])} ({one['priority']})" for one in finding["evidence"].get("choices", [])
        )
        shows = f"mode {finding['evidence'].get('mode')}, choices {choices}"
        ref = case.exhibit(f"alternatives group over {finding['path']}", path, shows, states.get(path, {}).get("mtime"))
        evidence.append((ref, finding["summary"]))
    evidence.append(
        (
            chain,
            "it leads through /etc/alternatives"
            if through
            else "it no longer leads through the group: the link was replaced later",
        )
    )
    return ruled_in(*evidence, *_shell_evidence(case, r"alternatives"))


def _link_replaced(case: Case) -> Verdict:
    chain = _chain_exhibit(case)
    links = case.findings("SP101", "SP102", "SP103")
    by_hand = [one for one in links if not str(one["actual"]).startswith("/etc/alternatives/")]
    if not links:
        return ruled_out((chain, "every link of the contract is the packaged one"))
    if not by_hand:
        return ruled_out((chain, "it leads through /etc/alternatives, which the group explains"))
    evidence = []
    for finding in by_hand:
        times = [one["hops"][0]["ctime"] for one in case.evidence.get("links", []) if one["path"] == finding["path"]]
        shows = f"{printable(str(finding['actual']))}; the package ships {printable(str(finding['expected']))}"
        ref = case.exhibit(finding["path"], "readlink, rpm's record", shows, times[0] if times else None)
        evidence.append((ref, finding["summary"]))
    return ruled_in(*evidence, *_shell_evidence(case, r"\bln\b.*python|make.*install"))


def _path_shadowed(case: Case) -> Verdict:
    shadows = case.findings("SP106")
    if shadows:
        evidence = []
        for finding in shadows:
            who = ", ".join(printable(str(one)) for one in finding["evidence"].get("search_paths", []))
            evidence.append(
                (
                    case.exhibit(printable(finding["path"]), "search paths", f"comes first for: {who}"),
                    finding["summary"],
                )
            )
        return ruled_in(*evidence)
    paths = "; ".join(f"{printable(who)}: {printable(path)}" for who, path in case.facts["search_paths"].items())
    ref = case.exhibit("search paths of connection, login, sudo, systemd and cron", "their configuration", paths)
    return ruled_out((ref, f"in none of them another python3 comes before {COMMAND}"))


def _is_foreign(case: Case, file: Mapping[str, Any]) -> bool | None:
    """Tell whether a file's content was put there on purpose: null when its bytes do not tell."""
    if file["kind"] == "link":
        return True
    if file["kind"] != "file" or file["content"] in (None, "empty", "damaged"):
        return None
    if file["content"] in ("zeros", "random", "script", "text"):
        return file["content"] in ("script", "text")
    return _is_foreign_program(case, file)


def _is_foreign_program(case: Case, file: Mapping[str, Any]) -> bool | None:
    version = file["version"]
    if version and not (version + ".").startswith(case.version + "."):
        return True
    expected, actual = file["expected"].get("size"), file["actual"].get("size")
    if file["content"] == "elf" and expected is not None and expected != actual:
        # A whole program of another size: a failing disk does not write one.
        return True
    return None


def _binary_overwritten(case: Case) -> Verdict:
    binary = case.facts["contract"]["binary"]
    files = case.files(*_BINARY_FINDINGS)
    if not case.findings(*_BINARY_FINDINGS):
        if not case.whole:
            return left_open("rpm -V did not end in time")
        return ruled_out((case.verified(), f"{binary} has the content that its package shipped"))
    evidence = [(_file_exhibit(case, file), _overwritten_text(case, file)) for file in files]
    judged = [_is_foreign(case, file) for file in files]
    if any(judged):
        return ruled_in(*evidence, *_shell_evidence(case, r"\b(?:cp|mv|install|dd)\b.*python|make.*install"))
    if judged and all(one is False for one in judged):
        return ruled_out(*evidence)
    return left_open(
        "the bytes themselves do not tell; compare the copy in the quarantine with the package's file", *evidence
    )


def _overwritten_text(case: Case, file: Mapping[str, Any]) -> str:
    foreign = _is_foreign(case, file)
    if foreign and file["kind"] == "link":
        return "a link was put in the place of the binary"
    if foreign and file["version"]:
        return f"it is Python {file['version']}, not {case.version}: another program was written over it"
    if foreign:
        return f"another {file['content']} file was written over it"
    if foreign is False:
        return f"no program was written there: the bytes are {file['content']}"
    return "it could have been overwritten or damaged"


def _replaced_by_package(case: Case) -> Verdict:
    taken = case.findings("SP206")
    if taken:
        evidence = []
        for finding in taken:
            paths = ", ".join(printable(path) for path in finding["evidence"].get("paths", [])[:5])
            ref = case.exhibit(
                f"file states of {finding['evidence'].get('package')}", "rpm database", f"replaced: {paths}"
            )
            evidence.append((ref, finding["summary"]))
        return ruled_in(*evidence)
    if case.findings("SP301"):
        missing = case.exhibit("packages of the contract", "rpm -q", case.findings("SP301")[0]["summary"])
        return left_open(
            "the package that owned the files is not in the database, so its file states are not known",
            (missing, "it is not there to ask"),
        )
    packages = ", ".join(sorted(case.facts["contract"]["packages"]))
    ref = case.exhibit(f"file states of {packages}", "rpm database", "no file is in the state 'replaced'")
    return ruled_out((ref, "no other package took a file over"))


def _library_altered(case: Case) -> Verdict:
    altered = case.findings("SP205", "SP206")
    paths = [path for finding in altered for path in finding["evidence"].get("paths", [])]
    hidden = sum(finding["evidence"].get("count", 0) for finding in altered) - len(paths)
    libraries = [path for path in paths if _LIBRARY.match(path)]
    planted = [one for one in case.findings("SP209") if one["severity"] != "minor"]
    evidence = []
    if libraries:
        files = {file["path"]: file for file in case.evidence.get("files", [])}
        shown = [files[path] for path in libraries if path in files][:3]
        evidence += [(_file_exhibit(case, file), "a packaged file of the library differs") for file in shown]
        if not shown:
            ref = case.exhibit("library", "rpm -V", ", ".join(printable(path) for path in libraries[:5]))
            evidence.append((ref, "packaged files of the library differ"))
    for finding in planted:
        names = ", ".join(printable(path) for path in finding["evidence"].get("paths", [])[:5])
        evidence.append((case.exhibit("unowned files in the library's folders", "rpm -qf", names), finding["summary"]))
    if evidence:
        return ruled_in(*evidence)
    if hidden > 0 or not case.whole:
        return left_open(
            "not every altered file is known: rpm -V of the packages, in full",
            (case.verified(), "more files differ than were listed"),
        )
    if case.findings("SP301"):
        return left_open("a package of the contract is not in the database, so its files cannot be verified")
    beside = f"beside it {', '.join(printable(path) for path in paths[:3])} differs" if paths else "none of it differs"
    return ruled_out(
        (case.verified(), f"libpython and the standard library have the content that was shipped; {beside}")
    )


def _pip_as_root(case: Case) -> Verdict:
    overwrote = case.findings("SP208")
    installed = [one for one in case.findings("SP209") if one["severity"] == "minor"]
    own = f"/python{case.version}/"
    mine = [one for one in overwrote if own in str(one["evidence"].get("installed_by"))]
    evidence = []
    for finding in mine + installed:
        shows = ", ".join(printable(path) for path in finding["evidence"].get("paths", [])[:5])
        source = str(finding["evidence"].get("installed_by") or "RECORD and INSTALLER of dist-info folders")
        evidence.append(
            (case.exhibit("files that pip wrote down as its own", printable(source), shows), finding["summary"])
        )
    if evidence:
        return ruled_in(*evidence, *_shell_evidence(case, r"\bpip[\d.]*\b"))
    if overwrote:
        by = printable(str(overwrote[0]["evidence"].get("installed_by")))
        ref = case.exhibit(printable(overwrote[0]["path"]), by, "claimed by the pip that came with another Python")
        return ruled_out((ref, "it came with that Python's own installation, not with a run of the system's pip"))
    if case.findings("SP301"):
        return left_open("a package of the contract is not in the database, so nobody knows which files are its own")
    ref = case.exhibit(
        f"dist-info folders of Python {case.version}",
        "RECORD and INSTALLER",
        "none of pip's or uv's claims an altered or unowned file",
    )
    return ruled_out((ref, "pip wrote no file into the system's folders"))


def _environment_variable(case: Case) -> Verdict:
    hijacks = case.findings("SP107")
    if hijacks:
        return ruled_in(
            *(
                (
                    case.exhibit("environment", str(one["evidence"].get("source")), one["summary"]),
                    "every Python obeys it",
                )
                for one in hijacks
            )
        )
    ref = case.exhibit(
        "environment for everyone",
        "/etc/environment, /etc/profile, profile.d, shell files, pam_env, systemd, crontab, the connection",
        "PYTHONHOME, PYTHONPATH and PYTHONSTARTUP are not set",
    )
    return ruled_out((ref, "no variable leads Python elsewhere"))


def _failed_update(case: Case) -> Verdict:
    owners = case.findings("SP301")
    failed = [one for one in case.evidence.get("transactions", []) if one["ok"] is False]
    if any("more than once" in finding["summary"] for finding in owners):
        ref = case.exhibit("packages of the contract", "rpm -q", owners[0]["summary"])
        return ruled_in((ref, "an update that ends half way leaves a package twice"))
    if any("python" in " ".join(one["packages"]).lower() for one in failed):
        one = next(one for one in failed if "python" in " ".join(one["packages"]).lower())
        ref = case.exhibit(
            f"transaction {one['id'] or ''}".strip(),
            one["source"],
            f"{one['what']}: it ended with an error",
            one["time"],
        )
        return ruled_in((ref, "a transaction of Python's packages failed"))
    if owners:
        ref = case.exhibit("packages of the contract", "rpm -q", owners[0]["summary"])
        return left_open("a record of what removed the package", (ref, "an update may have removed it, or a person"))
    installed = _install_times(case)
    changed = [file["ctime"] for file in case.files(*_BINARY_FINDINGS, "SP205", "SP206") if file["ctime"]]
    changed += [
        one["hops"][0]["ctime"] for one in case.evidence.get("links", []) if one["hops"] and one["hops"][0]["ctime"]
    ]
    if not installed:
        return left_open("when the packages of the contract were installed (rpm -qa --last)")
    names = ", ".join(f"{name} {time}" for name, time in installed)
    ref = case.exhibit("packages of the contract", "rpm -qa --last", f"each is installed once: {names}")
    history = case.evidence.get("transactions", [])
    evidence = [(ref, "no package is there twice or half")]
    if history:
        ended = [one for one in history if one["ok"]]
        number = "1 entry" if len(history) == 1 else f"{len(history)} entries"
        text = f"{number}, none of them failed" if ended else f"{number}, none about a failure"
        evidence.append(
            (
                case.exhibit("history of the package manager", history[0]["source"], text),
                "no transaction of Python's packages failed",
            )
        )
    latest = max(time for _name, time in installed)
    if changed and max(changed) < latest and case.findings(*_BINARY_FINDINGS, "SP205"):
        return left_open(
            "the files changed before the packages were installed; the log of that transaction would tell", *evidence
        )
    return ruled_out(*evidence)


def _install_times(case: Case) -> list[tuple[str, str]]:
    nevras = {case.facts["packages"].get(name) for name in case.facts["contract"]["packages"]}
    return [(one["nevra"], one["time"]) for one in case.evidence.get("packages", []) if one["nevra"] in nevras]


def _disk_corruption(case: Case) -> Verdict:
    files = [file for file in case.files(*_BINARY_FINDINGS, "SP205") if file["kind"] == "file"]
    kernel = [one for one in case.evidence.get("log", []) if one["source"] == "journalctl -k"]
    disk = [
        (case.exhibit("kernel log", one["source"], one["text"], one["time"]), "the disk reported an error")
        for one in kernel[:3]
    ]
    damaged = [file for file in files if _is_damaged(file)]
    if damaged:
        evidence = [
            (_file_exhibit(case, file), f"the bytes are {file['content']}, no file of anybody's")
            for file in damaged[:3]
        ]
        return ruled_in(*evidence, *disk)
    unclear = [file for file in files if not _explained(case, file)]
    if unclear:
        evidence = [
            (_file_exhibit(case, file), "its bytes could be damaged as well as changed") for file in unclear[:3]
        ]
        missing = "the disk's own error counters (smartctl), or the difference to the package's file byte by byte"
        return left_open(missing, *evidence, *disk)
    if files:
        evidence = [
            (_file_exhibit(case, file), "the bytes are a whole file of another content, not damage")
            for file in files[:3]
        ]
        return ruled_out(*evidence)
    # pip removes the files of the version that it replaces.
    by_pip = "/site-packages/" if case.findings("SP208") else None
    missing_files = [
        file
        for file in case.files(*_BINARY_FINDINGS, "SP205")
        if file["kind"] == "missing" and not (by_pip and by_pip in file["path"])
    ]
    if missing_files:
        return left_open(
            "what removed the file",
            *((_file_exhibit(case, file), "a file is gone") for file in missing_files[:3]),
            *disk,
        )
    if not case.whole:
        return left_open("rpm -V did not end in time")
    return ruled_out((case.verified(), "no content differs that a disk could have damaged"), *disk)


def _is_damaged(file: Mapping[str, Any]) -> bool:
    same_size = file["expected"].get("size") in (None, file["actual"].get("size"))
    return file["content"] in ("zeros", "random") or (file["content"] == "damaged" and same_size)


def _explained(case: Case, file: Mapping[str, Any]) -> bool:
    return bool(_is_foreign(case, file)) or (file["finding"] == "SP205" and file["content"] in ("script", "text"))


Check = Callable[[Case], Verdict]

HYPOTHESES: Sequence[tuple[str, str, Check]] = (
    ("alternatives_redirected", "alternatives redirected python3", _alternatives_redirected),
    ("link_replaced", "a packaged link was replaced directly", _link_replaced),
    ("path_shadowed", "another python3 shadows it on PATH", _path_shadowed),
    ("binary_overwritten", "the binary was overwritten in place", _binary_overwritten),
    ("replaced_by_package", "another package replaced it", _replaced_by_package),
    ("library_altered", "the library was altered", _library_altered),
    ("pip_as_root", "pip ran as root", _pip_as_root),
    ("environment_variable", "an environment variable leads astray", _environment_variable),
    ("failed_update", "an update failed half way", _failed_update),
    ("disk_corruption", "the disk corrupted it", _disk_corruption),
)


# What a summary names last: it is seldom all.
_LESSER = ("alternatives_redirected", "link_replaced", "path_shadowed")


def titles(ids: Iterable[str]) -> list[str]:
    """Return the titles of hypotheses, what is done to files before what is done to links."""
    wanted = set(ids)
    found = [(name in _LESSER, title) for name, title, _check in HYPOTHESES if name in wanted]
    return [title for _lesser, title in sorted(found, key=lambda one: one[0])]
