/** Where one writes: text, replies and edits, attachments, the bot's keyboards. */

import * as actions from "./actions.js";
import { $, coarsePointer, h, reconcile } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { replyKeyboard } from "./keyboards.js";
import { summary } from "./media.js";
import { openMenu } from "./menu.js";
import * as store from "./store.js";
import { stopSuggesting, suggestCommands, suggestFor, suggestKey } from "./suggest.js";
import { language, t } from "./words.js";

const ONE_MESSAGE = 4096;
const TALLEST_PX = 180;

/** Wire the parts of the composer that stay in place. */
export function setUpComposer() {
  const input = $("#composer-text");
  $("#attach").append(icon("clip"));
  $("#send").append(icon("send"));
  input.addEventListener("input", () => {
    store.draft().text = input.value;
    store.changed();
  });
  input.addEventListener("keydown", onKey);
  input.addEventListener("blur", stopSuggesting);
  input.addEventListener("focus", () => suggestFor(store.draft().text));
  $("#composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  // The button must not take the focus: leaving the text would close what it opens.
  $("#commands").addEventListener("mousedown", (event) => event.preventDefault());
  $("#commands").addEventListener("click", () => {
    input.focus();
    suggestCommands();
  });
  $("#attach").addEventListener("click", (event) => openMenu(event.currentTarget, attachments()));
  $("#speaker").addEventListener("change", (event) => {
    store.store.speakers.set(store.store.route.chatId, Number(event.target.value));
    store.changed();
  });
}

function onKey(event) {
  if (event.isComposing) return;
  if (suggestKey(event)) return;
  if (event.key === "Escape") return drop();
  if (event.key !== "Enter" || event.shiftKey || coarsePointer()) return;
  event.preventDefault();
  submit();
}

/** Leave the reply or the edit. */
function drop() {
  const draft = store.draft();
  Object.assign(draft, { replyTo: null, editing: null, text: draft.editing ? "" : draft.text });
  store.changed();
}

async function submit() {
  const draft = store.draft();
  const { text, editing, replyTo } = draft;
  if (!text.trim()) return;
  const done = editing ? actions.edit(editing, text.trim()) : actions.send(text.trim());
  Object.assign(draft, { text: "", editing: null, replyTo: null, wantsFocus: true });
  store.changed();
  if (await done) return;
  // What was not taken goes back where it can be corrected.
  if (!draft.text) Object.assign(draft, { text, editing, replyTo });
  store.changed();
}

function attachments() {
  const item = (kind, sign, words) => ({ icon: sign, words, act: () => attach(kind) });
  return [
    item("photo", "image", t("Photo")),
    { icon: "copy", words: t("Album of three"), act: attachAlbum },
    item("sticker", "smile", t("Sticker")),
    item("voice", "mic", t("Voice message")),
    item("contact", "user", t("Contact")),
    item("document", "file", t("File")),
    item("location", "place", t("Location")),
  ];
}

function attach(kind) {
  const draft = store.draft();
  const caption = ["photo", "document", "voice"].includes(kind) ? draft.text.trim() : "";
  if (caption) draft.text = "";
  store.changed();
  return actions.sendMedia(kind, caption);
}

function attachAlbum() {
  const draft = store.draft();
  const caption = draft.text.trim();
  draft.text = "";
  store.changed();
  return actions.sendAlbum(caption);
}

/** Bring the composer up to date with the chat on show. */
export function renderComposer() {
  const { route } = store.store;
  const draft = store.draft();
  const messages = store.messagesOf(route.chatId, route.topicId);
  const me = store.currentSpeaker();
  const { keyboard } = store.surroundings();
  if (keyboard?.force_reply) forceReply(messages.at(-1), draft);
  gate(messages, me);
  banner(draft);
  writing(draft, keyboard);
  speakerChoice(me);
  reconcile($("#reply-keyboard"), keyboardItems(keyboard));
  $("#reply-keyboard").hidden = !keyboard?.keyboard;
}

/** A message of the bot that forces a reply is quoted once, as if one had chosen Reply. */
function forceReply(last, draft) {
  if (last?.from.id !== store.store.bot.id || draft.forced === last.message_id) return;
  Object.assign(draft, { replyTo: last, forced: last.message_id });
}

/** Before the first message there is only Start, for a blocked bot only Unblock. */
function gate(messages, me) {
  const group = store.currentGroup();
  const blocked = !group && me?.has_blocked;
  const waiting = !group && !messages.length;
  const gated = blocked || waiting;
  $("#composer").hidden = gated;
  const words = blocked ? t("Unblock the bot") : t("Start");
  const act = blocked ? () => actions.setBlocked(false) : () => actions.start();
  const build = () =>
    h("button", { class: "primary is-wide", type: "button", on: { click: act } }, words);
  const signature = `${store.chatKey()} ${words}`;
  reconcile($("#gate"), gated ? [{ key: "gate", signature, build }] : []);
}

/** What is replied to or edited, above the text. */
function banner({ replyTo, editing }) {
  const about = editing ?? replyTo;
  const build = () => {
    const name = () => store.fullName(about.from);
    const title = editing ? t("Edit message") : t("Reply to {name}", { name: name() });
    const lines = [h("b", {}, title), h("span", {}, summary(about))];
    const sign = icon(editing ? "edit" : "reply");
    const cancel = iconButton("close", t("Cancel"), drop);
    return h("div", { class: "banner" }, sign, h("div", { class: "banner-words" }, lines), cancel);
  };
  const signature = `${language()} ${Boolean(editing)} ${about?.message_id}`;
  reconcile($("#banner"), about ? [{ key: "banner", signature, build }] : []);
}

function writing(draft, keyboard) {
  const input = $("#composer-text");
  if (input.value !== draft.text) input.value = draft.text;
  if (draft.wantsFocus) {
    draft.wantsFocus = false;
    input.focus();
  }
  // Before the height is measured: without the button the text has more room.
  $("#commands").hidden = Boolean(store.currentGroup() || draft.text);
  input.placeholder = keyboard?.input_field_placeholder ?? t("Write a message");
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, TALLEST_PX)}px`;
  $("#send").disabled = !draft.text.trim();
  const parts = Math.ceil(draft.text.length / ONE_MESSAGE);
  $("#length").textContent =
    parts > 1
      ? t("{length} characters: will be sent as {parts} messages", {
          length: draft.text.length,
          parts,
        })
      : "";
  if (document.activeElement === input) suggestFor(draft.text);
}

/** In a group: who one writes as. */
function speakerChoice(me) {
  const group = store.currentGroup();
  const select = $("#speaker");
  $("#speaker-row").hidden = !group;
  if (!group) return;
  const members = group.members.map(store.personById).filter(Boolean);
  const item = (person) => ({
    key: String(person.id),
    signature: store.fullName(person),
    build: () => h("option", { value: String(person.id) }, store.fullName(person)),
  });
  reconcile(select, members.map(item));
  select.value = String(me?.id ?? "");
}

function keyboardItems(keyboard) {
  if (!keyboard?.keyboard) return [];
  const build = () => h("div", {}, replyKeyboard(keyboard.keyboard, actions.pressKey));
  return [{ key: "keyboard", signature: JSON.stringify(keyboard.keyboard), build }];
}
