// The page of the explorer. Its whole state is in the address: model, generation, scope, bounds
// and path. The server keeps nothing; back and forward only move along the path.
"use strict";

const $ = (id) => document.getElementById(id);
const place = { model: "", generation: "", scope: "", bug: "", set: "", path: [], at: 0 };
let models = [];
let shown = null; // the last view
let trace = null; // the recorded trace that is being played
let tracePlace = 0;
let requests = 0;
const drawings = new Map();

// ------------------------------------------------------------------------------- elements

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return element;
}

function say(text, bad) {
  $("message").textContent = text;
  $("message").hidden = !text;
  $("message").className = bad ? "bad" : "";
}

async function get(address, options) {
  const response = await fetch(address, options);
  const found = await response.json();
  if (!response.ok) throw new Error(`${found.error.code}: ${found.error.message}`);
  return found;
}

// ---------------------------------------------------------------------------------- address

function query(path) {
  const parts = new URLSearchParams();
  for (const name of ["model", "generation", "scope", "bug", "set"]) {
    if (place[name]) parts.set(name, place[name]);
  }
  if (path.length) parts.set("path", path.join("."));
  return parts;
}

function address() {
  const parts = query(place.path);
  if (place.at < place.path.length) parts.set("at", place.at);
  return `/?${parts}`;
}

function read() {
  const parts = new URLSearchParams(location.search);
  for (const name of ["model", "generation", "scope", "bug", "set"]) place[name] = parts.get(name) || "";
  // the server reports what is wrong with a part that is not a number
  place.path = (parts.get("path") || "").split(".").filter((x) => x !== "");
  const at = Number.parseInt(parts.get("at") ?? "", 10);
  place.at = at >= 0 && at <= place.path.length ? at : place.path.length;
}

async function go(changes, replace) {
  Object.assign(place, changes);
  trace = null;
  history[replace ? "replaceState" : "pushState"](null, "", address());
  await show();
}

async function show() {
  const mine = ++requests;
  document.body.classList.add("busy");
  try {
    const view = await get(`/api/view?${query(place.path.slice(0, place.at))}`);
    if (mine !== requests) return; // there is a newer request
    shown = view;
    say("");
    render();
  } catch (error) {
    if (mine === requests) say(error.message, true);
  } finally {
    document.body.classList.remove("busy");
    document.body.dataset.answered = mine;
  }
}

// ----------------------------------------------------------------------------------- choice

function options(select, items, chosen) {
  select.replaceChildren(
    ...items.map((item) => make("option", { value: item.value, title: item.title }, item.text)),
  );
  if (chosen) select.value = chosen;
  select.parentElement.hidden = items.length === 0;
}

function renderChoice() {
  const model = models.find((m) => m.name === (place.model || models[0].name)) || models[0];
  options($("model"), models.map((m) => ({ value: m.name, text: m.name, title: m.sentence })), model.name);
  const newest = model.generations[model.generations.length - 1];
  options(
    $("generation"),
    model.generations.map((v) => ({ value: v, text: v })),
    place.generation || newest,
  );
  options(
    $("scope"),
    model.scopes.map((s) => ({ value: s.name, text: s.name, title: s.sentence })),
    place.scope || model.scopes[0].name,
  );
  options(
    $("bug"),
    model.bugs.length
      ? [{ value: "", text: "none" }, ...model.bugs.map((b) => ({ value: b.name, text: b.name, title: b.sentence }))]
      : [],
    place.bug,
  );
  $("bounds").value = place.set;
  $("bounds").title = model.bounds.map((b) => `${b.name} (${b.default}): ${b.sentence}`).join("\n");
}

function choose() {
  const other = $("model").value !== (place.model || models[0].name);
  const known = models.find((m) => m.name === $("model").value).bugs;
  const bug = other ? undefined : known.find((b) => b.name === $("bug").value);
  if (bug && bug.name !== place.bug) {
    // where the bug shows
    go({ generation: bug.generation, scope: bug.scope, set: bug.set, bug: bug.name, path: [], at: 0 }).then(renderChoice);
    return;
  }
  go({
    model: $("model").value,
    generation: other ? "" : $("generation").value,
    scope: other ? "" : $("scope").value,
    set: other ? "" : $("bounds").value.replaceAll(" ", ""),
    bug: bug ? bug.name : "",
    path: [],
    at: 0,
  }).then(renderChoice);
}

