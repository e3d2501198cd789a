# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a fleet as a person meets it. Every test also fails for a console message, a dialog or a request."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import browserkit
import pytest
from simulated_fleet import BEGIN, report, simulate, write_history, write_reports

from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.build import PageRequest, build

# Fixtures are found by their names in this file.
browser, show = browserkit.browser, browserkit.show

Show = Callable[..., Any]

HOSTS = 1000
LIMIT = 2000
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"'><svg/onload=alert(3)>",
    "javascript:alert(4)",
    "{{7*7}}${alert(5)}",
    "__proto__",
)
ROWS = "#hosts tbody tr:not([hidden])"


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thousand")
    write_reports(folder / "reports", simulate(HOSTS))
    write_history(folder / "history", HOSTS, 14)
    build(PageRequest(folder / "reports", folder, folder / "history"))
    return folder / "fleet.html"


@pytest.fixture(scope="session")
def data() -> list[dict[str, Any]]:
    return simulate(HOSTS)


def names(tab: Any) -> list[str]:
    found: list[str] = tab.eval_on_selector_all(ROWS + " th", "cells => cells.map(cell => cell.textContent)")
    return found


def background(tab: Any) -> str:
    return str(tab.evaluate("getComputedStyle(document.body).backgroundColor"))


def colours(tab: Any, canvas: str) -> set[tuple[int, ...]]:
    """The opaque colours of a chart that cover more than a line."""
    counted = tab.evaluate(
        """id => {
            const canvas = document.getElementById(id), found = {};
            const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
            copy.drawImage(canvas, 0, 0);
            const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
            for (let at = 0; at < data.length; at += 4) {
                if (data[at + 3] === 255) {
                    const key = [data[at], data[at + 1], data[at + 2]].join();
                    found[key] = (found[key] || 0) + 1;
                }
            }
            return found;
        }""",
        canvas,
    )
    return {tuple(map(int, key.split(","))) for key, count in counted.items() if count > 1500}


def test_a_thousand_hosts_load_in_under_two_seconds(show: Show, thousand: Path) -> None:
    """By the browser's own clock, until all is drawn. The median of three; a machine that is busy gets three tries."""
    medians = []
    for _attempt in range(3):
        times = []
        for _load in range(3):
            tab = show(thousand)
            loaded = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
            times.append(max(loaded, float(tab.evaluate("document.documentElement.dataset.ready"))))
            assert tab.locator("#hosts tbody tr").count() == HOSTS
            tab.context.close()
        medians.append(statistics.median(times))
        print(f"loads: {', '.join(f'{one:.0f} ms' for one in times)}")
        if medians[-1] < LIMIT:
            return
    pytest.fail(f"medians of three loads: {medians} ms; the limit is {LIMIT} ms")


def test_the_numbers_are_those_of_the_reports(show: Show, thousand: Path, data: list[dict[str, Any]]) -> None:
    tab = show(thousand)
    tiles = dict(
        tab.eval_on_selector_all(
            ".tile", "all => all.map(tile => [tile.lastChild.textContent, Number(tile.firstChild.textContent)])"
        )
    )
    statuses = [one["status"] for one in data]
    assert tiles == {
        "healthy": statuses.count("healthy"),
        "repaired": statuses.count("repaired"),
        "not repairable": statuses.count("findings left"),
        "failed": statuses.count("failed"),
        "unreachable": statuses.count("unreachable"),
    }
    assert tab.locator("#shown").inner_text() == f"{HOSTS} of {HOSTS} hosts"


def test_filters_show_exactly_the_hosts_that_fit(show: Show, thousand: Path, data: list[dict[str, Any]]) -> None:
    def ids(one: dict[str, Any]) -> set[str]:
        return {finding["id"] for finding in (one["before"] or {"findings": []})["findings"]}

    tab = show(thousand)
    tab.select_option("#kind", "SP201")
    assert set(names(tab)) == {one["host"] for one in data if "SP201" in ids(one)}
    tab.select_option("#group", "web")
    wanted = {one["host"] for one in data if "SP201" in ids(one) and "web" in one["groups"]}
    assert set(names(tab)) == wanted
    assert tab.locator("#shown").inner_text() == f"{len(wanted)} of {HOSTS} hosts"
    tab.click("#reset")
    # Not wait_for_function: it polls with eval, which the page's policy forbids.
    tab.locator("#shown", has_text=f"{HOSTS} of {HOSTS} hosts").wait_for()
    tab.select_option("#python", "3.15 altered")
    tab.select_option("#severity", "critical")
    assert set(names(tab)) == {one["host"] for one in data if one["status"] == "failed"}


