// How a call is answered: the phrase that its tenant wants, asked for once for each call.

import { api } from "./api.js";
import { Problem } from "../assets/api.js";
import { myCall, state } from "./state.js";
import { changed } from "../assets/watch.js";

/** @type {{call: string, say: string, failed: boolean}} */
let now = { call: "", say: "", failed: false };

/** The phrase of her call; empty while it is not known. */
export function phrase() {
  const call = myCall();
  return call && now.call === call.id ? now : { call: "", say: "", failed: false };
}

/** Asks for the phrase of a call that has come into view; told at every change. */
export function lookUp() {
  const call = myCall();
  const agent = state.session?.agent?.id;
  if (!call || !agent || call.id === now.call) return;
  now = { call: call.id, say: "", failed: false };
  void load(call, agent, 0);
}

/**
 * @param {import("./state.js").Call} call
 * @param {string} agent
 * @param {number} tries so far
 */
async function load(call, agent, tries) {
  try {
    const shown = await api.shown(call.tenant, await commonNumber(call), agent);
    if (now.call === call.id) now = { call: call.id, say: shown.say, failed: false };
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    if (now.call !== call.id) return;
    now.failed = true;
    const again = err.status === 0 || err.status === 429 || err.status >= 500;
    if (again && tries < 5) setTimeout(() => now.call === call.id && load(call, agent, tries + 1), 1000 * (tries + 1));
  }
  changed();
}

/**
 * Common numbers of tenants, which do not change while a page is open more often than anybody minds.
 * @type {Map<string, Array<{name: string, number: string}>>}
 */
const commons = new Map();

/**
 * A call names the common number that was dialled; its instructions stand under the number.
 * @param {import("./state.js").Call} call
 * @returns {Promise<string|undefined>}
 */
async function commonNumber(call) {
  if (!call.common_number) return undefined;
  const find = () => commons.get(call.tenant)?.find((c) => c.name === call.common_number)?.number;
  if (!find()) commons.set(call.tenant, (await api.tenant(call.tenant)).common_numbers);
  return find();
}
