// Everything here only adds to a page that works without it: one attribute at a time, the current
// section in the contents, copied links, and a look at other thresholds from stored numbers.

const report = document.getElementById("report");
const said = document.querySelector("[data-said]");

function say(text) {
  if (said) said.textContent = text;
}

function target() {
  const id = decodeURIComponent(location.hash.slice(1));
  return id ? document.getElementById(id) : null;
}

function tabs(box) {
  const links = [...box.querySelectorAll(":scope > nav a")];
  const parts = [...box.querySelectorAll(":scope > [data-part]")];
  if (parts.length < 2) return;
  box.classList.add("tabbed");
  const show = (part) => {
    for (const other of parts) other.hidden = other !== part;
    for (const link of links) {
      if (link.hash === `#${part.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const follow = () => {
    const part = parts.find((item) => item.contains(target()));
    if (part) {
      show(part);
      target().scrollIntoView();
    }
  };
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", link.hash);
      show(parts.find((part) => `#${part.id}` === link.hash));
    });
  }
  show(parts[0]);
  follow();
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
}

function contents() {
  const menu = report.querySelector(".report-menu");
  const links = [...report.querySelectorAll(".report-rail nav a, .report-menu nav a")];
  const sections = [...report.querySelectorAll(".report-section")];
  const rail = report.querySelector(".report-rail");
  const mark = (section) => {
    for (const link of links) {
      const now = link.hash === `#${section.id}`;
      if (!now) link.removeAttribute("aria-current");
      else if (!link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        // A long list scrolls by itself, and keeps the current section in sight.
        if (rail.contains(link)) {
          const up = link.getBoundingClientRect().top - rail.getBoundingClientRect().top;
          if (up < 0 || up > rail.clientHeight - 40) rail.scrollTop += up - rail.clientHeight / 2;
        }
      }
    }
    menu.querySelector("[data-current]").textContent = section.dataset.title;
  };
  let waiting = false;
  const look = () => {
    waiting = false;
    const line = innerHeight * 0.3;
    const past = sections.filter((section) => section.getBoundingClientRect().top <= line);
    mark(past.at(-1) || sections[0]);
  };
  addEventListener(
    "scroll",
    () => {
      if (!waiting) requestAnimationFrame(look);
      waiting = true;
    },
    { passive: true },
  );
  look();
  menu.addEventListener("click", (event) => {
    if (event.target.closest("nav a")) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

// A link names the result it was made for: the page says so where it shows another one.
function permalink(link) {
  const url = new URL(link.href, location.href);
  if (report.dataset.hash) url.searchParams.set("hash", report.dataset.hash);
  return url.href;
}

function copying(link) {
  if (!navigator.clipboard) return;
  const words = link.querySelector("[data-words]");
  const rest = link.hash ? report.dataset.link : words.textContent;
  words.textContent = rest;
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(permalink(link));
    } catch {
      location.href = permalink(link);
      return;
    }
    words.textContent = report.dataset.linked;
    say(report.dataset.linked);
    setTimeout(() => (words.textContent = rest), 4000);
  });
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// A cell as text: what a spreadsheet would take for a formula is kept from being one.
function cellText(cell) {
  const parts = [...cell.querySelectorAll(".hidden-words, .cell-value, .cell-note, .cell-tag")];
  const text = (parts.length && cell.tagName === "TD" ? parts : [cell])
    .map((part) => part.textContent.trim())
    .join(" ")
    .replace(/\s+/g, " ")
    .replace(/ :/g, ":");
  return text.replace(/\u2212(?=\d)/g, "-");
}

function guarded(text) {
  return /^[=@\t\r]|^[+-](?![\d.]+( |%|$))/.test(text) ? `'${text}` : text;
}

async function copyTable(box, name) {
  const table = box.querySelector("table");
  const rows = [...table.rows].filter((row) => !row.hidden);
  const source = `${report.dataset.source}: ${name}`;
  const grid = rows.map((row) => [...row.cells].map(cellText));
  const copy = make("table", {}, make("caption", { textContent: source }));
  rows.forEach((row, i) => {
    const cells = grid[i].map((text, j) => make(row.cells[j].tagName, { textContent: text }));
    copy.append(make("tr", {}, ...cells));
  });
  const lines = [[source], ...grid].map((cells) => cells.map(guarded).join("\t"));
  const kinds = { "text/plain": lines.join("\n"), "text/html": copy.outerHTML };
  const blobs = Object.entries(kinds).map(([type, text]) => [type, new Blob([text], { type })]);
  await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
}

// Rows are hidden and shown, never counted again: what is in a cell stays as it was stored.
function tableTools(box) {
  const tools = box.querySelector("[data-tools]");
  const [find, verdict, button, shown] = ["find", "verdict", "copy-table", "shown"].map((name) =>
    tools.querySelector(`[data-${name}]`),
  );
  const rows = [...box.querySelector("table").tBodies[0].rows];
  const names = rows.map((row) =>
    [...row.querySelectorAll("th, td.words")].map((cell) => cell.textContent).join("\n").toLocaleLowerCase(),
  );
  const filter = () => {
    const asked = find.value.toLocaleLowerCase().split(",");
    const wanted = asked.map((word) => word.trim()).filter(Boolean);
    rows.forEach((row, i) => {
      const named = wanted.length === 0 || wanted.some((word) => names[i].includes(word));
      const kind = verdict && verdict.value;
      row.hidden = !(named && (!kind || row.querySelector(`.shape-${CSS.escape(kind)}`)));
    });
    const left = rows.filter((row) => !row.hidden).length;
    const words = shown.dataset.words.replace("{n}", left).replace("{all}", rows.length);
    shown.textContent = left < rows.length ? words : "";
  };
  if (find) find.addEventListener("input", filter);
  if (verdict) verdict.addEventListener("change", filter);
  button.hidden = !window.ClipboardItem || !navigator.clipboard;
  const label = button.firstChild;
  const rest = label.textContent;
  button.addEventListener("click", async () => {
    let words = report.dataset.copied;
    try {
      await copyTable(box, button.dataset.copyTable);
    } catch {
      words = report.dataset.notCopied;
    }
    label.textContent = words;
    say(words);
    setTimeout(() => (label.textContent = rest), 4000);
  });
  tools.hidden = Boolean(button.hidden && !find);
}

function explorer(box) {
  const data = JSON.parse(document.getElementById(box.dataset.explorer).textContent);
  const last = data.thresholds.length - 1;
  const [number, slider, body, back] = [
    "input[type=number]",
    "input[type=range]",
    "tbody",
    "button",
  ].map((name) => box.querySelector(name));
  slider.max = last;
  number.min = data.thresholds[0];
  number.max = data.thresholds[last];
  for (const row of data.rows) {
    const name = make("th", { scope: "row", textContent: row.label });
    const cells = [make("td", { className: "num strong" }), make("td", { className: "num" })];
    body.append(make("tr", {}, name, ...cells));
  }
  const show = (index, from) => {
    const at = Math.min(last, Math.max(0, index));
    if (from !== slider) slider.value = at;
    if (from !== number) number.value = data.thresholds[at];
    slider.setAttribute("aria-valuetext", data.thresholds[at]);
    data.rows.forEach((row, i) => {
      const [, rate, interval] = body.rows[i].cells;
      rate.textContent = row.rate[at];
      interval.textContent = row.interval[at];
    });
  };
  const nearest = (value) => {
    const gaps = data.thresholds.map((text) => Math.abs(Number(text) - value));
    return gaps.indexOf(Math.min(...gaps));
  };
  slider.addEventListener("input", () => show(Number(slider.value), slider));
  number.addEventListener("change", () => show(nearest(Number(number.value))));
  back.addEventListener("click", () => show(data.now));
  show(data.now);
  box.hidden = false;
}

if (report) {
  for (const box of report.querySelectorAll("[data-tabs]")) tabs(box);
  for (const link of report.querySelectorAll("[data-copy-link]")) copying(link);
  for (const box of report.querySelectorAll("[data-table]")) tableTools(box);
  for (const box of report.querySelectorAll("[data-explorer]")) explorer(box);
  contents();
}