// ------------------------------------------------------------------------------------ state

function render() {
  const all = place.path.length;
  $("position").textContent = place.at < all ? `step ${place.at} of ${all}` : `${all} step${all === 1 ? "" : "s"}`;
  $("back").disabled = $("restart").disabled = place.at === 0;
  $("forward").disabled = place.at >= all;
  $("open").disabled = false;
  const link = $("export");
  link.setAttribute("aria-disabled", place.at === 0);
  if (place.at) link.href = `/api/export?${query(place.path.slice(0, place.at))}`;
  else link.removeAttribute("href");
  $("goals").hidden = false;
  $("state-title").textContent = `State of ${shown.title}`;
  $("calls-title").textContent = `Possible now (${shown.calls.length})`;
  $("path-title").textContent = "Path so far";
  renderState();
  renderCalls();
  renderPath();
  renderGoals();
}

function renderState() {
  const open = new Set([...document.querySelectorAll(".machine[open]")].map((d) => d.dataset.field));
  $("broken").replaceChildren(
    ...shown.broken.map((b) => make("div", {}, make("b", {}, `${b.name} does not hold here. `), b.why)),
  );
  const closed = new Set([...document.querySelectorAll(".part:not([open])")].map((d) => d.dataset.part));
  const parts = renderFields("", open);
  for (const part of shown.parts) {
    parts.push(
      make(
        "details",
        { class: "part", "data-part": part.name, open: !closed.has(part.name) },
        make("summary", {}, part.title),
        ...renderFields(part.name, open),
      ),
    );
  }
  $("state-body").replaceChildren(...parts);
}

// The fields of one part, or ("") those of the model itself.
function renderFields(part, open) {
  const own = (things) => things.filter((one) => one.part === part);
  const parts = own(shown.machines).map((machine) => renderMachine(machine, open.has(machine.field)));
  const queues = own(shown.queues);
  if (queues.length) parts.push(make("h3", {}, "Queues"));
  for (const queue of queues) {
    parts.push(
      make(
        "div",
        { class: `queue${queue.changed ? " changed" : ""}`, title: queue.sentence },
        make("b", {}, `${short(queue)} `),
        queue.items.length
          ? make("ol", {}, ...queue.items.map((item) => make("li", {}, item)))
          : make("span", { class: "empty" }, "empty"),
      ),
    );
  }
  for (const map of own(shown.maps)) {
    if (!map.rows.length) continue;
    parts.push(make("h3", { title: map.sentence }, map.sort.replaceAll("_", " ")), renderMap(map));
  }
  const values = own(shown.values);
  if (values.length) parts.push(make("h3", {}, "Values"), renderValues(values));
  return parts;
}

// The name of a field without that of its part, which is the heading.
const short = (one) => (one.part ? one.field.slice(one.part.length + 1) : one.field);

function renderMachine(machine, open) {
  const chips = machine.elements.map((element) =>
    make(
      "span",
      {
        class: `chip${element.initial ? " initial" : ""}${element.changed ? " changed" : ""}`,
        title: element.sentence,
        "data-state": element.state,
      },
      element.name ? make("b", {}, `${element.name} `) : null,
      element.state,
    ),
  );
  const drawing = make("div", { class: "drawing" });
  const details = make(
    "details",
    { class: "machine", "data-field": machine.field, open },
    make(
      "summary",
      { title: machine.sentence },
      make("span", { class: "name" }, short(machine)),
      ` (${machine.lifecycle})`,
      make("div", { class: "chips" }, ...chips),
    ),
    drawing,
  );
  const draw = () => details.open && drawLifecycle(drawing, machine);
  details.addEventListener("toggle", draw);
  if (open) draw();
  return details;
}

