/** The list at the side: people and groups, or the topics of a forum. */

import { avatar, topicSign } from "./avatar.js";
import { $, h, reconcile } from "./dom.js";
import { iconButton } from "./icons.js";
import { serviceText, summary } from "./media.js";
import { go } from "./route.js";
import { fullName, groupById, messagesOf, personById, store, unread } from "./store.js";
import { lastOf, topicsOf } from "./topics.js";
import { language, shortTime, t } from "./words.js";

/** Bring the list up to date. `verbs` are what its buttons do. */
export function renderSidebar(verbs) {
  const { route } = store;
  const forum = groupById(route.chatId)?.is_forum ? groupById(route.chatId) : null;
  const items = forum ? topicItems(forum, verbs) : homeItems(verbs);
  $("#side-list").setAttribute("aria-label", forum ? forum.title : t("Chats"));
  reconcile($("#side-list"), items);
}

function homeItems(verbs) {
  const people = store.people.map(personItem);
  const groups = store.groups.map(groupItem);
  return [
    heading("people", t("People"), t("Add a person"), verbs.addPerson),
    ...(people.length ? people : nobody(verbs)),
    heading("groups", t("Groups"), t("New group"), verbs.addGroup),
    ...(groups.length ? groups : [hint(t("No groups yet."))]),
  ];
}

function nobody(verbs) {
  const words = t("Nobody yet. Add a person to talk to the bot as them.");
  const props = { class: "primary is-wide", type: "button", on: { click: verbs.addPerson } };
  const build = () => h("button", props, t("Add a person"));
  return [hint(words), { key: "first", signature: language(), build }];
}

function topicItems(group, verbs) {
  const messages = messagesOf(group.id);
  return [
    topicsHead(group, verbs),
    heading("topics", t("Topics"), t("New topic"), () => verbs.addTopic(group)),
    ...topicsOf(group, messages).map((topic) => topicItem(group, topic, lastOf(messages, topic))),
  ];
}

function heading(key, words, label, act) {
  const build = () =>
    h("div", { class: "side-heading" }, h("h2", {}, words), iconButton("plus", label, act));
  return { key: `heading-${key}`, signature: language(), build };
}

const hint = (words) => ({
  key: `hint-${words}`,
  signature: words,
  build: () => h("p", { class: "hint" }, words),
});

function topicsHead(group, verbs) {
  const back = () => iconButton("back", t("All chats"), () => go({ view: "home" }));
  const more = () =>
    iconButton("more", t("Group menu"), verbs.chatMenu, { "aria-haspopup": "menu" });
  const build = () =>
    h("div", { class: "topics-head" }, back(), avatar(group), h("b", {}, group.title), more());
  return { key: "topics-head", signature: `${language()} ${group.id} ${group.title}`, build };
}

/** A row that leads to a chat: picture, name, chip, last message, how many are new. */
function chatRow({ key, picture, name, chip, last, who, count, current, route, dimmed }) {
  const words = last ? summary(last) : t("No messages yet");
  const shown = [language(), name, chip, words, who, count, current, dimmed, last?.date];
  const top = () => [
    h("b", {}, name),
    chip && h("small", { class: "chip" }, chip),
    last && h("time", {}, shortTime(last.date)),
  ];
  const preview = () => h("span", { class: "preview" }, who && h("i", {}, who), words);
  const build = () => {
    const lines = [top(), [preview(), count > 0 && badge(count)]];
    return listRow({ key, picture: picture(), lines, current, dimmed, open: () => go(route) });
  };
  return { key, signature: JSON.stringify(shown), build };
}

/** A row of the list: a button with a picture and two lines. */
export function listRow({ key, picture, lines, current, dimmed, open }) {
  const props = {
    class: dimmed ? "row is-dimmed" : "row",
    type: "button",
    "aria-current": current ? "true" : null,
    data: { focus: key },
    on: { click: open },
  };
  const words = lines.map((line) => h("span", { class: "row-line" }, line));
  return h("button", props, picture, h("span", { class: "row-words" }, words));
}

const badge = (count) =>
  h(
    "span",
    { class: "badge", "aria-label": t("New messages: {count}", { count }) },
    count > 99 ? "99+" : String(count),
  );

function personItem(person) {
  const last = messagesOf(person.chat_id).at(-1);
  return chatRow({
    key: `person-${person.id}`,
    picture: () => avatar(person),
    name: fullName(person),
    chip: person.has_blocked ? t("blocked") : person.language_code,
    last,
    who: last?.from?.id === person.id ? t("You: ") : "",
    count: unread(person.chat_id),
    current: store.route.chatId === person.chat_id,
    route: { view: "chat", chatId: person.chat_id },
    dimmed: person.has_blocked,
  });
}

const author = (message) =>
  message?.from && !serviceText(message)
    ? `${personById(message.from.id)?.first_name ?? fullName(message.from)}: `
    : "";

function groupItem(group) {
  const last = messagesOf(group.id).at(-1);
  return chatRow({
    key: `group-${group.id}`,
    picture: () => avatar(group),
    name: group.title,
    chip: group.is_forum ? t("topics") : "",
    last,
    who: author(last),
    count: group.is_forum ? 0 : unread(group.id),
    current: store.route.chatId === group.id,
    route: { view: "chat", chatId: group.id },
  });
}

function topicItem(group, topic, last) {
  return chatRow({
    key: `topic-${topic.message_thread_id}`,
    picture: () => topicSign(topic),
    name: topic.name,
    chip: topic.is_closed ? t("closed") : "",
    last,
    who: author(last),
    count: unread(group.id, topic.message_thread_id),
    current: store.route.topicId === topic.message_thread_id,
    route: { view: "chat", chatId: group.id, topicId: topic.message_thread_id },
    dimmed: topic.is_closed,
  });
}
