/** The sandbox's HTTP interface, as the page uses it. */

/** What the server refused: an HTTP status (0: it did not answer), a code and its detail. */
export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail || code);
    Object.assign(this, { status, code, detail });
  }
}

async function ask(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(`/sandbox/${path}`, options).catch(() => {
    throw new ApiError(0, "unreachable", "");
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer.error ?? "", answer.detail ?? "");
  return answer;
}

const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value != null);
  return new URLSearchParams(given).toString();
};

export const readState = () => ask("GET", "state");
export const readMails = () => ask("GET", "mails");
export const readWords = (language) => ask("GET", `words?${query({ language })}`);

/** The messages of a chat as one of its people sees them. */
export const readTranscript = (personId, chatId) =>
  ask("GET", `people/${personId}/transcript?${query({ chat_id: chatId })}`);

export const addPerson = (person) => ask("POST", "people", person);
export const addGroup = (group) => ask("POST", "groups", group);
export const addMember = (groupId, personId) =>
  ask("POST", `groups/${groupId}/members`, { person_id: personId });
export const setBot = (groupId, personId, status) =>
  ask("POST", `groups/${groupId}/bot`, { person_id: personId, status });
export const addTopic = (groupId, personId, name) =>
  ask("POST", `groups/${groupId}/topics`, { person_id: personId, name });

/** Rename, close, reopen or delete a topic: `verb` says which. */
export const changeTopic = (groupId, topic, verb, personId, body = {}) =>
  ask("POST", `groups/${groupId}/topics/${topic.message_thread_id}/${verb}`, {
    person_id: personId,
    ...body,
  });
/** Make a member an administrator or the like: `wanted` has the status and more. */
export const setMember = (groupId, personId, by, wanted) =>
  ask("POST", `groups/${groupId}/status`, { person_id: personId, by, ...wanted });
export const setOptions = (options) => ask("POST", "options", options);

/** Act as a person: `verb` is one of send, start, press, inline, choose, edit, media, … */
export const act = (personId, verb, body = {}) => ask("POST", `people/${personId}/${verb}`, body);

/**
 * Listen to what changes after `version`; the browser itself tries again when the line drops.
 *
 * @param {(event: {version: number, chat_id: ?number, kind: string}) => void} onEvent
 * @param {(online: boolean) => void} onLine whether the server is there
 * @param {() => void} onRefused the server does not want this page any more
 */
export function listen(version, onEvent, onLine, onRefused) {
  const source = new EventSource(`/sandbox/events?after=${version}`);
  source.addEventListener("open", () => onLine(true));
  source.addEventListener("message", (message) => onEvent(JSON.parse(message.data)));
  source.addEventListener("error", () => {
    onLine(false);
    if (source.readyState === EventSource.CLOSED) onRefused();
  });
}
