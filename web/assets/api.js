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
  if (res.ok && text && answer === undefined) throw new Problem(0, "no answer of the server's"); // the page of a network that wants a password
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

export const part = encodeURIComponent;

export const sessions = {
  now: () => ask("GET", "/session"),
  /** @param {string} token */
  begin: (token) => ask("POST", "/session", { token }),
  end: () => ask("DELETE", "/session"),
};
