// Which of the clients of one document writes into it, where they share it while they work.
import type { Awareness, Change } from "./jupyter.js";

const FIELD = "ipyproc";

/** Says that this client can write; *session* is that of its kernel connection. */
export function join(awareness: Awareness | undefined, session: string): void {
  awareness?.setLocalStateField(FIELD, session);
}

/** Says it again, for those who came later: they learn of others only what changes. */
export function greet(awareness: Awareness, { added }: Change): void {
  const session = awareness.getStates().get(awareness.clientID)?.[FIELD];
  if (session && added.some((id) => id !== awareness.clientID)) join(awareness, String(session));
}

type Clients = Pick<Awareness, "clientID" | "getStates">;

/** Whether this client is the one that ran the cell, or else the one with the lowest id. */
export function isWriter(clients: Clients, ran: string): boolean {
  const able = [...clients.getStates()].filter(([, state]) => FIELD in state);
  const runners = able.filter(([, state]) => state[FIELD] === ran);
  const ids = (runners.length ? runners : able).map(([id]) => id);
  return Math.min(...ids) === clients.clientID;
}

/** Whether no other client shows the document; the server is one, too, and says nothing of itself. */
export function isAlone(clients: Clients): boolean {
  const shown = [...clients.getStates()].filter(([, state]) => Object.keys(state).length);
  return shown.every(([id]) => id === clients.clientID);
}
