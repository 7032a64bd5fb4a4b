// What she sees between calls: how she is, and calling out.

import { button } from "../assets/parts.js";
import { stateWord, trouble } from "./parts.js";
import { current, me, state } from "./state.js";
import { h } from "../assets/dom.js";
import { canSetState, nextState, once } from "./actions.js";
import { api } from "./api.js";
import { t } from "./texts.js";
import { Whom } from "./whom.js";

/** In whose name she calls out. */
let tenant = "";

/** @returns {string} */
function caller() {
  const all = state.session?.tenants || [];
  return all.some((one) => one.id === tenant) ? tenant : all[0]?.id || "";
}

/** @returns {boolean} she can take a call, or make one */
export function ready() {
  const mine = me();
  return Boolean(current() && mine?.logged_in && mine.phone && !mine.call);
}

/** Whom she calls. */
export const dial = new Whom("dial", {
  area: "dial",
  about: caller,
  tenant: () => caller() || undefined,
  can: () => ready() && caller() !== "",
  choose: (to) => {
    const id = state.session?.agent?.id;
    return id ? once("dial", "dial", () => api.dial(id, caller(), to)) : Promise.resolve(undefined);
  },
});

export function idle() {
  const mine = me();
  if (!mine) return [h("p.big", { key: "idle" }, t(state.live ? "not_known" : "loading"))];
  return [
    h("div.resting", { key: "idle", "data-state": mine.state },
      h("p.big", null, stateWord(mine)),
      h("p.advice", null, advice(mine)),
      way(mine)),
    state.done && performance.now() < state.done.until && h("p.done", { key: "done", role: "status" }, t(state.done.key, state.done.values)),
    callOut(),
  ];
}

/** @param {import("./state.js").Agent} mine @returns {string} what to do, or what is going to happen */
function advice(mine) {
  if (!mine.phone) return t("no_phone_advice", { extension: state.session?.agent?.extension || "" });
  if (!mine.logged_in) return t("logged_out_advice");
  if (mine.state === "paused") return t(mine.reason === "missed calls" ? "missed_advice" : "paused_advice");
  const waiting = state.live?.waiting || 0;
  return waiting ? t("line_waits", { n: waiting }) : t("line_empty");
}

/** @param {import("./state.js").Agent} mine @returns {any} the next thing to do about her state, where there is one */
function way(mine) {
  const off = !canSetState(mine.id);
  if (!mine.logged_in) return button(t("log_in"), nextState, { key: "F9", kind: "primary huge", off, name: "login" });
  if (mine.state === "paused") return button(t("resume_work"), nextState, { key: "F9", kind: "primary huge", off, name: "available" });
  if (mine.state === "wrap_up") return button(t("ready"), nextState, { key: "F9", kind: "primary huge", off, name: "available" });
  return null;
}

function callOut() {
  const tenants = state.session?.tenants || [];
  if (!tenants.length) return null;
  return h("div.callout", { key: "callout" },
    h("h2", null, t("call_out")),
    h("label", { for: "dial-tenant" }, t("in_whose_name")),
    h("select", { id: "dial-tenant", value: caller(), onchange: (/** @type {any} */ ev) => { tenant = ev.target.value; dial.type(dial.text); } },
      tenants.map((one) => h("option", { key: one.id, value: one.id }, one.name))),
    dial.view(t("call_whom"), ["call"], button(t("a_call"), () => dial.choose("call"), {
      key: "Enter", name: "call", off: !ready() || !dial.text.trim() || state.asking.has("dial"), kind: dial.text.trim() ? "primary" : "" })),
    trouble("dial"));
}
