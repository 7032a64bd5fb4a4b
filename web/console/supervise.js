// What a supervisor does: with any call, with who waits, with receptionists, and a note to the consoles.

import { act, can, canSetState, closeDialog, once, openDialog } from "./actions.js";
import { agentName, callOf, current, onPause, since, state, tenantName } from "./state.js";
import { changed } from "../assets/watch.js";
import { button } from "../assets/parts.js";
import { nothing, section, stateWord, trouble } from "./parts.js";
import { clock } from "./format.js";
import { phone } from "../assets/format.js";
import { handling, mark, target } from "./call.js";
import { api } from "./api.js";
import { h } from "../assets/dom.js";
import { t } from "./texts.js";
import { Whom } from "./whom.js";

/** What is typed in the dialogs. */
const draft = { note: "", to: "", agent: "", call: "" };

/** Whom a call is sent to. People are found where the token may read the tenant's directory. */
const sendTo = new Whom("send-to", {
  area: "dialog",
  about: () => state.dialog?.id,
  tenant: () => callOf(state.dialog?.id || "")?.tenant,
  searches: () => Boolean(state.session?.works),
  colleagues: true,
  can: (how) => can(callOf(state.dialog?.id || ""), how),
  choose: (to, how) => act(callOf(state.dialog?.id || ""), how, { to }, true),
});

/** What can be done with any call, but for what needs to know whom; whose phone it is answers it. */
const plain = ["hold", "resume", "swap", "join", "complete", "take_back", "park", "hand_back", "end"];
const grants = [30, 60, 120];

/** Every live call, those in line in the order of service. */
export function allCalls() {
  const all = [...(state.live?.calls || [])].sort((a, b) => (a.place || 1e9) - (b.place || 1e9) || Date.parse(a.arrived) - Date.parse(b.arrived));
  return section("calls", t("calls"), all.length,
    all.length ? h("ul.rows", null, all.map((c) => h("li", { key: c.id, "data-call": c.id, class: mark(c) },
      h("span.slot", null, c.place && h("span.unseen", null, t("place")), c.place),
      h("span.name", null, tenantName(c.tenant), h("span.note", null, [phone(c.caller), c.common_number, agentName(c.agent)].filter(Boolean).join(" · "))),
      h("span.word", null, t("ph_" + c.phase, { whom: target(c) })),
      h("span.time", null, clock(since(c.arrived))),
      button(t("steer"), () => openDialog("call", c.id), { name: "steer", off: !current() })))) : nothing(t("no_calls")));
}

/** What the field is for: which call, and by which ways. What was typed for another must not be sent by these. */
let purpose = "";

export function callDialog() {
  const c = callOf(state.dialog?.id || "");
  if (!c) return [h("h2", { id: "dialog-title" }, t("call_over")), button(t("close"), closeDialog, { key: "Escape" })];
  const ways = ["connect", "announce", "divert"].filter((how) => (c.may || []).includes(how));
  const off = (/** @type {string} */ a) => !can(c, a);
  if (purpose !== c.id + ways) sendTo.reset();
  purpose = c.id + ways;
  return [
    h("h2", { id: "dialog-title" }, `${tenantName(c.tenant)} · ${phone(c.caller)}`),
    h("p", null, [t("ph_" + c.phase, { whom: target(c) }), agentName(c.agent)].filter(Boolean).join(" · ")),
    c.waiting ? waiting(c) : handling(c),
    ways.length > 0 && h("div", { key: "send" }, sendTo.view(t("send_to"), ways, ways.map((how, i) =>
      button(t("a_" + how), () => sendTo.choose(how), { name: how, key: ["Enter", "Shift+Enter"][i], off: off(how) || !sendTo.text.trim() })))),
    !c.waiting && h("div.actions", { key: "grants" }, grants.map((s) =>
      button(t("grant", { n: s }), () => act(c, "grant", { grant_seconds: s }, true), { name: "grant-" + s, off: off("grant") }))),
    h("div.actions", { key: "actions" }, plain.filter((a) => a !== (c.may?.includes("resume") ? "hold" : "resume")).map((a) =>
      button(t(a === "end" ? "end_call" : "a_" + a), () => act(c, a, {}, true), { name: a, as: a === "resume" ? "hold" : a, off: off(a) }))),
    trouble("dialog"),
    button(t("close"), closeDialog, { key: "Escape" }),
  ];
}

/** @param {import("./state.js").Call} c */
function waiting(c) {
  const place = c.place || 1;
  const move = (/** @type {number} */ to) => once("move:" + c.id, "dialog", () => api.move(c.id, to));
  const off = !current() || state.asking.has("move:" + c.id);
  return h("div.groups", { key: "waiting" },
    h("p", null, t("stands_at", { n: place, time: clock(since(c.arrived)) })),
    h("div.actions", null,
      button(t("move_first"), () => move(1), { name: "first", off: off || place <= 1 }),
      button(t("move_up"), () => move(place - 1), { name: "up", off: off || place <= 1 }),
      button(t("move_down"), () => move(place + 1), { name: "down", off: off || place >= (state.live?.waiting || 0) })),
    giveTo(c.id));
}

