// What scripts say, in the language of the page. The page brings the words along where it is not
// English; a text without one is said as it is written.

const found = document.getElementById("script-words");
const words = found ? JSON.parse(found.textContent) : {};

// "Adds {time}" with its parts filled in.
export function say(text, parts = {}) {
  const said = words[text] || text;
  return said.replace(/\{(\w+)\}/g, (whole, name) => (name in parts ? parts[name] : whole));
}

// The same for a number: one text for 1, another for more.
export function sayMany(one, many, n) {
  return say(n === 1 ? one : many, { n: n.toLocaleString(document.documentElement.lang) });
}
