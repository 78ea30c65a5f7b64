/** What a person does in the page, from the click to the call and back. */

import * as api from "./api.js";
import { avatar } from "./avatar.js";
import { deepLink, mentionedUser, safeAddress } from "./links.js";
import { attempt, copy, toast } from "./notices.js";
import { go } from "./route.js";
import { alertSheet, chooseChatSheet, chooseSheet } from "./sheets.js";
import { paySheet } from "./pay.js";
import { changed, currentSpeaker, draft, loadChat, personById, store } from "./store.js";
import { t } from "./words.js";

/** Act as the speaker in the chat on show; the chat is read again after it. */
async function perform(verb, body = {}, chatId = store.route.chatId) {
  const speaker = currentSpeaker();
  const whole = { chat_id: chatId, ...body };
  const answer = await attempt(() => api.act(speaker.id, verb, whole));
  await attempt(() => loadChat(chatId));
  return answer;
}

/** Give the topic that a message goes into, where it is not the general one. */
const thread = (topicId = store.route.topicId) =>
  topicId > 1 ? { message_thread_id: topicId } : {};

/** Send what was written; gives whether it was taken. */
export async function send(text) {
  const { replyTo } = draft();
  const reply = replyTo ? { reply_to_message_id: replyTo.message_id } : {};
  return Boolean(await perform("send", { text, ...thread(), ...reply }));
}

export const edit = (message, text) =>
  perform("edit", { message_id: message.message_id, text }).then(Boolean);

/** React to a message; the reaction that is there already is taken back. */
export const react = (message, emoji) => {
  const me = currentSpeaker().id;
  const own = message.reactions?.some((one) => one.user_id === me && one.emoji === emoji);
  return perform("react", { message_id: message.message_id, emoji: own ? null : emoji });
};

export const setPinned = (message, pinned) =>
  perform(pinned ? "pin" : "unpin", { message_id: message.message_id });

export const sendAlbum = (caption) => {
  const kinds = ["photo", "photo", "video"];
  return perform("album", { kinds, ...(caption ? { caption } : {}), ...thread() });
};

export const sendMedia = (kind, caption) =>
  perform("media", { kind, ...(caption ? { caption } : {}), ...thread() });

/** Press Start, with the payload of a deep link where there is one. */
export async function start(payload) {
  const speaker = currentSpeaker() ?? store.people[0];
  go({ view: "chat", chatId: speaker.chat_id });
  await attempt(() => api.act(speaker.id, "start", payload ? { payload } : {}));
  await attempt(() => loadChat(speaker.chat_id));
}

export async function setBlocked(blocked) {
  const { id, chat_id: chatId } = currentSpeaker();
  const done = await attempt(() => api.act(id, blocked ? "block" : "unblock"));
  if (done) toast(blocked ? t("You blocked the bot") : t("The bot may write to you again"));
  await attempt(() => loadChat(chatId));
}

/** Do what a button under a message says. */
export async function press(message, button) {
  if (button.callback_data != null) return callback(message, button.callback_data);
  if (button.copy_text) return copy(button.copy_text.text);
  if (button.pay) return paySheet(message);
  if (button.switch_inline_query_current_chat != null) {
    if (message.is_topic_message && !store.options.inline_buttons_in_topics) {
      return toast(t("In a topic this button does nothing in most Telegram apps."));
    }
    return writeInline(button.switch_inline_query_current_chat);
  }
  if (button.switch_inline_query != null || button.switch_inline_query_chosen_chat) {
    return switchInline(
      button.switch_inline_query ?? button.switch_inline_query_chosen_chat.query ?? "",
    );
  }
  const address = button.url ?? button.login_url?.url ?? button.web_app?.url;
  return address ? followLink(address) : send(button.text);
}

async function callback(message, data) {
  const done = await perform("press", { message_id: message.message_id, data });
  if (!done) return;
  if (!done.answer) toast(t("The bot has not answered this press"));
  else if (done.answer.url) followLink(done.answer.url);
  else if (done.answer.text && done.answer.show_alert) alertSheet(done.answer.text);
  else if (done.answer.text) toast(done.answer.text);
}

/** Put an inline query to the bot into the composer. */
function writeInline(query) {
  Object.assign(draft(), { text: `@${store.bot.username} ${query}`, wantsFocus: true });
  changed();
}

async function switchInline(query) {
  const chat = await chooseChatSheet(t("Send to"), currentSpeaker());
  if (!chat) return;
  go({ view: "chat", ...chat });
  writeInline(query);
}

/** Follow a link: a deep link starts the bot, a person's link opens their chat. */
export function followLink(address) {
  const deep = deepLink(address, store.bot.username);
  if (deep?.payload != null) return start(deep.payload);
  const person = personById(mentionedUser(address));
  if (person) return go({ view: "chat", chatId: person.chat_id });
  if (deep) return go({ view: "chat", chatId: currentSpeaker().chat_id });
  const safe = safeAddress(address);
  if (!safe) return toast(t("This link cannot be opened here: {address}", { address }));
  return window.open(safe, "_blank", "noopener,noreferrer");
}

/** Open what was typed into the deep link field: a whole link, or only its payload. */
export function openDeepLink(text) {
  const words = text.trim();
  const deep = deepLink(words, store.bot.username);
  if (deep) return start(deep.payload);
  if (/^[\w-]{0,64}$/.test(words)) return start(words);
  return toast(t("That is no deep link to @{name}", { name: store.bot.username }), "problem");
}

/** Forward a message to another chat of the speaker. */
export async function forward(message) {
  const chat = await chooseChatSheet(t("Forward to"), currentSpeaker());
  if (!chat) return;
  const from = store.route.chatId;
  let done = true;
  for (const one of message.album ?? [message]) {
    const body = { message_id: one.message_id, from_chat_id: from };
    done &&= await perform("forward", { ...body, ...thread(chat.topicId ?? 1) }, chat.chatId);
  }
  if (done) go({ view: "chat", ...chat });
}

/** Choose a result of an inline query. */
export const choose = (queryId, resultId) =>
  perform("choose", { inline_query_id: queryId, result_id: resultId, ...thread() });

/** Press a key of the keyboard that stands in place of the letters. */
export const pressKey = (key) =>
  key.request_chat ? shareGroup(key) : perform("press_key", { text: key.text, ...thread() });

/** Let the speaker choose the group that a key asks for. */
async function shareGroup(key) {
  const { id, chat_id: chatId } = currentSpeaker();
  const groups = store.groups.filter((group) => group.members.includes(id));
  const choice = (group) => ({ picture: avatar(group), words: group.title, value: group.id });
  const groupId = await chooseSheet(key.text, groups.map(choice));
  if (!groupId) return;
  await attempt(() => api.act(id, "share_chat", { text: key.text, group_id: groupId }));
  await attempt(() => loadChat(chatId));
}

/** Delete a message, or all of an album. */
export async function remove(message) {
  for (const one of message.album ?? [message])
    await perform("delete", { message_id: one.message_id });
}
