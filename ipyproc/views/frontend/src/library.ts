// The terminal's library: a page gets it over the wire, once, when it shows the first one.
import type { Model } from "./model.js";
import type { FromKernel } from "./protocol.js";
import type { Requests } from "./request.js";
import type { Host, Terminal } from "./terminal.js";

declare const TERMINAL: string; // which build of it belongs to this module (build.mjs)

const SILENCE = 3000; // ms without a part of it after which to ask again; then longer

export interface Library {
  open(host: Host): Terminal;
}

// All modules of the page share it. Another version of ipyproc has another one.
const pages = globalThis as unknown as Record<symbol, Map<string, Promise<Library>> | undefined>;
pages[Symbol.for("ipyproc.terminal")] ??= new Map();
const known = pages[Symbol.for("ipyproc.terminal")]!;

/** Returns the library. If nobody has asked for it yet, it comes through this view. */
export async function library(model: Pick<Model, "on" | "off">, requests: Requests): Promise<Library> {
  for (;;) {
    const other = known.get(TERMINAL);
    const found = other ?? received(model, requests).then(unpacked);
    known.set(TERMINAL, found);
    try {
      return await found;
    } catch (error) {
      if (known.get(TERMINAL) === found) known.delete(TERMINAL);
      // It may have failed only because the view that asked for it is gone.
      if (!other || requests.closed) throw error;
    }
  }
}

/** Asks for it until all of it is here. */
function received(model: Pick<Model, "on" | "off">, requests: Requests): Promise<BlobPart[]> {
  return new Promise((resolve, reject) => {
    const parts: BlobPart[] = [];
    let have = 0;
    let wait = SILENCE;
    let timer: number | undefined;
    const ask = () => {
      if (requests.closed) {
        model.off("msg:custom", heard);
        reject(new Error("nobody answers"));
        return;
      }
      requests.send({ action: "library", have });
      timer = setTimeout(ask, wait);
      wait *= 2;
    };
    const heard = (message: FromKernel, buffers?: DataView[]) => {
      // What comes twice, or after something that was lost, is of no use.
      if (message.kind !== "part" || message.page !== requests.page || message.offset !== have) return;
      const data = buffers?.[0];
      if (!data) return;
      parts.push(data as DataView<ArrayBuffer>);
      have += data.byteLength;
      clearTimeout(timer);
      if (have < message.total) {
        timer = setTimeout(ask, wait);
        return;
      }
      model.off("msg:custom", heard);
      resolve(parts);
    };
    model.on("msg:custom", heard);
    ask();
  });
}

async function unpacked(parts: BlobPart[]): Promise<Library> {
  const plain = new Blob(parts).stream().pipeThrough(new DecompressionStream("gzip"));
  const headers = { "content-type": "text/javascript" };
  const url = URL.createObjectURL(await new Response(plain, { headers }).blob());
  try {
    return (await import(url)) as Library;
  } finally {
    URL.revokeObjectURL(url);
  }
}
