// Two photographs side by side: one zoom and one place for both, and blinking from one to the other.

import { Viewer } from "./viewer.js";

class LinkedViewer extends Viewer {
  draw() {
    super.draw();
    const other = this.partner;
    if (!other) return;
    other.scale = this.scale;
    other.x = (this.x / this.stage.clientWidth) * other.stage.clientWidth;
    other.y = (this.y / this.stage.clientHeight) * other.stage.clientHeight;
    Viewer.prototype.draw.call(other);
  }
}

function start(root) {
  const panes = [...root.querySelectorAll("[data-pane]")];
  const [first, second] = panes.map((pane) => new LinkedViewer(pane));
  first.partner = second;
  second.partner = first;
  const blink = root.querySelector("[data-blink-button]");

  // `shown`: the one photograph before the reader, in the place of both; without one, both stand side by side.
  const show = (shown) => {
    const isBlinking = shown !== null;
    const inside = panes.some((pane) => pane.contains(document.activeElement));
    root.toggleAttribute("data-blinking", isBlinking);
    blink.setAttribute("aria-pressed", String(isBlinking));
    panes.forEach((pane, place) => pane.classList.toggle("is-behind", isBlinking && place !== shown));
    if (inside && isBlinking) panes[shown].querySelector("[data-stage]").focus();
    first.draw();
  };
  const shown = () => (root.hasAttribute("data-blinking") ? panes.findIndex((pane) => !pane.classList.contains("is-behind")) : null);

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const isZoomed = first.scale > 1;
    if (event.key === "b") show(shown() === 0 ? 1 : 0);
    else if (event.key === "Escape" && shown() !== null) show(null);
    else if (event.key === "ArrowLeft" && !isZoomed) show(0);
    else if (event.key === "ArrowRight" && !isZoomed) show(1);
    else return;
    event.preventDefault();
  });
  blink.addEventListener("click", () => show(shown() === null ? 0 : null));
  for (const button of root.querySelectorAll("[data-zoom-both]")) {
    button.addEventListener("click", () => first.act(button.dataset.zoomBoth));
  }
  // A click on the one that blinks shows the other: for fingers, which have no keys.
  for (const pane of panes) {
    pane.addEventListener("click", () => shown() !== null && first.scale === 1 && show(1 - shown()));
  }
}

for (const root of document.querySelectorAll("[data-compare]")) start(root);
