// One open notebook: what the kernel says of its views is written into it, and when the
// kernel has ended, that its jobs did. The twin of views/transport/document.py.
import type { FromKernelToFile, FromPageToFile, Picture } from "../src/protocol.js";
import { ended } from "./ended.js";
import type { Change, Comm, Context, Data, Kernel, Message } from "./jupyter.js";
import {
  bundle,
  html,
  inFile,
  isSilent,
  type Place,
  places,
  show,
  showStatic,
  store,
  storeStatic,
  text,
  tokenIn,
} from "./outputs.js";
import { greet, isAlone, isWriter, join } from "./writer.js";

const NAME = "ipyproc.document";
const GOING = ["restarting", "autorestarting", "terminating", "dead"];
const THERE = ["idle", "busy"];
// So many views are remembered; of more the eldest is forgotten, for it is in the notebook by then.
const MOST = 500;
// Where several clients write, those that did not run the cell leave it so long to the one that did.
const PATIENCE = 2000;

interface Newest extends Pick<Picture, "data" | "final" | "ran"> {
  readonly since: number;
}

export class NotebookDocument {
  private readonly newest = new Map<string, Newest>();
  private kernel: Kernel | null = null; // the one that was asked what it knows
  private comm?: Comm;

  /** `runs` is told how many jobs of the kernel run. */
  constructor(
    private readonly context: Context,
    private readonly runs: (count: number) => void,
  ) {
    const loaded = context.ready.then(() => context.isDisposed || this.open());
    // Without a kernel this is never so.
    const ready = Promise.all([loaded, context.sessionContext.ready]);
    ready.then(() => context.isDisposed || this.follow()).catch(console.warn);
  }

  /**
   * Shows what the file has. A widget in it is of a front end without this extension: if
   * its kernel is there it moves into the HTML, else it would hide that.
   */
  private open(): void {
    const { collaborative, sharedModel } = this.context.model;
    if (collaborative && sharedModel.awareness && !isAlone(sharedModel.awareness)) return;
    for (const place of places(this.context.model)) showStatic(place);
  }

  private follow(): void {
    const { model, sessionContext, saveState, disposed } = this.context;
    sessionContext.iopubMessage.connect((_, message) => this.heard(message));
    sessionContext.statusChanged.connect((_, status) => this.statusChanged(status));
    sessionContext.connectionStatusChanged.connect((_, status) => status === "connected" && this.reconnected());
    sessionContext.kernelChanged.connect(() => this.kernelChanged());
    // A cell whose deletion is undone has what it had then.
    model.cells.changed.connect(() => queueMicrotask(() => this.write()));
    saveState.connect((_, state) => state === "started" && this.write(true));
    const { awareness } = model.sharedModel;
    const changed = (change: Change): void => {
      if (awareness) greet(awareness, change);
      this.write();
    };
    awareness?.on("change", changed);
    disposed.connect(() => awareness?.off("change", changed));
    this.kernelChanged();
  }

  // --- the kernel

  private get current(): Kernel | null {
    return this.context.sessionContext.session?.kernel ?? null;
  }

  private kernelChanged(): void {
    const { current } = this;
    if (!current || (this.kernel && this.kernel !== current)) this.gone();
    if (current && THERE.includes(current.status)) void this.meet(current);
  }

  private statusChanged(status: string): void {
    if (GOING.includes(status)) this.gone();
    else if (this.kernel !== this.current) this.kernelChanged();
  }

  /** Some of what the kernel said may be lost, and it may be another one. */
  private reconnected(): void {
    this.kernel = null;
    this.kernelChanged();
  }

  /** Asks a kernel what it knows of the views of the notebook. */
  private async meet(kernel: Kernel): Promise<void> {
    this.kernel = kernel;
    join(this.context.model.sharedModel.awareness, kernel.clientId);
    try {
      const { content } = await kernel.requestCommInfo({ target_name: NAME });
      if (kernel !== this.kernel || this.context.isDisposed) return;
      if (content.comms && NAME in content.comms) this.hello();
      else this.end(); // they are of another
    } catch {
      // It ended before it answered, and its status says so.
    }
  }

