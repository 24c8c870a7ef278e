/** `if`, `loop`, `scan` and comprehensions. */
import { Builder } from "../core/builder.ts";
import { compareDims, type Dim, knownDim } from "../core/dimension.ts";
import { type Atom, type Graph, intLiteral, intScalar, type Var } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import { add } from "../primitives/arithmetic.ts";
import { and, less } from "../primitives/comparison.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Comprehension, If, Loop, Span } from "../syntax/tree.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { condPrimitive } from "../transform/control/cond.ts";
import { scan } from "../transform/control/scan.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateBlock } from "./expressions.ts";
import { bindPattern } from "./functions.ts";
import { convertTo } from "./operators.ts";
import { Scope } from "./scope.ts";
import { lengthOf } from "./stacking.ts";
import {
  type ArrayTerm,
  alignFields,
  leavesOf,
  mapLeaves,
  plainLeaf,
  rankOf,
  rebuild,
  sameStructure,
  shapeOf,
  showTermType,
  type Term,
} from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";

/** Array leaves, or a diagnostic that says why this can not be carried, chosen or collected. */
function carried(e: Elaborator, term: Term, what: string, span: Span): ArrayTerm[] {
  return leavesOf(term, (leaf, path) => {
    if (leaf.kind === "error") e.giveUp();
    return fail(
      "K0270",
      span,
      `${what} holds numbers, but ${path === "" ? "this" : `\`${path}\``} is ${showTermType(leaf)}.`,
      {
        help: "Functions are known while compiling: they may be captured, but not carried by a loop, chosen by a run-time `if` or put in an array.",
      },
    );
  });
}

/** The type two terms have in common, leaf by leaf: ints widen to reals. `problem` says why there is none. */
export function joinTerms(a: Term, c: Term): { readonly type: Term; readonly problem: string | undefined } {
  if (!sameStructure(a, c)) return { type: a, problem: `one is ${showTermType(a)}, the other ${showTermType(c)}` };
  if (a.kind === "tuple" && c.kind === "tuple") {
    const aligned = a.names && c.names ? alignFields(c, a.names)! : c;
    const parts = a.items.map((t, i) => joinTerms(t, aligned.items[i]!));
    return { type: { ...a, items: parts.map((p) => p.type) }, problem: parts.find((p) => p.problem)?.problem };
  }
  if (a.kind === "array" && c.kind === "array") {
    const [s, t] = [shapeOf(a), shapeOf(c)];
    const fits = s.length === t.length && s.every((d, i) => compareDims(d, t[i]!) !== "different");
    if (!fits) return { type: a, problem: `one is ${showTermType(a)}, the other ${showTermType(c)}` };
    if (a.type === c.type) return { type: a, problem: undefined };
    const order = ["bool", "int", "real"];
    const [x, y] = [order.indexOf(a.type), order.indexOf(c.type)];
    if (x < 0 || y < 0) return { type: a, problem: `one is ${showTermType(a)}, the other ${showTermType(c)}` };
    return { type: { ...a, type: x > y ? a.type : c.type }, problem: undefined };
  }
  return { type: a, problem: undefined };
}

/** Converts the leaves of `term` to the types of `like`, in its order of fields. */
export function matchTypes(e: Elaborator, term: Term, like: Term): Term {
  if (term.kind === "tuple" && like.kind === "tuple") {
    const aligned = term.names && like.names ? alignFields(term, like.names)! : term;
    return { ...aligned, items: aligned.items.map((t, i) => matchTypes(e, t, like.items[i]!)) };
  }
  if (term.kind === "array" && like.kind === "array") return convertTo(e, term, like.type);
  return term;
}

// ---------------------------------------------------------------- if

export function elaborateIf(e: Elaborator, x: If, scope: Scope): Term {
  const condition = e.expression(x.condition, scope);
  if (condition.kind === "error") return condition;
  if (condition.kind !== "array" || condition.type !== "bool" || rankOf(condition) > 0)
    fail("K0271", x.condition.span, `\`if\` wants one true or false, but this is ${showTermType(condition)}.`, {
      help:
        condition.kind === "array" && condition.type === "bool"
          ? "Say `all(...)` or `any(...)`, or choose entry by entry with `where(c, a, b)`."
          : "Compare first, as in `x > 0`.",
    });
  const draws = e.frame.draws;
  const drawn: (typeof draws)[] = [];
  const side = (expression: If["then"]): Term => {
    e.frame.draws = new Map(draws);
    const term = e.expression(expression, scope);
    drawn.push(e.frame.draws);
    return term;
  };
  if (condition.atom.kind === "literal") return e.expression(condition.atom.value ? x.then : x.otherwise, scope);
  const result = chooseTerm(
    e,
    condition.atom,
    () => side(x.then),
    () => side(x.otherwise),
    x.span,
  );
  // What either side drew may have been drawn.
  e.frame.draws = new Map([...draws, ...drawn.flatMap((d) => [...d])]);
  return result;
}

/** Elaborates both sides into graphs of their own and emits the choice. */
export function chooseTerm(e: Elaborator, predicate: Atom, then: () => Term, otherwise: () => Term, span: Span): Term {
  const builders = [new Builder({ parent: e.builder }), new Builder({ parent: e.builder })] as const;
  const a = e.within(builders[0], then);
  const c = e.within(builders[1], otherwise);
  if (a.kind === "error" || c.kind === "error") e.giveUp();
  carried(e, a, "A value chosen while running", span);
  carried(e, c, "A value chosen while running", span);
  const { type, problem } = joinTerms(a, c);
  if (problem !== undefined) {
    if (e.mode === "check" && isUndecided(e, predicate)) return { kind: "error" };
    fail("K0272", span, `Both sides of this \`if\` need one type, but ${problem}.`);
  }
  const outputs = [
    e.within(builders[0], () => carried(e, matchTypes(e, a, type), "", span)),
    e.within(builders[1], () => carried(e, matchTypes(e, c, type), "", span)),
  ] as const;
  const closed = builders.map((b, i) =>
    b.close(
      "if",
      outputs[i]!.map((t) => t.atom),
    ),
  );
  const captured = new Map<number, Var>();
  for (const { captured: vars } of closed) for (const v of vars) captured.set(v.id, v);
  const operands = [...captured.values()];
  const graphs = closed.map(({ graph }) => ({ ...graph, inputs: operands })) as Graph[];
  const results = e.builder.emit(condPrimitive as never, [predicate, ...operands], {
    then: graphs[0]!,
    otherwise: graphs[1]!,
  });
  const typed = carried(e, type, "", span);
  return rebuild(
    type,
    typed.map((t, i) => plainLeaf(t, results[i]!)),
  );
}

/** While checking, a predicate on sizes may decide the side once data are bound: then types may differ. */
function isUndecided(e: Elaborator, predicate: Atom): boolean {
  const made = e.builder.producer(predicate);
  return (
    made !== undefined &&
    made.inputs.length > 0 &&
    made.inputs.every((a) => a.kind === "literal" || e.builder.producer(a)?.inputs.length === 0)
  );
}

// ---------------------------------------------------------------- loops

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

// ---------------------------------------------------------------- comprehensions

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
export function mapTerm(
  e: Elaborator,
  source: Term,
  sourceSpan: Span,
  span: Span,
  body: (element: Term) => Term,
): Term {
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
