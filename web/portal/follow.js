// Keeping up with what others do: the switch may be set by phone, by a program, or in another window.

import { api } from "./api.js";
import { changed } from "../assets/watch.js";
import { Problem, sessions } from "../assets/api.js";
import { state, take, tenant } from "./state.js";

const every = 10_000;

/** Counts what was asked, so that an answer from before the switch was set means nothing. */
let turn = 0;
/** @type {number|undefined} */
let next;

/** Asks now, and from then on again and again until stop. */
export function follow() {
  stop();
  void look(turn);
}

export function stop() {
  turn++;
  clearTimeout(next);
}

/** @param {number} mine */
async function look(mine) {
  const one = tenant();
  try {
    if (!one) return await meet(mine); // until there is a company for the token
    const service = await api.service(one.id);
    if (mine !== turn) return;
    if (service.switch.at !== state.service?.switch.at) state.problem = ""; // it went through after all, or somebody else has done it
    take(service);
  } catch (err) {
    if (mine !== turn) return;
    if (!(err instanceof Problem)) throw err;
    if (err.status === 401) return leave("session_over");
    if (err.status === 403 || err.status === 404) await meet(mine);
    state.lost = true;
  } finally {
    if (mine === turn) next = setTimeout(follow, every);
    changed();
  }
}

/** Finds out whether the session is another's by now, or for nobody. A page never goes from one person to another. @param {number} mine */
async function meet(mine) {
  const session = await sessions.now().catch(() => undefined);
  if (mine === turn && session && JSON.stringify(session) !== JSON.stringify(state.session)) location.reload();
}

/** @param {string} farewell key of what the sign-in page says */
export function leave(farewell) {
  stop();
  Object.assign(state, { session: null, service: null, lost: false, asking: false, problem: "", trouble: "", farewell });
  changed();
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible" || !state.session || state.asking) return;
  follow();
  changed(); // it says how old it is until the answer is there
});
addEventListener("online", () => state.session && !state.asking && follow());
