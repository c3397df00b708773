// The photograph: zoom about a point, pan, one to one; and the heat-map, fetched when it is first asked for.

const STEP = 1.25;
const MOST = 12;
const PAN = 60;

export class Viewer {
  constructor(root) {
    this.stage = root.querySelector("[data-stage]");
    this.sheet = root.querySelector("[data-sheet]");
    this.image = root.querySelector("[data-image]");
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.pointers = new Map();
    for (const button of root.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.act(button.dataset.zoom));
    }
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("dblclick", (event) => (this.scale > 1 ? this.fit() : this.zoomTo(this.oneToOne(), event)));
    this.stage.addEventListener("pointerdown", (event) => this.down(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(name, (event) => this.up(event));
    }
    const error = root.querySelector("[data-viewer-error]");
    const fail = () => (error.hidden = false);
    this.image.addEventListener("error", fail);
    if (this.image.complete && this.image.naturalWidth === 0) fail();
  }

  act(what) {
    if (what === "in") this.zoomTo(this.scale * STEP);
    if (what === "out") this.zoomTo(this.scale / STEP);
    if (what === "fit") this.fit();
    if (what === "one") this.zoomTo(this.oneToOne());
  }

  // One pixel of the photograph on one pixel of the screen.
  oneToOne() {
    return Number(this.image.getAttribute("width")) / (this.drawn().width * devicePixelRatio);
  }

  // The size at which the whole photograph is drawn in its box.
  drawn() {
    const width = Number(this.image.getAttribute("width"));
    const height = Number(this.image.getAttribute("height"));
    const factor = Math.min(this.image.offsetWidth / width, this.image.offsetHeight / height);
    return { width: width * factor, height: height * factor };
  }

  fit() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.draw();
  }

  // `at`: the event whose point stays where it is; without one, the middle does.
  zoomTo(scale, at) {
    const next = Math.min(MOST, Math.max(Math.min(1, this.oneToOne()), scale));
    const box = this.stage.getBoundingClientRect();
    const dx = at ? at.clientX - box.left - box.width / 2 : 0;
    const dy = at ? at.clientY - box.top - box.height / 2 : 0;
    const factor = next / this.scale;
    this.x = dx - (dx - this.x) * factor;
    this.y = dy - (dy - this.y) * factor;
    this.scale = next;
    this.draw();
  }

  // A photograph is never dragged out of sight.
  draw() {
    const drawn = this.drawn();
    const limitX = Math.max(0, (drawn.width * this.scale - this.stage.clientWidth) / 2);
    const limitY = Math.max(0, (drawn.height * this.scale - this.stage.clientHeight) / 2);
    this.x = Math.min(limitX, Math.max(-limitX, this.x));
    this.y = Math.min(limitY, Math.max(-limitY, this.y));
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.stage.dataset.zoomed = String(this.scale > 1);
  }

  wheel(event) {
    // Over a photograph that fits, the wheel scrolls the page, unless Ctrl (or a pinch) says zoom.
    if (!event.ctrlKey && this.scale === 1) return;
    event.preventDefault();
    this.zoomTo(this.scale * STEP ** (-Math.sign(event.deltaY)), event);
  }

  key(event) {
    const moves = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] };
    const zooms = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "one" };
    if (zooms[event.key]) {
      this.act(zooms[event.key]);
    } else if (moves[event.key] && this.scale > 1) {
      this.x += moves[event.key][0];
      this.y += moves[event.key][1];
      this.draw();
    } else {
      return;
    }
    event.preventDefault();
  }

  down(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    this.pointers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    if (this.scale > 1 || this.pointers.size > 1) this.stage.setPointerCapture(event.pointerId);
    this.stage.dataset.dragging = String(this.scale > 1);
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { clientX: event.clientX, clientY: event.clientY };
    if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const distance = (point) => Math.hypot(point.clientX - other.clientX, point.clientY - other.clientY);
      const middle = { clientX: (now.clientX + other.clientX) / 2, clientY: (now.clientY + other.clientY) / 2 };
      this.zoomTo((this.scale * distance(now)) / Math.max(1, distance(before)), middle);
    } else if (this.scale > 1) {
      this.x += now.clientX - before.clientX;
      this.y += now.clientY - before.clientY;
      this.draw();
    }
    this.pointers.set(event.pointerId, now);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    this.stage.dataset.dragging = "false";
  }
}

function startHeatMap(root) {
  const slider = root.querySelector("[data-heat-slider]");
  if (!slider) return;
  const heat = root.querySelector("[data-heat]");
  const state = root.querySelector("[data-heat-state]");
  slider.value = "0";
  slider.addEventListener("input", () => {
    heat.style.opacity = String(Number(slider.value) / 100);
    heat.hidden = slider.value === "0";
    if (heat.hasAttribute("src") || slider.value === "0") return;
    state.textContent = state.dataset.textLoading;
    heat.src = slider.dataset.source;
  });
  heat.addEventListener("load", () => (state.textContent = ""));
  heat.addEventListener("error", () => {
    state.textContent = state.dataset.textFailed;
    heat.removeAttribute("src");
    heat.hidden = true;
    slider.value = "0";
  });
}

for (const root of document.querySelectorAll("[data-viewer]")) {
  new Viewer(root);
  startHeatMap(root);
}
