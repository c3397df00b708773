// The first error of a form that came back is where the person goes on.
export function focusErrors() {
  document.querySelector(".error-summary")?.focus();
}
