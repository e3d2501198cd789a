"""Reports of a simulated fleet, for tests and measurements: the same seed gives the same files.

Usage: python tests/simulation/simulated_fleet.py FOLDER [--hosts N] [--runs N] [--seed N]

FOLDER/reports gets a report per host (docs/report.schema.json) and a page next to each; FOLDER/history the runs before.
"""

import argparse
import json
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

BEGIN = datetime(2026, 11, 20, 2, 30, tzinfo=timezone.utc)
SITES = ("berlin", "oslo", "porto")
ROLES = ("web", "db", "batch", "mail", "build")
DIGEST = "744699bf2c08a05788bd01d5e08c61872eae03c903f854dcf477a92cf49c75ad"
OTHER = "3636026fe05472756d944270eb3d7237f4422cddf740598ab41a7e8bed767b17"

# How often each fate happens, of a hundred hosts.
FATES = {"healthy": 70, "a1": 6, "a2": 7, "b": 5, "planted": 4, "left": 3, "failed": 1, "unreachable": 4}

OSES = {
    "el9": ("rhel", "9.7", "3.9", "3.9.25", ["python3", "python3-libs"], "dnf"),
    "sles15": ("sles", "15.7", "3.6", "3.6.15", ["libpython3_6m1_0", "python3-base"], "zypper"),
}
CAUSES = {
    "a1": "An alternatives group was made for /usr/bin/python3.",
    "a2": "The binary of the system Python was overwritten in place.",
    "b": "The binary of the system Python was overwritten in place.",
    "planted": "pip was run as root.",
}


def seeded(*words: str | int) -> random.Random:
    return random.Random(" ".join(map(str, words)))  # noqa: S311  # nothing secret: the same fleet each time


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def finding(kind: str, name: str, severity: str, path: str | None, summary: str, **more: Any) -> dict[str, Any]:
    return {
        "id": kind,
        "name": name,
        "severity": severity,
        "path": path,
        "expected": more.get("expected"),
        "actual": more.get("actual"),
        "evidence": more.get("evidence", {}),
        "summary": summary,
        "repairable": more.get("repairable", True),
    }


def findings_of(fate: str, minor: str) -> list[dict[str, Any]]:
    """What an audit finds on a host with this fate."""
    binary = f"/usr/bin/python{minor}"
    altered = finding(
        "SP201",
        "interpreter-altered",
        "critical",
        binary,
        f"{binary} is not the file that the package shipped",
        expected={"digest": DIGEST, "size": 16368, "mode": "0755", "owner": "root", "group": "root"},
        actual={"digest": OTHER, "size": 8999192, "mode": "0755", "uid": 0, "gid": 0},
        evidence={"rpm": "S.5....T."},
    )
    redirected = finding(
        "SP101",
        "link-redirected",
        "major",
        "/usr/bin/python3",
        "/usr/bin/python3 leads to /etc/alternatives/python3",
        expected=f"python{minor}",
        actual="/etc/alternatives/python3",
    )
    group = finding(
        "SP104",
        "foreign-alternatives",
        "major",
        "/usr/bin/python3",
        "The alternatives group python3 governs a link that a package ships",
    )
    unowned = finding(
        "SP210",
        "unowned-interpreter",
        "minor",
        "/usr/bin/python3.15",
        "8 parts of a CPython 3.15 that no package owns",
        evidence={"paths": ["/usr/bin/python3.15"], "count": 8, "version": "3.15"},
    )
    blocked = finding(
        "SP211", "manager-broken", "critical", None, f"The package manager is not started: {binary} does not verify"
    )
    planted = finding(
        "SP209",
        "planted",
        "major",
        f"/usr/lib/python{minor}/site-packages/sitecustomize.py",
        "sitecustomize.py runs at every start and no package owns it",
    )
    weakened = finding(
        "SP212", "selinux-weakened", "info", "/etc/selinux/config", "SELINUX is permissive", repairable=False
    )
    return {
        "healthy": [],
        "a1": [redirected, group],
        "a2": [redirected, altered, unowned, blocked],
        "b": [altered, unowned],
        "planted": [planted],
        "left": [planted, weakened],
        "failed": [altered, blocked],
        "unreachable": [],
    }[fate]


