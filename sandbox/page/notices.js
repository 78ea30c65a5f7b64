/** What the page tells the person beside the chat: toasts, alerts, and errors in kind words. */

import { $, h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

const SHOWN_MS = 4500;

/** Show a line for a few seconds; it is read aloud, too. Gives its element. */
export function toast(words, kind = "plain") {
  const mark = kind === "problem" ? icon("info") : null;
  const node = h("div", { class: `toast is-${kind}` }, mark, h("span", {}, words));
  $("#toasts").append(node);
  setTimeout(() => node.classList.add("is-leaving"), SHOWN_MS);
  setTimeout(() => node.remove(), SHOWN_MS + 300);
  return node;
}

/** The kind words for an error's code; what has none shows the server's own detail. */
function errorWords({ code, message: detail }) {
  const gone = t("This is gone: it was deleted meanwhile.");
  const words = {
    unreachable: t("The sandbox does not answer. Is make demo still running?"),
    bad_token: t("This address is out of date. Open the one that make demo printed last."),
    bot_blocked: t("You blocked the bot. Unblock it to write to it."),
    protected_content: t("This message is protected and cannot be forwarded."),
    already_paid: t("This invoice is paid already."),
    topic_closed: t("This topic is closed."),
    not_editable: t("Only your own texts can be changed."),
    not_modified: t("The text is the same as before."),
    too_old: t("After 48 hours a message can no longer be changed."),
    caption_too_long: t("This caption is too long: at most 1,024 characters."),
    query_too_long: t("This query is too long: at most 256 characters."),
    button_not_found: t("This button is gone: the bot changed the message meanwhile."),
    message_not_found: gone,
    topic_not_found: gone,
    chat_not_found: gone,
  };
  return words[code] ?? t("That did not work: {detail}", { detail });
}

/** Tell the person about an error. */
export function problem(error) {
  if (!("code" in error)) throw error;
  toast(errorWords(error), "problem");
}

/** Do something; an error of the server is shown and gives undefined. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    problem(error);
    return undefined;
  }
}

/** Copy a text and say so. */
export async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast(t("Copied"));
}