def test_search_takes_words_in_any_order(show: Show, thousand: Path, data: list[dict[str, Any]]) -> None:
    tab = show(thousand)
    tab.fill("#q", "OSLO web0 unreachable")
    wanted = {one["host"] for one in data if one["host"].startswith("web0") and "oslo" in one["host"]}
    assert set(names(tab)) == {one["host"] for one in data if one["host"] in wanted and one["status"] == "unreachable"}
    tab.fill("#q", "sitecustomize.py")
    assert len(names(tab)) == sum(bool(one["before"]) and "SP209" in json.dumps(one["before"]) for one in data)
    tab.fill("#q", "no such thing")
    assert tab.locator("#shown").inner_text() == f"0 of {HOSTS} hosts"


def test_a_tile_filters_and_lets_go_again(show: Show, thousand: Path, data: list[dict[str, Any]]) -> None:
    tab = show(thousand)
    tile = tab.locator(".tile", has_text="unreachable")
    tile.click()
    assert tile.get_attribute("aria-pressed") == "true"
    assert set(names(tab)) == {one["host"] for one in data if one["status"] == "unreachable"}
    tile.click()
    assert len(names(tab)) == HOSTS


def test_a_bar_filters(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    tab.locator("#chart-groups").scroll_into_view_if_needed()
    box = tab.locator("#chart-groups").bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3)
    # The chart takes a click at its next frame. A second click would take the filter away again.
    for _look in range(40):
        if tab.input_value("#group"):
            break
        tab.wait_for_timeout(250)
    assert tab.input_value("#group")
    assert 0 < len(names(tab)) < HOSTS


