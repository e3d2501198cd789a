# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import posixpath
import re
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import HostAnswerError
from ansible_collections.fleet.system_python.plugins.module_utils._base.foreign import Foreign

HOST = Foreign(HostAnswerError, "The host answered", "Look at it.")
DIGEST = "0123456789abcdef" * 4
ALLOWED: t.Dict[str, t.List[object]] = {
    "raw": ["", "a\0b"],
    "line": ["", "python3 is fine", "\u00fc"],
    "package_name": ["python3", "libstdc++", "python3.11-libs", "_x"],
    "nevra": ["python3-3.6.8-1.el8.x86_64", "a-1:2~rc1^git-3.noarch", "python36-3.6.8-38.module_el8+1+2.x86_64"],
    "digest": [DIGEST],
    "absolute_path": ["/", "/usr/bin/python3", "/a b\n", "/..a", "/\udcff"],
    "file_name": ["CentOS-Base.repo", "a b", "x+y~1:2-3.noarch.rpm", "\u00fc"],
    "number": [0, "0", "007", 5, str((1 << 63) - 1)],
}
NO_TEXTS: t.List[object] = [None, 5.0, True, [], {}, ["a"], {"a": "b"}, b"a"]
ODD: t.List[object] = ["", "\n", "a\n", "\u202ea", "\x1b[31m", "a\0", "\u0661", "x" * 70000]
REFUSED: t.Dict[str, t.List[object]] = {
    "raw": ["x" * 70000],
    "line": ["\n", "a\n", "\u202ea", "\x1b[31m", "a\0", "\udcff", "x" * 1025],
    "package_name": [*ODD, "-x", "--pipe=id", "a b", "a/b", ".", "a;b", "$(id)", "a{b}", "%{name}"],
    "nevra": [
        *ODD,
        "python3",
        "--pipe=id>/root/PWNED;true-1-1.noarch",
        "-a-1-1.noarch",
        "a-1-1",
        "a-99999999999:1-1.noarch",
        "a-4294967296:1-1.noarch",
        "a-1-1.no/arch",
        "a-1-1.noarch\n",
    ],
    "digest": [*ODD, DIGEST[1:], DIGEST + "0", DIGEST.upper(), DIGEST + "\n", "../../../../etc/profile.d/x.sh 27"],
    "absolute_path": ["", "a", "./a", "//a", "/a/", "/a//b", "/a/../b", "/..", "/.", "/a/.", "/a\0", "/" + "a" * 4095],
    "file_name": [*ODD[:6], "x" * 256, ".", "..", "../a", "/a", "a/b", ".hidden", "-rf", "a\\b", "\u00fc" * 128],
    "number": [*ODD, -1, "-1", " 1", "1_0", "+1", "0x1", "1e3", "1.0", 1 << 63, str(1 << 63), "9" * 5000],
}
WRONG_WORDS: t.List[object] = ["c", None, ["a"], {}]
WRONG_LISTS: t.List[object] = [{}, "12", None, 5, ["1", "2", "3"]]


def read(kind: str, value: object) -> object:
    return getattr(HOST, kind)(value, "field")


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in ALLOWED.items() for value in values])
def test_what_fits_is_returned_as_it_is(kind: str, value: object) -> None:
    assert read(kind, value) == (int(str(value)) if kind == "number" else value)


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in REFUSED.items() for value in NO_TEXTS + values]
)
def test_what_does_not_fit_names_its_field(kind: str, value: object) -> None:
    with pytest.raises(HostAnswerError) as caught:
        read(kind, value)
    assert caught.value.kind == "host_answer_invalid"
    assert caught.value.details == {"field": "field"}
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 1000


def test_a_path_stays_below_its_folders() -> None:
    assert HOST.absolute_path("/etc/pki/x", "field", below=["/usr/", "/etc/pki"]) == "/etc/pki/x"
    for path in ("/etc/pki", "/etc/pkix/x", "/etc/passwd"):
        with pytest.raises(HostAnswerError, match="a path below /usr/ or /etc/pki"):
            HOST.absolute_path(path, "field", below=["/usr/", "/etc/pki"])


def test_numbers_have_a_base_and_bounds() -> None:
    assert HOST.number("755", "field", base=8) == 0o755
    for value, options in (("8", {"base": 8}), ("6", {"most": 5}), ("4", {"least": 5})):
        with pytest.raises(HostAnswerError, match="a whole number from"):
            HOST.number(value, "field", **options)


def test_a_word_is_one_of_few() -> None:
    assert HOST.one_of("a", "field", {"a", "b"}) == "a"
    for value in WRONG_WORDS:
        with pytest.raises(HostAnswerError, match="one of a, b"):
            HOST.one_of(value, "field", {"a", "b"})


def test_lists_are_bounded_and_name_the_item() -> None:
    assert HOST.items(["1", 2], "sizes", HOST.number, most=2) == [1, 2]
    with pytest.raises(HostAnswerError, match=r"sizes\[1\]"):
        HOST.items(["1", "x"], "sizes", HOST.number)
    for value in WRONG_LISTS:
        with pytest.raises(HostAnswerError, match="sizes"):
            HOST.items(value, "sizes", HOST.number, most=2)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[-./a-z0-9:~^%\n ]{0,30}", fullmatch=True))
def test_what_gets_through_can_do_no_harm(text: str) -> None:
    through = {}
    for kind in ALLOWED:
        with contextlib.suppress(HostAnswerError):
            through[kind] = read(kind, text)
    if {"package_name", "nevra", "file_name"} & set(through):
        assert text[0] not in "-."
        assert "/" not in text
        assert text.isprintable()
    if "absolute_path" in through:
        assert posixpath.normpath(text) == text
        assert text[0] == "/"
        assert "\0" not in text
    if "number" in through:
        assert re.match(r"-?[0-9]+\Z", text)
