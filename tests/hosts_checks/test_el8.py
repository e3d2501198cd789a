# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is no damage on EL 8, where packages choose python3 by alternatives groups of their own; on one host."""

from collections.abc import Callable

from checkkit import Host

PLATFORM = "/usr/libexec/platform-python"


def _is_healthy(host: Host, python: str) -> None:
    before = host.listing()
    code, facts = host.drive("audit", python)
    assert (code, facts.get("findings")) == (0, []), facts
    code, result = host.drive("repair", python)
    assert (code, result["changed"], result["healthy"]) == (0, False, True), result
    assert host.listing() == before


def test_every_choice_of_packages_is_healthy(fresh: Callable[[str], Host]) -> None:
    host = fresh("el8")
    host.install()
    host.check("alternatives --set python3 /usr/bin/python3.11 && alternatives --set python /usr/bin/python3")
    assert host.check("readlink -f /usr/bin/python3 /usr/bin/python").split() == ["/usr/bin/python3.11"] * 2
    _is_healthy(host, PLATFORM)
    host.check("alternatives --auto python3 && alternatives --auto python")
    assert host.check("readlink -f /usr/bin/python3").strip() == f"{PLATFORM}3.6"
    # The package of 3.6's command goes: a newer one is chosen by its priority.
    host.check("rpm -e --nodeps python36")
    newest = host.check("ls /usr/bin/python3.1[0-9] | sort -V | tail -n 1").strip()
    assert host.check("readlink -f /usr/bin/python3").strip() == newest
    _is_healthy(host, PLATFORM)
    # A minimal host: no python3 at all, so one in /usr/local comes before nothing.
    host.check("rpm -e --nodeps $(rpm -qa 'python3.1*' --qf '%{NAME}\\n' | grep -v libs)")
    assert host.run("ls /usr/bin/python3 /usr/bin/python").rc != 0
    host.check(f"ln -s {PLATFORM} /usr/local/bin/python3")
    _is_healthy(host, PLATFORM)


def test_the_second_name_of_the_pair_and_the_link_beside_it(fresh: Callable[[str], Host]) -> None:
    host = fresh("el8")
    host.install()
    host.check("ln -sfn /usr/bin/python3.11 /usr/bin/python3.6 && ln -sfn python3.11 /usr/bin/python3")
    code, facts = host.drive("audit", PLATFORM)
    found = {finding["id"]: finding["path"] for finding in facts.get("findings", [])}
    # python3 leads to a packaged Python past its group: the group is inconsistent, no more.
    assert (code, found) == (0, {"SP101": "/usr/bin/python3.6", "SP105": "/usr/bin/python3"}), facts
    code, result = host.drive("repair", PLATFORM)
    assert (code, result["findings_after"], result["changed"]) == (0, [], True), result
    assert host.check("readlink -f /usr/bin/python3").strip() == f"{PLATFORM}3.6"