def test_every_column_sorts_both_ways(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    assert tab.locator("#hosts thead th").nth(1).get_attribute("aria-sort") == "descending"
    for index, button in enumerate(tab.locator("#hosts thead button").all()):
        button.click()
        first = names(tab)
        head = tab.locator("#hosts thead th").nth(index)
        assert head.get_attribute("aria-sort") in ("ascending", "descending")
        button.click()
        assert sorted(first) == sorted(names(tab))
        assert first != names(tab)
    tab.locator("#hosts thead button").first.click()
    assert names(tab)[0] == "batch0002.berlin.example"
    tab.locator("#hosts thead button").last.click()
    counts = tab.eval_on_selector_all(ROWS, "rows => rows.map(row => Number(row.lastChild.textContent))")
    assert counts == sorted(counts)


def test_failed_and_critical_hosts_come_first(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    cells = "rows => rows.map(row => [row.cells[1].textContent, row.cells[2].textContent])"
    found = [tuple(pair) for pair in tab.eval_on_selector_all(ROWS, cells)]
    urgent = [state == "failed" or severity == "critical" for state, severity in found]
    assert 0 < sum(urgent) < urgent.index(False) + 1
    states = [state for state, _severity in found]
    assert states[: states.count("failed")] == ["failed"] * states.count("failed")
    assert states.index("unreachable") > max(index for index, one in enumerate(urgent) if one)
    assert states[-1] == "healthy"


def test_the_shown_hosts_are_ready_for_a_limit(show: Show, thousand: Path) -> None:
    tab = show(thousand, "#state=failed")
    assert tab.input_value("#limit") == ",".join(names(tab))


def test_links_lead_to_the_reports(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    links = tab.eval_on_selector_all("#hosts tbody a", "all => all.map(link => link.getAttribute('href'))")
    assert len(links) == HOSTS
    assert all((thousand.parent / unquote(link)).is_file() for link in links)
    with tab.expect_navigation():
        tab.locator("#hosts tbody a").first.click()
    assert tab.title().startswith("report ")


def test_a_view_can_be_passed_on_as_an_address(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    tab.fill("#q", "oslo")
    tab.select_option("#state", "repaired")
    fragment = "#" + tab.url.partition("#")[2]
    other = show(thousand, fragment)
    assert names(other) == names(tab)
    assert 0 < len(names(tab)) < HOSTS
    assert len(names(show(thousand, "#state=no-such-state&group=%3Cb%3E"))) == HOSTS


def test_all_of_it_by_keyboard(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    tab.keyboard.press("/")
    tab.keyboard.type("web0000")
    assert names(tab) == ["web0000.berlin.example"]
    seen = set()
    for _step in range(40):
        tab.keyboard.press("Tab")
        tag, text = tab.evaluate("[document.activeElement.tagName, document.activeElement.textContent.slice(0, 12)]")
        seen.add((tag, text))
        if tag == "A" and text.startswith("web0000"):
            break
    assert ("BUTTON", "State") in seen
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert tab.title().startswith("report ")


def test_findings_are_told_on_request(show: Show, thousand: Path) -> None:
    tab = show(thousand, "#state=failed")
    row = tab.locator(ROWS).first
    row.locator("summary").focus()
    tab.keyboard.press("Enter")
    row.locator("li").first.wait_for()
    assert "SP201 interpreter-altered, critical, found: /usr/bin/python3." in row.locator("li").first.inner_text()


def test_light_and_dark_follow_the_system_and_the_button(show: Show, thousand: Path) -> None:
    tab = show(thousand, color_scheme="light")
    light, bars = background(tab), colours(tab, "chart-kinds")
    assert light == "rgb(255, 255, 255)"
    assert (31, 111, 196) in bars
    tab.emulate_media(color_scheme="dark")
    assert background(tab) == "rgb(20, 24, 29)"
    assert (106, 169, 245) in colours(tab, "chart-kinds")
    tab.click("#theme")
    assert background(tab) == light
    assert (31, 111, 196) in colours(tab, "chart-kinds")
    tab.click("#theme")
    assert background(tab) == "rgb(20, 24, 29)"


def test_paper_is_light_and_has_no_controls(show: Show, thousand: Path) -> None:
    tab = show(thousand, "#state=failed", color_scheme="dark")
    tab.emulate_media(media="print")
    assert background(tab) == "rgb(255, 255, 255)"
    assert not tab.locator("#filters").is_visible()
    assert (31, 111, 196) in colours(tab, "chart-kinds")
    pdf = tab.pdf(format="A4", landscape=True)
    assert pdf.startswith(b"%PDF")


def test_contrast_is_enough_to_read(show: Show, thousand: Path) -> None:
    """WCAG AA asks for 4.5 to 1 for text."""
    for scheme in ("light", "dark"):
        tab = show(thousand, color_scheme=scheme)
        for selector in ("h1", "#about", "#shown", "#hosts a", ".tag.open", "summary", "footer p"):
            ratio = tab.evaluate(
                """selector => {
                    const light = text => {
                        const part = text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(one => one / 255);
                        const linear = one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
                        const [r, g, b] = part.map(linear);
                        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                    };
                    const ink = light(getComputedStyle(document.querySelector(selector)).color);
                    const paper = light(getComputedStyle(document.body).backgroundColor);
                    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
                }""",
                selector,
            )
            assert ratio >= 4.5, f"{selector} in {scheme}: {ratio:.2f}"


def test_charts_have_names_and_their_numbers_as_tables(show: Show, thousand: Path) -> None:
    tab = show(thousand)
    for figure in tab.locator("figure").all():
        assert "The numbers follow as a table" in figure.locator("canvas").get_attribute("aria-label")
        figure.locator("summary").click()
        assert figure.locator("tbody tr").count() > 1
    assert tab.locator("figure").count() == 4


def test_hostile_names_are_text(show: Show, tmp_path: Path) -> None:
    reports = []
    for number, name in enumerate(HOSTILE):
        one = report("x", [name, "g"], "el9", "failed", BEGIN, number)
        one.update(host=name, note=name)
        for finding in one["before"]["findings"]:
            finding.update(path=name, summary=name)
        one["before"]["interpreters"][0]["version"] = name
        one["summary"]["cause"] = name
        reports.append(one)
    folder = tmp_path / "re<b>ports #1?%41"
    write_reports(folder, reports)
    (folder / "<img src=x onerror=alert(6)>.json").write_text("{")
    (folder / "javascript:alert(7).json").write_text(json.dumps({**simulate(1)[0], "host": "linked"}))
    build(PageRequest(folder, tmp_path))
    tab = show(tmp_path / "fleet.html")
    assert set(names(tab)) == {*HOSTILE, "linked"}
    assert "<img src=x onerror=alert(6)>.json is damaged" in tab.locator("#faults li").inner_text()
    for name in HOSTILE:
        tab.fill("#q", name)
        assert name in names(tab)
        tab.select_option("#group", name)
        assert names(tab) == [name]
        tab.locator(ROWS).first.locator("summary").click()
        assert name in tab.locator(ROWS).first.locator("li").first.inner_text()
        tab.select_option("#group", "")
    tab.fill("#q", "")
    assert tab.locator("main img, main svg, main script, main iframe").count() == 0
    with tab.expect_navigation():
        tab.locator("#hosts a", has_text="linked").click()
    assert unquote(tab.url).endswith("re<b>ports #1?%41/javascript:alert(7).json")


def odd_state(host: str, status: str, *, looked_at: bool = True, **facts: Any) -> dict[str, Any]:
    """Return the report of an audit of a healthy host, with what is different."""
    one = report(host, ["web"], "el9", "healthy", BEGIN, 1)
    one["run"]["kind"] = "audit"
    one["status"] = status
    one["before"] = {**one["before"], **facts} if looked_at else None
    return one


def test_what_is_accepted_partly_seen_or_of_an_unknown_system(show: Show, tmp_path: Path) -> None:
    decided = {"reason": "OPS-7 <b>hardening</b>", "expires": "2027-01-31"}
    accepted = {**odd_finding(), "accepted": decided}
    expired = {**odd_finding("SP106", "minor"), "expired": decided}
    expired["summary"] += "; THE EXCEPTION FOR IT EXPIRED on 2027-01-31"
    unknown = odd_state("sl-micro", "unknown platform", looked_at=False)
    unknown["note"] = "no contract knows SL Micro 6.1"
    write_reports(
        tmp_path / "r",
        [
            odd_state("hardened", "healthy", accepted=[accepted]),
            odd_state("over", "findings left", findings=[expired], worst="minor", healthy=False),
            odd_state("by-user", "partial", healthy=False, not_checked={"SP106": "cannot read /etc/sudoers"}),
            unknown,
        ],
    )
    build(PageRequest(tmp_path / "r", tmp_path))
    tab = show(tmp_path / "fleet.html")
    tiles = tab.eval_on_selector_all(
        ".tile", "all => all.map(tile => [tile.lastChild.textContent, tile.firstChild.textContent])"
    )
    assert {name: count for name, count in tiles if count != "0"} == {
        "healthy": "1",
        "partly checked": "1",
        "drift found": "1",
        "not examined": "1",
    }
    row = tab.locator(ROWS, has_text="hardened")
    row.locator("summary").click()
    told = row.locator("li").first.inner_text()
    assert "SP207" in told
    assert "accepted until 2027-01-31: OPS-7 <b>hardening</b>" in told
    assert "no contract knows SL Micro 6.1" in tab.locator(ROWS, has_text="sl-micro").inner_text()
    late = tab.locator(ROWS, has_text="over")
    late.locator("summary").click()
    assert "EXPIRED on 2027-01-31" in late.locator("li").first.inner_text()
    tab.locator(".tile", has_text="partly checked").click()
    assert names(tab) == ["by-user"]


def odd_finding(kind: str = "SP207", severity: str = "critical") -> dict[str, Any]:
    return {
        "id": kind,
        "name": "metadata-altered",
        "severity": severity,
        "path": "/usr/bin/python3.9",
        "summary": "mode, owner or capabilities of 1 file differ",
        "expected": "0755",
        "actual": "0777",
        "evidence": {},
        "repairable": False,
    }


def test_the_network_is_out_of_reach(browser: Any, thousand: Path) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(thousand.as_uri())
    said = tab.evaluate(
        """async () => {
            const refused = [];
            document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
            await fetch("http://127.0.0.1:9/").catch(() => null);
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            await new Promise(done => setTimeout(done, 100));
            return [refused, window.ran === true];
        }"""
    )
    context.close()
    assert said == [["connect-src", "script-src-elem"], False]


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_hosts(show: Show, tmp_path: Path, count: int) -> None:
    write_reports(tmp_path / "r", simulate(count))
    (tmp_path / "r/damaged.json").write_text("{")
    build(PageRequest(tmp_path / "r", tmp_path))
    tab = show(tmp_path / "fleet.html")
    assert tab.locator("#shown").inner_text() == ("0 of 0 hosts" if not count else "1 of 1 host")
    assert tab.locator("#faults li").count() == 1


def test_a_narrow_screen_has_no_sideways_scrolling_of_the_page(show: Show, thousand: Path) -> None:
    tab = show(thousand, viewport={"width": 400, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
