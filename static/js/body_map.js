// The body map: choosing the place of a lesion by mouse, by two taps or by keys, and showing lesions as pins.

import { View } from "./body_map_view.js";

const STEP = 0.01; // of the view, a key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class BodyMap {
  constructor(element) {
    this.element = element;
    this.views = [...element.querySelectorAll("[data-stage]")].map((stage) => new View(stage));
    this.tabs = [...element.querySelectorAll("[data-shows]")];
    for (const tab of this.tabs) tab.addEventListener("click", () => this.show(tab.dataset.shows));
    const first = this.views.find((view) => view.svg.querySelector(".body-map-pin")) ?? this.views[0];
    this.show(first.key);
  }

  show(key) {
    this.view = this.views.find((view) => view.key === key);
    for (const view of this.views) view.stage.classList.toggle("is-shown", view === this.view);
    for (const tab of this.tabs) tab.setAttribute("aria-pressed", String(tab.dataset.shows === key));
  }
}

class Chooser extends BodyMap {
  constructor(element) {
    super(element);
    const find = (name) => element.querySelector(`[data-${name}]`);
    this.said = find("said");
    this.whole = find("whole");
    this.clearing = find("clear");
    this.question = find("crossing");
    const named = (name) => element.querySelector(`[name$="_${name}"]`);
    this.fields = { site: named("site"), side: named("side"), view: named("view"), x: named("x"), y: named("y") };
    this.place = null;
    this.lastSide = "";
    this.listen();
    this.restore();
  }

  listen() {
    for (const view of this.views) {
      view.svg.addEventListener("pointerdown", (event) => { this.pointer = event.pointerType; });
      view.svg.addEventListener("click", (event) => this.press(event));
      view.svg.addEventListener("keydown", (event) => this.key(event));
      if (view.regions.length) view.regions[0].tabIndex = 0;
    }
    this.whole.addEventListener("click", () => this.showWhole());
    this.clearing.addEventListener("click", () => this.clear());
    for (const list of [this.fields.site, this.fields.side]) list.addEventListener("change", () => this.follow());
  }

  // What stands in the form already: a place being changed, or one that came back with an error.
  restore() {
    const { view, x, y, site, side } = this.fields;
    const drawn = this.views.find((each) => each.key === view.value);
    if (drawn && x.value !== "" && y.value !== "") {
      this.show(drawn.key);
      const point = { x: Number(x.value) * drawn.width, y: Number(y.value) * drawn.height };
      if (drawn.at(point.x, point.y)) return this.set(point);
    }
    this.limitSides();
    this.highlight(site.value, side.value);
    this.say();
    return undefined;
  }

  show(key) {
    if (this.view?.isClose) this.showWhole();
    super.show(key);
  }

  showWhole() {
    this.view.showWhole();
    this.whole.hidden = true;
    this.drawPin();
  }

  press(event) {
    const point = this.view.under(event);
    if (!point) {
      this.say(this.said.dataset.beside);
      return;
    }
    if (this.pointer === "touch" && !this.view.isClose) {
      this.view.comeCloser(this.view.at(point.x, point.y), point);
      this.whole.hidden = false;
      this.drawPin();
      return;
    }
    this.move(point);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const isTaken = event.target.closest(".body-map-chosen") ? this.keyOnPin(event) : this.keyOnRegion(event);
    if (isTaken) event.preventDefault();
  }

