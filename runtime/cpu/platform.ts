/** Worker threads of Node and of pages, in the few ways they are used here. */
import type { Worker as NodeWorker } from "node:worker_threads";
import { type HoldMessage, type ThreadMessage, type ThreadRequest, threadSource } from "./thread-source.ts";

export interface ThreadListener {
  onMessage(message: ThreadMessage): void;
  /** The thread is gone, or never came. */
  onEnd(error: Error): void;
}

/** A worker thread with the program of `thread-source.ts`. It does not keep a process alive unless it is held. */
export interface Thread {
  /** What is in `transfer` goes to the thread instead of being copied. */
  post(message: ThreadRequest, transfer?: readonly ArrayBuffer[]): void;
  /** Keeps the process alive until it is let go. */
  hold(): void;
  letGo(): void;
  /** Ends the thread. Whether it is known to do nothing any more, then: not every page can tell. */
  terminate(): Promise<boolean>;
}

/** The most threads that are used when nobody says how many. */
const mostThreads = 8;

/** Whether there are threads, as far as one can tell without starting one. */
export function hasThreads(): boolean {
  return hasNodeModules() || "Worker" in globalThis;
}

/** Whether threads can share memory here: in a page this takes cross-origin isolation. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer !== "undefined" && hasThreads();
}

/** As many as the machine computes with at once, up to eight; one where memory cannot be shared. */
export function defaultThreads(): number {
  if (!canShareMemory()) return 1;
  const os = nodeModule("node:os");
  const cores = os ? os.availableParallelism() : (globalThis.navigator?.hardwareConcurrency ?? 1);
  return Math.max(1, Math.min(cores, mostThreads));
}

/** Whether this thread may wait for others: the one that shows a page may not. */
export function mayWait(): boolean {
  return hasNodeModules() || typeof document === "undefined";
}

/** Starts a thread; undefined where that is not allowed. */
export function startThread(listener: ThreadListener): Thread | undefined {
  const node = nodeModule("node:worker_threads");
  try {
    return node ? startNodeThread(new node.Worker(threadSource, nodeOptions), listener) : startPageThread(listener);
  } catch {
    return undefined;
  }
}

/** The options of the command line, such as loaders, are of no use to a thread that loads nothing. */
const nodeOptions = { eval: true, execArgv: [], stdin: false, stdout: false, stderr: false };

function startNodeThread(worker: NodeWorker, { onMessage, onEnd }: ThreadListener): Thread {
  worker.on("message", onMessage);
  worker.on("error", onEnd);
  worker.on("exit", () => onEnd(new Error("A worker thread ended.")));
  worker.unref();
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    hold: () => worker.ref(),
    letGo: () => worker.unref(),
    terminate: async () => {
      worker.removeAllListeners("exit");
      await worker.terminate();
      return true;
    },
  };
}

interface PageWorker {
  postMessage(message: ThreadRequest, transfer: readonly ArrayBuffer[]): void;
  terminate(): void;
  onmessage: ((event: { readonly data: ThreadMessage | HoldMessage }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
}

interface Locks {
  request<T>(name: string, options: { readonly signal: AbortSignal }, body: () => T): Promise<T>;
}

/** Some browsers let a worker that computes go on for two seconds; one that has not ended after so many may do so any time. */
const mostEndingMilliseconds = 20_000;
let pageThreads = 0;

/**
 * A page is not told when a worker that it ended has stopped. But a lock that the worker held is free then, so the worker
 * takes one before it does anything else.
 */
function startPageThread({ onMessage, onEnd }: ThreadListener): Thread {
  const { Worker } = globalThis as unknown as { readonly Worker: new (url: string) => PageWorker };
  const url = URL.createObjectURL(new Blob([threadSource], { type: "text/javascript" }));
  const worker = new Worker(url);
  const lock = `karush thread ${pageThreads++} ${Math.random()}`;
  /** What is sent once the worker has answered. */
  let waiting: Parameters<PageWorker["postMessage"]>[] | undefined = [];
  let isHeld = false;
  worker.onmessage = ({ data }) => {
    if (data.kind !== "held") return onMessage(data);
    isHeld = data.isHeld;
    for (const message of waiting ?? []) worker.postMessage(...message);
    waiting = undefined;
  };
  worker.onerror = ({ message }) => onEnd(new Error(message ?? "A worker thread did not start."));
  worker.postMessage({ kind: "hold", name: lock }, []);
  return {
    post: (message, transfer = []) => {
      if (waiting) waiting.push([message, transfer]);
      else worker.postMessage(message, transfer);
    },
    hold: () => {},
    letGo: () => {},
    terminate: async () => {
      worker.terminate();
      URL.revokeObjectURL(url);
      // One that has not answered was not sent anything to do.
      if (waiting) return true;
      return isHeld && (await isFree(lock));
    },
  };
}

/** Whether a lock is free soon. */
async function isFree(lock: string): Promise<boolean> {
  const { locks } = globalThis.navigator as unknown as { readonly locks: Locks };
  try {
    return await locks.request(lock, { signal: AbortSignal.timeout(mostEndingMilliseconds) }, () => true);
  } catch {
    return false;
  }
}

/** Does not ask for one: Node loads its threads when they are first asked for, which takes some milliseconds. */
function hasNodeModules(): boolean {
  return typeof globalThis.process?.getBuiltinModule === "function";
}

/** A module of Node, without an import that a page would stumble over. */
function nodeModule<Name extends "node:worker_threads" | "node:os">(name: Name) {
  return globalThis.process?.getBuiltinModule?.(name);
}
