// Who answers now, and why.

import { h } from "../assets/dom.js";
import { nowText } from "./words.js";
import { phone } from "../assets/format.js";
import { state } from "./state.js";
import { t } from "./texts.js";

export function nowView() {
  const s = state.service;
  if (!s) return h("section.card.now", { key: "now" }, h("p.big", { role: "status" }, t(state.lost ? "lost_first" : "loading")));
  return h("section.card.now", { key: "now", "aria-labelledby": "now-title", "data-turn": s.turn },
    h("h2", { id: "now-title" }, t("now")),
    h("p.big", { role: "status", id: "now" }, nowText(s)),
    h("p.then", { hidden: !s.next }, s.next ? t("then_" + s.next) : ""),
    h("p.why", null, s.has_own || s.mode === "always" ? t("mode_" + s.mode) : t("no_own"), s.pool_hours && " " + t("our_hours")),
    s.common_numbers.length > 0 && h("div.numbers", { key: "numbers" },
      h("h3", null, t("other_numbers")),
      h("ul", null, s.common_numbers.map((c) => h("li", { key: c.number, "data-turn": c.turn },
        h("span.name", null, c.name, h("span.note", null, phone(c.number))),
        h("strong", null, nowText(c)))))));
}
