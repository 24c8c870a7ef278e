/**
 * The iteration every solver shares: the stopping test first, then a step; a step that is not finite is
 * not taken; the best point is kept. The whole solve is one `scan`.
 */
import { Builder } from "../core/builder.ts";
import { addDims, type Dim, knownDim } from "../core/dimension.ts";
import { type Atom, boolLiteral, type Graph, intLiteral, realLiteral, type Var } from "../core/graph.ts";
import { add } from "../primitives/arithmetic.ts";
import {
  and,
  equal,
  greaterEqual,
  isFinite as isFiniteAtom,
  less,
  lessEqual,
  notEqual,
  or,
} from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { iota } from "../primitives/iota.ts";
import { select } from "../primitives/select.ts";
import { foldIn } from "../primitives/threefry.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { scan } from "../transform/control/scan.ts";
import { chooseTerm } from "./branches.ts";
import { randomBuiltins } from "./builtins/random.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import { checkpointedScan } from "./checkpoint.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTo } from "./functions.ts";
import { joinTerms, matchTypes } from "./join-types.ts";
import { convertTo, realTerm } from "./operators.ts";
import type { LoopResult, SolveForm } from "./solve-form.ts";
import { withoutUnknowns } from "./solve-parts.ts";
import { code, judged, statusAfter, unchanged } from "./solver-ending.ts";
import { residualAt, samplesValue, solveRecord } from "./solver-record.ts";
import { type ConfiguredSolver, type Members, memberOf, membersAt } from "./solver-terms.ts";
import {
  type ArrayTerm,
  leavesOf,
  plainLeaf,
  rankOf,
  realArray,
  rebuild,
  showTermType,
  type Term,
  type TupleTerm,
} from "./terms.ts";
import { guarded } from "./trial.ts";

export function runSolver(e: Elaborator, form: SolveForm): TupleTerm {
  return e.at(form.span, () => new SolverRun(e, withoutUnknowns(e, form)).run());
}

class SolverRun {
  readonly e: Elaborator;
  readonly form: SolveForm;
  readonly #tolerance: ArrayTerm;
  readonly #guarded: ReadonlyMap<string, Term>;

  constructor(e: Elaborator, form: SolveForm) {
    this.e = e;
    this.form = form;
    const tol = form.solver.options.get("tol");
    const standard = realLiteral(Math.sqrt(e.precision === "f64" ? 2 ** -52 : 2 ** -23));
    this.#tolerance = tol ? (realTerm(e, tol, "`tol`", form.span) as ArrayTerm) : realArray(standard);
    if (this.#tolerance.kind !== "array" || rankOf(this.#tolerance) > 0)
      fail("K0740", form.span, "`tol` is one number.");
    this.#guarded = new Map([...form.parts].map(([n, t]) => [n, guarded(e, t)]));
  }

  run(): TupleTerm {
    const { e, form } = this;
    const { solver, span } = form;
    const iterations = iterationsOf(e, solver, span);
    const zero = e.dimensionTerm(0);
    const first = this.#startState(zero);
    const rawKey = solver.options.get("key");
    const wantsKey = memberOf(solver.declaration, "next")!.parameters.length === 3;
    const key = wantsKey
      ? ((rawKey ?? randomBuiltins.key!(e, { positional: [], named: new Map(), span })) as ArrayTerm)
      : undefined;
    if (key && key.type !== "key")
      fail("K0601", span, `The option \`key\` is a key, but this is ${showTermType(key)}.`, {
        help: "Write `key = key(7)`.",
      });

    // The state keeps its type; one that starts as an int and becomes a real is real from the start.
    let state = first;
    for (let attempt = 0; attempt < 4; attempt++) {
      const result = this.#loop(state, key, iterations);
      if (!("widen" in result)) return solveRecord(e, form, result);
      state = matchTypes(e, state, result.widen) as TupleTerm;
    }
    return fail("K0274", span, "The type of this solver's state does not settle.");
  }

  #startState(zero: Term): TupleTerm {
    const { e, form } = this;
    const members = membersAt(e, form.solver, form.parts, zero);
    const state = members.call("start", [form.from], form.span);
    if (state.kind === "error") e.giveUp();
    const member = memberOf(form.solver.declaration, "start")!;
    if (state.kind !== "tuple" || !state.names?.includes("x"))
      fail(
        "K0741",
        member.body.span,
        `The state of a solver is a named tuple with a field \`x\`, but this is ${showTermType(state)}.`,
        { help: "Write `start(x) = (x: x)`, and read it in `next(s, t)` as `s.x`." },
      );
    const x = state.items[state.names.indexOf("x")]!;
    const { problem } = joinTerms(form.from, x);
    if (problem !== undefined)
      fail("K0742", member.body.span, `The field \`x\` of a solver's state is shaped like \`from\`, but ${problem}.`, {
        notes: [{ message: "The solve:", span: form.span }],
      });
    leavesOf(state, (leaf, path) =>
      fail("K0270", member.body.span, `The state of a solver holds numbers, but \`${path}\` is ${showTermType(leaf)}.`),
    );
    const at = state.names.indexOf("x");
    return {
      ...state,
      items: state.items.map((t, i) => (i === at ? matchTypes(e, e.alignTo(t, form.from), form.from) : t)),
    };
  }

