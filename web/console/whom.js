// "Vart?": one field for whom to reach. It finds people and common numbers of the tenant, colleagues and groups, and takes any number.

import { api } from "./api.js";
import { serverNow, state } from "./state.js";
import { changed } from "../assets/watch.js";
import { dialable, when } from "./format.js";
import { phone } from "../assets/format.js";
import { h } from "../assets/dom.js";
import { stateWord } from "./parts.js";
import { t } from "./texts.js";

/**
 * @typedef {Object} Option
 * @property {string} to what the server is asked for
 * @property {string} title
 * @property {string} [note] what may be said of them
 * @property {string} [kind] word beside the title
 * @property {boolean} [doubtful] away, busy
 * @property {string} [warn] why a call should not be connected; asked back before it is
 * @property {boolean} [below] belongs to the one above: a substitute
 */

/** How long she must not type before the server is asked. */
const debounce = 120;

/** How long what she asked for in haste holds. What is found later is shown before it is called. */
const haste = 1000;

/** @param {string} s @returns {string[]} its words, whatever their case and accents */
const words = (s) => s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().split(/[\s-]+/).filter(Boolean);

/** One such field. */
export class Whom {
  /**
   * @param {string} id
   * @param {{area: string, about: () => string|undefined, tenant: () => string|undefined, caller?: () => string|undefined, colleagues?: boolean, searches?: () => boolean,
   *   can: (how: string) => boolean, choose: (to: string, how: string) => Promise<any>}} use
   *   area is where it is shown what was refused, about which call it is for
   */
  constructor(id, use) {
    this.id = id;
    this.use = use;
    this.text = "";
    /** @type {any[]} */
    this.hits = [];
    this.at = 0;
    /** The text that the hits are for, and the company. */
    this.answered = "";
    /** @type {string|undefined} */
    this.of = undefined;
    this.failed = false;
    /** Who was warned of. */
    this.sure = "";
    /** What she asked for before the hits were there. */
    this.hasty = "";
    this.hastyAt = 0;
    /** @type {number|undefined} */
    this.timer = undefined;
    /** @type {AbortController|undefined} */
    this.control = undefined;
  }

  /** Forgets what was typed. */
  reset() {
    this.stop();
    this.text = this.sure = this.hasty = "";
    this.at = 0;
    this.found([], "", false);
  }

  /** @param {any[]} hits @param {string} text that they are for @param {boolean} failed */
  found(hits, text, failed) {
    this.hits = hits;
    this.answered = text;
    this.of = this.use.tenant();
    this.failed = failed;
  }

  stop() {
    clearTimeout(this.timer);
    this.control?.abort();
  }

  /** @param {string} text */
  type(text) {
    this.text = text;
    this.at = 0;
    this.sure = this.hasty = "";
    this.stop();
    if (state.problem?.area === this.use.area) state.problem = null;
    if (text.trim() && this.searches()) this.timer = setTimeout(() => void this.search(), debounce);
    else this.found([], text, false);
    changed();
  }

  searches() {
    return this.use.tenant() !== undefined && (this.use.searches?.() ?? true);
  }

  async search() {
    const text = this.text;
    const tenant = this.use.tenant();
    if (tenant === undefined) return;
    clearTimeout(this.timer);
    this.control?.abort();
    const control = (this.control = new AbortController());
    try {
      const found = await api.search(tenant, text.trim(), this.use.caller?.(), control.signal);
      if (control !== this.control || text !== this.text) return;
      this.found(found.hits, text, false);
    } catch {
      if (control !== this.control || control.signal.aborted) return;
      this.found([], text, true); // numbers and colleagues can be reached all the same
    }
    if (this.hasty && this.meant()) void this.choose(this.hasty);
    changed();
  }

  /** What she asked for before she saw it can only be this: the one that was found, soon, and by the name that she typed. */
  meant() {
    const [only, ...more] = this.options();
    if (!only || more.length || this.failed || performance.now() - this.hastyAt > haste) return false;
    const title = words(only.title);
    return words(this.text).every((typed) => title.some((word) => word.startsWith(typed)));
  }

  /** @returns {Option[]} */
  options() {
    const text = this.text.trim();
    if (!text) return [];
    const number = dialable(text) ? [{ to: text, title: text, kind: t("number") }] : [];
    const inside = Boolean(this.use.colleagues);
    const hits = this.of === this.use.tenant() ? this.hits : []; // never one company's people for another's call
    return [...number, ...hits.flatMap((hit) => fromHit(hit, inside)), ...(inside ? colleagues(text) : [])];
  }

  /** The answer for what is typed has come, so that what is chosen is what is seen. */
  ready() {
    return !this.waits() || dialable(this.text.trim());
  }

  /** What is typed was not looked for yet. */
  waits() {
    return this.answered !== this.text || this.of !== this.use.tenant();
  }

  /** @param {string} how "connect", "announce", "call" or "divert" */
  async choose(how) {
    if (!this.use.can(how)) return;
    if (!this.ready()) {
      this.hasty = how;
      this.hastyAt = performance.now();
      return this.search();
    }
    const option = this.options()[this.at];
    if (!option) return;
    if (option.warn && how !== "announce" && this.sure !== option.to) {
      this.sure = option.to;
      return changed();
    }
    const text = this.text;
    const about = this.use.about();
    this.reset(); // she may type the next one meanwhile
    if ((await this.use.choose(option.to, how)) || this.text || about !== this.use.about()) return;
    this.text = text;
    if (this.searches()) await this.search();
    changed();
  }

