# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that borrows asks for what is not its business; a host that lends sends what nobody asked for."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    HostAnswerError,
    InvalidDataError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import parse_nevra
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.acquire import Acquisition, AidOptions
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.lend import Lender, is_lendable
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.records import (
    Borrowed,
    Loan,
    borrowed_from,
)
from ansible_collections.fleet.system_python.tests.hostile.hostilekit import SHELLS, AnsweringHost, ShellHost

ROOT = Path(__file__).parents[2]
NEVRA = "python3-3.9.2-1.el9.x86_64"
STAGING = "/var/cache/.fleet-system-python-aid-x"
OPENED = (f"staging {STAGING}", 'os-release\nID="rhel"\nVERSION_ID="9.7"')
CONTENT = b"the vendor's\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def lend(
    folder: Path, *answers: Sequence[str], packages: Sequence[str] = (NEVRA,), digests: Sequence[str] = ()
) -> tuple[Loan, AnsweringHost]:
    host = AnsweringHost(OPENED, *answers)
    lent = folder / "lent"
    lent.mkdir(exist_ok=True)
    lender = Lender(host, AidOptions(sources=("cache",)), lent)
    return lender.run(packages, digests), host


OPTIONS = [
    "--pipe=id>/root/PWNED;true-1-1.noarch",
    "-e-1-1.noarch",
    "../../etc/cron.d/x-1-1.noarch",
    "/etc/passwd-1-1.noarch",
    "python3-1-1.noarch\n--eval",
    "python3",
    "$(id)-1-1.noarch",
    "*-1-1.noarch",
    "python3-1-1.noarch --root=/",
    "python3-" + "9" * 300 + "-1.noarch",
    "",
]


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_no_package_is_asked_of_nobody(tmp_path: Path, name: str) -> None:
    host = AnsweringHost()
    with pytest.raises(HostAnswerError) as caught:
        Lender(host, AidOptions(), tmp_path).run([name], [])
    assert (caught.value.kind, host.asked) == ("host_answer_invalid", [])


@pytest.mark.parametrize("digest", ["../../../../etc/profile.d/x.sh", "A" * 64, "0" * 63, "", "0" * 64 + "\n"])
def test_what_is_no_digest_is_asked_of_nobody(tmp_path: Path, digest: str) -> None:
    host = AnsweringHost()
    with pytest.raises(HostAnswerError):
        Lender(host, AidOptions(), tmp_path).run([NEVRA], [digest])
    assert host.asked == []


def test_more_than_anybody_needs_is_asked_of_nobody(tmp_path: Path) -> None:
    for packages, digests in (([NEVRA] * 1000, []), ([NEVRA], [DIGEST] * 100000)):
        host = AnsweringHost()
        with pytest.raises(HostAnswerError):
            Lender(host, AidOptions(), tmp_path).run(packages, digests)
        assert host.asked == []


def test_packages_of_other_programs_are_not_lent(tmp_path: Path) -> None:
    names = (
        "openssh-server-1-1.x86_64",
        "python3-requests-1-1.noarch",
        "python3.11-pip-1-1.noarch",
        "zypper-1-1.noarch",
    )
    loan, host = lend(tmp_path, (), (), packages=names)
    assert loan["packages"] == {}
    assert all(name in loan["reason"] for name in names)
    assert all(not settings.get("wanted") for _parts, settings, _calls in host.asked)


def test_what_is_lent_of_each_release() -> None:
    for contract in CONTRACTS:
        for name in ("python3.11-libs", "python39", "python311-base", "libpython3_11-1_0", *contract["packages"]):
            assert is_lendable(name, contract), (name, contract["id"])
        for name in ("bash", "glibc", "python3-x", "python3.11-devel", "libpython3_11-1_0-x", "python3.11-libs\n"):
            assert not is_lendable(name, contract), (name, contract["id"])


def sent(content: bytes) -> str:
    return "content\n" + base64.b64encode(content).decode()


