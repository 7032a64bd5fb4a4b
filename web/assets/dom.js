// The page as a description, and the least that has to change in the document for it to be so. Text only ever becomes text.

/**
 * @typedef {Object} VNode
 * @property {string} tag
 * @property {string|undefined} key tells rows apart, so that one keeps its element wherever it moves
 * @property {Object<string, any>} props
 * @property {Array<VNode|string>} children
 */

/** What is set as a property, because the attribute only says how it was in the beginning. */
const properties = new Set(["value", "checked", "disabled", "hidden", "open", "selected"]);

/** @type {WeakMap<Node, VNode>} */
const drawn = new WeakMap();

/**
 * Describes an element. Children may be nested lists; null, undefined and false are left out.
 * @param {string} tag with classes behind dots: "p.big.warn"
 * @param {Object<string, any>|null} [props]
 * @param {...any} children
 * @returns {VNode}
 */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split(".");
  const { key, ...rest } = props || {};
  const all = [...classes, rest.class].filter(Boolean).join(" ");
  if (all) rest.class = all;
  return { tag: name, key, props: rest, children: flat(children) };
}

/**
 * @param {any[]} list
 * @returns {Array<VNode|string>}
 */
function flat(list) {
  return list.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== "")
    .map((c) => (typeof c === "object" ? c : String(c)));
}

/**
 * Makes the children of an element what is described. Whoever has the focus keeps it, though her element is moved.
 * @param {Element} root
 * @param {any[]} children
 */
export function draw(root, children) {
  const focused = document.activeElement;
  fit(root, flat(children));
  if (focused instanceof HTMLElement && focused !== document.body && focused.isConnected && document.activeElement !== focused) {
    focused.focus({ preventScroll: true });
  }
}

/**
 * @param {Element} parent
 * @param {Array<VNode|string>} children
 */
function fit(parent, children) {
  const kept = new Set(children.map((c) => (typeof c === "string" ? undefined : c.key)).filter((k) => k !== undefined));
  /** @type {Map<string, Node>} */
  const old = new Map();
  for (const node of [...parent.childNodes]) {
    const key = drawn.get(node)?.key;
    if (key === undefined) continue;
    if (kept.has(key)) old.set(key, node);
    else node.remove();
  }
  let at = parent.firstChild;
  for (const child of children) {
    const node = place(parent, child, old, at);
    at = node.nextSibling;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/**
 * Puts one child before `at`, or finds that it is there.
 * @param {Element} parent
 * @param {VNode|string} child
 * @param {Map<string, Node>} old
 * @param {ChildNode|null} at
 * @returns {Node}
 */
function place(parent, child, old, at) {
  if (typeof child === "string") {
    if (at instanceof Text) {
      if (at.data !== child) at.data = child;
      return at;
    }
    return parent.insertBefore(document.createTextNode(child), at);
  }
  const was = child.key === undefined ? (at && drawn.get(at)?.key === undefined ? at : null) : old.get(child.key) || null;
  if (was instanceof HTMLElement && drawn.get(was)?.tag === child.tag) {
    if (was !== at) parent.insertBefore(was, at);
    change(was, child);
    return was;
  }
  const made = document.createElement(child.tag);
  parent.insertBefore(made, at);
  change(made, child);
  return made;
}

/**
 * @param {HTMLElement} el
 * @param {VNode} to
 */
function change(el, to) {
  const was = drawn.get(el)?.props || {};
  drawn.set(el, to);
  for (const name of Object.keys(was)) {
    if (!(name in to.props)) set(el, name, null);
  }
  for (const [name, value] of Object.entries(to.props)) {
    if (name === "value" || was[name] !== value) set(el, name, value);
  }
  fit(el, to.children);
  if (to.tag === "select") set(el, "value", to.props.value); // which its options must be there for
}

/**
 * @param {any} el
 * @param {string} name
 * @param {any} value
 */
function set(el, name, value) {
  if (name.startsWith("on")) {
    el[name] = value;
  } else if (name === "width") { // of a bar: styles in attributes are not allowed on this page
    el.style.width = value === null ? "" : value;
  } else if (properties.has(name)) {
    if (el[name] !== (value ?? "")) el[name] = value ?? (name === "value" ? "" : false);
  } else if (value === null || value === undefined || value === false) {
    el.removeAttribute(name);
  } else {
    el.setAttribute(name, value === true ? "" : String(value));
  }
}
