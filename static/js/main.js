// What every page uses: the theme, menus, the list of shortcuts.

import { startKeys } from "./keys.js";
import { startTheme } from "./theme.js";

function startMenus() {
  for (const menu of document.querySelectorAll("details[data-menu]")) {
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  }
}

function startDialogs() {
  for (const button of document.querySelectorAll("[data-opens]")) {
    const dialog = document.getElementById(button.dataset.opens);
    if (!dialog) continue;
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  }
}

// The first error of a form that came back is where the person goes on.
function focusErrors() {
  document.querySelector(".error-summary")?.focus();
}

startTheme();
startMenus();
startDialogs();
startKeys();
focusErrors();
