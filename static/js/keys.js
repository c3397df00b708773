// Shortcuts: j and k walk a list's rows, Enter opens one, / searches, ? shows the keys.

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function walk(step) {
  const links = [...document.querySelectorAll("[data-rows] [data-row-link]")];
  if (links.length === 0) return false;
  const here = links.findIndex((link) => link.closest("[data-row]").contains(document.activeElement));
  const next = here === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step));
  links[next].focus();
  links[next].scrollIntoView({ block: "nearest" });
  return true;
}

function search() {
  const field = document.querySelector("input[type=search]");
  field?.focus();
  field?.select();
  return Boolean(field);
}

function showKeys() {
  const dialog = document.getElementById("keys");
  if (dialog && !dialog.open) dialog.showModal();
  return Boolean(dialog);
}

const ACTIONS = { j: () => walk(1), k: () => walk(-1), "/": search, "?": showKeys };

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const action = ACTIONS[event.key];
    if (action?.()) event.preventDefault();
  });
}