  #loop(state: TupleTerm, key: ArrayTerm | undefined, iterations: Dim): LoopResult | { readonly widen: Term } {
    const { e, form } = this;
    const outer = e.builder;
    const leaves = leavesOf(state, () => e.giveUp());
    const xIndex = state.names!.indexOf("x");
    const dualIndex = state.names!.indexOf("dual");
    const body = new Builder({ parent: outer, hoist: true });
    // Carry: the state, then bookkeeping.
    const inputs = leaves.map((l) => plainLeaf(l, body.input(l.atom.type)));
    const current = rebuild(state, inputs) as TupleTerm;
    const bestOf = [xIndex, ...(dualIndex >= 0 ? [dualIndex] : [])];
    const bestLeaves = bestOf.flatMap((i) => leavesOf(state.items[i]!, () => e.giveUp()));
    const best = bestLeaves.map((l) => body.input(l.atom.type));
    const [bestMeasure, bestValue, bestError] = [0, 1, 2].map(() => body.input({ dtype: "real", shape: [] })) as [
      Var,
      Var,
      Var,
    ];
    // The status is only read by the condition.
    body.input({ dtype: "int", shape: [] });
    const taken = body.input({ dtype: "int", shape: [] });
    const t = body.input({ dtype: "int", shape: [] });

