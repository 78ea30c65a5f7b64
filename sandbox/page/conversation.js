/** The messages of the chat on show, and what can be done with each of them. */

import * as actions from "./actions.js";
import { $, coarsePointer, gliding, h, reconcile } from "./dom.js";
import { reveal } from "./entities.js";
import { renderIntroduction } from "./head.js";
import { openMenu } from "./menu.js";
import { messageNode } from "./message.js";
import { copy } from "./notices.js";
import * as store from "./store.js";
import { day, language, t } from "./words.js";

const PAGE = 150;
const NEAR_PX = 80;
const TOGETHER_SECONDS = 300;
const REACTIONS = ["👍", "👎", "❤", "🎉", "👀", "🙏", "😢", "🔥"];

/** `follows`: the newest message stays in sight until the person scrolls up. */
const view = { key: "", limit: PAGE, lastId: 0, follows: true };

/** Wire the parts of the chat that stay in place. */
export function setUpConversation() {
  const log = $("#log");
  log.addEventListener("click", onClick);
  log.addEventListener("keydown", onKey);
  log.addEventListener("contextmenu", onContextMenu);
  log.addEventListener("scroll", onScroll, { passive: true });
  // a picture has its height once it is loaded; the event does not bubble
  log.addEventListener("load", () => view.follows && toEnd(), { capture: true });
  new ResizeObserver(() => view.follows && toEnd()).observe(log);
  $("#jump").addEventListener("click", () => toEnd(gliding()));
}

/** Bring the chat up to date. */
export function renderConversation() {
  const { chatId, topicId } = store.store.route;
  const messages = store.messagesOf(chatId, topicId);
  const key = store.chatKey();
  const fresh = view.key !== key;
  if (fresh) Object.assign(view, { key, limit: PAGE, lastId: 0, follows: true });
  const log = $("#log");
  reconcile(log, items(messages));
  if (fresh) for (const node of log.children) node.classList.remove("is-new");
  scrollAlong(messages.at(-1));
  renderIntroduction(messages);
  store.markRead();
}

const isMine = (message) => message.from?.id === store.currentSpeaker()?.id;

/** What the log holds: lines between days, messages, a button for what is further up. */
function items(messages) {
  const shown = withAlbums(messages.slice(-view.limit));
  const list = messages.length > view.limit ? [earlier()] : [];
  shown.forEach((message, index) => {
    const before = shown[index - 1];
    const title = day(message.date);
    if (!before || day(before.date) !== title) list.push(dayLine(message, title));
    list.push(messageItem(message, place(before, message, shown[index + 1])));
  });
  return list;
}

/** The messages with each album as one, which has all of it in `album`. */
function withAlbums(messages) {
  const shown = [];
  for (const message of messages) {
    const { media_group_id: group } = message;
    const last = shown.at(-1);
    if (group && last?.media_group_id === group) shown.splice(-1, 1, joined(last, message));
    else shown.push(message);
  }
  return shown;
}

/** An album with one message more; its words are those of the first that has any. */
function joined(album, message) {
  const words = album.caption ? album : message;
  const { caption, caption_entities: entities } = words;
  return {
    ...album,
    caption,
    caption_entities: entities,
    album: [...(album.album ?? [album]), message],
  };
}

function earlier() {
  const more = () => {
    view.limit += PAGE;
    store.changed();
  };
  const button = () =>
    h(
      "button",
      { class: "earlier", type: "button", on: { click: more } },
      t("Show earlier messages"),
    );
  return { key: "earlier", signature: language(), build: button };
}

const dayLine = (message, title) => ({
  key: `day-${message.message_id}`,
  signature: title,
  build: () => h("div", { class: "day" }, h("span", {}, title)),
});

function place(before, message, after) {
  const together = (a, b) =>
    a &&
    b &&
    a.from?.id === b.from?.id &&
    Math.abs(b.date - a.date) < TOGETHER_SECONDS &&
    day(a.date) === day(b.date);
  return {
    mine: isMine(message),
    first: !together(before, message),
    last: !together(message, after),
    group: Boolean(store.currentGroup()),
  };
}

const verbs = { press: actions.press, menu: messageMenu, react: actions.react };

function messageItem(message, where) {
  const whole = withMarks(message);
  return {
    key: `message-${message.message_id}`,
    signature: JSON.stringify([language(), where, whole]),
    build: () => messageNode(whole, where, verbs),
  };
}

/** A message with the reactions to it, and whether it is pinned. */
function withMarks(message) {
  const { reactions = {}, pinned = [] } = store.surroundings();
  const ids = (message.album ?? [message]).map((one) => one.message_id);
  return {
    ...message,
    reactions: ids.flatMap((id) => reactions[id] ?? []),
    pinned: ids.some((id) => pinned.includes(id)),
  };
}

