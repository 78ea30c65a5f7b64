/** Light, dark, or as the system has it. */

import { icon } from "./icons.js";
import { t } from "./words.js";

const STORED = "kaika.page.theme";
const THEMES = ["auto", "light", "dark"];
const SIGNS = { auto: "auto", light: "sun", dark: "moon" };

/** Make `button` go round the three. */
export function setUpTheme(button) {
  const stored = localStorage.getItem(STORED);
  document.documentElement.dataset.theme = THEMES.includes(stored) ? stored : "auto";
  button.addEventListener("click", () => {
    const next = (THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length;
    document.documentElement.dataset.theme = THEMES[next];
    localStorage.setItem(STORED, THEMES[next]);
    nameTheme(button);
  });
  nameTheme(button);
}

/** Let `button` show and say which of the three is on. */
export function nameTheme(button) {
  const { theme } = document.documentElement.dataset;
  const names = {
    auto: t("Colours: as the system"),
    light: t("Colours: light"),
    dark: t("Colours: dark"),
  };
  button.replaceChildren(icon(SIGNS[theme]));
  button.setAttribute("aria-label", names[theme]);
  button.title = names[theme];
}
