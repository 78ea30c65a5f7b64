/** What can be done with a group on show: its members, its topics, the bot in it. */

import * as api from "./api.js";
import { avatar } from "./avatar.js";
import { attempt, toast } from "./notices.js";
import { go } from "./route.js";
import { chooseSheet, lineSheet } from "./sheets.js";
import * as data from "./store.js";
import { topicsOf } from "./topics.js";
import { t } from "./words.js";

const { store } = data;

export async function addTopic(group) {
  const name = await lineSheet(t("New topic"), t("Name"), t("Open the topic"));
  const speaker = data.speakerIn(group.id);
  const topic = name && (await attempt(() => api.addTopic(group.id, speaker.id, name)));
  if (!topic) return;
  await data.loadState();
  go({ view: "chat", chatId: group.id, topicId: topic.message_thread_id });
}

/** The menu of a group. */
export function groupItems(group) {
  const topic = { icon: "topic", words: t("New topic"), act: () => addTopic(group) };
  return [
    ...topicItems(group),
    { icon: "user", words: t("Add a member"), act: () => addMember(group) },
    { icon: "users", words: t("Members and their rights"), act: () => changeMember(group) },
    group.is_forum && topic,
    ...botItems(group),
  ];
}

/** What can be done with the topic on show. */
function topicItems(group) {
  const topic = group.is_forum && topicsOf(group, []).find(isOnShow);
  if (!topic) return [];
  const change = (verb, body) => () =>
    attempt(() => api.changeTopic(group.id, topic, verb, data.currentSpeaker().id, body));
  const close = topic.is_closed
    ? { icon: "reply", words: t("Reopen this topic"), act: change("reopen") }
    : { icon: "lock", words: t("Close this topic"), act: change("close") };
  const rename = async () => {
    const props = { value: topic.name, maxlength: "128" };
    const name = await lineSheet(t("Rename this topic"), t("Name"), t("Rename"), props);
    if (name) await change("rename", { name })();
  };
  const remove = async () => {
    if (await change("delete")()) go({ view: "chat", chatId: group.id, topicId: 1 });
  };
  return [
    { icon: "edit", words: t("Rename this topic"), act: rename },
    close,
    topic.message_thread_id > 1 && {
      icon: "trash",
      words: t("Delete this topic"),
      danger: true,
      act: remove,
    },
  ];
}

const isOnShow = (topic) => topic.message_thread_id === store.route.topicId;

async function addMember(group) {
  const others = store.people.filter((person) => !group.members.includes(person.id));
  const id = await chooseSheet(t("Add a member"), others.map((person) => choice(person)));
  if (id && (await attempt(() => api.addMember(group.id, id)))) await data.loadState();
}

const choice = (person, note) => ({
  picture: avatar(person),
  words: note ? `${data.fullName(person)} · ${note}` : data.fullName(person),
  value: person.id,
});

/** Let the speaker promote, restrict or ban somebody. */
async function changeMember(group) {
  const people = group.members.map(data.personById).filter(Boolean);
  const note = (person) => standingName(group.standing.get(person.id));
  const id = await chooseSheet(
    t("Members and their rights"),
    people.map((person) => choice(person, note(person))),
  );
  const person = id && data.personById(id);
  if (!person) return;
  const standings = STANDINGS().map(({ words, ...value }) => ({
    picture: avatar(person),
    words,
    value,
  }));
  const wanted = await chooseSheet(data.fullName(person), standings);
  const by = data.currentSpeaker().id;
  const done = wanted && (await attempt(() => api.setMember(group.id, person.id, by, wanted)));
  if (!done) return;
  await data.loadState();
  toast(t("{name}: {standing}", { name: data.fullName(person), standing: standingName(wanted) }));
}

const STANDINGS = () => [
  { words: t("Member"), status: "member" },
  { words: t("Administrator"), status: "administrator" },
  {
    words: t("Administrator who stays anonymous"),
    status: "administrator",
    is_anonymous: true,
  },
  { words: t("May only read"), status: "restricted" },
  { words: t("Banned"), status: "kicked" },
];

function standingName({ status, is_anonymous: anonymous } = {}) {
  if (status === "creator") return t("Owner");
  const same = (one) => one.status === status && Boolean(one.is_anonymous) === Boolean(anonymous);
  return STANDINGS().find(same)?.words ?? "";
}

/** What the bot can become in a group. */
function botItems(group) {
  const item = (icon, words, status, danger) => {
    const act = () => attempt(() => api.setBot(group.id, group.members[0], status));
    return { icon, words, act, danger };
  };
  if (["left", "kicked"].includes(group.bot)) return [item("plus", t("Add the bot"), "member")];
  const promoted = group.bot === "administrator";
  return [
    promoted
      ? item("info", t("Take the rights of an administrator from the bot"), "member")
      : item("check", t("Make the bot an administrator"), "administrator"),
    item("block", t("Remove the bot"), "kicked", true),
  ];
}
