// Try settings and thresholds on the rows of the report. Adds to a page that works without it:
// every stored number stands in the tables already, and nothing here changes one.

import { expressionInterpreter } from "../vendor/vega-interpreter-2.3.2.js";
import { measureAt, movesAt } from "./tradeoff-counts.js";
import { planeSpec } from "./tradeoff-plane.js";

const MINUS = "\u2212";
const WITH_LOTS_OF_GROUPS = 6;

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function fixed(value, digits = 1) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) ? MINUS + text : text;
}

function share(three) {
  if (!three) return ["not computed", ""];
  const [value, low, high] = three.map((v) => (v === null ? null : fixed(100 * v)));
  return [`${value}%`, low === null ? "" : `${low} to ${high}`];
}

function points(three) {
  if (!three) return ["not computed", ""];
  const [value, low, high] = three.map((v) => (v === null ? null : fixed(100 * v)));
  return [value, low === null ? "" : `${low} to ${high}`];
}

function perThousand(value) {
  if (value === null || value === undefined) return ["", ""];
  return [value > 0 && value < 0.0005 ? "under 1" : (1000 * value).toFixed(0), ""];
}

/** Rows of the table: a name and what stands in each column. */
function lines(data) {
  const out = [
    ["Largest gap, points", (entry) => points(entry.gap)],
    ["Accuracy", (entry) => share(entry.accuracy)],
  ];
  if (data.settings.some((setting) => !setting.all)) {
    out.push(["Sent to a person", (entry) => [entry.person ? `${fixed(100 * entry.person)}%` : "0", ""]]);
  }
  data.metrics.forEach((metric, m) => {
    data.groups.forEach((group, g) => {
      out.push([`${metric.title}, ${group}`, (entry) => share(entry.rates[m][g])]);
    });
  });
  out.push(["To yes in 1,000", (entry) => perThousand(entry.moves ? entry.moves[0] : null)]);
  out.push(["To no in 1,000", (entry) => perThousand(entry.moves ? entry.moves[1] : null)]);
  return out;
}

function comparison(data, columns) {
  const head = make("tr", {}, make("td"));
  for (const text of columns) {
    head.append(make("th", { scope: "col", className: "num", textContent: text }));
  }
  const rows = lines(data);
  const body = make("tbody");
  for (const [name] of rows) {
    const row = make("tr", {}, make("th", { scope: "row", textContent: name }));
    for (let i = 0; i < columns.length; i += 1) {
      const value = make("span", { className: "cell-value" });
      const note = make("span", { className: "cell-note" });
      row.append(make("td", { className: "num" }, value, note));
    }
    body.append(row);
  }
  const table = make("table", { className: "report-table dense stacked" }, make("thead", {}, head), body);
  const fill = (column, entry) => {
    rows.forEach(([, read], i) => {
      const cell = body.rows[i].cells[column + 1];
      const [value, note] = entry ? read(entry) : ["", ""];
      cell.firstChild.textContent = value;
      cell.lastChild.textContent = note;
    });
  };
  return { table, head, fill };
}

function chooser(data, id) {
  const select = make("select", { id, className: "input" });
  select.append(make("option", { value: "", textContent: "None" }));
  const groups = new Map();
  data.settings.forEach((setting, i) => {
    if (!groups.has(setting.method)) {
      const group = make("optgroup", { label: setting.method });
      groups.set(setting.method, group);
      select.append(group);
    }
    const text = setting.label + (setting.recommended ? " (recommended)" : "");
    groups.get(setting.method).append(make("option", { value: i, textContent: text }));
  });
  const best = data.settings.findIndex((setting) => setting.recommended);
  if (best >= 0) select.value = best;
  return select;
}

/** One threshold: a number, and a slider beside it. */
function threshold(name, id, sweep, changed) {
  const last = sweep.thresholds.length - 1;
  const slider = make("input", { type: "range", min: 0, max: last, step: 1 });
  slider.setAttribute("aria-label", `Threshold, ${name}`);
  const number = make("input", {
    type: "number",
    id,
    min: sweep.thresholds[0],
    max: sweep.thresholds[last],
    step: "any",
  });
  const set = (index, from) => {
    if (from !== slider) slider.value = index;
    if (from !== number) number.value = sweep.thresholds[index];
    slider.setAttribute("aria-valuetext", sweep.thresholds[index]);
  };
  slider.addEventListener("input", () => changed(Number(slider.value), slider, false));
  slider.addEventListener("change", () => changed(Number(slider.value), slider, true));
  number.addEventListener("change", () => {
    const wanted = Number(number.value);
    const gaps = sweep.thresholds.map((text) => Math.abs(Number(text) - wanted));
    changed(gaps.indexOf(Math.min(...gaps)), null, true);
  });
  const row = make("div", { className: "explorer-row" });
  row.append(make("label", { htmlFor: id, textContent: name }), number);
  return { element: make("div", { className: "explorer-threshold" }, row, slider), set };
}

