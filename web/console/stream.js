// What is going on, as the server tells it. It is read by hand and not by an EventSource, so that a line that has gone dead without a
// word is noticed: the server's signs of life are comments, which an EventSource hides.

import { Problem, sessions } from "../assets/api.js";
import { state, takeLive } from "./state.js";
import { changed } from "../assets/watch.js";

/** Longer than the server is ever silent. */
const silence = 35_000;
const firstWait = 500;
const longestWait = 10_000;

/** @type {AbortController|null} */
let open = null;
/** Counts connections, so that a late end of an old one means nothing. */
let turn = 0;
let wait = firstWait;
/** @type {number|undefined} */
let retry;

/** Follows until stop. */
export function follow() {
  stop();
  const mine = ++turn;
  void run(mine);
}

export function stop() {
  turn++;
  clearTimeout(retry);
  open?.abort();
  open = null;
}

/** @param {number} mine */
async function run(mine) {
  const control = new AbortController();
  open = control;
  let why = "lost_server";
  try {
    const res = await fetch("/api/v1/live/stream", { credentials: "same-origin", cache: "no-store", signal: control.signal });
    if (res.status === 401 || res.status === 403) return signedOut(mine);
    if (res.status === 429) why = "lost_windows";
    if (res.ok && res.body) await read(res.body, control, mine);
  } catch {
    // told below, whatever it was
  }
  control.abort();
  if (mine === turn) await lost(mine, why);
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortController} control
 * @param {number} mine
 */
async function read(body, control, mine) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const watchdog = setTimeout(() => control.abort(), silence);
    const { value, done } = await reader.read().finally(() => clearTimeout(watchdog));
    if (done || mine !== turn) return;
    text += decoder.decode(value, { stream: true });
    const frames = text.split("\n\n");
    text = frames.pop() || "";
    frames.forEach(take);
  }
}

/** @param {string} frame */
function take(frame) {
  const data = frame.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
  if (!data) return;
  if (state.link === "lost") state.backUntil = performance.now() + 5000;
  state.link = "up";
  wait = firstWait;
  const live = JSON.parse(data);
  takeLive(live);
  void meet(live);
}

/** When the session was asked for last because of a tenant that it did not know. */
let metAt = -Infinity;

/** Learns of tenants that have come since. @param {import("./state.js").Live} live */
async function meet(live) {
  const known = new Set(state.session?.tenants.map((one) => one.id));
  if (live.calls.every((c) => known.has(c.tenant)) || performance.now() - metAt < 60_000) return;
  metAt = performance.now();
  const mine = turn;
  const session = await sessions.now().catch(() => undefined);
  if (session && mine === turn) renew(session);
  changed();
}

/** Takes over what is new in the session. A page never goes from one person to another. @param {import("./state.js").Session} session */
function renew(session) {
  const was = state.session;
  if (was && (was.name !== session.name || was.agent?.id !== session.agent?.id || was.works !== session.works || was.supervises !== session.supervises)) location.reload();
  else state.session = session;
}

/**
 * Says so, asks whether the session still holds, and tries again in a while.
 * @param {number} mine
 * @param {string} why
 */
async function lost(mine, why) {
  state.link = "lost";
  state.linkWhy = why;
  state.retryAt = performance.now() + wait;
  changed();
  try {
    const session = await sessions.now();
    if (mine === turn) renew(session);
  } catch (err) {
    if (mine === turn && err instanceof Problem && err.status === 401) return signedOut(mine);
  }
  if (mine !== turn) return;
  retry = setTimeout(follow, Math.max(0, state.retryAt - performance.now()));
  wait = Math.min(longestWait, wait * 2);
}

/** @param {number} mine */
function signedOut(mine) {
  if (mine !== turn) return;
  stop();
  leave("session_over");
}

/** @param {string} farewell key of what the sign-in page says */
export function leave(farewell) {
  stop();
  Object.assign(state, { session: null, live: null, link: "opening", dialog: null, problem: null, done: null, farewell });
  state.asking.clear();
  changed();
}

addEventListener("offline", () => open?.abort());
addEventListener("online", () => state.link === "lost" && follow());
