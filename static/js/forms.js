// A link that is shown once goes to the clipboard by one click, or by hand where the browser refuses.
export function startCopying() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    const field = document.getElementById(button.dataset.copies);
    const note = button.parentElement.querySelector("[data-copied]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        if (!document.execCommand("copy")) return;
      }
      note.textContent = note.dataset.text;
    });
  }
}

// The first error of a form that came back is where the person goes on.
export function focusErrors() {
  document.querySelector(".error-summary")?.focus();
}
