/** Functions with a `derivative` or a `pullback`: the rule becomes a graph beside the function's own. */
import { Builder } from "../core/builder.ts";
import type { Atom } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { FunctionDeclaration, Span } from "../syntax/tree.ts";
import { customDerivativePrimitive, customPullbackPrimitive } from "../transform/control/custom.ts";
import { isHomogeneous } from "../transform/linearity.ts";
import { transposeOf } from "../transform/transpose.ts";
import type { Elaborator } from "./elaborator.ts";
import { realTerm, zeroLike } from "./operators.ts";
import { bindPattern } from "./patterns.ts";
import { Scope } from "./scope.ts";
import { type ArrayTerm, leavesOf, mapLeaves, rebuild, sameStructure, showTermType, type Term } from "./terms.ts";

export function applyCustomRule(
  e: Elaborator,
  declaration: FunctionDeclaration,
  args: readonly Term[],
  scope: Scope,
  body: (values: readonly Term[]) => Term,
  span: Span,
): Term {
  const rule = declaration.rule!;
  const what = `\`${declaration.name.name}\``;
  const leavesBy = args.map((a) =>
    a.kind === "array" || a.kind === "tuple"
      ? leavesOf(a, (leaf) =>
          fail(
            "K0510",
            span,
            `${what} has a rule for its derivative, so its arguments are numbers, but this is ${showTermType(leaf)}.`,
          ),
        )
      : fail(
          "K0510",
          span,
          `${what} has a rule for its derivative, so its arguments are numbers, but this is ${showTermType(a)}.`,
        ),
  );
  const leaves = leavesBy.flat();
  const isReal = (t: ArrayTerm) => t.type === "real";

  const own = new Builder({ parent: e.builder });
  const inputs = leaves.map((l) => own.input(l.atom.type));
  const place = (atoms: readonly Atom[]): Term[] => {
    let next = 0;
    return args.map((a) => mapLeaves(a, (leaf) => ({ kind: "array", type: leaf.type, atom: atoms[next++]! })));
  };
  const result = e.within(own, () => body(place(inputs)));
  const outs = leavesOf(result, (leaf) =>
    fail(
      "K0510",
      span,
      `The result of ${what} has a rule for its derivative, so it is made of numbers, but this is ${showTermType(leaf)}.`,
    ),
  );
  const closed = own.close(
    declaration.name.name,
    outs.map((t) => t.atom),
  );
  if (closed.captured.length > 0 && e.mode === "bind" && closed.captured.some((v) => e.isVarying(v)))
    fail("K0511", declaration.name.span, `${what} has a rule for its derivative, so it may capture constants only.`, {
      help: "Pass what varies as an argument.",
    });

  const ruleBuilder = new Builder({ parent: e.builder });
  const ruleInputs = leaves.map((l) => ruleBuilder.input(l.atom.type));
  const inner = new Scope(scope.parent);
  const values = place(ruleInputs);
  declaration.parameters.forEach((p, i) => {
    inner.bind(p.name.name, values[i]!, p.name.span);
  });
  const ruleScope = new Scope(inner);
  let ruleAtoms: readonly Atom[];
  if (rule.kind === "derivative") {
    const withTangents = args.map((_, i) => i).filter((i) => leavesBy[i]!.some(isReal));
    if (rule.rule.parameters.length !== withTangents.length)
      fail(
        "K0512",
        rule.span,
        `${what} has ${withTangents.length} argument${withTangents.length === 1 ? "" : "s"} with a derivative, but the rule takes ${rule.rule.parameters.length} tangent${rule.rule.parameters.length === 1 ? "" : "s"}.`,
        {
          help: "There is a tangent for each argument with real parts, in order.",
        },
      );
    withTangents.forEach((i, k) => {
      const tangent = mapLeaves(args[i]!, (leaf) =>
        isReal(leaf) ? { kind: "array", type: "real", atom: ruleBuilder.input(leaf.atom.type) } : leaf,
      );
      bindPattern(e, rule.rule.parameters[k]!, tangent, ruleScope);
    });
    const tangent = e.within(ruleBuilder, () =>
      e.inFrame(() => realTerm(e, e.expression(rule.rule.body, ruleScope), "The tangent", rule.span)),
    );
    ruleAtoms = fitLike(e, tangent, result, "The tangent", "the value", rule.span, ruleBuilder);
  } else {
    const cotangent = mapLeaves(result, (leaf) =>
      isReal(leaf) ? { kind: "array", type: "real", atom: ruleBuilder.input(leaf.atom.type) } : leaf,
    );
    if (rule.rule.parameters.length !== 1)
      fail("K0512", rule.span, "A `pullback` takes one cotangent, that of the value.");
    bindPattern(e, rule.rule.parameters[0]!, cotangent, ruleScope);
    const given = e.within(ruleBuilder, () => e.inFrame(() => e.expression(rule.rule.body, ruleScope)));
    const real = args.map((_, i) => i).filter((i) => leavesBy[i]!.some(isReal));
    const parts = pullbackParts(e, declaration, given, args, real, rule.span, ruleBuilder);
    ruleAtoms = real.flatMap((i, k) =>
      fitLike(
        e,
        parts[k]!,
        args[i]!,
        "The cotangent",
        `\`${declaration.parameters[i]!.name.name}\``,
        rule.span,
        ruleBuilder,
      ),
    );
  }
  const ruleClosed = ruleBuilder.close(`${declaration.name.name}.${rule.kind}`, ruleAtoms);

  if (e.mode === "check") {
    const atoms = opaque(
      e.builder,
      declaration.name.name,
      [...closed.captured, ...leaves.map((l) => l.atom)],
      outs.map((t) => t.atom.type),
    );
    return rebuild(
      result,
      outs.map((t, i) => ({ kind: "array", type: t.type, atom: atoms[i]! })),
    );
  }
  // Both graphs take the same captured values first.
  const captured = [...new Map([...closed.captured, ...ruleClosed.captured].map((v) => [v.id, v])).values()];
  const graph = { ...closed.graph, inputs: [...captured, ...closed.graph.inputs.slice(closed.captured.length)] };
  const reals = captured.filter((v) => v.type.dtype === "real");
  const extra = reals.map((v) => ({ kind: "var" as const, id: new Builder().input(v.type).id, type: v.type }));
  const own2 = ruleClosed.graph.inputs.slice(ruleClosed.captured.length);
  const operands = own2.slice(0, leaves.length);
  const directions = own2.slice(leaves.length);
  if (rule.kind === "derivative") {
    const laid = { ...ruleClosed.graph, inputs: [...captured, ...operands, ...extra, ...directions] };
    refuseNonlinear(laid, captured.length + operands.length, rule.span, what);
    const atoms = e.builder.emit(customDerivativePrimitive as never, [...captured, ...leaves.map((l) => l.atom)], {
      graph,
      rule: laid,
    });
    return rebuild(
      result,
      outs.map((t, i) => ({ kind: "array", type: t.type, atom: atoms[i]! })),
    );
  }
  const zero = new Builder();
  const none = reals
    .map((v) => e.within(zero, () => zeroLike(e, { kind: "array", type: "real", atom: v })) as ArrayTerm)
    .map((t) => t.atom);
  const pullback = {
    ...ruleClosed.graph,
    inputs: [...captured, ...operands, ...directions],
    equations: [...ruleClosed.graph.equations, ...zero.equations],
    outputs: [...none, ...ruleClosed.graph.outputs],
  };
  const atoms = e.builder.emit(customPullbackPrimitive as never, [...captured, ...leaves.map((l) => l.atom)], {
    graph,
    pullback,
  });
  return rebuild(
    result,
    outs.map((t, i) => ({ kind: "array", type: t.type, atom: atoms[i]! })),
  );
}

