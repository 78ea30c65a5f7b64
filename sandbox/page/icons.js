/** The page's own line icons, drawn on a 24 by 24 grid. */

import { h, svg } from "./dom.js";

const PATHS = {
  back: ["M15 5l-7 7 7 7"],
  more: ["M12 5.5v.1M12 12v.1M12 18.5v.1"],
  plus: ["M12 5v14M5 12h14"],
  send: ["M5 12h13M12 5.5l6.5 6.5-6.5 6.5"],
  clip: [
    "M19 11.5l-7 7a4.6 4.6 0 01-6.5-6.5l7.3-7.3a3.1 3.1 0 014.4 4.4l-7 7a1.6 1.6 0 01-2.3-2.3L14 8",
  ],
  close: ["M6 6l12 12M18 6L6 18"],
  reply: ["M9 6l-5 5 5 5", "M4 11h9a6 6 0 016 6v1"],
  forward: ["M15 6l5 5-5 5", "M20 11h-9a6 6 0 00-6 6v1"],
  edit: ["M5 19l1-4L16 5l3 3L9 18z", "M14 7l3 3"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  mail: ["M4 6.5h16v11H4z", "M4.5 7l7.5 6 7.5-6"],
  chat: ["M5 5h14v10.5H11L7 19v-3.5H5z"],
  sun: [
    "M12 8a4 4 0 100 8 4 4 0 000-8z",
    "M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4",
  ],
  moon: ["M19 14.5A7.5 7.5 0 019.5 5a7.5 7.5 0 109.5 9.5z"],
  auto: ["M12 4a8 8 0 100 16z", "M12 4a8 8 0 010 16"],
  lock: ["M7 11h10v8H7z", "M9 11V8.5a3 3 0 016 0V11"],
  link: [
    "M10 14l-1.5 1.5a3 3 0 01-4.2-4.2l3-3a3 3 0 014.2 0",
    "M14 10l1.5-1.5a3 3 0 014.2 4.2l-3 3a3 3 0 01-4.2 0",
  ],
  out: ["M9 6h9v9", "M18 6L7 17"],
  copy: ["M9 9h10v10H9z", "M15 9V5H5v10h4"],
  share: ["M12 15V4M8 7.5L12 4l4 3.5", "M6 12v7h12v-7"],
  card: ["M4 6h16v12H4z", "M4 10h16M7 15h4"],
  down: ["M12 5v13M6 12.5l6 6 6-6"],
  slash: ["M14.5 6l-5 12", "M5 4h14v16H5z"],
  menu: ["M5 7h14M5 12h14M5 17h9"],
  play: ["M8 5.5v13l10.5-6.5z"],
  file: ["M7 4h7l4 4v12H7z", "M14 4v4h4"],
  place: [
    "M12 21s6.5-6 6.5-11a6.5 6.5 0 10-13 0c0 5 6.5 11 6.5 11z",
    "M12 8a2.2 2.2 0 100 4.4A2.2 2.2 0 0012 8z",
  ],
  user: ["M12 4.5a3.7 3.7 0 100 7.4 3.7 3.7 0 000-7.4z", "M5 20c.6-4 3.3-6 7-6s6.4 2 7 6"],
  users: [
    "M9 6a3.2 3.2 0 100 6.400A3.2 3.2 0 009 6z",
    "M3 19c.5-3.5 2.8-5 6-5s5.5 1.5 6 5",
    "M15.5 6.500a3 3 0 010 5.600M17.5 14.600c2 .5 3.2 1.9 3.5 4.4",
  ],
  block: ["M12 4a8 8 0 100 16 8 8 0 000-16z", "M6.5 6.500l11 11"],
  image: ["M4 5.500h16v13H4z", "M4 16l5-5 4 4 2.5-2.500L20 17", "M15.5 9v.01"],
  smile: [
    "M12 4a8 8 0 100 16 8 8 0 000-16z",
    "M8.5 14c.8 1.4 2 2 3.5 2s2.7-.6 3.5-2M9.3 10v.01M14.7 10v.01",
  ],
  mic: [
    "M12 4a2.5 2.5 0 00-2.5 2.500v5a2.5 2.5 0 005 0v-5A2.5 2.5 0 0012 4z",
    "M6.5 11.500a5.5 5.5 0 0011 0M12 17v3",
  ],
  topic: ["M5 9h14M5 15h14M10.5 4.500l-2 15M15.5 4.500l-2 15"],
  pin: ["M9 4h6l-.5 6 3 3.500h-11L9.5 10z", "M12 13.500V20"],
  trash: ["M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7", "M10.5 10.5v5.5M13.5 10.5v5.5"],
  info: ["M12 4a8 8 0 100 16 8 8 0 000-16z", "M12 11v5M12 8v.01"],
};

/** One icon, hidden from screen readers: its button carries the name. */
export function icon(name, extra = "") {
  const attributes = {
    viewBox: "0 0 24 24",
    class: `icon icon-${name} ${extra}`,
    "aria-hidden": "true",
  };
  return svg("svg", attributes, ...PATHS[name].map((d) => svg("path", { d })));
}

/** A round button with an icon; `label` is its name and its tooltip. `act` gets the button. */
export function iconButton(name, label, act, extra = {}) {
  const on = { click: (event) => act(event.currentTarget) };
  const named = { type: "button", "aria-label": label, title: label, on };
  return h("button", { class: "icon-button", ...named, ...extra }, icon(name));
}
