/** A process of a mutation check: loads the bundle and runs tests on it as it is told. */
import { pathToFileURL } from "node:url";
import type { Order, Reply } from "./protocol.ts";
import type { CollectedTest } from "./test-registry.ts";

const reply = (message: Reply) => process.send!(message);
let tests: readonly CollectedTest[] = [];

function reachedNow(): number[] {
  const { reached } = globalThis.karushMutation!;
  return [...reached.keys()].filter((id) => reached[id] === 1);
}

async function failureOf(test: CollectedTest): Promise<string | undefined> {
  try {
    await test.run();
    return undefined;
  } catch (error) {
    return String((error as Error)?.message ?? error).slice(0, 300);
  }
}

async function runMutant({ mutant, tests: chosen, check }: Extract<Order, { kind: "mutant" }>): Promise<Reply> {
  const state = globalThis.karushMutation!;
  state.active = mutant;
  for (const i of chosen) {
    reply({ kind: "started", test: i });
    const message = await failureOf(tests[i]!);
    if (message === undefined) continue;
    state.active = 0;
    if (check && (await failureOf(tests[i]!)) !== undefined) return { kind: "spoilt" };
    return { kind: "killed", test: i, message };
  }
  state.active = 0;
  return { kind: "survived" };
}

async function obey(order: Order): Promise<Reply> {
  switch (order.kind) {
    case "load": {
      globalThis.karushMutation = { active: order.active, reached: new Uint8Array(order.mutants + 1) };
      const bundle = (await import(pathToFileURL(order.bundle).href)) as { collected: readonly CollectedTest[] };
      tests = bundle.collected;
      return { kind: "loaded", tests: tests.map(({ file, name }) => ({ file, name })), reached: reachedNow() };
    }
    case "measure": {
      globalThis.karushMutation!.reached.fill(0);
      const start = performance.now();
      const passed = (await failureOf(tests[order.test]!)) === undefined;
      const milliseconds = performance.now() - start;
      return { kind: "measured", test: order.test, passed, milliseconds, reached: reachedNow() };
    }
    case "mutant":
      return runMutant(order);
  }
}

// One order at a time: the next is not sent before this one's answer.
process.on("message", (order: Order) => {
  obey(order).then(reply, () => process.exit(1));
});
