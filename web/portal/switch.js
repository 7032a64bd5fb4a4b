// The switch: "we are away", until when, and "we are back".

import { api } from "./api.js";
import { awayUntil, fully, joined } from "./words.js";
import { begin, choices, chosen, pick, wrong } from "./until.js";
import { button } from "../assets/parts.js";
import { changed } from "../assets/watch.js";
import { explainBy } from "../assets/errors.js";
import { follow, leave, stop } from "./follow.js";
import { h } from "../assets/dom.js";
import { Problem } from "../assets/api.js";
import { addDays, wall } from "./time.js";
import { none, serverNow, state, take, tenant } from "./state.js";
import { t } from "./texts.js";

/** @type {Object<number, string>} what a refusal means here */
const refusals = { 0: "e_unsure", 403: "e_right", 404: "e_gone", 422: "e_time", 502: "e_unsure", 504: "e_unsure" };

/**
 * Sets the switch, once at a time.
 * @param {{away: boolean, until?: string}} to
 */
async function set(to) {
  const one = tenant();
  if (!one || state.asking) return;
  stop(); // what is under way tells of before
  Object.assign(state, { asking: true, problem: "" });
  changed();
  try {
    take(await api.setService(one.id, to));
    state.until = none();
    state.asking = false;
    changed();
    queueMicrotask(() => document.getElementById("switch-title")?.focus());
  } catch (err) {
    state.asking = false;
    if (!(err instanceof Problem)) throw err;
    if (err.status === 401) return leave("session_over");
    state.problem = explainBy(err, [], refusals);
    changed();
  }
  follow();
}

export function switchView() {
  const s = state.service;
  const one = tenant();
  if (!s || !one) return null;
  if (!s.switch_matters) return nothing(s);
  return h("section.card.switch", { key: "switch", id: "switch", "aria-labelledby": "switch-title", "aria-busy": state.asking ? "true" : null, "data-away": s.away ? "yes" : "no" },
    h("h2", { id: "switch-title", tabindex: "-1" }, t(s.away ? "gone" : "here")),
    s.away && facts(s),
    one.may_switch ? (s.away ? backOrLater(s) : [h("p.why", { key: "help" }, t("here_help")), form(s, "we_are_away")]) : h("p.may-not", { key: "may-not" }, t("may_not")),
    h("p.trouble", { role: "alert", key: "trouble", id: "switch-trouble", hidden: !state.problem }, state.problem));
}

/** The switch would change nothing: there is none. @param {import("./state.js").Service} s */
function nothing(s) {
  return h("section.card.switch", { key: "switch", id: "switch", "aria-labelledby": "switch-title" },
    h("h2", { id: "switch-title" }, t("no_switch")),
    h("p.why", null, t(!s.has_own ? "no_own" : [s, ...s.common_numbers].some((one) => one.own_too) ? "no_switch_too" : "no_switch_always")));
}

/** @param {import("./state.js").Service} s since when, until when, and who has said so */
function facts(s) {
  const way = s.switch.by?.name === "cli" ? "cli" : s.switch.by?.way;
  const by = way ? t("way_" + way) : "";
  const who = s.switched_by && by ? t("by_way", { name: s.switched_by, way: by }) : s.switched_by || by;
  const rows = [s.switch.until ? ["until", fully(Date.parse(s.switch.until))] : ["until_switched", t("somebody")],
    ["since", s.switch.at ? fully(Date.parse(s.switch.at)) : ""], ["by", who]];
  return h("dl.facts", { key: "facts" }, rows.filter(([, text]) => text).map(([name, text]) => h("div", { key: name, "data-fact": name }, h("dt", null, t(name)), h("dd", null, text))));
}

/** @param {import("./state.js").Rules & import("./state.js").Now} one */
const differs = (one) => one.otherwise.turn !== one.turn;