async function drawLifecycle(drawing, machine) {
  const key = `${place.model}/${machine.lifecycle}`;
  if (!drawings.has(key)) {
    const parts = new URLSearchParams({ name: machine.lifecycle });
    if (place.model) parts.set("model", place.model);
    const response = await fetch(`/api/lifecycle?${parts}`);
    if (!response.ok) return;
    drawings.set(key, await response.text());
  }
  drawing.innerHTML = drawings.get(key);
  const here = new Map();
  for (const e of machine.elements) here.set(e.state, [...(here.get(e.state) || []), e.name]);
  for (const node of drawing.querySelectorAll("g.node, g.cluster")) {
    const name = node.querySelector("title")?.textContent.replace(/^cluster_/, "");
    if (here.has(name)) node.classList.add("lit");
  }
}

function renderMap(map) {
  return make(
    "div",
    { class: "wide" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, make("th", {}), ...map.columns.map((c) => make("th", { title: c.sentence }, short({ ...c, part: map.part }))))),
      make(
        "tbody",
        {},
        ...map.rows.map((row) =>
          make(
            "tr",
            {},
            make("th", {}, row.name),
            ...row.cells.map((cell) => make("td", { class: cell.changed ? "changed" : "" }, cell.text)),
          ),
        ),
      ),
    ),
  );
}

function renderValues(values) {
  return make(
    "div",
    { class: "wide" },
    make(
      "table",
      {},
      make(
        "tbody",
        {},
        ...values.map((v) =>
          make("tr", { title: v.sentence }, make("th", {}, short(v)), make("td", { class: v.changed ? "changed" : "" }, v.text)),
        ),
      ),
    ),
  );
}

// ------------------------------------------------------------------------------- operations

function renderCalls() {
  const wanted = $("filter").value.toLowerCase();
  const groups = new Map();
  for (const call of shown.calls) {
    if (wanted && !call.text.toLowerCase().includes(wanted)) continue;
    if (!groups.has(call.action)) groups.set(call.action, []);
    groups.get(call.action).push(call);
  }
  const next = place.path[place.at];
  const parts = [...groups.values()].map((calls) =>
    make(
      "div",
      { class: "group" },
      make("div", { class: "title" }, calls[0].sentence),
      ...calls.map((call) =>
        make(
          "button",
          {
            class: `call${call.nothing ? " nothing" : ""}${call.fault ? " fault" : ""}${String(call.index) === String(next) ? " at" : ""}`,
            "data-index": call.index,
            onclick: () => take(call.index),
          },
          make("span", { class: "code" }, call.text),
          call.nothing ? make("span", { class: "why" }, "changes nothing") : null,
          call.fault ? make("span", { class: "why fault" }, call.fault) : null,
        ),
      ),
    ),
  );
  if (!parts.length) {
    const why = shown.calls.length ? "No operation matches the filter." : "No operation is possible here.";
    parts.push(make("p", { class: "empty" }, why));
  }
  $("call-list").replaceChildren(...parts);
}

async function take(index) {
  const same = String(place.path[place.at]) === String(index);
  const path = same ? place.path : [...place.path.slice(0, place.at), index];
  const kept = document.activeElement?.classList.contains("call");
  await go({ path, at: place.at + 1 });
  if (kept) document.querySelector(".call")?.focus();
}

function move(to) {
  if (trace) {
    tracePlace = Math.max(0, Math.min(trace.steps.length, to));
    renderTrace();
  } else if (to >= 0 && to <= place.path.length && to !== place.at) {
    go({ at: to });
  }
}

const here = () => (trace ? tracePlace : place.at);
const last = () => (trace ? trace.steps.length : place.path.length);

// ----------------------------------------------------------------------------------- goals

