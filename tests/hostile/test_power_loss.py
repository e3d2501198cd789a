# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""First aid loses power, or is killed, after any command: neither evidence nor a file that it replaces is lost."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import CommandError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import Answer
from ansible_collections.fleet.system_python.tests.hostile.hostilekit import SHELLS, ShellHost

# Before each command what is on the disk is known, for what a loss of power leaves in the worst case: of what was made
# since the last sync nothing is there, of what was taken away nothing is left. `power` counts down to that moment.
POWER = """
power=@power@
spend() {
    # Functions run in subshells, too.
    count=$(cat @folder@/count)
    count=$((count + 1))
    printf '%s' "$count" >@folder@/count
    printf '%s\\n' "$*" >>@folder@/log
    [ "$count" -ne "$power" ] || kill -9 $$ "$(sh -c 'echo $PPID')"
}
on_the_disk() {
    rm -rf @folder@/disk
    command cp -a @folder@/host @folder@/disk
}
mv() { spend mv "$@"; command mv "$@"; }
cp() { spend cp "$@"; command cp "$@"; }
rm() { spend rm "$@"; command rm "$@"; }
ln() { spend ln "$@"; command ln "$@"; }
mkdir() { spend mkdir "$@"; command mkdir "$@"; }
install() { spend install "$@"; command install "$@"; }
chown() { :; }
sync() { spend sync "$@"; case $1 in -f) on_the_disk ;; esac; }
take_lock() { :; }
relabel() { :; }
database=/nonexistent
"""


