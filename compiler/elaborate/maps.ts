/** Comprehensions: parallel maps over leading axes. */
import { Builder } from "../core/builder.ts";
import { knownDim } from "../core/dimension.ts";
import type { Atom } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import type { Comprehension, Span } from "../syntax/tree.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import type { Elaborator } from "./elaborator.ts";
import { carried } from "./join-types.ts";
import { bindPattern } from "./patterns.ts";
import { Scope } from "./scope.ts";
import { lengthOf } from "./stacking.ts";
import { mapLeaves, plainLeaf, rebuild, type Term } from "./terms.ts";

export function elaborateComprehension(e: Elaborator, x: Comprehension, scope: Scope): Term {
  return mapClause(e, x, 0, scope);
}

function mapClause(e: Elaborator, x: Comprehension, at: number, scope: Scope): Term {
  const clause = x.clauses[at];
  if (!clause) {
    const result = e.expression(x.body, scope);
    return result.kind === "range" ? e.rangeToArray(result, x.body.span) : result;
  }
  const given = e.expression(clause.source, scope);
  const source = given.kind === "range" ? e.rangeToArray(given, clause.source.span) : given;
  if (source.kind === "error") return source;
  return mapTerm(e, source, clause.source.span, x.span, (element) => {
    const inner = new Scope(scope);
    bindPattern(e, clause.pattern, element, inner);
    return mapClause(e, x, at + 1, inner);
  });
}

/** A parallel map over the leading axis: the body's graph, batched. */
function mapTerm(e: Elaborator, source: Term, sourceSpan: Span, span: Span, body: (element: Term) => Term): Term {
  const length = lengthOf(e, source, sourceSpan);
  const stacked = carried(e, source, "What a map runs over", sourceSpan);
  const builder = new Builder({ parent: e.builder, hoist: true });
  const elements = stacked.map((t) =>
    plainLeaf(t, builder.input({ dtype: t.atom.type.dtype, shape: t.atom.type.shape.slice(1) })),
  );
  const result = e.within(builder, () => {
    e.frame.loops.push(builder);
    try {
      return body(rebuild(source, elements));
    } finally {
      e.frame.loops.pop();
    }
  });
  const leaves = carried(e, result, "An array", span);
  const { graph, captured } = builder.close(
    "map",
    leaves.map((t) => t.atom),
  );
  const operands = [...captured, ...stacked.map((t) => t.atom)];
  const types = leaves.map((t) => ({ dtype: t.atom.type.dtype, shape: [length, ...t.atom.type.shape] }));
  let outputs: readonly Atom[];
  if (e.mode === "check") outputs = opaque(e.builder, `map ${graph.equations.length}`, [...operands], types);
  else {
    const size = knownDim(length)!;
    const batched = batchGraph(
      e.builder,
      graph,
      operands,
      [...captured.map(() => false), ...stacked.map(() => true)],
      size,
    );
    outputs = batched.outputs.map((a, i) => withLanes(e.builder, a, batched.batched[i]!, size));
  }
  return mapLeaves(result, (leaf, i) => plainLeaf(leaf, outputs[i]!));
}
