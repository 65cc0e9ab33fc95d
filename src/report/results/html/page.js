
"use strict";
// All state is in the address. Texts become text nodes, never markup.
(() => {
  const MOST_OPEN = 4;
  const MARKS = { passed: "✓", failed: "✗", running: "~", agent_complete: "?", errored: "E", unfinished: "-", not_started: "·", damaged: "!" };
  const $ = (id) => document.getElementById(id);
  const parsed = (id) => ($(id) ? JSON.parse($(id).textContent) : null);
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  const index = parsed("index");
  const isOne = index.experiments.length === 1;
  const words = (status) => status.replace("_", " ");
  const runs = index.runs.map((run, place) => {
    const setup = index.setups[run.s];
    const id = `${setup.id}/${run.n}`;
    const key = isOne ? id : `${setup.experiment + 1}:${id}`;
    const status = index.statuses[run.t];
    const text = [id, setup.name || "", words(status), run.why || "", isOne ? "" : index.experiments[setup.experiment].name];
    return { ...run, place, setup, id, key, status, text: text.join(" ").toLowerCase() };
  });
  const byKey = new Map(runs.map((run) => [run.key, run]));

  // The state, and the address that holds it.
  const KEYS = ["q", "status", "tier", "order", "sort", "pick", "run"];
  const fromAddress = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    const state = Object.fromEntries(KEYS.map((key) => [key, asked.get(key) || ""]));
    state.run = state.run.split(",").filter((key) => byKey.has(key)).slice(0, MOST_OPEN);
    state.pick = asked.has("pick") ? state.pick.split(",").filter((key) => byKey.has(key)).slice(0, MOST_OPEN) : null;
    return state;
  };
  const address = (state) => {
    const part = ([key, value]) => `${key}=${encodeURIComponent(value).replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%3A/g, ":")}`;
    const flat = KEYS.map((key) => [key, Array.isArray(state[key]) ? state[key].join(",") : state[key]]);
    return "#" + flat.filter(([key, value]) => value || (key === "pick" && state.pick)).map(part).join("&");
  };
  let state = fromAddress();
  const go = (changes, replaces) => {
    state = { ...state, ...changes };
    history[replaces ? "replaceState" : "pushState"](null, "", address(state));
    show();
  };
  const fromOutside = () => {
    // A hash without `=` is a place in the page.
    if (location.hash.length > 1 && !location.hash.includes("=")) return;
    state = fromAddress();
    show();
  };

  // Controls.
  const option = (value, text) => make("option", { value }, text);
  const statuses = index.statuses.filter((status) => runs.some((run) => run.status === status));
  const tiers = [...new Set(index.setups.map((setup) => setup.tier))];
  const text = make("input", { type: "search", id: "q", on: { input: () => go({ q: text.value }, true) } });
  const status = make("select", { id: "status", on: { change: () => go({ status: status.value }) } },
    option("", "any"), ...statuses.map((one) => option(one, words(one))));
  const tier = make("select", { id: "tier", on: { change: () => go({ tier: tier.value }) } },
    option("", "all"), ...tiers.map((one) => option(one, one)));
  const order = make("select", { id: "order", on: { change: () => go({ order: order.value }) } },
    option("", "number"), option("score", "score"), option("cost", "cost"), option("time", "time"));
  const picking = make("button", { type: "button", id: "picking", on: { click: () => go({ pick: state.pick ? null : [] }) } }, "Choose runs to compare");
  const compare = make("button", { type: "button", id: "compare", on: { click: () => go({ run: state.pick, pick: null }) } });
  const clear = make("button", { type: "button", id: "clear", on: { click: () => { go({ q: "", status: "", tier: "" }); text.focus(); } } }, "Show all runs");
  const labelled = (label, control) => make("label", {}, label, control);
  $("controls").append(labelled("Text in name, id or reason", text), labelled("Status", status), labelled("Tier", tier),
    labelled("Order of runs", order), picking, compare, clear);

  // The matrix: built once, then shown, hidden and put in order.
  const score = (run) => (run.score === undefined ? "" : run.score.toFixed(2));
  const shade = (run) => {
    const level = Math.max(0, Math.min(4, Math.floor((run.score === undefined ? (run.status === "passed" ? 1 : 0) : run.score) * 5)));
    return run.status === "passed" ? `p${level}` : run.status === "failed" ? `f${level}` : "";
  };
  const open = (run) => {
    if (!state.pick) return go({ run: [run.key] });
    const pick = state.pick.includes(run.key) ? state.pick.filter((key) => key !== run.key) : [...state.pick, run.key];
    if (pick.length <= MOST_OPEN) go({ pick }, true);
  };
  const cells = runs.map((run) => {
    const label = `${run.key} ${words(run.status)}${run.score === undefined ? "" : `, score ${score(run)}`}`;
    return make("button", { type: "button", class: `cell ${shade(run)}`, tabindex: "-1", "aria-label": label, title: label }, MARKS[run.status]);
  });
  const runOf = new Map(cells.map((cell, place) => [cell, runs[place]]));
  const rows = index.setups.map((setup) => ({ setup, cells: make("div", { class: "cells" }), runs: [] }));
  for (const run of runs) rows[run.s].runs.push(run);
  for (const row of rows) {
    const name = row.setup.name ? make("span", {}, row.setup.name) : null;
    row.element = make("tr", {}, make("th", { scope: "row" }, row.setup.id, name), make("td", {}, row.cells));
  }
  const bodies = index.experiments.map((experiment, number) => {
    const body = make("tbody", {});
    $("matrix").append(make("table", { class: "matrix", "aria-label": `Runs of ${experiment.name}` },
      isOne ? null : make("caption", {}, `${number + 1}: ${experiment.name}`), body));
    body.dataset.experiment = number;
    return body;
  });
  const key = (shadeName, mark, what) => make("li", {}, make("span", { class: `cell ${shadeName}`, "aria-hidden": "true" }, mark), what);
  $("matrix").before(make("ul", { class: "legend" }, key("p4", "✓", "passed"), key("f1", "✗", "failed"), key("f4", "✗", "failed with most points"),
    ...statuses.filter((one) => one !== "passed" && one !== "failed").map((one) => key("", MARKS[one], words(one)))));
  $("matrix").addEventListener("click", (event) => {
    const run = runOf.get(event.target.closest(".cell"));
    if (run) open(run);
  });
  const shown = () => [...$("matrix").querySelectorAll(".cell:not([hidden])")];
  let stop = null;
  const rest = (cell) => {
    if (stop) stop.tabIndex = -1;
    stop = cell || null;
    if (stop) stop.tabIndex = 0;
  };
  $("matrix").addEventListener("keydown", (event) => {
    const all = shown(), at = all.indexOf(event.target);
    if (at < 0) return;
    const step = (way) => {
      // The nearest square in the row of squares above or below.
      const own = all[at].getBoundingClientRect();
      let best = null, gap = Infinity;
      for (let next = at + way; next >= 0 && next < all.length; next += way) {
        const box = all[next].getBoundingClientRect();
        const rowGap = Math.abs(box.top - own.top);
        if (rowGap < 4) continue;
        if (best !== null && rowGap > gap + 4) break;
        gap = rowGap;
        if (best === null || Math.abs(box.left - own.left) < Math.abs(all[best].getBoundingClientRect().left - own.left)) best = next;
      }
      return best === null ? at : best;
    };
    const to = { ArrowRight: () => at + 1, ArrowLeft: () => at - 1, ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => 0, End: () => all.length - 1 }[event.key];
    if (!to) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, to()))];
    rest(next);
    next.focus();
  });

  // Sorting: a click on the title of a column of the table of setups.
  const tables = [...document.querySelectorAll("table.setups")].map((table) => ({
    table, number: Number(table.dataset.experiment), body: table.tBodies[0], rows: [...table.tBodies[0].rows], titles: [...table.tHead.rows[0].cells],
  }));
  for (const one of tables) {
    one.titles.forEach((title, column) => {
      const name = title.textContent;
      title.replaceChildren(make("button", { type: "button", on: { click: () => {
        const now = state.sort === `-${column}`;
        go({ sort: column === 0 && state.sort !== "0" ? "0" : now ? `${column}` : state.sort === `${column}` && column < 2 ? `-${column}` : column < 2 ? `${column}` : `-${column}` });
      } } }, name));
    });
  }
  const sortTables = () => {
    const column = state.sort === "" ? 0 : Math.abs(Number(state.sort)) || 0;
    const way = state.sort.startsWith("-") ? -1 : 1;
    for (const one of tables) {
      const value = (row) => row.cells[column] && (row.cells[column].dataset.value === undefined ? null : Number(row.cells[column].dataset.value));
      const compareRows = (a, b) => {
        if (column === 1) return way * a.cells[1].textContent.localeCompare(b.cells[1].textContent, "en");
        const [left, right] = [value(a), value(b)];
        // What is not known comes last, either way.
        if (left === null || right === null) return (left === null) - (right === null);
        return way * (left - right);
      };
      one.body.append(...[...one.rows].sort(compareRows));
      one.titles.forEach((title, at) => {
        if (at === column && state.sort !== "") title.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        else title.removeAttribute("aria-sort");
      });
    }
  };

  const fits = (run) => (!state.status || run.status === state.status) && (!state.tier || run.setup.tier === state.tier)
    && state.q.toLowerCase().split(/\s+/).every((word) => run.text.includes(word));
  const orders = { score: (run) => (run.score === undefined ? null : -run.score), cost: (run) => (run.usd === undefined ? null : run.usd), time: (run) => (run.secs === undefined ? null : run.secs) };
  let laidOut = null;
  let chosen = runs;
  const showMatrix = () => {
    sortTables();
    const layout = `${state.order} ${state.sort}`;
    if (layout !== laidOut) {
      laidOut = layout;
      const value = orders[state.order];
      for (const row of rows) {
        const sorted = !value ? row.runs : [...row.runs].sort((a, b) => {
          const [left, right] = [value(a), value(b)];
          return left === null || right === null ? (left === null) - (right === null) || a.n - b.n : left - right || a.n - b.n;
        });
        row.sorted = sorted;
        row.cells.append(...sorted.map((run) => cells[run.place]));
      }
      bodies.forEach((body, number) => {
        const table = tables.find((one) => one.number === number);
        const places = new Map(table ? [...table.body.rows].map((row, at) => [row.dataset.setup, at]) : []);
        const own = rows.filter((row) => row.setup.experiment === number).sort((a, b) => places.get(a.setup.id) - places.get(b.setup.id));
        body.append(...own.map((row) => row.element));
      });
    }
    chosen = [];
    for (const row of rows) {
      let some = false;
      for (const run of row.sorted) {
        const fit = fits(run), cell = cells[run.place];
        if (cell.hidden === fit) cell.hidden = !fit;
        if (fit) { some = true; chosen.push(run); }
        if (state.pick) cell.setAttribute("aria-pressed", state.pick.includes(run.key));
        else if (cell.hasAttribute("aria-pressed")) cell.removeAttribute("aria-pressed");
      }
      row.element.hidden = !some;
    }
    if (!stop || stop.hidden) rest(shown()[0]);
    const passed = chosen.filter((run) => run.status === "passed").length;
    $("count").textContent = `${chosen.length} of ${runs.length} runs, ${passed} passed.`;
    if (document.activeElement !== text) text.value = state.q;
    status.value = state.status; tier.value = state.tier; order.value = state.order;
    picking.setAttribute("aria-pressed", Boolean(state.pick));
    compare.hidden = !state.pick || state.pick.length < 2;
    compare.textContent = `Compare ${state.pick ? state.pick.length : 0} runs`;
    clear.hidden = !(state.q || state.status || state.tier);
  };

  // A run.
  const named = (pairs) => make("dl", {}, ...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  const part = (title, ...content) => make("details", { open: true }, make("summary", {}, title), ...content);
  const folded = (title, ...content) => make("details", {}, make("summary", {}, title), ...content);
  const pre = (label, className, ...content) => make("pre", { class: className, tabindex: "0", role: "region", "aria-label": label }, ...content);
  const clipped = (clip, what) => (clip.is_withheld ? make("p", { class: "note" }, "Not shown here: it holds a secret.") : clip.left_out ? make("p", { class: "note" }, `${clip.left_out} of it ${what} left out here.`) : null);
  const command = (run, flag) => make("code", {}, `cargo scylla show ${index.experiments[run.setup.experiment].typed} ${run.id}${flag}`);
  const diff = (run, patch) => {
    let inHunk = false;
    const lines = patch.text.replace(/\n$/, "").split("\n").map((line) => {
      let kind = "";
      if (line.startsWith("diff ")) { inHunk = false; kind = "file"; }
      else if (line.startsWith("@@")) { inHunk = true; kind = "hunk"; }
      else if (!inHunk) kind = "soft";
      else if (line.startsWith("+")) kind = "add";
      else if (line.startsWith("-")) kind = "del";
      return make("span", { class: kind }, line);
    });
    return pre(`Changes of ${run.key}`, "diff", ...lines);
  };
  const verdict = (run) => {
    const said = [words(run.status)];
    if (run.score !== undefined) said.push(`score ${score(run)}`);
    if (run.grade) said.push(`grade ${run.grade}`);
    const tone = run.status === "passed" ? "good" : run.status === "failed" ? "bad" : "";
    return make("p", { class: `verdict ${tone}` }, `${MARKS[run.status]} ${said.join(", ")}`);
  };
  const rubric = (run, block) => {
    const about = new Map(index.experiments[run.setup.experiment].items);
    return block.items.map((item) => make("div", {},
      make("h4", {}, item.id, item.beside.length ? make("span", { class: "soft" }, ` (${item.beside.join(", ")})`) : null),
      about.get(item.id) ? make("p", {}, about.get(item.id)) : null,
      named(item.scores.map(([judge, points, reason]) => [`${judge}: ${points === null ? "n/a" : points.toFixed(2)}`, make("div", { class: "said" }, reason)]))));
  };
  const asked = (run, { of, sentence, table }) => {
    const word = (at) => (table.of_words[at] ? "word" : "");
    const cells = (texts, tag) => texts.map((text, at) => make(tag, { class: word(at) }, text));
    const all = make("table", { class: "asked numbers", "aria-label": `${of || "Requests"} of ${run.key}` },
      make("thead", {}, make("tr", {}, ...table.titles.map((title, at) => make("th", { scope: "col", class: word(at) }, title)))),
      make("tbody", {}, ...table.rows.map(([texts, answered]) => make("tr", answered ? {} : { class: "bad" }, ...cells(texts, "td")))),
      make("tfoot", {}, make("tr", {}, ...cells(table.sum, "td"))));
    const more = table.more ? make("p", { class: "note" }, `and ${table.more} more, which are in the sum`) : null;
    return [of ? make("h4", {}, of) : null, make("p", {}, sentence), make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `${of || "Requests"} of ${run.key}` }, all),
      more, ...table.notes.map((note) => make("p", { class: "note" }, note))];
  };
  const article = (run) => {
    const block = parsed(`run-${run.place}`);
    const close = state.run.length < 2 ? null : make("button", { type: "button", "aria-label": `Close ${run.key}`,
      on: { click: () => go({ run: state.run.filter((key) => key !== run.key) }) } }, "Close");
    const title = make("h3", {}, run.key, run.setup.name ? ` · ${run.setup.name}` : "");
    const of = isOne ? null : make("p", { class: "of" }, `of ${index.experiments[run.setup.experiment].name}`);
    const all = make("article", { "aria-label": `Run ${run.key}` }, make("header", {}, title, close), of, verdict(run));
    if (!block) {
      all.append(run.why ? make("p", {}, run.why) : "",
        make("p", {}, run.status === "not_started" ? "It was not started: there is nothing to see." : "What it did is not in this page, which would be too large. To see it: ", run.status === "not_started" ? "" : command(run, "")));
      return all;
    }
    all.append(named(block.facts));
    if (block.is_cut) all.append(make("p", {}, "Its texts are not in this page, which would be too large. To see its changes: ", command(run, " --diff")));
    if (block.checks.length) all.append(part("Checks", ...block.checks.map((check) => make("div", {},
      make("h4", { class: check.failed ? "bad" : "" }, `${check.failed ? "✗" : "✓"} ${check.name}`), make("p", {}, check.how),
      check.tail ? pre(`End of ${check.file}`, "text", check.tail) : null))));
    if (block.judges.length) all.append(part("Judges", ...block.judges.map((judge) => make("div", {},
      make("h4", { class: judge.passed ? "good" : "bad" }, `${judge.passed ? "✓" : "✗"} ${judge.name}: score ${judge.score}, grade ${judge.grade}`),
      judge.reason ? make("p", { class: "said" }, judge.reason) : null))));
    if (block.items.length) all.append(part("Items of the rubric", ...rubric(run, block)));
    if (block.patch) all.append(part("Changes", block.patch.is_withheld ? null : diff(run, block.patch), clipped(block.patch, "is"), block.patch.left_out ? command(run, " --diff") : null));
    const prompt = block.prompt === null ? null : parsed(`prompt-${block.prompt}`);
    if (prompt) all.append(folded("Prompt", prompt.is_withheld ? null : pre(`Prompt of ${run.key}`, "text", prompt.text), clipped(prompt, "is"), prompt.left_out ? command(run, " --prompt") : null));
    if (block.steps.length) all.append(folded(`Steps of the agent (${block.steps.length + block.more_steps})`, make("ol", { class: "steps" }, ...block.steps.map(([what, isError, text], at) => make("li", {},
      make("h4", { class: isError ? "bad" : "" }, what), text.text ? pre(`Step ${at + 1} of ${run.key}`, "text", text.text) : null, clipped(text, "is")))),
      block.more_steps ? make("p", { class: "note" }, `and ${block.more_steps} more: `, command(run, " --steps")) : null));
    const requests = (block.exchanges || []).reduce((sum, one) => sum + one.table.rows.length + one.table.more, 0);
    if (requests) all.append(folded(`Requests to models (${requests})`, ...block.exchanges.flatMap((one) => asked(run, one)),
      block.exchanges.some((one) => one.table.more) ? command(run, " --exchanges") : null));
    if (block.output) all.append(folded("End of the agent’s output", clipped(block.output, "before this is"), block.output.is_withheld ? null : pre(`Output of the agent of ${run.key}`, "text", block.output.text),
      block.output.left_out ? command(run, " --log") : null));
    if (block.stages.length) all.append(part("Time", named(block.stages)));
    if (block.attempts.length) all.append(part("Former attempts", named(block.attempts.map(([number, why, folder]) => [number, `${why} (${folder})`]))));
    if (block.gradings.length) all.append(part("Gradings", named(block.gradings)));
    if (block.unusual.length) all.append(part("Unusual, or not captured", make("ul", {}, ...block.unusual.map((line) => make("li", {}, line)))));
    if (block.files.length) all.append(folded("Files", make("table", { class: "files", "aria-label": `Files of ${run.key}` }, make("tbody", {},
      ...block.files.map(([path, size]) => make("tr", {}, make("td", {}, make("code", {}, path)), make("td", {}, size))))),
      block.more_files ? make("p", { class: "note" }, `and ${block.more_files} more`) : null));
    return all;
  };

  const title = document.title;
  let scrolled = 0, opened = "", from = null;
  const showView = () => {
    const open = state.run.map((one) => byKey.get(one));
    const first = open[0], at = chosen.indexOf(first);
    const beside = make("input", { type: "text", id: "beside", placeholder: runs.length > 1 ? runs[runs.length - 1].key : "", autocomplete: "off",
      on: { keydown: (event) => { if (event.key === "Enter") add(); } } });
    const wrong = make("span", { role: "status" });
    const add = () => {
      const run = byKey.get(beside.value.trim());
      if (!run) wrong.textContent = `There is no run ${beside.value.trim()}.`;
      else if (!state.run.includes(run.key)) go({ run: [...state.run, run.key] });
    };
    const to = (run, label) => (run && open.length === 1 ? make("button", { type: "button", on: { click: () => go({ run: [run.key] }) } }, label) : null);
    const heading = make("h2", { tabindex: "-1", id: "opened" }, open.length === 1 ? `Run ${first.key}` : `${open.length} runs side by side`);
    $("view").replaceChildren(heading, make("div", { class: "bar" },
      make("button", { type: "button", id: "back", on: { click: () => go({ run: [] }) } }, "← All runs"),
      to(chosen[at - 1], "Previous"), to(at < 0 ? null : chosen[at + 1], "Next"),
      ...(open.length < MOST_OPEN ? [labelled("Put a run beside it", beside), make("button", { type: "button", id: "add", on: { click: add } }, "Compare"), wrong] : [])),
    make("div", { class: `side n${open.length}` }, ...open.map(article)));
    document.title = `${state.run.join(", ")} · ${title}`;
    scrollTo(0, 0);
    heading.focus({ preventScroll: true });
  };
  const show = () => {
    const isOpen = state.run.length > 0;
    const key = state.run.join(",");
    if (isOpen && !opened) { scrolled = scrollY; from = document.activeElement; }
    showMatrix();
    $("overview").hidden = isOpen;
    $("view").hidden = !isOpen;
    document.body.classList.toggle("several", state.run.length > 1);
    if (isOpen && key !== opened) showView();
    if (!isOpen && opened) {
      $("view").replaceChildren();
      document.title = title;
      scrollTo(0, scrolled);
      const cell = runOf.get(from) ? from : cells[byKey.get(opened.split(",")[0]).place];
      if (!cell.hidden) { rest(cell); cell.focus({ preventScroll: true }); }
    }
    opened = key;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#q=']");
    if (!link) return;
    event.preventDefault();
    go({ q: decodeURIComponent(link.getAttribute("href").slice(3)), status: "", tier: "", run: [] });
    $("runs").focus();
    $("runs").scrollIntoView();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.run.length) go({ run: [] });
  });
  addEventListener("popstate", fromOutside);
  addEventListener("hashchange", fromOutside);
  show();
})();
