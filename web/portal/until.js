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
  const hour = Math.ceil((now + 60 * minute) / minute) * minute;
  const closing = closingToday(now);
  const opening = nextOpening(now);
  const all = [
    { id: "hour", at: hour },
    closing > now && { id: "closing", at: closing },
    opening ? { id: "opening", at: opening } : { id: "morning", at: instant(addDays(wall(now).date, 1), "08:00") },
    { id: "chosen", at: state.until.date && state.until.time ? instant(state.until.date, state.until.time) : NaN },
    { id: "further", at: null },
  ];
  return /** @type {Choice[]} */ (all.filter(Boolean));
}

/** @param {number} now @returns {number} when they shut for the day; 0 where they do not */
function closingToday(now) {
  const hours = state.service?.hours;
  const today = wall(now).date;
  const last = hours && on(hours, today).open.at(-1);
  if (!hours || !last) return 0;
  const goesOn = last[1] === "24:00" && on(hours, addDays(today, 1)).open[0]?.[0] === "00:00";
  return goesOn ? 0 : instant(today, last[1]);
}

/** @param {number} now @returns {number} when they open on the next day on which they do; 0 where that is none */
function nextOpening(now) {
  const hours = state.service?.hours;
  if (!hours) return 0;
  const today = wall(now).date;
  for (let n = 1; n <= 30; n++) {
    const date = addDays(today, n);
    const first = on(hours, date).open[0];
    const goesOn = first?.[0] === "00:00" && on(hours, addDays(date, -1)).open.at(-1)?.[1] === "24:00";
    if (first && !goesOn) return instant(date, first[0]);
  }
  return 0;
}

/** Chooses what most will want, and fills in the fields of a day and a time of their own. */
export function begin() {
  const all = choices();
  const first = all.find((c) => c.id === "closing") || all.find((c) => c.id === "opening" || c.id === "morning");
  const { date, time } = wall(all.find((c) => c.id === "opening" || c.id === "morning")?.at || serverNow());
  Object.assign(state.until, { id: first?.id || "further", date, time });
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
