# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm says of the signatures of package files."""

import re
import typing as t

from .._base.errors import SignatureError
from .._base.text import printable

__all__ = ["signature_complaint", "signature_error", "signature_sections"]

_SIGNATURE_LINE = re.compile(r"^    (.+): ([A-Z]+)(?: \(.*\))?$")


def signature_sections(output: str, names: t.Sequence[str]) -> t.List[t.List[str]]:
    """Return for each of C(names) the indented lines that C(rpm -K -v) printed below it; none for one it left out."""
    sections = {}  # type: t.Dict[str, t.List[str]]
    current = []  # type: t.List[str]
    for line in output.splitlines():
        if not line.startswith(" ") and line.endswith(":"):
            current = sections.setdefault(line[:-1], [])
        else:
            current.append(line)
    return [sections.get(name, []) for name in names]


def signature_complaint(section: t.Sequence[str], allow_unsigned: bool) -> str:
    """Return what is wrong according to the lines of C(rpm -K -v) about one package, or an empty string.

    V(NOTFOUND) is printed, where signatures are enforced, for each kind of signature and digest that the package lacks.
    """
    results = [match.groups() for match in map(_SIGNATURE_LINE.match, section) if match]
    signatures = [(what, result) for what, result in results if "signature" in what.lower()]
    digests = [(what, result) for what, result in results if "digest" in what.lower()]
    bearable = ("OK", "NOTFOUND", "NOKEY", "NOTTRUSTED") if allow_unsigned else ("OK", "NOTFOUND")
    wrong = [(what, result) for what, result in signatures if result not in bearable]
    wrong += [(what, result) for what, result in digests if result not in ("OK", "NOTFOUND")]
    if wrong:
        return "its {0} is {1}".format(*wrong[0])
    if not any(result == "OK" for _what, result in digests):
        return "its digests could not be checked"
    if not allow_unsigned and not any(result == "OK" for _what, result in signatures):
        return "it has no signature"
    return ""


def signature_error(file: str, complaint: str, said: str) -> SignatureError:
    """Return the error about a package that is not used."""
    message = "{0} is not used: {1}. rpm -K said: {2}".format(printable(file), complaint, said or "(nothing)")
    return SignatureError(message, file=file, output=said, reason=complaint)
