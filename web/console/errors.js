// What the server said no to, in her language, and what to do about it.

import { explainBy } from "../assets/errors.js";

/**
 * The server's words that say more than the status does, and the text that tells them.
 * @type {Array<[RegExp, string]>}
 */
const known = [
  [/consultation is under way/, "e_consults"],
  [/phone holds the call/, "e_phone"],
  [/colleague is not available/, "e_colleague"],
  [/nobody of the group|no supervisor is free/, "e_nobody_free"],
  [/not a number|not a telephone number|incomplete/, "e_target"],
  [/another company's receptionist/, "e_other_company"],
  [/no such (agent|group|common number)/, "e_gone"],
  [/places to park are taken/, "e_slots"],
  [/nobody is parked at/, "e_not_parked"],
  [/another caller is parked at/, "e_other_parked"],
  [/rings at another phone already/, "e_rings_elsewhere"],
  [/has a call or is not logged in/, "e_not_free"],
  [/does not wait, or agent/, "e_take"],
  [/call is another (agent|tenant)'s/, "e_not_yours"],
  [/has no call/, "e_gone"],
  [/no live call|no waiting call/, "e_gone"],
  [/no new call is taken/, "e_no_new"],
  [/no such person|person has no number/, "e_person"],
  [/nobody was named/, "e_target"],
  [/not possible as the call stands/, "e_state"],
];

/** @type {Object<number, string>} */
const byStatus = {
  403: "e_refused", 404: "e_gone", 409: "e_state", 422: "e_target",
};

/**
 * @param {import("../assets/api.js").Problem} problem
 * @returns {string}
 */
export function explain(problem) {
  return explainBy(problem, known, byStatus);
}
