# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What test_steps.py does not list: every step meets trees that hypothesis makes up.

Kinds within kinds, any bytes as names, folders that are reached through links, one path inside the other.
"""

import os
import tempfile
import typing as t

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils._repair.test_steps import (
    CONTENT,
    KINDS,
    OUT_OF_REACH,
    STEPS,
    World,
    require_right,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import write

FILES = {"file", "hard link", "link", "closed"}
ODD_NAMES = [b"new\nline", b"\xff\xfe", b"-rf", b" ", b"$(x)", "\u00fc".encode(), b"python3 (replaced)", b"%s{0}"]
Tree = t.Union[str, t.Dict[bytes, t.Any]]

NAMES = st.sampled_from(ODD_NAMES) | st.binary(min_size=1, max_size=12).map(
    lambda raw: b"x" + raw.replace(b"/", b"\n").replace(b"\0", b"\r")
)
TREES = st.recursive(
    st.sampled_from(sorted(set(KINDS) - OUT_OF_REACH - {"missing with its folder"})),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


class Place(t.NamedTuple):
    """Where a step is sent: how many links lead to the folder, the name in it, what lies there."""

    links: int
    name: bytes
    tree: Tree


PLACES = st.builds(Place, st.integers(0, 2), NAMES, TREES)


class MadeUp(World):
    """Two places; the second one is inside the first, if C(inside) and that is a folder."""

    def __init__(self, folder: str, first: Place, second: Place, inside: bool) -> None:
        self.folder = folder
        self.state = os.path.join(folder, "state")
        self.files = 0
        self.paths = [self._placed(first, self._folder("0", first.links))]
        is_inside = inside and isinstance(first.tree, dict)
        self.paths.append(self._placed(second, self.paths[0] if is_inside else self._folder("1", second.links)))

    def _folder(self, name: str, links: int) -> str:
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        for _number in range(links):
            os.symlink(path, path + "-link")
            path += "-link"
        return path

    def _placed(self, place: Place, folder: str) -> str:
        path = os.path.join(folder, os.fsdecode(place.name))
        if os.path.lexists(path):
            reject()
        self._make(path, place.tree)
        return path

    def _make(self, path: str, tree: Tree) -> None:
        if isinstance(tree, dict):
            os.mkdir(path)
            for name, inner in tree.items():
                self._make(os.path.join(path, os.fsdecode(name)), inner)
            return
        KINDS[tree](path)
        if tree in FILES:
            # No two have the same content, so that none can be lost behind another.
            self.files += 1
            write(path, CONTENT + b"# %d\n" % self.files)


@settings(
    max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.sampled_from(sorted(STEPS)), PLACES, PLACES, st.booleans())
def test_every_step_meets_whatever_can_lie_there(action: str, first: Place, second: Place, inside: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            here = MadeUp(folder, first, second, inside)
        except FileExistsError:
            # A hard link and a link have a second name beside them.
            reject()
        require_right(action, here)
