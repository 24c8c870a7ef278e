/** `checkpoint(f)`: the reverse pass keeps f's arguments alone and computes the rest again. Loops that do so too. */
import { Builder } from "../core/builder.ts";
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { fail } from "../syntax/diagnostic.ts";
import { halveLoops } from "../transform/checkpoint.ts";
import { call } from "../transform/control/call.ts";
import { type ScanParams, scan } from "../transform/control/scan.ts";
import type { Elaborator } from "./elaborator.ts";
import { type ArrayTerm, type CallArguments, leavesOf, rebuild, showTermType, type Term } from "./terms.ts";

export function checkpointed(e: Elaborator, f: (args: CallArguments) => Term, args: CallArguments): Term {
  if (e.mode === "check") return f(args);
  const refuse = (leaf: Term): never =>
    fail(
      "K0516",
      args.span,
      `A function under \`checkpoint\` takes and gives numbers, but this is ${showTermType(leaf)}.`,
    );
  const leaves = args.positional.flatMap((t) => leavesOf(t, refuse));
  const builder = new Builder({ parent: e.builder });
  const inputs = leaves.map((l) => builder.input(l.atom.type));
  let next = 0;
  const fresh = (t: Term): Term =>
    rebuild(
      t,
      leavesOf(t, refuse).map((l) => {
        const input = inputs[next++]!;
        return { ...l, atom: l.atom.kind === "literal" ? l.atom : input };
      }),
    );
  const positional = args.positional.map(fresh);
  const result = e.within(builder, () => f({ ...args, positional }));
  const outs: ArrayTerm[] = leavesOf(result, refuse);
  const { graph, captured } = builder.close(
    "checkpoint",
    outs.map((t) => t.atom),
  );
  const atoms = call(e.builder, halveLoops(graph), [...captured, ...leaves.map((l) => l.atom)], true);
  return rebuild(
    result,
    outs.map((t, i) => ({ kind: "array", type: t.type, atom: atoms[i]! })),
  );
}

/** A loop whose reverse pass keeps the states at the cuts of nested halves. */
export function checkpointedScan(
  b: Emitter,
  operands: readonly Atom[],
  { progress: _, ...params }: ScanParams,
): readonly Atom[] {
  const inner = new Builder();
  const variables = new Set(operands.filter((a) => a.kind === "var"));
  const inputs = new Map([...variables].map((a) => [a, inner.input(a.type)]));
  const results = scan(
    inner,
    operands.map((a) => (a.kind === "var" ? inputs.get(a)! : a)),
    params,
  );
  const { graph } = inner.close("solve", results);
  return call(b, halveLoops(graph), [...inputs.keys()], true);
}
