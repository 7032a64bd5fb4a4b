// Small pieces that every part of the desk is made of.

import { h } from "./dom.js";
import { state } from "./state.js";
import { t } from "./texts.js";

/**
 * How a key is written on its button.
 * @param {string} key
 * @returns {string}
 */
export function keyName(key) {
  return key.split("+").map((part) => ({ Shift: "⇧", Escape: "Esc", Enter: "⏎", ArrowDown: "↓" }[part] || part)).join("");
}

/**
 * A button. One that cannot be used now keeps the focus that it has, so that keys still reach the page.
 * @param {string} label
 * @param {() => any} press
 * @param {{off?: boolean, key?: string, kind?: string, name?: string, as?: string}} [more]
 *   as is the name of whose element it takes over. No other becomes another under a finger that is on it
 */
export function button(label, press, more = {}) {
  return h("button", {
    key: more.as || more.name,
    type: "button",
    class: more.kind,
    "data-do": more.name,
    "aria-disabled": more.off ? "true" : null,
    "aria-keyshortcuts": more.key || null,
    onclick: () => more.off || press(),
  }, h("span", null, label), more.key && h("kbd", { "aria-hidden": "true" }, keyName(more.key)));
}

/**
 * What was refused in a part of the page, where it was asked for.
 * @param {string} area
 */
export function trouble(area) {
  return h("p.trouble", { role: "alert", key: "trouble-" + area, hidden: state.problem?.area !== area },
    state.problem?.area === area ? state.problem.text : "");
}

/**
 * One part of the desk.
 * @param {string} id
 * @param {string} title
 * @param {string|number} count shown beside the title, empty for none
 * @param {...any} content
 */
export function section(id, title, count, ...content) {
  return h("section.card", { key: id, id, "aria-labelledby": id + "-title", "data-pane": true },
    h("h2", { id: id + "-title" }, title, count !== "" && count !== 0 && h("span.count", null, count)),
    content);
}

/**
 * @param {string} text
 */
export function nothing(text) {
  return h("p.nothing", null, text);
}

/** The word for an agent's state. */
export function stateWord(/** @type {import("./state.js").Agent} */ a) {
  if (a.state === "offline" && a.logged_in && !a.phone) return t("s_no_phone");
  const word = t("s_" + a.state);
  if (!a.reason || a.state === "offline") return word;
  const pause = a.logged_in ? `${t("s_paused")}: ${t("p_" + a.reason.replace(" ", "_"))}` : t("s_offline");
  return a.state === "paused" ? pause : t("s_then", { now: word, then: pause.toLowerCase() });
}