// ── where the log stands ────────────────────────────────────────────────────

function nearEnd() {
  const log = $("#log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
}

/** Keep the newest message in sight, unless the person reads further up. */
function scrollAlong(last) {
  const arrived = last && last.message_id > view.lastId;
  view.lastId = last?.message_id ?? 0;
  const own = arrived && isMine(last);
  if (!view.follows && !own) $("#jump").hidden = nearEnd();
  else toEnd();
  if (arrived && view.follows && !own) toBeginningOfLast();
}

/** A message taller than the window is read from its beginning. */
function toBeginningOfLast() {
  const log = $("#log");
  const node = log.lastElementChild;
  if (node.offsetHeight < log.clientHeight) return;
  node.scrollIntoView({ block: "start", behavior: "instant" });
  view.follows = false;
  $("#jump").hidden = false;
}

function toEnd(behavior = "instant") {
  const log = $("#log");
  view.follows = true;
  $("#jump").hidden = true;
  log.scrollTo({ top: log.scrollHeight, behavior });
}

function onScroll() {
  view.follows = nearEnd();
  $("#jump").hidden = view.follows;
}

// ── what is clicked in a message ────────────────────────────────────────────

function onClick(event) {
  const hit = (selector) => event.target.closest(selector);
  const spoiler = hit(".spoiler:not(.is-shown)");
  if (spoiler) {
    event.preventDefault();
    return reveal(spoiler);
  }
  const { command, mention, user, jump, link } =
    hit("[data-command], [data-mention], [data-user], [data-jump], [data-link]")?.dataset ?? {};
  if (command) return actions.send(command);
  if (mention) return actions.followLink(`t.me/${mention.slice(1)}`);
  if (user) return actions.followLink(`tg://user?id=${user}`);
  if (jump) return jumpTo(jump);
  if (link) {
    event.preventDefault();
    return actions.followLink(link);
  }
  const code = hit("code");
  if (!getSelection().isCollapsed) return undefined;
  if (code && !hit(".is-protected")) return copy(code.textContent);
  return coarsePointer() && hit(".bubble") && !hit("button") ? onContextMenu(event) : undefined;
}

function onKey(event) {
  if (!["Enter", " "].includes(event.key) || !event.target.matches(".spoiler:not(.is-shown)"))
    return;
  event.preventDefault();
  reveal(event.target);
}

function onContextMenu(event) {
  const node = event.target.closest(".message");
  if (!node || event.target.closest("a, .key")) return;
  const messages = store.messagesOf(store.store.route.chatId);
  const part = event.target.closest(".album-part") ?? node;
  const message = messages.find((one) => one.message_id === Number(part.dataset.message));
  event.preventDefault();
  messageMenu(withMarks(message), { x: event.clientX, y: event.clientY });
}

function jumpTo(messageId) {
  const node = $(`#log [data-message="${messageId}"]`);
  if (!node) return;
  node.scrollIntoView({ block: "center", behavior: gliding() });
  node.classList.remove("is-found");
  requestAnimationFrame(() => node.classList.add("is-found"));
}

function messageMenu(message, anchor) {
  const words = message.text ?? message.caption;
  const open = !message.has_protected_content;
  const mine = isMine(message);
  const editable = mine && message.text && !message.forward_origin && !message.via_bot;
  const item = (icon, label, act, danger) => ({ icon, words: label, act, danger });
  const group = store.currentGroup();
  const rules = !group || store.isAdmin(group, store.currentSpeaker());
  const pin = () => actions.setPinned(message, !message.pinned);
  openMenu(anchor, [
    item("reply", t("Reply"), () => write({ replyTo: message })),
    item("smile", t("React"), () => reactionMenu(message, anchor)),
    editable && item("edit", t("Edit"), () => write({ editing: message, text: message.text })),
    words && open && item("copy", t("Copy text"), () => copy(words)),
    open && item("forward", t("Forward"), () => actions.forward(message)),
    rules && item("pin", message.pinned ? t("Unpin") : t("Pin"), pin),
    (mine || rules) &&
      item("trash", t("Delete"), () => actions.remove(message), true),
  ]);
}

/** The reactions to choose from; one's own is taken back by choosing it again. */
function reactionMenu(message, anchor) {
  const item = (emoji) => ({ words: emoji, act: () => actions.react(message, emoji) });
  openMenu(anchor, REACTIONS.map(item), "is-emoji");
}

function write(change) {
  Object.assign(store.draft(), { replyTo: null, editing: null, wantsFocus: true }, change);
  store.changed();
}
