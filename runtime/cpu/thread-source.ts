/**
 * The program of a worker thread, as text: so it is the same in Node, in a page and in a bundle, and starts without
 * loading anything. A thread serves a team in the jobs of a plan, or runs plans itself and tells what happens.
 */
import { control } from "../../compiler/target/wasm/team.ts";
import { mostPages } from "./compiled.ts";

/** What a thread with a memory of its own needs, to run a plan. */
export interface PrivateData {
  /** What the memory must be long enough for. */
  readonly bytes: number;
  readonly inputs: readonly { readonly address: number; readonly content: ArrayBuffer }[];
  readonly outputs: readonly { readonly address: number; readonly bytes: number }[];
}

/** What a thread is told. It is told of a module before it is told to use it. */
export type ThreadRequest =
  /** To hold a lock of this name for as long as the thread is there; it tells when it does, before it hears anything else. */
  | { readonly kind: "hold"; readonly name: string }
  /** Without a memory the thread makes one of its own. */
  | { readonly kind: "start"; readonly memory: WebAssembly.Memory | undefined; readonly slot: number }
  | { readonly kind: "module"; readonly id: number; readonly module: WebAssembly.Module }
  | { readonly kind: "forget"; readonly id: number }
  | { readonly kind: "serve"; readonly id: number }
  | {
      readonly kind: "run";
      readonly id: number;
      readonly addresses: readonly number[];
      /** Iterations until the first tick. */
      readonly countdown: number;
      /** 0: alone. */
      readonly team: number;
      readonly data: PrivateData | undefined;
    };

/** What the functions of the host were called with. */
export type ThreadEvent =
  | {
      readonly kind: "check";
      readonly event: number;
      readonly address: number;
      /** What is at the address, from a thread with a memory of its own. */
      readonly content?: ArrayBuffer;
    }
  | {
      readonly kind: "report";
      readonly event: number;
      readonly status: number;
      readonly iterations: number;
      readonly error: number;
    }
  | {
      readonly kind: "tick";
      readonly event: number;
      readonly iteration: number;
      readonly value: number;
      readonly error: number;
    };

/** What a thread that runs a plan tells: events in their order, and then how it ended. */
export type ThreadMessage =
  | { readonly kind: "events"; readonly events: readonly ThreadEvent[] }
  | {
      readonly kind: "done";
      readonly events: readonly ThreadEvent[];
      readonly failed: boolean;
      readonly stopped: boolean;
      /** What the outputs are, from a thread with a memory of its own. */
      readonly outputs: readonly ArrayBuffer[];
      /** What was thrown, unless the run was stopped. */
      readonly thrown: { readonly error: unknown } | undefined;
    };

/** The answer to `hold`: whether there are locks. */
export interface HoldMessage {
  readonly kind: "held";
  readonly isHeld: boolean;
}

/** The most bytes of numbers that a broken promise shows. */
const shownBytes = 256;

/** How often a loop asks whether it should stop, about. */
export const tickMilliseconds = 15;

/** What a helper's broken chunk becomes for whoever runs the plan. */
export const faultMessage = "internal error: a kernel broke down in one of the threads";

export const threadSource = `"use strict";
const port = typeof require === "function" ? require("node:worker_threads").parentPort : self;
const instances = new Map();
const stopped = {};
let memory, words, slot, isPrivate;
let events = [];
let stride = 1, asked = 0;

const send = (message, transfer = []) => {
  port.postMessage({ ...message, events }, transfer);
  events = [];
};

const place = ({ bytes, inputs }) => {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / 65536);
  try {
    if (missing > 0) memory.grow(missing);
  } catch {
    throw new RangeError("Array buffer allocation failed");
  }
  for (const { address, content } of inputs) new Uint8Array(memory.buffer).set(new Uint8Array(content), address);
};

const host = {
  check: (event, address) => {
    const content = isPrivate ? { content: memory.buffer.slice(address, address + ${shownBytes}) } : {};
    events.push({ kind: "check", event, address, ...content });
  },
  report: (event, status, iterations, error) => {
    events.push({ kind: "report", event, status, iterations, error });
    if (events.length >= 256) send({ kind: "events" });
  },
  tick: (event, iteration, value, error) => {
    if (!isPrivate && Atomics.load(words, ${control.stop / 4}) !== 0) throw stopped;
    const now = performance.now();
    const wanted = (stride * ${tickMilliseconds}) / Math.max(now - asked, 0.01);
    stride = Math.max(1, Math.min(100000000, Math.round(wanted), stride * 4));
    asked = now;
    events.push({ kind: "tick", event, iteration, value, error });
    send({ kind: "events" });
    return stride;
  },
  clock: () => {},
  fault: () => { throw new Error(${JSON.stringify(faultMessage)}); },
};

const handlers = {
  hold({ name }) {
    const held = (isHeld) => port.postMessage({ kind: "held", isHeld });
    const { locks } = self.navigator;
    if (!locks) return held(false);
    locks.request(name, () => {
      held(true);
      return new Promise(() => {});
    }).catch(() => held(false));
  },
  start(message) {
    isPrivate = message.memory === undefined;
    memory = message.memory ?? new WebAssembly.Memory({ initial: 1, maximum: ${mostPages} });
    slot = message.slot;
    words = new Int32Array(memory.buffer, 0, 256);
  },
  module({ id, module }) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory }, host });
    if (exports.slot) exports.slot.value = slot;
    instances.set(id, exports);
  },
  forget({ id }) { instances.delete(id); },
  serve({ id }) {
    const { serve, abandon } = instances.get(id);
    for (;;) {
      try {
        serve(id);
        return;
      } catch (error) {
        abandon();
      }
    }
  },
  run({ id, addresses, countdown, team, data }) {
    const { run, settle, countdown: left, team: joined } = instances.get(id);
    stride = countdown;
    asked = performance.now();
    left.value = countdown;
    if (joined) joined.value = team;
    let failed = false, thrown;
    try {
      if (data) place(data);
      failed = run(...addresses) !== 0;
    } catch (error) {
      thrown = { error };
      if (settle) settle();
    }
    const wasStopped = thrown !== undefined && thrown.error === stopped;
    const outputs = (data?.outputs ?? []).map(({ address, bytes }) => memory.buffer.slice(address, address + bytes));
    send({ kind: "done", failed, stopped: wasStopped, thrown: wasStopped ? undefined : thrown, outputs }, outputs);
  },
};

const receive = (message) => handlers[message.kind](message);
if (port === globalThis.self) port.onmessage = (event) => receive(event.data);
else port.on("message", receive);
`;
