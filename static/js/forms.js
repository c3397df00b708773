// A second click is the same click; a page that comes back from the browser's memory may send anew.
export function sendOnce() {
  document.addEventListener("submit", (event) => {
    const { target: form } = event;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "true";
    // Whoever stopped it may try again; the server adds nothing twice.
    setTimeout(() => delete form.dataset.sent, 5000);
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}

// The first error of a form that came back is where the person goes on.
export function focusErrors() {
  document.querySelector(".error-summary")?.focus();
}
