// Her call: whose it is, how it is answered, what it does, how long it has taken, and what can be done about it.

import { actOwn, callActions, can, settled } from "./actions.js";
import { agentName, current, me, myCall, since, state, tenantName } from "./state.js";
import { button } from "../assets/parts.js";
import { trouble } from "./parts.js";
import { clock, span } from "./format.js";
import { phone } from "../assets/format.js";
import { h } from "../assets/dom.js";
import { idle } from "./idle.js";
import { phrase } from "./phrase.js";
import { presence, Whom } from "./whom.js";
import { t } from "./texts.js";

/** Whom the caller wants to reach. */
export const whom = new Whom("whom", {
  area: "whom",
  about: () => myCall()?.id,
  tenant: () => myCall()?.tenant,
  caller: () => myCall()?.caller,
  colleagues: true,
  can: (how) => settled() && can(myCall(), how),
  choose: (to, how) => actOwn(how, { to }),
});

/** @returns {boolean} her phone rings for this call, or for a colleague's that she is asked about */
export function rings() {
  return me()?.state === "ringing";
}

/** @param {import("./state.js").Call} call @returns {boolean} it is a colleague's, who has called her about it */
function asked(call) {
  return call.phase !== "offering" && call.agent !== state.session?.agent?.id;
}

/** The whole of it, or what she sees between calls. */
export function callView() {
  const call = myCall();
  const content = call ? inHand(call) : me()?.call ? [h("p.big", { key: "unknown" }, t("call_unseen"))] : idle();
  return h("section.card.call", { key: "call", id: "call", "aria-label": t("her_call"), "data-pane": true, "data-phase": call?.phase || "none",
    class: call ? mark(call) : "" }, content);
}

/** @param {import("./state.js").Call} call */
function inHand(call) {
  const ringing = rings();
  return [
    h("header.call-head", { key: "head" },
      h("div", null,
        h("p.tenant", null, tenantName(call.tenant), call.common_number && h("span.common", null, call.common_number)),
        h("p.caller", null, direction(call))),
      handling(call)),
    recallBanner(call),
    say(call),
    h("p.doing", { key: "doing" }, doing(call, ringing)),
    ringing ? answering(call) : talking(call),
    trouble("call"),
  ];
}

/** @param {import("./state.js").Call} call */
function direction(call) {
  const key = { out: "call_to", callback: "call_back_to" }[call.kind || ""] || "call_from";
  return t(key, { number: phone(call.caller) });
}

/** @param {import("./state.js").Call} call */
function say(call) {
  const { say: text, failed } = phrase();
  if (call.kind === "out") return null;
  if (asked(call)) return h("p.phrase", { key: "phrase" }, t("asked_by", { name: agentName(call.agent) }));
  return h("div", { key: "phrase" }, h("p.phrase", { id: "phrase" }, text || tenantName(call.tenant)), failed && !text && h("p.nothing", null, t("phrase_failed")));
}

/**
 * @param {import("./state.js").Call} call
 * @param {boolean} ringing
 * @returns {string} what the call does, in words
 */
function doing(call, ringing) {
  if (ringing) return t("ph_ringing");
  if (asked(call)) return t("ph_asked", { name: agentName(call.agent) });
  if (call.held) return t(call.may?.includes("resume") ? "ph_held" : "ph_held_phone");
  if (call.phase === "consulting") {
    if (call.target?.state !== "talking") return t("ph_target_rings", { whom: target(call) });
    return call.on === "caller" ? t("ph_on_caller", { whom: target(call) }) : t("ph_on_target", { whom: target(call) });
  }
  return t("ph_" + call.phase, { whom: target(call) });
}

/** @param {import("./state.js").Call} call @returns {string} who is being reached */
export function target(call) {
  const to = call.target;
  return to ? (to.agent ? agentName(to.agent) : phone(to.number)) : "";
}

/** @param {import("./state.js").Call} call @returns {number} ms of handling so far */
function handled(call) {
  return (call.handling_ms || 0) + (call.handling ? since(state.live?.at || "") : 0);
}

/** @param {import("./state.js").Call} call @returns {"" | "warned" | "over" | "long"} the highest mark that is behind */
export function mark(call) {
  const ms = handled(call);
  const marks = call.marks || {};
  if (marks.long_ms && ms > marks.long_ms) return "long";
  if (marks.over_ms && ms > marks.over_ms) return "over";
  return marks.warn_ms && ms >= marks.warn_ms ? "warned" : "";
}