    let widen: Term | undefined;
    let recorded: TupleTerm | undefined;
    const made = e.within(body, () => {
      e.frame.loops.push(body);
      try {
        const time: ArrayTerm = { kind: "array", type: "int", atom: t };
        const members = membersAt(e, form.solver, this.#guarded, time);
        const x = current.items[xIndex]!;
        const error = this.#errorAt(members, current, x);
        const stepKey = key ? this.#stepKey(key, time) : undefined;
        const value = this.#valueAt(members, current, x, stepKey);
        const b = body;
        const converged = error ? lessEqual(b, error, this.#tolerance.atom) : boolLiteral(false);
        const own = members.has("status") ? this.#statusAt(members, current) : code("running");
        const outOfTime = greaterEqual(b, t, e.dimensionTerm(iterations).atom);
        const stop = or(b, or(b, converged, notEqual(b, own, code("running"))), outOfTime);
        const place = memberOf(form.solver.declaration, "next")!.body.span;
        const chosen = chooseTerm(
          e,
          stop,
          () => unchanged(current),
          () => judged(e, this.#step(members, current, time, stepKey, state), current, state, place),
          form.span,
        ) as TupleTerm;
        const [next, finite, same] = chosen.items as [Term, ArrayTerm, ArrayTerm];
        const { type } = joinTerms(state, next);
        const typed = leavesOf(type, () => e.giveUp());
        if (typed.some((l, i) => l.type !== leaves[i]!.type)) {
          widen = type;
          return { carry: [], out: [] };
        }
        const stepped = leavesOf(matchTypes(e, e.alignTo(next, state), state), () => e.giveUp());
        const after = statusAfter(b, { converged, own, outOfTime, finite: finite.atom, same: same.atom });
        const going = equal(b, after, code("running"));
        const kept = stepped.map((l, i) => select(b, going, l.atom, inputs[i]!.atom));
        const measure = form.stochastic ? undefined : form.minimizes ? value : error;
        const better = measure
          ? or(b, equal(b, t, intLiteral(0)), and(b, isFiniteAtom(b, measure), less(b, measure, bestMeasure)))
          : boolLiteral(true);
        const bestNow = bestOf.flatMap((i) => leavesOf(current.items[i]!, () => e.giveUp()));
        const nan = realLiteral(Number.NaN);
        const v = value ?? nan;
        const r = error ?? nan;
        // The answer is this point when it converged, the best one otherwise.
        const take = or(b, better, converged);
        if (form.record) {
          const given = e.inFrame(() => applyTo(e, form.record!, [current], form.span));
          leavesOf(given, (leaf) =>
            fail("K0744", form.span, `\`record\` gives numbers, but this is ${showTermType(leaf)}.`),
          );
          if (given.kind !== "tuple" || !given.names)
            fail("K0744", form.span, `\`record\` gives a named tuple, but this is ${showTermType(given)}.`, {
              help: "Write `record = s => (x: s.x)`.",
            });
          recorded = given;
        }
        return {
          carry: [
            ...kept,
            ...bestNow.map((l, i) => select(b, take, l.atom, best[i]!)),
            measure ? select(b, and(b, better, isFiniteAtom(b, measure)), measure, bestMeasure) : bestMeasure,
            select(b, take, v, bestValue),
            select(b, take, r, bestError),
            after,
            add(b, taken, convert(b, going, "int")),
          ],
          out: [v, r, ...(recorded ? leavesOf(recorded, () => e.giveUp()).map((l) => l.atom) : [])],
        };
      } finally {
        e.frame.loops.pop();
      }
    });
    if (widen) return { widen };
    const closed = body.close("solve", [...made.carry, ...made.out]);
    const conditionBuilder = new Builder({ parent: outer, hoist: true });
    const conditionInputs = body.inputs.map((v) => conditionBuilder.input(v.type));
    const statusAt = inputs.length + best.length + 3;
    const go = equal(conditionBuilder, conditionInputs[statusAt]!, code("running"));
    const condition = conditionBuilder.close("running", [go]);
    const constants = closed.captured;
    const length = addDims(iterations, 1);
    const relay: Graph = { ...condition.graph, inputs: [...constants, ...condition.graph.inputs] };
    const infinity = realLiteral(Number.POSITIVE_INFINITY);
    const nan = realLiteral(Number.NaN);
    const operands = [
      ...constants,
      ...leaves.map((l) => l.atom),
      ...bestLeaves.map((l) => l.atom),
      infinity,
      nan,
      nan,
      code("running"),
      intLiteral(0),
      e.emit("iota", [e.dimensionTerm(length).atom], { dtype: "int", shape: [length] }, (b) => iota(b, length)),
    ];
    const loop = form.adjoint.kind === "unroll" && form.adjoint.checkpoint ? checkpointedScan : scan;
    const results = loop(outer, operands, {
      body: closed.graph,
      condition: relay,
      length,
      constants: constants.length,
      carry: made.carry.length,
      stacked: 1,
      reverse: false,
      counted: false,
      ...(e.insideSolver || form.silent ? {} : { progress: { expression: e.textOf(form.span) } }),
    });
    const n = leaves.length;
    return {
      state,
      xIndex,
      dualIndex,
      final: rebuild(
        state,
        leaves.map((l, i) => plainLeaf(l, results[i]!)),
      ) as TupleTerm,
      best: bestLeaves.map((l, i) => plainLeaf(l, results[n + i]!)),
      value: results[statusAt - 2]!,
      error: results[statusAt - 1]!,
      status: results[statusAt]!,
      iterations: results[statusAt + 1]!,
      traces: results.slice(made.carry.length, -1),
      steps: results.at(-1)!,
      recorded,
      length,
    };
  }

  #step(members: Members, current: TupleTerm, time: Term, key: Term | undefined, state: TupleTerm): Term {
    const { e, form } = this;
    const next = members.call("next", key ? [current, time, key] : [current, time], form.span);
    if (next.kind === "error") e.giveUp();
    const member = memberOf(form.solver.declaration, "next")!;
    if (next.kind !== "tuple" || !next.names)
      fail(
        "K0743",
        member.body.span,
        `The state of a solver is ${showTermType(state)}, but \`next\` gives ${showTermType(next)}.`,
      );
    if (joinTerms(state, next).problem !== undefined)
      fail(
        "K0743",
        member.body.span,
        `The state of a solver keeps its type: \`start\` gives ${showTermType(state)}, \`next\` gives ${showTermType(next)}.`,
        {
          notes: [{ message: "The solve:", span: form.span }],
        },
      );
    return next;
  }

  #stepKey(key: ArrayTerm, time: ArrayTerm): Term {
    const atom = this.e.emit("fold_in", [key.atom, time.atom], { dtype: "int", shape: [2] }, (b) =>
      foldIn(b, key.atom, time.atom),
    );
    return { kind: "array", type: "key", atom };
  }

