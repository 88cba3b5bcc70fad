// The output of a job: what its screen shows, as elements.
import { drawn } from "./draw.js";
import { h, say } from "./element.js";
import { Screen, runs } from "./screen.js";

/** A log that follows its end until the reader scrolls away. */
export class Output {
  constructor(afterwards) {
    this.afterwards = afterwards; // called whenever all has been drawn
    this.screen = new Screen();
    this.cost = 0;
    this.follow = true;
    this.above = h("p", {});
    this.log = h("div", { class: "ipyproc-output", role: "log", tabindex: "0" });
    this.log.onscroll = () => {
      const { scrollHeight, scrollTop, clientHeight } = this.log;
      this.follow = scrollHeight - scrollTop - clientHeight < 8;
    };
  }

  /** Begin again with nothing. */
  clear() {
    const { gone, lines } = this.screen;
    this.screen = new Screen();
    this.screen.gone = [...gone, ...lines];
  }

  /** Draw soon: what takes long, less often, so that the page stays responsive. */
  soon() {
    this.frame ??= setTimeout(() => requestAnimationFrame((start) => {
      this.frame = null;
      this.draw();
      this.cost = performance.now() - start;
    }), 2 * this.cost);
  }

  draw() {
    const { screen, log } = this;
    const { lines, changed } = screen;
    this.seen ||= log.isConnected;
    const end = lines.length - (lines.at(-1)?.chars.length === 0);
    for (const line of screen.gone.splice(0).concat(lines.slice(end))) {
      line.element?.remove();
      line.element = null;
    }
    let first = end;
    while (first && !lines[first - 1].element) first -= 1;
    for (const line of lines.slice(first, end)) {
      log.append((line.element = h("div", {})));
      changed.add(line);
    }
    for (const line of changed) if (line.element) this.paint(line);
    changed.clear();
    log.hidden = !log.firstChild;
    say(this.above, screen.dropped ? `${screen.dropped.toLocaleString("en")} lines above are not shown` : "");
    if (this.follow) log.scrollTop = log.scrollHeight;
    this.afterwards();
  }

  paint(line) {
    line.element.replaceChildren(...(line.chars.length ? runs(line).map(drawn) : [h("br", {})]));
    line.element.className = line.looks.some((look) => look.startsWith("stderr")) ? "stderr" : "";
  }
}
