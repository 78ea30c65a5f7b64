/** Small menus that open beside a button and close by themselves. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const GAP = 6;

/**
 * Open a menu at an element or a point.
 *
 * @param {HTMLElement | {x: number, y: number}} anchor
 * @param {{icon?: string, words: string, act: () => void, danger?: boolean}[]} items
 * @param {string} look a class of its own
 */
export function openMenu(anchor, items, look = "") {
  document.querySelector(".menu")?.remove();
  const menu = h("div", { class: `menu ${look}`, role: "menu", popover: "auto" });
  menu.append(...items.filter(Boolean).map((item) => menuItem(item, menu)));
  menu.addEventListener("keydown", moveFocus);
  menu.addEventListener("toggle", (event) => event.newState === "closed" && menu.remove());
  document.body.append(menu);
  menu.showPopover();
  place(menu, anchor);
  menu.firstElementChild.focus();
}

function menuItem({ icon: sign, words, act, danger }, menu) {
  const run = () => {
    menu.hidePopover();
    act();
  };
  const props = {
    class: danger ? "is-danger" : "",
    role: "menuitem",
    type: "button",
    on: { click: run },
  };
  return h("button", props, sign && icon(sign), h("span", {}, words));
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...event.currentTarget.children];
  const next = items.indexOf(document.activeElement) + step;
  items.at(next % items.length).focus();
}

/** Put the menu beside its anchor, inside the window. */
function place(menu, anchor) {
  const box = anchor.getBoundingClientRect?.() ?? new DOMRect(anchor.x, anchor.y, 0, 0);
  const { width, height } = menu.getBoundingClientRect();
  const below = box.bottom + GAP + height <= innerHeight;
  const top = below ? box.bottom + GAP : Math.max(GAP, box.top - height - GAP);
  const left = Math.min(Math.max(GAP, box.right - width), innerWidth - width - GAP);
  Object.assign(menu.style, { top: `${top}px`, left: `${left}px` });
}
