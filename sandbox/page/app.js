/** The page's beginning: wires its parts, listens to the server, draws what changed. */

import * as actions from "./actions.js";
import * as api from "./api.js";
import { renderComposer, setUpComposer } from "./composer.js";
import { renderConversation, setUpConversation } from "./conversation.js";
import { $, narrow } from "./dom.js";
import { followEvents } from "./events.js";
import { addTopic, groupItems } from "./groups.js";
import { renderHead } from "./head.js";
import { renderMail, renderMailList } from "./mails.js";
import { openMenu } from "./menu.js";
import { attempt, problem } from "./notices.js";
import { follow, go } from "./route.js";
import { groupSheet, lineSheet, personSheet } from "./sheets.js";
import { renderSidebar } from "./sidebar.js";
import * as data from "./store.js";
import { nameTheme, setUpTheme } from "./theme.js";
import { firstLanguage, otherLanguage, speak, t } from "./words.js";

const { store } = data;

// ── what the side's buttons and the chat's menu do ──────────────────────────

const verbs = { addPerson, addGroup, addTopic, chatMenu };

async function addPerson() {
  const form = await personSheet();
  const person = form && (await attempt(() => api.addPerson(form)));
  if (!person) return;
  await data.loadState();
  go({ view: "chat", chatId: person.chat_id });
}

async function addGroup() {
  const form = await groupSheet();
  const group = form && (await attempt(() => api.addGroup(form)));
  if (!group) return;
  await data.loadState();
  go({ view: "chat", chatId: group.id });
}

async function deepLinkSheet() {
  const hint = t("A whole link, or only what comes after start=.");
  const example = `https://t.me/${store.bot.username}?start=…`;
  const words = await lineSheet(t("Open a deep link"), t("Link"), t("Open"), {
    hint,
    placeholder: example,
  });
  if (words) actions.openDeepLink(words);
}

function chatMenu(anchor) {
  const group = data.currentGroup();
  const link = { icon: "link", words: t("Open a deep link"), act: deepLinkSheet };
  const own = group ? [...groupItems(group), link] : [link, blockItem()];
  openMenu(anchor, [...own, floodItem()]);
}

/** The switch for Telegram's limits on speed. */
function floodItem() {
  const on = store.options.flood_limits;
  const words = on ? t("Let the bot send without limit") : t("Limit the bot as Telegram does");
  const act = () => attempt(() => api.setOptions({ flood_limits: !on }));
  return { icon: "auto", words, act };
}

function blockItem() {
  const blocked = data.currentSpeaker().has_blocked;
  const words = blocked ? t("Unblock the bot") : t("Block the bot");
  const act = () => actions.setBlocked(!blocked);
  return { icon: "block", words, danger: !blocked, act };
}

// ── drawing ─────────────────────────────────────────────────────────────────

function render() {
  const { route } = store;
  const chat = route.view === "chat" && data.currentSpeaker();
  const mails = route.view === "mails";
  const main = chat ? "chat" : mails ? "mail" : "welcome";
  const inside = chat || (mails && route.mailId != null);
  showPane(inside ? "main" : "side");
  for (const name of ["chat", "mail", "welcome"]) $(`#${name}`).hidden = name !== main;
  renderTabs(mails);
  if (mails) renderMailList();
  else renderSidebar(verbs);
  if (chat) renderChat();
  if (mails) renderMail();
  $("#offline").hidden = store.online;
}

/** On a narrow window the panes take turns: the focus goes along. */
function showPane(pane) {
  const app = $("#app");
  if (app.dataset.pane === pane) return;
  app.dataset.pane = pane;
  if (narrow()) $(pane === "main" ? "#main" : "#side-list").focus();
}

function renderChat() {
  renderHead(chatMenu);
  renderConversation();
  renderComposer();
}

function renderTabs(mails) {
  $("#tab-chats").setAttribute("aria-current", String(!mails));
  $("#tab-mails").setAttribute("aria-current", String(mails));
  $("#mail-count").textContent = store.mails.length || "";
  document.title = `${store.bot ? data.fullName(store.bot) : "Kaika"} · ${t("Sandbox")}`;
}

// ── the beginning ───────────────────────────────────────────────────────────

async function switchLanguage() {
  await attempt(() => speak(otherLanguage().code));
  nameLanguageToggle();
  nameTheme($("#theme"));
  data.changed();
}

function nameLanguageToggle() {
  const { code, name } = otherLanguage();
  $("#language").textContent = name;
  $("#language").lang = code === "en" ? "en" : "zh-Hant-TW";
}

/** What the Chats tab leads to: the list, and beside it the chat that was on show last. */
function chatsRoute() {
  const away = store.route.view === "mails";
  return away && !narrow() && store.lastChat ? store.lastChat : { view: "home" };
}

function wire() {
  setUpConversation();
  setUpComposer();
  setUpTheme($("#theme"));
  $("#language").addEventListener("click", switchLanguage);
  $("#tab-chats").addEventListener("click", () => go(chatsRoute()));
  $("#tab-mails").addEventListener("click", () => go({ view: "mails" }));
  $("#welcome-add").addEventListener("click", addPerson);
  addEventListener("hashchange", follow);
  data.subscribe(render);
}

async function begin() {
  await speak(firstLanguage());
  nameLanguageToggle();
  await data.loadAll();
  wire();
  const first = store.people[0];
  if (!location.hash && first && !narrow()) go({ view: "chat", chatId: first.chat_id });
  else follow();
  followEvents();
  document.documentElement.dataset.ready = "true";
}

begin().catch((error) => problem(error));
