/** Systems in processes of their own that take turns at a workload. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Reply, Request } from "./worker.ts";

/** How many runs of each system: at least three, and no more once one of these is reached. */
export interface Limits {
  readonly runs: number;
  readonly milliseconds: number;
  /** Systems whose first run takes longer are not asked again: that run is their time. For any time when left out. */
  readonly longestFirst?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

class Worker {
  readonly system: string;
  readonly #child: ChildProcess;
  constructor(system: string) {
    this.system = system;
    this.#child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), [system], {
      execArgv: ["--import", "tsx"],
      silent: true,
    });
  }
  /** What goes wrong in a system is part of its reply, the end of its process included. */
  ask(request: Request): Promise<Reply> {
    return new Promise((resolve) => {
      const ended = () => settle({ wall: Number.NaN, cpu: Number.NaN, error: "its process ended" });
      const settle = (reply: Reply) => {
        this.#child.off("message", settle);
        this.#child.off("exit", ended);
        resolve(reply);
      };
      this.#child.once("message", settle);
      this.#child.once("exit", ended);
      if (!this.#child.connected) ended();
      else this.#child.send(request);
    });
  }
  end(): void {
    this.#child.kill();
  }
}

export interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly first: number;
}

/**
 * Runs take turns, so that what else the machine does hits all systems alike. What goes wrong in a system is printed, and
 * it is left out. The first system is the one that others are compared with.
 */
export async function measure(
  workload: string,
  systems: readonly string[],
  limits: Limits,
): Promise<Map<string, Measured>> {
  const workers = systems.map((system) => new Worker(system));
  const replies = new Map<string, Reply[]>();
  const firsts = new Map<string, number>();
  const slow = new Map<string, Reply>();
  const results = new Map<string, Reply["results"]>();
  try {
    for (const worker of workers) {
      const reply = await worker.ask({ action: "prepare", workload });
      if (reply.error) console.error(`${workload}, ${worker.system}: ${reply.error}`);
      else {
        replies.set(worker.system, []);
        if (reply.wall > (limits.longestFirst ?? Number.POSITIVE_INFINITY)) slow.set(worker.system, reply);
        firsts.set(worker.system, reply.wall);
        results.set(worker.system, reply.results);
      }
    }
    report(workload, systems[0]!, results);
    for (let turn = 0; turn < limits.runs; turn++)
      for (const worker of workers) {
        const done = replies.get(worker.system);
        if (
          done === undefined ||
          slow.has(worker.system) ||
          (turn > 2 && done.reduce((sum, r) => sum + r.wall, 0) > limits.milliseconds)
        )
          continue;
        const reply = await worker.ask({ action: "run", workload });
        if (reply.error) replies.delete(worker.system);
        else done.push(reply);
      }
  } finally {
    for (const worker of workers) worker.end();
  }
  for (const [system, reply] of slow) replies.get(system)?.push(reply);
  return new Map(
    [...replies].map(([system, done]) => [
      system,
      {
        wall: median(done.map((r) => r.wall)),
        cpu: median(done.map((r) => r.cpu)),
        first: firsts.get(system)!,
      },
    ]),
  );
}

/** Says where systems disagree: a time is worth nothing beside a wrong number. */
function report(workload: string, first: string, results: ReadonlyMap<string, Reply["results"]>): void {
  const ours = results.get(first) ?? [];
  for (const [system, theirs] of results) {
    const far = ours.some((r, i) =>
      r.some((x, j) => {
        const y = theirs?.[i]?.[j] ?? Number.NaN;
        return !(Math.abs(x - y) <= 1e-2 * Math.max(Math.abs(x), Math.abs(y)) + 1e-4);
      }),
    );
    if (far) console.error(`${workload}: ${first} and ${system} differ: ${JSON.stringify([ours, theirs])}`);
  }
}

export const short = (x: number | undefined): string =>
  x === undefined || Number.isNaN(x) ? "-" : Number(x.toPrecision(3)).toString();

/** Prints a row of a table. */
export function row(cells: readonly string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}
