// Signing in with a token, and leaving the page, which changes nothing in the switchboard.

import { api, Problem } from "./api.js";
import { changed, me, state } from "./state.js";
import { explain } from "./errors.js";
import { follow, leave } from "./stream.js";
import { h } from "./dom.js";
import { button } from "./parts.js";
import { language, speak, t } from "./texts.js";

/** The windows of one browser share its cookie: who comes or leaves in one does so in all. */
const others = new BroadcastChannel("telefonist");
others.onmessage = () => location.reload();

const form = { token: "", text: "", asks: false, broken: false };

/** Finds out who is signed in. */
export async function enter() {
  form.broken = false;
  try {
    state.session = await api.session();
    state.farewell = "";
    follow();
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    state.session = null;
    form.broken = err.status !== 401;
    form.text = form.broken ? explain(err) : "";
  }
  changed();
}

async function signIn() {
  if (form.asks) return;
  form.text = form.token.trim() ? "" : t("token_empty");
  if (form.text) return changed();
  form.asks = true;
  changed();
  try {
    await api.signIn(form.token.trim());
    others.postMessage("in");
    location.reload(); // nothing is left of whoever was here before
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    form.text = err.status === 401 ? t("token_wrong") : err.status === 403 ? t("token_other") : err.status === 422 ? t("token_wrong") : explain(err);
    form.asks = false;
    changed();
  }
}

/** Leaves the page. Where she still takes calls, she is told so. */
export async function signOut() {
  const stays = Boolean(me()?.logged_in);
  try {
    await api.signOut();
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    if (err.status !== 401) {
      state.problem = { area: "state", text: explain(err) };
      return changed();
    }
  }
  others.postMessage("out");
  leave(stays ? "still_logged_in" : "signed_out");
}

export function signInView() {
  return h("main.signin", { key: "signin" },
    h("form.card", { onsubmit: (/** @type {Event} */ ev) => { ev.preventDefault(); void signIn(); } },
      h("h1", null, t("desk")),
      state.farewell && h("p.farewell", { role: "status", id: "farewell" }, t(state.farewell)),
      h("label", { for: "token" }, t("token")),
      h("input", { id: "token", name: "token", type: "password", autocomplete: "current-password", spellcheck: "false", value: form.token, "aria-describedby": "token-help signin-error",
        "aria-invalid": form.text ? "true" : null, oninput: (/** @type {any} */ ev) => { form.token = ev.target.value; } }),
      h("p.trouble", { role: "alert", id: "signin-error", hidden: !form.text }, form.text),
      h("button.primary", { type: "submit", "aria-disabled": form.asks ? "true" : null, "data-do": "signin" }, h("span", null, form.asks ? t("signing_in") : t("sign_in"))),
      form.broken && button(t("retry"), () => void enter(), { name: "retry" }),
      h("div.hint", { id: "token-help" },
        h("p", null, t("token_help")),
        h("code", null, t("token_command"))),
      h("p.tools", null, button(t("other_language"), () => { speak(language() === "sv" ? "en" : "sv"); changed(); }, { name: "language" }))));
}