def facts(os_name: str, findings: Sequence[Mapping[str, Any]], rng: random.Random) -> dict[str, Any]:
    """The facts of docs/facts.md."""
    os_id, os_version, minor, version, packages, manager = OSES[os_name]
    ids = {one["id"] for one in findings}
    binary = f"/usr/bin/python{minor}"
    altered = "SP201" in ids
    interpreters = [interpreter(binary, "3.15.2" if altered else version, packages[-1], not altered)]
    if rng.random() < 0.7:
        interpreters.append(interpreter("/usr/bin/python3.11", "3.11.9", "python3.11", True))
    if rng.random() < 0.2:
        interpreters.append(interpreter("/usr/local/bin/python3.13", "3.13.1", None, None))
    if "SP210" in ids:
        interpreters.append(interpreter("/usr/bin/python3.15", "3.15.2", None, None))
    order = ("info", "minor", "major", "critical")
    worst = max((one["severity"] for one in findings), key=order.index, default=None)
    return {
        "schema": 1,
        "os": {"id": os_id, "version": os_version},
        "contract": {
            "id": os_name,
            "version": minor,
            "binary": binary,
            "link": "/usr/bin/python3",
            "packages": packages,
        },
        "healthy": not findings,
        "worst": worst,
        "findings": list(findings),
        "resolution": {
            "python3": [
                {
                    "path": "/usr/bin/python3",
                    "kind": "link",
                    "target": f"python{minor}",
                    "owner": packages[0],
                    "verified": "SP101" not in ids,
                },
                {"path": binary, "kind": "file", "target": None, "owner": packages[0], "verified": not altered},
            ],
            "python": [],
        },
        "interpreters": interpreters,
        "alternatives": [{"name": "python3", "mode": "auto"}] if "SP104" in ids else [],
        "packages": {name: f"{name}-{version}-1.x86_64" for name in packages},
        "manager": {
            "name": None if "SP211" in ids else manager,
            "state": "not checked" if "SP211" in ids else "works",
            "reason": f"{binary} does not verify" if "SP211" in ids else None,
        },
        "ansible": {"path": binary, "realpath": binary, "verified": not altered, "owner": packages[0]},
        "search_paths": {"login shells (/etc/profile:7)": "/usr/local/bin:/usr/bin:/bin"},
        "selinux": "permissive" if "SP212" in ids else "enforcing" if os_name == "el9" else None,
        "verification": {"partial": False, "seconds": round(rng.uniform(0.4, 1.9), 3), "rpm_processes": 4},
    }


def interpreter(path: str, version: str, owner: str | None, verified: bool | None) -> dict[str, Any]:
    return {
        "path": path,
        "realpath": path,
        "source": "search path, entry 4",
        "version": version,
        "version_source": "elf-string",
        "kind": "elf",
        "executable": True,
        "owner": owner,
        "verified": verified,
    }


STATUS = {
    "healthy": "healthy",
    "left": "findings left",
    "failed": "failed",
    "unreachable": "unreachable",
}


def report(host: str, groups: Sequence[str], os_name: str, fate: str, run: datetime, seed: int) -> dict[str, Any]:
    """One host's report, as the run at this time wrote it."""
    rng = seeded(seed, host, "facts")
    before = None if fate == "unreachable" else facts(os_name, findings_of(fate, OSES[os_name][2]), rng)
    after = None
    if before and before["findings"] and fate != "failed":
        rest = [one for one in before["findings"] if not one["repairable"]]
        after = facts(os_name, rest, seeded(seed, host, "facts"))
    status = STATUS.get(fate, "repaired")
    ids = [one["id"] for one in before["findings"]] if before else []
    messages = {
        "failed": "no source has python3-3.9.25-1.x86_64; versions that can be had: none",
        "unreachable": "Failed to connect to the host via ssh: Connection timed out",
    }
    note = messages.get(fate, " ".join(ids))
    error = {"kind": "no_source", "msg": note, "details": {}} if fate == "failed" else None
    return {
        "format": 1,
        "host": host,
        "groups": list(groups),
        "run": {
            "id": run.strftime("%Y%m%dT%H%M%SZ"),
            "kind": "remediate",
            "started": stamp(run),
            "ended": stamp(run + timedelta(minutes=12)),
            "core": "2.19.14",
            "collection": "0.1.0",
            "check_mode": False,
        },
        "status": status,
        "note": note,
        "error": error,
        "summary": {
            "headline": f"{host}: {status}.",
            "symptoms": [one["summary"] for one in before["findings"]] if before else [],
            "since": stamp(run - timedelta(hours=rng.randint(1, 90))) if ids else None,
            "since_source": "E1" if ids else None,
            "cause": CAUSES.get(fate),
        },
        "os": before["os"] if before else None,
        "before": before,
        "after": after,
        "evidence": evidence(rng, run) if ids else None,
        "exhibits": [{"id": "E1", "what": "/usr", "source": "stat", "shows": note, "time": stamp(run)}] if ids else [],
        **dict.fromkeys(("first_aid", "repair", "validation")),
        **{name: [] for name in ("difference", "hypotheses", "timeline", "prevention")},
    }


