// The page: who is signed in sees the desk, everybody else the way to it.

import { banners, head } from "./head.js";
import { callView, focusWhom, headline, rings, whom } from "./call.js";
import { colleagues, lines, notes, parked, wishes } from "./lists.js";
import { dialog, settle } from "./dialogs.js";
import { draw, h } from "../assets/dom.js";
import { door, elsewhere, enter } from "./signin.js";
import { language, t } from "./texts.js";
import { listen } from "./keys.js";
import { look } from "./actions.js";
import { lookUp } from "./phrase.js";
import { allCalls } from "./supervise.js";
import { myCall, state } from "./state.js";
import { changed, watch } from "../assets/watch.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const spoken = /** @type {HTMLElement} */ (document.getElementById("spoken"));

/** What was in view before, to tell what is new. */
const before = { call: "", connects: false, out: false };

/** Whoever the token was for is no longer there. */
function nobody() {
  return h("section.card.call", { key: "nobody" }, h("p.big", null, t("not_known")));
}

function desk() {
  const s = state.session;
  return [
    head(),
    banners(),
    h("main.desk", { key: "desk" },
      h("div.mine", { key: "mine" }, s?.works ? callView() : s?.supervises ? allCalls() : nobody(), notes()),
      h("div.side", { key: "side" }, s?.works && s.supervises && allCalls(), lines(), parked(), colleagues(), wishes())),
    dialog(),
  ];
}

function show() {
  look();
  lookUp();
  const call = myCall();
  if (before.call !== (call?.id || "")) {
    whom.reset();
    if (call && ["help", "state"].includes(state.dialog?.kind || "")) state.dialog = null; // what she needs now is beneath
  }
  document.documentElement.lang = language();
  draw(root, state.session === undefined ? [] : state.session && !elsewhere() ? desk() : [door()]);
  settle();
  if (state.session === null && !before.out) document.getElementById("token")?.focus();
  const connects = Boolean(call?.may?.includes("connect")) && !rings();
  if (connects && !before.connects) focusWhom();
  if (!connects && document.activeElement?.id === "whom") document.getElementById("whom")?.blur(); // it is not shown
  Object.assign(before, { call: call?.id || "", connects, out: state.session === null });
  const line = headline();
  if (spoken.textContent !== line) spoken.textContent = line;
  document.title = state.link === "lost" ? `⚠ ${t(state.linkWhy)}` : rings() ? `☎ ${line}` : t("title");
}

watch(show);
listen();
setInterval(changed, 500);
void enter();
