// Small things every page gains from a script. Nothing here is needed to use the page.

import { say } from "./words.js";

const summary = document.getElementById("error-summary");
if (summary) summary.focus();

for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const status = button.parentElement.querySelector("[data-copied]");
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    status.textContent = say("Copied.");
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    status.textContent = say("Selected. Copy it with your keyboard.");
  }
});

// A form that changes something is sent once; the button says so and keeps its width.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button || !button.dataset.busy) return;
  if (button.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  const width = button.offsetWidth;
  button.setAttribute("aria-busy", "true");
  button.dataset.rest = button.textContent;
  button.textContent = button.dataset.busy;
  button.style.minWidth = `${width}px`;
});

addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-rest]")) {
    button.removeAttribute("aria-busy");
    button.textContent = button.dataset.rest;
  }
});

// Where the areas do not fit beside each other, the current one is in sight.
const area = document.querySelector(".main-nav [aria-current]");
if (area) {
  const nav = area.parentElement;
  nav.scrollLeft = Math.max(0, area.offsetLeft + area.offsetWidth + 28 - nav.clientWidth);
}

// Only one menu is open; Escape and a click elsewhere close it.
const menus = document.querySelectorAll("details.menu");
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) {
    if (!menu.open) continue;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A toast leaves after eight seconds, or when the focus that rests on it has left.
for (const toast of document.querySelectorAll("[data-toast]")) {
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, 2000);
    else toast.remove();
  };
  setTimeout(leave, 8000);
}

// A link to something inside a closed part opens that part first.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.hash.slice(1));
  const part = target && (target.matches("details") ? target : target.closest("details"));
  if (part) part.open = true;
});
