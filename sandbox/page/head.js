/** The head of the chat on show, and what an empty chat says. */

import { avatar, topicSign } from "./avatar.js";
import { $, h, narrow, reconcile } from "./dom.js";
import { iconButton } from "./icons.js";
import { go } from "./route.js";
import * as data from "./store.js";
import { topicsOf } from "./topics.js";
import { language, t } from "./words.js";

/** Bring the head up to date. `openChatMenu(anchor)` opens what can be done with the chat. */
export function renderHead(openChatMenu) {
  const bot = data.botFor(data.currentSpeaker());
  const group = data.currentGroup();
  const topic = group?.is_forum ? topicsOf(group, []).find(isOnShow) : null;
  const title = topic ? topic.name : data.fullName(group ?? bot);
  const typing = Boolean(data.surroundings().typing);
  const about = typing ? t("typing") : subtitle(group, topic);
  const build = () =>
    h(
      "div",
      { class: "head-row" },
      iconButton("back", t("Back"), () => goBack(group), { class: "icon-button back" }),
      topic ? topicSign(topic) : avatar(group ?? bot),
      h("div", { class: "head-words" }, h("h1", {}, title), line(about, typing)),
      iconButton("more", t("Chat menu"), openChatMenu, { "aria-haspopup": "menu" }),
    );
  const signature = JSON.stringify([language(), data.chatKey(), title, about]);
  reconcile($("#head"), [{ key: "head", signature, build }]);
}

const isOnShow = (topic) => topic.message_thread_id === data.store.route.topicId;

function line(about, typing) {
  const dots = typing ? [h("i"), h("i"), h("i")] : [];
  return h("p", { class: typing ? "typing" : "" }, about, dots);
}

function subtitle(group, topic) {
  if (topic) return topic.is_closed ? `${group.title} · ${t("closed")}` : group.title;
  if (group) return groupLine(group);
  const me = data.currentSpeaker();
  const code = me.language_code ? ` (${me.language_code})` : "";
  return t("You are {name}", { name: data.fullName(me) + code });
}

function groupLine({ members, bot }) {
  const count = members.length;
  const absent = ["left", "kicked"].includes(bot);
  return absent ? t("{count} members", { count }) : t("{count} members and the bot", { count });
}

const goBack = (group) =>
  go(group?.is_forum && narrow() ? { view: "topics", chatId: group.id } : { view: "home" });

/** In an empty chat with the bot: who it is and what it can do. */
export function renderIntroduction(messages) {
  const nothing = () => h("p", { class: "nothing" }, t("No messages yet"));
  const build = data.currentGroup() ? nothing : introduction;
  const signature = JSON.stringify([language(), data.chatKey(), data.store.bot]);
  reconcile($("#empty"), messages.length ? [] : [{ key: "empty", signature, build }]);
  $("#empty").hidden = messages.length > 0;
}

function introduction() {
  const me = data.currentSpeaker();
  const bot = data.botFor(me);
  const description = data.forLanguage(bot.descriptions, me.language_code);
  const words = description || t("Press Start to begin.");
  const name = h("h2", {}, data.fullName(bot));
  return h("div", { class: "introduction" }, avatar(bot, "is-large"), name, h("p", {}, words));
}
