# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python_runtime on real test hosts: archives built once by the collection itself, every error, kills, a full disk."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import EACH_FILE, ROOT, keep

if TYPE_CHECKING:
    from checkkit import Ansible, Fleet, Host

IMAGES = ("rhel9", "sles15")
RUNTIMES = ROOT / "tests/hosts/runtimes"
NO_SOURCES = 3
PYTHON = "/usr/bin/python3.11"
OPT = "/opt/python"

Result = dict[str, Any]
Index = dict[str, dict[str, str]]


@pytest.fixture(scope="session")
def archives() -> Index:
    """The archives that all tests share, by minor version."""
    done = subprocess.run([RUNTIMES], capture_output=True, text=True, check=False)
    if done.returncode == NO_SOURCES:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    index: Index = json.loads(done.stdout)
    return index


@pytest.fixture(scope="module")
def hosts(fleet: Fleet) -> dict[str, Host]:
    """One host of each family, for all tests that clean up after themselves."""
    return {image: fleet.up(image) for image in IMAGES}


@pytest.fixture(params=IMAGES)
def host(request: pytest.FixtureRequest, hosts: dict[str, Host]) -> Iterator[Host]:
    """A host without any runtime."""
    found = hosts[request.param]
    yield found
    found.check(f"rm -rf {OPT} /srv/venvs /root/archive /var/lib/fleet.system_python /run/p")


def runtime(ansible: Ansible, host: Host, check: bool = False, **options: Any) -> Result:
    """Run the module alone and return its result."""
    target = ansible.folder / f"result-{threading.get_ident()}.json"
    target.unlink(missing_ok=True)
    tasks = [
        {"fleet.system_python.python_runtime": options, "register": "result", "ignore_errors": True, "diff": True},
        keep("{{ result | to_json }}", target),
    ]
    play = {"hosts": "all", "gather_facts": False, "vars": {"ansible_python_interpreter": PYTHON}, "tasks": tasks}
    done = ansible.playbook([play], host, arguments=("--check",) if check else ())
    assert target.exists(), done.out + done.err
    loaded: Result = json.loads(target.read_text())
    return loaded


def prebuilt(archives: Index, minor: str) -> dict[str, Any]:
    one = archives[minor]
    return {"version": one["version"], "controller_file": one["file"], "sha256": one["sha256"]}


def system(host: Host) -> str:
    """What must never change: what rpm says, and every file of the OS's folders."""
    return host.check(
        "rpm -Va --nodeps --noscripts 2>&1; python3 -V; readlink -f /usr/bin/python3;"
        f"find /usr /etc /var/lib/alternatives -xdev {EACH_FILE} | sort"
    )


def left(host: Host) -> list[str]:
    """What is in the folder of the runtimes, hidden things too."""
    return host.run(f"ls -A {OPT}").out.split()


def works(host: Host, minor: str, version: str) -> None:
    said = host.check(f"{OPT}/{minor}/bin/python3 -c 'import sys, ssl; print(sys.version.split()[0], sys.prefix)'")
    # A venv that is made through the link follows it to the next patch release.
    assert said.split() == [version, f"{OPT}/{minor}"]


def test_two_runtimes_from_archives_that_were_built_once(host: Host, ansible: Ansible, archives: Index) -> None:
    before = system(host)
    for minor in ("3.11", "3.13"):
        version = archives[minor]["version"]
        predicted = runtime(ansible, host, check=True, **prebuilt(archives, minor))
        assert f"{version}" not in left(host)
        done = runtime(ansible, host, **prebuilt(archives, minor))
        assert not done.get("failed"), done["msg"]
        assert predicted["changed"] is done["changed"] is True
        assert predicted["actions"] == done["actions"]
        assert predicted["diff"] == done["diff"]
        works(host, minor, version)
        again = runtime(ansible, host, **prebuilt(archives, minor), state="intact")
        assert (again["changed"], again["intact"]) == (False, True)
    assert sorted(left(host)) == sorted(["3.11", "3.13", *(archives[minor]["version"] for minor in ("3.11", "3.13"))])
    assert system(host) == before
    host.check(f"cd {OPT}/3.13 && sha256sum --check --quiet --strict .manifest.sha256")
    assert host.check(f"find {OPT} ! -user root -o ! -type l -perm /022 -o -perm /7000").strip() == ""
    # pip and sysconfig know the place; pip does not install into the runtime.
    script = host.check(f"head -n 1 {OPT}/3.13/bin/pip3.13").strip()
    assert script == f"#!{OPT}/{archives['3.13']['version']}/bin/python3.13"
    refused = host.run(f"{OPT}/3.13/bin/pip3.13 install nothing-at-all")
    assert "externally-managed" in refused.err
    # Running it as root, even optimized, leaves it intact.
    host.check(f"{OPT}/3.13/bin/python3 -O -c 'import json, http.client, csv'")
    again = runtime(ansible, host, **prebuilt(archives, "3.13"), state="intact")
    assert (again["changed"], again["intact"]) == (False, True)


