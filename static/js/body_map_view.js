// One view of the figure: what lies where on it, and coming closer. It reads the shapes that the page drew, which are
// those that the server asks.

const GRID = 16; // points looked at across a region, to find what of it is to be seen
const CLOSEST = 6;
const CLOSER = 1.8;
const REACH = 14; // pixels: how far beside the figure a finger may land

export class View {
  constructor(stage) {
    this.stage = stage;
    this.svg = stage.querySelector("svg");
    this.key = this.svg.dataset.view;
    const { width, height } = this.svg.viewBox.baseVal;
    this.width = width;
    this.height = height;
    this.isClose = false;
    // The topmost first: what is painted later covers the rest.
    this.parts = [...this.svg.querySelectorAll("[data-part]")].reverse().map((part) => ({
      ground: part.querySelector(".body-map-ground"),
      regions: [...part.querySelectorAll("[data-site]")].reverse(),
    }));
    this.regions = this.parts.flatMap((part) => part.regions);
    this.regions.sort(byPlace);
    this.seen = new Map();
  }

  // The region at a point, in units of the view.
  at(x, y) {
    const point = new DOMPoint(x, y);
    for (const { ground, regions } of this.parts) {
      if (!ground.isPointInFill(point)) continue;
      const found = regions.find((region) => region.isPointInFill(point));
      if (found) return found;
    }
    return null;
  }

  // The point under a finger or a mouse, moved onto the figure where it lies just beside.
  under(event) {
    const from = new DOMPoint(event.clientX, event.clientY);
    const matrix = this.svg.getScreenCTM().inverse();
    const { x, y } = from.matrixTransform(matrix);
    if (this.at(x, y)) return { x, y };
    for (let reach = 3; reach <= REACH; reach += 3) {
      for (let turn = 0; turn < 12; turn += 1) {
        const angle = (turn * Math.PI) / 6;
        const near = { x: x + Math.cos(angle) * reach * matrix.a, y: y + Math.sin(angle) * reach * matrix.a };
        if (this.at(near.x, near.y)) return near;
      }
    }
    return null;
  }

  // What of a region is to be seen: its box, and the point of it that is farthest from all else.
  look(region) {
    if (this.seen.has(region)) return this.seen.get(region);
    const { x, y, width, height } = region.getBBox();
    const cells = [];
    for (let row = 0; row < GRID; row += 1) {
      for (let column = 0; column < GRID; column += 1) {
        const cell = { x: x + (width * (column + 0.5)) / GRID, y: y + (height * (row + 0.5)) / GRID };
        cells.push({ ...cell, isIn: this.at(cell.x, cell.y) === region });
      }
    }
    const inside = cells.filter((cell) => cell.isIn);
    const found = inside.length ? { ...boxOf(inside), middle: middleOf(inside, cells) } : null;
    this.seen.set(region, found);
    return found;
  }

  // Show a region large, and the point in any case.
  comeCloser(region, point) {
    const box = this.look(region) ?? { x: point.x, y: point.y, width: 1, height: 1 };
    const fits = Math.min(this.width / (box.width * 1.6 + 8), this.height / (box.height * 1.6 + 8));
    const scale = Math.min(Math.max(fits, CLOSER), CLOSEST);
    const [width, height] = [this.width / scale, this.height / scale];
    const isTight = box.width > width || box.height > height;
    const middle = isTight ? point : { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const left = Math.min(Math.max(middle.x - width / 2, 0), this.width - width);
    const top = Math.min(Math.max(middle.y - height / 2, 0), this.height - height);
    this.svg.setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
    this.isClose = true;
    this.scale = scale;
  }

  showWhole() {
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.isClose = false;
    this.scale = 1;
  }

  drawPin() {
    const pin = document.createElementNS(this.svg.namespaceURI, "g");
    pin.setAttribute("class", "body-map-chosen");
    pin.setAttribute("tabindex", "0");
    pin.setAttribute("role", "img");
    for (const [name, radius] of [["halo", 12], ["edge", 7], ["core", 3]]) {
      const circle = document.createElementNS(this.svg.namespaceURI, "circle");
      circle.setAttribute("class", name);
      circle.setAttribute("r", radius);
      pin.append(circle);
    }
    this.svg.append(pin);
    return pin;
  }

  put(pin, x, y) {
    pin.setAttribute("transform", `translate(${x} ${y}) scale(${1 / (this.scale ?? 1)})`);
  }
}

// From head to foot, the right side before the middle before the left.
function byPlace(one, other) {
  const sides = ["right", "midline", "left"];
  const apart = Number(one.dataset.order) - Number(other.dataset.order);
  return apart || sides.indexOf(one.dataset.side) - sides.indexOf(other.dataset.side);
}

function boxOf(cells) {
  const xs = cells.map((cell) => cell.x);
  const ys = cells.map((cell) => cell.y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function middleOf(inside, cells) {
  const outside = cells.filter((cell) => !cell.isIn);
  const middle = { x: 0, y: 0 };
  for (const cell of inside) {
    middle.x += cell.x / inside.length;
    middle.y += cell.y / inside.length;
  }
  const away = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
  // The nearer the middle of what is seen, the better, as long as the edge is far.
  const worth = (cell) => Math.min(...outside.map((other) => away(cell, other)), 1000) - away(cell, middle) / 4;
  return inside.reduce((best, cell) => (worth(cell) > worth(best) ? cell : best));
}
