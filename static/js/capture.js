// Photographs come in: each file becomes a row with a form of its own, so that the error of one leaves the others alone.

import { startRow } from "./capture_row.js";

class Capture {
  constructor(root) {
    this.root = root;
    this.rows = root.querySelector("[data-capture-rows]");
    this.template = root.querySelector("[data-capture-template]");
    this.common = root.querySelector("[data-capture-form]");
    this.all = root.querySelector("[data-capture-all]");
    this.announce = root.querySelector("[data-capture-announce]");
    this.made = 0;
    for (const input of root.querySelectorAll("[data-files]")) {
      input.addEventListener("change", () => {
        this.add([...input.files]);
        input.value = "";
      });
    }
    root.querySelector("[data-send-all]").addEventListener("click", () => this.sendAll());
    root.addEventListener("row-changed", () => this.show());
    root.addEventListener("row-same-below", (event) => this.sameBelow(event.target));
    root.addEventListener("row-new-patient", (event) => this.knowPatient(event.target));
    this.startDropping(root.querySelector("[data-dropzone]"));
  }

  // The whole page takes a drop, so that none opens the file in place of the page.
  startDropping(zone) {
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      zone.classList.add("is-over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) zone.classList.remove("is-over");
    });
    document.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      zone.classList.remove("is-over");
      this.add([...event.dataTransfer.files]);
    });
  }

  add(files) {
    const added = files.map((file) => this.addRow(file));
    this.show();
    this.announce.textContent = files.map((file) => file.name).join(", ");
    added[0]?.element.querySelector("input[type=radio]:checked")?.focus();
  }

  addRow(file) {
    this.made += 1;
    const fragment = this.template.content.cloneNode(true);
    for (const element of fragment.querySelectorAll("*")) {
      for (const attribute of [...element.attributes]) {
        if (attribute.value.includes("__n__")) attribute.value = attribute.value.replaceAll("__n__", this.made);
      }
    }
    const element = fragment.querySelector("[data-capture-row]");
    this.rows.append(fragment);
    window.htmx.process(element);
    const row = startRow(element, file, { maxBytes: Number(this.root.dataset.maxBytes), common: this.common });
    return row;
  }

  elements() {
    return [...this.rows.querySelectorAll("[data-capture-row]")];
  }

  waiting() {
    return this.elements().filter((row) => row.dataset.state === "ready" || row.dataset.state === "error");
  }

  show() {
    const rows = this.elements();
    const waiting = this.waiting();
    this.all.hidden = rows.length < 2 || waiting.length === 0;
    this.root.querySelector("[data-capture-count]").textContent = this.all.hidden ? "" : String(waiting.length);
    for (const row of rows) {
      const below = rows.slice(rows.indexOf(row) + 1).filter((other) => waiting.includes(other));
      row.querySelector("[data-same-below]").hidden = below.length === 0;
      row.dataset.single = String(rows.length === 1);
    }
  }

  // One after the other: the machine that reads them has few cores, and the first reading is there soonest.
  async sendAll() {
    for (const element of this.waiting()) await element.captureRow.send();
  }

  // The patient that a row has made is known to the rows that give the same code.
  knowPatient(source) {
    const code = source.captureRow.values().patient_code.trim();
    for (const row of this.waiting()) {
      if (code && row.captureRow.values().patient_code.trim() === code) row.captureRow.newPatient.checked = false;
    }
  }

  sameBelow(source) {
    const rows = this.elements();
    const values = source.captureRow.values();
    const waiting = this.waiting();
    for (const row of rows.slice(rows.indexOf(source) + 1)) {
      if (waiting.includes(row)) row.captureRow.fill(values);
    }
  }
}

for (const root of document.querySelectorAll("[data-capture]")) new Capture(root);