/** @param {import("./state.js").Service} s @returns {any} what becomes of the next call where the switch is set */
function effect(s) {
  const others = s.common_numbers.filter(differs);
  const key = differs(s) ? s.otherwise.turn : others.length ? "some" : "same";
  if (s.away) return t("back_" + key, { numbers: names(others) });
  const shut = others.filter((c) => c.otherwise.turn === "closed");
  if (key === "closed") return warning(t("effect_closed"), s);
  const rest = others.filter((c) => c.otherwise.turn !== "closed");
  return [key === "some" ? rest.length > 0 && t("effect_some", { numbers: names(rest) }) : t("effect_" + key),
    shut.length > 0 && [" ", warning(t("effect_some_closed", { numbers: names(shut) }), shut[0])]];
}

/** @param {string} text @param {import("./state.js").Rules} rules that say what callers meet where nobody answers */
function warning(text, rules) {
  return h("span.warn", null, text, " ", t("shut_" + rules.closed));
}

/** @param {import("./state.js").Common[]} numbers */
function names(numbers) {
  const shown = numbers.length > 4 ? 3 : numbers.length;
  const rest = numbers.length - shown;
  return joined([...numbers.slice(0, shown).map((c) => c.name), ...(rest ? [t("more_numbers", { n: rest })] : [])]);
}

/** @param {import("./state.js").Service} s */
function backOrLater(s) {
  const changes = state.until.changes;
  return h("div.back", { key: "back" },
    h("p.why", { key: "effect" }, effect(s)),
    button(t(state.asking && !changes ? "asking" : "we_are_back"), () => void set({ away: false }), { name: "back", kind: "primary huge", off: state.asking }),
    changes && form(s, "change_do"),
    button(t(changes ? "change_not" : "change"), () => { begin(); state.until.changes = !changes; state.problem = ""; changed(); }, { name: "change", off: state.asking }));
}

/**
 * The choice of until, said as a sentence before it is asked for.
 * @param {import("./state.js").Service} s
 * @param {string} does what the button says
 */
function form(s, does) {
  if (!state.until.id) begin();
  const choice = chosen();
  const bad = wrong(choice);
  const off = state.asking || bad !== "";
  const at = choice ? choice.at : null;
  const ask = () => off || void set(at === null ? { away: true } : { away: true, until: new Date(at).toISOString() });
  return h("form.until", { key: "until", novalidate: true, onsubmit: (/** @type {Event} */ ev) => { ev.preventDefault(); ask(); } },
    h("fieldset", null, h("legend", null, t("how_long")), choices().map(option)),
    state.until.id === "chosen" && ownTime(),
    h("p.sentence", { key: "sentence", id: "sentence", "aria-live": "polite" },
      bad ? h("strong", null, t(bad)) : [h("strong", null, awayUntil(at)), !s.away && [effect(s), " "], t(at === null ? "ends_by_hand" : "ends_itself")]),
    h("button.primary.huge", { type: "submit", key: "go", "data-do": "away", "aria-disabled": off ? "true" : null, "aria-describedby": "sentence" }, h("span", null, t(state.asking ? "asking" : does))));
}

/** @param {import("./until.js").Choice} c */
function option(c) {
  const picked = chosen()?.id === c.id;
  const detail = c.at === null ? t("no_end") : c.id === "chosen" ? "" : fully(c.at);
  return h("label.option", { key: c.id, for: "until-" + c.id, class: picked ? "picked" : "" },
    h("input", { type: "radio", name: "until", id: "until-" + c.id, checked: picked,
      onchange: () => { pick(c); state.problem = ""; changed(); } }),
    h("span.name", null, t("until_" + c.id)), h("span.at", null, detail));
}

function ownTime() {
  const today = wall(serverNow()).date;
  const field = (/** @type {"date"|"time"} */ name, /** @type {Object} */ more) => h("div", { key: name },
    h("label", { for: "until-" + name }, t(name)),
    h("input", { id: "until-" + name, type: name, required: true, value: state.until[name], ...more, oninput: (/** @type {any} */ ev) => { state.until[name] = ev.target.value; state.problem = ""; changed(); } }));
  return h("div.own-time", { key: "own-time" }, field("date", { min: today, max: addDays(today, 365) }), field("time", {}));
}
