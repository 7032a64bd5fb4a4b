// What the page knows. Everything is drawn from here; whoever changes something says so by changed().

import { changed } from "../assets/watch.js";

/**
 * @typedef {Object} Session
 * @property {string} name
 * @property {{id: string, name: string, extension: string, kind: string}} [agent]
 * @property {boolean} works
 * @property {boolean} supervises
 * @property {Array<{id: string, name: string, number: string, common_numbers?: Array<{name: string, number: string}>}>} tenants
 * @property {string[]} groups
 * @property {string[]} pauses
 * @property {Array<{id: string}>} portal companies whose own page she may see
 */

/**
 * @typedef {Object} Call
 * @property {string} id
 * @property {string} tenant
 * @property {string} phase
 * @property {string} [common_number]
 * @property {string} [kind] "out", "callback", or an incoming call
 * @property {string} [caller]
 * @property {string} [agent]
 * @property {string} arrived
 * @property {boolean} [waiting]
 * @property {number} [place]
 * @property {number} [slot]
 * @property {boolean} [held]
 * @property {string} [on] "caller" or "target", where she speaks to one of two
 * @property {number} [handling_ms]
 * @property {boolean} [handling]
 * @property {{warn_ms?: number, over_ms?: number, long_ms?: number, cap_ms?: number}} [marks]
 * @property {string[]} [may]
 * @property {{number?: string, agent?: string, how: string, state: string, since: string}} [target]
 * @property {{at: string, reason: string, code?: number, number?: string, agent?: string, target?: any}} [recall]
 */

/**
 * @typedef {Object} Agent
 * @property {string} id
 * @property {string} [name]
 * @property {string} [extension]
 * @property {string} state
 * @property {string} [reason]
 * @property {string} [call]
 * @property {string} since
 * @property {number} [misses]
 * @property {string[]} [groups]
 * @property {boolean} logged_in
 * @property {boolean} phone
 */

/**
 * @typedef {Object} Live
 * @property {string} at
 * @property {Call[]} calls
 * @property {Array<{tenant: string, waiting: number, since: string}>} queues
 * @property {Agent[]} agents
 * @property {Array<{slot: number, call: string, tenant: string, caller?: string, agent: string, since: string}>} parked
 * @property {Array<{id: string, tenant: string, number: string, left: string, tries?: number, after?: string}>} wishes
 * @property {Array<{id: string, at: string, by: string, text: string, agents?: string[]}>} notes
 * @property {Array<{kind: string, since: string, value: number}>} alarms
 * @property {number} waiting
 * @property {number} stuck
 */

export const state = {
  /** @type {Session|null|undefined} undefined while nobody has asked yet */
  session: undefined,
  /** @type {string} said on the sign-in page */
  farewell: "",
  /** @type {Live|null} */
  live: null,
  /** @type {"opening"|"up"|"lost"} */
  link: "opening",
  /** What the lost connection is told to be: a key of a text. */
  linkWhy: "lost_server",
  retryAt: 0,
  /** Until when (performance.now) it is said that the connection is back. */
  backUntil: 0,
  /** @type {Set<string>} what has been asked and is not answered yet */
  asking: new Set(),
  /** @type {{area: string, text: string}|null} what went wrong last, and where it is shown */
  problem: null,
  /** @type {{key: string, values: Object<string, any>, until: number}|null} what went well and has to be known: the slot of a parked caller */
  done: null,
  /** @type {{kind: string, id?: string}|null} */
  dialog: null,
  /** When (performance.now) a key was pressed last that types. */
  typedAt: -Infinity,
};

/** The clock of the page only measures what has passed since the server told the time: the two may be hours apart. */
let told = 0;
let toldAt = 0;

/** @type {Array<() => void>} */
let waiting = [];

/** @param {Live} live */
export function takeLive(live) {
  state.live = live;
  told = Date.parse(live.at);
  toldAt = performance.now();
  waiting.forEach((go) => go());
  waiting = [];
  changed();
}

/**
 * What was asked for shows a moment after it is answered. Until then the old state stands, and the same must not be asked again.
 * @returns {Promise<void>} when the next state has come, or need not be waited for any longer
 */
export function nextLive() {
  return new Promise((go) => {
    waiting.push(go);
    setTimeout(go, 400);
  });
}

/** @returns {number} the server's clock, in ms */
export function serverNow() {
  return told + performance.now() - toldAt;
}

/**
 * @param {string} instant
 * @returns {number} ms since then, never less than none
 */
export function since(instant) {
  return Math.max(0, serverNow() - Date.parse(instant));
}

/** @returns {Agent|undefined} */
export function me() {
  const id = state.session?.agent?.id;
  return id ? state.live?.agents.find((a) => a.id === id) : undefined;
}

/** @returns {Call|undefined} the one call that she has, rings for her, or that she is asked about */
export function myCall() {
  const mine = me();
  if (!mine?.call) return undefined;
  return state.live?.calls.find((c) => c.id === mine.call);
}

/**
 * @param {string} id
 * @returns {Call|undefined}
 */
export function callOf(id) {
  return state.live?.calls.find((c) => c.id === id);
}

/**
 * @param {string} id
 * @returns {string} a tenant's name
 */
export function tenantName(id) {
  return state.session?.tenants.find((t) => t.id === id)?.name || id;
}

/**
 * @param {string|undefined} id
 * @returns {string} an agent's name
 */
export function agentName(id) {
  if (!id) return "";
  if (id === state.session?.agent?.id) return state.session.agent.name;
  return state.live?.agents.find((a) => a.id === id)?.name || id;
}

/**
 * @param {Agent} a
 * @returns {boolean} she is on a pause, or will be when her call is over
 */
export function onPause(a) {
  return a.logged_in && Boolean(a.reason);
}

/** @returns {boolean} what is shown holds now, so that something may be asked for */
export function current() {
  return state.link === "up" && state.live !== null;
}
