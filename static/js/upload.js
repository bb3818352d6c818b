// Drag and drop, and a bar while a file is sent. Without this script the form sends itself.

import { say } from "./words.js";

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1000 && unit < 3) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}

// Files chosen or dropped later join those that are there; each has a button that takes it out.
function several(box, input) {
  const list = box.querySelector("[data-chosen-list]");
  let kept = [];

  function show() {
    const all = new DataTransfer();
    for (const file of kept) all.items.add(file);
    input.files = all.files;
    list.hidden = kept.length < 2;
    list.replaceChildren(
      ...kept.map((file) => {
        const item = document.createElement("li");
        const name = document.createElement("span");
        name.className = "strong";
        name.textContent = file.name;
        const facts = document.createElement("span");
        facts.className = "small soft";
        facts.textContent = size(file.size);
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "button-link small";
        remove.textContent = say("Remove");
        remove.setAttribute("aria-label", say("Remove {name}", { name: file.name }));
        remove.addEventListener("click", () => {
          const place = kept.indexOf(file);
          kept = kept.filter((other) => other !== file);
          show();
          input.dispatchEvent(new CustomEvent("change", { bubbles: true, detail: "shown" }));
          const next = list.querySelectorAll("button")[Math.min(place, kept.length - 1)];
          (next && !list.hidden ? next : input).focus();
        });
        item.append(name, " ", facts, " ", remove);
        return item;
      }),
    );
  }

  input.addEventListener("change", (event) => {
    if (event.detail === "shown") return;
    const fresh = [...input.files];
    if (!fresh.length) kept = [];
    const known = new Set(kept.map((file) => `${file.name} ${file.size}`));
    kept = [...kept, ...fresh.filter((file) => !known.has(`${file.name} ${file.size}`))];
    show();
  });
}

function start() {
  const form = document.querySelector("form[data-upload]");
  const sending = form.querySelector("[data-sending]");
  const words = sending.querySelector("[data-sending-text]");
  const status = sending.querySelector("[data-sending-status]");
  const bar = sending.querySelector("progress");
  const cancel = sending.querySelector("[data-sending-cancel]");

  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;

  for (const box of form.querySelectorAll("[data-drop]")) {
    const input = box.querySelector("input[type=file]");
    const chosen = box.querySelector("[data-chosen]");
    box.classList.add("drop-whole");
    if (input.multiple) several(box, input);
    input.addEventListener("change", () => {
      if (input.multiple && input.files.length > 1) {
        box.classList.add("drop-filled");
        chosen.hidden = true;
        return;
      }
      const file = input.files[0];
      box.classList.toggle("drop-filled", Boolean(file));
      chosen.hidden = !file;
      if (!file) return;
      chosen.querySelector("[data-chosen-name]").textContent = file.name;
      chosen.querySelector("[data-chosen-size]").textContent = size(file.size);
    });
    chosen.querySelector("[data-chosen-remove]").addEventListener("click", () => {
      input.value = "";
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    });
    if (input.files.length) input.dispatchEvent(new Event("change"));
    for (const name of ["dragenter", "dragover"]) {
      box.addEventListener(name, (event) => {
        event.preventDefault();
        box.classList.add("drop-over");
      });
    }
    for (const name of ["dragleave", "drop"]) {
      box.addEventListener(name, () => box.classList.remove("drop-over"));
    }
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      const some = new DataTransfer();
      const dropped = [...event.dataTransfer.files];
      for (const file of input.multiple ? dropped : dropped.slice(0, 1)) some.items.add(file);
      input.files = some.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // A new file takes the place of a table that was chosen from the list.
    input.addEventListener("change", () => {
      if (input.name !== "table" || !input.files.length) return;
      for (const radio of form.querySelectorAll("input[name=dataset]")) radio.checked = false;
    });
  }

  let request = null;

  function stopped(text) {
    request = null;
    words.textContent = text;
    status.textContent = text;
    cancel.hidden = true;
    bar.value = 0;
  }

  form.addEventListener("submit", (event) => {
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    if (request) return;
    const total = files.reduce((sum, file) => sum + file.size, 0);
    request = new XMLHttpRequest();
    let said = -1;
    sending.hidden = false;
    sending.scrollIntoView({ block: "nearest" });
    request.upload.addEventListener("progress", (news) => {
      const share = news.lengthComputable ? Math.floor((100 * news.loaded) / news.total) : 0;
      bar.value = share;
      const sent = size(Math.min(news.loaded, total));
      words.textContent = say("Sending, {sent} of {total}", { sent, total: size(total) });
      if (Math.floor(share / 10) > said) {
        said = Math.floor(share / 10);
        status.textContent = say("{share}% sent", { share });
      }
    });
    request.addEventListener("load", () => {
      if (request.status === 200 && request.getResponseHeader("Content-Type").startsWith("text/plain")) {
        location.assign(request.responseText);
        return;
      }
      // An answer with errors is a whole page: show it as if the form had been sent.
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const main = page.getElementById("main");
      if (!main) {
        const text = "The server did not take the file ({status}). Nothing was kept.";
        stopped(say(text, { status: request.status }));
        return;
      }
      document.title = page.title;
      document.getElementById("main").replaceWith(main);
      const summary = document.getElementById("error-summary");
      if (summary) summary.focus();
      start();
    });
    request.addEventListener("error", () => {
      stopped(say("The connection was lost. Nothing was kept; send the file again."));
    });
    request.open("POST", form.getAttribute("action") || location.pathname);
    request.setRequestHeader("X-Requested-With", "upload");
    cancel.hidden = false;
    cancel.onclick = () => {
      request.abort();
      stopped(say("Upload cancelled. Nothing was kept."));
      event.submitter?.focus();
    };
    request.send(new FormData(form));
  });
}

start();
