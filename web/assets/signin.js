// Signing in to a page with a token, and leaving it. What is said of the token is each page's own: title, token_help, token_command, token_other.

import { Problem, sessions } from "./api.js";
import { button } from "./parts.js";
import { changed } from "./watch.js";
import { explainBy } from "./errors.js";
import { h } from "./dom.js";
import { language, speak, t } from "./texts.js";

/** The windows of one browser share its cookie, whichever page they show: who comes or leaves in one does so in all. */
const others = new BroadcastChannel("telefonist");
others.onmessage = () => location.reload();

const form = { token: "", text: "", asks: false, broken: false };

/** @returns {Promise<any>} the session of whoever is signed in; null where nobody is, or it could not be found out */
export async function whoIsHere() {
  form.broken = false;
  try {
    return await sessions.now();
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    form.broken = err.status !== 401;
    form.text = form.broken ? refusal(err) : "";
    return null;
  }
}

/** @param {Problem} err */
function refusal(err) {
  return explainBy(err, [], { 401: "token_wrong", 403: "token_other", 422: "token_wrong" });
}

async function signIn() {
  if (form.asks) return;
  form.text = form.token.trim() ? "" : t("token_empty");
  if (form.text) return changed();
  form.asks = true;
  changed();
  try {
    await sessions.begin(form.token.trim());
    others.postMessage("in");
    location.reload(); // nothing is left of whoever was here before
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    form.text = refusal(err);
    form.asks = false;
    changed();
  }
}

/** Ends the session in all windows. It throws a Problem where the server could not be told. */
export async function signOut() {
  try {
    await sessions.end();
  } catch (err) {
    if (!(err instanceof Problem) || err.status !== 401) throw err;
  }
  others.postMessage("out");
}

/** The button that changes the language. */
export function languageButton() {
  return button(t("other_language"), () => { speak(language() === "sv" ? "en" : "sv"); changed(); }, { name: "language" });
}

/**
 * @param {string} farewell what is said to who was here just now
 * @param {() => void} again finds out anew who is here
 */
export function signInView(farewell, again) {
  return h("main.signin", { key: "signin" },
    h("form.card", { onsubmit: (/** @type {Event} */ ev) => { ev.preventDefault(); void signIn(); } },
      h("h1", null, t("title")),
      farewell && h("p.farewell", { role: "status", id: "farewell" }, farewell),
      h("label", { for: "token" }, t("token")),
      h("input", { id: "token", name: "token", type: "password", autocomplete: "current-password", spellcheck: "false", value: form.token, "aria-describedby": "token-help signin-error",
        "aria-invalid": form.text ? "true" : null, oninput: (/** @type {any} */ ev) => { form.token = ev.target.value; } }),
      h("p.trouble", { role: "alert", id: "signin-error", hidden: !form.text }, form.text),
      h("button.primary", { type: "submit", "aria-disabled": form.asks ? "true" : null, "data-do": "signin" }, h("span", null, form.asks ? t("signing_in") : t("sign_in"))),
      form.broken && button(t("retry"), again, { name: "retry" }),
      h("div.hint", { id: "token-help" },
        h("p", null, t("token_help")),
        h("code", null, t("token_command"))),
      h("p.tools", null, languageButton())));
}

/**
 * For who is signed in, but not for this page.
 * @param {string} text
 * @param {{href: string, text: string}|null} there the page that is hers
 * @param {() => void} leave
 * @param {string} trouble what went wrong when she left
 */
export function elsewhereView(text, there, leave, trouble) {
  return h("main.signin", { key: "elsewhere" },
    h("section.card", { "aria-label": t("title") },
      h("h1", null, t("title")),
      h("p", { role: "status" }, text),
      there && h("p", null, h("a.way", { href: there.href }, there.text)),
      h("p.trouble", { role: "alert", hidden: !trouble }, trouble),
      h("p.tools", null, button(t("sign_out"), leave, { name: "signout" }), languageButton())));
}