/** @param {import("./state.js").Call} call */
export function handling(call) {
  if (!call.handling && !call.handling_ms) return null;
  const ms = handled(call);
  const marks = call.marks || {};
  const passed = mark(call);
  const behind = passed && { warned: marks.warn_ms, over: marks.over_ms, long: marks.long_ms }[passed];
  const end = marks.over_ms;
  return h("div.handling", { class: passed, role: "timer", "aria-label": t("handling") },
    h("span.clock", null, clock(ms)),
    end && h("span.bar", { "aria-hidden": "true" }, h("span.fill", { width: Math.min(100, (100 * ms) / end) + "%" })),
    (behind || end) && h("span.mark", null, behind ? t("mark_passed", { time: span(behind) }) : t("mark_ahead", { time: span(end || 0) })));
}

/** @param {import("./state.js").Call} call */
function recallBanner(call) {
  const r = call.recall;
  if (!r) return null;
  const person = r.target?.name || (r.agent ? agentName(r.agent) : r.number && phone(r.number));
  const reason = t("r_" + r.reason);
  return h("div.recall", { key: "recall", role: "alert" },
    h("strong", null, person ? t("recall", { whom: person, reason }) : t("recall_plain", { reason })),
    h("span", null, recallState(r)));
}

/** @param {any} r @returns {string} how whoever did not answer is now */
function recallState(r) {
  if (r.target?.agent_state) return t("recall_now", { now: t("s_" + r.target.agent_state) });
  const now = presence(r.target?.presence || {});
  return now ? t("recall_now", { now }) : r.target ? t("recall_here") : "";
}

/** A phone that was told to answer, or cannot be told, is answered by hand. @param {import("./state.js").Call} call */
function answering(call) {
  const answer = { key: "F2", kind: "primary huge", off: !can(call, "answer"), name: "answer" };
  return h("div.actions.answering", { key: "answering" },
    call.may?.includes("answer") ? button(t("a_answer"), () => actOwn("answer"), answer) : h("p.big", { key: "by-phone" }, t("answer_by_phone")),
    button(t("a_decline"), () => actOwn("end"), { key: "F10", off: !settled() || !can(call, "end"), name: "end" }));
}

/** @param {import("./state.js").Call} call */
function talking(call) {
  const held = (call.may || []).includes("resume");
  const shown = callActions.filter((a) => a.id !== (held ? "hold" : "resume"));
  return [
    h("div.connect", { key: "connect", hidden: !["connect", "announce"].some((how) => call.may?.includes(how)) },
      whom.view(t("whom"), ["connect", "announce"], [connect(call, "connect", "Enter"), connect(call, "announce", "Shift+Enter")]), trouble("whom")),
    h("div.actions", { key: "actions" }, shown.map((a) =>
      button(t("a_" + a.id), () => actOwn(a.id), { key: a.key, as: a.id === "resume" ? "hold" : a.id, off: !settled() || !can(call, a.id), name: a.id, kind: a.id === next(call) ? "primary" : "" }))),
  ];
}

/** @param {import("./state.js").Call} call @param {string} how @param {string} key */
function connect(call, how, key) {
  return button(t("a_" + how), () => whom.choose(how), {
    key, name: how, off: !settled() || !can(call, how) || !whom.text.trim(), kind: how === "connect" && whom.text.trim() ? "primary" : "" });
}

/** @param {import("./state.js").Call} call @returns {string} the action that is the obvious one */
function next(call) {
  if (call.held) return "resume";
  if (call.phase === "consulting" || call.phase === "conference") return call.target?.state === "talking" ? "complete" : "take_back";
  return call.phase === "connecting" ? "take_back" : "";
}

/** What a screen reader is told when the call in view changes, and the title of the window. */
export function headline() {
  const call = myCall();
  if (!call) return "";
  return `${doing(call, rings())}: ${tenantName(call.tenant)}`;
}

/** How long no key must have been pressed before the focus goes elsewhere by itself: what she types must not end up in another field. */
const pause = 800;
/** @type {number|undefined} */
let later;

/** Where the keys go when she has somebody on the line, unless she is typing. */
export function focusWhom() {
  const field = document.getElementById("whom");
  const at = document.activeElement;
  const elsewhere = at !== field && (at instanceof HTMLTextAreaElement || (at instanceof HTMLInputElement && at.value !== ""));
  const quiet = performance.now() - state.typedAt;
  clearTimeout(later);
  if (!field || elsewhere || state.dialog || !current()) return;
  if (quiet < pause) later = setTimeout(focusWhom, pause - quiet);
  else field.focus();
}
