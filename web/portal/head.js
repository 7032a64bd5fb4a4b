// The frame that every page of the portal stands in: whose it is, and the way out.

import { button } from "../assets/parts.js";
import { changed } from "../assets/watch.js";
import { elsewhereView, languageButton, signInView, signOut, whoIsHere } from "../assets/signin.js";
import { explainBy } from "../assets/errors.js";
import { follow, leave } from "./follow.js";
import { h } from "../assets/dom.js";
import { phone } from "../assets/format.js";
import { Problem } from "../assets/api.js";
import { none, state, tenant } from "./state.js";
import { t } from "./texts.js";

/** Finds out who is signed in. */
export async function enter() {
  state.session = await whoIsHere();
  if (state.session) state.farewell = "";
  if (state.session) follow();
  changed();
}

async function out() {
  try {
    await signOut();
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    state.trouble = explainBy(err);
    return changed();
  }
  leave("signed_out");
}

/** What is shown to who has no company here. */
export function door() {
  const s = state.session;
  if (!s) return signInView(state.farewell && t(state.farewell), () => void enter());
  const desk = s.works || s.supervises;
  return elsewhereView(t(desk ? "for_console" : "for_nobody"), desk ? { href: "/console/", text: t("to_console") } : null, () => void out(), state.trouble);
}

/** @param {...any} content of the page */
export function frame(...content) {
  const one = tenant();
  const all = state.session?.portal || [];
  return [
    h("header.top", { key: "top" },
      h("div.whose", null,
        h("p.site", null, t("title")),
        h("h1", null, one?.name || ""),
        h("p.number", null, phone(one?.number))),
      h("nav.tools", { "aria-label": t("page") },
        all.length > 1 && h("select", { key: "company", "aria-label": t("company"), value: one?.id, onchange: (/** @type {any} */ ev) => go(ev.target.value) },
          all.map((c) => h("option", { key: c.id, value: c.id }, c.name))),
        state.session?.works && h("a.way", { key: "console", href: "/console/" }, t("to_console")),
        languageButton(),
        button(t("sign_out"), () => void out(), { name: "signout" })),
      h("p.trouble", { role: "alert", key: "trouble", hidden: !state.trouble }, state.trouble)),
    h("main.page", { key: "page" }, content),
  ];
}

/** @param {string} id of the company to look at */
function go(id) {
  if (state.asking) return changed();
  Object.assign(state, { chosen: id, service: null, problem: "", until: none() });
  follow();
  changed();
}
