// The libraries: a page gets each over the wire, once, when it needs it.
import type { Model } from "./model.js";
import type * as protocol from "./protocol.js";
import type { FromKernel } from "./protocol.js";
import type * as reader from "./reader.js";
import type { Requests } from "./request.js";
import type * as terminal from "./terminal.js";

interface Libraries {
  terminal: typeof terminal;
  reader: typeof reader;
}
type Name = keyof Libraries & NonNullable<protocol.Library["name"]>;

declare const LIBRARIES: Record<Name, string>; // which builds belong to this module (build.mjs)

const SILENCE = 3000; // ms without a part of it after which to ask again; then longer

// All modules of the page share them. Another version of ipyproc has others.
type Known = Map<string, Promise<Libraries[Name]>>;
const pages = globalThis as unknown as Record<symbol, Known | undefined>;

/** Returns a library. If nobody has asked for it yet, it comes through this view. */
export async function library<N extends Name>(
  name: N,
  model: Pick<Model, "on" | "off">,
  requests: Requests,
): Promise<Libraries[N]> {
  const known = (pages[Symbol.for(`ipyproc.${name}`)] ??= new Map());
  const build = LIBRARIES[name];
  for (;;) {
    const other = known.get(build);
    const found = other ?? received(name, model, requests).then(unpacked);
    known.set(build, found);
    try {
      return (await found) as Libraries[N];
    } catch (error) {
      if (known.get(build) === found) known.delete(build);
      // It may have failed only because the view that asked for it is gone.
      if (!other || requests.closed) throw error;
    }
  }
}

/** Asks for it until all of it is here. */
function received(name: Name, model: Pick<Model, "on" | "off">, requests: Requests): Promise<BlobPart[]> {
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
      requests.send({ action: "library", have, name });
      timer = setTimeout(ask, wait);
      wait *= 2;
    };
    const heard = (message: FromKernel, buffers?: DataView[]) => {
      // What comes twice, or after something that was lost, is of no use.
      if (message.kind !== "part" || message.page !== requests.page || message.offset !== have) return;
      if ((message.name ?? "terminal") !== name) return;
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

async function unpacked(parts: BlobPart[]): Promise<Libraries[Name]> {
  const plain = new Blob(parts).stream().pipeThrough(new DecompressionStream("gzip"));
  const headers = { "content-type": "text/javascript" };
  const url = URL.createObjectURL(await new Response(plain, { headers }).blob());
  try {
    return (await import(url)) as Libraries[Name];
  } finally {
    URL.revokeObjectURL(url);
  }
}
