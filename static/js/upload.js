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

  for (const box of form.querySelectorAll("[data-drop]")) {
    const input = box.querySelector("input[type=file]");
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
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // A new file takes the place of a table that was chosen from the list.
    input.addEventListener("change", () => {
      if (input.name !== "table" || !input.files.length) return;
      for (const radio of form.querySelectorAll("input[name=dataset]")) radio.checked = false;
    });
  }

  form.addEventListener("submit", (event) => {
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const request = new XMLHttpRequest();
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
      document.title = page.title;
      document.getElementById("main").replaceWith(page.getElementById("main"));
      const summary = document.getElementById("error-summary");
      if (summary) summary.focus();
      start();
    });
    request.addEventListener("error", () => {
      words.textContent = "The connection was lost. Nothing was kept; send the file again.";
      status.textContent = words.textContent;
    });
    request.open("POST", form.getAttribute("action") || location.pathname);
    request.setRequestHeader("X-Requested-With", "upload");
    sending.querySelector("[data-sending-cancel]").onclick = () => {
      request.abort();
      sending.hidden = true;
    };
    request.send(new FormData(form));
  });
}

start();
