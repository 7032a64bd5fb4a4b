// Who is at the desk, and leaving the page, which changes nothing in the switchboard.

import { elsewhereView, signInView, signOut, whoIsHere } from "../assets/signin.js";
import { Problem } from "../assets/api.js";
import { changed } from "../assets/watch.js";
import { explain } from "./errors.js";
import { follow, leave } from "./stream.js";
import { me, state } from "./state.js";
import { t } from "./texts.js";

/** Finds out who is signed in. */
export async function enter() {
  state.session = await whoIsHere();
  if (state.session) state.farewell = "";
  if (state.session && !elsewhere()) follow();
  changed();
}

/** @returns {boolean} the token has a page, but not this one */
export function elsewhere() {
  const s = state.session;
  return Boolean(s && !s.works && !s.supervises && s.portal.length);
}

/** Leaves the page. Where she still takes calls, she is told so. */
export async function out() {
  const stays = Boolean(me()?.logged_in);
  try {
    await signOut();
  } catch (err) {
    if (!(err instanceof Problem)) throw err;
    state.problem = { area: "state", text: explain(err) };
    return changed();
  }
  leave(stays ? "still_logged_in" : "signed_out");
}

/** What is shown to who has no desk. */
export function door() {
  if (!elsewhere()) return signInView(state.farewell && t(state.farewell), () => void enter());
  return elsewhereView(t("for_portal"), { href: "/portal/", text: t("to_portal") }, () => void out(), state.problem?.text || "");
}
