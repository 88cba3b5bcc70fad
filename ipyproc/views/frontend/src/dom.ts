// Elements of the page, which are all made here.

/** An element; children that are strings become text nodes, never markup. */
export function h(tag, attributes, ...children) {
  const drawing = ["svg", "path"].includes(tag);
  const element = drawing ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

export function button(name, press) {
  const element = h("button", { type: "button" }, name);
  element.onclick = () => press(element);
  return element;
}

/** Say something else, if it is something else: what is read aloud is not repeated. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
