/** What the page knows: the bot, people, groups, mails, transcripts, and what is on show. */

import * as api from "./api.js";

const LAST_READ = "kaika.page.read";

export const store = {
  bot: null,
  people: [],
  groups: [],
  mails: [],
  /** What is switched on: `flood_limits`, `inline_buttons_in_topics`, … */
  options: {},
  /** Chat id → `{version, messages, typing, keyboard, commands, …}` as last read. */
  transcripts: new Map(),
  /** What is on show: `{view: "home" | "chat" | "topics" | "mails", chatId, topicId, mailId}`. */
  route: { view: "home" },
  /** Chat key → what is being written there: `{text, replyTo, editing}`. */
  drafts: new Map(),
  /** Group id → the person one speaks as. */
  speakers: new Map(),
  /** The chat that was on show last, to come back to from the mails. */
  lastChat: null,
  /** The server's version when `loadState` last read it. */
  version: 0,
  online: true,
};

const listeners = new Set();
let announced = false;

/** Call `listener` once after each batch of changes. */
export const subscribe = (listener) => listeners.add(listener);

/** Say that something in the store changed. */
export function changed() {
  if (announced) return;
  announced = true;
  queueMicrotask(() => {
    announced = false;
    for (const listener of listeners) listener();
  });
}

export const personById = (id) => store.people.find((person) => person.id === id);
export const groupById = (id) => store.groups.find((group) => group.id === id);

/** A name as its owner writes it: Chinese ones begin with the family name, without a space. */
export function fullName(who) {
  const names = [who.first_name, who.last_name].filter(Boolean);
  const chinese = names.length > 1 && names.every((name) => /^\p{Script=Han}+$/u.test(name));
  return who.title || (chinese ? names.reverse().join("") : names.join(" ")) || who.username || "?";
}

/** The entry of a language: exactly its code, else its first part, else the one for all. */
export const forLanguage = (entries, code = "") =>
  entries[code] ?? entries[code.split("-")[0]] ?? entries[""];

/** The bot as somebody sees it: its name in their language. */
export function botFor(person) {
  const name = forLanguage(store.bot.names, person?.language_code);
  return { ...store.bot, first_name: name };
}

/** The group on show, if any. */
export const currentGroup = () => groupById(store.route.chatId);

/** The person one acts as in a chat: its owner, or in a group the chosen member. */
export function speakerIn(chatId) {
  const group = groupById(chatId);
  if (!group) return store.people.find((person) => person.chat_id === chatId);
  const chosen = personById(store.speakers.get(chatId));
  return chosen && group.members.includes(chosen.id) ? chosen : personById(group.members[0]);
}

/** Whether somebody owns or administers a group. */
export const isAdmin = (group, person) =>
  ["creator", "administrator"].includes(group.standing.get(person?.id)?.status);

export const currentSpeaker = () => speakerIn(store.route.chatId);
export const chatKey = (route = store.route) => `${route.chatId}:${route.topicId ?? ""}`;

/** What is being written in the chat on show. */
export function draft() {
  const key = chatKey();
  if (!store.drafts.has(key)) store.drafts.set(key, { text: "", replyTo: null, editing: null });
  return store.drafts.get(key);
}

/** What stands around the messages of the chat on show: keyboard, commands, typing. */
export const surroundings = () => store.transcripts.get(store.route.chatId) ?? {};

/** The messages of a chat, of one topic where a topic is given. */
export function messagesOf(chatId, topicId) {
  const all = store.transcripts.get(chatId)?.messages ?? [];
  if (topicId == null) return all;
  return all.filter((message) => topicOf(message) === topicId);
}

/** The topic a message belongs to; 1 is the general topic, as in Telegram. */
export const topicOf = (message) => (message.is_topic_message ? message.message_thread_id : 1);

/** Read who is there: the bot, the people, the groups. */
export async function loadState() {
  const state = await api.readState();
  store.version = state.version;
  store.bot = state.bot;
  store.people = state.people;
  store.groups = state.groups.map(withMembers);
  store.options = state.options;
  changed();
}

/** A group with the ids of the people in it now, how each stands, and what the bot is there. */
function withMembers(group) {
  const here = group.members.filter(({ status }) => !["left", "kicked"].includes(status));
  const bot = group.members.find(({ id }) => id === store.bot.id)?.status ?? "left";
  const members = here.map(({ id }) => id).filter((id) => id !== store.bot.id);
  const standing = new Map(group.members.map((member) => [member.id, member]));
  return { ...group, members, standing, bot };
}

/** Read a chat again; an answer older than what is known is dropped. */
export async function loadChat(chatId) {
  const reader = speakerIn(chatId);
  if (!reader) return;
  const fresh = await api.readTranscript(reader.id, chatId);
  const known = store.transcripts.get(chatId);
  if (known && known.version > fresh.version) return;
  store.transcripts.set(chatId, fresh);
  changed();
}

export async function loadMails() {
  store.mails = await api.readMails();
  changed();
}

/** Read everything: at the start, and when the line to the server is back. */
export async function loadAll() {
  await Promise.all([loadState(), loadMails()]);
  const chats = [...store.people.map((person) => person.chat_id), ...store.groups.map((g) => g.id)];
  await Promise.all(chats.map(loadChat));
}

const readMarks = () => JSON.parse(localStorage.getItem(LAST_READ) ?? "{}");

/** How many messages of the bot came since the chat was last on show. */
export function unread(chatId, topicId) {
  const mark = readMarks()[chatKey({ chatId, topicId })] ?? 0;
  const fresh = (message) => message.message_id > mark && message.from?.id === store.bot.id;
  return messagesOf(chatId, topicId).filter(fresh).length;
}

/** Remember that the chat on show was seen up to its last message. */
export function markRead() {
  const last = messagesOf(store.route.chatId, store.route.topicId).at(-1);
  if (!last) return;
  const marks = readMarks();
  const key = chatKey();
  if (marks[key] === last.message_id) return;
  localStorage.setItem(LAST_READ, JSON.stringify({ ...marks, [key]: last.message_id }));
}
