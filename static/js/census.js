// The fields of a task of one's own are shown when it is chosen; without a script they always are.

document.documentElement.classList.add("js");

const form = document.querySelector(".task-form");
const own = form.querySelector("[data-own]");

function follow() {
  own.hidden = !form.querySelector("#id_choice_own").checked;
}

form.addEventListener("change", (event) => {
  if (event.target.name === "choice") follow();
});
follow();
