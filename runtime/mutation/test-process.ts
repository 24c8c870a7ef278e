/** A process that runs tests, seen from the one that schedules: an order, an answer, or the end of the process. */
import { type ChildProcess, fork } from "node:child_process";
import type { Order, Reply } from "./protocol.ts";

export type Answer =
  | Reply
  | { readonly kind: "ended"; readonly why: "crash" | "time"; readonly test: number | undefined };

/** A mutant that makes arrays without end is to fail alone. */
const memoryMegabytes = 1500;

export class TestProcess {
  readonly #child: ChildProcess;
  #answer: ((answer: Answer) => void) | undefined;
  #limitOf: (test: number) => number = () => Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #test: number | undefined;
  #why: "crash" | "time" = "crash";
  alive = true;

  /** `script` is `worker.ts`, compiled. */
  constructor(script: string) {
    this.#child = fork(script, {
      execArgv: [`--max-old-space-size=${memoryMegabytes}`],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child.on("message", (reply: Reply) => {
      if (reply.kind === "started") this.#begin(reply.test);
      else this.#finish(reply);
    });
    this.#child.on("exit", () => {
      this.alive = false;
      this.#finish({ kind: "ended", why: this.#why, test: this.#test });
    });
  }

  /** `limitOf`: how many milliseconds a test may take. */
  ask(order: Order, limitOf: (test: number) => number = () => Number.POSITIVE_INFINITY): Promise<Answer> {
    this.#limitOf = limitOf;
    this.#test = undefined;
    return new Promise((resolve) => {
      this.#answer = resolve;
      if (this.alive) this.#child.send(order);
      else this.#finish({ kind: "ended", why: "crash", test: undefined });
    });
  }

  stop(): void {
    if (this.alive) this.#child.kill("SIGKILL");
  }

  #begin(test: number): void {
    this.#test = test;
    clearTimeout(this.#timer);
    const limit = this.#limitOf(test);
    if (!Number.isFinite(limit)) return;
    this.#timer = setTimeout(() => {
      this.#why = "time";
      this.stop();
    }, limit);
  }

  #finish(answer: Answer): void {
    clearTimeout(this.#timer);
    this.#answer?.(answer);
    this.#answer = undefined;
  }
}
