"""What the runs found, foretold and did, and what they left on the host."""

import json
from collections.abc import Iterator

import pytest
from shared.subject import CORE, STATE, TRIPWIRE, Record, Subject
from testinfra.host import Host


def test_the_broken_host_had_the_findings_of_its_tampering(subject: Subject) -> None:
    before = subject.record("before")
    if subject.expected_error:
        assert before["error"]["kind"] == subject.expected_error
        return
    found = {finding["id"] for finding in before["facts"]["findings"]}
    assert subject.findings("findings") <= found <= subject.findings("findings", "allowed")
    assert before["facts"]["healthy"] is not subject.is_broken


def test_what_check_mode_predicted_is_what_happened(subject: Subject) -> None:
    if subject.expected_error:
        pytest.skip("without any Python check mode predicts first aid, see the next test")
    predicted, repaired = subject.record("predicted")["result"], subject.record("repaired")["result"]
    assert predicted["plan"] == repaired["plan"]
    assert predicted["changed"] is repaired["changed"] is subject.is_broken
    done = [{key: value for key, value in action.items() if key != "result"} for action in repaired.get("actions", [])]
    assert done == predicted["plan"]


def test_the_first_aid_that_check_mode_predicted_is_what_happened(subject: Subject) -> None:
    predicted, repaired = subject.record("predicted")["first_aid"], subject.record("repaired")["first_aid"]
    assert predicted["changed"] is repaired["changed"] is bool(subject.expected_error)
    if not subject.expected_error:
        assert predicted["interpreter"] == repaired["interpreter"]
        return
    assert predicted["interpreter"] is None
    assert predicted["plan"]["packages"] == repaired["brought_back"]["packages"] != []
    assert predicted["plan"]["version"] == repaired["brought_back"]["version"]
    assert predicted["plan"]["move_aside"] == repaired["brought_back"]["moved_aside"]


def test_the_repair_is_proven(subject: Subject) -> None:
    repaired = subject.record("repaired")["result"]
    left = [finding["id"] for finding in repaired["findings_after"]]
    assert left == subject.entry.get("remains", [])
    assert repaired["healthy"] is (left == [])
    # Of a host that was found healthy, the look is the proof.
    assert repaired.get("proof") or not subject.is_broken
    assert all(proof["ok"] for proof in repaired.get("proof", []))


def test_the_second_run_changes_nothing(subject: Subject) -> None:
    repeated = subject.record("repeated")
    assert repeated["first_aid"]["changed"] is False
    assert repeated["result"]["changed"] is False
    assert repeated["result"]["plan"] == []


def test_modules_run_under_the_nearest_interpreter_that_the_core_supports(subject: Subject) -> None:
    expected = subject.platform.modules_run_under[CORE]
    assert subject.record("repeated")["first_aid"]["interpreter"] == expected
    assert subject.record("after")["interpreter"] == expected


def test_an_audit_finds_nothing(subject: Subject) -> None:
    after = subject.record("after")["facts"]
    left = [finding["id"] for finding in after["findings"]]
    assert left == subject.entry.get("remains", [])
    assert after["healthy"] is (left == [])


def test_nobody_ran_an_unowned_interpreter_as_root(subject: Subject, host: Host) -> None:
    if not subject.entry.get("tripwire"):
        pytest.skip("no unowned interpreter was put on this host")
    if subject.is_from_registry and not host.file(TRIPWIRE).exists:
        pytest.skip("the newer CPython does not start on this image, so nobody can have run it")
    runs = host.check_output("cat %s", TRIPWIRE).splitlines()
    assert [run for run in runs if run.startswith("0 ")] == []


def test_nothing_is_left_over(host: Host) -> None:
    temporary = (
        r"find / -xdev \( -path /proc -o -path /sys \) -prune -o"
        r" \( -name '.fleet-system-python-*' -o -name '.ansible_*' -o -name 'ansible-tmp-*' -o -name '*.rpmnew'"
        r" -o -name '*.rpmsave' -o -name '*;????????' \) -print"
    )
    assert host.check_output(temporary) == ""
    assert host.check_output(f"ls -A {STATE} 2>/dev/null; true") in {"", "quarantine"}


def test_what_was_moved_can_be_put_back(subject: Subject, host: Host) -> None:
    repaired = subject.record("repaired")
    result, aid = repaired["result"], repaired["first_aid"].get("brought_back", {"quarantine": "", "moved_aside": []})
    folders = {result.get("quarantine"): set(_set_aside(result["plan"])), aid["quarantine"]: set(aid["moved_aside"])}
    folders = {folder: paths for folder, paths in folders.items() if folder or paths}
    if not folders:
        pytest.skip("nothing had to be moved")
    assert host.check_output("stat -c '%%a %%U' %s", f"{STATE}/quarantine") == "700 root"
    for folder, paths in folders.items():
        manifest = json.loads(host.check_output("cat %s", f"{folder}/manifest.json"))
        assert {entry["state"] for entry in manifest["entries"]} == {"done"}
        assert paths <= {entry["path"] for entry in manifest["entries"]}
        _compare(host, folder, manifest["entries"])


def test_the_altered_interpreter_was_kept_as_evidence(subject: Subject, host: Host) -> None:
    if "SP201" not in subject.findings("findings"):
        pytest.skip("the interpreter was not altered")
    manifests = host.check_output(f"cat {STATE}/quarantine/*/manifest.json")
    assert f'"path": "{subject.platform.binary}"' in manifests


def test_the_quarantine_has_no_other_folders(subject: Subject, host: Host) -> None:
    repaired = subject.record("repaired")
    known = {repaired["result"].get("quarantine"), repaired["first_aid"].get("brought_back", {}).get("quarantine")}
    assert set(host.check_output(f"ls -d {STATE}/quarantine/* 2>/dev/null; true").split()) == known - {None, ""}


def _set_aside(plan: list[Record]) -> Iterator[str]:
    """The paths that a plan moves away or keeps a copy of."""
    for action in plan:
        if action["action"] == "quarantine":
            yield from action["paths"]
        elif action["action"] == "reinstall":
            yield from action["keep"]
        elif action["action"] == "unset_variables" or action.get("kind", "missing") != "missing":
            yield action["path"]
        elif action["action"] == "drop_group":
            yield action["state_file"]


def _compare(host: Host, folder: str, entries: list[Record]) -> None:
    """The stored things are those that the manifest describes."""
    files = {f"{folder}/{entry['stored']}": entry["sha256"] for entry in entries if entry["kind"] == "file"}
    links = {f"{folder}/{entry['stored']}": entry["link_target"] for entry in entries if entry["kind"] == "link"}
    folders = [f"{folder}/{entry['stored']}" for entry in entries if entry["kind"] == "directory"]
    if files:
        sums = host.check_output(f"sha256sum {' '.join(files)}").splitlines()
        assert {line.split()[1]: line.split()[0] for line in sums} == files
    for path, target in links.items():
        assert host.check_output("readlink %s", path) == target
    for path in folders:
        assert host.check_output("ls -A %s", path) != ""
