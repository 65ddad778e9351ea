// A canvas to draw a digit on, and the 28 x 28 pixels that networks for MNIST's digits take.

const SIDE = 280, BOX = 20, SEEN = 28;

/** Drawing by mouse, pen or finger. */
export class Pad {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.wipe();
    let last = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) * SIDE / box.width, (event.clientY - box.top) * SIDE / box.height];
    };
    const draw = (event) => {
      if (!last) return;
      const point = at(event);
      this.line(last, point);
      last = point;
      event.preventDefault();
    };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = at(event); draw(event); });
    canvas.addEventListener("pointermove", draw);
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { if (last) this.changed(); last = null; });
  }

  wipe() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  clear() {
    this.wipe();
    this.changed();
  }

  line([x0, y0], [x1, y1]) {
    Object.assign(this.context, { strokeStyle: "#fff", lineWidth: 21, lineCap: "round", lineJoin: "round" });
    this.context.beginPath();
    this.context.moveTo(x0, y0);
    this.context.lineTo(x1 + 0.01, y1);
    this.context.stroke();
  }

  /** For those who can't draw: strokes of a digit, points in a square of side 1. */
  strokes(lists) {
    this.wipe();
    for (const points of lists) for (let i = 1; i < points.length; ++i) this.line(points[i - 1].map((v) => v * SIDE), points[i].map((v) => v * SIDE));
    this.changed();
  }

  /** Pixels in [0, 1], as MNIST has them: fitted into 20 x 20, centred by mass in 28 x 28, multiples of 1/255. Null if nothing is drawn. */
  pixels() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    let left = SIDE, right = -1, top = SIDE, bottom = -1;
    for (let y = 0; y < SIDE; ++y) for (let x = 0; x < SIDE; ++x) {
      if (data[4 * (y * SIDE + x)] < 30) continue;
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
    }
    if (right < 0) return null;
    const width = right - left + 1, height = bottom - top + 1, scale = BOX / Math.max(width, height);
    const place = (dx, dy) => {
      const scratch = new OffscreenCanvas(SEEN, SEEN), context = scratch.getContext("2d");
      Object.assign(context, { fillStyle: "#000", imageSmoothingQuality: "high" });
      context.fillRect(0, 0, SEEN, SEEN);
      context.drawImage(this.canvas, left, top, width, height, (SEEN - width * scale) / 2 + dx, (SEEN - height * scale) / 2 + dy, width * scale, height * scale);
      const bytes = context.getImageData(0, 0, SEEN, SEEN).data;
      return Float32Array.from({ length: SEEN * SEEN }, (_, i) => bytes[4 * i] / 255);
    };
    const first = place(0, 0);
    let mass = 0, x = 0, y = 0;
    first.forEach((value, i) => { mass += value; x += value * (i % SEEN + 0.5); y += value * (Math.floor(i / SEEN) + 0.5); });
    return place(Math.round(SEEN / 2 - x / mass), Math.round(SEEN / 2 - y / mass));
  }
}

/** 14 x 14 means of 2 x 2 pixels, multiples of 1/15: what the smaller networks take. */
export function shrink(pixels) {
  const side = SEEN / 2;
  return Float32Array.from({ length: side * side }, (_, i) => {
    const corner = 2 * SEEN * Math.floor(i / side) + 2 * (i % side);
    return Math.round(15 * (pixels[corner] + pixels[corner + 1] + pixels[corner + SEEN] + pixels[corner + SEEN + 1]) / 4) / 15;
  });
}

/** Shows what the model sees: a square of pixels, or nothing yet. */
export function paint(canvas, pixels) {
  const side = pixels ? Math.sqrt(pixels.length) : SEEN;
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  for (let i = 0; i < side * side; ++i) {
    const value = Math.round(255 * (pixels?.[i] ?? 0));
    image.data.set([value, value, value, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/** Samples for the keyboard. */
const circle = (x, y, rx, ry) => Array.from({ length: 25 }, (_, i) => [x + rx * Math.sin(i * Math.PI / 12), y - ry * Math.cos(i * Math.PI / 12)]);
export const SAMPLES = {
  0: [circle(0.5, 0.5, 0.2, 0.33)],
  1: [[[0.42, 0.25], [0.55, 0.15], [0.53, 0.85]]],
  2: [[[0.3, 0.3], [0.4, 0.18], [0.58, 0.18], [0.67, 0.32], [0.58, 0.5], [0.4, 0.68], [0.28, 0.82], [0.5, 0.8], [0.74, 0.82]]],
  3: [[[0.32, 0.2], [0.5, 0.15], [0.64, 0.24], [0.62, 0.4], [0.47, 0.48], [0.63, 0.56], [0.67, 0.72], [0.52, 0.85], [0.32, 0.8]]],
  4: [[[0.38, 0.15], [0.3, 0.52], [0.7, 0.52]], [[0.62, 0.2], [0.58, 0.88]]],
  5: [[[0.7, 0.17], [0.38, 0.17], [0.35, 0.46], [0.5, 0.42], [0.64, 0.5], [0.68, 0.66], [0.58, 0.8], [0.44, 0.84], [0.3, 0.78]]],
  6: [[[0.6, 0.14], [0.44, 0.3], [0.35, 0.5], [0.34, 0.68], [0.42, 0.82], [0.56, 0.84], [0.65, 0.72], [0.62, 0.58], [0.5, 0.53], [0.37, 0.62]]],
  7: [[[0.28, 0.2], [0.72, 0.18], [0.58, 0.5], [0.45, 0.86]]],
  8: [circle(0.5, 0.32, 0.15, 0.16), circle(0.5, 0.66, 0.18, 0.18)],
  9: [circle(0.48, 0.34, 0.16, 0.18), [[0.64, 0.34], [0.6, 0.6], [0.52, 0.86]]],
};
