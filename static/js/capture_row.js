// One photograph about to be sent: its preview, its fields, its progress, its reading or its error.

import { showSite } from "./place.js";

function writeSize(bytes) {
  const [unit, divisor] = bytes < 1_000_000 ? ["kilobyte", 1_000] : ["megabyte", 1_000_000];
  const style = { style: "unit", unit, maximumFractionDigits: unit === "megabyte" ? 1 : 0 };
  return new Intl.NumberFormat(document.documentElement.lang, style).format(bytes / divisor);
}

class CaptureRow {
  constructor(element, file, { maxBytes }) {
    this.element = element;
    this.file = file;
    this.form = element.querySelector("form");
    this.fields = element.querySelector("[data-fields]");
    this.result = element.querySelector("[data-result]");
    this.box = element.querySelector("[data-progress-box]");
    this.bar = element.querySelector("[data-progress]");
    this.barText = element.querySelector("[data-progress-text]");
    this.finished = null;
    this.describe();
    this.attach();
    this.listen();
    showSite(this.form);
    if (file.size > maxBytes) this.fail(this.form.dataset.textTooLarge);
  }

  describe() {
    const { name, size } = this.file;
    this.element.querySelector("[data-name]").textContent = name;
    this.element.querySelector("[data-name]").title = name;
    this.element.querySelector("[data-legend]").textContent = name;
    this.element.querySelector("[data-size]").textContent = writeSize(size);
    const remove = this.element.querySelector("[data-remove]");
    remove.setAttribute("aria-label", `${remove.getAttribute("aria-label")}: ${name}`);
    const preview = new Image();
    preview.alt = "";
    // A browser that cannot draw the format keeps the sign in its place; the server can read it.
    preview.onload = () => this.element.querySelector("[data-preview]").replaceChildren(preview);
    preview.src = URL.createObjectURL(this.file);
  }

  attach() {
    const transfer = new DataTransfer();
    transfer.items.add(this.file);
    this.form.querySelector("[data-file]").files = transfer.files;
  }

  listen() {
    this.element.querySelector("[data-remove]").addEventListener("click", () => this.remove());
    this.element.querySelector("[data-same-below]").addEventListener("click", () => this.emit("row-same-below"));
    this.form.addEventListener("htmx:beforeRequest", (event) => this.isMine(event) && this.begin());
    this.form.addEventListener("htmx:xhr:progress", (event) => event.target === this.form && this.progress(event.detail));
    this.form.addEventListener("send-refused", (event) => this.refuse(event.detail.text));
    this.form.addEventListener("htmx:afterRequest", (event) => this.isMine(event) && this.end(event.detail.xhr));
  }

  // Buttons of an answer may have the same name.
  get newPatient() {
    return this.form.querySelector("input[name=new_patient]");
  }

  // The fields search by requests of their own.
  isMine(event) {
    return event.detail.elt === this.form;
  }

  emit(name) {
    this.element.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  }

  setState(state) {
    this.element.dataset.state = state;
    this.emit("row-changed");
  }

  begin() {
    this.result.replaceChildren();
    this.box.hidden = false;
    this.bar.value = 0;
    this.barText.textContent = this.form.dataset.textSending;
    this.setState("sending");
    // Only now: a disabled field is not sent.
    queueMicrotask(() => (this.fields.disabled = true));
  }

  progress({ loaded, total }) {
    if (!total) return;
    if (loaded < total) {
      this.bar.value = Math.round((100 * loaded) / total);
    } else {
      this.bar.removeAttribute("value");
      this.barText.textContent = this.form.dataset.textReading;
    }
  }

  end(xhr) {
    this.box.hidden = true;
    this.fields.disabled = false;
    const done = this.result.querySelector("[data-reading-url]");
    if (xhr.status === 0) {
      this.explainLoss();
      return;
    }
    if (done) {
      this.setState("done");
      if (this.result.querySelector("[data-new-patient]")) this.emit("row-new-patient");
      if (this.element.dataset.single === "true") location.assign(done.dataset.readingUrl);
    } else if (this.result.childElementCount > 0) {
      this.setState("error");
    } else {
      this.fail(this.form.dataset.textBroken);
    }
    this.finished?.();
  }

  // A browser sends no file that has changed or gone since it was chosen, and calls that a lost connection too.
  async explainLoss() {
    const isThere = await this.file.slice().arrayBuffer().then(() => true, () => false);
    this.refuse(isThere ? this.form.dataset.textLost : this.form.dataset.textGone);
  }

  // Before it travelled: signed in as somebody else meanwhile, or no connection.
  refuse(text) {
    this.fail(text);
    this.finished?.();
  }

  fail(text) {
    const box = document.createElement("div");
    box.className = "arrival arrival-error";
    box.setAttribute("role", "alert");
    const reason = document.createElement("p");
    reason.className = "arrival-reason";
    reason.textContent = text;
    box.append(reason);
    this.result.replaceChildren(box);
    this.setState("error");
  }

  send() {
    return new Promise((resolve) => {
      this.finished = resolve;
      this.form.requestSubmit(this.form.querySelector("[data-send]"));
    });
  }

  remove() {
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    const root = this.element.closest("[data-capture]");
    this.element.remove();
    root.dispatchEvent(new CustomEvent("row-changed"));
    (next?.querySelector("[data-remove]") ?? root.querySelector("[data-files]")).focus();
  }

  values() {
    const lesion = this.form.querySelector("[data-lesion]");
    return {
      modality: this.form.querySelector("[name=modality]:checked")?.value,
      declared: [...this.form.querySelectorAll("[name=declared]:checked")].map((box) => box.value),
      patient_code: this.form.elements.patient_code.value,
      new_patient: this.newPatient.checked,
      body_site: this.form.elements.body_site.value,
      lesion: lesion.value,
      lesions: lesion.innerHTML,
    };
  }

  fill(values) {
    for (const radio of this.form.querySelectorAll("[name=modality]")) radio.checked = radio.value === values.modality;
    for (const box of this.form.querySelectorAll("[name=declared]")) box.checked = values.declared.includes(box.value);
    this.form.elements.patient_code.value = values.patient_code;
    this.newPatient.checked = values.new_patient;
    this.form.elements.body_site.value = values.body_site;
    const lesion = this.form.querySelector("[data-lesion]");
    lesion.innerHTML = values.lesions;
    lesion.value = values.lesion;
    showSite(this.form);
  }
}

export function startRow(element, file, options) {
  const row = new CaptureRow(element, file, options);
  element.captureRow = row;
  return row;
}
