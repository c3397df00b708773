// What every page uses: the theme, menus, the list of shortcuts.

import { startKeys } from "./keys.js";
import { startPlaces } from "./place.js";
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

// Somebody signed out meanwhile is answered with the sign-in page: that is never a part of this page. What asked is
// told; a part that only waits has the whole page loaded anew.
function refusePages() {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (!xhr.responseText.trimStart().toLowerCase().startsWith("<!doctype")) return;
    event.detail.shouldSwap = false;
    const asked = requestConfig.elt;
    asked.dispatchEvent(new CustomEvent("page-refused", { bubbles: true, detail: { elt: asked } }));
    if (asked.matches("[data-waiting]")) location.reload();
  });
}

startTheme();
startMenus();
startDialogs();
startKeys();
startPlaces();
refusePages();
focusErrors();