/** The rule must be linear in its tangents, or reverse mode would be wrong. */
function refuseNonlinear(rule: Parameters<typeof transposeOf>[0], operands: number, span: Span, what: string): void {
  const tangents = rule.inputs.map((_, i) => i >= operands);
  const refuse = () =>
    fail("K0513", span, `The derivative of ${what} is not linear in its tangents.`, {
      help: "Tangents may be multiplied by values and added up, but nothing else may be added to them, and a tangent may not be multiplied by a tangent or put through a function such as `exp`.",
    });
  if (!isHomogeneous(rule, tangents)) refuse();
  try {
    transposeOf(
      rule,
      tangents,
      rule.outputs.map(() => true),
    );
  } catch (error) {
    if (error instanceof Error && /is not linear/.test(error.message)) refuse();
    throw error;
  }
}

function fitLike(
  e: Elaborator,
  given: Term,
  like: Term,
  what: string,
  whose: string,
  span: Span,
  builder: Builder,
): Atom[] {
  const reals = leavesOf(like, () => e.giveUp()).filter((t) => t.type === "real");
  const have = sameStructure(given, like) ? leavesOf(e.alignTo(given, like), () => e.giveUp()) : undefined;
  const places = leavesOf(like, () => e.giveUp());
  const kept = have?.filter((_, i) => places[i]!.type === "real");
  if (!kept || kept.some((t, i) => !e.sameShapes(t, reals[i]!)))
    fail("K0514", span, `${what} of ${whose} must be like ${showTermType(like)}, but it is ${showTermType(given)}.`);
  return e.within(builder, () => kept.map((t) => (realTerm(e, t, what, span) as ArrayTerm).atom));
}

function pullbackParts(
  e: Elaborator,
  declaration: FunctionDeclaration,
  given: Term,
  args: readonly Term[],
  real: readonly number[],
  span: Span,
  builder: Builder,
): Term[] {
  const names = real.map((i) => declaration.parameters[i]!.name.name);
  if (given.kind === "tuple" && given.names && given.names.every((n) => names.includes(n)))
    return real.map((i, k) => {
      const at = given.names!.indexOf(names[k]!);
      return at >= 0 ? given.items[at]! : e.within(builder, () => zeroLike(e, args[i]!));
    });
  if (real.length === 1) return [given];
  if (given.kind === "tuple" && !given.names && given.items.length === real.length) return [...given.items];
  return fail(
    "K0515",
    span,
    `A \`pullback\` gives the cotangents of ${names.map((n) => `\`${n}\``).join(", ")}, in order or by name, but this is ${showTermType(given)}.`,
  );
}
