// A TCP port that a job listens on, as a link.
import { h } from "./dom.js";

/** A link to a port of the kernel's machine, which the server passes on if it is another. */
export function portLink(port: number, text: string, proxy = false): HTMLElement {
  const isHere = /^(localhost|127\.|\[::1\])/.test(location.hostname);
  const config = document.querySelector("#jupyter-config-data")?.textContent ?? "{}";
  const { baseUrl = "/" } = JSON.parse(config) as { baseUrl?: string };
  const href = isHere ? `http://localhost:${port}/` : `${baseUrl}proxy/${port}/`;
  if (!isHere && !proxy) return h("span", {}, text);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);
}
