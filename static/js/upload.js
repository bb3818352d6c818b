// Drag and drop, and a bar while a file is sent. Without this script the form sends itself.

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
    input.addEventListener("change", () => {
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
      const one = new DataTransfer();
      one.items.add(event.dataTransfer.files[0]);
      input.files = one.files;
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
      words.textContent = `Sending, ${size(Math.min(news.loaded, total))} of ${size(total)}`;
      if (Math.floor(share / 10) > said) {
        said = Math.floor(share / 10);
        status.textContent = `${share}% sent`;
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
        stopped(`The server did not take the file (${request.status}). Nothing was kept.`);
        return;
      }
      document.title = page.title;
      document.getElementById("main").replaceWith(main);
      const summary = document.getElementById("error-summary");
      if (summary) summary.focus();
      start();
    });
    request.addEventListener("error", () => {
      stopped("The connection was lost. Nothing was kept; send the file again.");
    });
    request.open("POST", form.getAttribute("action") || location.pathname);
    request.setRequestHeader("X-Requested-With", "upload");
    cancel.hidden = false;
    cancel.onclick = () => {
      request.abort();
      stopped("Upload cancelled. Nothing was kept.");
      event.submitter?.focus();
    };
    request.send(new FormData(form));
  });
}

start();
