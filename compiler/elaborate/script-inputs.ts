/** What a script gets from outside: statements `data` and `param`. */
import type { NdArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { type Dim, knownDim, resolve, rigidDimension, showShape, unifyDims } from "../core/dimension.ts";
import { evaluate, evaluationContext } from "../core/evaluate.ts";
import { intLiteral, newVar } from "../core/graph.ts";
import { refuseOverflow } from "../core/single-precision.ts";
import type { DataDeclaration, ParamDeclaration } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Data, Expression, Identifier, Param, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import type { Scope } from "./scope.ts";
import { type ArrayTerm, coreType, type Term } from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";

/** The script that is being elaborated, and what it has been given. */
export interface InputReceiver {
  readonly e: Elaborator;
  readonly inputs: {
    readonly data: Readonly<Record<string, NdArray>>;
    readonly params: Readonly<Record<string, NdArray>>;
  };
  readonly data: DataDeclaration[];
  readonly params: ParamDeclaration[];
  /** What variables of the script are, by their numbers. */
  readonly values: Map<number, NdArray>;
  declare(scope: Scope, name: Identifier, term: Term): void;
}

/** Declares `data`: while checking as an array of unknown numbers, while binding as those that were given. */
export function elaborateData(script: InputReceiver, s: Data, scope: Scope): void {
  const e = script.e;
  const written = s.type;
  const element = written.kind === "array-of-type" ? written.element : written;
  if (element.kind !== "named-type" || !["real", "int", "bool"].includes(element.name))
    fail("K0712", s.type.span, "`data` is an array of real, int or bool.", {
      help: 'Write `data X: real[n, d] from "file.csv"`.',
    });
  const type = element.name as "real" | "int" | "bool";
  const places = written.kind === "array-of-type" ? written.places : [];
  const given = script.inputs.data[s.name.name];
  const shape: Dim[] = [];
  const shown: (string | number)[] = [];
  places.forEach((p, i) => {
    const actual = given?.shape[i];
    if (p.dimension.kind === "name" && !scope.find(p.dimension.name)) {
      // The first place to name a size declares it for the whole script.
      const name = p.dimension.name;
      const dim = e.mode === "bind" && actual !== undefined ? actual : rigidDimension(name);
      scope.bind(name, e.dimensionTerm(dim), p.dimension.span);
      shape.push(dim);
      shown.push(name);
      return;
    }
    const dim = resolve(e.dimension(p.dimension, scope));
    shown.push(typeof dim === "number" && e.mode === "check" ? dim : e.textOf(p.dimension.span));
    if (e.mode === "bind" && actual !== undefined && unifyDims(dim, actual) !== "equal")
      fail(
        "K0713",
        s.name.span,
        `\`${s.name.name}\` has ${actual} entries along axis ${i}, but \`${e.textOf(p.dimension.span)}\` is ${knownDim(dim)}.`,
        {
          notes: sizeNotes(p.dimension, scope),
          help: "Two sizes with one name must be equal.",
        },
      );
    shape.push(dim);
  });
  script.data.push({
    name: s.name.name,
    span: s.span,
    type,
    shape: shown,
    path: s.from?.value,
    pathSpan: s.from?.span,
    selection: s.selection,
  });
  const v = newVar(coreType(type, shape));
  if (e.mode === "bind") {
    if (!given)
      fail("K0714", s.span, `\`${s.name.name}\` has no data.`, {
        help: `Give it a file: \`--data ${s.name.name}=FILE\`.`,
      });
    if (given.shape.length !== shape.length)
      fail(
        "K0715",
        s.span,
        `\`${s.name.name}\` is declared with ${shape.length} ${shape.length === 1 ? "axis" : "axes"}, but the data have ${given.shape.length}.`,
      );
    refuseOverflow(`\`${s.name.name}\``, given, e.precision, s.from?.span ?? s.span);
    script.values.set(v.id, given);
  }
  script.declare(scope, s.name, { kind: "array", type, atom: v });
}

/** Declares a `param` with the value that was given, or else with the one that is written. */
export function elaborateParam(script: InputReceiver, s: Param, scope: Scope): void {
  const e = script.e;
  const dims = new SignatureDimensions(scope, false);
  const type = resolveType(e, s.type, dims);
  if (type.kind !== "array" || type.type === "key")
    fail("K0716", s.type.span, "A `param` is a real, an int, a bool, or an array of them.");
  const scalar = type.type as "real" | "int" | "bool";
  script.params.push({ name: s.name.name, span: s.span, type: scalar, rank: type.shape.length });
  const builder = new Builder();
  e.globals.add(builder);
  const term = e.within(builder, () => {
    const value = e.expression(s.value, scope);
    return fitParam(e, value, type, s);
  });
  if (e.mode === "check") {
    const atom = newVar(coreType(scalar, type.shape));
    const rank0 = type.shape.length === 0;
    const dimension = scalar === "int" && rank0 ? rigidDimension(s.name.name) : undefined;
    script.declare(
      scope,
      s.name,
      dimension !== undefined
        ? e.dimensionTerm(dimension)
        : { kind: "array", type: scalar, atom, ...(rank0 && scalar === "real" ? { known: "later" as const } : {}) },
    );
    return;
  }
  let value = script.inputs.params[s.name.name];
  if (value) refuseOverflow(`\`${s.name.name}\``, value, e.precision, s.span);
  else {
    const { graph, captured } = builder.close("param", [term.atom]);
    value = evaluate(
      graph,
      captured.map((v) => script.values.get(v.id)!),
      evaluationContext({ precision: e.precision }),
    )[0]!;
  }
  const given = value.shape;
  if (given.length !== type.shape.length || !type.shape.every((d, i) => e.couldBeEqual(d, given[i]!)))
    fail(
      "K0717",
      s.span,
      `The value given for \`${s.name.name}\` has the shape ${showShape(given)}, but it is declared with ${showShape(type.shape)}.`,
    );
  if (value.shape.length === 0) {
    const x = value.data[0]!;
    if (scalar === "int")
      script.declare(scope, s.name, { kind: "array", type: "int", atom: intLiteral(x), dimension: x });
    else if (scalar === "bool") script.declare(scope, s.name, e.boolTerm(x !== 0));
    else {
      // A variable, not a constant: so that what depends on it stays a computation.
      const v = newVar(coreType("real", []));
      script.values.set(v.id, value);
      script.declare(scope, s.name, { kind: "array", type: "real", atom: v, known: x });
    }
    return;
  }
  const v = newVar(coreType(scalar, value.shape));
  script.values.set(v.id, value);
  script.declare(scope, s.name, { kind: "array", type: scalar, atom: v });
}

function fitParam(e: Elaborator, value: Term, type: { readonly kind: "array" }, s: Param): ArrayTerm {
  const fitted = fitTerm(e, value, type as never, `\`${s.name.name}\``, s.value.span, s.type.span);
  if (fitted.kind !== "array") return e.giveUp();
  return fitted;
}

/** Where the size a declaration shares with an earlier one was first named. */
function sizeNotes(dimension: Expression, scope: Scope): { readonly message: string; readonly span?: Span }[] {
  const before = dimension.kind === "name" ? scope.find(dimension.name)?.span : undefined;
  return before ? [{ message: "The size is named here first:", span: before }] : [];
}
