// SPDX-License-Identifier: MIT
// The table of consumer groups: how far each is behind, and what it could not handle.

const body = document.getElementById("consumers");
const problem = document.getElementById("consumers-problem");

function cell(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function line({ group, state, lag, dead_letters: dead }) {
  const row = document.createElement("tr");
  const name = cell("th", group);
  name.scope = "row";
  const letters = cell("td", dead ?? "unknown");
  letters.classList.toggle("dead", dead > 0);
  row.append(name, cell("td", state), cell("td", lag ?? "unknown"), letters);
  return row;
}

export function show({ consumers }) {
  problem.textContent = "";
  body.replaceChildren(...consumers.map(line));
}

/** The table is not what it is now, and why. */
export function complain(reason) {
  problem.textContent = `not up to date: ${reason}`;
}