def test_intact_brings_back_what_was_altered_and_keeps_what_was_added(
    hosts: dict[str, Host], ansible: Ansible, archives: Index
) -> None:
    host = hosts["rhel9"]
    options: dict[str, Any] = {**prebuilt(archives, "3.13"), "state": "intact"}
    folder = f"{OPT}/{options['version']}"
    try:
        assert not runtime(ansible, host, **options).get("failed")
        library = f"{folder}/lib/python3.13"
        host.check(
            f"echo '# altered' >>{library}/json/decoder.py; rm {library}/csv.py; chmod 0777 {folder}/bin/python3.13;"
            f"mkdir {library}/site-packages/added; echo kept >{library}/site-packages/added/a.py"
        )
        predicted = runtime(ansible, host, check=True, **options)
        process = host.check(f"{OPT}/3.13/bin/python3 -c 'import time; time.sleep(600)' >/dev/null 2>&1 & echo $!")
        done = runtime(ansible, host, **options)
        assert not done.get("failed"), done["msg"]
        assert predicted["actions"] == done["actions"]
        assert {one["what"] for one in done["deviations"]} == {"altered", "missing", "mode", "unexpected"}
        assert (done["changed"], done["intact"]) == (True, True)
        host.check(f"grep -rl '^kept$' {done['quarantine']}; grep -rl '# altered' {done['quarantine']}; kill {process}")
        assert not runtime(ansible, host, **options)["changed"]
        assert sorted(left(host)) == ["3.13", options["version"]]
    finally:
        host.check(f"rm -rf {OPT} /var/lib/fleet.system_python")


def test_intact_names_the_library_that_an_upgrade_took(
    hosts: dict[str, Host], ansible: Ansible, archives: Index
) -> None:
    host, options = hosts["rhel9"], {**prebuilt(archives, "3.13"), "state": "intact"}
    name = "libssl.so.3"
    try:
        made = runtime(ansible, host, **options)
        assert (made.get("failed", False), made["intact"]) == (False, True), made
        manifest = json.loads(host.check(f"cat {OPT}/3.13/.manifest.json"))
        library = manifest["needs"][name]["path"]
        host.check(f"mv {library} /root/library; ldconfig")
        lost = runtime(ansible, host, **options)
        assert (lost.get("failed"), lost.get("kind")) == (True, "library_lost"), lost
        assert (name in lost["msg"], "ssl" in lost["details"]["failed"]) == (True, True), lost
        host.check(f"mv /root/library {library}; ldconfig")
        assert runtime(ansible, host, **options)["changed"] is False
    finally:
        host.check(f"[ ! -e /root/library ] || mv /root/library {library}; ldconfig; rm -rf {OPT}")