  #errorAt(members: Members, state: TupleTerm, x: Term): Atom | undefined {
    const { e, form } = this;
    if (members.has("error")) return this.#scalar(members.call("error", [state], form.span), "error");
    const residual = residualAt(e, form, members, x);
    if (!residual) return undefined;
    return (reductionBuiltins.norm!(e, { positional: [residual], named: new Map(), span: form.span }) as ArrayTerm)
      .atom;
  }

  /** The value at the current point; of a stochastic objective, on the sample this step uses anyway. */
  #valueAt(members: Members, state: TupleTerm, x: Term, key: Term | undefined): Atom | undefined {
    if (members.has("value")) return this.#scalar(members.call("value", [state], this.form.span), "value");
    const { form, e } = this;
    const sampled = key !== undefined && samplesValue(form);
    if (!sampled && !form.value) return undefined;
    const [f] = this.#guarded.values();
    const value = e.inFrame(() => applyTo(e, f!, sampled ? [x, key] : [x], form.span));
    return this.#scalar(value, "value");
  }

  #statusAt(members: Members, state: TupleTerm): Atom {
    const term = members.call("status", [state], this.form.span);
    if (term.kind === "error") this.e.giveUp();
    if (term.kind !== "array" || term.type !== "status" || rankOf(term) > 0)
      fail(
        "K0745",
        memberOf(this.form.solver.declaration, "status")!.body.span,
        `The member \`status\` gives a status, but this is ${showTermType(term)}.`,
        { help: "Write `if s.fine then running else singular`." },
      );
    return term.atom;
  }

  #scalar(term: Term, member: string): Atom {
    if (term.kind === "error") this.e.giveUp();
    const place = memberOf(this.form.solver.declaration, member)?.body.span ?? this.form.span;
    if (term.kind !== "array" || rankOf(term) > 0 || (term.type !== "real" && term.type !== "int"))
      fail("K0746", place, `The \`${member}\` of a solver is one real number, but this is ${showTermType(term)}.`, {
        notes: [{ message: "The solve:", span: this.form.span }],
      });
    return convertTo(this.e, term, "real").atom;
  }
}

/** The most iterations a solve may take: the option `iters`, or 500. */
function iterationsOf(e: Elaborator, solver: ConfiguredSolver, span: Span): Dim {
  const given = solver.options.get("iters") ?? e.dimensionTerm(500);
  const known = given.kind === "array" && given.dimension !== undefined ? knownDim(given.dimension) : undefined;
  const wrong = known !== undefined && known < 0 ? `${known}` : undefined;
  const isInt = given.kind === "error" || (given.kind === "array" && given.type === "int" && rankOf(given) === 0);
  if (wrong === undefined && isInt) return e.asDimension(given, span);
  return fail(
    "K1174",
    span,
    `The option \`iters\` of \`${solver.declaration.name.name}\` is a number of iterations, but this is ${wrong ?? showTermType(given)}.`,
    { help: "Write a natural number: `iters = 1000`." },
  );
}
