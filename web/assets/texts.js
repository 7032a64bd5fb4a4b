// The language of the pages, and what all of them say, in Swedish and English side by side, so that no text can lack in one of them.

/** @type {Object<string, [string, string]>} */
export const texts = {
  // Signing in and out.
  token: ["Token", "Token"],
  sign_in: ["Logga in på sidan", "Sign in"],
  signing_in: ["Loggar in …", "Signing in …"],
  sign_out: ["Lämna sidan", "Sign out"],
  token_empty: ["Klistra in din token här.", "Paste your token here."],
  token_wrong: ["Token gäller inte: den är felskriven, återkallad eller för gammal. Kopiera hela, från tfn_, eller be om en ny.", "The token is not valid: mistyped, revoked or too old. Copy all of it, from tfn_, or ask for a new one."],
  signed_out: ["Du har lämnat sidan.", "You have left the page."],
  other_language: ["English", "Svenska"],
  retry: ["Försök nu", "Try now"],

  // What was refused, and what to do.
  e_limit: ["För många försök. Vänta {wait} s.", "Too many requests. Wait {wait} s."],
  e_network: ["Servern svarade inte. Titta efter vad som hände innan du försöker igen.", "The server did not answer. See what happened before you try again."],
  e_stopping: ["Servern kan inte ta emot det just nu. Försök om en stund.", "The server cannot take that just now. Try again in a while."],
  e_server: ["Servern kunde inte göra det. Försök igen, och säg till den som sköter den.", "The server could not do that. Try again, and tell whoever runs it."],

  hidden_number: ["dolt nummer", "hidden number"],
};

const remembered = "telefonist.language";

/** @type {Object<string, [string, string]>} */
const known = { ...texts };

/** @param {Object<string, [string, string]>} more the texts of a page */
export function learn(more) {
  Object.assign(known, more);
}

/** @returns {"sv"|"en"} what she chose, or what her browser speaks */
function first() {
  const chosen = localStorage.getItem(remembered);
  if (chosen === "sv" || chosen === "en") return chosen;
  return navigator.languages.find((l) => /^(sv|en)\b/.test(l))?.startsWith("en") ? "en" : "sv";
}

let now = first();

/** @returns {"sv"|"en"} */
export function language() {
  return now;
}

/** @param {"sv"|"en"} to is remembered by the browser */
export function speak(to) {
  now = to;
  localStorage.setItem(remembered, to);
}

/**
 * @param {string} key
 * @param {Object<string, any>} [values] for what stands in braces
 * @returns {string}
 */
export function t(key, values = {}) {
  const both = known[key];
  if (!both) return key; // a word that the server learned after this page
  return both[now === "sv" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
