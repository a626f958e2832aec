// SPDX-License-Identifier: MIT
// The page: logs in where a token is wanted, then shows what the gateway tells, and goes on doing so
// when the gateway was away.
import { get, listen, post, Refusal } from "./api.js";
import * as consumers from "./consumers.js";
import * as documents from "./documents.js";
import { bytes } from "./format.js";
import { accept, limit } from "./uploads.js";

const AGAIN_MS = 2000;
const CONSUMERS_MS = 3000;
const REFRESH_MS = 500; // at the earliest, after another one

const part = (id) => document.getElementById(id);
let stream = null;
let timer;
let looking;
let held = null; // events that came while all is asked for; null: it is not
let again = false; // it is to be asked for once more

function connection(state, text) {
  part("connection").dataset.state = state;
  if (part("connection").textContent !== text) part("connection").textContent = text;
}

// Everything anew: what happened while nobody listened is in it. Events that arrive meanwhile may be
// newer than the answer, and come after it.
async function refresh() {
  again = true;
  if (held) return; // whoever is at it does it again
  held = [];
  try {
    for (let first = true; again; first = false) {
      again = false;
      if (!first) await new Promise((resolve) => { setTimeout(resolve, REFRESH_MS); });
      const known = await get(`documents?limit=${documents.SHOWN}`);
      for (const about of [...known.documents.reverse(), ...held.splice(0)]) documents.show(about);
      if (known.complete) connection("live", "live");
      else connection("waiting", "reading what happened before…");
    }
    look();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    stream.close();
    lost(true);
  } finally {
    held = null;
  }
}

// At the consumers, now and every few seconds while somebody sees it.
async function look() {
  clearTimeout(looking);
  if (document.hidden || part("work").hidden) return;
  try {
    consumers.show(await get("consumers"));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    consumers.complain(error.message);
  }
  clearTimeout(looking);
  looking = setTimeout(look, CONSUMERS_MS);
}

function lost(isOver) {
  connection("lost", "the gateway does not answer; trying again…");
  if (!isOver) return; // the browser tries again by itself
  clearTimeout(timer);
  timer = setTimeout(connect, AGAIN_MS);
}

function open() {
  stream?.close();
  stream = listen({
    hello: refresh,
    document: (about) => (held ? held.push(about) : documents.show(about)),
  }, lost);
}

function describe(session) {
  part("limits").textContent = `${session.types.join(", ")}; at most ${bytes(session.max_size)} each`;
  limit(session.max_size, connect);
  part("kafdrop").hidden = !session.kafdrop;
  if (session.kafdrop) part("kafdrop").href = session.kafdrop;
  part("logout").hidden = !(session.token_required && session.authenticated);
}

function show(isIn) {
  part("login").hidden = isIn;
  part("work").hidden = !isIn;
  if (!isIn) {
    stream?.close();
    connection("waiting", "waiting for the token");
    part("token").focus();
  }
}

async function connect() {
  let session;
  try {
    session = await get("session");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    lost(true);
    return;
  }
  const isIn = session.authenticated || !session.token_required;
  describe(session);
  show(isIn);
  if (isIn) open();
}

async function logIn(event) {
  event.preventDefault();
  part("login-problem").textContent = "";
  try {
    await post("login", { token: part("token").value });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    part("login-problem").textContent = error.message;
    part("token").select();
    return;
  }
  part("token").value = "";
  await connect();
  part("files").focus();
}

document.addEventListener("visibilitychange", look);
part("login").addEventListener("submit", logIn);
part("logout").addEventListener("click", () => post("logout").then(connect, () => lost(true)));
accept();
connect();
