// The tenant's page: who answers now, the switch, and the opening hours.

import { changed, watch } from "../assets/watch.js";
import { door, enter, frame } from "./head.js";
import { draw, h } from "../assets/dom.js";
import { hoursView } from "./hours.js";
import { language, t } from "./texts.js";
import { nowView, numbersView } from "./now.js";
import { state, tenant } from "./state.js";
import { switchView } from "./switch.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
let out = false;

function show() {
  document.documentElement.lang = language();
  const one = tenant();
  const page = () => frame(h("div.first", { key: "first" }, nowView(), switchView()), h("div.second", { key: "second" }, hoursView(), numbersView()));
  draw(root, state.session === undefined ? [h("p.loading", { key: "loading", role: "status" }, t("loading"))] : one ? page() : [door()]);
  if (state.session === null && !out) document.getElementById("token")?.focus();
  out = state.session === null;
  document.title = one ? `${one.name} – ${t("title")}` : t("title");
}

watch(show);
setInterval(changed, 5000); // times go by
void enter();
