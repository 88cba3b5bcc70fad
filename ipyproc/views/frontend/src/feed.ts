// The output of a job as it comes over the wire: what is here, and what is missing.
import type { Model, Token } from "./model.js";
import type { Begin, FromKernel, JobState, Streams, Tail } from "./protocol.js";
import { PATIENCE, type Requests } from "./request.js";

const ACK = 1 << 16; // acknowledge this many bytes at a time

export interface FeedTraits extends Token {
  state: JobState;
  tail: Tail;
  notify?: boolean;
}

/** What shows the output: a log, or a terminal. */
export interface Sink {
  feed(stream: string, bytes: Uint8Array): void;
  /** Nothing more follows. */
  finish(): void;
  /** Begins again with nothing, as the kernel says. */
  clear(begin: Begin): void;
  /** So many bytes are left out here; a terminal is brought into the modes behind them. */
  skip(count: number, modes: string): void;
  /** Draws soon. */
  soon(): void;
}

/** Brings the output of a job onto its screen, without a hole or with a note about it. */
export class Feed {
  /** When something came last, or this began. */
  came = Date.now();
  /** Seconds by which the kernel's clock is ahead. */
  skew = 0;
  // The output is here from start to have.
  have = 0;
  private start = 0;
  private acked = 0;
  private lost = 0; // when a gap was found that is not mended yet, or 0
  private asked = 0; // the number of the last `ready`
  private next?: Sink; // the terminal, until the kernel has heard of it
  private terminal?: true; // whether the sink is that
  private again?: number; // timers
  private checking?: number;

  constructor(
    private readonly model: Model<FeedTraits>,
    private readonly requests: Requests,
    private sink: Sink,
  ) {
    model.on("msg:custom", this.heard);
  }

  /** Shows what the synced state holds of the output, unless the stream brings it. */
  update(): void {
    const { offset, streams, data } = this.model.get("tail");
    if (this.lost || !this.asked) this.take(offset, streams, data);
  }

  private readonly heard = (message: FromKernel, buffers?: DataView[]): void => {
    const { page } = this.requests;
    if (message.kind === "begin" && message.page === page && message.seq === this.asked)
      this.begin(message, buffers?.[0]);
    if (message.kind !== "output" || !(message.pages.includes(page) || message.pages.includes("*"))) return;
    const gap = message.after > this.have;
    if (gap && !this.lost) this.ready();
    // A kernel that is too busy to mend the gap still sends: then show what comes.
    if (gap && Date.now() - this.lost <= PATIENCE) return;
    this.take(message.offset, message.streams, buffers?.[0], message.modes);
  };

  /** Shows the output in a terminal from now on. */
  to(terminal: Sink): void {
    this.next = terminal;
    this.ready();
  }

  /** Tells the kernel what is here; it answers with where it goes on. */
  ready(wait = 2 * PATIENCE): void {
    this.lost ||= Date.now();
    this.asked += 1;
    // A terminal can go on wherever it is; a log begins again rather than have a hole.
    const have = this.next || (this.start && !this.terminal) ? null : this.have;
    const terminal = this.next || this.terminal ? { terminal: true } : {};
    this.requests.send({ action: "ready", have, seq: this.asked, ...terminal });
    clearTimeout(this.again);
    if (!this.requests.closed) this.again = setTimeout(() => this.ready(2 * wait), wait);
  }

  private begin(begin: Begin, data?: DataView): void {
    const { offset, clock, streams } = begin;
    clearTimeout(this.again);
    this.lost = 0;
    this.skew = clock - Date.now() / 1000;
    const anew = this.next !== undefined;
    if (this.next) {
      this.sink = this.next;
      this.terminal = true;
      this.next = undefined;
    }
    // The output from start to have is here without a gap, or is not needed any more.
    if (streams || anew || offset < this.start || offset > this.have) {
      this.sink.clear(begin);
      this.start = this.have = offset;
      if (streams) {
        this.start = 0; // what is shown stands for all of it
        this.show(streams, bytesOf(data));
      } else if (offset && !this.terminal) this.sink.skip(offset, "");
    }
    this.acked = offset;
    this.settle();
  }

  /** Shows bytes from `offset` on, as far as they are not here. */
  private take(offset: number, streams: Streams, data?: DataView, modes = ""): void {
    const bytes = bytesOf(data);
    const end = offset + bytes.length;
    if (end <= this.have) return;
    if (offset > this.have) {
      this.sink.skip(offset - this.have, modes);
      this.start = this.have = offset;
    }
    this.show(streams, bytes, this.have - offset);
    this.came = Date.now();
    this.have = end;
    this.settle();
  }

  /** Shows the bytes behind the first `known` ones. */
  private show(streams: Streams, bytes: Uint8Array, known = 0): void {
    let at = 0;
    for (const [stream, length] of streams) {
      const from = Math.max(at, known);
      at += length;
      if (from < at) this.sink.feed(stream, bytes.subarray(from, at));
    }
  }

  /** Draws soon; when the job has printed all, makes sure that all is here. */
  settle(): void {
    const { total } = this.model.get("state");
    clearTimeout(this.checking);
    if (total !== null && this.have >= total) this.sink.finish();
    else if (total !== null && !this.requests.closed)
      this.checking = setTimeout(() => this.lost || this.ready(), 2 * PATIENCE);
    this.sink.soon();
  }

  /** Acknowledges what has been drawn, so that the kernel sends more. */
  drawn(): void {
    if (this.lost || this.have - this.acked < ACK) return;
    this.acked = this.have;
    this.requests.send({ action: "ack", offset: this.have });
  }

  stop(): void {
    for (const timer of [this.again, this.checking]) clearTimeout(timer);
    this.model.off("msg:custom", this.heard);
  }
}

function bytesOf(data?: DataView): Uint8Array {
  return data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array();
}
