// The head of the page: who she is, how she is, and what to do about it; and what the whole desk must know.

import { button } from "../assets/parts.js";
import { stateWord, trouble } from "./parts.js";
import { canSetState, closeDialog, nextState, openDialog, setMyState } from "./actions.js";
import { me, onPause, since, state } from "./state.js";
import { clock, span } from "./format.js";
import { follow } from "./stream.js";
import { h } from "../assets/dom.js";
import { t } from "./texts.js";
import { languageButton } from "../assets/signin.js";
import { out } from "./signin.js";

export function head() {
  const s = state.session;
  const mine = me();
  return h("header.head", { key: "head" },
    h("div.who", null,
      h("h1", null, s?.agent?.name || s?.name || ""),
      s?.agent ? h("span.ext", null, t("extension", { extension: s.agent.extension })) : s?.supervises && h("span.ext", null, t("supervisor"))),
    mine && h("div.me", null,
      h("p.state", { "data-state": mine.state },
        h("strong", { role: "status" }, stateWord(mine)), h("span.since", null, clock(since(mine.since)))),
      h("p.phone", { "data-phone": mine.phone ? "yes" : "no" }, t(mine.phone ? "phone_there" : "phone_gone")),
      stateButton(mine)),
    h("nav.tools", { "aria-label": t("page") },
      Boolean(s?.portal.length) && h("a.way", { href: "/portal/" }, t("to_portal")),
      languageButton(),
      button(t("help"), () => openDialog("help"), { key: "F1", name: "help" }),
      button(t("sign_out"), () => void out(), { name: "signout" })),
    trouble("state"));
}

/** @param {import("./state.js").Agent} mine */
function stateButton(mine) {
  const off = !canSetState(mine.id);
  const label = !mine.logged_in ? t("log_in") : onPause(mine) ? t("resume_work") : t(mine.state === "wrap_up" ? "ready" : "pause");
  const more = onPause(mine) && button(t("log_out"), () => setMyState("logged_out"), { off, name: "logout" });
  return h("span.buttons", null, button(label, nextState, { key: "F9", off, name: "state" }), more);
}

/** The choice of a pause, or to log out: each by its digit. */
export function stateDialog() {
  return h("div.choices", null,
    h("h2", { id: "dialog-title" }, t("choose_state")),
    stateChoices().map((c) => button(c.label, c.press, { key: c.key, name: c.name, off: !canSetState(state.session?.agent?.id || "") })),
    button(t("cancel"), closeDialog, { key: "Escape" }));
}

/** @returns {Array<{key: string, label: string, name: string, press: () => void}>} */
export function stateChoices() {
  const pauses = (state.session?.pauses || []).map((p, i) => ({
    key: String(i + 1), label: `${t("pause")}: ${t("p_" + p)}`, name: "pause-" + p, press: () => void setMyState("paused", p) }));
  return [...pauses, { key: "0", label: t("log_out"), name: "logout", press: () => void setMyState("logged_out") }];
}

/** What holds for all of the desk: no connection, or that it is back. */
export function banners() {
  const now = performance.now();
  const back = state.link === "up" && now < state.backUntil;
  return h("section.banners", { key: "banners", "aria-label": t("messages") },
    h("div.banner.lost", { hidden: state.link !== "lost" }, [
      h("strong", { role: "alert" }, state.link === "lost" && t(state.linkWhy)),
      h("span", null, state.retryAt > now ? t("retry_in", { n: Math.ceil((state.retryAt - now) / 1000) }) : t("retrying")),
      button(t("retry"), follow, { name: "retry" })]),
    h("div.banner.back", { role: "status", hidden: !back }, back ? t("link_back") : ""),
    alarms());
}

function alarms() {
  const all = state.live?.alarms || [];
  return h("div.alarms", { hidden: all.length === 0, role: "group", "aria-label": t("alarms") }, all.map((a) =>
    h("p.alarm", { key: a.kind }, h("strong", { role: "status" }, t("al_" + a.kind, { value: a.kind === "longest_wait" ? span(a.value * 1000) : a.value })),
      h("span.since", null, clock(since(a.since))))));
}
