// What the server said no to, in the reader's language, and what to do about it.

import { t } from "./texts.js";

/** @type {Object<number, string>} */
const everywhere = { 0: "e_network", 429: "e_limit", 500: "e_server", 502: "e_network", 503: "e_stopping", 504: "e_network" };

/**
 * @param {import("./api.js").Problem} problem
 * @param {Array<[RegExp, string]>} [known] the server's words that say more than the status does, and the text that tells them
 * @param {Object<number, string>} [byStatus] what a status means on this page
 * @returns {string}
 */
export function explainBy(problem, known = [], byStatus = {}) {
  const key = known.find(([words]) => words.test(problem.message))?.[1] || byStatus[problem.status] || everywhere[problem.status] || "e_server";
  return t(key, { wait: problem.wait });
}
