# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a file or a command of a host says, who reads it ends soon, and with no error but one of ours."""

import contextlib
import json
import os
import struct
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._audit.alternatives_state import (
    parse_state,
    readable_links,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.leftovers import PipRecords
from ansible_collections.fleet.system_python.plugins.module_utils._audit.path_files import read_path_file
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._base.text import from_json
from ansible_collections.fleet.system_python.plugins.module_utils._disk.journal import Journal
from ansible_collections.fleet.system_python.plugins.module_utils._disk.kept import load_run
from ansible_collections.fleet.system_python.plugins.module_utils._loader.elf import read_elf, read_rodata
from ansible_collections.fleet.system_python.plugins.module_utils._pin.record import Record
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import parse_verify
from ansible_collections.fleet.system_python.plugins.module_utils._trust.manifest import (
    MANIFEST,
    examine,
    load_manifest,
)
from ansible_collections.fleet.system_python.plugins.module_utils._usage.read import exec_lines
from ansible_collections.fleet.system_python.plugins.module_utils._venv.build import RECORD, read_record
from ansible_collections.fleet.system_python.plugins.module_utils._venv.config import changed_config, parse_config
from ansible_collections.fleet.system_python.plugins.module_utils._venv.describe import VenvReader
from ansible_collections.fleet.system_python.plugins.module_utils._venv.packages import (
    installed_packages,
    recorded_paths,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import CensusSettings
from ansible_collections.fleet.system_python.plugins.module_utils._venv.relink import JOURNAL, undo
from ansible_collections.fleet.system_python.plugins.module_utils._venv.swap import MARKER, VenvPlace
from ansible_collections.fleet.system_python.tests.hostile.traps import bounded

FEW = settings(max_examples=60, deadline=2000, suppress_health_check=list(HealthCheck))
TEXTS = st.text(st.characters(blacklist_categories=()), max_size=300)
BYTES = st.binary(max_size=400)
# Any JSON, most often with the keys that a reader looks for.
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
KEYS = st.sampled_from(
    "format run_id started actions action state entries time index path files source parts links lib64 config old "
    "interpreter minor requirements system_site_packages packages sha256 link mode size url dir_info vcs_info".split()
)
ANY_JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=8)
)


@contextlib.contextmanager
def folder() -> t.Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        yield Path(name)


def no_error_but_ours(work: "t.Callable[[], object]") -> None:
    with contextlib.suppress(SystemPythonError):
        work()


TEXT_READERS: "dict[str, t.Callable[[str], object]]" = {
    "pyvenv.cfg": lambda text: [parse_config(text).minor, parse_config(text).tool, changed_config(text, {"home": "x"})],
    "alternatives": lambda text: parse_state("python3", text),
    "alternatives, what is left of them": readable_links,
    "rpm -V": lambda text: parse_verify(text, ["/usr/bin/python3"]),
    "unit": lambda text: list(exec_lines(text)),
}
SHAPES = {
    "alternatives": ["auto\n", "manual\n", "/usr/bin/python3\n", "slave\n", "/etc/x\n", "\n", "10\n", "@f@x\n"],
    "rpm -V": [
        "S.5....T.  c /usr/x\n",
        "missing   /usr/bin/python3\n",
        ".........  g /x (replaced)\n",
        "Unsatisfied\n",
    ],
    "pyvenv.cfg": ["home = /usr\n", "version = 3.", "version_info = 3.1.final.0\n", "=\n", " = =\n", "include-"],
    "unit": ["ExecStart=", "\\\n", "ExecStop=-/bin/sh -c '", "#", ";", "[Service]\n"],
}


@settings(FEW, max_examples=200)
@given(reader=st.sampled_from(sorted(TEXT_READERS)), data=st.data())
def test_texts(reader: str, data: st.DataObject) -> None:
    pieces = st.lists(st.sampled_from(SHAPES.get(reader.split(",", maxsplit=1)[0], [""])) | TEXTS, max_size=20)
    text = "".join(data.draw(pieces))
    no_error_but_ours(lambda: TEXT_READERS[reader](text))


