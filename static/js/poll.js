// Asks for news every few seconds, more and more slowly, and every minute while the page is hidden.
// Elements with data-poll="seconds" and hx-trigger="poll" are asked; without a script a page says
// how to reload it.

const SLOWEST = 60;
let rounds = 0;
let timer;

function next() {
  const node = document.querySelector("[data-poll]");
  if (!node) return;
  const base = Number(node.dataset.poll);
  const wait = document.hidden ? SLOWEST : rounds < 100 ? base : Math.min(4 * base, SLOWEST);
  clearTimeout(timer);
  timer = setTimeout(() => {
    rounds += 1;
    const now = document.querySelector("[data-poll]");
    if (now) now.dispatchEvent(new Event("poll"));
    next();
  }, 1000 * wait);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return next();
  rounds = 0;
  const node = document.querySelector("[data-poll]");
  if (node) node.dispatchEvent(new Event("poll"));
  next();
});

next();
