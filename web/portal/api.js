// What the page asks of the server.

import { ask, part } from "../assets/api.js";

export const api = {
  /** @param {string} tenant */
  service: (tenant) => ask("GET", `/tenants/${part(tenant)}/service`),
  /** @param {string} tenant @param {{away: boolean, until?: string}} to */
  setService: (tenant, to) => ask("PUT", `/tenants/${part(tenant)}/service`, to),
};
