# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Take secrets out of text that people wrote: shell histories, logs, command lines, messages.

A report is mailed around, so in doubt a word goes: too much is redacted rather than too little. Nobody can tell a
secret from a name by its looks, so of a shell's command line only what the report is about stays (command_line).
"""

import re
import typing as t

__all__ = ["MARK", "command_line", "redact"]

MARK = "[redacted]"

_WORDS = (
    r"pass|pwd|passwd|phrase|token|secret|cred|auth|api[_-]?key|key|private|session|cookie|salt|signature|license|"
    r"licence|dsn|conn(?:ection)?[_-]?str|activation|regcode|otp|pin(?:code)?\b|bearer|jwt|oauth|sas|webhook"
)

_VALUE = r"(?:\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|\$\([^)]*\)?|`[^`]*`?|[^\s;&|<>]+)"


def _compiled(pattern: str) -> "t.Pattern[str]":
    return re.compile(pattern, re.IGNORECASE)


# Each with what stays of it.
_RULES: t.Tuple[t.Tuple["t.Pattern[str]", str], ...] = (
    (_compiled(r"-----BEGIN [^-]*(?:KEY|CERTIFICATE)[^-]*-----.*"), MARK),
    # A header: everything after its name, it may hold several words.
    (
        _compiled(
            r"\b((?:proxy-)?authorization|(?:set-)?cookie|(?:x|private|job|deploy)-[\w-]*(?:token|key|auth|secret)[\w-]*)"
            r"(\"?'?\s*[:=]\s*).*"
        ),
        r"\1\2" + MARK,
    ),
    # scheme://user:password@host, also with an @ or a slash in the password.
    (_compiled(r"\b([a-z][a-z0-9+.-]*://)[^\s'\"<>]*@"), r"\1" + MARK + "@"),
    (_compiled(r"\b(bearer|basic|digest|negotiate|token)\s+[A-Za-z0-9._~+/=:-]{4,}"), r"\1 " + MARK),
    # --password x, --password=x, -pass x, --api-key "x y"
    (_compiled(r"(?<![\w])(--?[\w-]*(?:" + _WORDS + r")[\w-]*)(\s*=\s*|\s+)(?!-)" + _VALUE), r"\1\2" + MARK),
    # curl -u user:password, --user user:password, --proxy-user ...
    (
        _compiled(r"(?<![\w-])(-[uU]|--(?:proxy-|ftp-|http-)?user(?:name)?)(\s*=?\s*)[^\s:;&|]*:" + _VALUE),
        r"\1\2" + MARK,
    ),
    # mysql -psecret, sshpass -p secret, docker login -p secret; -p alone is no secret of mkdir's and cp's.
    (
        _compiled(
            r"\b((?:mysql\w*|mariadb\w*|sshpass|docker|podman|skopeo|buildah|helm|useradd|usermod|htpasswd|oc|az)\b"
            r"[^;&|]*?\s-(?:p|b))\s*" + _VALUE
        ),
        r"\1 " + MARK,
    ),
    # Programs whose words are secrets: everything after them.
    (
        _compiled(
            r"\b(chpasswd|passwd\s+--stdin|htpasswd|ansible-vault|vault|kinit|smbclient|ldap\w+|aws\s+configure|"
            r"suseconnect|subscription-manager|keytool|openssl|gpg2?|echo\b[^|]*\|\s*(?:sudo|passwd|kinit|docker|podman))"
            r"(?=\s).*"
        ),
        r"\1 " + MARK,
    ),
    # echo secret | sudo -S ...: what comes before the pipe.
    (_compiled(r"\b(?:echo|printf|cat\s*<<<)\s+[^|;&]*(\|\s*)"), MARK + r" \1"),
    # NAME=value, NAME: value, "name": "value"; but in sudo's line PWD is the working directory.
    (
        _compiled(
            r"(?!PWD=/[^;]* ; USER=)((?<![A-Za-z0-9])[\w.-]*(?:"
            + _WORDS
            + r")[\w.-]*[\"']?)(\s*(?:=|:=|:)\s*)(?!\s|//)"
            + _VALUE
        ),
        r"\1\2" + MARK,
    ),
    # password is hunter2, passphrase hunter2
    (
        _compiled(
            r"\b(passw(?:or)?d|passphrase|passcode|secret)(\s+(?:is|was)?\s*)(?!(?:(?:is|was)\s+)?\[redacted)\S+"
        ),
        r"\1\2" + MARK,
    ),
)

# Forms of keys that are known by their beginning.
_KNOWN = re.compile(
    r"\b(?:(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA|ABIA|ACCA)[A-Z0-9]{8,}"
    r"|gh[pousr]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|gl(?:pat|rt|dt|cbt|ptt|ft|soat|agent|oas)-[\w-]{10,}|xox[a-z]-[\w-]{8,}"
    r"|[sr]k[_-](?:live|test|proj|ant)?[_-]?[\w-]{10,}|eyJ[\w-]{8,}(?:\.[\w-]*)*|AIza[\w-]{20,}|ya29\.[\w-]+"
    r"|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|hv[sb]\.[\w-]{10,}|SG\.[\w-]{8,}(?:\.[\w-]+)?|dop_v1_\w+|EAA[A-Za-z0-9]{20,}"
    r"|\$(?:1|2[aby]|5|6|y|7|gy|argon2\w*)\$[^\s:;]+)"
)

_SEVERAL = re.compile(r"[\s=:@]")
_RUN = re.compile(r"[A-Za-z0-9+/_~!#%^*-]{16,}={0,2}")
# Runs of this collection are called by their time (new_run_id).
_RUN_NAME = re.compile(r"^\d{8}T\d{6}Z(?:-aid)?-[0-9a-f]{6}$")
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")


def redact(text: str, looks: bool = True) -> t.Tuple[str, int]:
    """Return C(text) with its secrets replaced by MARK, and how many were.

    With C(looks), words go that look as if they were drawn by lot, too: not for text that holds checksums.
    """
    count = 0
    # No rule fits a single word; most of a report are single words.
    for pattern, kept in _RULES if _SEVERAL.search(text) else ():
        text, more = pattern.subn(kept, text)
        count += more
    text, more = _KNOWN.subn(MARK, text)
    count += more
    if looks:
        text, more = _by_looks(text)
        count += more
    return text, count


def _by_looks(text: str) -> t.Tuple[str, int]:
    found: t.List[str] = []

    def replace(match: "t.Match[str]") -> str:
        word = match.group(0)
        # Of a path each name is judged alone.
        parts = (
            word.split("/") if word.startswith("/") or (match.start() and text[match.start() - 1] in "./~") else [word]
        )
        if any(_is_drawn(part) for part in parts):
            found.append(word)
            return MARK
        return word

    return _RUN.sub(replace, text), len(found)


def _is_drawn(word: str) -> bool:
    """Tell whether a word looks drawn by lot: long, and mixed as no name is."""
    bare = word.strip("-=_")
    digits = sum(char.isdigit() for char in bare)
    letters = sum(char.isalpha() for char in bare)
    if len(bare) < 16 or not letters or _RUN_NAME.match(bare):
        return False
    if re.match(r"^[0-9a-fA-F-]{32,}$", bare):
        return True
    mixed = any(char.isupper() for char in bare) and any(char.islower() for char in bare)
    if mixed and (digits or ("-" not in bare and "_" not in bare and len(bare) >= 20 and _CAMEL.search(bare))):
        return True
    return digits >= 4 and len(set(bare)) >= 10 and "-" not in bare and "_" not in bare


# --- command lines ---------------------------------------------------------------------------------------------------

_SEPARATOR = re.compile(r"(\s*(?:&&|\|\||[;|&\n])\s*)")
_PROGRAM = re.compile(
    r"(?:^|[\s/'\"=(])(?:python[\d.]*|pypy[\d.]*|pip[\d.]*|pipx|uv|easy_install[\d.-]*|(?:update-)?alternatives|"
    r"(?:make|gmake|ninja)|configure|dnf|yum|zypper|rpm|conda|pyenv)(?=$|[\s'\")\]])",
    re.IGNORECASE,
)
_INTERESTING = re.compile(
    r"python|\bpip[\d.]*\b|\bpipx\b|\buv\b|alternatives|\b(?:alt)?install\b.*\bmake\b|\bg?make\b.*install|"
    r"easy_install|pyenv|\bsetenforce\b|selinux",
    re.IGNORECASE,
)
_PYTHON = re.compile(r"^(?:.*/)?(?:python|pypy)[\d.]*$")
_PIP = re.compile(r"^(?:.*/)?(?:pip[\d.]*|uv|pipx|easy_install[\d.-]*)$")
_TRANSPARENT = ("sudo", "time", "nohup", "exec", "command", "env", "nice", "su", "then", "do", "!", "(", "{")
_OPTION = re.compile(r"^-{1,2}[A-Za-z][A-Za-z-]*$")
_PATH = re.compile(r"^[~.]{0,2}/[\w./+~@%-]*$|^\.{1,2}$")
_SHOWN_WORD = re.compile(r"^[\w.+~/-]{1,60}$")


def command_line(text: str) -> t.Optional[t.Tuple[str, int]]:
    """Return the parts of a shell's command line that are about Python, redacted, and how much was; null for none.

    Other commands of the line become C([...]). Of what is given to a Python only options and paths stay.
    """
    if not _INTERESTING.search(text):
        return None
    safe, count = redact(text)
    parts = _SEPARATOR.split(safe)
    kept: t.List[str] = []
    for number, part in enumerate(parts):
        if number % 2:
            kept.append(part if part.strip() else " ")
        elif not part.strip():
            kept.append("")
        elif _INTERESTING.search(part):
            shown = _trim(part)
            count += shown.count("[argument]") + shown.count("[code]") + shown.count(MARK) - part.count(MARK)
            kept.append(shown)
        else:
            count += 1
            kept.append("[...]")
    return "".join(kept).strip(), count


def _trim(part: str) -> str:
    """Return a command without the words of which nobody knows what they are: arguments of a program of Python."""
    words = part.split()
    shown: t.List[str] = []
    place = 0
    while place < len(words) and (words[place] in _TRANSPARENT or _is_assignment(words[place])):
        shown.append(_assignment(words[place]))
        place += 1
    rest = words[place:]
    if rest and _PYTHON.match(rest[0].strip("'\"")):
        shown.extend(_python_words(rest))
    elif rest and (_PROGRAM.search(rest[0]) or _PIP.match(rest[0]) or rest[0] in _KNOWN_PROGRAMS):
        shown.extend(_plain_words(rest))
    elif rest:
        # Some other program that names Python: its options and paths, and the words about Python.
        shown.append(rest[0] if _SHOWN_WORD.match(rest[0]) else "[argument]")
        shown.extend(word if _keeps(word) or _INTERESTING.search(word) else "[argument]" for word in rest[1:])
    return " ".join(shown)


_KNOWN_PROGRAMS = (
    "cp",
    "mv",
    "ln",
    "rm",
    "install",
    "tar",
    "cd",
    "ls",
    "cat",
    "file",
    "which",
    "ldd",
    "chmod",
    "chown",
    "setenforce",
    "sed",
    "readlink",
    "hash",
    "type",
    "vi",
    "vim",
    "nano",
    "find",
    "md5sum",
    "sha256sum",
)


def _is_assignment(word: str) -> bool:
    return bool(re.match(r"^[A-Za-z_]\w*=", word))


def _assignment(word: str) -> str:
    name, equals, value = word.partition("=")
    if not equals:
        return word
    return word if name.startswith("PYTHON") and _SHOWN_WORD.match(value) else "{0}={1}".format(name, MARK)


def _keeps(word: str) -> bool:
    return bool(_OPTION.match(word) or _PATH.match(word)) or word == MARK


def _python_words(words: t.Sequence[str]) -> t.List[str]:
    shown = [words[0]]
    place = 1
    while place < len(words):
        word = words[place]
        if word == "-c":
            return shown + ["-c", "[code]"]
        if word == "-m" and place + 1 < len(words):
            module = words[place + 1]
            rest = words[place + 2 :]
            return (
                shown
                + ["-m", module]
                + (_plain_words(rest) if module in ("pip", "venv", "ensurepip") else _without_arguments(rest))
            )
        if not word.startswith("-"):
            return shown + [word if _SHOWN_WORD.match(word) else "[argument]"] + _without_arguments(words[place + 1 :])
        shown.append(word if _OPTION.match(word) else "[argument]")
        place += 1
    return shown


def _without_arguments(words: t.Sequence[str]) -> t.List[str]:
    return [word if _keeps(word) else "[argument]" for word in words]


def _plain_words(words: t.Sequence[str]) -> t.List[str]:
    """Return the words of make, pip, alternatives or cp: names of packages and targets, options, paths, numbers."""
    return [
        word if _keeps(word) or _SHOWN_WORD.match(word) or _is_option_with_path(word) else "[argument]"
        for word in words
    ]


def _is_option_with_path(word: str) -> bool:
    return bool(re.match(r"^(?:--[A-Za-z-]+|[A-Z_]+)=[\w./+~@%-]*$", word))
