// The page of a fleet. Text from the data goes into the page through textContent only, addresses through safeLink.
"use strict";

(function () {
  const fleet = JSON.parse(document.getElementById("data").textContent);
  const LABELS = fleet.labels;
  const STATES = Object.keys(LABELS);
  const SEVERITIES = ["critical", "major", "minor", "info"];
  // From what can wait to what cannot; an open critical finding comes right after a failed host.
  const URGENCY = ["healthy", "repaired", "unknown", "unreachable", "partial", "drifted", "left", "failed"];
  const FILTERS = ["q", "state", "kind", "severity", "group", "python"];
  const BARS = 20;
  const LIGHT = {
    ink: "#1b2027", quiet: "#55606d", line: "#d3d9e0", healthy: "#1a7f5a", repaired: "#1f6fc4", partial: "#7d6b00", drifted: "#b26a00",
    left: "#a4480f", failed: "#b3261e", unreachable: "#6b7480", unknown: "#8a929c"
  };
  const DARK = {
    ink: "#e8ebef", quiet: "#a5afba", line: "#38414b", healthy: "#4cc38a", repaired: "#6aa9f5", partial: "#c9b84a", drifted: "#f0a93b",
    left: "#f28b50", failed: "#f2736b", unreachable: "#9aa4af", unknown: "#7a838d"
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paper = window.matchMedia("print");
  const charts = [];
  let theme = "system";
  let printing = false;

  const at = (id) => document.getElementById(id);

  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  function plural(number, word) {
    return number + " " + word + (number === 1 ? "" : "s");
  }

  // Reports are files beside this page: anything else is no link.
  function safeLink(address) {
    return typeof address === "string" && /^\.\/[^:\\]*$/.test(address) ? address : null;
  }

  // --- colours ---------------------------------------------------------------------------------------------------

  function colours() {
    if (printing || paper.matches) return LIGHT;
    if (theme !== "system") return theme === "dark" ? DARK : LIGHT;
    return dark.matches ? DARK : LIGHT;
  }

  function paint() {
    const now = colours();
    for (const { chart } of charts) {
      for (const set of chart.data.datasets) {
        set.backgroundColor = now[set.tone];
      }
      for (const scale of Object.values(chart.options.scales)) {
        scale.ticks.color = now.ink;
        scale.grid.color = now.line;
      }
      chart.options.plugins.legend.labels.color = now.ink;
      // Without a mode: "none" leaves the colours of bars as they were.
      chart.update();
    }
  }

  function nextTheme() {
    theme = { system: "light", light: "dark", dark: "system" }[theme];
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    at("theme").textContent = "Colours: " + theme;
    at("theme").setAttribute("aria-label", "Colours: " + (theme === "system" ? "as the system has them" : theme));
    paint();
  }

  // --- charts, each with its numbers as a table ---------------------------------------------------------------------

  function numbers(heads, lines) {
    const table = make("table");
    const head = table.createTHead().insertRow();
    for (const text of heads) {
      const cell = make("th", text);
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const line of lines) {
      const row = body.insertRow();
      line.forEach((value, index) => {
        const cell = make(index ? "td" : "th", String(value), typeof value === "number" ? "number" : "");
        if (!index) cell.scope = "row";
        row.append(cell);
      });
    }
    return table;
  }

  function draw(id, title, about, labels, sets, lying, heads, lines, chosen) {
    const figure = make("figure");
    figure.append(make("h3", title));
    const plot = make("div", undefined, "plot");
    plot.style.height = (lying ? 70 + 24 * labels.length : 300) + "px";
    const canvas = make("canvas");
    canvas.id = id;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title + ". " + about + " The numbers follow as a table.");
    plot.append(canvas);
    figure.append(plot);
    const details = make("details");
    details.append(make("summary", "As a table"));
    const holder = make("div");
    holder.append(numbers(heads, lines));
    details.append(holder);
    figure.append(details);
    at("charts").append(figure);
    const now = colours();
    const scale = (counts) => ({
      stacked: true,
      grid: { display: counts, color: now.line },
      ticks: { color: now.ink, ...(counts ? { precision: 0 } : { autoSkip: !lying }) },
      beginAtZero: true
    });
    const chart = new Chart(canvas, {
      type: "bar",
      data: { labels: labels, datasets: sets.map((set) => ({ ...set, backgroundColor: now[set.tone] })) },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        indexAxis: lying ? "y" : "x",
        // The whole line of a bar can be pointed at: some bars are one host thin.
        interaction: { mode: "index", axis: lying ? "y" : "x", intersect: false },
        scales: { x: scale(lying), y: scale(!lying) },
        plugins: { colors: { enabled: false }, legend: { labels: { boxWidth: 12, color: now.ink } } },
        onClick: (_event, hits) => {
          if (chosen && hits.length) chosen(hits[0].index);
        }
      }
    });
    charts.push({ chart: chart });
  }

  function drawKinds() {
    const kinds = fleet.kinds;
    if (!kinds.length) return;
    draw(
      "chart-kinds", "Findings by kind, in hosts", "How many hosts have each kind of finding, repaired or still there.",
      kinds.map((one) => one.id + " " + one.name),
      [
        { label: "repaired", data: kinds.map((one) => one.repaired), tone: "repaired" },
        { label: "still there", data: kinds.map((one) => one.open), tone: "failed" }
      ],
      true, ["finding", "severity", "hosts", "still there"],
      kinds.map((one) => [one.id + " " + one.name, one.severity, one.hosts, one.open]),
      (index) => choose("kind", kinds[index].id)
    );
  }

  function drawGroups() {
    const bad = (group) => group.hosts - group.states.healthy;
    const groups = fleet.groups.slice().sort((one, other) => bad(other) - bad(one) || collator.compare(one.group, other.group));
    if (!groups.length) return;
    const shown = groups.slice(0, BARS);
    const used = STATES.filter((state) => state !== "healthy" && groups.some((group) => group.states[state]));
    const kinds = fleet.kinds.map((one) => one.id);
    draw(
      "chart-groups", "Hosts that were not healthy, by group" + (groups.length > BARS ? " (the first " + BARS + ")" : ""),
      "The groups with the most such hosts come first.",
      shown.map((group) => group.group + " (" + group.hosts + ")"),
      used.map((state) => ({ label: LABELS[state], data: shown.map((group) => group.states[state]), tone: state })),
      true, ["group", "hosts", "healthy"].concat(kinds),
      groups.map((group) => [group.group, group.hosts, group.states.healthy].concat(kinds.map((kind) => group.kinds[kind] || 0))),
      (index) => choose("group", shown[index].group)
    );
  }

  function drawInterpreters() {
    const found = fleet.interpreters;
    if (!found.length) return;
    const tones = { packaged: "healthy", unowned: "drifted", altered: "failed" };
    const kind = (label) => label.slice(label.lastIndexOf(" ") + 1);
    draw(
      "chart-interpreters", "Interpreters in use, in hosts", "By version, and whether a package owns them.",
      found.map((one) => one.label),
      Object.keys(tones).filter((tone) => found.some((one) => kind(one.label) === tone)).map((tone) => ({
        label: tone, data: found.map((one) => (kind(one.label) === tone ? one.hosts : 0)), tone: tones[tone]
      })),
      true, ["interpreter", "hosts"], found.map((one) => [one.label, one.hosts]),
      (index) => choose("python", found[index].label)
    );
  }

  function drawHistory() {
    const runs = fleet.history;
    if (runs.length < 2) return;
    const used = STATES.filter((state) => state !== "healthy" && runs.some((run) => run.states[state]));
    const daily = new Set(runs.map((run) => run.time.slice(0, 10))).size === runs.length;
    draw(
      "chart-history", "Hosts that were not healthy, over the last " + runs.length + " runs", "Oldest run first.",
      runs.map((run) => (run.time.slice(0, daily ? 10 : 16).replace("T", " ") || run.run) + (run.partial ? " (partial)" : "")),
      used.map((state) => ({ label: LABELS[state], data: runs.map((run) => run.states[state]), tone: state })),
      false, ["run", "hosts", "not healthy", "drifted since last looked at", "which"],
      runs.map((run) => {
        const all = Object.values(run.states).reduce((sum, number) => sum + number, 0);
        const names = run.drifted.slice(0, BARS).join(" ") + (run.drifted.length > BARS ? " ..." : "");
        return [(run.time || run.run) + (run.partial ? " (partial)" : ""), all, all - run.states.healthy, run.drifted.length, names];
      })
    );
  }

  // --- the table -------------------------------------------------------------------------------------------------

  function isOpen(finding) {
    return finding.state !== "repaired" && finding.state !== "accepted";
  }

  // The worst severity of what is still there, empty without such a finding.
  function severity(host) {
    return SEVERITIES.find((name) => host.findings.some((one) => isOpen(one) && one.severity === name)) || "";
  }

  function severityRank(host) {
    const worst = severity(host);
    return worst ? SEVERITIES.length - SEVERITIES.indexOf(worst) : 0;
  }

  function urgency(host) {
    const most = URGENCY.length - 1;
    const state = URGENCY.indexOf(host.state);
    const group = state < most && severity(host) === "critical" ? most - 0.5 : state;
    return group * 10 + severityRank(host);
  }

  const COLUMNS = [
    { name: "Host", width: 20, key: (host) => host.host },
    { name: "State", width: 11, key: urgency },
    { name: "Severity", width: 8, key: severityRank, title: "The worst finding that is still there" },
    { name: "Findings", width: 17, key: (host) => host.findings.length },
    { name: "What", width: 18, key: (host) => host.cause || host.note },
    { name: "Groups", width: 10, key: (host) => host.groups.join(" ") },
    { name: "System", width: 7, key: (host) => host.os },
    { name: "Python", width: 6, key: (host) => host.python },
    { name: "Runs", width: 4, key: (host) => host.drifts, number: true, only: () => fleet.history.length > 1,
      title: "In how many of the kept runs something was found" }
  ].filter((column) => !column.only || column.only());

  function findingsCell(host) {
    const cell = make("td", undefined, "detail");
    if (!host.findings.length) return cell;
    const details = make("details");
    const summary = make("summary");
    for (const id of new Set(host.findings.map((one) => one.id))) {
      const open = host.findings.some((one) => one.id === id && isOpen(one) && /^(?:critical|major)$/.test(one.severity));
      summary.append(make("span", id, open ? "tag open" : "tag"));
    }
    details.append(summary);
    // The sentences are made when somebody asks for them.
    details.addEventListener("toggle", () => {
      if (details.querySelector("ul")) return;
      const list = make("ul");
      for (const one of host.findings) {
        const state = one.state + (one.accepted && " " + one.accepted);
        list.append(make("li", one.id + " " + one.name + ", " + one.severity + ", " + state + ": " + one.summary));
      }
      details.append(list);
    });
    cell.append(details);
    return cell;
  }

  function line(host) {
    const row = make("tr");
    const name = make("th");
    name.scope = "row";
    const address = safeLink(host.report);
    if (address) {
      const link = make("a", host.host);
      link.href = address;
      name.append(link);
    } else {
      name.textContent = host.host;
    }
    const state = make("td");
    const word = make("span", LABELS[host.state], "state");
    word.style.setProperty("--tone", "var(--" + host.state + ")");
    state.append(word);
    const worst = severity(host);
    row.append(name, state, make("td", worst, worst && "severity " + worst), findingsCell(host));
    row.append(make("td", host.cause || (host.findings.length ? "" : host.note)));
    if (host.cause === "" && host.findings.length && STATES.indexOf(host.state) > 1) row.lastChild.textContent = host.note;
    row.append(make("td", host.groups.join(" ")), make("td", host.os), make("td", host.python));
    if (fleet.history.length > 1) row.append(make("td", String(host.drifts), "number"));
    return row;
  }

  function text(host) {
    const parts = [host.host, LABELS[host.state], host.note, host.cause, host.os, host.python, host.manager];
    parts.push(...host.groups, ...host.interpreters);
    for (const one of host.findings) parts.push(one.id, one.name, one.path, one.summary, one.state, one.accepted);
    return parts.join("\n").toLowerCase();
  }

  const entries = fleet.hosts.map((host) => ({ host: host, row: line(host), text: text(host) }));

  function head() {
    const row = at("hosts").tHead.rows[0];
    COLUMNS.forEach((column, index) => {
      const cell = make("th", undefined, column.number ? "number" : "");
      cell.scope = "col";
      cell.style.width = column.width + "%";
      const button = make("button", column.name);
      if (column.title) button.title = column.title;
      button.type = "button";
      button.addEventListener("click", () => sort(index, cell.getAttribute("aria-sort") === "ascending"));
      cell.append(button);
      row.append(cell);
    });
  }

  function sort(index, down) {
    const cells = at("hosts").tHead.rows[0].cells;
    for (const cell of cells) cell.removeAttribute("aria-sort");
    cells[index].setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = COLUMNS[index].key;
    const sign = down ? -1 : 1;
    const compare = (one, other) => (typeof one === "number" ? one - other : collator.compare(one, other));
    entries.sort((one, other) => sign * compare(key(one.host), key(other.host)) || collator.compare(one.host.host, other.host.host));
    at("hosts").tBodies[0].append(...entries.map((entry) => entry.row));
  }

  // --- filters, kept in the address so that a view can be passed on -------------------------------------------------

  function wanted(host, want) {
    if (want.state && host.state !== want.state) return false;
    if (want.group && !host.groups.includes(want.group)) return false;
    if (want.python && !host.interpreters.includes(want.python)) return false;
    if (want.kind && !host.findings.some((one) => one.id === want.kind)) return false;
    return !want.severity || host.findings.some((one) => one.severity === want.severity);
  }

  function filter() {
    const want = {};
    for (const name of FILTERS) want[name] = at(name).value;
    const words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const entry of entries) {
      const shown = wanted(entry.host, want) && words.every((word) => entry.text.includes(word));
      entry.row.hidden = !shown;
      if (shown) count += 1;
    }
    at("shown").textContent = count + " of " + plural(entries.length, "host");
    limit();
    for (const tile of at("tiles").children) {
      tile.setAttribute("aria-pressed", String(tile.dataset.state === want.state));
    }
    remember(want);
  }

  // Names that mean something else in a pattern of Ansible are left out.
  function limit() {
    const names = entries.filter((entry) => !entry.row.hidden).map((entry) => entry.host.host);
    at("limit").value = names.filter((name) => /^[A-Za-z0-9_][\w.-]*$/.test(name)).join(",");
  }

  function remember(want) {
    const address = new URLSearchParams();
    for (const name of FILTERS) if (want[name]) address.set(name, want[name]);
    try {
      history.replaceState(null, "", "#" + address.toString());
    } catch (_error) {
      // Some browsers limit how often a file may do this: the view is right all the same.
    }
  }

  function recall() {
    const address = new URLSearchParams(location.hash.slice(1));
    for (const name of FILTERS) {
      at(name).value = address.get(name) || "";
      if (at(name).selectedIndex === -1) at(name).value = "";
    }
    filter();
  }

  function choose(name, value) {
    at(name).value = at(name).value === value ? "" : value;
    filter();
  }

  function options(id, pairs) {
    const select = at(id);
    select.append(new Option("any", ""));
    for (const [value, label] of pairs) select.append(new Option(label, value));
    select.addEventListener("change", filter);
  }

  function tiles() {
    for (const state of STATES) {
      const number = fleet.states[state];
      if (!number && (state === "partial" || state === "drifted" || state === "unknown" || state === "failed")) continue;
      const tile = make("button", undefined, "tile");
      tile.type = "button";
      tile.dataset.state = state;
      tile.style.setProperty("--tone", "var(--" + state + ")");
      tile.append(make("b", String(number)), make("span", LABELS[state]));
      tile.addEventListener("click", () => choose("state", state));
      at("tiles").append(tile);
    }
  }

  function introduce() {
    const run = fleet.run;
    const about = [];
    if (run.time) about.push((run.partial ? "Run over a part of the hosts, of " : "Run of ") + run.time.replace("T", " ").replace("Z", " UTC"));
    if (run.mixed) about.push("some reports are of another run");
    if (fleet.causes.length) {
      about.push("most frequent cause: " + fleet.causes[0].cause.replace(/\.$/, "") + " (" + plural(fleet.causes[0].hosts, "host") + ")");
    }
    at("about").textContent = about.join("; ");
    at("total-word").textContent = entries.length === 1 ? "host" : "hosts";
    if (!fleet.faults.length) return;
    at("faults").hidden = false;
    at("faults-title").textContent = plural(fleet.faults.length, "file") + " could not be used";
    for (const fault of fleet.faults) at("fault-list").append(make("li", fault.file + " " + fault.reason));
  }

  function keys(event) {
    const typing = /^(?:INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      at("q").focus();
    }
  }

  introduce();
  tiles();
  options("state", STATES.filter((state) => fleet.states[state]).map((state) => [state, LABELS[state]]));
  options("kind", fleet.kinds.map((one) => [one.id, one.id + " " + one.name]));
  options("severity", SEVERITIES.filter((name) => fleet.hosts.some((host) => host.findings.some((one) => one.severity === name))).map((name) => [name, name]));
  options("group", fleet.groups.map((one) => [one.group, one.group]));
  options("python", fleet.interpreters.map((one) => [one.label, one.label]));
  at("q").addEventListener("input", filter);
  at("limit").addEventListener("focus", () => at("limit").select());
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("reset", () => setTimeout(filter));
  at("theme").addEventListener("click", nextTheme);
  document.addEventListener("keydown", keys);
  window.addEventListener("hashchange", recall);
  // The charts ask for their sizes: that is quick while the table is still empty.
  drawHistory();
  drawKinds();
  drawGroups();
  drawInterpreters();
  head();
  sort(1, true);
  recall();
  dark.addEventListener("change", paint);
  paper.addEventListener("change", paint);
  window.addEventListener("beforeprint", () => { printing = true; paint(); });
  window.addEventListener("afterprint", () => { printing = false; paint(); });
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
