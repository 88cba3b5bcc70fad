// Addresses in text as it was typed: the twin of views/render/links.py.

const ADDRESS = /\bhttps?:\/\/[!#-;=?-[\]_a-z~]{1,2000}/gi;
const BRACKETS: Record<string, string> = { ")": "(", "]": "[" };

/** Yields the pieces of a text, each with the address that it is, or none. */
export function* linked(text: string): Generator<[piece: string, address: string]> {
  let at = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = bare(found);
    if (address.endsWith("//")) continue; // nothing is left of it
    if (index > at) yield [text.slice(at, index), ""];
    yield [address, address];
    at = index + address.length;
  }
  if (at < text.length) yield [text.slice(at), ""];
}

/** Returns an address without the punctuation behind it. */
function bare(address: string): string {
  for (;;) {
    const last = address.at(-1)!;
    const opens = BRACKETS[last];
    const isOdd = opens && address.split(last).length > address.split(opens).length;
    if (!".,;:!?'*".includes(last) && !isOdd) return address;
    address = address.slice(0, -1);
  }
}
