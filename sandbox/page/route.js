/** Which view is on show, kept in the address so that Back and reload work. */

import { coarsePointer, narrow } from "./dom.js";
import { attempt } from "./notices.js";
import { changed, draft, groupById, loadChat, markRead, messagesOf, store } from "./store.js";
import { latestTopic } from "./topics.js";

function toHash(route) {
  if (route.view === "mails") return route.mailId == null ? "#/mails" : `#/mails/${route.mailId}`;
  if (route.view === "topics") return `#/topics/${route.chatId}`;
  if (route.view !== "chat") return "#/";
  return `#/chat/${route.chatId}${route.topicId == null ? "" : `/${route.topicId}`}`;
}

function fromHash(hash) {
  const [view, first, second] = hash.replace(/^#\/?/, "").split("/");
  if (view === "mails") return { view, mailId: first == null ? null : Number(first) };
  if (view === "topics") return { view, chatId: Number(first) };
  if (view !== "chat") return { view: "home" };
  return { view, chatId: Number(first), topicId: second == null ? undefined : Number(second) };
}

/** A forum without a topic: the list of its topics, and the one written in last beside it. */
function forumRoute(route) {
  const group = groupById(route.chatId);
  if (route.view !== "chat" || route.topicId != null || !group?.is_forum) return route;
  if (narrow()) return { ...route, view: "topics" };
  return { ...route, topicId: latestTopic(group, messagesOf(group.id)).message_thread_id };
}

/** Show a view, at once: what is typed next belongs to it. */
export function go(route) {
  const hash = toHash(forumRoute(route));
  if (location.hash !== hash) history.pushState(null, "", hash);
  follow();
}

/** Take up what the address says. */
export function follow() {
  store.route = fromHash(location.hash);
  if (store.route.chatId != null) {
    attempt(() => loadChat(store.route.chatId));
    store.lastChat = store.route;
    draft().wantsFocus = !coarsePointer();
    markRead();
  }
  changed();
}