  private hello(): void {
    this.send({ action: "hello", tokens: [...new Set([...places(this.context.model)].map(({ token }) => token))] });
  }

  private send(message: FromPageToFile): void {
    if (!this.comm || this.comm.isDisposed) this.comm = this.current?.createComm(NAME, NAME);
    this.comm?.send(message);
  }

  private heard({ header, content }: Message): void {
    if (header.msg_type === "update_display_data") this.displayed(content.data as Data);
    if (header.msg_type !== "comm_msg" || content.comm_id !== NAME) return;
    const message = content.data as FromKernelToFile;
    if (message.kind === "here") this.hello();
    if (message.kind === "unknown") this.end(new Set(message.tokens));
    if (message.kind === "picture") this.learn(message);
    if (message.kind === "running") this.runs(message.count);
  }

  private learn({ token, data, final, ran, asks }: Picture): void {
    if (asks) this.send({ action: "heard" });
    if (this.newest.get(token)?.final && !final) return; // its kernel is gone
    this.newest.delete(token);
    this.newest.set(token, { data, final, ran, since: performance.now() });
    for (const [eldest] of this.newest) {
      if (this.newest.size <= MOST) break;
      this.newest.delete(eldest);
    }
    this.write();
  }

  /** The notebook has this by itself, and what the kernel said before is older. */
  private displayed(data: Data): void {
    const token = tokenIn(data);
    const newest = token === undefined ? undefined : this.newest.get(token);
    if (!newest || newest.final) return;
    this.newest.set(token!, { ...newest, data: bundle(html(data), text(data)) });
  }

  // --- the notebook

  /** Writes what is newest; while a view is live only the file gets it, for the widget shows more. */
  private write(saving = false): void {
    if (this.context.isDisposed || !(saving || this.newest.size)) return;
    for (const place of places(this.context.model)) {
      const newest = this.newest.get(place.token);
      // Of a view that has just come the kernel has not yet said anything.
      if (!newest && saving && this.isAlone) this.changed(storeStatic(place));
      if (!newest || !this.mayWrite(newest)) continue;
      if (newest.final) this.changed(show(place, newest.data));
      else if (saving || isSilent) this.changed(store(place, newest.data));
    }
  }

  /** Whether no other client draws what this one writes. */
  private get isAlone(): boolean {
    const { collaborative, readOnly, sharedModel } = this.context.model;
    const { awareness } = sharedModel;
    return !readOnly && (!collaborative || !awareness || isAlone(awareness));
  }

  private mayWrite({ final, ran, since }: Newest): boolean {
    if (this.isAlone) return true;
    const { readOnly, sharedModel } = this.context.model;
    const { awareness } = sharedModel;
    if (readOnly || !awareness) return false;
    // The others draw anew what this one writes: they get the end only.
    if (!final || !isWriter(awareness, ran)) return false;
    // Perhaps this one has not yet heard of the one that ran the cell; both would be in the file.
    const left = ran === this.current?.clientId ? 0 : since + PATIENCE - performance.now();
    if (left > 0) setTimeout(() => this.write(), left + 1);
    return left <= 0;
  }

  private changed(changed: boolean): void {
    if (changed) this.context.model.dirty = true;
  }

  /** Notes that the kernel has ended. */
  private gone(): void {
    this.kernel = null;
    this.runs(0);
    this.end();
  }

  /** Says that all views, or those of some tokens, ended with their kernel. */
  private end(tokens?: Set<string>): void {
    for (const place of places(this.context.model)) {
      if (!tokens || tokens.has(place.token)) this.endOf(place);
    }
    this.write();
  }

  private endOf(place: Place): void {
    const newest = this.newest.get(place.token);
    if (newest?.final) return;
    const data = newest?.data ?? inFile(place).data ?? {};
    const last = ended(html(data), text(data)) ?? { html: html(data), text: text(data) };
    this.newest.set(place.token, {
      data: bundle(last.html, last.text),
      final: true,
      ran: newest?.ran ?? "",
      since: performance.now(),
    });
  }
}
