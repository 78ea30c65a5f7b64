/** Message text with its entities (UTF-16 offsets, nested) as elements. */

import { h } from "./dom.js";
import { mentionedUser, safeAddress } from "./links.js";
import { t } from "./words.js";

const BLOCKS = ["pre", "blockquote", "expandable_blockquote"];
const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code" };

/** The text as a list of nodes. */
export function renderText(text, entities = []) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return renderSpan(text, sorted, 0, text.length);
}

function renderSpan(text, entities, start, end) {
  const nodes = [];
  let at = start;
  let index = 0;
  while (index < entities.length) {
    const entity = entities[index];
    const stop = Math.min(entity.offset + entity.length, end);
    const inner = [];
    for (index += 1; index < entities.length && entities[index].offset < stop; index += 1) {
      inner.push(entities[index]);
    }
    if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
    const words = text.slice(entity.offset, stop);
    nodes.push(renderEntity(entity, words, renderSpan(text, inner, entity.offset, stop)));
    at = stop;
    // A block already ends its line: the newline after it would show as an empty one.
    if (BLOCKS.includes(entity.type) && text[at] === "\n" && at < end) at += 1;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

function renderEntity(entity, words, children) {
  if (entity.type in TAGS) return h(TAGS[entity.type], {}, children);
  return (BUILDERS[entity.type] ?? plain)(entity, words, children);
}

const plain = (entity, words, children) => h("span", {}, children);
const marked = (data, children) =>
  h("button", { class: "inline-link", type: "button", data }, children);

const BUILDERS = {
  spoiler: (entity, words, children) => spoiler(children),
  pre: (entity, words, children) => preformatted(entity.language, children),
  blockquote: (entity, words, children) => h("blockquote", {}, children),
  expandable_blockquote: (entity, words, children) => expandable(children),
  text_link: (entity, words, children) => link(entity.url, children),
  url: (entity, words, children) => link(words, children),
  email: (entity, words, children) => link(`mailto:${words}`, children),
  phone_number: (entity, words, children) => link(`tel:${words.replace(/[^\d+]/g, "")}`, children),
  mention: (entity, words, children) => marked({ mention: words }, children),
  text_mention: (entity, words, children) => marked({ user: entity.user.id }, children),
  bot_command: (entity, words, children) => marked({ command: words }, children),
  hashtag: (entity, words, children) => h("span", { class: "tag" }, children),
  cashtag: (entity, words, children) => h("span", { class: "tag" }, children),
};

/** A link; what may not be opened stays text. Clicks on deep links are caught by the chat. */
export function link(address, children) {
  const user = mentionedUser(address);
  if (user) return marked({ user }, children);
  const href = safeAddress(address);
  if (!href && !address.startsWith("tg:")) return h("span", {}, children);
  const props = { href: href ?? address, target: "_blank", rel: "noopener noreferrer" };
  return h("a", { ...props, data: { link: address } }, children);
}

function spoiler(children) {
  const words = h("span", { class: "spoiler-words", "aria-hidden": "true" }, children);
  const label = t("Hidden text. Press to show it.");
  const props = { class: "spoiler", role: "button", tabindex: "0", "aria-label": label };
  return h("span", props, words);
}

/** Show every spoiler of the message that `spoilerNode` is in. */
export function reveal(spoilerNode) {
  const message = spoilerNode.closest(".bubble") ?? spoilerNode.parentElement;
  for (const node of message.querySelectorAll(".spoiler")) {
    node.classList.add("is-shown");
    for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
    node.firstElementChild.removeAttribute("aria-hidden");
  }
}

function preformatted(language, children) {
  const label = language ? h("span", { class: "pre-language" }, language) : null;
  return h("pre", {}, label, h("code", {}, children));
}

function expandable(children) {
  const quote = h("blockquote", { class: "is-folded" }, children);
  const toggle = (event) => {
    event.stopPropagation();
    const folded = quote.classList.toggle("is-folded");
    button.textContent = folded ? t("Show more") : t("Show less");
    button.setAttribute("aria-expanded", String(!folded));
  };
  const props = {
    class: "unfold",
    type: "button",
    "aria-expanded": "false",
    on: { click: toggle },
  };
  const button = h("button", props, t("Show more"));
  return h("div", { class: "quote" }, quote, button);
}
