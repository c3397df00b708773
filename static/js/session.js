// The session of a page. Before anything is sent, who is signed in is asked: a form older than the session gets a fresh
// token; somebody signed out signs in on the page and the form goes on; nothing goes out in another person's name.

const MINUTE = 60_000;
const WARN_AT = 5 * MINUTE;
const LONGEST_TIMER = 2 ** 31 - 1;
const AGAIN = 3000;

function renewTokens(token) {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
}

class Session {
  constructor(root) {
    this.root = root;
    this.warning = document.querySelector("[data-session-warning]");
    this.dialog = document.querySelector("[data-session-dialog]");
    this.form = document.querySelector("[data-session-form]");
    this.signingIn = null;
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.trySignIn();
    });
    document.querySelector("[data-session-stay]").addEventListener("click", () => this.look("POST"));
    // Back from another tab, where somebody may have signed in or out.
    document.addEventListener("visibilitychange", () => !document.hidden && this.look());
    this.expect(Number(root.dataset.seconds));
  }

  async ask(method = "GET") {
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const headers = { Accept: "application/json", "X-CSRFToken": token };
    const response = await fetch(this.root.dataset.url, { method, headers, cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }

  // Looks again when there is something to say: five minutes before the end, and at the end.
  expect(seconds) {
    clearTimeout(this.timer);
    const left = seconds * 1000;
    const rest = left > WARN_AT ? left - WARN_AT : left + 1000;
    this.timer = setTimeout(() => this.look(), Math.min(rest, LONGEST_TIMER));
  }

  async look(method) {
    try {
      const state = await this.ask(method);
      renewTokens(state.token);
      this.warning.hidden = !state.person || state.seconds * 1000 > WARN_AT;
      if (!state.person) this.signIn();
      else if (this.signingIn) await this.end(state);
      else this.expect(state.seconds);
    } catch {
      this.expect(WARN_AT / 1000 + 60);
    }
  }

  // What may be sent now: "" if all is well, else why not.
  async ready() {
    try {
      let state = await this.ask();
      if (!state.person) state = await this.signIn();
      const { person, textOther } = this.root.dataset;
      if (state.person !== person) return textOther; // of another clinic the server tells, and keeps what was typed
      renewTokens(state.token);
      return "";
    } catch {
      return this.root.dataset.textLost;
    }
  }

  // One dialog, whatever waits for it; somebody may sign in in another window meanwhile.
  signIn() {
    this.warning.hidden = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), AGAIN);
    this.signingIn ??= new Promise((resolve) => {
      this.signedIn = resolve;
      document.querySelector("dialog[open]")?.close();
      this.dialog.showModal();
      this.form.elements.password.focus();
    });
    return this.signingIn;
  }

  async trySignIn() {
    const { url, login } = this.root.dataset;
    const error = this.form.querySelector("[data-session-error]");
    error.hidden = true;
    try {
      const { token } = await this.ask();
      const { login: address, password } = this.form.elements;
      const body = { csrfmiddlewaretoken: token, login: address.value, password: password.value, next: url };
      const response = await fetch(login, { method: "POST", body: new URLSearchParams(body) });
      if (response.url.includes("/second-factor/")) throw new Error(this.root.dataset.textFactor);
      if (new URL(response.url).pathname !== url) throw new Error(await this.refusal(response));
      await this.end(await response.json());
    } catch (problem) {
      error.textContent = problem instanceof TypeError ? this.root.dataset.textLost : problem.message;
      error.hidden = false;
      this.form.elements.password.select();
    }
  }

  // What the page for signing in says instead of letting in: a wrong password, or too many.
  async refusal(response) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const said = page.querySelectorAll(".error-summary, .errorlist, .error-page > p:not(:has(a))");
    return [...said].map((each) => each.textContent.trim()).join(" ") || page.title;
  }

  // A new session begins in the person's first clinic; this page belongs to the one that it was opened in.
  async sameClinic(state) {
    if (state.clinic === this.root.dataset.clinic) return state;
    const body = { csrfmiddlewaretoken: state.token, clinic: this.root.dataset.clinic };
    await fetch(this.root.dataset.switch, { method: "POST", body: new URLSearchParams(body), redirect: "manual" });
    return this.ask();
  }

  // Signed in, here or in another tab.
  async end(signedIn) {
    if (signedIn.person !== this.root.dataset.person) throw new Error(this.root.dataset.textOther);
    const state = await this.sameClinic(signedIn);
    this.form.reset();
    this.dialog.close();
    this.expect(state.seconds);
    this.signedIn(state);
    this.signingIn = null;
  }
}

let session = null;

function tell(element, text) {
  element.dispatchEvent(new CustomEvent("send-refused", { bubbles: true, detail: { text } }));
  if (element.matches("[hx-post]")) return;
  element.querySelector("[data-refusal]")?.remove();
  const note = document.createElement("p");
  note.className = "error-summary";
  note.setAttribute("role", "alert");
  note.dataset.refusal = "";
  note.textContent = text;
  element.prepend(note);
}

// A plain form: asked for once, sent once. A second click is the same click.
async function sendForm(event) {
  const form = event.target;
  if (form.getAttribute("method")?.toLowerCase() !== "post" || form.matches("[hx-post], [data-by-anybody]")) return;
  if (form.dataset.may === "true") {
    form.dataset.may = "sent";
    return;
  }
  event.preventDefault();
  if (form.dataset.may) return;
  form.dataset.may = "asking";
  const refusal = await session.ready();
  if (refusal) {
    delete form.dataset.may;
    tell(form, refusal);
  } else {
    form.dataset.may = "true";
    form.requestSubmit(event.submitter);
    if (form.dataset.may === "true") delete form.dataset.may; // the browser found a field wrong
  }
}

async function sendPart(event) {
  if (event.detail.verb === "get") return;
  event.preventDefault();
  const refusal = await session.ready();
  if (refusal) tell(event.detail.elt, refusal);
  else event.detail.issueRequest(true);
}

// A part that was answered with the page for signing in: once signed in, what waits asks again.
export async function askAgain(element, answeredBy) {
  if (!session || new URL(answeredBy).pathname !== session.root.dataset.login) return;
  const refusal = await session.ready();
  if (refusal) tell(element, refusal);
  else if (element.matches("[data-waiting]")) location.reload();
}

export function startSession() {
  const root = document.querySelector("[data-session]");
  if (!root) return;
  session = new Session(root);
  document.addEventListener("submit", sendForm, { capture: true });
  document.addEventListener("htmx:confirm", sendPart);
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-may]")) delete form.dataset.may;
  });
}
