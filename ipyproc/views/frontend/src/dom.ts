// Elements of the page; every module makes its elements here.

type Attributes = Record<string, string | number>;
type Child = Node | string;

/** Returns an element; children that are strings become text nodes, never markup. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

/** Returns an element of a drawing. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes,
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Returns the frame of a view. */
export function frame(name: string, ...children: Child[]): HTMLElement {
  // Between dollars in our text there is no formula, and keys pressed in it are not the notebook's.
  const attributes = { class: `${name} tex2jax_ignore mathjax_ignore`, "data-lm-suppress-shortcuts": "true" };
  const element = h("section", attributes, ...children);
  element.addEventListener("keydown", (event) => event.stopPropagation());
  return element;
}

export function button(name: string, press: (pressed: HTMLButtonElement) => void): HTMLButtonElement {
  const element = h("button", { type: "button" }, name);
  element.onclick = () => press(element);
  return element;
}

/** Returns the list of what the letters of a process's state mean. */
export function legend(letters: Iterable<[string, string]>): HTMLElement {
  const meanings = [...letters].map(([letter, text]) => h("div", {}, h("dt", {}, letter), h("dd", {}, text)));
  return h("dl", { class: "ipyproc-letters" }, ...meanings);
}

/** Sets the text only where it differs: a screen reader reads each change of a status. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
