/**
 * The iteration every solver shares: the stopping test first, then a step; a step that is not finite is
 * not taken; the best point is kept. The whole solve is one `scan`.
 */
import { Builder } from "../core/builder.ts";
import { addDims, knownDim } from "../core/dimension.ts";
import { type Atom, boolLiteral, type Graph, intLiteral, realLiteral, type Var } from "../core/graph.ts";
import { type StatusName, statusCode } from "../core/status.ts";
import { add } from "../primitives/arithmetic.ts";
import {
  and,
  equal,
  greaterEqual,
  isFinite as isFiniteAtom,
  less,
  lessEqual,
  not,
  notEqual,
  or,
} from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { gather } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { reduceAll } from "../primitives/reduce.ts";
import { minimum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { foldIn } from "../primitives/threefry.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { reportPrimitive } from "../transform/control/effects.ts";
import { noDerivative } from "../transform/control/refuse.ts";
import { scan } from "../transform/control/scan.ts";
import { randomBuiltins } from "./builtins/random.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import { chooseTerm, joinTerms } from "./control.ts";
import { stopped } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTo } from "./functions.ts";
import { implicitSolution } from "./implicit.ts";
import { arithmetic, convertTo, realTerm } from "./operators.ts";
import { type ConfiguredSolver, memberOf, membersAt } from "./solver-terms.ts";
import {
  type ArrayTerm,
  type FunctionTerm,
  leavesOf,
  mapLeaves,
  rankOf,
  rebuild,
  showTermType,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "./terms.ts";
import { guarded } from "./trial.ts";

export interface SolveForm {
  readonly call: "minimize" | "maximize" | "root" | "fixpoint" | "least_squares" | "linear_solve" | "solve";
  readonly from: Term;
  readonly solver: ConfiguredSolver;
  readonly parts: ReadonlyMap<string, Term>;
  readonly adjoint: "implicit" | "unroll";
  readonly condition: FunctionTerm | undefined;
  readonly record: FunctionTerm | undefined;
  /** True for methods whose last point is the answer: they see noise, so no point is known to be best. */
  readonly stochastic: boolean;
  /** True when the best point is that of least value, not of least error. */
  readonly minimizes: boolean;
  /** The value at a point, when the form has one. */
  readonly value: ((x: Term) => Term) | undefined;
  /** What vanishes at an answer, unless the solver says otherwise. */
  readonly defaultCondition: ((x: Term) => Term) | undefined;
  /** For problems: the KKT conditions in the answer and its duals together, which then are differentiated together. */
  readonly dualCondition?: (x: Term, dual: Term) => Term;
  readonly span: Span;
}

/** The iterations of the solve a trace belongs to: a plot of it stops there. */
export const traceIterations = new WeakMap<Atom, Atom>();

const code = (name: StatusName) => intLiteral(statusCode(name));
const real = (atom: Atom): ArrayTerm => ({ kind: "array", type: "real", atom });
const plain = (leaf: ArrayTerm, atom: Atom): ArrayTerm => ({ kind: "array", type: leaf.type, atom });

export function runSolver(e: Elaborator, form: SolveForm): TupleTerm {
  return e.at(form.span, () => new SolverRun(e, form).run());
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
    this.#tolerance = tol ? (realTerm(e, tol, "`tol`", form.span) as ArrayTerm) : real(standard);
    if (this.#tolerance.kind !== "array" || rankOf(this.#tolerance) > 0)
      fail("K0740", form.span, "`tol` is one number.");
    this.#guarded = new Map([...form.parts].map(([n, t]) => [n, guarded(e, t)]));
  }

  run(): TupleTerm {
    const { e, form } = this;
    const { solver, span } = form;
    const iterations = e.asDimension(solver.options.get("iters") ?? e.dimensionTerm(500), span);
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
      if (!("widen" in result)) return this.#record(result, iterations);
      state = matchTypes(e, state, result.widen);
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
      );
    const x = state.items[state.names.indexOf("x")]!;
    const { problem } = joinTerms(e, form.from, x);
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

  #loop(
    state: TupleTerm,
    key: ArrayTerm | undefined,
    iterations: ReturnType<Elaborator["asDimension"]>,
  ): LoopResult | { readonly widen: Term } {
    const { e, form } = this;
    const outer = e.builder;
    const leaves = leavesOf(state, () => e.giveUp());
    const xIndex = state.names!.indexOf("x");
    const dualIndex = state.names!.indexOf("dual");
    const body = new Builder({ parent: outer, hoist: true });
    // Carry: the state, then bookkeeping.
    const inputs = leaves.map((l) => plain(l, body.input(l.atom.type)));
    const current = rebuild(state, inputs) as TupleTerm;
    const bestOf = [xIndex, ...(dualIndex >= 0 ? [dualIndex] : [])];
    const bestLeaves = bestOf.flatMap((i) => leavesOf(state.items[i]!, () => e.giveUp()));
    const best = bestLeaves.map((l) => body.input(l.atom.type));
    const [bestMeasure, bestValue, bestError] = [0, 1, 2].map(() => body.input({ dtype: "real", shape: [] })) as [
      Var,
      Var,
      Var,
    ];
    const _status = body.input({ dtype: "int", shape: [] });
    const taken = body.input({ dtype: "int", shape: [] });
    const t = body.input({ dtype: "int", shape: [] });

    let widen: Term | undefined;
    let recorded: Term | undefined;
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
        const next = chooseTerm(
          e,
          stop,
          () => current,
          () => this.#step(members, current, time, stepKey, state),
          form.span,
        );
        const { type, problem } = joinTerms(e, state, next);
        const nextMember = memberOf(form.solver.declaration, "next")!;
        if (problem !== undefined)
          fail(
            "K0743",
            nextMember.body.span,
            `The state of a solver keeps its type: \`start\` gives ${showTermType(state)}, \`next\` gives ${showTermType(next)}.`,
            { notes: [{ message: "The solve:", span: form.span }] },
          );
        const typed = leavesOf(type, () => e.giveUp());
        if (typed.some((l, i) => l.type !== leaves[i]!.type)) {
          widen = type;
          return { carry: [], out: [] };
        }
        const stepped = leavesOf(matchTypes(e, e.alignTo(next, state), state), () => e.giveUp());
        const finite = allOf(
          e,
          stepped.filter((l) => l.type === "real").map((l) => everyEntry(e, l.atom, isFinite1(e, l.atom))),
        );
        const same = allOf(
          e,
          stepped.map((l, i) => everyEntry(e, l.atom, equal1(e, l.atom, inputs[i]!.atom))),
        );
        const after = select(
          b,
          converged,
          code("converged"),
          select(
            b,
            notEqual(b, own, code("running")),
            own,
            select(
              b,
              outOfTime,
              code("iterations"),
              select(b, not(b, finite), code("diverged"), select(b, same, code("stalled"), code("running"))),
            ),
          ),
        );
        const going = equal(b, after, code("running"));
        const kept = stepped.map((l, i) => choose1(e, going, l.atom, inputs[i]!.atom));
        const measure = form.stochastic ? undefined : form.minimizes ? value : error;
        const better = measure
          ? or(
              b,
              and(b, isFiniteAtom(b, measure), less(b, measure, bestMeasure)),
              and(b, equal(b, t, intLiteral(0)), boolLiteral(true)),
            )
          : boolLiteral(true);
        const bestNow = bestOf.flatMap((i) => leavesOf(current.items[i]!, () => e.giveUp()));
        const nan = realLiteral(Number.NaN);
        const v = value ?? nan;
        const r = error ?? nan;
        // The answer is this point when it converged, the best one otherwise.
        const take = or(b, better, converged);
        if (form.record) {
          recorded = e.inFrame(() => applyTo(e, form.record!, [current], form.span));
          leavesOf(recorded, (leaf) =>
            fail("K0744", form.span, `\`record\` gives numbers, but this is ${showTermType(leaf)}.`),
          );
          if (recorded.kind !== "tuple" || !recorded.names)
            fail("K0744", form.span, `\`record\` gives a named tuple, but this is ${showTermType(recorded)}.`, {
              help: "Write `record = s => (x: s.x)`.",
            });
        }
        return {
          carry: [
            ...kept,
            ...bestNow.map((l, i) => choose1(e, take, l.atom, best[i]!)),
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
    const results = scan(outer, operands, {
      body: closed.graph,
      condition: relay,
      length,
      constants: constants.length,
      carry: made.carry.length,
      stacked: 1,
      reverse: false,
      counted: false,
      ...(e.insideSolver ? {} : { progress: { expression: e.textOf(form.span) } }),
    });
    const n = leaves.length;
    return {
      state,
      xIndex,
      dualIndex,
      final: rebuild(
        state,
        leaves.map((l, i) => plain(l, results[i]!)),
      ) as TupleTerm,
      best: bestLeaves.map((l, i) => plain(l, results[n + i]!)),
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

  #step(
    members: ReturnType<typeof membersAt>,
    current: TupleTerm,
    time: Term,
    key: Term | undefined,
    state: TupleTerm,
  ): Term {
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
    if (joinTerms(e, state, next).problem !== undefined)
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

  #errorAt(members: ReturnType<typeof membersAt>, state: TupleTerm, x: Term): Atom | undefined {
    const { e, form } = this;
    if (members.has("error")) return this.#scalar(members.call("error", [state], form.span), "error");
    const residual = this.#residual(members, x);
    if (!residual) return undefined;
    return (reductionBuiltins.norm!(e, { positional: [residual], named: new Map(), span: form.span }) as ArrayTerm)
      .atom;
  }

  #residual(members: ReturnType<typeof membersAt>, x: Term): Term | undefined {
    const { form, e } = this;
    if (form.condition) return realTerm(e, applyTo(e, form.condition, [x], form.span), "A condition", form.span);
    if (members.has("condition"))
      return realTerm(e, members.call("condition", [x], form.span), "A condition", form.span);
    return form.defaultCondition?.(x);
  }

  #valueAt(members: ReturnType<typeof membersAt>, state: TupleTerm, x: Term, key: Term | undefined): Atom | undefined {
    if (members.has("value")) return this.#scalar(members.call("value", [state], this.form.span), "value");
    const { form, e } = this;
    // The sample of this step, whose value the step computes anyway.
    if (samplesValue(form, key)) {
      const f = [...this.#guarded.values()][0]!;
      return this.#scalar(
        e.inFrame(() => applyTo(e, f, [x, key!], form.span)),
        "value",
      );
    }
    if (!form.value) return undefined;
    const f = [...this.#guarded.values()][0]!;
    void form.value;
    return this.#scalar(applyTo(e, f, [x], form.span), "value");
  }

  #statusAt(members: ReturnType<typeof membersAt>, state: TupleTerm): Atom {
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

  #record(r: LoopResult, iterations: ReturnType<Elaborator["asDimension"]>): TupleTerm {
    const { e, form } = this;
    const { span, solver } = form;
    const watched = { statusRead: false };
    const members = membersAt(e, solver, form.parts, e.dimensionTerm(0));
    const hasCondition =
      form.condition !== undefined || members.has("condition") || form.defaultCondition !== undefined;
    const measuresError = members.has("error") || hasCondition;
    const b = e.builder;
    if (!e.insideSolver && e.mode === "bind")
      b.emit(reportPrimitive as never, [r.status, r.iterations, r.error], {
        expression: e.textOf(span),
        span,
        watched,
        trial: false,
        quiet: !measuresError,
      });
    const xLeaves = leavesOf(form.from, () => e.giveUp()).length;
    const keepsLast = form.stochastic;
    const bestX = keepsLast ? r.final.items[r.xIndex]! : rebuild(form.from, r.best.slice(0, xLeaves));
    let x: Term = bestX;
    let dual: Term | undefined =
      r.dualIndex >= 0 ? rebuild(r.state.items[r.dualIndex]!, r.best.slice(xLeaves)) : undefined;
    const message = (what: string) => `\`${what}\` of this solve has no derivative of its own.`;
    if (form.adjoint === "implicit") {
      if (form.dualCondition && dual) {
        const { dualCondition } = form;
        const parts = (t: Term): readonly [Term, Term] =>
          t.kind === "tuple" ? [t.items[0]!, t.items[1]!] : e.giveUp();
        [x, dual] = parts(implicitSolution(e, tupleTerm([x, dual]), (t) => dualCondition(...parts(t)), span));
      } else if (hasCondition) x = implicitSolution(e, x, (y) => this.#residualRaw(members, y), span);
      else
        x = mapLeaves(x, (leaf) =>
          plain(
            leaf,
            noDerivative1(
              e,
              leaf.atom,
              span,
              `The solver \`${solver.declaration.name.name}\` has no condition that its answer satisfies, so this solve is not differentiated.`,
              "Say `adjoint = unroll` to differentiate its steps, or give a `condition`.",
            ),
          ),
        );
    }
    const refuse = (atom: Atom, what: string) =>
      form.adjoint === "unroll"
        ? atom
        : noDerivative1(
            e,
            atom,
            span,
            message(what),
            "Say `adjoint = unroll` to differentiate the steps, or compute what you need from `x`.",
          );

    const fields: [string, Term][] = [["x", x]];
    const sampled = samplesValue(form, memberOf(solver.declaration, "next")!.parameters.length === 3);
    const hasValue = members.has("value") || form.value !== undefined || sampled;
    if (hasValue) fields.push(["value", this.#valueTerm(r, x, members, refuse)]);
    fields.push(["error", measuresError ? real(refuse(r.error, "error")) : real(r.error)]);
    fields.push(["iterations", { kind: "array", type: "int", atom: r.iterations }]);
    fields.push(["status", { kind: "array", type: "status", atom: r.status }]);
    if (dual) fields.push(["dual", dual]);
    fields.push(["trace", this.#trace(r, refuse)]);
    void iterations;
    return {
      ...tupleTerm(
        fields.map(([, t]) => t),
        fields.map(([n]) => n),
      ),
      onRead: (field) => {
        if (field === "status") watched.statusRead = true;
      },
    };
  }

  #residualRaw(members: ReturnType<typeof membersAt>, x: Term): Term {
    return this.#residual(members, x)!;
  }

  /** The value at the answer, with the derivative of the objective there (the envelope theorem, and dx where that is not exact). */
  #valueTerm(
    r: LoopResult,
    x: Term,
    members: ReturnType<typeof membersAt>,
    refuse: (atom: Atom, what: string) => Atom,
  ): Term {
    const { e, form } = this;
    if (form.adjoint === "unroll") return real(r.value);
    if (form.value && !members.has("condition") && !form.condition) {
      const known = stopped(e, real(r.value));
      const fresh = form.value(x);
      if (fresh.kind === "array" && rankOf(fresh) === 0) {
        const correction = arithmetic(e, "-", fresh, stopped(e, fresh), form.span);
        return arithmetic(e, "+", known, correction, form.span);
      }
    }
    return real(refuse(r.value, "value"));
  }

  /** What each iteration saw; after the end the last entry is repeated. */
  #trace(r: LoopResult, refuse: (atom: Atom, what: string) => Atom): Term {
    const { e } = this;
    const leaf = (atom: Atom, type: ArrayTerm["type"], inner: Atom["type"]["shape"]): ArrayTerm => {
      const shape = [r.length, ...inner];
      const a = e.emit("trace", [atom, r.steps], { dtype: atom.type.dtype, shape }, (b) => {
        const last = add(b, r.steps, intLiteral(-1));
        return gather(b, atom, minimum(b, iota(b, knownDim(r.length)!), last), 0);
      });
      const shown = type === "real" ? refuse(a, "trace") : a;
      traceIterations.set(shown, r.iterations);
      return { kind: "array", type, atom: shown };
    };
    const items: Term[] = [leaf(r.traces[0]!, "real", []), leaf(r.traces[1]!, "real", [])];
    const names = ["value", "error"];
    if (r.recorded && r.recorded.kind === "tuple") {
      let at = 2;
      r.recorded.items.forEach((t, i) => {
        names.push(r.recorded!.kind === "tuple" ? r.recorded!.names![i]! : String(i));
        items.push(mapLeaves(t, (l) => leaf(r.traces[at++]!, l.type, l.atom.type.shape)));
      });
    }
    return tupleTerm(items, names);
  }
}

interface LoopResult {
  readonly state: TupleTerm;
  readonly xIndex: number;
  readonly dualIndex: number;
  readonly final: TupleTerm;
  readonly best: readonly ArrayTerm[];
  readonly value: Atom;
  readonly error: Atom;
  readonly status: Atom;
  readonly iterations: Atom;
  readonly traces: readonly Atom[];
  readonly steps: Atom;
  readonly recorded: Term | undefined;
  readonly length: ReturnType<Elaborator["asDimension"]>;
}

/** Whether a solve's value is that of one sample, which wants the key of the step. */
function samplesValue(form: SolveForm, key: unknown): boolean {
  return form.stochastic && Boolean(key) && (form.call === "minimize" || form.call === "maximize");
}

function noDerivative1(e: Elaborator, atom: Atom, span: Span, message: string, help: string): Atom {
  return noDerivative(e.builder, atom, span, message, help);
}

function isFinite1(e: Elaborator, x: Atom): Atom {
  return e.emit("is_finite", [x], { dtype: "bool", shape: x.type.shape }, (b) => isFiniteAtom(b, x));
}
function equal1(e: Elaborator, x: Atom, y: Atom): Atom {
  return e.emit("equal", [x, y], { dtype: "bool", shape: x.type.shape }, (b) => equal(b, x, y));
}
function choose1(e: Elaborator, c: Atom, x: Atom, y: Atom): Atom {
  return e.emit("select", [c, x, y], x.type, (b) => select(b, c, x, y));
}
function everyEntry(e: Elaborator, x: Atom, flags: Atom): Atom {
  return e.emit("all", [flags], { dtype: "bool", shape: [] }, (b) =>
    x.type.shape.length === 0
      ? flags
      : reduceAll(
          b,
          flags,
          x.type.shape.map((_, i) => i),
        ),
  );
}
function allOf(e: Elaborator, flags: readonly Atom[]): Atom {
  return flags.reduce<Atom>((s, t) => and(e.builder, s, t), boolLiteral(true));
}

/** Converts leaves to the types of another term of its structure. */
function matchTypes<T extends Term>(e: Elaborator, term: T, like: Term): T {
  if (term.kind === "tuple" && like.kind === "tuple")
    return { ...term, items: term.items.map((t, i) => matchTypes(e, t, like.items[i]!)) };
  if (term.kind === "array" && like.kind === "array") return convertTo(e, term, like.type) as T;
  return term;
}
