// How long the ticked remedies take, as soon as one is ticked. The server says the same on loading.

const form = document.getElementById("remedies-form");
const status = document.getElementById("remedy-time");

function roughly(seconds) {
  if (seconds <= 8) return "a few seconds";
  if (seconds < 50) return `about ${10 * Math.max(Math.round(seconds / 10), 1)} seconds`;
  const minutes = Math.max(Math.round(seconds / 60), 1);
  return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
}

function say() {
  const boxes = [...form.querySelectorAll("input[name=methods]:checked")];
  if (!boxes.length) {
    status.textContent = "No remedy is ticked.";
    return;
  }
  const spent = boxes.reduce((sum, box) => sum + Number(box.dataset.seconds), Number(status.dataset.once));
  const words = boxes.length === 1 ? "1 remedy" : `${boxes.length} remedies`;
  status.textContent = `${words}: ${roughly(spent)} more.`;
}

form.addEventListener("change", (event) => {
  if (event.target.name === "methods") say();
});
addEventListener("pageshow", say);
