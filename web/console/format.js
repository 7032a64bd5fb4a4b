// How times and numbers are written.

import { language, t } from "./texts.js";
import { zone } from "../assets/format.js";

/**
 * @param {number} ms
 * @returns {string} 0:07, 1:02:03
 */
export function clock(ms) {
  const s = Math.floor(ms / 1000);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return hours ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/**
 * @param {number} ms
 * @returns {string} how long, in words: 45 s, 2 min
 */
export function span(ms) {
  const s = Math.round(ms / 1000);
  return s >= 60 && s % 60 === 0 ? t("minutes", { n: s / 60 }) : t("seconds", { n: s });
}

/**
 * @param {string} instant
 * @param {number} now
 * @returns {string} the time, with the day where that is another
 */
export function when(instant, now) {
  const at = new Date(instant);
  const locale = language() === "sv" ? "sv-SE" : "en-GB";
  const day = (/** @type {Date} */ d) => d.toLocaleDateString("sv-SE", { timeZone: zone });
  const time = at.toLocaleTimeString(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  if (day(at) === day(new Date(now))) return time;
  return at.toLocaleDateString(locale, { timeZone: zone, weekday: "short", day: "numeric", month: "short" }) + " " + time;
}

/**
 * @param {string} text
 * @returns {boolean} it is a number as one dials it
 */
export function dialable(text) {
  return /^\+?[\d\s()/.-]{2,}$/.test(text) && /\d{2}|\d\D+\d/.test(text);
}
