# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A fleet as JUnit XML: a suite per host, a test case per rule.

A finding that is still there is a failure. One that was repaired passes and says so. One that is accepted is skipped,
and so is a rule that was not applied, or only in part. A host that could not be looked at has one test case, with an
error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Nothing is parsed here, only written.
from xml.etree import ElementTree as ET

from ...module_utils._audit.findings import RULES
from .._run.states import NOT_EXAMINED, PAGE_LABELS
from .records import Fleet, HostRow

__all__ = ["junit"]

# What XML 1.0 cannot hold, even escaped. Control characters are written as escapes before this.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(fleet: Fleet) -> bytes:
    """Return the document."""
    suites = [_host_suite(row, fleet["run"]["time"]) for row in fleet["hosts"]]
    if fleet["faults"]:
        suites.append(_suite("reports that cannot be read", _faults(fleet)))
    root = ET.Element("testsuites", name="fleet.system_python")
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.extend(suites)
    ET.indent(root, " ")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(name: str, cases: Iterable[ET.Element], **attributes: str) -> ET.Element:
    suite = ET.Element("testsuite", {"name": _xml(name), **attributes})
    suite.extend(cases)
    numbers = {
        "tests": len(suite),
        "failures": len(suite.findall("*/failure")),
        "errors": len(suite.findall("*/error")),
        "skipped": len(suite.findall("*/skipped")),
    }
    suite.attrib.update({key: str(number) for key, number in numbers.items()}, time="0")
    return suite


def _host_suite(row: HostRow, time: str) -> ET.Element:
    # The form has no place for a time zone; it is UTC.
    stamp = {"timestamp": _xml(time.removesuffix("Z"))} if time else {}
    return _suite(row["host"], _cases(row), hostname=_xml(row["host"]), **stamp)


def _cases(row: HostRow) -> Iterator[ET.Element]:
    if row["state"] in NOT_EXAMINED:
        case = _case(row["host"], "examined")
        error = ET.SubElement(
            case, "error", type=row["state"], message=_xml(f"{PAGE_LABELS[row['state']]}: {row['note']}")
        )
        error.text = _xml(row["note"])
        yield case
        if not row["findings"]:
            return
    names = {rule.id: rule.name for rule in RULES} | {one["id"]: one["name"] for one in row["findings"]}
    for kind in sorted(names):
        yield _rule(row, kind, names[kind])


def _rule(row: HostRow, kind: str, name: str) -> ET.Element:
    case = _case(row["host"], f"{kind} {name}")
    found = [one for one in row["findings"] if one["id"] == kind]
    still = [one for one in found if one["state"] not in ("repaired", "accepted")]
    accepted = [f"accepted {one['accepted']}: {one['summary']}" for one in found if one["state"] == "accepted"]
    if still:
        lines = [f"{one['severity']}: {one['summary']}" for one in still]
        failure = ET.SubElement(case, "failure", type=_xml(kind), message=_xml(still[0]["summary"]))
        failure.text = _xml("\n".join(lines))
    elif accepted:
        ET.SubElement(case, "skipped", message=_xml("; ".join(accepted)))
    elif found:
        ET.SubElement(case, "system-out").text = _xml("\n".join(f"repaired: {one['summary']}" for one in found))
    elif row["not_checked"] is None:
        ET.SubElement(case, "skipped", message="nothing was looked at")
    elif kind in row["not_checked"]:
        ET.SubElement(case, "skipped", message=_xml(row["not_checked"][kind]))
    return case


def _case(host: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=_xml(host), name=_xml(name), time="0")


def _faults(fleet: Fleet) -> Iterator[ET.Element]:
    for fault in fleet["faults"]:
        case = _case("reports", fault["file"])
        ET.SubElement(case, "error", type="report", message=_xml(fault["reason"]))
        yield case


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
