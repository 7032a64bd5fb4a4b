// The clock on the wall in Stockholm, wherever the browser is. A date is "2026-12-01", a time "08:00", an instant ms since 1970.

import { zone } from "../assets/format.js";

const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }); // 2026-12-01 08:00:00

/**
 * @param {number} at
 * @returns {{date: string, time: string}} what the wall shows
 */
export function wall(at) {
  const [date, time] = parts.format(at).split(" ");
  return { date, time: time.slice(0, 5) };
}

/** @param {number} at @returns {number} what the wall shows, as if it were UTC */
function face(at) {
  return Date.parse(parts.format(at).replace(" ", "T") + "Z");
}

/**
 * The instant at which the wall shows a time. One that is skipped in spring is as long after the change; of the hour that comes twice in autumn it
 * is the first, as the server has it.
 * @param {string} date
 * @param {string} time to the minute or the second; 24:00 is the end of the day
 * @returns {number} NaN where that is no time
 */
export function instant(date, time) {
  const shown = Date.parse(`${date}T${time.length === 5 ? time + ":00" : time}Z`);
  if (Number.isNaN(shown)) return NaN;
  const near = shown - (face(shown) - shown);
  const at = shown - (face(near) - near);
  return face(at - 3600e3) === face(at) ? at - 3600e3 : at;
}

/** @param {string} date @param {number} n @returns {string} the date n days later */
export function addDays(date, n) {
  return new Date(Date.parse(date + "T12:00:00Z") + n * 864e5).toISOString().slice(0, 10);
}

/** The weekdays as the server names them. */
export const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** @param {string} date @returns {number} 0 on Mondays */
export function weekday(date) {
  return (new Date(date + "T12:00:00Z").getUTCDay() + 6) % 7;
}