  keyOnRegion({ key, target }) {
    const { regions } = this.view;
    const at = regions.indexOf(target.closest("[data-site]"));
    if (at < 0) return false;
    if (key === "Enter" || key === " ") {
      const seen = this.view.look(regions[at]);
      if (seen) this.move(seen.middle).then(() => this.pin?.focus());
      return true;
    }
    const forward = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key];
    const ends = { Home: 0, End: regions.length - 1 }[key];
    if (forward === undefined && ends === undefined) return false;
    this.reach(regions[ends ?? (at + forward + regions.length) % regions.length]);
    return true;
  }

  keyOnPin({ key, shiftKey }) {
    if (key === "Escape") {
      this.reach(this.view.at(this.place.x, this.place.y));
      return true;
    }
    if (!ARROWS[key]) return false;
    const [right, down] = ARROWS[key];
    const step = shiftKey ? STEP / 5 : STEP;
    const { x, y } = this.place;
    const point = { x: x + right * step * this.view.width, y: y + down * step * this.view.height };
    if (this.view.at(point.x, point.y)) this.move(point);
    else this.say(this.said.dataset.beside);
    return true;
  }

  // One region is in the order of the page's tabs at a time.
  reach(region) {
    for (const each of this.view.regions) each.tabIndex = each === region ? 0 : -1;
    region.focus();
  }

  // A pin that would come to the other side of the patient asks first.
  async move(point) {
    const side = this.view.at(point.x, point.y).dataset.side;
    const from = this.place ? this.lastSide : "";
    const isCrossing = from && side !== "midline" && side !== from;
    if (isCrossing && !(await this.ask(from, side))) return;
    this.set(point);
  }

  ask(from, to) {
    const { question } = this;
    const text = (name) => question.dataset[name + (name === "keep" ? capital(from) : capital(to))];
    question.querySelector("[data-question]").textContent = text("to");
    const [keep, move] = [question.querySelector("[data-keep]"), question.querySelector("[data-move]")];
    keep.textContent = text("keep");
    move.textContent = text("move");
    const focused = document.activeElement;
    question.returnValue = "";
    question.showModal();
    keep.focus();
    keep.onclick = () => question.close("keep");
    move.onclick = () => question.close("move");
    return new Promise((resolve) => {
      question.addEventListener("close", () => {
        focused?.focus?.();
        resolve(question.returnValue === "move");
      }, { once: true });
    });
  }

  set(point) {
    const { site, side } = this.view.at(point.x, point.y).dataset;
    this.place = { ...point, view: this.view };
    if (side !== "midline") this.lastSide = side;
    else if (!this.lastSide) this.lastSide = "";
    const { fields } = this;
    fields.site.value = site;
    this.limitSides();
    fields.side.value = side;
    fields.view.value = this.view.key;
    fields.x.value = (point.x / this.view.width).toFixed(4);
    fields.y.value = (point.y / this.view.height).toFixed(4);
    this.highlight(site, side);
    this.drawPin();
    this.say();
    this.element.dispatchEvent(new CustomEvent("body-map:chosen", { bubbles: true, detail: { site, side } }));
  }

  // A site or side chosen in the lists: what was pointed at no longer holds.
  follow() {
    this.limitSides();
    this.forgetPoint();
    const { site, side } = this.fields;
    const matches = (region) => region.dataset.site === site.value && (!side.value || region.dataset.side === side.value);
    const view = [this.view, ...this.views].find((each) => each.regions.some(matches));
    if (view && view !== this.view) this.show(view.key);
    this.highlight(site.value, side.value);
    this.say();
  }

  limitSides() {
    const { site, side } = this.fields;
    const found = new Set();
    for (const { regions } of this.views) {
      for (const region of regions) if (region.dataset.site === site.value) found.add(region.dataset.side);
    }
    for (const option of side.options) {
      option.disabled = site.value !== "" && !["", "unknown"].includes(option.value) && !found.has(option.value);
    }
    if (side.selectedOptions[0]?.disabled) side.value = "";
  }

  forgetPoint() {
    this.place = null;
    this.lastSide = "";
    for (const name of ["view", "x", "y"]) this.fields[name].value = "";
    this.drawPin();
  }

  clear() {
    this.fields.site.value = "";
    this.fields.side.value = "";
    this.follow();
  }

  highlight(site, side) {
    for (const { regions } of this.views) {
      for (const region of regions) {
        const isChosen = region.dataset.site === site && region.dataset.side === side;
        region.setAttribute("aria-selected", String(isChosen));
      }
    }
  }

  drawPin() {
    if (this.pin && this.pinned !== this.place?.view) {
      this.pin.remove();
      this.pin = null;
    }
    if (this.place) {
      this.pinned = this.place.view;
      this.pin ??= this.pinned.drawPin();
      this.pinned.put(this.pin, this.place.x, this.place.y);
      this.pin.setAttribute("aria-label", this.words());
    }
  }

  words() {
    const { site, side } = this.fields;
    if (!site.value) return "";
    const name = site.selectedOptions[0].text;
    return side.value ? `${name}, ${side.selectedOptions[0].text.toLowerCase()}` : name;
  }

  say(text) {
    const words = this.words();
    this.said.textContent = text || words || this.said.dataset.none;
    this.said.classList.toggle("is-none", Boolean(text) || !words);
    this.clearing.hidden = !words;
  }
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}

// A lesion's pin and what else on the page stands for it light up together.
function startLighting() {
  const light = (event, isOn) => {
    const from = event.target.closest?.("[data-lesion-ref]");
    if (!from) return;
    const key = CSS.escape(from.dataset.lesionRef);
    for (const each of document.querySelectorAll(`[data-lesion-ref="${key}"]`)) each.classList.toggle("is-lit", isOn);
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, (event) => light(event, true));
  for (const type of ["pointerout", "focusout"]) document.addEventListener(type, (event) => light(event, false));
}

for (const element of document.querySelectorAll("[data-body-map]")) {
  if (element.dataset.bodyMap === "choose") new Chooser(element);
  else new BodyMap(element);
}
startLighting();
