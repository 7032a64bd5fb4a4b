// What may be asked for, by which key, and asking for it once.

import { api } from "./api.js";
import { Problem } from "../assets/api.js";
import { explain } from "./errors.js";
import { leave } from "./stream.js";
import { current, me, myCall, nextLive, onPause, state } from "./state.js";
import { changed } from "../assets/watch.js";

/**
 * What a receptionist does with her call, in the order of the buttons. Whom to connect with is asked by a field of its own.
 * @type {Array<{id: string, key: string, strong?: boolean}>}
 */
export const callActions = [
  { id: "hold", key: "F4" },
  { id: "resume", key: "F4" },
  { id: "swap", key: "F3" },
  { id: "join", key: "Shift+F3" },
  { id: "complete", key: "F8" },
  { id: "take_back", key: "Escape" },
  { id: "park", key: "F7" },
  { id: "hand_back", key: "Shift+F8" },
  { id: "end", key: "F10" },
];

/** What she may do with a call that comes into view is not done at once: a key pressed for the one before must not hit it. */
const settling = 700;
let seen = "";
let seenAt = 0;

/** Notes which call is in view; told at every change. */
export function look() {
  const id = myCall()?.id || "";
  if (id === seen) return;
  seen = id;
  seenAt = performance.now();
  if (id) {
    state.done = null;
    setTimeout(changed, settling + 10);
  }
  if (state.problem && ["call", "whom", "dial", "state"].includes(state.problem.area)) state.problem = null;
}

/** @returns {boolean} her call has been in view for long enough */
export function settled() {
  return performance.now() - seenAt >= settling;
}

/**
 * Asks for something once: until it is answered and what it did is seen, the same is not asked again.
 * @param {string} name of what is asked
 * @param {string} area where it is shown that it was refused
 * @param {() => Promise<any>} request
 * @returns {Promise<any>} the answer, {} where it is empty; undefined where it was refused
 */
export async function once(name, area, request) {
  if (!current() || state.asking.has(name)) return undefined;
  state.asking.add(name);
  if (state.problem?.area === area) state.problem = null;
  changed();
  const over = () => {
    state.asking.delete(name);
    changed();
  };
  try {
    const answer = (await request()) || {};
    void nextLive().then(over);
    return answer;
  } catch (err) {
    over();
    if (!(err instanceof Problem)) throw err;
    if (err.status === 401) leave("session_over");
    else state.problem = { area, text: explain(err) };
    return undefined;
  }
}

/**
 * @param {import("./state.js").Call|undefined} call
 * @param {string} action
 * @returns {boolean} it can be asked for now
 */
export function can(call, action) {
  if (!call || !current() || state.asking.has("call:" + call.id)) return false;
  return (call.may || []).includes(action);
}

/**
 * Asks for something to be done with a call, which is named, so that it can never be another.
 * @param {import("./state.js").Call|undefined} call
 * @param {string} action
 * @param {{to?: string, grant_seconds?: number}} [more]
 * @param {boolean} [supervising] not as the receptionist whose call it is
 * @returns {Promise<any>}
 */
export async function act(call, action, more = {}, supervising = false) {
  if (!call || !can(call, action)) return undefined;
  const agent = supervising ? undefined : state.session?.agent?.id;
  const area = more.to !== undefined ? "whom" : "call";
  const answer = await once("call:" + call.id, supervising ? "dialog" : area, () => api.act(call.id, { action, agent, ...more }));
  if (answer?.slot && action === "park") tell("parked_at", { slot: answer.slot });
  return answer;
}

/**
 * With her own call.
 * @param {string} action
 * @param {{to?: string}} [more]
 */
export async function actOwn(action, more) {
  const call = myCall();
  if (action !== "answer" && !settled()) return undefined;
  return act(call, action, more);
}

/**
 * Says for a while what came of it.
 * @param {string} key
 * @param {Object<string, any>} [values]
 */
export function tell(key, values) {
  state.done = { key, values: values || {}, until: performance.now() + 15_000 };
  changed();
}

/**
 * @param {string} agent
 * @returns {boolean} her state can be set: nothing is being asked about it
 */
export function canSetState(agent) {
  return current() && !state.asking.has("state:" + agent);
}

/**
 * @param {string} to available, paused or logged_out
 * @param {string} [reason]
 */
export async function setMyState(to, reason) {
  const id = state.session?.agent?.id;
  if (!id || !canSetState(id)) return;
  if (state.dialog?.kind === "state") state.dialog = null;
  await once("state:" + id, "state", () => api.setState(id, reason ? { state: to, reason } : { state: to }));
}

/** The next thing to do about her own state: log in, go on after a pause or before a wrap-up is over, or choose a pause. */
export function nextState() {
  const mine = me();
  if (!mine || !current()) return;
  if (!mine.logged_in || onPause(mine) || mine.state === "wrap_up") void setMyState("available");
  else openDialog("state");
}

/**
 * Picks up who is parked in a slot; without one, whom she parked herself, or who has waited longest.
 * @param {{slot: number, call: string}} [chosen]
 */
export async function pickUp(chosen) {
  const id = state.session?.agent?.id;
  const parked = state.live?.parked || [];
  if (!id || me()?.call) return;
  const oldest = [...parked].sort((a, b) => Number(b.agent === id) - Number(a.agent === id) || Date.parse(a.since) - Date.parse(b.since))[0];
  const who = chosen || oldest;
  if (!who) return;
  await once("pickup", "parked", () => api.pickUp(id, who.slot, who.call));
}

/**
 * @param {string} kind
 * @param {string} [id]
 */
export function openDialog(kind, id) {
  state.dialog = { kind, id };
  if (state.problem?.area === "dialog") state.problem = null;
  changed();
}

export function closeDialog() {
  state.dialog = null;
  changed();
}
