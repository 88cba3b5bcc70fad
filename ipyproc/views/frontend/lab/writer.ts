// Which of the clients of one document writes into it, where they share it while they work.
import type { Awareness } from "./jupyter.js";

const FIELD = "ipyproc";

/** Says that this client can write; *session* is that of its kernel connection. */
export function join(awareness: Awareness | undefined, session: string): void {
  awareness?.setLocalStateField(FIELD, session);
}

type Clients = Pick<Awareness, "clientID" | "getStates">;

/** Whether this client is the one that ran the cell, or else the one with the lowest id. */
export function isWriter(clients: Clients, ran: string): boolean {
  const able = [...clients.getStates()].filter(([, state]) => FIELD in state);
  const runners = able.filter(([, state]) => state[FIELD] === ran);
  const ids = (runners.length ? runners : able).map(([id]) => id);
  return Math.min(...ids) === clients.clientID;
}

/** Whether no other client shows the document. */
export const isAlone = (clients: Clients): boolean => clients.getStates().size <= 1;
