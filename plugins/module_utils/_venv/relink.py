# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Give a venv back an interpreter of its own minor version: its links and its pyvenv.cfg; packages stay as they are.

What is there before is written into a journal in the venv, so that a run that fails or is killed is undone. Run all of
this as the venv's owner.
"""

import json
import os
import stat
import typing as t

from .._audit.path_files import read_path_file
from .._base.errors import JournalError
from .._base.text import from_json, json_text, printable
from .._disk.atomic import replace_link, write_durably
from .._disk.files import MOST_OF_A_USER, is_directory, open_to_others, read_text, walk
from .._disk.hidden import Checkpoint, no_checkpoint
from .._disk.kernel import sync_folder
from .._disk.root import writable_by_others
from .._disk.space import clear_errors
from .config import CONFIG_NAME, changed_config, parse_config
from .describe import python_names
from .interpreter import BaseInterpreter
from .swap import UnsafeVenvError

__all__ = ["JOURNAL", "forget", "relink", "require_of_root", "require_own_folders", "undo", "wanted_links"]

JOURNAL = ".fleet.system_python.relinking"
_BEFORE = ".before-relink-"


def require_own_folders(venv: str) -> None:
    """Raise UnsafeVenvError unless the folders that hold a venv's files are folders, and not links to others."""
    library = os.path.join(venv, "lib")
    paths = [venv, os.path.join(venv, "bin"), library]
    if is_directory(library):
        for name in sorted(os.listdir(library)):
            if name.startswith(("python", "pypy")):
                paths += [os.path.join(library, name), os.path.join(library, name, "site-packages")]
    for path in paths:
        if os.path.islink(path):
            raise UnsafeVenvError(
                f"{printable(path)} is a link to {printable(os.readlink(path))}: writing into the venv would change "
                "that. Nothing was changed. Make it a folder of the venv, or make the venv anew.",
                path=json_text(path),
                target=json_text(os.readlink(path)),
            )


def require_of_root(venv: str) -> None:
    """Raise UnsafeVenvError where others than root may change what root would run in the venv, or take for true."""
    weak = next(filter(None, (_open_at(path) for path, _relative in walk(venv))), None)
    if weak:
        raise UnsafeVenvError(
            f"{printable(venv)} belongs to root, and others than root may change {printable(weak)}: root does not run "
            "what is in it. Nothing was changed. Make it root's alone, or give the whole venv to another user.",
            path=json_text(venv),
            target=json_text(weak),
        )


def _open_at(path: str) -> t.Optional[str]:
    """Return what others than root may change of an entry of a venv: itself, or what it leads to."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        return writable_by_others(path)
    if open_to_others(found):
        return path
    added = read_path_file(path).adds if path.endswith((".pth", ".egg-link")) else []
    return next(filter(None, map(writable_by_others, added)), None)


def wanted_links(venv: str, interpreter: BaseInterpreter) -> t.Dict[str, t.Optional[str]]:
    """Return what bin shall have, C({name: target}); None for a name of another version that is to go."""
    links: t.Dict[str, t.Optional[str]] = dict.fromkeys(python_names(venv))
    links.update({"python": interpreter.path, "python3": "python", "python" + interpreter.minor: "python"})
    return links


def relink(venv: str, interpreter: BaseInterpreter, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Relink the venv; C(forget) afterwards, or C(undo). Raises UnsafeVenvError."""
    require_own_folders(venv)
    binaries, config = os.path.join(venv, "bin"), os.path.join(venv, CONFIG_NAME)
    links = wanted_links(venv, interpreter)
    with clear_errors(venv):
        if not os.path.isdir(binaries):
            os.mkdir(binaries, 0o755)
        text = read_text(config, MOST_OF_A_USER, follow=True)
        _write_journal(venv, binaries, links, text)
        checkpoint("journal")
        for name, target in sorted(links.items()):
            path = os.path.join(binaries, name)
            if os.path.isfile(path) and not os.path.islink(path):
                os.rename(path, os.path.join(binaries, _BEFORE + name))
            if target is not None:
                replace_link(path, target)
            elif os.path.islink(path):
                os.unlink(path)
            checkpoint("link " + name)
        library = os.path.join(venv, "lib64")
        if os.path.islink(library) and os.readlink(library) != "lib":
            replace_link(library, "lib")
        # Renamed over: where it is a link, the link goes and what it leads to stays.
        mode = stat.S_IMODE(os.stat(config).st_mode) if os.path.exists(config) else 0o644
        write_durably(config, _config(venv, text, interpreter), mode)
        checkpoint("config")
        sync_folder(binaries)


