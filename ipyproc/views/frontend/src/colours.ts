// The colours of a terminal: those of the pane, which are the front end's.
import type { ITheme } from "@xterm/xterm";

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

/** Returns the colours as they are in an element now, in the notation that xterm.js reads. */
export function colours(element: HTMLElement): ITheme {
  const probe = element.appendChild(document.createElement("i"));
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const hex = (colour: string): string => {
    probe.style.color = colour;
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
  const background = hex("var(--back)");
  const theme: Record<string, string> = {
    background,
    foreground: hex("var(--fore)"),
    cursor: hex("var(--fore)"),
    cursorAccent: background,
    selectionBackground: hex("color-mix(in srgb, var(--blue) 35%, var(--back))"),
    selectionInactiveBackground: hex("color-mix(in srgb, var(--blue) 20%, var(--back))"),
    scrollbarSliderBackground: `${hex("var(--fore)")}33`,
    scrollbarSliderHoverBackground: `${hex("var(--fore)")}66`,
    scrollbarSliderActiveBackground: `${hex("var(--fore)")}88`,
  };
  NAMES.forEach((name, n) => {
    theme[name] = hex(`var(--c${n})`);
    // As sgr.ts mixes the bright ones.
    theme[`bright${name[0]!.toUpperCase()}${name.slice(1)}`] = hex(`color-mix(in srgb, var(--c${n}) 75%, var(--fore))`);
  });
  probe.remove();
  return theme;
}

/** Calls `changed` whenever the front end, or the system, changes its theme. */
export function watchColours(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  const attributeFilter = ["class", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "theme"];
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter });
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", changed);
  };
}
