// Small pieces that every part of the desk is made of.

import { h } from "../assets/dom.js";
import { state } from "./state.js";
import { t } from "./texts.js";

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