function renderGoals() {
  const names = shown.properties.map((p) => p.name).join();
  if ($("property").dataset.names !== names) {
    $("property").dataset.names = names;
    options(
      $("property"),
      shown.properties.map((p) => ({
        value: p.name,
        text: `${p.kind === "sometimes" ? "witness" : "violation"}: ${p.name}`,
        title: p.sentence,
      })),
    );
    const conditions = shown.machines.flatMap((m) => m.states.map((s) => `${m.field}:${s}`));
    const example = shown.machines.slice(-2).map((m) => `${m.field}:${m.states[1] ?? m.states[0]}`);
    $("where").placeholder = example.join(", ");
    $("conditions").replaceChildren(...conditions.map((value) => make("option", { value })));
  }
}

async function find(parts) {
  say("Searching \u2026");
  document.body.classList.add("busy");
  try {
    const found = await get(`/api/find?${parts}`);
    if (found.path) {
      await go({ path: found.path, at: found.path.length });
      say(`${found.verdict}: ${found.sentence} Shortest path, ${found.path.length} steps` +
        `${found.reason ? `; ${found.reason}` : ""}.`);
    } else {
      say(`${found.verdict}: no path in ${found.states.toLocaleString("en")} states` +
        `${found.reason ? `; ${found.reason}` : ""}. ${found.sentence}`, found.verdict === "UNKNOWN");
    }
  } catch (error) {
    say(error.message, true);
  } finally {
    document.body.classList.remove("busy");
  }
}

// ------------------------------------------------------------------------------------- path

function renderPath() {
  const step = shown.last;
  const parts = [];
  if (step) {
    parts.push(make("b", { class: "code" }, step.call));
    if (step.fault) parts.push(make("p", { class: "fault" }, step.fault));
    const lines = [...step.effects.map((e) => `\u2192 ${e}`), ...step.changes];
    parts.push(make("ul", {}, ...lines.map((line) => make("li", {}, line))));
    if (!lines.length && !step.fault) parts.push(make("p", { class: "empty" }, "This step changed nothing."));
  } else {
    parts.push(make("p", { class: "empty" }, "This is the initial state. Run an operation, or go to the trace of a property."));
  }
  $("last").replaceChildren(...parts);
  showSequence(shown.sequence);
  $("sequence").scrollTop = $("sequence").scrollHeight;
}

// The diagram, with its heads in a strip that stays while the rest scrolls.
const HEADS = 50;

function showSequence(text) {
  $("sequence").innerHTML = text;
  const svg = $("sequence").querySelector("svg");
  if (!svg) return;
  const [, , wide, high] = svg.getAttribute("viewBox").split(" ").map(Number);
  const heads = svg.cloneNode(true);
  for (const group of heads.querySelectorAll("g.step")) group.remove();
  heads.setAttribute("viewBox", `0 0 ${wide} ${HEADS}`);
  svg.setAttribute("viewBox", `0 ${HEADS} ${wide} ${high - HEADS}`);
  for (const one of [heads, svg]) {
    one.removeAttribute("height");
    one.style.maxWidth = `${wide}px`;
    one.style.minWidth = `${Math.round(wide * 0.78)}px`;
  }
  heads.setAttribute("aria-hidden", "true");
  heads.classList.add("heads");
  $("sequence").prepend(heads);
}

// ------------------------------------------------------------------------------------ traces

async function play(file) {
  say("Reading the trace \u2026");
  try {
    const played = await get("/api/trace", { method: "POST", body: file });
    if (played.path) {
      const { bug, diverges, without, ...found } = played;
      await go({ ...found, bug, at: diverges ? diverges.step : played.path.length });
      renderChoice();
      if (diverges) {
        say(`${file.name} differs from the model in step ${diverges.step}: ${diverges.wrong.join("; ")}`, true);
      } else if (bug) {
        say(`${file.name} shows ${bug}, so the model has it here. ${parting(without && without.step)}`);
      }
      return;
    }
    trace = played;
    trace.name = file.name;
    tracePlace = trace.diverges ? trace.diverges : 0;
    showSequence(trace.sequence);
    renderTrace();
  } catch (error) {
    trace = null;
    say(error.message, true);
  }
}

// Where a trace of a known bug leaves the model without the bug.
function parting(step) {
  return step ? `Without the bug, step ${step} would differ.` : "Without the bug, no step would differ.";
}

