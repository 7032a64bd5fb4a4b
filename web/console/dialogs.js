// What is asked or shown above the desk, one at a time.

import { agentDialog, callDialog, giveDialog, noteDialog } from "./supervise.js";
import { closeDialog } from "./actions.js";
import { fieldKeys, keys } from "./keys.js";
import { button, keyName } from "../assets/parts.js";
import { h } from "../assets/dom.js";
import { state } from "./state.js";
import { stateDialog } from "./head.js";
import { t } from "./texts.js";

function help() {
  return [
    h("h2", { id: "dialog-title" }, t("keys")),
    h("dl.keys", null, [...keys, ...fieldKeys].map((k) => h("div", { key: k.key }, h("dt", null, h("kbd", null, keyName(k.key))), h("dd", null, t(k.text))))),
    h("p.hint", null, t("keys_hint")),
    button(t("close"), closeDialog, { key: "Escape" }),
  ];
}

/** @type {Object<string, () => any>} */
const kinds = { help, state: stateDialog, call: callDialog, give: giveDialog, agent: agentDialog, note: noteDialog };

export function dialog() {
  const d = state.dialog;
  if (!d) return null;
  return h("dialog", { key: "dialog-" + d.kind + (d.id || ""), "aria-labelledby": "dialog-title", "data-dialog": d.kind,
    oncancel: (/** @type {Event} */ ev) => { ev.preventDefault(); closeDialog(); } }, kinds[d.kind]());
}

/** @type {Element|null} who had the focus before */
let before = null;
let shown = "";

/** Shows the dialog that was drawn, and gives the focus back when it is gone. */
export function settle() {
  const el = document.querySelector("dialog");
  const now = el ? state.dialog?.kind + (state.dialog?.id || "") : "";
  if (el && !el.open) {
    if (!shown) before = document.activeElement;
    el.showModal();
  } else if (!el && shown && before instanceof HTMLElement && before.isConnected) {
    before.focus();
  }
  shown = now;
}
