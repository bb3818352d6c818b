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

function copying(link) {
  if (!navigator.clipboard) return;
  link.firstChild.textContent = "Copy link";
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(link.href);
    } catch {
      location.hash = link.hash;
      return;
    }
    link.firstChild.textContent = "Link copied";
    say("Link copied");
    setTimeout(() => (link.firstChild.textContent = "Copy link"), 4000);
  });
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function explorer(box) {
  const data = JSON.parse(document.getElementById(box.dataset.explorer).textContent);
  const last = data.thresholds.length - 1;
  const id = `${data.id}-number`;
  const slider = make("input", { type: "range", min: 0, max: last, step: 1 });
  slider.setAttribute("aria-label", "Threshold");
  const number = make("input", {
    type: "number",
    id,
    min: data.thresholds[0],
    max: data.thresholds[last],
    step: "any",
  });
  const body = make("tbody");
  for (const row of data.rows) {
    const name = make("th", { scope: "row", textContent: row.label });
    const cells = [make("td", { className: "num strong" }), make("td", { className: "num" })];
    body.append(make("tr", {}, name, ...cells));
  }
  const column = (text, name) => make("th", { scope: "col", className: name, textContent: text });
  const heads = [column(data.group, ""), column("Chosen", "num"), column("95% interval", "num")];
  const back = make("button", {
    type: "button",
    className: "button button-small",
    textContent: "Back to the audited threshold",
  });
  let at = data.now;
  const show = (index, from) => {
    at = Math.min(last, Math.max(0, index));
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
  box.append(
    make("h4", { textContent: "Try a threshold" }),
    make("p", {
      className: "small soft",
      textContent: "From stored counts. The report itself does not change.",
    }),
    make("div", { className: "explorer-row" }, make("label", { htmlFor: id, textContent: "Threshold" }), number),
    slider,
    make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body),
    back,
  );
  show(data.now);
  box.hidden = false;
}

if (report) {
  for (const box of report.querySelectorAll("[data-tabs]")) tabs(box);
  for (const link of report.querySelectorAll("[data-copy]")) copying(link);
  for (const box of report.querySelectorAll("[data-explorer]")) explorer(box);
  contents();
}
