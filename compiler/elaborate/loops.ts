/** `loop` and `scan`. */
import { Builder } from "../core/builder.ts";
import { type Dim, knownDim } from "../core/dimension.ts";
import { type Atom, type Graph, intLiteral, intScalar, type Var } from "../core/graph.ts";
import { add } from "../primitives/arithmetic.ts";
import { and, less } from "../primitives/comparison.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Loop, Span } from "../syntax/tree.ts";
import { scan } from "../transform/control/scan.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateBlock } from "./expressions.ts";
import { carried, joinTerms, matchTypes } from "./join-types.ts";
import { bindPattern } from "./patterns.ts";
import { Scope } from "./scope.ts";
import { lengthOf } from "./stacking.ts";
import { type ArrayTerm, plainLeaf, rankOf, rebuild, showTermType, type Term } from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";

/** A key of the state that a step draws from is another one in the next step, which none has drawn from. */
function refuseKeptKeys(e: Elaborator, state: readonly ArrayTerm[], next: readonly Atom[], span: Span): void {
  const drawn = (atom: Atom) => atom.kind === "var" && e.frame.draws.has(String(atom.id));
  if (state.some((t, i) => t.type === "key" && rankOf(t) === 0 && drawn(t.atom) && drawn(next[i]!)))
    fail("K1143", span, "The next step draws from a key that this step has drawn from already.", {
      help: "Carry a key of its own: `let (now, later) = split(k)`, draw from `now` and keep `later`.",
    });
}

export function elaborateLoop(e: Elaborator, x: Loop, scope: Scope): Term {
  let initial = e.expression(x.initial, scope);
  if (initial.kind === "range") initial = e.rangeToArray(initial, x.initial.span);
  if (initial.kind === "error") return initial;
  if (x.type)
    initial = fitTerm(
      e,
      initial,
      resolveType(e, x.type, new SignatureDimensions(scope, false)),
      "the state",
      x.initial.span,
      x.type.span,
    );
  carried(e, initial, "The state of a loop", x.initial.span);
  const source = x.clause ? e.expression(x.clause.source, scope) : undefined;
  if (source?.kind === "error") return source;
  if (x.form === "scan" && !x.clause)
    fail("K0273", x.span, "`scan` stacks what each step gives, so it needs to know how many there are.", {
      help: "Add `for t in 0..n`; an open-ended iteration is a `loop`.",
    });

  const dynamic =
    source?.kind === "range" && (source.from.dimension === undefined || source.to.dimension === undefined);
  if (dynamic && x.form === "scan")
    fail(
      "K0222",
      x.clause!.source.span,
      "The length of this range is computed while the program runs, so `scan` can not stack over it.",
      { help: "A `loop` may run over any range." },
    );
  // A state that starts as an int and becomes a real is real from the start; one more try settles it.
  for (let attempt = 0; attempt < 4; attempt++) {
    const result = tryLoop(e, x, scope, initial, source, dynamic ?? false);
    if (!("widen" in result)) return result.term;
    initial = matchTypes(e, initial, result.widen);
  }
  return fail("K0274", x.span, "The type of this loop's state does not settle.");
}

/** A long range is counted, not laid out: its numbers would take more memory than the loop. */
const longestLaidOut = 65_536;

function countsItself(source: Term, dynamic: boolean): boolean {
  if (source.kind !== "range") return false;
  if (dynamic) return true;
  const [from, to] = [knownDim(source.from.dimension!), knownDim(source.to.dimension!)];
  return from !== undefined && to !== undefined && to - from > longestLaidOut;
}

