/** The topics of a forum: what the server lists, with the general one first. */

import { topicOf } from "./store.js";
import { t } from "./words.js";

/** The topics of a group, the one written in last at the top below the general one. */
export function topicsOf(group, messages) {
  const known = group.general ?? {};
  const renamed = known.name && known.name !== "General";
  const name = renamed ? known.name : t("General");
  const general = { message_thread_id: 1, name, is_closed: known.is_closed };
  const others = (group.topics ?? []).filter((topic) => topic.message_thread_id !== 1);
  const latest = (topic) => lastOf(messages, topic)?.message_id ?? topic.message_thread_id;
  return [general, ...others.sort((a, b) => latest(b) - latest(a))];
}

/** The topic written in last. */
export function latestTopic(group, messages) {
  const latest = (topic) => lastOf(messages, topic)?.message_id ?? 0;
  return topicsOf(group, messages).reduce((a, b) => (latest(b) > latest(a) ? b : a));
}

/** The last message of a topic, if any. */
export const lastOf = (messages, topic) =>
  messages.filter((message) => topicOf(message) === topic.message_thread_id).at(-1);