function thresholds(data, id, changed) {
  const { sweep } = data;
  const at = sweep.groups.map(() => sweep.now);
  const alike = make("input", { type: "checkbox", id: `${id}-alike`, checked: true });
  const controls = [];
  const show = (from, done) => {
    controls.forEach((control, i) => control.set(at[Math.max(i - 1, 0)], from));
    changed(at, done);
  };
  const move = (place) => (index, from, done) => {
    if (place < 0) at.fill(index);
    else at[place] = index;
    show(from, done);
  };
  controls.push(threshold("Everybody", `${id}-all`, sweep, move(-1)));
  data.groups.forEach((group, g) => {
    controls.push(threshold(group, `${id}-${g}`, sweep, move(g)));
  });
  const box = make("fieldset", { className: "explorer-thresholds" });
  const legend = make("legend", { textContent: "Your thresholds" });
  const label = make("label", { htmlFor: alike.id, textContent: "One threshold for everybody" });
  const back = make("button", {
    type: "button",
    className: "button button-small",
    textContent: sweep.back,
  });
  const list = make("div", { className: "explorer-list" });
  if (data.groups.length > WITH_LOTS_OF_GROUPS) list.classList.add("scroll");
  list.append(...controls.map((control) => control.element));
  const toggle = () => {
    controls.forEach((control, i) => {
      control.element.hidden = alike.checked ? i > 0 : i === 0;
    });
    if (alike.checked) at.fill(at[0]);
    show(null, true);
  };
  alike.addEventListener("change", toggle);
  back.addEventListener("click", () => {
    at.fill(sweep.now);
    show(null, true);
  });
  const rule = make("p", { className: "small soft", textContent: `Chosen: scores ${sweep.chosen} the threshold.` });
  box.append(legend, rule, make("div", { className: "explorer-alike" }, alike, label), list, back);
  return { box, start: toggle };
}

function picture(data, node, pick) {
  if (!data.now.gap || !data.now.accuracy) return null;
  const runtime = globalThis.vega.parse(planeSpec(data), null, { ast: true });
  const view = new globalThis.vega.View(runtime, {
    ast: true,
    expr: expressionInterpreter,
    renderer: "svg",
    container: node,
    hover: true,
    logLevel: globalThis.vega.Warn,
  });
  const fit = () => {
    const width = Math.max(node.clientWidth, 240);
    view.width(width - 62).height(width < 480 ? 250 : 300).run();
    // The theme's colours reach a drawing by this class.
    const drawn = node.querySelector("svg");
    drawn?.classList.add("chart");
    drawn?.setAttribute("aria-hidden", "true");
  };
  view.addEventListener("click", (_, item) => {
    if (item && item.datum && item.datum.i !== undefined) pick(item.datum.i);
  });
  new ResizeObserver(fit).observe(node);
  fit();
  return view;
}

function marked(entry) {
  if (!entry || !entry.gap || !entry.accuracy) return [];
  const [x, x1, x2] = entry.gap;
  const [y, y1, y2] = entry.accuracy;
  return [{ x, x1: x1 ?? x, x2: x2 ?? x, y, y1: y1 ?? y, y2: y2 ?? y }];
}

function build(box) {
  const data = JSON.parse(document.getElementById(box.dataset.tradeExplorer).textContent);
  const id = data.id;
  const select = chooser(data, `${id}-setting`);
  const columns = ["Now", "Setting", ...(data.sweep ? ["Your thresholds"] : [])];
  const { table, fill } = comparison(data, columns);
  const plane = make("div", { className: "explorer-plane" });
  plane.setAttribute("role", "img");
  const said = make("p", { className: "explorer-said", role: "status" });
  let view = null;
  const told = { setting: "", yours: "" };
  const tell = (name, entry) => {
    const gap = points(entry.gap)[0];
    const right = entry.accuracy ? `, accuracy ${share(entry.accuracy)[0]}` : "";
    return `${name}: largest gap ${gap} points${right}.`;
  };
  const choose = () => {
    const setting = select.value === "" ? null : data.settings[Number(select.value)];
    fill(1, setting);
    view?.data("picked", marked(setting)).run();
    told.setting = setting ? tell(setting.name, setting) : "";
    said.textContent = `${told.setting} ${told.yours}`;
  };
  select.addEventListener("change", choose);
  const yours = (at, done) => {
    const entry = { ...measureAt(data, at), person: 0, moves: movesAt(data, at) };
    fill(2, entry);
    view?.data("mine", marked(entry)).run();
    if (!done) return;
    told.yours = tell("Your thresholds", entry);
    said.textContent = `${told.setting} ${told.yours}`;
  };
  const own = data.sweep ? thresholds(data, id, yours) : null;
  const field = make("div", { className: "field" });
  field.append(make("label", { htmlFor: select.id, textContent: "Setting" }), select);
  const controls = make("div", { className: "explorer-controls" }, field);
  if (own) controls.append(own.box);
  const frame = make("div", { className: "scroll-x", tabIndex: 0, role: "region" }, table);
  frame.setAttribute("aria-label", data.title);
  const notes = ["Intervals: 95%, each on its own."];
  if (data.settings.some((setting) => !setting.all)) {
    notes.push("Settings that send people to a person: accuracy of those still decided.");
  }
  if (data.sweep) {
    notes.push("Your thresholds: people of the compared groups; Wilson intervals, and square-and-add for the gap.");
    if (!data.sweep.exact) {
      notes.push("The audited decisions are not those of one threshold, so nobody's move is counted for yours.");
    }
  }
  box.append(
    make("h3", { textContent: data.title }),
    make("p", { className: "report-notice", textContent: data.seen }),
    make("div", { className: "explorer-grid" }, make("div", {}, plane, said), controls),
    frame,
    make("p", { className: "table-foot", textContent: notes.join(" ") }),
  );
  box.hidden = false;
  view = picture(data, plane, (i) => {
    select.value = i;
    choose();
  });
  if (view) plane.setAttribute("aria-label", "Gap and accuracy of every setting, the chosen one and your thresholds; the table below has the numbers.");
  else plane.remove();
  fill(0, data.now);
  own?.start();
  choose();
}

for (const box of document.querySelectorAll("[data-trade-explorer]")) build(box);