class Disk:
    """A host of which the state at each moment can be had, with an impostor, something in the way, and a link."""

    def __init__(self, folder: Path, stubs: str = "", more: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.stubs = stubs
        self.host = folder / "host"
        self.settings = {
            "manifest": str(folder / "staging/manifest"),
            "quarantine": str(self.host / "quarantine"),
            "run_id": "run",
            "reinstalled": "",
            "files": "",
            **(more or {}),
        }

    def lose_power(self, after: int, call: str, shell: list[str]) -> Answer | None:
        """Run C(call) until so many commands were run; null where it was cut short."""
        shutil.rmtree(self.folder, ignore_errors=True)
        host = ShellHost(self.folder / "staging", "", shell)
        self.fill()
        (self.folder / "count").write_text("0")
        shutil.copytree(self.host, self.folder / "disk", symlinks=True)
        text = POWER.replace("@folder@", str(self.folder)).replace("@power@", str(after))
        host.stubs = f"{text}\n{self.stubs}"
        try:
            return host.ask(["stage", "borrow", "install"], self.settings, [[call]])
        except CommandError:
            return None

    def fill(self) -> None:
        (self.host / "usr").mkdir(parents=True)
        (self.host / "usr/impostor").write_text("impostor")
        (self.host / "usr/way").mkdir()
        (self.host / "usr/way/planted.py").write_text("planted")
        (self.host / "usr/link").symlink_to("nowhere")
        items = "".join(
            f"{action}\t{number:04}\t{self.host}/usr/{name}\n"
            for number, (action, name) in enumerate((("keep", "impostor"), ("take", "way"), ("take", "link")), 1)
        )
        for name, text in (("items", items), ("intended", "{}"), ("done", '{"done": 1}')):
            (self.folder / f"staging/manifest.{name}").write_text(text)

    def has(self, name: str, number: str) -> bool:
        """Whether a thing is on the disk for sure: kept and synced, or still where it was, or beside that."""
        kept = self.folder / f"disk/quarantine/run/items/{number}"
        manifest = self.folder / "disk/quarantine/run/manifest.json"
        there = [path for path in (self.host / "usr").iterdir() if path.name == name or "aside" in path.name]
        return ((kept.exists() or kept.is_symlink()) and manifest.exists()) or bool(there)


@pytest.mark.parametrize("shell", SHELLS[:1], ids=" ".join)
def test_evidence_is_on_the_disk_before_the_thing_is_gone(tmp_path: Path, shell: list[str]) -> None:
    disk = Disk(tmp_path / "d")
    after = 0
    while True:
        after += 1
        answer = disk.lose_power(after, "keep_evidence", shell)
        for name, number in (("impostor", "0001"), ("way", "0002"), ("link", "0003")):
            assert disk.has(name, number), (after, (disk.folder / "log").read_text())
        if answer:
            break
    assert after > 15
    assert answer.first("quarantine").word == str(disk.host / "quarantine/run")
    assert {path.name for path in (disk.host / "usr").iterdir()} == {"impostor"}
    assert (disk.folder / "disk/quarantine/run/items/0002/planted.py").read_text() == "planted"


@pytest.mark.parametrize("failing", ["write_manifest", "copy_items", "take_items", "on_disk", "take_away"])
def test_what_was_moved_is_back_where_something_fails(tmp_path: Path, failing: str) -> None:
    broken = {
        "take_away": "expected_target() { [ $number != 0003 ] || printf /; }; ln() { return 1; }",
        "on_disk": "on_disk() { case $1 in */run) return 1 ;; esac; }",
    }.get(failing, f"{failing}() {{ return 1; }}")
    disk = Disk(tmp_path / "d", broken)
    answer = disk.lose_power(0, "keep_evidence", ["sh"])
    assert answer is not None
    assert answer.has("not-kept")
    assert (disk.host / "usr/impostor").read_text() == "impostor"
    assert (disk.host / "usr/way/planted.py").read_text() == "planted"
    assert (disk.host / "usr/link").is_symlink()
    assert not (disk.host / "quarantine/run").exists()


def test_evidence_stays_where_nothing_can_be_put_back(tmp_path: Path) -> None:
    failing = 'write_manifest() { [ "$1" = intended ]; }; put_back_moved() { return 1; }'
    disk = Disk(tmp_path / "d", failing)
    answer = disk.lose_power(0, "keep_evidence", ["sh"])
    assert answer is not None
    assert f"is in {disk.host}/quarantine/run" in answer.first("not-kept").body
    assert (disk.host / "quarantine/run/items/0002/planted.py").read_text() == "planted"


RECORDS = """ask() {
    printf '%s\\t33188\\t0\\troot\\troot\\t7\\t.@one@\\tp:1\\t.\\n' @host@/usr/way/planted.py @host@/usr/way/twin.py
    printf '%s\\t33188\\t0\\troot\\troot\\t8\\t.@two@\\tp:2\\t.\\n' @host@/usr/impostor
    printf '%s\\t41471\\t0\\troot\\troot\\t8\\t.\\tp:3\\t.impostor\\n' @host@/usr/link
}
install() { spend install; shift 6; command install -m 0644 -- "$2" "$3"; }
altered() { printf 'S.5......    %s\\n' "$@"; }
state=$(altered @host@/usr/way/planted.py @host@/usr/impostor @host@/usr/link @host@/usr/way/twin.py)
printf '@one@\\t000001\\n@two@\\t000002\\n' >"$staging/contents"
mkdir "$staging/content"; printf 1 >"$staging/content/000001"; printf 2 >"$staging/content/000002"
"""


@pytest.mark.parametrize("shell", SHELLS[:1], ids=" ".join)
def test_each_file_is_the_old_or_the_whole_new_one(tmp_path: Path, shell: list[str]) -> None:
    stubs = RECORDS.replace("@one@", "1" * 64).replace("@two@", "2" * 64).replace("@host@", str(tmp_path / "d/host"))
    disk = Disk(tmp_path / "d", stubs)
    after = 0
    while True:
        after += 1
        answer = disk.lose_power(after, "place_files", shell)
        usr = disk.host / "usr"
        for path, texts in ((usr / "impostor", ("impostor", "2")), (usr / "way/planted.py", ("planted", "1"))):
            assert path.read_text() in texts, after
            if path.read_text() != texts[0]:
                # Its content was on the disk before its name was another file's.
                new = disk.folder / "disk/usr" / path.relative_to(usr).parent / ".fleet-system-python-new" / path.name
                placed = disk.folder / "disk/usr" / path.relative_to(usr)
                assert texts[1] in {one.read_text() for one in (new, placed) if one.exists()}, after
        assert (usr / "link").is_symlink()
        if answer:
            break
    assert after > 8
    assert answer.first("installed").words == ("0",)
    assert ((usr / "impostor").read_text(), (usr / "link").readlink()) == ("2", Path("impostor"))
    assert (usr / "way/planted.py").samefile(usr / "way/twin.py")
    assert list(usr.rglob(".fleet*")) == []


def test_nothing_is_replaced_where_one_cannot_be_made(tmp_path: Path) -> None:
    stubs = RECORDS.replace("@one@", "1" * 64).replace("@two@", "2" * 64).replace("@host@", str(tmp_path / "d/host"))
    disk = Disk(
        tmp_path / "d", stubs + 'install() { case $* in */impostor) return 1 ;; esac; command cp -- "$8" "$9"; }'
    )
    answer = disk.lose_power(0, "place_files", ["sh"])
    assert answer is not None
    assert (answer.has("nothing-placed"), answer.first("installed").words != ("0",)) == (True, True)
    assert (disk.host / "usr/impostor").read_text() == "impostor"
    assert (disk.host / "usr/way/planted.py").read_text() == "planted"
    assert list((disk.host / "usr").rglob(".fleet*")) == []
