// Who answers now, and why.

import { atOnce, fully, nowText, thenText } from "./words.js";
import { h } from "../assets/dom.js";
import { ourHours } from "./hours.js";
import { phone } from "../assets/format.js";
import { stale, state } from "./state.js";
import { t } from "./texts.js";

export function nowView() {
  const s = state.service && atOnce(state.service);
  if (!s) return h("section.card.now", { key: "now" }, h("p.big", { role: "status" }, t(state.lost ? "lost_first" : "loading")));
  const mode = s.own_too ? "mode_too" : s.has_own || s.mode === "always" ? "mode_" + s.mode : "no_own";
  return h("section.card.now", { key: "now", "aria-labelledby": "now-title", "data-turn": s.turn },
    h("h2", { id: "now-title" }, t("now")),
    h("p.big", { role: "status", id: "now" }, nowText(s)),
    h("p.then", { hidden: !s.next }, thenText(s)),
    h("p.stale", { role: "status", hidden: !stale() }, stale() ? t(state.lost ? "lost" : "old", { time: fully(Date.parse(s.at)) }) : ""),
    h("p.why", null, [t(mode), ourHours(s) && t("our_hours"), s.closed === "answer" && s.hours && s.mode !== "closed_hours" && t("closed_answer")].filter(Boolean).join(" ")));
}

/** Those numbers whose calls are answered otherwise. There may be hundreds: they come last. */
export function numbersView() {
  const all = (state.service?.common_numbers || []).map(atOnce);
  return all.length > 0 && h("section.card.numbers", { key: "numbers", "aria-labelledby": "numbers-title" },
    h("h2", { id: "numbers-title" }, t("other_numbers")),
    h("ul", null, all.map((c) => h("li", { key: c.number, "data-turn": c.turn },
      h("span.name", null, c.name, h("span.note", null, phone(c.number))),
      h("strong", null, nowText(c))))));
}
