// How long the ticked remedies take and how many networks they train, as soon as one is ticked or a
// setting is changed. The server counts, and says the same on loading.

import { say as inWords, sayMany } from "./words.js";

const form = document.getElementById("remedies-form");
const status = document.getElementById("remedy-time");
const seen = form.querySelector("input[data-trainings]");
const source = form.querySelector("select[name=source]");
const start = document.getElementById("start");

function roughly(seconds) {
  if (seconds <= 8) return inWords("a few seconds");
  if (seconds < 50) return inWords("about {n} seconds", { n: 10 * Math.max(Math.round(seconds / 10), 1) });
  const minutes = Math.max(Math.round(seconds / 60), 1);
  if (minutes < 90) return minutes === 1 ? inWords("about a minute") : inWords("about {n} minutes", { n: minutes });
  const hours = Math.round(seconds / 3600);
  return inWords("about {n} hours", { n: hours });
}

function say() {
  const boxes = [...form.querySelectorAll("input[name=methods]:checked")];
  const sum = (what) => boxes.reduce((all, box) => all + Number(box.dataset[what]), 0);
  const trainings = sum("trainings");
  seen.value = trainings;
  if (start) start.hidden = !boxes.some((box) => "starts" in box.dataset);
  if (!boxes.length) {
    status.textContent = inWords("No remedy is ticked.");
    return;
  }
  const spent = sum("seconds") + Number(status.dataset.once);
  const remedies = sayMany("{n} remedy", "{n} remedies", boxes.length);
  const nets = trainings ? sayMany("{n} training, ", "{n} trainings, ", trainings) : "";
  const parts = { remedies, trainings: nets, time: roughly(spent) };
  status.textContent = inWords("{remedies}: {trainings}{time} more.", parts);
}

// Settings change how much is trained; what they come to is counted by the server.
let asked = 0;
async function count() {
  const mine = ++asked;
  const data = new FormData(form);
  data.set("action", "cost");
  const answer = await fetch(location.href, { method: "POST", body: data }).catch(() => null);
  if (!answer?.ok || mine !== asked) return;
  const { methods } = await answer.json();
  for (const box of form.querySelectorAll("input[name=methods]")) {
    const cost = methods[box.value];
    if (!cost) continue;
    box.dataset.seconds = cost.seconds;
    box.dataset.trainings = cost.trainings;
    const words = form.querySelector(`[data-time="${CSS.escape(box.value)}"]`);
    if (words) words.textContent = inWords("Adds {time}", { time: cost.time });
  }
  say();
}

// Only the values of the chosen column are shown.
function population() {
  for (const box of form.querySelectorAll("[data-population]")) {
    box.hidden = box.dataset.population !== source.value;
  }
}

form.addEventListener("change", (event) => {
  if (event.target.name === "methods") say();
  else if (event.target === source) population();
  else if (event.target.name.includes("--")) count();
});
addEventListener("pageshow", () => {
  if (source) population();
  say();
});
document.getElementById("confirm")?.focus();