function renderTrace() {
  const step = trace.steps[tracePlace - 1];
  say(
    trace.diverges
      ? `${trace.name} diverges from generation ${trace.generation} in step ${trace.diverges}.`
      : trace.bug
        ? `${trace.name} shows ${trace.bug}, and conforms to generation ${trace.generation} with that bug. ${parting(trace.without)}`
        : `${trace.name} conforms to generation ${trace.generation}: ${trace.steps.length} steps.`,
    Boolean(trace.diverges),
  );
  $("position").textContent = `step ${tracePlace} of ${trace.steps.length}`;
  $("back").disabled = $("restart").disabled = tracePlace === 0;
  $("forward").disabled = tracePlace >= trace.steps.length;
  $("goals").hidden = true;
  $("export").setAttribute("aria-disabled", true);
  $("export").removeAttribute("href");
  $("state-title").textContent = `State after step ${tracePlace}`;
  $("calls-title").textContent = `Steps of ${trace.version}`;
  $("path-title").textContent = "Sequence";
  $("broken").replaceChildren(
    ...(step ? step.wrong : []).map((line) => make("div", {}, make("b", {}, "Differs: "), line)),
  );
  const before = tracePlace > 1 ? trace.steps[tracePlace - 2].state : {};
  $("state-body").replaceChildren(step ? renderJson(step.state, before) : make("p", { class: "empty" }, "This is the state before the first step."));
  const wanted = $("filter").value.toLowerCase();
  $("call-list").replaceChildren(
    ...trace.steps
      .filter((s) => !wanted || s.call.toLowerCase().includes(wanted))
      .map((s) =>
        make(
          "button",
          {
            class: `call${s.number === tracePlace ? " at" : ""}${s.wrong.length ? " wrong" : ""}${s.compared ? "" : " nothing"}`,
            "data-step": s.number,
            onclick: () => move(s.number),
          },
          make("span", { class: "number" }, String(s.number)),
          make("span", { class: "code" }, s.call),
          s.wrong.length ? make("span", { class: "why bad" }, s.wrong[0]) : null,
          s.compared ? null : make("span", { class: "why" }, "not compared: after the divergence"),
        ),
      ),
  );
  const at = document.querySelector(".call.at");
  if (at) bringIntoView($("calls"), at);
  const lines = step ? [...step.effects.map((e) => `\u2192 ${e}`), ...step.changes] : [];
  $("last").replaceChildren(
    ...(step
      ? [make("b", { class: "code" }, `${step.number}. ${step.call}`), make("ul", {}, ...lines.map((l) => make("li", {}, l)))]
      : [make("p", { class: "empty" }, "Press forward to play the first step.")]),
  );
  for (const group of $("sequence").querySelectorAll("svg:not(.heads) g.step")) {
    const number = Number(group.dataset.step);
    group.classList.toggle("later", number > tracePlace);
    group.classList.toggle("now", number === tracePlace);
    if (number === tracePlace) bringIntoView($("sequence"), group);
  }
}

// Scrolls only `inside`, only vertically, and only as far as needed to show `element`.
function bringIntoView(inside, element) {
  const outer = inside.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  const room = 60;
  if (inner.top < outer.top + room) inside.scrollTop -= outer.top + room - inner.top;
  else if (inner.bottom > outer.bottom - room) inside.scrollTop += inner.bottom - outer.bottom + room;
}

// An entry of a queue as text: flags by name, no duplicates, nothing that is absent.
function entry(item) {
  if (item === null || typeof item !== "object") return String(item);
  const parts = Object.entries(item).map(([name, value]) => {
    if (value === true) return name;
    if (value === false || value === null) return "";
    return name.endsWith("_since") ? `${name.replaceAll("_", " ")} ${value}` : String(value);
  });
  return [...new Set(parts.filter((part) => part))].join(" ");
}

