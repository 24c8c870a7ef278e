/** Forms that bind names or run code more than once: blocks, choices, loops, scans, comprehensions, derivatives, calls. */
import { form } from "./forms-values.ts";
import { type Form, type Grower, type Scope, within } from "./grow.ts";
import { binding, expression, type Node, type Variable } from "./tree.ts";
import { array, bool, type Dimension, isArray, isReal, position, type RealType, scalar, type Type } from "./types.ts";

/** What a loop runs over: the text of its clause around a count, an array or an axis, and what it binds. */
interface Range {
  readonly over: Node | string;
  readonly variable: Variable;
  /** What tells steps apart, for draws of random numbers. */
  readonly step: Variable | undefined;
}

function range(g: Grower, scope: Scope, form: string): Range {
  const d = g.dimension();
  if (g.chance(2)) {
    const variable = g.fresh("i", position(d));
    return { over: `0..${d}`, variable, step: variable };
  }
  if (g.chance(4)) {
    // Rows of a matrix.
    return { over: g.grow(array(d, "n"), scope, form, 2), variable: g.fresh("r", array("n")), step: undefined };
  }
  return { over: g.grow(array(d), scope, form, 2), variable: g.fresh("e", scalar), step: undefined };
}

/** A body that stays bounded however often it runs. */
function bounded(g: Grower, type: RealType, scope: Scope, form: string): Node {
  const body = g.grow(type, scope, form);
  return g.chance(3) ? body : expression("elementwise", type)`tanh(${body})`;
}

const choices: readonly Form[] = [
  form("if", 5, isReal, (g, type, scope) => {
    const condition = g.grow(bool, scope, "if");
    return expression(
      "if",
      type,
    )`(if ${condition} then ${g.grow(type, scope, "if")} else ${g.grow(type, scope, "if")})`;
  }),
  form("let", 4, isReal, (g, type, scope) => {
    const variable = g.fresh("a", g.anyType());
    const value = g.grow(variable.type, scope, "let");
    const body = g.grow(type, within(scope, [variable], "once"), "let");
    return expression("let", type)`({ let ${variable.name} = ${value}\n ${binding([variable], body)} })`;
  }),
];

const loops: readonly Form[] = [
  form("loop", 6, isReal, (g, type, scope) => {
    const state = g.fresh("s", type);
    const start = g.grow(type, scope, "loop");
    if (g.chance(3)) {
      const step = g.fresh("t", position("n"));
      const inner = within(scope, [state]);
      const body = bounded(g, type as RealType, inner, "loop");
      return expression(
        "loop",
        type,
      )`(loop ${state.name} = ${start} for ${step.name} in 0..${g.count(4)} { ${binding([state], body)} })`;
    }
    const { over, variable, step } = range(g, scope, "loop");
    const body = bounded(g, type as RealType, within(scope, [state, variable], step), "loop");
    return expression(
      "loop",
      type,
    )`(loop ${state.name} = ${start} for ${variable.name} in ${over} { ${binding([state, variable], body)} })`;
  }),
  form("bounded while", 3, isReal, (g, type, scope) => {
    const state = g.fresh("s", type);
    const step = g.fresh("t", position("n"));
    const inner = within(scope, [state]);
    const size = type.kind === "real" && type.shape.length === 0 ? state.name : `norm(${state.name})`;
    const body = g.grow(type, inner, "loop");
    return expression(
      "loop",
      type,
    )`(loop ${state.name} = ${g.grow(type, scope, "loop")} for ${step.name} in 0..${g.count(5)} while ${size} < 1.3 { ${state.name} + 0.4 + 0.1 * ${binding([state], body)} })`;
  }),
  form("counted while", 2, isReal, (g, type, scope) => {
    const state = g.fresh("s", type);
    const counter = g.fresh("k", position("n"));
    const step = g.fresh("t", position("n"));
    const inner = within(scope, [state]);
    const body = bounded(g, type as RealType, inner, "loop");
    return expression(
      "loop",
      type,
    )`({ let (${state.name}, _) = loop (${state.name}, ${counter.name}) = (${g.grow(type, scope, "loop")}, 0) for ${step.name} in 0..5 while ${counter.name} < ${g.count(4)} { (${binding([state], body)}, ${counter.name} + 1) }\n ${state.name} })`;
  }),
  form("scan", 4, isReal, (g, type, scope) => {
    const [state, out] = [g.fresh("s", g.anyType()), g.fresh("d", scalar)];
    const [last, outs] = [g.fresh("l", state.type), g.fresh("o", scalar)];
    const { over, variable, step } = range(g, scope, "scan");
    const start = g.grow(state.type, scope, "scan");
    const inner = within(scope, [state, variable], step);
    const next = bounded(g, state.type as RealType, inner, "scan");
    const emitted = g.grow(scalar, inner, "scan");
    const after: Variable[] = [last];
    const body = g.grow(type, within(scope, after, "once"), "let");
    return expression(
      "scan",
      type,
    )`({ let (${last.name}, ${outs.name}) = scan ${state.name} = ${start} for ${variable.name} in ${over} { let ${out.name} = ${binding([state, variable], emitted)}\n (${binding([state, variable], next)}, ${out.name}) }\n (1 + 0.1 * sum(${outs.name}^2)) * ${binding(after, body)} })`;
  }),
  form(
    "outs",
    3,
    (type) => isArray(type, 1),
    (g, type, scope) => {
      const d = (type as { readonly shape: readonly Dimension[] }).shape[0]!;
      const state = g.fresh("s", g.anyType());
      const [step, outs] = [g.fresh("i", position(d)), g.fresh("o", type)];
      const start = g.grow(state.type, scope, "scan");
      const inner = within(scope, [state, step], step);
      const next = bounded(g, state.type as RealType, inner, "scan");
      const emitted = g.grow(scalar, inner, "scan");
      return expression(
        "scan",
        type,
      )`({ let (_, ${outs.name}) = scan ${state.name} = ${start} for ${step.name} in 0..${d} { (${binding([state, step], next)}, ${binding([state, step], emitted)}) }\n ${outs.name} })`;
    },
  ),
];

