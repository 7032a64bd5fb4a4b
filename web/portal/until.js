// Until when they may say that they are away: the choices that make sense now.

import { addDays, instant, wall } from "./time.js";
import { on } from "./hours.js";
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
  const closing = nextClosing(now, today);
  const opening = nextOpening(closing ? wall(closing - 1).date : today);
  const all = [
    { id: "hour", at: Math.ceil((now + 60 * minute) / minute) * minute },
    closing && { id: wall(closing - 1).date === today ? "closing" : "next_closing", at: closing },
    opening ? { id: "opening", at: opening } : { id: "morning", at: instant(addDays(today, 1), "08:00") },
    { id: "chosen", at: state.until.date && state.until.time ? instant(state.until.date, state.until.time) : NaN },
    { id: "further", at: null },
  ];
  return /** @type {Choice[]} */ (all.filter(Boolean));
}

/** For how many days ahead the server tells holidays. */
const ahead = 30;

/**
 * @param {number} now
 * @param {string} today
 * @returns {number} when they shut for the day, today or on the next day on which they open; 0 where they never do
 */
function nextClosing(now, today) {
  const hours = state.service?.hours;
  for (let n = 0; hours && n <= ahead; n++) {
    const date = addDays(today, n);
    const last = on(hours, date).open.at(-1);
    const goesOn = last?.[1] === "24:00" && on(hours, addDays(date, 1)).open[0]?.[0] === "00:00";
    const at = last && !goesOn ? instant(date, last[1]) : 0;
    if (at > now) return at;
  }
  return 0;
}

/** @param {string} day @returns {number} when they open on the first day after this on which they do; 0 where they always are, or never */
function nextOpening(day) {
  const hours = state.service?.hours;
  for (let n = 1; hours && n <= ahead; n++) {
    const date = addDays(day, n);
    const first = on(hours, date).open[0];
    const goesOn = first?.[0] === "00:00" && on(hours, addDays(date, -1)).open.at(-1)?.[1] === "24:00";
    if (first && !goesOn) return instant(date, first[0]);
  }
  return 0;
}

/** Chooses what most will want, and fills in the fields of a day and a time of their own. */
export function begin() {
  const all = choices();
  const back = all.find((c) => c.id === "opening" || c.id === "morning");
  const first = all.find((c) => c.id.endsWith("closing")) || back;
  Object.assign(state.until, { id: first?.id || "further", ...wall(back?.at || serverNow()) });
}

/** @returns {Choice|undefined} what is chosen; undefined where that is no longer to be had */
export function chosen() {
  return choices().find((c) => c.id === state.until.id);
}

/** @param {Choice|undefined} c @returns {string} what is wrong with it: a key of a text; empty where it can be asked for */
export function wrong(c) {
  if (!c) return "choose";
  if (c.at === null) return "";
  if (Number.isNaN(c.at)) return "choose_time";
  if (c.at <= serverNow()) return "time_past";
  return c.at - serverNow() > longest ? "time_far" : "";
}
