"""The runtimes are there and work; the system Python is what it was."""

from typing import Any

from testinfra.host import Host

TRY = "import sys, ssl, sqlite3, zlib, ctypes, venv; print(sys.version.split()[0], sys.base_prefix)"


def test_the_operating_system_is_what_it_was(host: Host, platform: dict[str, Any]) -> None:
    now = host.check_output(
        "(rpm -Va --nodeps --noscripts; readlink -f /usr/bin/python3; python3 -V;"
        " ls -A /usr/bin /usr/local/bin /etc/alternatives) 2>&1; true"
    )
    before = host.check_output("cat /var/tmp/before")
    # A parallel package may bring names of its own, and nothing else.
    brought = set(now.splitlines()) - set(before.splitlines())
    minor = platform.get("package")
    assert {line for line in brought if not (minor and (f"python{minor}" in line or minor in line))} == set()
    assert set(before.splitlines()) - set(now.splitlines()) == set()


def test_each_runtime_works_for_everybody(
    host: Host, platform: dict[str, Any], index: dict[str, dict[str, str]]
) -> None:
    for minor in platform.get("runtimes", []):
        version = index[minor]["version"]
        python = f"/opt/python/{minor}/bin/python3"
        assert host.check_output(f"{python} -I -c '{TRY}'").split() == [version, f"/opt/python/{minor}"]
        as_nobody = f"setpriv --reuid 65534 --regid 65534 --clear-groups {python} -I -c '{TRY}'"
        assert host.check_output(as_nobody).split()[0] == version
        assert host.file(f"/opt/python/{minor}").linked_to == f"/opt/python/{version}"


def test_a_venv_of_a_runtime_works(host: Host, platform: dict[str, Any]) -> None:
    for minor in platform.get("runtimes", []):
        folder = f"/srv/venv-{minor}"
        host.check_output(f"/opt/python/{minor}/bin/python3 -m venv --without-pip {folder}")
        assert host.check_output(f"{folder}/bin/python -c 'import sys; print(sys.prefix)'") == folder
        host.check_output(f"rm -rf {folder}")


def test_a_shell_can_check_the_manifest(host: Host, platform: dict[str, Any]) -> None:
    for minor in platform.get("runtimes", []):
        assert host.run(f"cd /opt/python/{minor} && sha256sum --check --quiet --strict .manifest.sha256").rc == 0


def test_nothing_else_is_below_opt(host: Host, platform: dict[str, Any], index: dict[str, dict[str, str]]) -> None:
    wanted = {name for minor in platform.get("runtimes", []) for name in (minor, index[minor]["version"])}
    assert set(host.run("ls -A /opt/python").stdout.split()) == wanted


def test_a_parallel_package_stays_where_it_is_put(host: Host, platform: dict[str, Any]) -> None:
    minor = platform.get("package")
    if minor:
        assert host.check_output(f"/usr/bin/python{minor} -c 'import sys; print(sys.prefix)'") == "/usr"
        assert host.run(f"rpm -qf /usr/bin/python{minor}").rc == 0
