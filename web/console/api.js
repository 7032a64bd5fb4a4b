// Asking the server. The session's cookie goes by itself; scripts never see it.

/** What the server said no to, or that it could not be asked. */
export class Problem extends Error {
  /**
   * @param {number} status 0: nothing was heard
   * @param {string} detail the server's words, in English
   * @param {number} [wait] seconds until it may be asked again
   */
  constructor(status, detail, wait) {
    super(detail);
    this.status = status;
    this.wait = wait || 0;
  }
}

/** How long an answer may take. */
const patience = 10_000;

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {any} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} what was answered; undefined where that is nothing
 */
export async function ask(method, path, body, signal) {
  const limit = AbortSignal.timeout(patience);
  /** @type {Response} */
  let res;
  let text = "";
  try {
    res = await fetch("/api/v1" + path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
    });
    text = await res.text();
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Problem(0, String(err));
  }
  const answer = parsed(text);
  if (res.ok) return answer;
  const details = [answer?.detail, ...(answer?.errors || []).map((/** @type {any} */ e) => e.message)];
  throw new Problem(res.status, details.filter(Boolean).join(": "), Number(res.headers.get("Retry-After")) || 0);
}

/** @param {string} text */
function parsed(text) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined; // a proxy's page
  }
}

const part = encodeURIComponent;

export const api = {
  session: () => ask("GET", "/session"),
  /** @param {string} token */
  signIn: (token) => ask("POST", "/session", { token }),
  signOut: () => ask("DELETE", "/session"),
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
