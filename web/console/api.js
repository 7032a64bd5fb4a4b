// What the desk asks of the server.

import { ask, part } from "../assets/api.js";

export const api = {
  /** @param {string} call @param {Object} what */
  act: (call, what) => ask("POST", `/calls/${part(call)}/actions`, what),
  /** @param {string} agent @param {string} tenant @param {string} to */
  dial: (agent, tenant, to) => ask("POST", `/agents/${part(agent)}/calls`, { tenant, to }),
  /** @param {string} agent @param {number} slot @param {string} call who is meant to be there */
  pickUp: (agent, slot, call) => ask("POST", `/agents/${part(agent)}/pickup`, { slot, call }),
  /** @param {string} agent @param {{state: string, reason?: string}} to */
  setState: (agent, to) => ask("PUT", `/agents/${part(agent)}/state`, to),
  /** @param {string} agent */
  free: (agent) => ask("POST", `/agents/${part(agent)}/free`),
  /** @param {string} call @param {string} agent */
  take: (call, agent) => ask("POST", `/queue/${part(call)}/take`, { agent }),
  /** @param {string} call @param {number} position */
  move: (call, position) => ask("POST", `/queue/${part(call)}/move`, { position }),
  /** @param {string} text @param {string[]} agents */
  note: (text, agents) => ask("POST", "/notes", agents.length ? { text, agents } : { text }),
  /** @param {string} tenant @param {string} query @param {string|undefined} caller @param {AbortSignal} signal */
  search: (tenant, query, caller, signal) =>
    ask("GET", `/tenants/${part(tenant)}/search?limit=20&q=${part(query)}${caller ? "&caller=" + part(caller) : ""}`, undefined, signal),
  /** @param {string} tenant @param {string|undefined} common @param {string} agent */
  shown: (tenant, common, agent) =>
    ask("GET", `/tenants/${part(tenant)}/shown?agent=${part(agent)}${common ? "&common=" + part(common) : ""}`),
  /** @param {string} tenant */
  tenant: (tenant) => ask("GET", `/tenants/${part(tenant)}`),
};
