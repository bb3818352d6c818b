// Says every tenth of the way aloud, and keeps the title of the page up to date.

import { say } from "./words.js";

const spoken = document.getElementById("spoken");
let tens = Number(document.getElementById("now").dataset.tens);

function follow() {
  const now = document.getElementById("now");
  if (!now) return;
  document.title = `${now.dataset.percent}%, ${now.dataset.title} - Evenhand`;
  const reached = Number(now.dataset.tens);
  if (reached === tens) return;
  tens = reached;
  spoken.textContent = say("{share}% done", { share: reached });
}

new MutationObserver(follow).observe(document.getElementById("main"), {
  attributes: true,
  childList: true,
  subtree: true,
  attributeFilter: ["data-percent"],
});