LIES: dict[str, tuple[str, bytes]] = {
    "a path for a digest": (f"{'../../../../etc/profile.d/x.sh'} 27", CONTENT),
    "another digest": (f"{'1' * 64} {len(CONTENT)}", CONTENT),
    "other content": (f"{DIGEST} 4", b"evil"),
    "too short": (f"{DIGEST} {len(CONTENT)}", CONTENT[:-1]),
    "more than it says": (f"{DIGEST} {len(CONTENT)}", CONTENT + b"more"),
    "a negative size": (f"{DIGEST} -1", CONTENT),
    "no size": (DIGEST, CONTENT),
    "twice": (f"{DIGEST} {len(CONTENT)}\n{DIGEST} {len(CONTENT)}", CONTENT * 2),
    "no number": (f"{DIGEST} 1e3", CONTENT),
    "gigabytes": (f"{DIGEST} {1 << 40}", CONTENT),
}


@pytest.mark.parametrize("name", LIES)
def test_what_was_not_asked_for_is_not_taken(tmp_path: Path, name: str) -> None:
    lines, content = LIES[name]
    with pytest.raises(HostAnswerError):
        lend(tmp_path, (), (f"lent\n{lines}",), (sent(content),), (), digests=[DIGEST])
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"needed"}


def test_what_was_asked_for_is_taken_under_names_of_the_controller(tmp_path: Path) -> None:
    lines = f"lent\n{DIGEST} {len(CONTENT)}"
    loan, _host = lend(tmp_path, (), (lines,), (sent(CONTENT),), (), digests=[DIGEST, "2" * 64])
    content = loan["content"]
    assert content is not None
    assert (Path(content["blob"]), content["lacking"]) == (tmp_path / "lent/blob", 1)
    assert Path(content["blob"]).read_bytes() == content["mark"].encode() + b"\n" + CONTENT + b"\n"


def test_a_package_that_is_too_large_or_not_encoded(tmp_path: Path) -> None:
    staged = (
        f"staged {NEVRA} cache {STAGING}/packages/cache-1.rpm\n/var/cache/x.rpm",
        f"header\n{NEVRA}",
        "signature\n/x.rpm:\n    Header V4 RSA/SHA256 Signature, key ID 9: OK\n    Header SHA256 digest: OK",
        "content 1 1 a a",
    )
    with pytest.raises(HostAnswerError):
        lend(tmp_path, staged, ("content\n<script>",), ())
    for place in ("/etc/shadow", f"{STAGING}/../../../etc/shadow", "-x"):
        other = (staged[0].replace(f"{STAGING}/packages/cache-1.rpm", place), *staged[1:])
        with pytest.raises(HostAnswerError):
            lend(tmp_path, other, ())
    with pytest.raises(HostAnswerError):
        lend(tmp_path, staged[:2], ())
    assert list((tmp_path / "lent").iterdir()) == []


@pytest.mark.parametrize("place", ["/etc", "/", "/var/cache/../../etc", "/var/cache/x", "", STAGING + "/../x"])
def test_a_folder_that_no_run_made_is_never_removed(tmp_path: Path, place: str) -> None:
    host = AnsweringHost((f"staging {place}",))
    with pytest.raises(HostAnswerError):
        Lender(host, AidOptions(), tmp_path).run([NEVRA], [])
    assert len(host.asked) == 1


def test_nothing_but_what_was_lent_is_brought_to_a_host(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "link").symlink_to("/etc/passwd")
    for path in ("/etc/passwd", private / "link", private / "../x", "", None):
        for given in ({"packages": {NEVRA: path}}, {"content": {"blob": path, "mark": f"@{'0' * 32}@"}}):
            with pytest.raises(InvalidDataError):
                borrowed_from(given, private)
    for mark in ("", "x", "/'{*}'", "@" + "0" * 32 + "@\n", None):
        with pytest.raises(InvalidDataError):
            borrowed_from({"content": {"blob": private / "blob", "mark": mark}}, private)


# ---------------------------------------------------------------------------------------------------------------------
# The same by the shell, with an rpm that tells what it was asked


