# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a repair harmed another package."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._repair.neighbours import Neighbours
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import RepairStep
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm, Verification
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, parse_nevra
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import parse_verify

TOOL = "tool-0:1-1.noarch"
PACKAGES = """package python3-0:3.9-1.x86_64
/usr/bin/
package tool-0:1-1.noarch
/usr/bin/
/etc/
package deep-2:1-1.x86_64
/srv/gone/deep/
package far-0:1-1.noarch
/usr/share/far/
package gpg-pubkey-0:1-1.(none)
(none)
"""
LINK = [RepairStep(action="restore_link", path="/usr/bin/python3", target="python3.9", findings=[])]


class FakeRpm(Rpm):
    """Says one thing before, and another after."""

    def __init__(self, before: str, after: str, content: str = "") -> None:
        super().__init__(check_database=False)
        self.answers = [before, after]
        self.content = content
        self.packages = PACKAGES
        self.verified: t.List[t.Sequence[str]] = []

    def ask(self, arguments: t.Sequence[str], *_rest: t.Any, **_options: t.Any) -> Completed:
        if "-a" in arguments:
            return Completed(("rpm",), 0, self.packages, "", False)
        self.verified.append([one for one in arguments if one[0] != "-"])
        return Completed(("rpm",), 1, self.answers.pop(0), "", False)

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        return {path: [parse_nevra(TOOL)] for path in paths}

    def verify(self, names: t.Sequence[str], *_rest: t.Any, **_options: t.Any) -> Verification:
        assert list(names) == [TOOL]
        return Verification(parse_verify(self.content), False, 0.0, [], [], [])


@pytest.mark.parametrize(
    ("before", "after", "content", "ok"),
    [
        ("", "", "", True),
        ("", "missing     /usr/bin/tool\n", "missing     /usr/bin/tool\n", False),
        (".......T.    /usr/bin/tool\n", "missing     /usr/bin/tool\n", "missing     /usr/bin/tool\n", False),
        ("", ".......T.    /usr/bin/tool\n", "..5....T.    /usr/bin/tool\n", False),
        ("", ".......T.    /usr/bin/tool\n", ".......T.    /usr/bin/tool\n", True),
        ("S......T.    /usr/bin/tool\n", "S......T.    /usr/bin/tool\n", "", True),
        # What others do elsewhere meanwhile, and to their configuration, is not the repair's.
        ("", "S......T.    /etc/tool\n", "S.5....T.    /etc/tool\n", True),
        ("", "S......T.  c /usr/bin/tool.conf\n", "S.5....T.  c /usr/bin/tool.conf\n", True),
        ("missing     /usr/bin/tool\n", "", "", True),
        (".M.......    /usr/bin/tool\n", "", "", True),
    ],
)
def test_another_package_must_not_be_worse(before: str, after: str, content: str, ok: bool) -> None:
    rpm = FakeRpm(before, after, content)
    line = Neighbours(LINK, ["python3"], rpm, "/nowhere").judged()
    assert (line["command"], line["ok"]) == ("other packages", ok)
    assert line["output"].startswith("1 verified, none worse" if ok else "/usr/bin/tool of the package tool: it")
    assert rpm.verified == [[TOOL], [TOOL]]


def test_what_lies_behind_a_folder_that_is_moved_counts(tmp_path: t.Any) -> None:
    (tmp_path / "gone").mkdir()
    plan = [RepairStep(action="quarantine", paths=[str(tmp_path / "gone")], reasons={}, findings=[])]
    rpm = FakeRpm("", "")
    rpm.packages = PACKAGES.replace("/srv", str(tmp_path))
    assert Neighbours(plan, [], rpm, "/nowhere").judged()["output"] == "1 verified, none worse"
    assert rpm.verified[0] == ["deep-2:1-1.x86_64"]


def test_what_is_meant_to_change_is_not_worse() -> None:
    plan = [RepairStep(action="reinstall", packages=[], keep=["/usr/bin/tool"], findings=[])]
    rpm = FakeRpm("", "S......T.    /usr/bin/tool\n", "")
    assert Neighbours(plan, [], rpm, "/nowhere").judged()["ok"]
