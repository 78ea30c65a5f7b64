/** What the server tells as it happens, and reading again what it touches. */

import { listen } from "./api.js";
import { attempt } from "./notices.js";
import { changed, loadAll, loadChat, loadMails, loadState, store } from "./store.js";

/** Events about one chat only; any other may have changed people, groups or the bot. */
const IN_CHAT = ["message", "edited", "deleted", "typing", "reaction", "pinned", "answer"];
/** A little longer than the bot counts as typing. */
const TYPING_MS = 5300;

const waiting = new Set();
let reading = false;

/** Follow the server's events from what is known on. */
export const followEvents = () => listen(store.version, onEvent, onLine, onRefused);

/** Most likely another sandbox runs at this address now: reading the state tells. */
async function onRefused() {
  await attempt(async () => {
    await loadState();
    followEvents();
  });
}

function onEvent({ chat_id: chatId, kind }) {
  if (chatId != null) waiting.add(chatId);
  if (kind === "mails") waiting.add("mails");
  else if (!IN_CHAT.includes(kind)) waiting.add("state");
  if (kind === "typing") setTimeout(() => attempt(() => loadChat(chatId)), TYPING_MS);
  readWaiting();
}

/** Read what changed, one round at a time: events that come meanwhile share the next round. */
async function readWaiting() {
  if (reading) return;
  reading = true;
  while (waiting.size) {
    const round = [...waiting];
    waiting.clear();
    if (round.includes("state")) await attempt(loadState);
    await attempt(() => Promise.all(round.map(readOne)));
  }
  reading = false;
}

function readOne(what) {
  if (what === "state") return undefined;
  return what === "mails" ? loadMails() : loadChat(what);
}

function onLine(online) {
  if (online && !store.online) attempt(loadAll);
  store.online = online;
  changed();
}
