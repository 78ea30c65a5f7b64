/** What is offered while writing: the bot's commands, its name, the results of inline queries. */

import * as actions from "./actions.js";
import * as api from "./api.js";
import { avatar } from "./avatar.js";
import { $, h } from "./dom.js";
import { attempt } from "./notices.js";
import { changed, currentGroup, currentSpeaker, draft, store, surroundings } from "./store.js";
import { t } from "./words.js";

const TYPING_PAUSE_MS = 200;

const offer = { text: "", items: [], active: -1, serial: 0, timer: 0 };

/** Look at what is written now and offer what fits. */
export function suggestFor(text) {
  if (text === offer.text) return;
  clearTimeout(offer.timer);
  Object.assign(offer, { text, serial: offer.serial + 1 });
  const inline = inlineQuery(text);
  if (inline == null) return show(commandItems(text) ?? nameItems(text) ?? [], 0);
  offer.timer = setTimeout(() => ask(inline, ""), TYPING_PAUSE_MS);
  if (!offer.items.some((item) => item.inline)) show([]);
}

/** Offer every command of the bot, as the button beside the composer does. */
export function suggestCommands() {
  if (offer.items.length) return show([]);
  show(commandItems("/"), 0);
}

/** The composer was left: nothing is offered until it is written in again. */
export function stopSuggesting() {
  clearTimeout(offer.timer);
  Object.assign(offer, { text: null, serial: offer.serial + 1 });
  show([]);
}

/** Handle a key of the composer; gives whether it was for the offer. */
export function suggestKey(event) {
  if (!offer.items.length) return false;
  if (event.key === "Escape") show([]);
  else if (event.key === "ArrowDown") activate(offer.active + 1);
  else if (event.key === "ArrowUp") activate(offer.active - 1);
  else if (event.key === "Enter" && offer.active >= 0) offer.items[offer.active].act();
  else return false;
  event.preventDefault();
  return true;
}

function inlineQuery(text) {
  const name = `@${store.bot.username} `;
  return text.toLowerCase().startsWith(name.toLowerCase()) ? text.slice(name.length) : null;
}

function commandItems(text) {
  if (!/^\/[a-z0-9_]*$/i.test(text)) return null;
  const known = surroundings().commands ?? [];
  const fitting = known.filter(({ command }) => `/${command}`.startsWith(text.toLowerCase()));
  const whole = (command) => (currentGroup() ? `/${command}@${store.bot.username}` : `/${command}`);
  return fitting.map(({ command, description }) => ({
    title: `/${command}`,
    note: description,
    act: () => finish(() => actions.send(whole(command))),
  }));
}

function nameItems(text) {
  const name = `@${store.bot.username}`;
  if (!/^@\w*$/.test(text) || !name.toLowerCase().startsWith(text.toLowerCase())) return null;
  const write = () => {
    Object.assign(draft(), { text: `${name} `, wantsFocus: true });
    changed();
  };
  return [
    {
      title: name,
      note: t("Search the answers of the bot from here"),
      picture: avatar(store.bot),
      act: write,
    },
  ];
}

// ── inline queries ──────────────────────────────────────────────────────────

async function ask(query, offset) {
  const { serial } = offer;
  const { chatId } = store.route;
  const body = { query, offset, chat_id: chatId };
  const answer = await attempt(() => api.act(currentSpeaker().id, "inline", body));
  if (serial !== offer.serial || !answer) return;
  const id = answer.inline_query_id;
  const results = (answer.results ?? []).map((result) => resultItem(id, result));
  const before = offset ? offer.items.filter((item) => !item.more) : [switchItem(answer.button)];
  const more = answer.next_offset ? [moreItem(query, answer.next_offset)] : [];
  const items = [...before, ...results, ...more].filter(Boolean);
  show(items.length ? items : [{ title: t("Nothing found"), inline: true, act: () => {} }]);
}

function resultItem(queryId, result) {
  const words = result.content?.text ?? "";
  return {
    inline: true,
    title: result.title ?? words,
    note: result.description ?? words.slice(0, 120),
    act: () => finish(() => actions.choose(queryId, result.id)),
  };
}

function switchItem(button) {
  if (!button) return null;
  return {
    inline: true,
    title: button.text,
    act: () => finish(() => actions.start(button.start_parameter)),
  };
}

const moreItem = (query, offset) => ({
  inline: true,
  more: true,
  title: t("More results"),
  act: () => ask(query, offset),
});

/** Something was chosen: the composer is emptied, then it is done. */
function finish(work) {
  Object.assign(draft(), { text: "", wantsFocus: true });
  show([]);
  changed();
  return work();
}

// ── the list ────────────────────────────────────────────────────────────────

/** Show what is offered; `first` is what Enter takes at once, -1: Enter sends the text. */
function show(items, first = -1) {
  Object.assign(offer, { items, active: -1 });
  const list = $("#suggestions");
  list.replaceChildren(...items.map(row));
  list.hidden = !items.length;
  const input = $("#composer-text");
  input.setAttribute("aria-expanded", String(items.length > 0));
  input.removeAttribute("aria-activedescendant");
  if (items.length && first >= 0) activate(first);
}

function row(item, index) {
  const words = h(
    "span",
    { class: "row-words" },
    h("b", {}, item.title),
    item.note && h("small", {}, item.note),
  );
  const props = {
    id: `suggestion-${index}`,
    class: "suggestion",
    role: "option",
    "aria-selected": "false",
    on: { click: () => item.act(), mousedown: (event) => event.preventDefault() },
  };
  return h("li", props, item.picture, words);
}

function activate(index) {
  const rows = [...$("#suggestions").children];
  offer.active = (index + rows.length) % rows.length;
  rows.forEach((node, at) => node.setAttribute("aria-selected", String(at === offer.active)));
  rows[offer.active].scrollIntoView({ block: "nearest" });
  $("#composer-text").setAttribute("aria-activedescendant", rows[offer.active].id);
}
