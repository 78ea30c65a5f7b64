/** One message as an element: a bubble with its buttons, or a service line. */

import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { renderText } from "./entities.js";
import { iconButton } from "./icons.js";
import { inlineKeyboard } from "./keyboards.js";
import { attachment, serviceText, smallPrint, summary } from "./media.js";
import { fullName } from "./store.js";
import { t } from "./words.js";

/**
 * @param {object} message as the Bot API gives it
 * @param {{mine: boolean, first: boolean, last: boolean, group: boolean}} place where the
 *   message stands among its neighbours
 * @param {{press: Function, menu: Function}} verbs what its buttons do
 */
export function messageNode(message, place, verbs) {
  const service = serviceText(message);
  if (service) return serviceNode(message, service);
  const data = { message: message.message_id };
  const body = h(
    "div",
    { class: "message-body" },
    bubble(message, place, verbs),
    keyboard(message, verbs),
  );
  const face =
    place.group && !place.mine
      ? h("div", { class: "message-face" }, place.last && avatar(sender(message)))
      : null;
  return h("article", { class: classes(message, place), data, tabindex: "-1" }, face, body);
}

function classes(message, place) {
  const bare = message.sticker || message.dice;
  const flags = { mine: place.mine, first: place.first, last: place.last, bare };
  const on = Object.entries(flags).filter(([, value]) => value);
  return ["message", ...on.map(([name]) => `is-${name}`)].join(" ");
}

const sender = (message) => message.sender_chat ?? message.from ?? message.chat;

function serviceNode(message, words) {
  const data = { message: message.message_id };
  return h("article", { class: "service", data, tabindex: "-1" }, h("span", {}, words));
}

function bubble(message, place, verbs) {
  const words = message.text ?? message.caption;
  const entities = message.entities ?? message.caption_entities;
  const text = words
    ? h("div", { class: "words", dir: "auto" }, renderText(words, entities), smallPrint(message))
    : smallPrint(message);
  const parts = [heading(message, place), quote(message), attachments(message), text];
  const seen = reactions(message, verbs);
  const locked = message.has_protected_content ? " is-protected" : "";
  return h("div", { class: `bubble${locked}` }, parts, seen, handle(message, verbs));
}

/** What is attached; the parts of an album stand together. */
function attachments(message) {
  if (!message.album) return attachment(message);
  const part = (one) =>
    h("div", { class: "album-part", data: { message: one.message_id } }, attachment(one));
  const kind = message.document || message.audio ? "is-list" : "is-tiled";
  return h("div", { class: `album ${kind}` }, message.album.map(part));
}

/** Who wrote it, from where it was forwarded, through which bot. */
function heading(message, place) {
  const { forward_origin: origin, via_bot: via } = message;
  const small = (words) => h("div", { class: "origin" }, words);
  return [
    authorLine(message, place),
    origin && small(t("Forwarded from {name}", { name: originName(origin) })),
    via && small(t("via @{name}", { name: via.username })),
  ];
}

/** The name on the first of a row of messages; elsewhere only screen readers hear it. */
function authorLine(message, place) {
  const who = sender(message);
  if (place.mine) return h("span", { class: "unseen" }, t("You: "));
  const name = fullName(who);
  if (!place.group || !place.first) return h("span", { class: "unseen" }, `${name}: `);
  const hue = who.is_bot ? "" : `hue-${Math.abs(who.id) % 8}`;
  return h("div", { class: `author ${hue}` }, name);
}

function originName(origin) {
  const who = origin.sender_user ?? origin.sender_chat ?? origin.chat;
  return who ? fullName(who) : (origin.sender_user_name ?? "?");
}

function quote(message) {
  const original = message.reply_to_message;
  if (!original || original.forum_topic_created) return null;
  const props = { class: "reply-quote", type: "button", data: { jump: original.message_id } };
  return h(
    "button",
    props,
    h("b", {}, fullName(sender(original))),
    h("span", {}, message.quote?.text ?? summary(original)),
  );
}

function keyboard(message, verbs) {
  return inlineKeyboard(message, (button) => verbs.press(message, button));
}

/** The small button that opens what can be done with the message. */
function handle(message, verbs) {
  const open = (button) => verbs.menu(message, button);
  const extra = { class: "handle", "aria-haspopup": "menu" };
  return iconButton("more", t("What to do with this message"), open, extra);
}

/** What people and the bot reacted with, each emoji once with how many chose it. */
function reactions(message, verbs) {
  const counts = new Map();
  for (const { emoji } of message.reactions ?? []) counts.set(emoji, (counts.get(emoji) ?? 0) + 1);
  const chip = ([emoji, count]) => {
    const label = t("Reacted with {emoji}: {count}", { emoji, count });
    const on = { click: () => verbs.react(message, emoji) };
    const props = { class: "reaction", type: "button", "aria-label": label, on };
    return h("button", props, emoji, count > 1 && ` ${count}`);
  };
  return counts.size ? h("div", { class: "reactions" }, [...counts].map(chip)) : null;
}
