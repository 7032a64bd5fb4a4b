// The keyboard. Keys that type are never taken from a field, and none that browsers keep for themselves is used.

import { actOwn, callActions, can, closeDialog, nextState, openDialog, pickUp } from "./actions.js";
import { rings } from "./call.js";
import { myCall, state } from "./state.js";
import { stateChoices } from "./head.js";

/**
 * Every key of the desk beside those of a field, with what it says in the help.
 * @type {Array<{key: string, text: string, press: () => any}>}
 */
export const keys = [
  { key: "F2", text: "k_answer", press: () => (rings() ? actOwn("answer") : document.getElementById("whom")?.focus()) },
  ...callActions.filter((a) => !["resume", "take_back"].includes(a.id)).map((a) => ({ key: a.key, text: "k_" + a.id, press: () => press(a.id) })),
  { key: "Escape", text: "k_take_back", press: () => can(myCall(), "take_back") && actOwn("take_back") },
  { key: "Shift+F7", text: "k_pick_up", press: () => pickUp() },
  { key: "Shift+F2", text: "k_call", press: () => document.getElementById("dial")?.focus() },
  { key: "F9", text: "k_state", press: nextState },
  { key: "Shift+F9", text: "k_states", press: () => state.session?.agent && openDialog("state") },
  { key: "F6", text: "k_pane", press: () => pane(1) },
  { key: "Shift+F6", text: "k_pane_back", press: () => pane(-1) },
  { key: "F1", text: "k_help", press: () => openDialog("help") },
];

/** @param {string} action */
function press(action) {
  const call = myCall();
  return actOwn(action === "hold" && !can(call, "hold") ? "resume" : action);
}

/** What may hold the focus. */
const stops = "button:not([aria-disabled=true]), input, select, textarea, a[href]";

/** Goes to the next part of the desk. @param {number} step */
function pane(step) {
  const all = [...document.querySelectorAll("[data-pane]")].filter((p) => p.querySelector(stops));
  const at = all.findIndex((p) => p.contains(document.activeElement));
  const to = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length];
  /** @type {HTMLElement|null|undefined} */ (to?.querySelector(stops))?.focus();
}

/** In a list the arrows go from row to row. @param {KeyboardEvent} ev */
function row(ev) {
  const here = document.activeElement;
  const list = here?.closest(".rows, .choices, .actions");
  if (!list || !(here instanceof HTMLButtonElement)) return;
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(stops)]);
  const step = ev.key === "ArrowDown" ? 1 : -1;
  all[(all.indexOf(here) + step + all.length) % all.length]?.focus();
  ev.preventDefault();
}

/** @param {EventTarget|null} target */
function types(target) {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}

/** @param {KeyboardEvent} ev */
function pressed(ev) {
  if (ev.key.length === 1 || ev.key === "Backspace") state.typedAt = performance.now();
  if (!state.session || ev.ctrlKey || ev.altKey || ev.metaKey || ev.isComposing) return;
  const name = (ev.shiftKey && /^F\d/.test(ev.key) ? "Shift+" : "") + ev.key;
  const known = keys.find((k) => k.key === name);
  if (known && name !== "Escape") ev.preventDefault();
  if (ev.repeat) return;
  if (state.dialog) return inDialog(ev, name);
  if (known) known.press();
  else if (ev.key === "?" && !types(ev.target)) openDialog("help");
  else if (ev.key === "ArrowDown" || ev.key === "ArrowUp") row(ev);
}

/** While something is asked for in a dialog, only a call that rings can be answered beside it. @param {KeyboardEvent} ev @param {string} name */
function inDialog(ev, name) {
  const choice = state.dialog?.kind === "state" && stateChoices().find((c) => c.key === ev.key);
  if (choice) choice.press();
  else if (name === "F1" && state.dialog?.kind === "help") closeDialog();
  else if (name === "F2" && rings()) {
    closeDialog();
    void actOwn("answer");
  } else if (ev.key === "ArrowDown" || ev.key === "ArrowUp") row(ev);
}

/** What the keys of the field do, for the help. */
export const fieldKeys = [
  { key: "Enter", text: "k_connect" }, { key: "Shift+Enter", text: "k_announce" }, { key: "ArrowDown", text: "k_arrows" },
];

export function listen() {
  document.addEventListener("keydown", pressed);
}