  /** @param {KeyboardEvent} ev @param {string[]} ways what Enter and Shift+Enter do */
  key(ev, ways) {
    const count = this.options().length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
    if (step && count) this.at = (this.at + step + count) % count;
    else if (ev.key === "Enter" && !ev.repeat && !ev.isComposing && ways[ev.shiftKey ? 1 : 0]) void this.choose(ways[ev.shiftKey ? 1 : 0]);
    else if (ev.key === "Escape" && this.text) this.type("");
    else return;
    if (step) this.sure = this.hasty = "";
    ev.preventDefault();
    ev.stopPropagation();
    changed();
  }

  /**
   * @param {string} label
   * @param {string[]} ways what Enter and Shift+Enter do
   * @param {any} [beside] buttons beside the field
   */
  view(label, ways, beside) {
    const options = this.options();
    const waiting = this.text.trim() !== "" && this.waits();
    const chosen = options[this.at];
    return h("div.whom", { key: this.id },
      h("label", { for: this.id }, label),
      h("div.whom-row", null,
        h("input", {
          id: this.id, type: "text", role: "combobox", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "go",
          "aria-expanded": String(options.length > 0), "aria-controls": this.id + "-list", "aria-autocomplete": "list",
          "aria-activedescendant": chosen ? `${this.id}-${this.at}` : null, placeholder: t("whom_hint"), value: this.text,
          oninput: (/** @type {any} */ ev) => this.type(ev.target.value), onkeydown: (/** @type {KeyboardEvent} */ ev) => this.key(ev, ways),
        }), beside),
      h("ul.options", { id: this.id + "-list", role: "listbox", "aria-label": label, hidden: options.length === 0 },
        options.map((o, i) => this.row(o, i))),
      this.text.trim() && !options.length && h("p.nothing", { role: "status" }, waiting ? t("searching") : t("no_hits")),
      this.hasty && !waiting && options.length > 0 && h("p.nothing", { role: "status" }, t(options.length > 1 ? "choose_one" : "one_found")),
      this.failed && h("p.nothing", { role: "status" }, t("search_failed")),
      chosen && this.sure === chosen.to && h("p.trouble", { role: "alert" }, chosen.warn + " " + t("enter_again")));
  }

  /** @param {Option} o @param {number} i */
  row(o, i) {
    return h("li", {
      id: `${this.id}-${i}`, role: "option", "aria-selected": String(i === this.at), class: [o.below && "below", o.doubtful && "doubtful"].filter(Boolean).join(" "),
      onpointerdown: (/** @type {Event} */ ev) => { ev.preventDefault(); this.at = i; this.sure = this.hasty = ""; changed(); },
    }, h("span.title", null, o.title), o.kind && h("span.kind", null, o.kind), o.note && h("span.note", null, o.note));
  }
}

/**
 * @param {any} hit
 * @param {boolean} inside it is for a call that there is; a new one is made to a number
 * @returns {Option[]}
 */
function fromHit(hit, inside) {
  if (hit.kind === "common_number") return [{ to: inside ? "common:" + hit.title : hit.id, title: hit.title, kind: t("common_number"), note: phone(hit.id) }];
  if (hit.kind !== "person") return [];
  const p = hit.presence;
  const note = p ? presence(p) : "";
  const warn = p?.away && !p.connect ? t("do_not_connect", { name: hit.title, note }) : undefined;
  /** @type {Option[]} */
  const subs = (hit.substitutes || []).map((/** @type {any} */ s) => ({
    to: "person:" + s.id, title: s.name, kind: t("substitute"), note: s.away ? t("away") : "", doubtful: s.away, below: true }));
  return [{ to: "person:" + hit.id, title: hit.title, kind: hit.detail, note, doubtful: Boolean(p), warn }, ...subs];
}

/**
 * What may be said of a person who is away or on the phone.
 * @param {any} p
 * @returns {string}
 */
export function presence(p) {
  const parts = [];
  if (p.away) parts.push(p.until ? t("away_until", { phrase: p.phrase, until: when(p.until, serverNow()) }) : p.phrase);
  if (p.away && !p.connect) parts.push(t("not_to_be_connected"));
  if (p.line) parts.push(t("line_" + p.line.state));
  return parts.join(" · ");
}

/** @param {string} text @returns {Option[]} */
function colleagues(text) {
  const fits = (/** @type {string|undefined} */ s) => Boolean(s) && text.toLowerCase().split(/\s+/).every((word) => String(s).toLowerCase().includes(word));
  const mine = state.session?.agent?.id;
  const agents = (state.live?.agents || []).filter((a) => a.id !== mine && fits(`${a.name || a.id} ${a.extension || ""} ${t("colleague")}`))
    .map((a) => ({ to: "agent:" + a.id, title: a.name || a.id, kind: t("colleague"), note: stateWord(a), doubtful: a.state !== "available" }));
  const groups = (state.session?.groups || []).filter((g) => fits(`${g} ${t("group")}`)).map((g) => ({ to: "group:" + g, title: g, kind: t("group") }));
  const supervisor = fits(t("supervisor")) || fits("supervisor") ? [{ to: "supervisor", title: t("supervisor"), kind: t("colleague") }] : [];
  return [...agents.slice(0, 8), ...groups, ...supervisor];
}