const maps: readonly Form[] = [
  form(
    "map",
    7,
    (type) => isArray(type, 1),
    (g, type, scope) => {
      const d = (type as { readonly shape: readonly Dimension[] }).shape[0]!;
      if (g.chance(2)) {
        const i = g.fresh("i", position(d));
        const body = g.grow(scalar, within(scope, [i], i), "map");
        return expression("map", type)`[${binding([i], body)} for ${i.name} in 0..${d}]`;
      }
      if (g.chance(3)) {
        const row = g.fresh("r", array("n"));
        const over = g.grow(array(d, "n"), scope, "map");
        return expression(
          "map",
          type,
        )`[${binding([row], g.grow(scalar, within(scope, [row]), "map"))} for ${row.name} in ${over}]`;
      }
      if (g.chance(3)) {
        const [a, b] = [g.fresh("a", scalar), g.fresh("b", scalar)];
        const body = g.grow(scalar, within(scope, [a, b]), "map");
        return expression(
          "map",
          type,
        )`[${binding([a, b], body)} for (${a.name}, ${b.name}) in zip(${g.grow(type, scope, "map")}, ${g.grow(type, scope, "map")})]`;
      }
      const e = g.fresh("e", scalar);
      const body = g.grow(scalar, within(scope, [e]), "map");
      return expression("map", type)`[${binding([e], body)} for ${e.name} in ${g.grow(type, scope, "map")}]`;
    },
  ),
  form(
    "map of rows",
    6,
    (type) => isArray(type, 2),
    (g, type, scope) => {
      const [rows, columns] = (type as { readonly shape: readonly Dimension[] }).shape as [Dimension, Dimension];
      if (g.chance(2)) {
        const i = g.fresh("i", position(rows));
        const body = g.grow(array(columns), within(scope, [i], i), "map");
        return expression("map", type)`[${binding([i], body)} for ${i.name} in 0..${rows}]`;
      }
      const [a, b] = [g.fresh("a", scalar), g.fresh("b", scalar)];
      const body = g.grow(scalar, within(scope, [a, b]), "map");
      return expression(
        "map",
        type,
      )`[${binding([a, b], body)} for ${a.name} in ${g.grow(array(rows), scope, "map")} for ${b.name} in ${g.grow(array(columns), within(scope, []), "map")}]`;
    },
  ),
];

const mayDifferentiate = (type: Type, _: Grower, scope: Scope) => isReal(type) && scope.derivatives > 0;

const derivatives: readonly Form[] = [
  form("checkpoint", 3, isReal, (g, type, scope) => {
    const q = g.fresh("q", g.anyType());
    const body = g.grow(type, within(scope, [q], "once"), "checkpoint");
    return expression(
      "checkpoint",
      type,
    )`checkpoint(${q.name} => ${binding([q], body)})(${g.grow(q.type, scope, "checkpoint")})`;
  }),
  form("directional", 2, mayDifferentiate, (g, type, scope) => {
    const q = g.fresh("q", g.anyType());
    const inner = { ...within(scope, [q], "once"), derivatives: scope.derivatives - 1 };
    const body = g.grow(type, inner, "directional");
    const at = () => g.grow(q.type, scope, "directional", 2);
    return expression("directional", type)`jvp(${q.name} => ${binding([q], body)})(${at()}, ${at()})`;
  }),
  form("pullback", 3, mayDifferentiate, (g, type, scope) => {
    const q = g.fresh("q", type);
    const inner = { ...within(scope, [q], "once"), derivatives: scope.derivatives - 1 };
    const point = () => g.grow(type, scope, "pullback", 2);
    if (g.chance(2))
      return expression(
        "pullback",
        type,
      )`grad(${q.name} => ${binding([q], g.grow(scalar, inner, "pullback"))})(${point()})`;
    const result = g.anyType();
    const body = g.grow(result, inner, "pullback");
    return expression(
      "pullback",
      type,
    )`vjp(${q.name} => ${binding([q], body)})(${point()}, ${g.grow(result, scope, "pullback", 2)})`;
  }),
];

const calls: readonly Form[] = [
  form(
    "call",
    5,
    (type, g) => isReal(type) && g.helpers.some((h) => sameResult(h.result, type)),
    (g, type, scope) => {
      const helper = g.one(g.helpers.filter((h) => sameResult(h.result, type)));
      const texts = helper.parameters.map((p) => g.grow(p, scope, "call"));
      const [first, second] = texts;
      return second === undefined
        ? expression("call", type)`${helper.name}(${first!})`
        : expression("call", type)`${helper.name}(${first!}, ${second})`;
    },
  ),
];

function sameResult(a: Type, b: Type): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export const controlForms: readonly Form[] = [...choices, ...loops, ...maps, ...derivatives, ...calls];
