// SPDX-License-Identifier: MIT
// The list of documents: those that are being sent, those that were refused, and those on their way
// through the pipeline. What users and the gateway say goes in as text, never as markup.
import { bytes, seconds } from "./format.js";

// The stages of a document, in their order, and what they mean to it.
const STAGES = [
  ["document-received", "received"],
  ["workflow-initialized", "initialized"],
  ["chunking-complete", "chunked"],
  ["embedding-ready", "embedded"],
  ["ingestion-complete", "searchable"],
  ["field-init-complete", "fields found"],
  ["agent-scaling-complete", "agents chosen"],
  ["extraction-tasks", "tasks given"],
  ["extraction-complete", "extracted"],
];

export const SHOWN = 200; // rows; older ones leave the page
const NEWS = 20; // lines for screen readers

const list = document.getElementById("documents");
const empty = document.getElementById("empty");
const news = document.getElementById("news");
const template = document.getElementById("document");

// Rows by the ids of their documents.
const rows = new Map();

function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  news.append(line);
  while (news.childElementCount > NEWS) news.firstElementChild.remove();
}

function part(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function stageItem(name, passed, failed, since) {
  const outcome = failed ? "failed" : passed ? "passed" : "ahead";
  const item = part("li", `stage ${outcome}`, passed?.count > 1 ? `${name} ×${passed.count}` : name);
  item.append(part("span", "spoken", `, ${outcome}`));
  if (passed) item.append(part("small", "time", ` ${seconds(Date.parse(passed.at) - since)}`));
  return item;
}

function stageItems(about) {
  const passed = new Map(about.stages.map((stage) => [stage.stage, stage]));
  const since = about.stages.length > 0 ? Date.parse(about.stages[0].at) : 0;
  return STAGES.map(([type, name]) => stageItem(name, passed.get(type), about.failed_stage === type, since));
}

const STATES = { received: "received", processing: "on its way" };

// "completed after 0.34 s", "failed: …"
function stateOf(about) {
  if (about.status === "failed") {
    const where = about.failed_group ? ` in ${about.failed_group}` : "";
    return `failed${where}: ${about.reason ?? "see its dead letter"}`;
  }
  if (about.status !== "completed") return STATES[about.status] ?? "on its way";
  const moments = about.stages.map((stage) => Date.parse(stage.at));
  return `completed after ${seconds(Math.max(...moments) - Math.min(...moments))}`;
}

/** A line of the list. */
class Row {
  constructor() {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.status = "";
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  name() {
    return this.part("name").textContent;
  }

  title(filename, size) {
    this.part("name").textContent = filename ?? "a document";
    this.part("about").textContent = size === null ? "" : bytes(size);
  }

  state(status, text) {
    this.element.dataset.state = status;
    this.part("state").textContent = text;
    const isNews = this.status !== "" && this.status !== status; // not what was so before this page looked
    if (isNews && ["rejected", "unsure", "completed", "failed"].includes(status)) say(`${this.name()}: ${text}`);
    this.status = status;
  }

  progress(part) {
    const sent = this.part("sent");
    sent.hidden = part === null;
    sent.value = part ?? 0;
  }

  show(about) {
    this.title(about.filename, about.file_size);
    this.progress(null);
    this.part("stages").replaceChildren(...stageItems(about));
    this.state(about.status, stateOf(about));
  }
}

function forget(element) {
  for (const [id, row] of rows) {
    if (row.element === element) rows.delete(id);
  }
  element.remove();
}

function insert(row) {
  list.prepend(row.element);
  empty.hidden = true;
  while (list.childElementCount > SHOWN) forget(list.lastElementChild);
}

/** A row for a file that is about to be sent. */
export function sending(file) {
  const row = new Row();
  row.title(file.name, file.size);
  row.state("sending", "waiting to be sent");
  insert(row);
  return row;
}

/** The gateway has the file of this row: from now on it is the document's. */
export function sent(row, id) {
  const early = rows.get(id); // its events may be quicker than the answer
  if (early) {
    row.element.replaceWith(early.element);
    return;
  }
  row.progress(null);
  row.state("uploaded", "uploaded");
  rows.set(id, row);
}

/** The gateway may have the file of this row, as the document when it has an id. */
export function unsure(row, reason, id) {
  row.progress(null);
  if (rows.has(id)) {
    row.element.replaceWith(rows.get(id).element);
    return;
  }
  row.state("unsure", `unsure: ${reason}`);
  if (id) rows.set(id, row);
}

/** The file of this row was refused. */
export function refused(row, reason) {
  row.progress(null);
  row.state("rejected", `rejected: ${reason}`);
}

/** What is known of a document; it replaces what was known before. */
export function show(about) {
  let row = rows.get(about.document_id);
  if (!row) {
    row = new Row();
    rows.set(about.document_id, row);
    insert(row);
  }
  row.show(about);
}
