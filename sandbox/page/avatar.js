/** Avatars: the initials of a person, a group or the bot on a colour of their own. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { fullName } from "./store.js";

function initials(name) {
  const words = name
    .replace(/[^\p{L}\p{N} ]/gu, "")
    .split(/\s+/)
    .filter(Boolean);
  if (!words.length) return "?";
  if (/\p{Script=Han}/u.test(words[0])) return [...words[0]].slice(-2).join("");
  return words
    .slice(0, 2)
    .map((word) => [...word][0].toUpperCase())
    .join("");
}

/** The round picture of whoever `who` is: it has an id and a name or title. */
export function avatar(who, extra = "") {
  const look = who.is_bot ? "is-bot" : `hue-${Math.abs(who.id) % 8}`;
  const props = { class: `avatar ${look} ${extra}`, "aria-hidden": "true" };
  return h("span", props, who.is_bot ? icon("card") : initials(fullName(who)));
}

/** The sign of a forum's topic. */
export function topicSign(topic) {
  const hue = `hue-${Math.abs(topic.message_thread_id) % 8}`;
  return h("span", { class: `avatar is-topic ${hue}`, "aria-hidden": "true" }, icon("topic"));
}
