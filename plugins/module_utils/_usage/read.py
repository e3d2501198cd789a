# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Tell by reading alone which name of the system's interpreter a path, a script or a command line starts."""

import os
import re
import stat
import typing as t

from .._audit.contract import Contract
from .._disk.files import open_regular
from .._disk.links import Hop, end_of, resolve, which
from .reading import reading_below

__all__ = ["CHANGES", "FOLDERS", "Reader", "Start", "exec_lines", "script_text", "without_comments"]

# What could happen to the interpreter; see Reader.breaks_by.
CHANGES = ("redirected", "overwritten", "gone")

# Where a command without a folder is looked for: built into login, sudo and systemd.
FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")

_HEAD = 256
_MOST = 1 << 16
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
_PYTHON = re.compile(r"(?:platform-)?python[\d.]*[dmtu]*")

_TOKEN = re.compile(
    r"""(?P<stop>[;|&()`\n]+)|(?P<word>(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\;|&()<>`])+)|[<>]+""", re.DOTALL
)
_QUOTED = re.compile(r"""\\x([0-9a-fA-F]{2})|"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)""", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
# Behind these comes a command, some words later for most of them.
_WRAPPERS = frozenset(
    "! if then else elif do while until time exec command eval env nice ionice nohup setsid timeout flock chrt taskset "
    "sudo su runuser chronic systemd-cat systemd-run cronlock run-one stdbuf {".split()
)
_EXEC = re.compile(r"\s*(Exec[A-Z][A-Za-z]*)\s*=\s*[-@:+!|]*(.*)", re.DOTALL)


class Start(t.NamedTuple):
    """How something starts the interpreter.

    C(interpreter) is a name of the contract; C(how): C(names) (the path or the name is written there), C(shebang),
    C(env) (C(#!/usr/bin/env)), C(link), C(command) (C(via) is the command that depends) or C(script) (C(via) is the
    shell script that starts it); C(written) as it stands there; C(shadowed_by) what PATH has before it, or empty.
    """

    interpreter: str
    how: str
    written: str
    via: str = ""
    shadowed_by: str = ""


class Reader:
    """Knows the names of one contract's interpreter; remembers what it has read.

    Once C(is_late) says so, no more shell scripts are looked into: a single crontab can name thousands of them.
    """

    def __init__(
        self,
        contract: Contract,
        folders: t.Sequence[str] = FOLDERS,
        is_late: t.Callable[[], bool] = lambda: False,
    ) -> None:
        self.folders = tuple(folders)
        self._is_late = is_late
        # Enterprise Linux 8 promises no such link: there it is an alternatives group's.
        commands = [link["path"] for link in contract["links"] if os.path.basename(link["path"]) == "python3"]
        self.link = commands[0] if commands else "/usr/bin/python3"
        self._targets = {link["path"]: link["target"] for link in contract["links"]}
        self.binaries = tuple(name for one in contract["binaries"] for name in [one["path"]] + list(one["twins"]))
        self.names = tuple(dict.fromkeys([self.link] + list(self._targets) + list(self.binaries)))
        self._name_of: t.Dict[str, t.Optional[str]] = {}
        self._command: t.Dict[str, t.Optional[Start]] = {}
        self._scripts: t.Dict[str, t.List[Start]] = {}

    def breaks_by(self, name: str) -> t.List[str]:
        """Return what breaks whoever starts C(name); only a name that leads over the link breaks by its redirection."""
        route = [name]
        while route[-1] in self._targets and len(route) <= len(self._targets):
            route.append(os.path.normpath(os.path.join(os.path.dirname(route[-1]), self._targets[route[-1]])))
        return [change for change in CHANGES if change != "redirected" or self.link in route]

    def name_of(self, path: str) -> t.Optional[str]:
        """Return the first name of the contract on the way of C(path), null when it leads elsewhere."""
        if path not in self._name_of:
            self._name_of[path] = next((hop["path"] for hop in _hops(path) if hop["path"] in self.names), None)
        return self._name_of[path]

    def called(self, word: str) -> t.Optional[t.Tuple[str, str]]:
        """Return the name of the contract that a command without a folder means, and what PATH has before it."""
        first = which(word, self.folders)
        found = self.name_of(first) if first else None
        for name in self.names:
            if os.path.basename(name) == word and os.path.dirname(name) in self.folders:
                return name, first if first and not found else ""
        return (found, "") if found else None

    def command(self, path: str) -> t.Optional[Start]:
        """Return what the command C(path) runs under: a script's first line tells, or it is a link to one."""
        if path not in self._command:
            self._command[path] = self._command_of(path)
        return self._command[path]

    def _command_of(self, path: str) -> t.Optional[Start]:
        name = self.name_of(path)
        if name:
            return Start(name, "link", path)
        line = _first_line(_hops(path))
        words = line.split()
        if not words:
            return None
        if os.path.basename(words[0]) == "env":
            meant = _behind_env(words[1:])
            found = (self.name_of(meant), "") if meant.startswith("/") else self.called(meant) if meant else None
            return Start(found[0], "env", "#!" + line, "", found[1]) if found and found[0] else None
        name = self.name_of(words[0]) if words[0].startswith("/") else None
        return Start(name, "shebang", "#!" + line) if name else None

    def in_text(self, text: str, deep: bool = True) -> t.List[Start]:
        """Return what the command lines C(text) start, each once; with C(deep), shell scripts are looked into."""
        words = _words(text, self._is_program)
        return list(dict.fromkeys(start for word in words for start in self._of_word(*word, deep)))

    def _of_word(self, word: str, is_command: bool, deep: bool) -> t.List[Start]:
        path = word if word.startswith("/") else word.partition("=")[2]
        if path.startswith("/"):
            return self.started_by(path, deep)
        if not is_command or "/" in word:
            return []
        if _PYTHON.fullmatch(word):
            found = self.called(word)
            return [Start(found[0], "names", word, "", found[1])] if found else []
        program = which(word, self.folders)
        return self.started_by(program, deep) if program else []

    def _is_program(self, word: str) -> bool:
        folder, name = os.path.split(word)
        return bool(_PYTHON.fullmatch(name) or which(name, [folder] if folder.startswith("/") else self.folders))

    def started_by(self, path: str, deep: bool = True) -> t.List[Start]:
        """Return what is started when C(path) is: the interpreter itself, a command of it, or a shell script."""
        found = self.command(path)
        if found:
            is_interpreter = found.how == "link"
            return [found._replace(how="names") if is_interpreter else found._replace(how="command", via=path)]
        if not deep:
            return []
        if path not in self._scripts:
            if self._is_late():
                return []
            self._scripts[path] = self._in_script(path)
        return self._scripts[path]

    def _in_script(self, path: str) -> t.List[Start]:
        if os.path.basename((_first_line(_hops(path)).split() or [""])[0]) not in _SHELLS:
            return []
        inner = self.in_text(without_comments(_text(_hops(path))), deep=False)
        return [start._replace(how="script", via=path) for start in inner]


def _hops(path: str) -> t.List[Hop]:
    if "\0" in path:
        return []
    try:
        return resolve(path)
    except OSError:
        # A word of a text need not be a path at all (its name may be too long), or is closed to us.
        return []


def _content(hops: t.Sequence[Hop], size: int) -> bytes:
    """Return the beginning of the executable file that the hops end in, nothing where there is none."""
    real = end_of(hops) if hops else None
    if real is None:
        return b""
    try:
        with reading_below(real):
            descriptor = open_regular(real)
    except OSError:
        # Gone meanwhile, or closed to us.
        return b""
    try:
        return os.pread(descriptor, size, 0) if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o111 else b""
    finally:
        os.close(descriptor)


def _first_line(hops: t.Sequence[Hop]) -> str:
    """Return the first line of a script behind its mark, an empty text for anything else."""
    start = _content(hops, _HEAD)
    return start[2:].split(b"\n")[0].decode("utf-8", "surrogateescape").strip() if start[:2] == b"#!" else ""


def script_text(path: str) -> str:
    """Return the beginning of the executable script C(path), with its first line; nothing for anything else."""
    hops = _hops(path)
    return _text(hops) if _first_line(hops) else ""


def _text(hops: t.Sequence[Hop]) -> str:
    return _content(hops, _MOST).decode("utf-8", "surrogateescape")


def _behind_env(words: t.Sequence[str]) -> str:
    """Return the program that env(1) starts, an empty text when the line does not tell."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        split = re.match(r"(?:-[iv0]*S|--split-string=?)(.*)", word)
        if split:
            if split.group(1):
                rest.insert(0, split.group(1))
        elif word in ("-u", "-C", "--unset", "--chdir"):
            rest = rest[1:]
        elif not word.startswith("-") and not _ASSIGNMENT.match(word):
            return word
    return ""


def without_comments(text: str) -> str:
    """Return the lines of a shell script or a crontab that are no comments."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _words(text: str, is_program: t.Callable[[str], bool], again: bool = True) -> t.Iterator[t.Tuple[str, bool]]:
    """Yield each word of a shell's command lines, and whether it is the command, or may be one behind a wrapper."""
    awaited, program, before = True, "", ""
    for match in _TOKEN.finditer(text):
        if match.group("word") is None:
            if match.group("stop"):
                awaited, program = True, ""
            continue
        word = _QUOTED.sub(_unquoted, match.group("word"))
        if again and before == "-c" and re.search(r"\s", word) and not _PYTHON.fullmatch(os.path.basename(program)):
            yield from _words(word, is_program, again=False)
        before, is_command = word, awaited and not _ASSIGNMENT.match(word)
        yield word, is_command
        is_wrapper = os.path.basename(word) in _WRAPPERS
        # Behind a wrapper, its options and their values are passed over.
        if is_command and (is_wrapper or not program or is_program(word)):
            awaited, program = is_wrapper, word


def _unquoted(match: "t.Match[str]") -> str:
    code, double, single, char = match.groups()
    if code is not None:
        return chr(int(code, 16))
    if double is not None:
        return _QUOTED.sub(_unquoted, double)
    return single if single is not None else char or ""


def exec_lines(text: str) -> t.Iterator[t.Tuple[str, str]]:
    """Yield (directive, command line) of a unit: ExecStart and the others, with their continuation lines."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("#", ";"))]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).split("\n"):
        match = _EXEC.match(line)
        if match:
            yield match.group(1), match.group(2)
