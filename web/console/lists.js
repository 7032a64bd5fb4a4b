// What goes on around her call: who waits, who is parked, who wants to be called back, colleagues, and notes.

import { agentName, current, since, state, serverNow, tenantName } from "./state.js";
import { button } from "../assets/parts.js";
import { nothing, section, stateWord, trouble } from "./parts.js";
import { clock, when } from "./format.js";
import { phone } from "../assets/format.js";
import { h } from "../assets/dom.js";
import { openDialog, pickUp } from "./actions.js";
import { ready } from "./idle.js";
import { t } from "./texts.js";

export function lines() {
  const all = [...(state.live?.queues || [])].sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
  return section("lines", t("lines"), state.live?.waiting || 0,
    all.length ? h("ul.rows", null, all.map((q) => h("li", { key: q.tenant },
      h("span.name", null, tenantName(q.tenant)),
      h("span.number", null, t("n_waiting", { n: q.waiting })),
      h("span.time", { class: since(q.since) > 60_000 ? "late" : "" }, clock(since(q.since)))))) : nothing(t("nobody_waits")));
}

export function parked() {
  const all = state.live?.parked || [];
  const free = ready() && !state.asking.has("pickup");
  return section("parked", t("parked"), all.length,
    all.length ? h("ul.rows", null, all.map((p) => h("li", { key: String(p.slot) },
      h("span.slot", null, h("span.unseen", null, t("slot")), p.slot),
      h("span.name", null, tenantName(p.tenant), h("span.note", null, `${phone(p.caller)} · ${agentName(p.agent)}`)),
      h("span.time", null, clock(since(p.since))),
      state.session?.works && button(t("pick_up"), () => pickUp(p), { off: !free, name: "pickup", key: all.length === 1 ? "Shift+F7" : undefined })))) : nothing(t("nobody_parked")),
    all.length > 1 && h("p.hint", null, t("pick_up_hint")),
    trouble("parked"));
}

export function wishes() {
  const all = state.live?.wishes || [];
  const later = (/** @type {any} */ w) => (w.after && Date.parse(w.after) > serverNow() ? t("again_at", { time: when(w.after, serverNow()) }) : "");
  return section("wishes", t("wishes"), all.length,
    all.length ? h("ul.rows", null, all.map((w) => h("li", { key: w.id },
      h("span.name", null, tenantName(w.tenant), h("span.note", null, [phone(w.number), w.tries && t("tries", { n: w.tries }), later(w)].filter(Boolean).join(" · "))),
      h("span.time", null, when(w.left, serverNow())),
      state.session?.supervises && button(t("give"), () => openDialog("give", w.id), { name: "give" })))) : nothing(t("no_wishes")));
}

/** The order in which colleagues stand: who can take a call comes first. */
const order = ["available", "ringing", "reserved", "talking", "wrap_up", "paused", "offline"];

export function colleagues() {
  const mine = state.session?.agent?.id;
  const all = (state.live?.agents || []).filter((a) => a.id !== mine)
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.name || a.id).localeCompare(b.name || b.id, "sv"));
  const free = all.filter((a) => a.state === "available").length;
  return section("colleagues", t("colleagues"), all.length ? t("n_free", { n: free }) : "",
    all.length ? h("ul.rows", null, all.map((a) => h("li", { key: a.id, "data-state": a.state, "data-agent": a.id },
      h("span.dot", { "aria-hidden": "true" }),
      h("span.name", null, a.name || a.id, h("span.note", null, [a.extension, a.misses ? t("misses", { n: a.misses }) : ""].filter(Boolean).join(" · "))),
      h("span.word", null, stateWord(a)),
      h("span.time", null, clock(since(a.since))),
      state.session?.supervises && button(t("steer"), () => openDialog("agent", a.id), { name: "steer", off: !current() })))) : nothing(t("no_colleagues")));
}

export function notes() {
  const all = [...(state.live?.notes || [])].reverse();
  const of = (/** @type {any} */ n) => [n.by.replace(/^(token|agent):/, ""), when(n.at, serverNow()), n.agents?.map(agentName).join(", ")];
  return section("notes", t("notes"), all.length,
    h("div", { "aria-live": "polite" },
      all.length ? h("ul.notes", null, all.map((n) => h("li", { key: n.id },
        h("p", null, n.text),
        h("span.note", null, of(n).filter(Boolean).join(" · "))))) : nothing(t("no_notes"))),
    state.session?.supervises && button(t("write_note"), () => openDialog("note"), { name: "note", off: !current() }));
}
