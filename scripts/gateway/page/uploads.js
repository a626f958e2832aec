// SPDX-License-Identifier: MIT
// Files that are dropped on the page or chosen in its field, sent a few at a time.
import { get, Refusal, upload } from "./api.js";
import { refused, sending, sent, show, unsure } from "./documents.js";
import { bytes } from "./format.js";

const AT_ONCE = 3;
const CHECK_MS = 5000;

const zone = document.getElementById("upload");
const field = document.getElementById("files");

const waiting = [];
let busy = 0;
let settings = { maxSize: Infinity, onUnauthorized() {} };

// Why a file need not be sent at all.
function objection({ file, isFolder }) {
  if (isFolder) return "it is a folder; drop the files in it";
  if (file.size > settings.maxSize) return `it has ${bytes(file.size)}, at most ${bytes(settings.maxSize)} are taken`;
  return null;
}

// Asks what became of a document of which nobody knows whether Kafka has it, until somebody does.
async function check(row, id) {
  if (row.status !== "unsure") return; // its events were quicker
  try {
    show(await get(`status/${id}`));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.reason === "unknown_document") refused(row, "no event of it was seen: look for it before sending it again");
    else setTimeout(check, CHECK_MS, row, id);
  }
}

// Only who says that nothing was kept, or has not taken the file at all, is sure of it.
function isSure(error) {
  return (error.code > 0 && error.code < 500) || error.code === 507 ||
    ["not_persisted", "busy", "not_stored"].includes(error.reason);
}

function failed(row, error) {
  const id = error.documentId;
  if (id) unsure(row, "Kafka may have taken it; this is being checked", id);
  else if (!isSure(error)) unsure(row, error.message);
  else refused(row, error.message);
  if (id) setTimeout(check, CHECK_MS, row, id);
  if (error.code === 401) settings.onUnauthorized();
}

async function send({ file, row }) {
  row.progress(0);
  row.state("sending", "being sent");
  try {
    const answer = await upload(file, (part) => row.progress(part));
    sent(row, answer.document_id);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    failed(row, error);
  }
}

async function work() {
  if (busy === AT_ONCE || waiting.length === 0) return;
  busy += 1;
  try {
    await send(waiting.shift());
  } finally {
    busy -= 1;
    work();
  }
}

function take(entries) {
  for (const entry of entries) {
    const row = sending(entry.file);
    const reason = objection(entry);
    if (reason) refused(row, reason);
    else waiting.push({ file: entry.file, row });
    work();
  }
}

function dropped(transfer) {
  return [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ file: item.getAsFile(), isFolder: item.webkitGetAsEntry()?.isDirectory ?? false }));
}

const holdsFiles = (event) => event.dataTransfer.types.includes("Files");

/** Takes files from now on. */
export function accept() {
  field.addEventListener("change", () => {
    take([...field.files].map((file) => ({ file, isFolder: false })));
    field.value = ""; // the same file may be chosen again
  });
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    zone.classList.remove("over");
    take(dropped(event.dataTransfer));
  });
}

/** What the gateway takes, and what to do when it wants the token again. */
export function limit(maxSize, onUnauthorized) {
  settings = { maxSize, onUnauthorized };
}
