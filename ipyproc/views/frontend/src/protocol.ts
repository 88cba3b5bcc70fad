// What a page and the kernel say to each other: the twin of views/transport/protocol.py,
// which explains it. tests/views/test_protocol.py holds the two together.

// --- parts

export type Streams = [string, number][];
export type Fact = [string, string, boolean];
export type Branch = [number, string, number, number, Branch[]];
export type Elder = [number, string, number | null];
export type Cell = [string, string, number, string | null];
export type Size = [number, number];
export type End = [number, string, string, string];

// --- synced traits

export interface JobState {
  name: string;
  number: number;
  label: string;
  host: string;
  elders: Elder[];
  command: string;
  dir: string;
  pid: number | null;
  status: string;
  text: string;
  success: boolean | null;
  reason: string;
  timed_out: boolean;
  started: number;
  ran: string | null;
  stdin: boolean;
  total: number | null;
  facts: Fact[] | null;
  terminal: Size | null;
  masked: boolean;
  elsewhere: boolean;
}

export interface Tail {
  offset: number;
  streams: Streams;
  data: DataView;
}

export interface JobFields {
  name: string;
  number: number;
  label: string;
  host: string;
  command: string;
  pid: number | null;
  status: string;
  text: string;
  success: boolean | null;
  started: number;
  ended: number | null;
  ran: string | null;
  cpu: number | null;
  memory: number | null;
  ports: number[];
  last: string;
  over?: boolean;
  detached?: boolean;
}

export interface DetachedFields {
  name: string;
  notebook: string;
  path: string;
  pid: string;
  status: string;
  text: string;
  success: boolean | null;
  since: string;
  command: string;
  over: boolean;
  known: boolean;
}

export interface ProcessUsage {
  memory: number;
  processes: number;
  tree: Branch;
  cpu: number[];
}

export interface ProcessFields {
  pid: number;
  name: string;
  command: string;
  status: string;
  state: string;
  started: number;
  since: string;
  ended: number | null;
  user: string;
  parent: string;
  threads: number | null;
  usage: ProcessUsage | null;
}

export interface MemberFields {
  name: string;
  pid: number;
  parent: number;
  group: number;
  session: number;
  letter: string;
  mine: boolean;
}

export interface HolderFields {
  name: string;
  pid: number;
  mine: boolean;
  ended: boolean;
  ends: End[];
}

export interface First {
  clock: number;
  number: number;
  rows: Record<string, Record<string, unknown>>;
  notes: Record<string, unknown>;
}

export interface TimelineState {
  title: string;
  summary: string;
  rows: [string, Cell[]][];
  lasted: number;
  pid: number;
  letter: string;
  letters: [string, string][];
  buttons: [string, string][];
  final: boolean;
  lost: string;
}

// --- from the page: whether it shows the view

export interface Look {
  action: "look";
  page: string;
  number?: number | null;
  tree?: boolean;
}

export interface Away {
  action: "away";
  page: string;
}

export interface Leave {
  action: "leave";
  page: string;
}

export interface Settle {
  action: "settle";
}

// --- from the page: a job's output

export interface Ready {
  action: "ready";
  page: string;
  have: number | null;
  seq: number;
  terminal?: boolean;
}

export interface Ack {
  action: "ack";
  page: string;
  offset: number;
}

export interface Save {
  action: "save";
  page: string;
  offset: number;
  format?: "txt" | "html" | "cast";
}

export interface Read {
  action: "read";
  page: string;
  seq: number;
  offset: number;
  before: boolean;
  times: boolean;
}

export interface Find {
  action: "find";
  page: string;
  seq: number;
  text: string;
  regex: boolean;
  index: number;
  lines: number;
}

export interface Library {
  action: "library";
  page: string;
  have: number;
  name?: "terminal" | "reader";
}

// --- from the page: what a button does

export interface Press {
  action: "interrupt" | "terminate" | "kill" | "stop" | "continue" | "close_stdin" | "take" | "attach" | "forget";
  page: string;
  seq: number;
  job?: string;
}

export interface Own {
  action: "wait" | "release";
  page: string;
  seq: number;
}

export interface Again {
  action: "again";
  page: string;
  seq: number;
}

export interface EndAll {
  action: "end_all";
  page: string;
  seq: number;
}

export interface EndElder {
  action: "end_elder";
  page: string;
  seq: number;
  number: number;
}

export interface Signal {
  action: "signal";
  page: string;
  seq: number;
  signal: string;
  tree: boolean;
}

export interface Send {
  action: "send";
  page: string;
  seq: number;
  text: string;
}

// --- from the page: what happens in a terminal

export interface Keys {
  action: "keys";
  page: string;
  seq: number;
  answers: boolean;
  text: string;
}

export interface Fits {
  action: "fits";
  page: string;
  seq: number;
  rows: number;
  columns: number;
  focused: boolean;
}

// --- from the kernel

export interface Begin {
  kind: "begin";
  page: string;
  seq: number | null;
  clock: number;
  offset: number;
  streams?: Streams;
  above?: number;
  before?: number;
  modes?: string;
  quiet?: number;
}

export interface Output {
  kind: "output";
  pages: string[];
  after: number;
  offset: number;
  streams: Streams;
  modes?: string;
}

export interface Part {
  kind: "part";
  page: string;
  offset: number;
  total: number;
  name?: "terminal" | "reader";
}

export interface Saved {
  kind: "saved";
  page: string;
  after: number;
  offset: number;
  size: number;
  total: number;
}

export interface Piece {
  kind: "piece";
  page: string;
  seq: number;
  offset: number;
  total: number;
  streams: Streams;
  times?: number[];
}

export interface Found {
  kind: "found";
  page: string;
  seq: number;
  count: number;
  over: boolean;
  index: number;
  lines: [number, string][];
  error: string;
}

export interface Usage {
  kind: "usage";
  cpu: number[];
  memory: number;
  processes: number;
  tree: Branch | null;
  course: [string, string][];
  ports: number[];
  proxy: boolean;
}

export interface Rows {
  kind: "rows";
  clock: number;
  number: number;
  rows: Record<string, Record<string, unknown>>;
  keys?: string[];
  gone?: string[];
  notes?: Record<string, unknown>;
}

export interface Done {
  kind: "done";
  page: string;
  seq: number | null;
  error: string;
}

export interface Forget {
  kind: "forget";
}

// --- between the kernel and the front end's extension, which writes into the file

export interface Here {
  kind: "here";
}

export interface Picture {
  kind: "picture";
  token: string;
  data: Record<string, string>;
  final: boolean;
  ran: string;
  asks: boolean;
}

export interface Unknown {
  kind: "unknown";
  tokens: string[];
}

export interface Running {
  kind: "running";
  count: number;
}

export interface Hello {
  action: "hello";
  tokens: string[];
}

export interface Heard {
  action: "heard";
}

// --- all of them

/** What a button does; the kernel answers each with `done`. */
export type Asked = Press | Own | Again | EndAll | EndElder | Signal | Send | Keys | Fits;
export type FromPage = Look | Away | Leave | Settle | Ready | Ack | Save | Read | Find | Library | Asked;
export type FromKernel = Begin | Output | Part | Saved | Piece | Found | Usage | Rows | Done | Forget;
export type FromPageToFile = Hello | Heard;
export type FromKernelToFile = Here | Picture | Unknown | Running;
