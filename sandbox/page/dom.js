/** Small helpers to build the page's elements and to keep lists of them up to date. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Build an element. Keys of `props`: `class`, `on` (listeners), `data` (dataset); a boolean
 * sets or leaves out the attribute, anything else becomes an attribute as it is.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

function setProp(node, name, value) {
  if (value == null || value === false) return;
  if (name === "class") node.className = value;
  else if (name === "on") {
    for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  } else if (name === "data") Object.assign(node.dataset, value);
  else if (name === "value") node.value = value;
  else node.setAttribute(name, value === true ? "" : value);
}

/** Build an SVG element with attributes. */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const $ = (selector, root = document) => root.querySelector(selector);

/**
 * Make `parent` hold one node per item, reusing the node of an item whose signature is the
 * same, so that focus, revealed spoilers and running animations survive an update.
 *
 * @param {{key: string, signature: string, build: () => HTMLElement}[]} items
 */
export function reconcile(parent, items) {
  const known = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const old = known.get(item.key);
    known.delete(item.key);
    const node = old && old.dataset.signature === item.signature ? old : replacement(item, old);
    if (old && node !== old) {
      if (cursor === old) cursor = node;
      swap(old, node);
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  for (const node of known.values()) node.remove();
}

function replacement(item, old) {
  const node = item.build();
  node.dataset.key = item.key;
  node.dataset.signature = item.signature;
  if (!old) node.classList.add("is-new");
  return node;
}

/** Put `node` in the place of `old`, and the focus on what took the place of the focused part. */
function swap(old, node) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.dataset.focus;
  old.replaceWith(node);
  if (!focused) return;
  const heir =
    (mark && node.querySelector(`[data-focus="${CSS.escape(mark)}"]`)) ||
    node.querySelector(".keys button") ||
    node;
  heir.focus({ preventScroll: true });
}

/** Whether the device is pointed at with a finger (Enter then makes a new line). */
export const coarsePointer = () => matchMedia("(pointer: coarse)").matches;

/** Whether list and chat are shown one at a time. */
export const narrow = () => matchMedia("(max-width: 760px)").matches;

/** How to scroll to a place: gliding, unless the person wants things to keep still. */
export const gliding = () =>
  matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