/** Whom it goes to is only ever who was chosen, and while she is free. @param {string} call a waiting one, or a wish */
function giveTo(call) {
  if (draft.call !== call) Object.assign(draft, { call, agent: "" });
  const chosen = draft.agent;
  const free = (state.live?.agents || []).filter((a) => a.state === "available");
  const there = free.some((a) => a.id === chosen);
  const give = async () => { if (await once("take:" + call, "dialog", () => api.take(call, chosen))) closeDialog(); };
  return h("div.give", { key: "give" },
    h("label", { for: "give-agent" }, t("give_to")),
    h("div.whom-row", null,
      h("select", { id: "give-agent", value: chosen, onchange: (/** @type {any} */ ev) => { draft.agent = ev.target.value; changed(); } },
        h("option", { key: "", value: "" }, t("choose")),
        free.map((a) => h("option", { key: a.id, value: a.id }, a.name || a.id)),
        chosen && !there && h("option", { key: chosen, value: chosen }, agentName(chosen))),
      button(t("give"), give, { name: "take", off: !there || !current() || state.asking.has("take:" + call), kind: "primary" })),
    chosen && !there ? h("p.nothing", { role: "status" }, t("no_longer_free", { name: agentName(chosen) })) : !free.length && nothing(t("nobody_free")));
}

/** A call-back wish is given to somebody. */
export function giveDialog() {
  const wish = state.live?.wishes.find((w) => w.id === state.dialog?.id);
  return [
    h("h2", { id: "dialog-title" }, wish ? `${tenantName(wish.tenant)} · ${phone(wish.number)}` : t("call_over")),
    wish && giveTo(wish.id), trouble("dialog"), button(t("close"), closeDialog, { key: "Escape" }),
  ];
}

export function agentDialog() {
  const a = state.live?.agents.find((one) => one.id === state.dialog?.id);
  if (!a) return [h("h2", { id: "dialog-title" }, t("not_known")), button(t("close"), closeDialog, { key: "Escape" })];
  const off = !canSetState(a.id);
  const to = (/** @type {string} */ s, /** @type {string} */ reason) => once("state:" + a.id, "dialog", () => api.setState(a.id, reason ? { state: s, reason } : { state: s }));
  return [
    h("h2", { id: "dialog-title" }, a.name || a.id),
    h("p", { "data-state": a.state }, `${stateWord(a)} · ${clock(since(a.since))}`),
    h("p", null, t(a.phone ? "phone_there" : "phone_gone")),
    h("div.actions", null,
      button(a.logged_in ? t("resume_work") : t("log_in"), () => to("available", ""), { name: "available", off: off || (a.logged_in && !onPause(a) && a.state !== "wrap_up") }),
      (state.session?.pauses || []).map((p) => button(`${t("pause")}: ${t("p_" + p)}`, () => to("paused", p), { name: "pause-" + p, off })),
      button(t("log_out"), () => to("logged_out", ""), { name: "logout", off: off || !a.logged_in }),
      button(t("free"), () => once("free:" + a.id, "dialog", () => api.free(a.id)), { name: "free", off: !current() || !a.call || state.asking.has("free:" + a.id) })),
    h("p.hint", null, t("free_hint")),
    trouble("dialog"), button(t("close"), closeDialog, { key: "Escape" }),
  ];
}

export function noteDialog() {
  const send = async () => {
    if (draft.note.trim() && (await once("note", "dialog", () => api.note(draft.note.trim(), draft.to ? [draft.to] : [])))) {
      draft.note = "";
      closeDialog();
    }
  };
  return [
    h("h2", { id: "dialog-title" }, t("write_note")),
    h("label", { for: "note-text" }, t("note_text")),
    h("textarea", { id: "note-text", maxlength: "250", rows: "3", value: draft.note, oninput: (/** @type {any} */ ev) => { draft.note = ev.target.value; changed(); } }),
    h("label", { for: "note-to" }, t("note_to")),
    h("select", { id: "note-to", value: draft.to, onchange: (/** @type {any} */ ev) => { draft.to = ev.target.value; } },
      h("option", { value: "" }, t("everybody")), (state.live?.agents || []).map((a) => h("option", { key: a.id, value: a.id }, a.name || a.id))),
    h("p.hint", null, t("note_hint")),
    h("div.actions", null, button(t("send"), send, { name: "send-note", kind: "primary", off: !draft.note.trim() || !current() || state.asking.has("note") }),
      button(t("close"), closeDialog, { key: "Escape" })),
    trouble("dialog"),
  ];
}
