// Small pieces that every page is made of.

import { h } from "./dom.js";

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