function tryLoop(
  e: Elaborator,
  x: Loop,
  scope: Scope,
  initial: Term,
  source: Term | undefined,
  dynamic: boolean,
): { readonly term: Term } | { readonly widen: Term } {
  const outer = e.builder;
  const leaves = carried(e, initial, "The state of a loop", x.initial.span);
  const stackedSource =
    source === undefined || countsItself(source, dynamic)
      ? undefined
      : source.kind === "range"
        ? e.rangeToArray(source, x.clause!.source.span)
        : source;
  const length: Dim | undefined =
    source === undefined || dynamic ? undefined : lengthOf(e, source, x.clause!.source.span);
  const sliced = stackedSource ? carried(e, stackedSource, "What a loop runs over", x.clause!.source.span) : [];
  const range = source?.kind === "range" && countsItself(source, dynamic) ? source : undefined;

  // Both graphs take the same operands: constants, [counter] state, slices.
  type Body = (inner: Scope, counter: Atom | undefined, state: readonly ArrayTerm[]) => readonly Atom[];
  const make = (builder: Builder, body: Body) => {
    const counter = range ? builder.input(intScalar) : undefined;
    const state = leaves.map((t) => plainLeaf(t, builder.input(t.atom.type)));
    const slices = sliced.map((t) =>
      plainLeaf(t, builder.input({ dtype: t.atom.type.dtype, shape: t.atom.type.shape.slice(1) })),
    );
    return e.within(builder, () => {
      e.frame.loops.push(builder);
      try {
        const inner = new Scope(scope);
        bindPattern(e, x.pattern, rebuild(initial, state), inner);
        if (x.clause) {
          const value: Term = counter ? { kind: "array", type: "int", atom: counter } : rebuild(stackedSource!, slices);
          const bodyScope = new Scope(inner);
          bindPattern(e, x.clause.pattern, value, bodyScope);
          return body(bodyScope, counter, state);
        }
        return body(inner, counter, state);
      } finally {
        e.frame.loops.pop();
      }
    });
  };
  let widen: Term | undefined;
  let results: Term | undefined;
  const bodyBuilder = new Builder({ parent: outer, hoist: true });
  const outputs = make(bodyBuilder, (inner, counter, state) => {
    let next = elaborateBlock(e, x.body, new Scope(inner));
    if (next.kind === "error") e.giveUp();
    if (x.form === "scan") {
      if (next.kind !== "tuple" || next.names || next.items.length !== 2)
        fail(
          "K0275",
          x.body.result.span,
          `A step of \`scan\` gives the pair (next state, out), but this is ${showTermType(next)}.`,
          { help: "Write `{ (next, out) }`. Where only the last state is wanted, a `loop` gives it." },
        );
      results = next.items[1]!;
      next = next.items[0]!;
    }
    if (next.kind === "range") next = e.rangeToArray(next, x.body.result.span);
    const { type, problem } = joinTerms(initial, next);
    if (problem !== undefined)
      fail(
        "K0276",
        x.body.result.span,
        `The state of a loop keeps its type, but it starts as ${showTermType(initial)} and this step gives ${showTermType(next)}.`,
        {
          notes: [{ message: "It starts here:", span: x.initial.span }],
        },
      );
    const typed = carried(e, type, "The state of a loop", x.body.result.span);
    if (typed.some((t, i) => t.type !== leaves[i]!.type)) {
      widen = type;
      return [];
    }
    const atoms = carried(e, matchTypes(e, next, initial), "The state of a loop", x.body.result.span).map(
      (t) => t.atom,
    );
    refuseKeptKeys(e, state, atoms, x.body.result.span);
    if (results?.kind === "range") results = e.rangeToArray(results, x.body.result.span);
    const out = results ? carried(e, results, "What a scan stacks", x.body.result.span).map((t) => t.atom) : [];
    return [...(counter ? [add(bodyBuilder, counter, intLiteral(1))] : []), ...atoms, ...out];
  });
  if (widen) return { widen };

  let conditionClosed: { readonly graph: Graph; readonly captured: readonly Var[] } | undefined;
  if (x.condition || dynamic) {
    const conditionBuilder = new Builder({ parent: outer, hoist: true });
    const bound = dynamic ? range?.to.atom : undefined;
    const atoms = make(conditionBuilder, (inner, counter) => {
      let go: Atom | undefined = counter && bound ? less(conditionBuilder, counter, bound) : undefined;
      if (x.condition) {
        const c = e.expression(x.condition, inner);
        if (c.kind === "error") e.giveUp();
        if (c.kind !== "array" || c.type !== "bool" || rankOf(c) > 0)
          fail("K0271", x.condition.span, `\`while\` wants one true or false, but this is ${showTermType(c)}.`, {
            help:
              c.kind === "array" && c.type === "bool"
                ? "Say `all(...)` or `any(...)`."
                : "Compare first, as in `x > 0`.",
          });
        go = go ? and(conditionBuilder, go, c.atom) : c.atom;
      }
      return [go!];
    });
    conditionClosed = conditionBuilder.close("while", atoms);
  }
  const bodyClosed = bodyBuilder.close(x.form, outputs);
  const captured = new Map<number, Var>();
  for (const v of [...bodyClosed.captured, ...(conditionClosed?.captured ?? [])]) captured.set(v.id, v);
  const constants = [...captured.values()];
  const relay = (closed: { readonly graph: Graph; readonly captured: readonly Var[] }): Graph => ({
    ...closed.graph,
    inputs: [...constants, ...closed.graph.inputs.slice(closed.captured.length)],
  });
  const operands = [
    ...constants,
    ...(range ? [range.from.atom] : []),
    ...leaves.map((t) => t.atom),
    ...sliced.map((t) => t.atom),
  ];
  const state = leaves.length + (range ? 1 : 0);
  const emitted = e.at(x.span, () =>
    scan(outer, operands, {
      body: relay(bodyClosed),
      condition: conditionClosed && relay(conditionClosed),
      length,
      constants: constants.length,
      carry: state,
      stacked: sliced.length,
      reverse: false,
      counted: false,
    }),
  );
  const first = range ? 1 : 0;
  const last = rebuild(
    initial,
    leaves.map((t, i) => plainLeaf(t, emitted[first + i]!)),
  );
  if (x.form === "loop") return { term: last };
  const typed = carried(e, results!, "", x.span);
  const outs = rebuild(
    results!,
    typed.map((t, i) => plainLeaf(t, emitted[state + i]!)),
  );
  return { term: { kind: "tuple", names: undefined, items: [last, outs] } };
}
