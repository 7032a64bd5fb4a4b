// Opening hours: what holds on a date, and the week as a table.

import { addDays, wall, weekday, weekdays } from "./time.js";
import { dayName, longDay, span } from "./words.js";
import { h } from "../assets/dom.js";
import { language, t } from "./texts.js";
import { serverNow, state } from "./state.js";

/**
 * @param {string[]|null|undefined} list
 * @returns {Array<[string, string]>} from and to, in order; those that touch are one
 */
function windows(list) {
  /** @type {Array<[string, string]>} */
  const open = [];
  for (const w of [...(list || [])].sort()) {
    const [from, to] = w.split("-");
    const last = open.at(-1);
    if (last?.[1] === from) last[1] = to;
    else open.push([from, to]);
  }
  return open;
}

/**
 * When it is open on a date, and why that differs from the week.
 * @param {import("./state.js").Hours} hours
 * @param {string} date
 * @returns {{open: Array<[string, string]>, why: string, differs: boolean}}
 */
export function on(hours, date) {
  const holiday = state.service?.holidays.find((one) => one.date === date);
  const name = holiday ? holiday[language() === "sv" ? "swedish" : "english"] : "";
  const day = hours.days?.find((one) => one.date === date);
  if (day) return { open: windows(day.windows), why: day.note || name, differs: true };
  if (holiday) return { open: windows(hours.week?.holidays), why: name, differs: Boolean(hours.week) };
  return { open: windows(hours.week?.[weekdays[weekday(date)]]), why: "", differs: false };
}

/** For how many days ahead the server tells holidays. */
export const ahead = 30;

/** @param {Array<[string, string]>} open @param {string} none what is said where it is not open @returns {any} */
function openText(open, none) {
  if (!open.length) return h("span.shut", null, none);
  const breaks = open.slice(1).map((w, i) => t("line_break", { from: span(open[i][1]), to: span(w[0]) }));
  return [h("span.open", null, open.map((w) => h("span", null, `${span(w[0])}–${span(w[1])}`))), breaks.length > 0 && h("span.note", null, breaks.join(", "))];
}

/** @param {import("./state.js").Service} s @returns {import("./state.js").Hours|undefined} the hours outside which the service does not answer */
export function ourHours(s) {
  return s.closed === "answer" ? undefined : s.pool_hours;
}

export function hoursView() {
  const s = state.service;
  if (!s) return null;
  const { hours } = s;
  const pool = ourHours(s);
  return h("section.card.hours", { key: "hours", "aria-labelledby": "hours-title" },
    h("h2", { id: "hours-title" }, t("hours")),
    hours || pool ? [weekTable(hours, pool), exceptions(hours, pool)] : h("p.nothing", null, t("always_open")));
}

/** @param {import("./state.js").Hours|undefined} hours @param {import("./state.js").Hours|undefined} pool */
function weekTable(hours, pool) {
  const today = wall(serverNow()).date;
  const week = [...weekdays, "holidays"];
  const here = [hours, pool].some((h) => h && on(h, today).differs) ? -1 : weekday(today);
  return h("table.week", { class: pool ? "both" : "" },
    pool && h("thead", null, h("tr", null, h("th", { scope: "col" }, t("day")), h("th", { scope: "col" }, t("open")), h("th", { scope: "col" }, t("we_answer")))),
    h("tbody", null, week.map((day, i) => h("tr", { key: day, class: i === here ? "today" : "", "aria-current": i === here ? "date" : null },
      h("th", { scope: "row" }, i < 7 ? dayName(i) : t("holidays"), i === here && h("span.mark", null, t("today"))),
      h("td", null, hours?.week ? openText(windows(hours.week[day]), t("closed")) : hours ? openText([], t("closed")) : t("always")),
      pool && h("td", { "data-of": t("we_answer") }, pool.week ? openText(windows(pool.week[day]), t("not_here")) : openText([], t("not_here")))))));
}

/** @param {import("./state.js").Hours|undefined} hours @param {import("./state.js").Hours|undefined} pool */
function exceptions(hours, pool) {
  const today = wall(serverNow()).date;
  const days = Array.from({ length: ahead + 1 }, (_, n) => addDays(today, n))
    .map((date) => ({ date, open: hours && on(hours, date), here: pool && on(pool, date) }))
    .filter((d) => d.open?.differs || d.here?.differs);
  return h("div.exceptions", { key: "exceptions" },
    h("h3", null, t(days.length ? "exceptions" : "no_exceptions")),
    h("ul", null, days.map(({ date, open, here }) => {
      const why = open?.why || here?.why;
      return h("li", { key: date, class: date === today ? "today" : "", "aria-current": date === today ? "date" : null },
        h("span.name", null, longDay(date), date === today && h("span.mark", null, t("today")), why && h("span.note", null, why)),
        h("span.at", null, open ? openText(open.open, t("closed")) : t("always"),
          here?.differs && h("span.note", null, t("we_answer"), ": ", openText(here.open, t("not_here")))));
    })));
}
