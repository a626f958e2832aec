// SPDX-License-Identifier: MIT
// What this page asks of the gateway. A refusal is raised with the reason that the gateway gave.

const ROOT = "/api/v1/";

/** The gateway's no, or, with the code 0, none at all. */
export class Refusal extends Error {
  constructor(code, message, reason, documentId) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.documentId = documentId;
  }
}

function refusal(code, text) {
  try {
    const { error, document_id: id } = JSON.parse(text);
    return new Refusal(code, error.message, error.reason, id);
  } catch {
    return new Refusal(code, `the gateway answered with ${code}`);
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(ROOT + path, options);
  } catch {
    throw new Refusal(0, "the gateway does not answer");
  }
  const text = await response.text();
  if (!response.ok) throw refusal(response.status, text);
  return text === "" ? null : JSON.parse(text);
}

export const get = (path) => ask(path);

export const post = (path, value) => ask(path, value === undefined ? { method: "POST" } : {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});

/** Sends a file; `progress` gets the part that was sent, 0 to 1. (fetch cannot tell.) */
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => (request.status === 200
      ? resolve(JSON.parse(request.responseText))
      : reject(refusal(request.status, request.responseText)));
    request.onerror = () => reject(new Refusal(0, "the connection was lost before the gateway had answered; it may have the file"));
    request.open("POST", `${ROOT}upload`);
    request.send(form);
  });
}

/** Opens the stream of events: `handlers` by their name, and `lost(isOver)` when it breaks. The browser
 *  connects again by itself unless it is over. */
export function listen(handlers, lost) {
  const source = new EventSource(`${ROOT}events`);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  source.onerror = () => lost(source.readyState === EventSource.CLOSED);
  return source;
}
