// Roles of columns: what they ask for follows the choice at once, and columns can be found by name.

import { say } from "./words.js";

document.documentElement.classList.add("js");

const form = document.getElementById("roles-form");
const filter = document.querySelector("[data-filter]");
const rows = [...form.querySelectorAll("tbody tr[data-name]")];
const status = document.querySelector("[data-filter-status]");
const find = document.getElementById("filter");
const unused = document.getElementById("filter-unused");

function paint(select) {
  select.className = `role role-${select.value}`;
}

// The button asks for the details without a script; here htmx sends it whenever a role changes.
const asking = form.querySelector("[data-refresh]");
asking.hidden = true;

function refresh() {
  asking.dispatchEvent(new Event("refresh"));
}

// Another kind of outcome has other roles, and other words for some. A column whose role it has
// not is not used meanwhile, and gets its role back with the kind.
const words = JSON.parse(document.getElementById("role-words").textContent);
function offer(kind) {
  const roles = Object.entries(words[kind]);
  for (const select of form.querySelectorAll(".role")) {
    const before = select.dataset.before;
    if (before in words[kind] && select.value === "unused") {
      delete select.dataset.before;
      select.add(new Option("", before, false, true));
    }
    if (!(select.value in words[kind])) {
      select.dataset.before = select.value;
      select.value = "unused";
    }
    const now = select.value;
    select.replaceChildren(...roles.map(([slug, text]) => new Option(text, slug, false, slug === now)));
    paint(select);
  }
}

// A column that decides takes the place of a model that nobody has asked for.
function decide() {
  const train = form.querySelector("input[name=source][value=train]:checked");
  if (!train) return;
  const columns = form.querySelector("input[name=source][value=columns]");
  columns.checked = true;
  columns.dispatchEvent(new Event("change", { bubbles: true }));
  const name = columns.closest("label").querySelector(".name").textContent;
  status.textContent = say("Now chosen: {name}", { name });
}

let waiting;
form.addEventListener("change", (event) => {
  if (event.target.matches(".role")) paint(event.target);
  if (event.target.matches(".role") && ["decision", "score"].includes(event.target.value)) decide();
  if (event.target.name === "source") {
    for (const part of form.querySelectorAll("[data-source]")) {
      part.toggleAttribute("data-other", !part.dataset.source.split(" ").includes(event.target.value));
    }
    return;
  }
  if (event.target.name === "outcome") {
    offer(event.target.value);
    const title = event.target.closest("label").querySelector(".name").textContent;
    status.textContent = say("Roles and questions are now those of: {name}", { name: title });
  }
  if (event.target.matches(".role") || /^(outcome$|model$|output$|(cuts|title|words)-)/.test(event.target.name)) {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 150);
  }
});

function sift() {
  const wanted = find.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = row.dataset.name.includes(wanted);
    const select = row.querySelector(".role");
    const free = !unused.checked || select?.value === "unused";
    row.hidden = !(fits && free);
    if (!row.hidden) shown += 1;
  }
  status.textContent = say("{shown} of {all} columns shown", { shown, all: rows.length });
}

filter.hidden = false;
find.addEventListener("input", sift);
unused.addEventListener("change", sift);
find.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault();
});

for (const link of document.querySelectorAll("[data-open]")) {
  link.addEventListener("click", () => {
    const part = document.getElementById(link.dataset.open);
    if (part) part.open = true;
  });
}
