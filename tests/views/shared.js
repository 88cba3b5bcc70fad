// What the tests' pages share: a model as anywidget passes it, and the contrast of texts.

/** A model: its traits, and what was sent through it. */
export class Model {
  sent = [];
  handlers = {};

  constructor(traits) {
    this.traits = traits;
  }

  get(name) {
    return this.traits[name];
  }

  on(event, handler) {
    (this.handlers[event] ??= []).push(handler);
  }

  off(event, handler) {
    this.handlers[event] = this.handlers[event].filter((other) => other !== handler);
  }

  send(content) {
    if (this.gone) throw new Error("Cannot send");
    this.sent.push(content);
  }

  fire(event, ...given) {
    for (const handler of this.handlers[event] ?? []) handler(...given);
  }
}

function luminance(colour) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
  const [r, g, b] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Returns the contrast of texts with their background (WCAG). */
export function contrasts(texts, on) {
  const ground = luminance(getComputedStyle(on).backgroundColor);
  return texts.map((element) => {
    const text = luminance(getComputedStyle(element).color);
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
}
