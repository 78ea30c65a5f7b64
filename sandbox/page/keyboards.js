/** The buttons under a message, and the reply keyboard under the composer. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const MARKS = [
  ["url", "out"],
  ["login_url", "out"],
  ["web_app", "out"],
  ["copy_text", "copy"],
  ["pay", "card"],
  ["switch_inline_query", "share"],
  ["switch_inline_query_current_chat", "slash"],
  ["switch_inline_query_chosen_chat", "share"],
];

/** The keyboard under a message; `onPress(button)` does what the button says. */
export function inlineKeyboard(message, onPress) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  const build = (button) => keyButton(button, onPress);
  const row = (buttons) => h("div", { class: "keys-row" }, buttons.map(build));
  return h("div", { class: "keys" }, rows.map(row));
}

function keyButton(button, onPress) {
  const mark = MARKS.find(([name]) => button[name] != null);
  const press = async () => {
    if (node.getAttribute("aria-busy") === "true") return;
    node.setAttribute("aria-busy", "true");
    await onPress(button).finally(() => node.removeAttribute("aria-busy"));
  };
  const props = {
    class: button.style ? `key is-${button.style}` : "key",
    type: "button",
    data: { focus: button.callback_data ?? button.text },
    on: { click: press },
  };
  const node = h("button", props, h("span", {}, button.text), mark && icon(mark[1], "key-mark"));
  return node;
}

/** The reply keyboard; `onPress(button)` sends what the button says. */
export function replyKeyboard(rows, onPress) {
  const build = (button) => {
    const press = { click: () => onPress(button) };
    return h("button", { class: "reply-key", type: "button", on: press }, button.text);
  };
  return rows.map((row) => h("div", { class: "keys-row" }, row.map(build)));
}
