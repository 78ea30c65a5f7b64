/** The page's dialogs: small forms and questions in a sheet over the chat. */

import { h } from "./dom.js";
import { avatar, topicSign } from "./avatar.js";
import { iconButton } from "./icons.js";
import { fullName, messagesOf, store } from "./store.js";
import { topicsOf } from "./topics.js";
import { t } from "./words.js";

const LANGUAGES = [
  ["en", "English"],
  ["zh-hant", "繁體中文"],
  ["zh-hans", "简体中文"],
  ["id", "Bahasa Indonesia"],
  ["vi", "Tiếng Việt"],
  ["fil", "Filipino"],
  ["th", "ไทย"],
  ["ja", "日本語"],
  ["fr", "Français"],
];

let count = 0;

/**
 * Open a sheet; gives a promise of what it was closed with (null: dismissed).
 *
 * @param {(close: (value: unknown) => void) => Node[]} build makes the content
 */
export function sheet(title, build) {
  const titleId = `sheet-${(count += 1)}`;
  const dialog = h("dialog", { class: "sheet", "aria-labelledby": titleId });
  let result = null;
  const close = (value) => {
    result = value;
    dialog.close();
  };
  const dismiss = iconButton("close", t("Close"), () => close(null));
  dialog.append(h("header", { class: "sheet-head" }, h("h2", { id: titleId }, title), dismiss));
  dialog.append(...build(close));
  dialog.addEventListener("click", (event) => event.target === dialog && close(null));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
  });
}

/** A field with its label, and a hint where it needs one. */
function field(label, control, hint) {
  control.id = `field-${(count += 1)}`;
  const note = hint && h("small", { id: `${control.id}-hint` }, hint);
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

const input = (name, props = {}) =>
  h("input", { name, type: "text", autocomplete: "off", maxlength: "64", ...props });

function tick(name, label, checked, value = "on") {
  const box = h("input", { type: "checkbox", name, checked, value });
  return h("label", { class: "tick" }, box, h("span", {}, label));
}

/** A form in a sheet; gives its FormData, or null when dismissed. */
function formSheet(title, submit, fields) {
  return sheet(title, (close) => {
    const done = (event) => {
      event.preventDefault();
      close(new FormData(form));
    };
    const button = h("button", { class: "primary", type: "submit" }, submit);
    const form = h("form", { class: "sheet-body", on: { submit: done } }, fields, button);
    return [form];
  });
}

const optional = (form, names) =>
  Object.fromEntries(
    names.map((name) => [name, form.get(name).trim()]).filter(([, value]) => value),
  );

/** Ask for a new person. */
export async function personSheet() {
  const option = ([code, name]) => h("option", { value: code }, `${name} (${code})`);
  const form = await formSheet(t("Add a person"), t("Add"), [
    field(t("First name"), input("first_name", { required: true, autofocus: true })),
    field(t("Last name (optional)"), input("last_name")),
    field(t("Username (optional)"), input("username", { pattern: "[A-Za-z][A-Za-z0-9_]{3,31}" })),
    field(
      t("Language of their Telegram"),
      h(
        "select",
        { name: "language_code" },
        LANGUAGES.map(option),
        h("option", { value: "" }, t("Not told")),
      ),
    ),
  ]);
  return form && optional(form, ["first_name", "last_name", "username", "language_code"]);
}

/** Ask for a new group. */
export async function groupSheet() {
  const member = (person) => tick("members", fullName(person), true, String(person.id));
  const form = await formSheet(t("New group"), t("Make the group"), [
    field(t("Title"), input("title", { required: true, autofocus: true })),
    h("fieldset", {}, h("legend", {}, t("Members")), store.people.map(member)),
    tick("is_forum", t("With topics"), false),
    tick("bot_is_admin", t("The bot is an administrator (it then reads every message)"), true),
  ]);
  if (!form) return null;
  return {
    title: form.get("title").trim(),
    members: form.getAll("members").map(Number),
    is_forum: form.has("is_forum"),
    bot_is_admin: form.has("bot_is_admin"),
  };
}

/** Ask for one line of text. */
export async function lineSheet(title, label, submit, { hint, ...props } = {}) {
  const control = input("line", { required: true, autofocus: true, maxlength: "200", ...props });
  const form = await formSheet(title, submit, [field(label, control, hint)]);
  return form && form.get("line").trim();
}

/** Show an alert of the bot until it is acknowledged. */
export function alertSheet(words) {
  return sheet(fullName(store.bot), (close) => [
    h("p", { class: "sheet-body alert-words" }, words),
    h(
      "button",
      { class: "primary", type: "button", autofocus: true, on: { click: () => close(true) } },
      t("OK"),
    ),
  ]);
}

/** Let one of several be chosen: `choices` have a picture, words and a value. */
export function chooseSheet(title, choices) {
  return sheet(title, (close) => {
    const choice = ({ picture, words, value }) =>
      h(
        "button",
        { class: "choice", type: "button", on: { click: () => close(value) } },
        picture,
        h("span", {}, words),
      );
    return [h("div", { class: "sheet-body choices" }, choices.map(choice))];
  });
}

/** Let the speaker choose one of their chats; gives `{chatId, topicId}` or null. */
export function chooseChatSheet(title, speaker) {
  const own = {
    picture: avatar(store.bot),
    words: fullName(store.bot),
    value: { chatId: speaker.chat_id },
  };
  const groups = store.groups.filter((group) => group.members.includes(speaker.id));
  return chooseSheet(title, [own, ...groups.flatMap(groupChoices)]);
}

function groupChoices(group) {
  if (!group.is_forum)
    return [{ picture: avatar(group), words: group.title, value: { chatId: group.id } }];
  const choice = (topic) => ({
    picture: topicSign(topic),
    words: `${group.title} › ${topic.name}`,
    value: { chatId: group.id, topicId: topic.message_thread_id },
  });
  return topicsOf(group, messagesOf(group.id)).map(choice);
}
