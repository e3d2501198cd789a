# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From what a run knows of a host to the data of its report: docs/report.schema.json, docs/report.md.

Pure. Nothing is in the report that the data do not show; Markdown and HTML are made from the result alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from ...module_utils._audit.facts import accepted_lines
from ...module_utils._base.redact import redact
from ...module_utils._base.text import printable
from ...module_utils._evidence.records import HostEvidence
from .._border.collected import Collected, Facts, FirstAidAnswer, OsFacts
from .._first_aid.incident import BEFORE_FIRST_AID
from .._run.outcome import ErrorRecord
from .._run.states import HostState
from .aided import with_first_aid
from .case import Case
from .difference import differences
from .hypotheses import check_all, titles
from .known import KnownHost
from .prevention import advice_for, guards_for
from .proof import validation_part
from .records import FORMAT, FirstAidPart, Report, RunRecord, Summary
from .repair import repair_part
from .story import blast_radius, since, timeline
from .summary import headline

__all__ = ["shape"]

_DIGEST = re.compile(r"^[0-9a-f]{32,128}$")

# Where nothing was to be changed, the first observation is the last one.
_UNCHANGED = (HostState.HEALTHY, HostState.PARTIAL, HostState.FINDINGS_LEFT, HostState.DRIFT_FOUND)


def shape(known: KnownHost, run: RunRecord, parts: Iterable[str] = ()) -> Report:
    """Return the report of one host; C(parts) are the playbooks and roles of the collection that may be recommended."""
    collected = _collected(known)
    before = collected.get("facts") or known.facts
    findings = before["findings"] if before else []
    found = collected.get("evidence")
    evidence = _evidence(known, found)
    case = Case(before, evidence) if before and findings and evidence else None
    hypotheses = check_all(case) if case else []
    causes = [one["id"] for one in hypotheses if one["verdict"] == "ruled_in"]
    after = collected.get("facts_after") or (before if _is_unchanged(known) else None)
    repair = repair_part(known, collected, before)
    validation = validation_part(known, collected)
    moment, source = since(evidence, before)
    report = Report(
        format=FORMAT,
        host=known.host,
        groups=sorted(known.groups),
        run=run,
        status=known.state.status,
        note=known.note,
        error=_error(known.error),
        summary=Summary(
            headline=headline(known, run, before, after, repair),
            symptoms=[one["summary"] for one in findings],
            accepted=_accepted(after or before),
            since=moment,
            since_source=source,
            cause="; ".join(titles(causes)) or None,
        ),
        os=_os_release(before, known.first_aid),
        first_aid=_first_aid(known.first_aid),
        before=before,
        evidence=evidence,
        dependents=blast_radius(found.get("dependents") if found else None, findings),
        repair=repair,
        after=after,
        difference=differences(before, after),
        exhibits=case.exhibits if case else [],
        hypotheses=hypotheses,
        validation=validation,
        timeline=timeline(evidence, before, repair, validation, collected),
        prevention=advice_for(causes, parts),
        guards=guards_for([one["id"] for one in findings], parts),
    )
    return cast("Report", _redacted(report))


def _redacted(value: object, key: str = "") -> object:
    """Return the report with secrets taken out of every text: of messages and addresses of repositories, too."""
    if isinstance(value, dict):
        return {name: _redacted(one, name) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(one, key) for one in value]
    if isinstance(value, str) and key not in ("host", "groups") and not _DIGEST.match(value):
        return redact(value, looks=False)[0]
    return value


def _collected(known: KnownHost) -> Collected:
    if known.state is HostState.NOT_STARTED:
        return Collected()
    return with_first_aid(known.result.get("report") or known.collected, known.first_aid)


def _evidence(known: KnownHost, found: HostEvidence | None) -> HostEvidence | None:
    """Return the evidence without what depends on the interpreter, which is a part of its own."""
    if not found:
        return None
    evidence = cast("HostEvidence", {key: value for key, value in found.items() if key != "dependents"})
    if known.first_aid.get("brought_back") and evidence["when"] != BEFORE_FIRST_AID:
        evidence["when"] = "after first aid, before the repair"
    return evidence


def _accepted(facts: Facts | None) -> list[str]:
    # One of an earlier version has none.
    return accepted_lines(facts.get("accepted", ())) if facts else []


def _is_unchanged(known: KnownHost) -> bool:
    return known.state in _UNCHANGED and not known.result.get("changed")


def _error(error: ErrorRecord | None) -> ErrorRecord | None:
    return ErrorRecord(kind=error["kind"], msg=printable(error["msg"]), details=error["details"]) if error else None


def _os_release(facts: Facts | None, first_aid: FirstAidAnswer) -> OsFacts | None:
    if facts:
        return facts["os"]
    release = first_aid.get("os")
    return OsFacts(id=release.get("id"), version=release.get("version_id")) if release else None


def _first_aid(result: FirstAidAnswer) -> FirstAidPart | None:
    if not result:
        return None
    return FirstAidPart(
        interpreter=result.get("interpreter"),
        version=result.get("interpreter_version"),
        changed=bool(result.get("brought_back")),
        summary=str(result.get("summary") or result.get("msg") or ""),
        rejected=list(result.get("rejected") or ()),
        hazards=list(result.get("hazards") or ()),
        brought_back=result.get("brought_back"),
    )
