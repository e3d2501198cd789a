# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host answers first aid's scripts as it likes: that is an error of this host, and of no other kind."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.core import supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.run import FirstAid, request_of
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import parse_answer
from ansible_collections.fleet.system_python.tests.hostile.hostilekit import AnsweringHost, SilentHostError

NEVRA = "python3-3.9.2-1.el9.x86_64"
RHEL = 'os-release\nID="rhel"\nVERSION_ID="9.7"'
STAGING = "/var/cache/.fleet-system-python-aid-x"
CANDIDATE = "candidate /usr/bin/python3.9 3.9"
ALTERED = "altered\nS.5....T.    /usr/bin/python3.9"
INSTALLED = f"installed /usr/bin/python3.9 3.9\npython3\t{NEVRA}"
BROKEN = ("uid 0", RHEL, CANDIDATE, f"owners\npython3\t{NEVRA}", ALTERED, "rpm\n/usr/bin/rpm", INSTALLED)
STAGED = (
    f"staged {NEVRA} cache {STAGING}/packages/cache-1.rpm\n/var/cache/x.rpm",
    f"header\n{NEVRA}",
    "signature\n/x.rpm:\n    Header V4 RSA/SHA256 Signature, key ID 9: OK\n    Header SHA256 digest: OK",
    "content 1 1 a a",
)
PREPARED = (
    "state abc",
    "room",
    "test 0",
    "overwritten 81ed 0 0 12 1700000002\n/usr/bin/python3.9",
    f"sha256 {'0f' * 32}",
)
ANSWERS = (BROKEN, (f"staging {STAGING}",), STAGED, PREPARED, (), ("quarantine /q/run", "installed 0"), (), BROKEN)


OPTIONS: dict[str, Any] = {
    "contract": None,
    "files": [],
    "host_files": [],
    "sources": ["cache"],
    "check_signatures": True,
    "exceptions": [],
    "install": None,
    "lock_timeout": 5,
    "may_borrow": False,
    "borrowed": None,
    "packages": [],
    "needed_files": [],
}


def first_aid(*answers: Sequence[str]) -> tuple[FirstAid, AnsweringHost]:
    host = AnsweringHost(*answers)
    return FirstAid(
        host, request_of(OPTIONS, supported_minors("2.19.0"), Path("/nonexistent")), {"changed": False}
    ), host


LINES = sorted({line for answer in ANSWERS for line in answer})
WORDS = st.one_of(
    st.sampled_from(
        ["0", "-1", "/", "..", "\u00b2", "9" * 30, "--eval", "$(id)", "\udcff", "\x1b[2J", "", "3.9", NEVRA]
    ),
    st.text(max_size=8),
)
SECTION = st.one_of(
    st.sampled_from(LINES),
    st.builds(
        lambda line, word, at: " ".join([*line.split(" ")[:at], word, *line.split(" ")[at + 1 :]]),
        st.sampled_from(LINES),
        WORDS,
        st.integers(1, 5),
    ),
    st.builds("{} {}\n{}".format, st.sampled_from([line.split(" ")[0].split("\n")[0] for line in LINES]), WORDS, WORDS),
)


@settings(max_examples=400, deadline=2000)
@given(st.integers(0, len(ANSWERS) - 1), st.lists(SECTION, max_size=6), st.booleans())
def test_no_answer_ends_in_another_way(place: int, sections: list[str], whole: bool) -> None:
    answers = list(ANSWERS)
    answers[place] = tuple(sections) if whole else (*answers[place], *sections)
    aid, host = first_aid(*answers)
    with contextlib.suppress(SystemPythonError, SilentHostError):
        aid.run()
        return
    assert len(host.answers) < len(ANSWERS)


@settings(max_examples=200, deadline=500)
@given(st.text("@m begind 01\n\r\udcff/", max_size=60), st.booleans())
def test_no_output_breaks_the_reading(text: str, whole: bool) -> None:
    with contextlib.suppress(SystemPythonError):
        parse_answer(f"\n@m@ begin\n{text}\n@m@ end\n" if whole else text, "", 0, "@m@")


@pytest.mark.parametrize(
    "section",
    [
        "candidate ../../x 3.9",
        "candidate /usr/bin/python3.9",
        "candidate /usr/bin/python3.9 3.9;id",
        "owners\npython3\t--pipe=id",
        "installed /usr/bin/python3.9 3.9\nx\t-e-1-1.noarch",
        "installed x 3.9",
        "package --eval 1",
        "leftover /",
        "leftover /var/cache/.fleet-system-python-aid-x/../../../etc",
    ],
)
def test_what_is_none_is_named(section: str) -> None:
    aid, host = first_aid((*BROKEN, section))
    with pytest.raises(SystemPythonError) as caught:
        aid.run()
    assert (caught.value.kind, len(host.asked)) == ("host_answer_invalid", 1)
    assert caught.value.details["field"]
