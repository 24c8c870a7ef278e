/** Objectives and conditions as functions of their unknowns and parameters. */

import type { Builder } from "../core/builder.ts";
import {
  addDims,
  type Dim,
  knownDim,
  opaqueDimension,
  productOfDims,
  resolve,
  showDim,
  subtractDims,
} from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Condition, Objective, Parameter, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet } from "./expressions.ts";
import { bindDimensionArguments, matchArguments } from "./functions.ts";
import { arithmetic, convertTo } from "./operators.ts";
import { Scope } from "./scope.ts";
import {
  type CallArguments,
  coreType,
  type FunctionTerm,
  leavesOf,
  rankOf,
  shapeOf,
  showTermType,
  type Term,
  tupleTerm,
} from "./terms.ts";
import { type DeclaredType, fitTerm, resolveType, SignatureDimensions } from "./types.ts";

/** What both kinds of declaration share: unknowns before `;`, parameters after it. */
function withUnknowns(
  e: Elaborator,
  declaration: Objective | Condition,
  scope: Scope,
  body: (inner: Scope, dims: SignatureDimensions, args: CallArguments) => Term,
): FunctionTerm {
  const name = declaration.name.name;
  const what = `\`${name}\``;
  const hasParameters = declaration.parameters.length > 0;
  const unknowns = declaration.unknowns.map((u) => u.name.name);
  const evaluate = (given: CallArguments, parameters: NonNullable<CallArguments["parameters"]>): Term => {
    const inner = new Scope(scope);
    const dims = new SignatureDimensions(scope, true);
    bindDimensionArguments(declaration.dimensions, dims, given, what);
    const left = matchArguments(e, what, declaration.unknowns, given, given.span, declaration.name, scope);
    const right = matchArguments(e, what, declaration.parameters, parameters, given.span, declaration.name, scope);
    const all: [Parameter, Term][] = [
      ...declaration.unknowns.map((p): [Parameter, Term] => [p, left.get(p.name.name)!]),
      ...declaration.parameters.map((p): [Parameter, Term] => [p, right.get(p.name.name)!]),
    ];
    const fitted = all.map(([p, term]): [Parameter, Term] => {
      if (term.kind === "error") e.giveUp();
      if (!p.type) return [p, term];
      return [p, fitTerm(e, term, resolveType(e, p.type, dims), `\`${p.name.name}\` of ${what}`, given.span, p.span)];
    });
    return e.inFrame(() => {
      for (const [p, term] of fitted) inner.bind(p.name.name, term, p.name.span);
      for (const [n, d] of dims.found) if (!inner.own(n)) inner.bind(n, e.dimensionTerm(d));
      return body(inner, dims, given);
    });
  };
  return {
    kind: "function",
    name,
    unknowns,
    hasParameters,
    span: declaration.name.span,
    apply: (args) => {
      if (hasParameters && !args.parameters)
        fail("K0244", args.span, `${what} has parameters after \`;\`, so a call has a \`;\` too.`, {
          notes: [{ message: "It is declared here:", span: declaration.name.span }],
          help: `Write \`${name}(${unknowns.join(", ")}; ${declaration.parameters.map((p) => p.name.name).join(", ")})\`, or \`${name}(; ...)\` for a function of the unknowns alone.`,
        });
      if (!hasParameters && args.parameters && args.parameters.positional.length + args.parameters.named.size > 0)
        fail("K0242", args.span, `${what} has no parameters after \`;\`.`);
      const parameters = args.parameters ?? { positional: [], named: new Map() };
      if (args.positional.length === 0 && args.named.size === 0 && args.parameters)
        return {
          kind: "function",
          name,
          arity: 1,
          span: declaration.name.span,
          apply: (inner) => {
            if (inner.positional.length !== 1)
              fail(
                "K0234",
                inner.span,
                `${what} with its parameters fixed takes its unknowns as one value, but ${inner.positional.length} are given.`,
              );
            return evaluate(spreadUnknowns(unknowns, inner, what), parameters);
          },
        };
      return evaluate(
        unknowns.length > 1 &&
          args.named.size === 0 &&
          args.positional.length === 1 &&
          isNamedTuple(args.positional[0]!)
          ? spreadUnknowns(unknowns, args, what)
          : args,
        parameters,
      );
    },
  };
}

function isNamedTuple(t: Term): boolean {
  return t.kind === "tuple" && t.names !== undefined;
}

function isUnknownsTuple(t: Term, unknowns: readonly string[]): boolean {
  return t.kind === "tuple" && t.names !== undefined && unknowns.every((u) => t.names!.includes(u));
}

/** Several unknowns come as one named tuple. */
function spreadUnknowns(unknowns: readonly string[], args: CallArguments, what: string): CallArguments {
  const only = args.positional[0]!;
  if (unknowns.length === 1) return args;
  if (!isUnknownsTuple(only, unknowns) || only.kind !== "tuple")
    fail(
      "K0245",
      args.span,
      `${what} has the unknowns ${unknowns.map((u) => `\`${u}\``).join(", ")}, which come as one named tuple, but this is ${showTermType(only)}.`,
      {
        help: `Write \`(${unknowns.map((u) => `${u}: ...`).join(", ")})\`.`,
      },
    );
  return { ...args, positional: unknowns.map((u) => only.items[only.names!.indexOf(u)]!), named: new Map() };
}