def evidence(rng: random.Random, run: datetime) -> dict[str, Any]:
    """As much text as a real host gives: a page has to read past it."""
    packages = [
        {
            "time": stamp(run - timedelta(minutes=17 * number)),
            "nevra": f"package{rng.randint(1, 9999)}-{number}.{rng.randint(0, 40)}-1.x86_64",
            "vendor": None,
        }
        for number in range(400)
    ]
    empty = ("sources", "files", "links", "alternatives", "transactions", "logins", "log", "shell_history")
    return {
        "format": 1,
        "collected": stamp(run),
        "when": "before the repair",
        "seconds": 0.5,
        "partial": False,
        "redactions": 0,
        "packages": packages,
        **{name: [] for name in empty},
    }


def fates(count: int, seed: int, run_number: int) -> list[str]:
    """What happens to each host in one run. A host keeps its fate in part of the runs: drift comes and goes."""
    kinds, weights = list(FATES), list(FATES.values())
    chosen = []
    for number in range(count):
        own = seeded(seed, number)
        usual = own.choices(kinds, weights)[0]
        today = seeded(seed, number, run_number)
        chosen.append(usual if run_number == 0 or today.random() < 0.8 else today.choices(kinds, weights)[0])
    return chosen


def place(number: int) -> tuple[str, list[str], str]:
    """Name, groups and system of a host."""
    role, site = ROLES[number % len(ROLES)], SITES[number // len(ROLES) % len(SITES)]
    return f"{role}{number:04d}.{site}.example", sorted([role, site]), "sles15" if number % 3 == 2 else "el9"


def simulate(count: int, seed: int = 1, run_number: int = 0) -> list[dict[str, Any]]:
    """The reports of one run; run 0 is the newest, run 3 was three nights before."""
    run = BEGIN - timedelta(days=run_number)
    chosen = fates(count, seed, run_number)
    return [report(*place(number), chosen[number], run, seed) for number in range(count)]


def small_fleet() -> list[dict[str, Any]]:
    """The facts of six hosts before any repair: what docs/queries.md asks."""
    hosts = [
        ("db1", "el9", "healthy"),
        ("db2", "sles15", "healthy"),
        ("web1", "el9", "a1"),
        ("web2", "el9", "a2"),
        ("web3", "sles15", "b"),
        ("web4", "el9", "left"),
    ]
    return [
        {"host": host, "facts": facts(os_name, findings_of(fate, OSES[os_name][2]), seeded("small", host))}
        for host, os_name, fate in hosts
    ]


def write_reports(folder: Path, reports: Sequence[Mapping[str, Any]]) -> None:
    """Write a report per host, and a small page where the report's own page would be."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(reports):
        plain = str(one["host"]).isascii() and "/" not in one["host"] and one["host"].isprintable()
        stem = one["host"] if plain else f"host{number}"
        (folder / f"{stem}.json").write_text(json.dumps(one, indent=1), encoding="utf-8")
        (folder / f"{stem}.html").write_text(
            f"<!DOCTYPE html><title>report {number}</title><p>The report of host {number}.", encoding="utf-8"
        )


def write_history(folder: Path, count: int, runs: int, seed: int = 1) -> None:
    """Write what is kept of the runs before the newest one."""
    folder.mkdir(parents=True, exist_ok=True)
    for run_number in range(1, runs):
        run = BEGIN - timedelta(days=run_number)
        chosen = fates(count, seed, run_number)
        hosts = {}
        for number, fate in enumerate(chosen):
            host, _groups, os_name = place(number)
            found = sorted({one["id"] for one in findings_of(fate, OSES[os_name][2])})
            state = {"healthy": "healthy", "left": "left", "failed": "failed", "unreachable": "unreachable"}
            hosts[host] = {"state": state.get(fate, "repaired"), "found": found}
        name = run.strftime("%Y%m%dT%H%M%SZ")
        record = {"kind": "fleet.system_python/run", "format": 1, "run": name, "time": stamp(run), "hosts": hosts}
        (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the reports of a simulated fleet.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=14, help="how many runs, with the newest")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write_reports(options.folder / "reports", simulate(options.hosts, options.seed))
    write_history(options.folder / "history", options.hosts, options.runs, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
