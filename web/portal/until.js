// Until when they may say that they are away: the choices that make sense now.

import { addDays, instant, wall } from "./time.js";
import { ahead, on } from "./hours.js";
import { serverNow, state } from "./state.js";

/**
 * @typedef {Object} Choice
 * @property {string} id
 * @property {number|null} at null where there is no end, NaN where none is chosen yet
 */

const minute = 60e3;

/** For how long somebody may be away, as the server has it. */
export const longest = 366 * 24 * 60 * minute;

/** @returns {Choice[]} */
export function choices() {
  const now = serverNow();
  const today = wall(now).date;
  const all = stretches(addDays(today, -1)); // one that began yesterday may not have ended
  const shuts = all.find((s) => s.to > now)?.to || Infinity;
  const closing = shuts < Infinity && shuts;
  const opening = all.find((s) => s.from >= shuts)?.from;
  const list = [
    { id: "hour", at: Math.ceil((now + 60 * minute) / minute) * minute },
    closing && { id: wall(closing - 1).date === today ? "closing" : "next_closing", at: closing },
    opening ? { id: "opening", at: opening } : { id: "morning", at: instant(addDays(today, 1), "08:00") },
    { id: "chosen", at: state.until.date && state.until.time ? instant(state.until.date, state.until.time) : NaN },
    { id: "further", at: null },
  ];
  return /** @type {Choice[]} */ (list.filter(Boolean));
}

/**
 * From the first opening of a day to the last closing, with breaks between; what is open over midnight belongs to the day on which it began.
 * @param {string} first date
 * @returns {Array<{from: number, to: number}>} in order; none where they are always open, or never
 */
function stretches(first) {
  const hours = state.service?.hours;
  const list = [];
  for (let n = 0; hours && n <= ahead; n++) {
    const date = addDays(first, n);
    const open = on(hours, date).open;
    const begins = open[goesOn(hours, date) ? 1 : 0]?.[0];
    if (begins) list.push({ from: instant(date, begins), to: lastClosing(hours, date) });
  }
  return list;
}

/** @param {import("./state.js").Hours} hours @param {string} date @returns {boolean} they are open over the midnight at which it begins */
function goesOn(hours, date) {
  return on(hours, date).open[0]?.[0] === "00:00" && on(hours, addDays(date, -1)).open.at(-1)?.[1] === "24:00";
}

/** @param {import("./state.js").Hours} hours @param {string} date on which they open @returns {number} when they shut for the day; Infinity where they do not */
function lastClosing(hours, date) {
  let ends = on(hours, date).open.at(-1)?.[1] || "";
  for (let n = 0; n <= ahead; n++) {
    const next = addDays(date, 1);
    if (ends !== "24:00" || !goesOn(hours, next)) return instant(date, ends);
    [date, ends] = [next, on(hours, next).open[0][1]];
  }
  return Infinity;
}

/** Chooses what most will want, and fills in the fields of a day and a time of their own. */
export function begin() {
  const all = choices();
  const back = all.find((c) => c.id === "opening" || c.id === "morning");
  const first = all.find((c) => c.id.endsWith("closing")) || back;
  pick(first || { id: "further", at: null });
  Object.assign(state.until, wall(back?.at || serverNow()));
}

/** @param {Choice} c */
export function pick(c) {
  Object.assign(state.until, { id: c.id, at: c.at });
}

/** Choices whose time may become another while they are chosen. */
const moving = new Set(["hour", "chosen"]);

/** @returns {Choice|undefined} what is chosen; undefined where that is no longer to be had, or has come to mean another time */
export function chosen() {
  return choices().find((c) => c.id === state.until.id && (moving.has(c.id) || c.at === state.until.at));
}

/** @param {Choice|undefined} c @returns {string} what is wrong with it: a key of a text; empty where it can be asked for */
export function wrong(c) {
  if (!c) return "choose";
  if (c.at === null) return "";
  if (Number.isNaN(c.at)) return "choose_time";
  if (c.at <= serverNow()) return "time_past";
  return c.at - serverNow() > longest ? "time_far" : "";
}
