/** The page's own words: English in the code, other languages from the server's catalogue. */

import { readWords } from "./api.js";

const STORED = "kaika.page.language";
const NAMES = { en: "English", zh_Hant: "繁體中文" };

let table = {};
let current = "en";

export const language = () => current;
export const languageTag = () => (current === "zh_Hant" ? "zh-Hant-TW" : "en");

/** The other language, as the toggle offers it. */
export function otherLanguage() {
  const code = current === "en" ? "zh_Hant" : "en";
  return { code, name: NAMES[code] };
}

/** The words for an English message, its `{names}` filled from `values`. */
export function t(msgid, values = {}) {
  const words = table[msgid] || msgid;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Which language to begin with: the one chosen before, else the browser's. */
export function firstLanguage() {
  const stored = localStorage.getItem(STORED);
  if (stored in NAMES) return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh_Hant" : "en";
}

/** Load a language and put it on everything the page's HTML itself says. */
export async function speak(code) {
  table = await readWords(code);
  current = code;
  localStorage.setItem(STORED, code);
  document.documentElement.lang = languageTag();
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    if (node.matches("button")) node.title = t(node.dataset.tLabel);
  }
}

/** A time of day as a bubble shows it. */
export function clock(seconds) {
  const format = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Date(seconds * 1000).toLocaleTimeString(languageTag(), format);
}

/** A day as the line between two days shows it. */
export function day(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return t("Today");
  const format = { month: "long", day: "numeric" };
  if (date.getFullYear() !== today.getFullYear()) format.year = "numeric";
  return date.toLocaleDateString(languageTag(), format);
}

/** A time for lists: the clock today, the date before. */
export function shortTime(seconds) {
  const sameDay = new Date(seconds * 1000).toDateString() === new Date().toDateString();
  if (sameDay) return clock(seconds);
  const format = { month: "numeric", day: "numeric" };
  return new Date(seconds * 1000).toLocaleDateString(languageTag(), format);
}

/** An amount in a currency's smallest unit, written for people. */
export function money(amount, currency) {
  if (currency === "XTR") return `⭐ ${amount}`;
  // In English everywhere: there TWD reads NT$, in Chinese only $.
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(amount / 10 ** exponent(currency));
}

/** Telegram counts TWD in cents, as ISO 4217 does; a few currencies have no smaller unit. */
function exponent(currency) {
  return ["JPY", "KRW", "VND", "CLP", "ISK", "UGX", "PYG"].includes(currency) ? 0 : 2;
}
