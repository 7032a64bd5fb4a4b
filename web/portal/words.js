// Who answers and until when, as people say it.

import { addDays, wall, weekday } from "./time.js";
import { language, t } from "./texts.js";
import { serverNow } from "./state.js";

const locale = () => (language() === "sv" ? "sv-SE" : "en-GB");

/** @param {string} date @param {Intl.DateTimeFormatOptions} how */
function written(date, how) {
  return new Date(date + "T12:00:00Z").toLocaleDateString(locale(), { timeZone: "UTC", ...how });
}

/** @param {number} i 0 for Monday @returns {string} */
export function dayName(i) {
  const name = written(addDays("2026-11-30", i), { weekday: "long" });
  return name[0].toUpperCase() + name.slice(1);
}

/** @param {string} date @returns {string} tisdag 1 december; with the year where that is another */
export function longDay(date) {
  const year = date.slice(0, 4) !== wall(serverNow()).date.slice(0, 4);
  return written(date, { weekday: "long", day: "numeric", month: "long", ...(year ? { year: "numeric" } : {}) }).replace(",", "");
}

/** @param {string} time 08:00 @returns {string} as it stands in a span of time: 08.00 */
export function span(time) {
  return language() === "sv" ? time.replaceAll(":", ".") : time;
}

/** @param {string} time @param {string} [midnight] what it is called beside a day @returns {string} kl. 08.00 */
function clock(time, midnight = "midnight") {
  return time === "24:00" ? t(midnight) : t("clock", { time: span(time) });
}

/** Midnight belongs to the day that it ends. @param {number} at @returns {{date: string, time: string}} */
function read(at) {
  const shown = wall(at);
  return shown.time === "00:00" ? { date: addDays(shown.date, -1), time: "24:00" } : shown;
}

/**
 * @param {string} instant
 * @returns {string} the time, with the day where that is another: "kl. 17.00", "i morgon kl. 08.00", "måndag kl. 08.00"
 */
export function until(instant) {
  const { date, time } = read(Date.parse(instant));
  const today = wall(serverNow()).date;
  if (date === today) return clock(time);
  if (date === addDays(today, 1)) return t("day_tomorrow", { time: clock(time, "at_midnight") });
  const soon = date > today && date < addDays(today, 7);
  return t("day_at", { day: soon ? written(date, { weekday: "long" }) : longDay(date), time: clock(time, "at_midnight") });
}

/** @param {number} at @returns {string} "tisdag 1 december kl. 08.00", "i dag kl. 17.00" */
export function fully(at) {
  const { date, time } = read(at);
  return date === wall(serverNow()).date ? t("day_today", { time: clock(time, "at_midnight") }) : t("day_at", { day: longDay(date), time: clock(time, "at_midnight") });
}

/** @param {number|null} at null: no end @returns {string} "Borta till tisdag 1 december kl. 08.00." */
export function awayUntil(at) {
  if (at === null) return t("away_further");
  const { date, time } = read(at);
  return date === wall(serverNow()).date ? t("away_today", { time: clock(time) }) : t("away_until", { until: fully(at) });
}

/** @param {string} turn @param {boolean} [ownToo] @returns {string} the end of a text's key */
const who = (turn, ownToo) => (turn === "service" && ownToo ? "too" : turn);

/**
 * Who answers at this instant, where what the server told has come about since. What comes after that is not known until it tells it.
 * @template {import("./state.js").Now} T
 * @param {T} s
 * @returns {T}
 */
export function atOnce(s) {
  const over = s.until && s.next && Date.parse(s.until) <= serverNow();
  return over ? { ...s, turn: s.next, until: undefined, next: undefined } : s;
}

/** @param {import("./state.js").Now & {own_too?: boolean}} s @returns {string} "Ni svarar själva till kl. 17.00" */
export function nowText(s) {
  const key = "now_" + who(s.turn, s.own_too);
  return s.until ? t(key + "_until", { until: until(s.until) }) : t(key);
}

/** @param {import("./state.js").Now & {own_too?: boolean}} s @returns {string} "Därefter svarar vi åt er." */
export function thenText(s) {
  return s.next ? t("then_" + who(s.next, s.own_too)) : "";
}

/** @param {string[]} words @returns {string} "A, B och C" */
export function joined(words) {
  return new Intl.ListFormat(locale(), { type: "conjunction" }).format(words);
}
