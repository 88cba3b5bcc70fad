// Elements of the page, which are all made here.

/** An element; children that are strings become text nodes, never markup. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

export function button(name, press) {
  const element = h("button", { type: "button" }, name);
  element.onclick = () => press(element);
  return element;
}
