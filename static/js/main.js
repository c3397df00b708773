// What every page uses: the theme, menus, the list of shortcuts.

import { focusErrors, startCopying } from "./forms.js";
import { startKeys } from "./keys.js";
import { startPlaces } from "./place.js";
import { askAgain, startSession } from "./session.js";
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

// Where a part was asked for, a whole page (signing in, or a passing fault) is never swapped in.
function refusePages() {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (!xhr.responseText.trimStart().toLowerCase().startsWith("<!doctype")) return;
    event.detail.shouldSwap = false;
    askAgain(requestConfig.elt, xhr.responseURL);
  });
}

startTheme();
startMenus();
startDialogs();
startKeys();
startPlaces();
refusePages();
startSession();
startCopying();
focusErrors();
