/** Links inside messages: which of them are deep links to our bot, which are safe to open. */

const SAFE = ["http:", "https:", "mailto:", "tel:"];
const TELEGRAM = ["t.me", "telegram.me", "telegram.dog"];

function parsed(text) {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`;
  try {
    return new URL(whole);
  } catch {
    return null;
  }
}

/** Name and parameters of the Telegram account a link points at, or null. */
function telegramTarget(url) {
  if (url.protocol === "tg:" && /resolve/.test(url.host + url.pathname)) {
    return { name: url.searchParams.get("domain") ?? "", parameters: url.searchParams };
  }
  if (!TELEGRAM.includes(url.host)) return null;
  return { name: url.pathname.replace(/^\/+/, ""), parameters: url.searchParams };
}

/**
 * Read a deep link to the bot: `{payload}` (null: the link only opens its chat), or null when
 * the link leads elsewhere.
 */
export function deepLink(text, botUsername) {
  const url = parsed(text.trim());
  const target = url && telegramTarget(url);
  if (!target || target.name.toLowerCase() !== botUsername.toLowerCase()) return null;
  return { payload: target.parameters.get("start") };
}

/** The address to put on a link, or null where it must not be opened from here. */
export function safeAddress(text) {
  const url = parsed(text.trim());
  return url && SAFE.includes(url.protocol) ? url.href : null;
}

/** The Telegram user a `tg://user?id=` link names, or null. */
export function mentionedUser(text) {
  const found = /^tg:\/\/user\?id=(\d+)$/.exec(text);
  return found ? Number(found[1]) : null;
}