def _config(venv: str, text: str, interpreter: BaseInterpreter) -> bytes:
    home = os.path.dirname(interpreter.path)
    values = parse_config(text).values
    changes = {"home": home}
    changes["version_info" if "version_info" in values and "version" not in values else "version"] = interpreter.version
    settings = {
        "executable": interpreter.realpath,
        "command": f"{interpreter.path} -m venv {venv}",
        "base-prefix": os.path.dirname(home),
        "base-exec-prefix": os.path.dirname(home),
        "base-executable": interpreter.path,
    }
    changes.update({key: value for key, value in settings.items() if key in values})
    return changed_config(text, changes).encode("utf-8", "surrogateescape")


def _write_journal(venv: str, binaries: str, links: t.Iterable[str], config: str) -> None:
    before: t.Dict[str, t.Optional[str]] = {}
    for name in links:
        path = os.path.join(binaries, name)
        before[name] = os.readlink(path) if os.path.islink(path) else None
    library = os.path.join(venv, "lib64")
    saved = {
        "links": before,
        "files": [name for name in before if before[name] is None and os.path.isfile(os.path.join(binaries, name))],
        "lib64": os.readlink(library) if os.path.islink(library) else None,
        "config": config,
    }
    write_durably(os.path.join(venv, JOURNAL), json.dumps(saved).encode("ascii"), 0o600)


def undo(venv: str) -> bool:
    """Put back what C(relink) changed, if its journal is there; return whether it was."""
    journal = os.path.join(venv, JOURNAL)
    if os.path.islink(journal) or not os.path.isfile(journal):
        return False
    require_own_folders(venv)
    saved = _saved_in(journal)
    binaries = os.path.join(venv, "bin")
    for name, target in saved["links"].items():
        path = os.path.join(binaries, os.path.basename(name))
        aside = os.path.join(binaries, _BEFORE + os.path.basename(name))
        if target is not None:
            replace_link(path, target)
        elif name in saved["files"]:
            if os.path.lexists(aside):
                os.rename(aside, path)
        elif os.path.islink(path):
            os.unlink(path)
    if saved["lib64"] is not None:
        replace_link(os.path.join(venv, "lib64"), saved["lib64"])
    write_durably(os.path.join(venv, CONFIG_NAME), saved["config"].encode("utf-8", "surrogateescape"), 0o644)
    os.unlink(journal)
    return True


def _saved_in(journal: str) -> t.Dict[str, t.Any]:
    """Return what C(relink) wrote down. Raises JournalError where it is something else by now."""
    try:
        saved = from_json(read_text(journal, MOST_OF_A_USER))
        targets = filter(None, [*saved["links"].values(), saved["lib64"]])
        texts = [*saved["links"], *saved["files"], saved["config"], *targets]
        names = [*saved["links"], *saved["files"]]
        if any(b"\0" in os.fsencode(text) for text in texts) or not all(map(_is_name, names)):
            raise _damaged(journal, "it has something else than names in it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(journal, str(error)) from error
    return t.cast(t.Dict[str, t.Any], saved)


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and os.path.basename(name) == name


def _damaged(journal: str, why: str) -> JournalError:
    return JournalError(
        f"What an earlier run noted in {printable(journal)} cannot be read ({printable(why)}), so that its links "
        "cannot be put back. Remove that file, and run again.",
        path=json_text(journal),
        problem=printable(why),
    )


def forget(venv: str) -> None:
    """Call the relinking proven: delete the journal, and the copies of an interpreter that it replaced."""
    os.unlink(os.path.join(venv, JOURNAL))
    binaries = os.path.join(venv, "bin")
    for name in os.listdir(binaries):
        if name.startswith(_BEFORE):
            os.unlink(os.path.join(binaries, name))
