/** The mails the product sent: a list, and the one that is read. */

import { $, h, reconcile } from "./dom.js";
import { link } from "./entities.js";
import { icon, iconButton } from "./icons.js";
import { go } from "./route.js";
import { listRow } from "./sidebar.js";
import { store } from "./store.js";
import { language, shortTime, t } from "./words.js";

/** The mails, the newest first. */
const newestFirst = () => [...store.mails].reverse();

/** Bring the list of mails up to date. */
export function renderMailList() {
  const mails = newestFirst();
  const none = {
    key: "none",
    signature: language(),
    build: () =>
      h(
        "p",
        { class: "hint" },
        t("No mail was sent yet. What the bot mails to people shows up here."),
      ),
  };
  reconcile($("#side-list"), mails.length ? mails.map(mailItem) : [none]);
}

function mailItem(mail) {
  const current = store.route.mailId === mail.id;
  const key = `mail-${mail.id}`;
  const build = () => {
    const picture = h("span", { class: "avatar is-mail", "aria-hidden": "true" }, icon("mail"));
    const top = [h("b", {}, mail.to), h("time", {}, shortTime(mail.date))];
    const lines = [top, [h("span", { class: "preview" }, mail.subject)]];
    const open = () => go({ view: "mails", mailId: mail.id });
    return listRow({ key, picture, lines, current, open });
  };
  return { key, signature: JSON.stringify([language(), mail, current]), build };
}

/** Bring the mail that is read up to date. */
export function renderMail() {
  const mail = store.mails.find((one) => one.id === store.route.mailId);
  const nothing = () => h("p", { class: "nothing" }, t("Choose a mail to read it."));
  const build = mail ? () => letter(mail) : nothing;
  const signature = JSON.stringify([language(), mail]);
  reconcile($("#mail"), [{ key: "mail", signature, build }]);
}

function letter(mail) {
  const back = iconButton("back", t("Back"), () => go({ view: "mails" }));
  return h(
    "article",
    { class: "letter-frame" },
    h("header", { class: "head-row back" }, back, h("b", {}, t("Mails"))),
    h(
      "div",
      { class: "letter" },
      h("h1", {}, mail.subject),
      h("p", { class: "letter-to" }, t("To {address}", { address: mail.to })),
      h("div", { class: "letter-words" }, withLinks(mail.text)),
    ),
  );
}

/** Plain text with its addresses as links. */
function withLinks(text) {
  const parts = text.split(/(https?:\/\/[^\s<>"）」]+)/);
  return parts.map((part, index) => (index % 2 ? link(part, part) : part));
}
