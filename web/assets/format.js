// How numbers are written, and where the clock hangs that all times are told by.

import { t } from "./texts.js";

export const zone = "Europe/Stockholm";

/**
 * @param {string|undefined} number
 * @returns {string} as it is read aloud here; other countries' stay as they are
 */
export function phone(number) {
  if (!number) return t("hidden_number");
  const mobile = /^\+46(7\d)(\d{3})(\d{2})(\d{2})$/.exec(number);
  if (mobile) return `0${mobile[1]}-${mobile[2]} ${mobile[3]} ${mobile[4]}`;
  const stockholm = /^\+468(\d{2,4})(\d{2})(\d{2})$/.exec(number);
  if (stockholm) return `08-${stockholm[1]} ${stockholm[2]} ${stockholm[3]}`;
  return number;
}
