/** The REPL's computing side: a thread of its own, so that Ctrl-C is heard while it computes. */
import { type MessagePort, workerData } from "node:worker_threads";
import { Session, type SessionOptions } from "../repl/session.ts";

export interface ReplInput {
  readonly options: SessionOptions;
  readonly interrupt: SharedArrayBuffer;
}
export type ReplRequest = { readonly kind: "entry"; readonly text: string } | { readonly kind: "list" | "reset" };
export type ReplAnswer = { readonly kind: "print" | "error"; readonly text: string } | { readonly kind: "ready" };

/** Answers what the main thread asks, for as long as it asks. */
export async function serve(port: MessagePort): Promise<void> {
  const { options, interrupt } = workerData as ReplInput;
  const flag = new Int32Array(interrupt);
  const answer = (message: ReplAnswer) => port.postMessage(message);
  const compiler = await import("../../compiler/index.ts");

  const session = new Session(compiler, options, {
    print: (text) => answer({ kind: "print", text }),
    printError: (text) => answer({ kind: "error", text }),
    isInterrupted: () => Atomics.load(flag, 0) !== 0,
  });

  port.on("message", (request: ReplRequest) => {
    if (request.kind === "entry") session.feed(request.text);
    else if (request.kind === "reset") session.reset();
    else answer({ kind: "print", text: session.text.trimEnd() || "nothing is declared yet" });
    answer({ kind: "ready" });
  });
}
