# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a step of the pinning is, and how it is shown.

Of files:

- C(write_file) C({path, text, keep}): the whole file is ours; C(keep): what lies there goes to the quarantine first.
- C(insert_text) C({path, text, content, created}): C(text) is ours, in a file that holds C(content) afterwards.
- C(remove_file) C({path}), C(remove_text) C({path, content}): take away what is ours, and nothing else.
- C(set_immutable) C({path}), C(clear_immutable) C({path}): the attribute of a file.

Of /usr/bin/python: C(quarantine) C({path}), C(put_back) C({run_id, path}), C(install_packages) C({packages, evr}),
C(remove_packages) C({packages}); of it and of /usr/bin/python3 C(select_alternative) C({group, target, mode}).

C(forget) C({path}): what was ours is gone already; only the record still has it. C(part) is the part that a step is of.
"""

import os
import typing as t

from .._base.redact import redact
from .._base.text import printable
from .._disk.files import read_bytes
from .._disk.host_mode import SYSTEM

__all__ = ["PinStep", "changed_paths", "describe", "diff_of"]

if t.TYPE_CHECKING:

    class PinStep(t.TypedDict):
        """A step; which keys it has depends on C(action), see above."""

        action: str
        part: t.NotRequired[str]
        path: t.NotRequired[str]
        text: t.NotRequired[str]
        keep: t.NotRequired[bool]
        content: t.NotRequired[str]
        created: t.NotRequired[bool]
        run_id: t.NotRequired[str]
        packages: t.NotRequired[t.List[str]]
        evr: t.NotRequired[t.Optional[str]]
        group: t.NotRequired[str]
        target: t.NotRequired[t.Optional[str]]
        mode: t.NotRequired[t.Optional[str]]

else:
    PinStep = dict

_SENTENCES = {
    "write_file": "write {path}",
    "insert_text": "put require-virtualenv into {path}",
    "remove_file": "remove {path}",
    "remove_text": "take require-virtualenv out of {path}",
    "forget": "forget what was made in {path}, which is gone",
    "set_immutable": "make {path} immutable",
    "clear_immutable": "make {path} changeable again",
    "quarantine": "move to the quarantine: {path}",
    "put_back": "put {path} back from the quarantine",
    "install_packages": "install {packages}{release}",
    "remove_packages": "remove the package {packages}",
    "select_alternative": "let the alternatives group {group} choose {target} ({mode})",
}


def changed_paths(step: PinStep) -> t.List[str]:
    """Return what the step changes: a path, or what packages and alternatives have theirs in."""
    if step["action"] == "forget":
        return []
    return [step["path"]] if "path" in step else [SYSTEM]


def describe(step: PinStep) -> str:
    """Return one line for people: what the step does."""
    release = step.get("evr")
    return _SENTENCES[step["action"]].format(
        path=printable(step.get("path", "")),
        packages=", ".join(step.get("packages", [])),
        release="-" + release if release else "",
        group=step.get("group"),
        target=step.get("target"),
        mode=step.get("mode"),
    )


def diff_of(step: PinStep) -> t.Dict[str, str]:
    """Return the diff that Ansible shows of one step: the text of a file, else what is done."""
    if step["action"] not in ("write_file", "insert_text", "remove_file", "remove_text"):
        return {"before": "", "after": describe(step) + "\n"}
    path = step["path"]
    before = os.fsdecode(read_bytes(path, follow=True)) if os.path.isfile(path) else ""
    after = step.get("content", step.get("text", ""))
    if step["part"] == "pip_config":
        # The addresses of package indexes in it may hold passwords.
        before, after = redact(before, looks=False)[0], redact(after, looks=False)[0]
    return {"before_header": path, "after_header": path, "before": before, "after": after}