def rpm_that_answers(lines: str, log: Path) -> str:
    return f"""
ask() {{
    printf '%s\\n' "$*" >>{log}
    cat <<'ANSWER'
{lines}
ANSWER
}}
"""


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_lender_sends_only_what_its_own_database_has(tmp_path: Path, shell: list[str]) -> None:
    good, secret, altered, link = (tmp_path / name for name in ("good.py", "shadow", "altered.py", "link.py"))
    good.write_bytes(CONTENT)
    secret.write_bytes(b"root:secret")
    altered.write_bytes(b"altered")
    link.symlink_to(secret)
    of_secret, was = (hashlib.sha256(text).hexdigest() for text in (b"root:secret", b"was"))
    records = "\n".join(
        [
            *[f"100644 {DIGEST}  {good}"] * 2,
            *[f"100644 {was}  {altered}"] * 2,
            f"100644 {of_secret}  {link}",
            f"120777 {of_secret}  {secret}",
            f"040755   {tmp_path}",
        ]
    )
    host = ShellHost(tmp_path / "host", rpm_that_answers(records, tmp_path / "log"), shell)
    listing = tmp_path / "needed"
    # As the one that wants a file of which it knows no digest: two lines for the same path.
    listing.write_text(f"{DIGEST}\n{of_secret}\n{was}\n{'0' * 64}  {secret}\n{'1' * 64}  {secret}\n")
    answer = host.ask(
        ["stage", "borrow"], {"lent": ["python3"], "most_lent": "1000000"}, [["lend_files", str(listing)]]
    )
    assert answer.first("lent").lines == [f"{DIGEST} {len(CONTENT)}"]
    assert (host.folder / "blob").read_bytes() == CONTENT
    assert (tmp_path / "log").read_text().endswith(" -- python3\n")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_blob_is_unpacked_below_the_folder_alone(tmp_path: Path, shell: list[str]) -> None:
    host = ShellHost(tmp_path / "host", "", shell)
    mark = f"@{'ab' * 16}@"
    contents = [b"", b"\n", b"no newline", b"\0\n\xff\n", b"../../etc/x\n", mark.encode() + b"x\n"]
    blob = tmp_path / "blob"
    blob.write_bytes(b"".join(mark.encode() + b"\n" + one + b"\n" for one in contents))
    answer = host.ask(["stage", "borrow"], {}, [["unpack_blob", str(blob), mark]])
    assert sorted(answer.first("contents").lines) == sorted(hashlib.sha256(one).hexdigest() for one in contents)
    assert {path.name for path in tmp_path.iterdir()} == {"host", "blob"}
    assert {path.name for path in (host.folder / "content").iterdir()} == {f"{n:06}" for n in range(1, 7)}


PWNED = "--pipe=touch${IFS}PWNED;true-1-1.noarch"


def test_a_name_that_is_an_option_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ways: dict[str, tuple[str, Sequence[str]]] = {
        "zypper": (
            'may_run_zypper() { :; }; limited() { shift; case $1 in zypper) ;; *) "$@" ;; esac; }',
            ["download_by_zypper"],
        ),
        "verify": ("", ["verify", PWNED]),
        "current_state": ("", ["current_state"]),
        "read_layout": ("", ["read_layout"]),
        "list_needed": ("", ["list_needed"]),
        "offer_cached": ("", ["offer", PWNED, "/dev/null", "cache"]),
        "install_named": ("take_lock() { :; }; may_run_zypper() { false; }", ["report_named", "x", PWNED]),
    }
    for number, (name, (stubs, call)) in enumerate(ways.items()):
        host = ShellHost(tmp_path / str(number), f"database=/nonexistent\n{stubs}")
        settings = {
            "wanted": [PWNED],
            "specs": [PWNED],
            "reinstalled": [PWNED],
            "manager_timeout": "5",
            "most_lent": "1",
        }
        with contextlib.suppress(SystemPythonError):
            host.ask(["stage", "borrow", "install"], settings, [call])
        assert not (tmp_path / "PWNED").exists(), name


_COMMAND = re.compile(
    r"(?:^\s*|\$\(|\| |captured |explained |exec |limited \S+ |\{ |! |&& )"
    r"((?:ask|ask_by|rpm|rpmkeys|zypper|microdnf|dnf) (?:'[^']*'|\"[^\"\n]*\"|[^|;&'\"\n])*)",
    re.MULTILINE,
)
# Options with a value, and words that are none of a name from elsewhere.
_OPTION = re.compile(r"--(?:qf|rcfile|macros|dbpath|pkg-cache-dir) (?:'[^']*'|\"[^\"]*\"|\S+)")
_OWN = {"$seconds", "$within", "$first_answer", "$program", "$allowed"}
# Functions that hand on what they are given.
_WRAPPERS = (
    "ask_by rpm ",
    "ask 60 -q --qf '[%{FILEMODES} %{FILEUSERNAME}",
    "ask 60 -q --qf '%|SHA256",
    "rpm --rcfile ",
)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "plugins/plugin_utils").rglob("*.sh")), ids=lambda path: "-".join(path.parts[-2:])
)
def test_each_name_of_a_package_stands_behind_two_dashes(path: Path) -> None:
    text = re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.MULTILINE)
    for command in _COMMAND.findall(re.sub(r"\\\n\s*", "", text)):
        options = _OPTION.sub("", command.partition(" -- ")[0])
        left = set(re.findall(r"\$\w+|\$\{\w+|\$@|\$\*", options)) - _OWN
        assert not left or command.startswith(_WRAPPERS), command


