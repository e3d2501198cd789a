# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A fleet as JUnit XML: a suite per host, a test case per rule.

A finding that is still there is a failure. One that was repaired passes and says so. A host that could not be looked at
has one test case, with an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Nothing is parsed here, only written.
from xml.etree import ElementTree as ET

from ansible_collections.fleet.system_python.plugins.module_utils._findings import RULES
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet_shape import LABELS

__all__ = ["junit"]

# What XML 1.0 cannot hold, even escaped. Control characters are written as escapes before this.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NOT_EXAMINED = ("failed", "unreachable", "unknown")


def junit(fleet: Mapping[str, Any]) -> bytes:
    """Return the document."""
    root = ET.Element("testsuites", name="fleet.system_python")
    totals = {"tests": 0, "failures": 0, "errors": 0}
    for row in fleet["hosts"]:
        suite = _suite(row, fleet["run"]["time"])
        root.append(suite)
        for key in totals:
            totals[key] += int(suite.get(key, "0"))
    if fleet["faults"]:
        suite = _faults(fleet)
        root.append(suite)
        totals["tests"] += int(suite.get("tests", "0"))
        totals["errors"] += int(suite.get("errors", "0"))
    for key, number in totals.items():
        root.set(key, str(number))
    ET.indent(root, " ")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(row: Mapping[str, Any], time: str) -> ET.Element:
    suite = ET.Element("testsuite", name=_xml(row["host"]), hostname=_xml(row["host"]))
    if time:
        # The form has no place for a time zone; it is UTC.
        suite.set("timestamp", _xml(time.removesuffix("Z")))
    cases = list(_cases(row))
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    suite.set("skipped", "0")
    suite.set("time", "0")
    return suite


def _cases(row: Mapping[str, Any]) -> Iterator[ET.Element]:
    if row["state"] in _NOT_EXAMINED:
        case = _case(row["host"], "examined")
        error = ET.SubElement(case, "error", type=row["state"], message=_xml(f"{LABELS[row['state']]}: {row['note']}"))
        error.text = _xml(row["note"])
        yield case
        if not row["findings"]:
            return
    names = {rule.id: rule.name for rule in RULES} | {one["id"]: one["name"] for one in row["findings"]}
    for kind in sorted(names):
        yield _rule(row, kind, names[kind])


def _rule(row: Mapping[str, Any], kind: str, name: str) -> ET.Element:
    case = _case(row["host"], f"{kind} {name}")
    found = [one for one in row["findings"] if one["id"] == kind]
    still = [one for one in found if one["state"] != "repaired"]
    if still:
        lines = [f"{one['severity']}: {one['summary']}" for one in still]
        failure = ET.SubElement(case, "failure", type=_xml(kind), message=_xml(still[0]["summary"]))
        failure.text = _xml("\n".join(lines))
    elif found:
        ET.SubElement(case, "system-out").text = _xml("\n".join(f"repaired: {one['summary']}" for one in found))
    return case


def _case(host: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=_xml(host), name=_xml(name), time="0")


def _faults(fleet: Mapping[str, Any]) -> ET.Element:
    count = str(len(fleet["faults"]))
    suite = ET.Element("testsuite", name="reports that cannot be read", tests=count, errors=count)
    suite.set("failures", "0")
    suite.set("skipped", "0")
    suite.set("time", "0")
    for fault in fleet["faults"]:
        case = ET.SubElement(suite, "testcase", classname="reports", name=_xml(fault["file"]), time="0")
        ET.SubElement(case, "error", type="report", message=_xml(fault["reason"]))
    return suite


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
