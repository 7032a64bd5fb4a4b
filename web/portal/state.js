// What the page knows. Everything is drawn from here.

/**
 * @typedef {"service"|"own"|"own_then_service"|"closed"} Turn
 * @typedef {{turn: Turn, until?: string, next?: Turn, away: boolean}} Now who answers, until when, and who then
 * @typedef {Object<string, string[]|null>} Week windows such as "08:00-17:00" by weekday, and holidays
 * @typedef {{week?: Week, days?: Array<{date: string, windows: string[]|null, note?: string}>}} Hours
 */

/**
 * @typedef {Object} More
 * @property {string} mode
 * @property {string} at
 * @property {{away: boolean, until?: string, at?: string, by?: {name: string, way?: string}}} switch what was set last
 * @property {string} [switched_by]
 * @property {boolean} has_own
 * @property {boolean} switch_matters
 * @property {Now} otherwise if the switch stood the other way
 * @property {Hours} [hours]
 * @property {Hours} [pool_hours]
 * @property {Array<{date: string, swedish: string, english: string}>} holidays
 * @property {Array<Now & {name: string, number: string, mode: string}>} common_numbers
 * @typedef {Now & More} Service as GET /service tells it
 */

/**
 * @typedef {Object} Session
 * @property {string} name
 * @property {boolean} works
 * @property {boolean} supervises
 * @property {Array<{id: string, name: string, number: string, may_switch: boolean}>} portal
 */

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
  /** What is being chosen: a choice of until, a day and a time, and whether the time of who is away already is to change. */
  until: { id: "", date: "", time: "", changes: false },
};

/** @returns {Session["portal"][0]|undefined} the company that is looked at */
export function tenant() {
  const all = state.session?.portal || [];
  return all.find((one) => one.id === state.chosen) || all[0];
}

/** When the server told the time, by the page's own stopwatch: the computer's clock may be wrong by hours. */
let toldAt = 0;

/** @param {Service} service */
export function take(service) {
  state.service = service;
  state.lost = false;
  toldAt = performance.now();
}

/** @returns {number} the server's clock, in ms */
export function serverNow() {
  return (state.service ? Date.parse(state.service.at) : 0) + performance.now() - toldAt;
}