def test_the_functions_of_packages_put_the_dashes_themselves() -> None:
    common = (ROOT / "plugins/plugin_utils/_first_aid/scripts/common.sh").read_text()
    assert re.findall(r"^    ask 300 -V.*$", common, re.MULTILINE) == [
        '    ask 300 -V --nodeps --noscripts -- "$@"',
        '    ask 300 -V --nodeps --noscripts -f -- "$@"',
    ]


@pytest.mark.parametrize(("header", "taken"), [("a a", True), ("a b", False), ("none none", True), ("b none", False)])
def test_unsigned_scripts_of_a_lender_are_not_run(tmp_path: Path, header: str, taken: bool) -> None:
    unsigned = "signature\n/x.rpm:\n    Header SHA256 digest: OK\n    Payload SHA256 digest: OK"
    place = f"staged {NEVRA} borrowed {STAGING}/packages/borrowed-1.rpm\n/x.rpm"
    host = AnsweringHost(OPENED, (place, f"header\n{NEVRA}", unsigned, f"content 1 1 {header}"))
    borrowed = Borrowed((tmp_path / "x.rpm",), None, (), {})
    (tmp_path / "x.rpm").touch()
    acquisition = Acquisition(host, AidOptions(borrowed=borrowed, check_signatures=False), [Wanted(parse_nevra(NEVRA))])
    with contextlib.suppress(AcquisitionError):
        acquisition.run()
    assert (NEVRA in acquisition.staged) == taken


def test_names_stand_behind_two_dashes_in_the_modules_too() -> None:
    argv = re.compile(
        r'\[(?:[^\[\]]*, )?"(?:-q|-V|-K|-e|-f|-y|download|repoquery|--remove)"[^\[\]]*\](?: \+ \([^()]*\))? \+ .*'
    )
    found = {
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "plugins/module_utils").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if argv.search(line) and '"--"' not in line
    }
    assert found == set()


@pytest.mark.parametrize(
    ("borrow", "donors", "asked"), [(True, [], False), (False, ["web2"], False), (True, ["web2"], True)]
)
def test_without_named_lenders_a_broken_host_causes_nothing_elsewhere(
    borrow: bool, donors: list[str], asked: bool
) -> None:
    role = ROOT / "roles/python_first_aid"
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    assert (defaults["python_first_aid_borrow"], defaults["python_first_aid_donors"]) == (True, [])
    tasks = {task["name"]: task for task in yaml.safe_load((role / "tasks/main.yml").read_text())}
    aid = tasks["Look for an interpreter that rpm vouches for"]["fleet.system_python.python_first_aid"]
    values = {"python_first_aid_borrow": borrow, "python_first_aid_donors": donors}
    environment = jinja2.Environment()  # noqa: S701  # of no page
    environment.filters["bool"] = bool
    assert environment.from_string(aid["may_borrow"]).render(values) == str(asked)
    # Whom else the loop goes through: nobody but those that are named, as no fact of a host could name them.
    (loop,) = [task["loop"] for task in yaml.safe_load((role / "tasks/borrow.yml").read_text()) if "loop" in task]
    settings: list[tuple[str, ...]] = []

    def lookup(*names: str) -> list[str]:
        settings.append(names)
        return donors

    environment.globals["lookup"] = lookup
    environment.filters["difference"] = lambda names, own: [name for name in names if name not in own]
    found = environment.from_string(loop).render(inventory_hostname="web1", hostvars={}, ansible_play_hosts=["web3"])
    assert (found, settings) == (str(donors), [("fleet.system_python.setting", "python_first_aid_donors")])