// A state of a trace: maps as tables, queues as lists, everything else as values.
function renderJson(state, before) {
  const parts = [];
  const values = [];
  for (const [name, value] of Object.entries(state)) {
    const changed = JSON.stringify(value) !== JSON.stringify(before[name]);
    if (Array.isArray(value)) {
      const items = value.map(entry);
      parts.push(
        make(
          "div",
          { class: `queue${changed ? " changed" : ""}` },
          make("b", {}, `${name} `),
          items.length ? make("ol", {}, ...items.map((i) => make("li", {}, i))) : make("span", { class: "empty" }, "empty"),
        ),
      );
    } else if (value && typeof value === "object") {
      parts.push(make("h3", {}, name), jsonTable(value, before[name] || {}));
    } else {
      values.push(make("tr", {}, make("th", {}, name), make("td", { class: changed ? "changed" : "" }, String(value))));
    }
  }
  parts.push(make("h3", {}, "values"), make("table", {}, make("tbody", {}, ...values)));
  return make("div", {}, ...parts);
}

function jsonTable(rows, before) {
  const names = Object.keys(rows);
  if (!names.length) return make("span", { class: "empty" }, "empty");
  const columns = [...new Set(names.flatMap((n) => Object.keys(Object(rows[n]))))];
  return make(
    "div",
    { class: "wide" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, make("th", {}), ...columns.map((c) => make("th", {}, c)))),
      make(
        "tbody",
        {},
        ...names.map((n) =>
          make(
            "tr",
            {},
            make("th", {}, n),
            ...columns.map((c) =>
              make("td", { class: JSON.stringify(rows[n][c]) === JSON.stringify((before[n] || {})[c]) ? "" : "changed" }, String(rows[n][c])),
            ),
          ),
        ),
      ),
    ),
  );
}

// -------------------------------------------------------------------------------------- keys

function select(by) {
  const calls = [...document.querySelectorAll(".call")];
  if (!calls.length) return;
  const at = calls.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : calls.length - 1) : Math.max(0, Math.min(calls.length - 1, at + by));
  calls[next].focus();
}

async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("Copied the address of this state.");
  } catch {
    say(`The address of this state: ${location.href}`);
  }
}

function help() {
  $("keys").hidden = !$("keys").hidden;
  $("help").setAttribute("aria-expanded", String(!$("keys").hidden));
}

const KEYS = {
  j: () => select(1),
  k: () => select(-1),
  ArrowDown: () => select(1),
  ArrowUp: () => select(-1),
  ArrowLeft: () => move(here() - 1),
  ArrowRight: () => move(here() + 1),
  Home: () => move(0),
  End: () => move(last()),
  "/": () => $("filter").focus(),
  s: share,
  e: () => $("export").href && $("export").click(),
  o: () => $("file").click(),
  "?": help,
};

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || !(event.key in KEYS)) return;
  if (event.target.id === "sequence" && event.key.startsWith("Arrow")) return; // it scrolls
  event.preventDefault();
  KEYS[event.key]();
}

// ------------------------------------------------------------------------------------- start

async function start() {
  $("choose").addEventListener("change", choose);
  $("choose").addEventListener("submit", (event) => event.preventDefault());
  $("restart").addEventListener("click", () => move(0));
  $("back").addEventListener("click", () => move(here() - 1));
  $("forward").addEventListener("click", () => move(here() + 1));
  $("share").addEventListener("click", share);
  $("help").addEventListener("click", help);
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    if ($("file").files.length) play($("file").files[0]);
    $("file").value = "";
  });
  $("filter").addEventListener("input", () => (trace ? renderTrace() : shown && renderCalls()));
  $("find-property").addEventListener("click", () => {
    const parts = query([]);
    parts.set("property", $("property").value);
    find(parts);
  });
  $("find-state").addEventListener("submit", (event) => {
    event.preventDefault();
    const parts = query(place.path.slice(0, place.at));
    parts.set("where", $("where").value);
    find(parts);
  });
  document.addEventListener("keydown", key);
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) play(event.dataTransfer.files[0]);
  });
  window.addEventListener("popstate", () => {
    trace = null;
    read();
    renderChoice();
    show();
  });
  read();
  try {
    models = await get("/api/models");
    renderChoice();
  } catch (error) {
    say(error.message, true);
    return;
  }
  await show();
}

start();