def tar_gz(*members: tuple[str, bytes, str]) -> bytes:
    """An archive of (name, type, link target or content)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind, text in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size, member.mode = len(text.encode()), 0o755
            else:
                member.linkname = text
            tar.addfile(member, io.BytesIO(text.encode()) if kind == tarfile.REGTYPE else None)
    return buffer.getvalue()


FILE, LINK = tarfile.REGTYPE, tarfile.SYMTYPE
SPOILED: dict[str, tuple[bytes, str, str]] = {
    "dots": (tar_gz(("python/../../../../root/planted", FILE, "x")), "archive", "'..'"),
    "absolute": (tar_gz(("/root/planted", FILE, "x")), "archive", "absolute"),
    "through a link": (
        tar_gz(("python/bin", LINK, "../../../../root"), ("python/bin/planted", FILE, "x")),
        "archive",
        "out of the folder",
    ),
    "not Python": (tar_gz(("python/bin/other", FILE, "x")), "archive", "no CPython"),
    "does not run": (
        tar_gz(("python/bin/python3.13", FILE, "#!/bin/sh\nexit 3\n"), ("python/lib/python3.13/a.py", FILE, "")),
        "command_failed",
        "compiled",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_an_archive_that_is_refused(host: Host, ansible: Ansible, archives: Index, name: str) -> None:
    data, kind, said = SPOILED[name]
    version = archives["3.13"]["version"]
    host.check(f"mkdir -p {OPT}/3.12.0/bin; ln -s 3.12.0 {OPT}/3.12; rm -f /root/planted")
    host.put("/root/archive", data)
    done = runtime(ansible, host, version=version, path="/root/archive", sha256=hashlib.sha256(data).hexdigest())
    assert (done.get("failed"), done.get("kind")) == (True, kind), done
    assert said in done["msg"]
    assert sorted(left(host)) == ["3.12", "3.12.0"]
    assert host.run("ls /root/planted").rc != 0


def test_wrong_and_damaged_archives_leave_the_old_runtime(
    hosts: dict[str, Host], ansible: Ansible, archives: Index
) -> None:
    host, options = hosts["sles15"], prebuilt(archives, "3.13")
    version = options["version"]
    try:
        assert not runtime(ansible, host, **options).get("failed")
        whole = Path(options["controller_file"]).read_bytes()
        host.put("/root/archive", whole)
        cut = whole[: len(whole) * 2 // 3]
        host.put("/root/cut", cut)
        tries: list[tuple[str, str, dict[str, Any]]] = [
            ("checksum", "SHA-256 is", {"path": "/root/archive", "sha256": "0" * 64}),
            ("checksum", "on the controller", {"controller_file": options["controller_file"], "sha256": "0" * 64}),
            ("archive", "damaged", {"path": "/root/cut", "sha256": hashlib.sha256(cut).hexdigest()}),
            ("no_source", "cannot be read", {"path": "/root/nothing", "sha256": "0" * 64}),
            ("download", "downloaded", {"url": "http://no-such-host.invalid/a.tar.gz", "sha256": "0" * 64}),
            ("download", "404", {"url": "http://repo/no-such-file.tar.gz", "sha256": "0" * 64}),
            ("invalid_data", "sha256 must be given", {"path": "/root/archive"}),
            ("unsafe_root", "operating system", {"root": "/usr/local/python", **options, "version": version}),
        ]
        for kind, said, wrong in tries:
            done = runtime(ansible, host, **{"version": version, **wrong})
            assert (done.get("failed"), done.get("kind")) == (True, kind), (wrong, done)
            assert said in done["msg"]
            assert sorted(left(host)) == ["3.13", version]
            works(host, "3.13", version)
        other = runtime(ansible, host, **{**options, "version": "3.13.99"})
        assert (other.get("failed"), other.get("kind")) == (True, "not_proven"), other
        assert "not the 3.13.99" in other["msg"]
        assert sorted(left(host)) == ["3.13", version]
        host.check("mkdir -p /srv/open && chmod 0777 /srv/open")
        done = runtime(ansible, host, **{**options, "root": "/srv/open/python"})
        assert (done.get("failed"), done.get("kind")) == (True, "unsafe_root"), done
    finally:
        host.check(f"rm -rf {OPT} /root/archive /root/cut /srv/open")


def test_a_signature(hosts: dict[str, Host], ansible: Ansible, archives: Index) -> None:
    host, one = hosts["rhel9"], archives["3.11"]
    host.put("/root/archive", Path(one["file"]).read_bytes())
    host.check(
        "rm -rf /root/keys; mkdir -m 0700 /root/keys; cd /root/keys;"
        "for name in good other; do"
        " gpg --homedir /root/keys --batch --quiet --passphrase '' --quick-gen-key $name rsa2048 sign;"
        " gpg --homedir /root/keys --batch --armor --export $name >$name.asc; done;"
        "gpg --homedir /root/keys --batch --quiet -u good --detach-sign --output sig /root/archive"
    )
    options: dict[str, Any] = {
        "version": one["version"],
        "path": "/root/archive",
        "sha256": one["sha256"],
        "signature": "/root/keys/sig",
    }
    try:
        refused = runtime(ansible, host, **options, keyring="/root/keys/other.asc")
        assert (refused.get("failed"), refused.get("kind")) == (True, "signature"), refused
        assert left(host) == []
        done = runtime(ansible, host, **options, keyring="/root/keys/good.asc")
        assert not done.get("failed"), done["msg"]
        assert done["source"]["signed"] is True
    finally:
        host.check(f"rm -rf {OPT} /root/archive /root/keys")


def test_a_folder_where_nothing_can_be_started(fleet: Fleet, ansible: Ansible, archives: Index) -> None:
    host = fleet.start("rhel9", "--tmpfs", f"{OPT}:mode=0755,noexec")
    done = runtime(ansible, host, **prebuilt(archives, "3.11"))
    assert (done.get("failed"), done.get("kind")) == (True, "unsafe_root"), done
    assert "noexec" in done["msg"]
    assert left(host) == []
    fleet.drop(host)


def test_a_full_disk(fleet: Fleet, ansible: Ansible, archives: Index) -> None:
    host = fleet.start("rhel9", "--tmpfs", f"{OPT}:size=120m,mode=0755,exec")
    first, second = prebuilt(archives, "3.11"), prebuilt(archives, "3.13")
    assert not runtime(ansible, host, **first).get("failed")
    host.check(f"head -c $(( $(df -B1 --output=avail {OPT} | tail -n 1) - 30000000 )) /dev/zero >{OPT}/ballast; true")
    done = runtime(ansible, host, **second)
    assert (done.get("failed"), done.get("kind")) == (True, "disk_full"), done
    assert sorted(left(host)) == ["3.11", first["version"], "ballast"]
    works(host, "3.11", first["version"])
    fleet.drop(host)


# The process is known by the name of the module's file, which there is without pipelining only.
KILL = """
for try in $(seq 30000); do
  if grep -qs {step} /run/p; then
    for entry in /proc/[0-9]*; do
      case "$(tr '\\0' ' ' <$entry/cmdline 2>/dev/null)" in
        *AnsiballZ_python_runtime*) kill -9 ${{entry#/proc/}}; touch /root/killed ;;
      esac
    done
    exit 0
  fi
  sleep 0.02
done
"""


# What is done after these is over at once: test_release.py of the unit tests ends it before each rename.
@pytest.mark.parametrize("step", ["unpack", "check"])
def test_killed_in_the_middle(hosts: dict[str, Host], ansible: Ansible, archives: Index, step: str) -> None:
    host = hosts["rhel9"]
    ansible.pipelining = False
    old, new = prebuilt(archives, "3.11"), prebuilt(archives, "3.13")
    try:
        assert not runtime(ansible, host, **old).get("failed")
        host.put("/root/kill", KILL.format(step=step).encode())
        host.check("rm -f /run/p /root/killed; sh /root/kill >/dev/null 2>&1 &")
        # The module also takes more than one run of it to prove that leftovers do no harm.
        killed = runtime(ansible, host, **new, progress="/run/p")
        works(host, "3.11", old["version"])
        names = [name for name in left(host) if not name.startswith(".fleet-system-python-new-")]
        assert set(names) <= {"3.11", old["version"], "3.13", new["version"]}
        assert host.run("ls /root/killed").rc == 0
        if new["version"] in names:
            host.check(f"cd {OPT}/{new['version']} && sha256sum --check --quiet --strict .manifest.sha256")
        done = runtime(ansible, host, **new, state="intact")
        assert not done.get("failed"), (killed, done["msg"])
        works(host, "3.13", new["version"])
        assert sorted(left(host)) == sorted(["3.11", old["version"], "3.13", new["version"]])
        assert not runtime(ansible, host, **new, state="intact")["changed"]
    finally:
        host.check(f"rm -rf {OPT} /run/p /root/kill /root/killed")


def test_two_runs_at_once(hosts: dict[str, Host], ansible: Ansible, archives: Index, tmp_path: Path) -> None:
    from checkkit import Ansible as Another  # noqa: PLC0415

    host, options = hosts["sles15"], prebuilt(archives, "3.11")
    second = tmp_path / "second"
    second.mkdir()
    results: dict[str, Result] = {}
    runs = [
        threading.Thread(
            target=lambda name, it: results.update({name: runtime(it, host, **options, lock_timeout=120)}), args=pair
        )
        for pair in (("one", ansible), ("two", Another(second)))
    ]
    try:
        for run in runs:
            run.start()
            time.sleep(0.2)
        for run in runs:
            run.join()
        assert [one.get("failed", False) for one in results.values()] == [False, False], results
        assert sorted(left(host)) == ["3.11", options["version"]]
        host.check("flock -o /run/lock/fleet.system_python.runtime.lock sleep 20 >/dev/null 2>&1 & sleep 0.5")
        done = runtime(ansible, host, **prebuilt(archives, "3.13"))
        assert (done.get("failed"), done.get("kind")) == (True, "locked"), done
    finally:
        host.check(f"rm -rf {OPT}; pkill -f '[s]leep 20'; true")


def test_absent_names_the_venvs_and_keep_spares_them(hosts: dict[str, Host], ansible: Ansible, archives: Index) -> None:
    host, options = hosts["sles15"], prebuilt(archives, "3.11")
    version = options["version"]
    try:
        assert not runtime(ansible, host, **options).get("failed")
        host.check(f"mkdir -p /srv/venvs && {OPT}/3.11/bin/python3 -m venv --without-pip /srv/venvs/app")
        for check in (True, False):
            done = runtime(ansible, host, check=check, version=version, state="absent")
            assert (done.get("failed"), done.get("kind")) == (True, "in_use"), done
            assert "/srv/venvs/app" in done["msg"]
            assert done["details"]["venvs"] == ["/srv/venvs/app"]
        host.check("/srv/venvs/app/bin/python -c 'import ssl'")
        # A newer patch release (a copy under another name stands for it) moves the link; the old one is in use.
        host.check(f"cp -a {OPT}/{version} {OPT}/3.11.0; rm -rf /srv/venvs/app")
        pruned = runtime(ansible, host, **options, keep=1)
        assert pruned["changed"]
        assert sorted(left(host)) == ["3.11", version]
        host.check(f"{OPT}/3.11/bin/python3 -c 'import time; time.sleep(60)' >/dev/null 2>&1 & sleep 0.5")
        running = runtime(ansible, host, version=version, state="absent")
        assert (running.get("failed"), running.get("kind")) == (True, "in_use"), running
        host.check("pkill -f '[t]ime.sleep.60'; sleep 0.3")
        gone = runtime(ansible, host, version=version, state="absent")
        assert gone["changed"]
        assert left(host) == []
        assert not runtime(ansible, host, version=version, state="absent")["changed"]
    finally:
        host.check(f"rm -rf {OPT} /srv/venvs; pkill -f '[t]ime.sleep.60'; true")


def test_what_is_not_ours_stays(hosts: dict[str, Host], ansible: Ansible, archives: Index) -> None:
    host, options = hosts["rhel9"], prebuilt(archives, "3.11")
    try:
        host.check(f"mkdir -p {OPT}/{options['version']} && echo mine >{OPT}/{options['version']}/file")
        for state in ("present", "absent"):
            done = runtime(ansible, host, **options, state=state)
            assert (done.get("failed"), done.get("kind")) == (True, "not_ours"), done
        host.check(f"grep mine {OPT}/{options['version']}/file")
    finally:
        host.check(f"rm -rf {OPT}")


def test_a_build_without_a_compiler(hosts: dict[str, Host], ansible: Ansible, archives: Index) -> None:
    one = archives["3.13"]
    source: dict[str, Any] = {
        "version": one["version"],
        "controller_file": one["source"],
        "sha256": one["source_sha256"],
    }
    for host in hosts.values():
        done = runtime(ansible, host, source="source", **source)
        assert (done.get("failed"), done.get("kind")) == (True, "build_tools_missing"), done
        assert "C compiler" in done["msg"]
        assert "openssl-devel" in done["msg"]
        assert left(host) == []


def test_builds_that_fail_or_are_killed(fresh: Callable[[str], Host], ansible: Ansible, archives: Index) -> None:
    host, one = fresh("rhel9build"), archives["3.13"]
    path = f"/srv/sources/{Path(one['source']).name}"
    options: dict[str, Any] = {
        "version": one["version"],
        "path": path,
        "sha256": one["source_sha256"],
        "source": "source",
    }
    failed = runtime(ansible, host, **options, configure_options=["--no-such-option-at-all", "CC=/bin/false"])
    assert (failed.get("failed"), failed.get("kind")) == (True, "build"), failed
    assert failed["details"]["step"] == "configure"
    assert left(host) == []
    # Killed while make is at work: nobody goes on, and the next run removes what is left.
    ansible.pipelining = False
    host.put("/root/kill", KILL.format(step="make").encode())
    host.check("rm -f /run/p /root/killed; (sh /root/kill; sleep 1; ps -eo args >/root/after) >/dev/null 2>&1 &")
    killed = runtime(ansible, host, **options, progress="/run/p", build_environment={"OPT": "-O0"})
    assert killed.get("failed"), killed
    host.check("ls /root/killed; sleep 2")
    assert "make -j" not in host.check("ps -eo args")
    assert [name for name in left(host) if not name.startswith(".fleet-system-python-new-")] == []
    done = runtime(ansible, host, **prebuilt(archives, "3.11"))
    assert not done.get("failed"), done["msg"]
    assert sorted(left(host)) == ["3.11", archives["3.11"]["version"]]


def test_c_extensions_find_the_runtime_at_its_place(
    fresh: Callable[[str], Host], ansible: Ansible, archives: Index
) -> None:
    host, options = fresh("rhel9build"), prebuilt(archives, "3.13")
    root = "/srv/elsewhere/pythons"
    done = runtime(ansible, host, **options, root=root)
    assert not done.get("failed"), done["msg"]
    python = f"{root}/3.13/bin/python3.13"
    prefix = f"{root}/{options['version']}"
    host.put(
        "/root/ext.c",
        b"#include <Python.h>\n"
        b'static struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "ext", 0, -1, 0};\n'
        b"PyMODINIT_FUNC PyInit_ext(void) { return PyModule_Create(&m); }\n",
    )
    flags = host.check(f"{root}/3.13/bin/python3.13-config --includes").strip()
    assert flags == f"-I{prefix}/include/python3.13 -I{prefix}/include/python3.13"
    suffix = host.check(f"{python} -c \"import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))\"").strip()
    host.check(f"cd /root && gcc -shared -fPIC {flags} -o ext{suffix} ext.c && {python} -c 'import ext'")
    names = ("prefix", "BINDIR", "LIBDIR", "LIBPL", "INCLUDEPY", "LIBDEST")
    code = (
        "import importlib, json, sysconfig; data = importlib.import_module(sysconfig._get_sysconfigdata_name());"
        f"print(json.dumps([data.build_time_vars[name] for name in {names!r}]))"
    )
    told = json.loads(host.check(f'{python} -c "{code}"'))
    assert [path for path in told if path != prefix and not path.startswith(prefix + "/")] == [], told


@pytest.mark.parametrize("image", IMAGES)
def test_the_distributions_own_package(fresh: Callable[[str], Host], ansible: Ansible, image: str) -> None:
    host = fresh(image)
    minor, names = ("3.12", ["python3.12"]) if image == "rhel9" else ("3.13", ["python313", "python313-base"])
    name = names[-1]
    if image == "sles15":
        host.check(f"rpm -e --nodeps {' '.join(names)} && ! ls /usr/bin/python3.13")
    elif host.run(f"dnf -q list --available {name}").rc:
        pytest.skip("the repository has no python3.12: no CPython 3.12 on the machine that built it")
    options: dict[str, Any] = {"version": minor, "source": "package"}
    predicted = runtime(ansible, host, check=True, **options)
    done = runtime(ansible, host, **options)
    assert not done.get("failed"), done["msg"]
    assert predicted["actions"] == done["actions"] == [{"action": "install_packages", "packages": names}]
    assert done["interpreter"] == f"/usr/bin/python{minor}"
    assert left(host) == []
    again = runtime(ansible, host, **options, state="intact")
    assert (again["changed"], again["intact"]) == (False, True)
    host.check(f"chmod 0700 {done['interpreter']}")
    altered = runtime(ansible, host, **options, state="intact")
    assert (altered.get("failed"), altered.get("kind")) == (True, "not_proven"), altered
    host.check(f"chmod 0755 {done['interpreter']}; test-host-repo none")
    gone = runtime(ansible, host, **options, state="absent")
    assert gone["changed"], gone
    assert host.run(f"rpm -q {name}").rc != 0
    unavailable = runtime(ansible, host, **options)
    assert (unavailable.get("failed"), unavailable.get("kind")) == (True, "no_source"), unavailable
    own = {"rhel9": ("3.9", "python3"), "sles15": ("3.6", "python3-base")}[image]
    refused = runtime(ansible, host, version=own[0], source="package", packages=[own[1]], state="absent")
    assert (refused.get("failed"), refused.get("kind")) == (True, "in_use"), refused
