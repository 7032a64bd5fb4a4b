// What the page knows. Everything is drawn from here.

/**
 * @typedef {"service"|"own"|"own_then_service"|"closed"} Turn
 * @typedef {{turn: Turn, until?: string, next?: Turn, away: boolean}} Now who answers, until when, and who then
 * @typedef {{mode: string, otherwise: Now, closed: "prompt"|"busy"|"forward"|"answer", own_too: boolean}} Rules of calls by a number: otherwise is
 *   who answers if the switch stood the other way, closed what callers meet while nobody does
 * @typedef {Now & Rules & {name: string, number: string}} Common
 * @typedef {Object<string, string[]|null>} Week windows such as "08:00-17:00" by weekday, and holidays
 * @typedef {{week?: Week, days?: Array<{date: string, windows: string[]|null, note?: string}>}} Hours
 */

/**
 * @typedef {Object} More
 * @property {string} at
 * @property {{away: boolean, until?: string, at?: string, by?: {name: string, way?: string}}} switch what was set last
 * @property {string} [switched_by]
 * @property {boolean} has_own
 * @property {boolean} switch_matters
 * @property {Hours} [hours]
 * @property {Hours} [pool_hours]
 * @property {Array<{date: string, swedish: string, english: string}>} holidays
 * @property {Array<Common>} common_numbers
 * @typedef {Now & Rules & More} Service as GET /service tells it
 */

/**
 * @typedef {Object} Session
 * @property {string} name
 * @property {boolean} works
 * @property {boolean} supervises
 * @property {Array<{id: string, name: string, number: string, may_switch: boolean}>} portal
 */

/** Nothing is being chosen. */
export function none() {
  return { id: "", at: /** @type {number|null} */ (null), date: "", time: "", changes: false };
}

export const state = {
  /** @type {Session|null|undefined} undefined while nobody has asked yet */
  session: undefined,
  /** Said on the sign-in page: a key of a text. */
  farewell: "",
  /** The company that is looked at, where there are several. */
  chosen: "",
  /** @type {Service|null} */
  service: null,
  /** The connection is lost. */
  lost: false,
  /** The switch is being set. */
  asking: false,
  /** What went wrong last with the switch, and with leaving the page. */
  problem: "",
  trouble: "",
  /** What is being chosen: a choice of until and the instant that it meant, a day and a time, and whether the time of who is away already is to change. */
  until: none(),
};

/** @returns {Session["portal"][0]|undefined} the company that is looked at */
export function tenant() {
  const all = state.session?.portal || [];
  return all.find((one) => one.id === state.chosen) || all[0];
}

/** When the server told the time, by the page's own stopwatch and by the computer's clock, which may be wrong by hours. */
let told = { watch: 0, clock: 0 };

/** @param {Service} service */
export function take(service) {
  state.service = service;
  state.lost = false;
  told = { watch: performance.now(), clock: Date.now() };
}

/** @returns {number} ms since the server told anything. The stopwatch of a telephone stands still while it sleeps; its clock goes on */
function since() {
  return Math.max(performance.now() - told.watch, Date.now() - told.clock);
}

/** @returns {number} the server's clock, in ms */
export function serverNow() {
  return (state.service ? Date.parse(state.service.at) : 0) + since();
}

/** What is older was asked for twice in vain, or the page has slept. */
const fresh = 30_000;

/** @returns {boolean} what is shown may no longer be so */
export function stale() {
  return state.lost || since() > fresh;
}