export function objectiveTerm(e: Elaborator, declaration: Objective, scope: Scope): FunctionTerm {
  return withUnknowns(e, declaration, scope, (inner, dims) => {
    const result = e.expression(declaration.body, inner);
    if (result.kind === "error") return result;
    if (declaration.result)
      return fitTerm(
        e,
        result,
        resolveType(e, declaration.result, dims),
        `the value of \`${declaration.name.name}\``,
        declaration.body.span,
      );
    if (result.kind !== "array" || rankOf(result) > 0 || result.type === "key" || result.type === "status")
      fail("K0246", declaration.body.span, `An objective is one real number, but this is ${showTermType(result)}.`, {
        help: "Sum its entries, or take their mean or `norm`.",
      });
    return convertTo(e, result, "real");
  });
}

/** A condition as a function is its residual, left minus right. */
export function conditionTerm(e: Elaborator, declaration: Condition, scope: Scope): FunctionTerm {
  return withUnknowns(e, declaration, scope, (outer) => {
    const inner = new Scope(outer);
    for (const line of declaration.lets) elaborateLet(e, line, inner);
    const residuals = declaration.equations.map((q) => {
      const [left, right] = [e.expression(q.left, inner), e.expression(q.right, inner)];
      if (left.kind === "error" || right.kind === "error") e.giveUp();
      return arithmetic(e, "-", left, right, q.span);
    });
    if (residuals.length === 1) {
      checkSquare(e, declaration, outer, residuals);
      return residuals[0]!;
    }
    checkSquare(e, declaration, outer, residuals);
    const labels = declaration.equations.map((q) => q.label?.name);
    return tupleTerm(residuals, labels.every((l) => l !== undefined) ? (labels as string[]) : undefined);
  });
}

/** As many equations as unknowns, or the system can not have one isolated solution. */
function checkSquare(e: Elaborator, declaration: Condition, scope: Scope, residuals: readonly Term[]): void {
  const count = (terms: readonly Term[]): Dim =>
    terms
      .flatMap((t) => leavesOf(t, () => e.giveUp()))
      .map((l) => productOfDims(shapeOf(l)))
      .reduce<Dim>((s, t) => addDims(s, t), 0);
  const unknowns = count(declaration.unknowns.map((u) => scope.own(u.name.name)!.term));
  const equations = count(residuals);
  const slack = resolve(subtractDims(unknowns, equations));
  if (slack === 0) return;
  if (e.couldBeEqual(unknowns, equations) && e.mode === "check") return;
  const known = knownDim(slack);
  const left =
    known === undefined
      ? `the unknowns have ${showDim(unknowns)} entries and the equations ${showDim(equations)}`
      : known > 0
        ? `${known} unknown${known === 1 ? " is" : "s are"} left over`
        : `${-known} equation${known === -1 ? " is" : "s are"} left over`;
  fail("K0247", declaration.name.span, `The system \`${declaration.name.name}\` is not square: ${left}.`, {
    notes: [
      ...declaration.unknowns.map((u) => ({
        message: `The unknown \`${u.name.name}\` is ${showTermType(scope.own(u.name.name)!.term)}:`,
        span: u.span,
      })),
      ...declaration.equations.map((q, i) => ({
        message: `This equation is ${showTermType(residuals[i]!)}:`,
        span: q.span,
      })),
    ],
    help: "There must be one equation for each unknown number.",
  });
}

let checkedInts = 0;

/** A term of the declared type made of fresh inputs: what a declaration is checked with before anybody calls it. */
export function inputOfType(e: Elaborator, type: DeclaredType, builder: Builder, span: Span): Term {
  switch (type.kind) {
    case "array":
      // An int argument may stand in a shape: its callers then pass a dimension.
      if (type.type === "int" && type.shape.length === 0 && e.mode === "check") {
        checkedInts += 1;
        return e.dimensionTerm(opaqueDimension("an int argument", `argument ${checkedInts}`));
      }
      return { kind: "array", type: type.type, atom: builder.input(coreType(type.type, type.shape)) };
    case "tuple":
      return tupleTerm(
        type.items.map((t) => inputOfType(e, t, builder, span)),
        type.names,
      );
    case "function":
      return {
        kind: "function",
        name: "",
        arity: type.parameters.length,
        span,
        apply: (args) => {
          const given = type.parameters.map((p, i) => {
            const a = args.positional[i];
            if (!a) fail("K0234", args.span, `This function takes ${type.parameters.length} arguments.`);
            return fitTerm(e, a, p, `argument ${i + 1}`, args.span);
          });
          return unknownOfType(e, type.result, given);
        },
      };
  }
}

/** The result of a function nobody has given yet. */
function unknownOfType(e: Elaborator, type: DeclaredType, given: readonly Term[]): Term {
  if (type.kind === "tuple")
    return tupleTerm(
      type.items.map((t) => unknownOfType(e, t, given)),
      type.names,
    );
  if (type.kind === "function") return e.giveUp();
  const inputs = given.flatMap((t) => (t.kind === "array" ? [t.atom] : []));
  return {
    kind: "array",
    type: type.type,
    atom: e.emit("call", inputs, coreType(type.type, type.shape), () => inputs[0]!),
  };
}