@pytest.mark.parametrize("reader", TEXT_READERS)
@pytest.mark.parametrize(
    "piece", ["x", "\n", " ", "/", "(", "'", "\\", "a=", "0", "\0", "S.5....T.  c /x (", "\\\n", "\udcff"]
)
def test_long_texts_take_no_time(reader: str, piece: str) -> None:
    text = piece * (300000 // len(piece))
    began = time.monotonic()
    with bounded(30):
        no_error_but_ours(lambda: TEXT_READERS[reader](text))
    assert time.monotonic() - began < 10


def note_readers(top: Path) -> "dict[Path, t.Callable[[], object]]":
    """Who reads which file that is JSON."""
    venv, run, runtime = top / "venv", top / "run", top / "runtime"
    return {
        run / "manifest.json": lambda: load_run(str(top), "run"),
        top / "journal.json": Journal(str(top / "journal.json")).load,
        top / "pin.json": lambda: Record(str(top / "pin.json")),
        runtime / MANIFEST: lambda: _examined(str(runtime)),
        venv / RECORD: lambda: read_record(str(venv)),
        venv / MARKER: lambda: VenvPlace(str(venv)).is_unfinished(),
        venv / JOURNAL: lambda: undo(str(venv)),
        venv / "lib/python3.11/site-packages/x-1.dist-info/direct_url.json": lambda: installed_packages(
            str(venv / "lib/python3.11/site-packages")
        ),
    }


def _examined(runtime: str) -> object:
    manifest = load_manifest(runtime)
    return manifest and examine(runtime, manifest, os.geteuid())


@FEW
@given(number=st.integers(0, 7), said=ANY_JSON | BYTES)
def test_notes(number: int, said: object) -> None:
    with folder() as top:
        path, read = list(note_readers(top).items())[number]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(said if isinstance(said, bytes) else json.dumps(said).encode())
        no_error_but_ours(read)


HURT = ["[" * 200000, '{"a":' * 100000, "9" * 3000000, "[" + "9" * 5000 + "]", "NaN", "Infinity", "1e999999", "\xff"]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("text", [*HURT, '"\\ud800"'])
def test_json_that_is_made_to_hurt(tmp_path: Path, number: int, text: str) -> None:
    path, read = list(note_readers(tmp_path).items())[number]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="latin-1")
    began = time.monotonic()
    with bounded(30):
        no_error_but_ours(read)
    assert time.monotonic() - began < 5


@FEW
@given(text=TEXTS | ANY_JSON.map(json.dumps))
def test_json_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        from_json(text)


@FEW
@given(said=BYTES, name=st.sampled_from(["RECORD", "INSTALLER", "METADATA", "direct_url.json", "top_level.txt"]))
def test_what_packages_say(said: bytes, name: str) -> None:
    with folder() as top:
        site = top / "venv/lib/python3.11/site-packages"
        (site / "x-1.dist-info").mkdir(parents=True)
        (site / "x-1.dist-info/INSTALLER").write_text("pip")
        (site / "x-1.dist-info" / name).write_bytes(said)
        (site / "x.pth").write_bytes(said)
        (top / "venv/pyvenv.cfg").write_bytes(said)
        installed_packages(str(site))
        recorded_paths(str(site / "x-1.dist-info/RECORD"))
        PipRecords().claim(str(site / "x.py"))
        read_path_file(str(site / "x.pth"))
        VenvReader(CensusSettings(system=("/x",))).describe(str(top / "venv"))


def elf_of(data: bytes) -> object:
    with tempfile.TemporaryFile() as stream:
        stream.write(data)
        stream.flush()
        elf = read_elf(stream.fileno(), "x")
        return read_rodata(stream.fileno(), elf)


PROGRAM = Path(sys.executable).resolve().read_bytes()[:4096]


@FEW
@given(changes=st.lists(st.tuples(st.integers(0, 1023), st.integers(0, 255)), max_size=30), size=st.integers(0, 4096))
def test_programs_that_were_altered(changes: "list[tuple[int, int]]", size: int) -> None:
    data = bytearray(PROGRAM)
    for place, value in changes:
        data[place] = value
    no_error_but_ours(lambda: elf_of(bytes(data[:size])))
    no_error_but_ours(lambda: elf_of(bytes(data) + b"\0" * 100000))


def test_a_program_that_wants_the_same_library_without_end_takes_no_time() -> None:
    """Each entry of its table names a text of a megabyte."""
    entries = 200000
    header = 64 + 2 * 56
    table = struct.pack("<QQ", 5, header + entries * 16) + struct.pack("<QQ", 10, 2 << 20)
    table += struct.pack("<QQ", 1, 0) * (entries - 3) + struct.pack("<QQ", 0, 0)
    strings = b"x" * ((2 << 20) - 1) + b"\0"
    whole = header + len(table) + len(strings)
    start = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    start += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    start += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, whole, whole, 4096)
    start += struct.pack("<IIQQQQQQ", 2, 6, header, header, header, len(table), len(table), 8)
    began = time.monotonic()
    with bounded(30):
        no_error_but_ours(lambda: elf_of(start + table + strings))
    assert time.monotonic() - began < 5


def test_a_program_with_headers_of_any_size_takes_no_memory(tmp_path: Path) -> None:
    start = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    start += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 64, 0, 64, 65535, 4096, 65535, 4096, 1)
    path = tmp_path / "x"
    path.write_bytes(start)
    os.truncate(path, 1 << 40)
    with bounded(20, 128 << 20), path.open("rb") as stream:
        no_error_but_ours(lambda: read_rodata(stream.fileno(), read_elf(stream.fileno(), "x")))
    path.unlink()
