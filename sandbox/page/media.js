/** Stand-ins for what a message carries beside text: photos, stickers, voice, contacts, … */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { fullName } from "./store.js";
import { clock, money, t } from "./words.js";

const WAVE = [5, 9, 14, 8, 17, 11, 6, 13, 18, 10, 7, 15, 9, 12, 6, 10, 16, 8, 5, 9, 12, 6];

const SMALLEST_PX = 8;

const seconds = (value = 0) => `${Math.floor(value / 60)}:${String(value % 60).padStart(2, "0")}`;

/** The stand-in for a message's attachment, or null. */
export function attachment(message) {
  const kind = Object.keys(BUILDERS).find((name) => message[name]);
  return kind ? BUILDERS[kind](message[kind], message) : null;
}

/** What a message is about in one line, for lists, quotes and screen readers. */
export function summary(message) {
  const words = message.text ?? message.caption;
  if (words) return withoutSpoilers(words, message).replace(/\s+/g, " ").slice(0, 120);
  return serviceText(message) ?? kindName(message);
}

/** The text with its spoilers covered: one line in a list must not give them away. */
function withoutSpoilers(text, message) {
  const entities = message.entities ?? message.caption_entities ?? [];
  const hidden = entities.filter(({ type }) => type === "spoiler");
  const cover = (words, { offset, length }) =>
    words.slice(0, offset) + "▒".repeat(length) + words.slice(offset + length);
  return hidden.reduce(cover, text);
}

function kindName(message) {
  const kind = Object.keys(NAMES()).find((name) => message[name]);
  if (kind === "sticker") return `${message.sticker.emoji ?? "🙂"} ${t("Sticker")}`;
  return kind ? NAMES()[kind] : t("Message");
}

const NAMES = () => ({
  photo: t("Photo"),
  sticker: t("Sticker"),
  voice: t("Voice message"),
  contact: t("Contact"),
  location: t("Location"),
  venue: t("Location"),
  poll: t("Poll"),
  dice: t("Dice"),
  invoice: t("Invoice"),
  animation: t("Animation"),
  video: t("Video"),
  video_note: t("Video"),
  audio: t("Audio"),
  document: t("File"),
});

function tile(iconName, label, note) {
  const words = h("span", { class: "tile-words" }, h("b", {}, label), note && h("small", {}, note));
  return h("div", { class: "tile" }, h("span", { class: "tile-icon" }, icon(iconName)), words);
}

const picture = (iconName, label) =>
  h("div", { class: "picture", role: "img", "aria-label": label }, icon(iconName));

/** A photo in its largest size; the stand-in where it is only a token pixel. */
function photo(sizes, message) {
  const { file_id: id, width, height } = sizes.at(-1);
  const address = `/sandbox/files/${encodeURIComponent(id)}`;
  const alt = message.caption ? summary(message) : t("Photo");
  const image = h("img", { class: "photo", alt, src: address, width, height });
  const standIn = () => image.replaceWith(picture("image", t("Photo")));
  image.addEventListener("load", () => image.naturalWidth < SMALLEST_PX && standIn());
  image.addEventListener("error", standIn);
  return image;
}

function voice(item) {
  const bars = WAVE.map((height) => h("i", { class: `bar bar-${height}` }));
  const wave = h("span", { class: "wave", "aria-hidden": "true" }, bars);
  const length = h("small", {}, seconds(item.duration));
  const label = { class: "tile", role: "img", "aria-label": t("Voice message") };
  return h("div", label, h("span", { class: "tile-icon" }, icon("play")), wave, length);
}

const bytes = (size) => (size ? `${Math.max(1, Math.round(size / 1024))} KB` : "");

const BUILDERS = {
  photo,
  sticker: (item) =>
    h("div", { class: "sticker", role: "img", "aria-label": t("Sticker") }, item.emoji ?? "🙂"),
  voice,
  animation: () => picture("play", t("Animation")),
  video: () => picture("play", t("Video")),
  video_note: () => picture("play", t("Video")),
  audio: (item) => tile("play", item.title ?? t("Audio"), seconds(item.duration)),
  document: (item) => tile("file", item.file_name ?? t("File"), bytes(item.file_size)),
  contact: (item) => tile("user", fullName(item), item.phone_number),
  venue: (item) => tile("place", item.title, item.address),
  location: (item) => tile("place", t("Location"), `${item.latitude}, ${item.longitude}`),
  dice: (item) => h("div", { class: "sticker" }, item.emoji ?? "🎲"),
  poll: (item) =>
    tile("menu", item.question, item.options.map((option) => option.text).join(" · ")),
  invoice,
};

function invoice(item) {
  return h(
    "div",
    { class: "invoice" },
    h("div", { class: "invoice-head" }, icon("card"), h("b", {}, item.title)),
    h("p", {}, item.description),
    h("div", { class: "invoice-sum" }, money(item.total_amount, item.currency)),
  );
}

const names = (people) => people.map(fullName).join(", ");

/** The line a service message shows ("Mei joined"), or null for an ordinary message. */
export function serviceText(message) {
  const kind = Object.keys(SERVICE).find((name) => message[name]);
  return kind ? SERVICE[kind](message[kind], message) : null;
}

const SERVICE = {
  new_chat_members: (people) => t("{names} joined the group", { names: names(people) }),
  left_chat_member: (person) => t("{name} left the group", { name: fullName(person) }),
  group_chat_created: () => t("The group was made"),
  supergroup_chat_created: () => t("The group was made"),
  new_chat_title: (title) => t("The group is now called {title}", { title }),
  forum_topic_created: (topic) => t("Topic opened: {name}", { name: topic.name }),
  forum_topic_edited: (topic) => t("The topic is now called {name}", { name: topic.name ?? "…" }),
  forum_topic_closed: () => t("The topic was closed"),
  forum_topic_reopened: () => t("The topic was opened again"),
  general_forum_topic_hidden: () => t("The general topic was hidden"),
  general_forum_topic_unhidden: () => t("The general topic is shown again"),
  chat_shared: (shared) => t("You shared a group: {title}", { title: shared.title ?? shared.chat_id }),
  pinned_message: (pinned) => t("Pinned: {words}", { words: summary(pinned) }),
  successful_payment: (paid) =>
    t("You paid {amount}", { amount: money(paid.total_amount, paid.currency) }),
  write_access_allowed: () => t("The bot may write here"),
};

/** The small print of a bubble: edited, protected, time. */
export function smallPrint(message) {
  const edited = message.edit_date ? h("span", {}, t("edited")) : null;
  const locked = message.has_protected_content
    ? h(
        "span",
        { role: "img", "aria-label": t("Protected: cannot be copied or forwarded") },
        icon("lock"),
      )
    : null;
  const pinned = message.pinned
    ? h("span", { role: "img", "aria-label": t("Pinned") }, icon("pin"))
    : null;
  return h("span", { class: "small-print" }, pinned, locked, edited, h("time", {}, clock(message.date)));
}
