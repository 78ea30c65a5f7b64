/** The sheet that stands in for Telegram's payment window. */

import * as api from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { attempt, toast } from "./notices.js";
import { sheet } from "./sheets.js";
import { currentSpeaker, loadChat, store, surroundings } from "./store.js";
import { money, t } from "./words.js";

const SLOW_BANK_MS = 4000;
const OUTCOMES = () => [
  ["success", "check", t("Pay"), t("The bank agrees at once")],
  ["decline", "block", t("Card declined"), t("The bank refuses")],
  ["slow", "auto", t("Slow bank"), t("The bank agrees, but takes its time")],
];

/** Let the person pay an invoice: they choose how the bank behaves. */
export async function paySheet(message) {
  const outcome = await sheet(t("Pay the invoice"), (close) => [
    bill(message),
    h("p", { class: "hint" }, t("No money moves here. Choose what the bank does:")),
    h(
      "div",
      { class: "sheet-body choices" },
      OUTCOMES().map((item) => choice(item, close)),
    ),
  ]);
  if (outcome) await settle(message, outcome);
}

function bill(message) {
  const { title, description, currency, total_amount: total } = message.invoice;
  const prices = surroundings().prices?.[message.message_id] ?? [];
  const lines = prices.map(({ label, amount }) =>
    h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, money(amount, currency))),
  );
  const sum = h(
    "tr",
    { class: "sum" },
    h("th", { scope: "row" }, t("Total")),
    h("td", {}, money(total, currency)),
  );
  return h(
    "div",
    { class: "bill" },
    h("b", {}, title),
    h("p", {}, description),
    h("table", {}, lines, sum),
  );
}

function choice([outcome, sign, label, note], close) {
  const words = h("span", {}, h("b", {}, label), h("small", {}, note));
  const props = {
    class: `choice is-${outcome}`,
    type: "button",
    on: { click: () => close(outcome) },
  };
  return h("button", props, h("span", { class: "choice-sign" }, icon(sign)), words);
}

/** Pay; where the bank takes its time, the money comes a little later. */
async function settle(message, outcome) {
  const { chatId } = store.route;
  const speaker = currentSpeaker();
  const pay = (how) => {
    const body = { message_id: message.message_id, chat_id: chatId, outcome: how };
    return attempt(() => api.act(speaker.id, "pay", body));
  };
  const waiting = toast(t("Asking the bank"));
  let done = await pay(outcome);
  if (done?.status === "pending") {
    toast(statusWords(done, message));
    await new Promise((resolve) => setTimeout(resolve, SLOW_BANK_MS));
    done = await pay("success");
  }
  waiting.remove();
  if (done) toast(statusWords(done, message), done.status === "paid" ? "good" : "problem");
  await attempt(() => loadChat(chatId));
}

function statusWords({ status, error_message: reason }, message) {
  const { total_amount: total, currency } = message.invoice;
  const words = {
    paid: t("Paid {amount}", { amount: money(total, currency) }),
    declined: t("The bank declined the card"),
    pending: t("The bank takes its time"),
    refused: t("The bot refused the payment: {reason}", { reason }),
    timeout: t("The bot did not answer the payment in time"),
  };
  return words[status] ?? t("Payment: {status}", { status });
}
