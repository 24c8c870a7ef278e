/** What the files of built-in functions share: taking arguments, axes and sizes apart. */
import { type Dim, knownDim } from "../../core/dimension.ts";
import type { Atom } from "../../core/graph.ts";
import type { Emitter } from "../../core/primitive.ts";
import type { ScalarType } from "../../program.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Elaborator } from "../elaborator.ts";
import { convertTo, elementwise, leafwise } from "../operators.ts";
import { suggest } from "../scope.ts";
import { type ArrayTerm, type CallArguments, coreType, rankOf, showTermType, type Term } from "../terms.ts";

export type Builtin = (e: Elaborator, args: CallArguments) => Term;

/** The arguments of a call by the names of a signature such as `["x", "axis?"]`; `?` marks those that may be left out. */
export function take(name: string, args: CallArguments, signature: readonly string[]): (Term | undefined)[] {
  const names = signature.map((s) => s.replace("?", ""));
  if (args.parameters) fail("K0242", args.span, `\`${name}\` is called without \`;\`.`);
  if (args.positional.length > names.length)
    fail(
      "K0234",
      args.span,
      `\`${name}\` takes ${["no arguments", "one argument"][names.length] ?? `${names.length} arguments`}, but ${args.positional.length === 1 ? "one is" : `${args.positional.length} are`} given.`,
      { help: helpForTooMany(name, args, signature) },
    );
  for (const given of args.named.keys())
    if (!names.includes(given)) {
      const near = suggest(given, names);
      fail("K0233", args.span, `\`${name}\` has no argument called \`${given}\`.`, {
        help: near ? `Did you mean \`${near}\`?` : `Its arguments are ${names.map((n) => `\`${n}\``).join(", ")}.`,
      });
    }
  return names.map((n, i) => {
    const term = args.positional[i] ?? args.named.get(n);
    if (!term && !signature[i]!.endsWith("?"))
      fail("K0240", args.span, `The argument \`${n}\` of \`${name}\` is missing.`, {
        help: `It is called as \`${name}(${signature.map((s) => s.replace("?", " = ...")).join(", ")})\`.`,
      });
    return term;
  });
}

/** How functions with sizes in brackets are called. */
const bracketed: Readonly<Record<string, string>> = {
  zeros: "`zeros[3]`, `zeros[n, d]`",
  ones: "`ones[3]`, `ones[n, d]`",
  eye: "`eye[3]`",
  iota: "`iota[3]`",
  fill: "`fill[3](value)`",
  linspace: "`linspace[10](0, 1)`",
  reshape: "`reshape[2, 3](x)`",
  one_hot: "`one_hot[10](y)`",
  top_k: "`top_k[3](x)`",
  normal: "`normal[3](k)`",
  uniform: "`uniform[3](k)`",
};

/** Functions that give functions. */
const operators = new Set(["grad", "value_and_grad", "jacobian", "hessian", "jvp", "vjp", "hvp", "linearize"]);

function helpForTooMany(name: string, args: CallArguments, signature: readonly string[]): string {
  const sizes = Object.hasOwn(bracketed, name) && !args.dimensions ? bracketed[name] : undefined;
  if (sizes) return `Sizes stand in brackets: ${sizes}.`;
  if (operators.has(name))
    return `It makes a function, which is called: \`${name}(f)(x${/^(?:jvp|vjp|hvp)$/.test(name) ? ", v" : ""})\`.`;
  return `It is called as \`${name}(${signature.map((s) => s.replace("?", " = ...")).join(", ")})\`.`;
}

/** One array; ranges become arrays. */
export function arrayArgument(
  e: Elaborator,
  name: string,
  term: Term,
  args: CallArguments,
  type?: ScalarType,
): ArrayTerm {
  const t = term.kind === "range" ? e.rangeToArray(term, args.span) : term;
  if (t.kind === "error") e.giveUp();
  if (t.kind !== "array")
    fail("K0282", args.span, `\`${name}\` takes an array, but this is ${showTermType(t)}.`, {
      ...(t.kind === "tuple" ? { help: "`ravel(x)` is all entries of a tuple as one vector." } : {}),
    });
  if (type === "real" && (t.type === "int" || t.type === "bool")) return convertTo(e, t, "real");
  if (type === "int" && t.type === "bool") return convertTo(e, t, "int");
  if (type !== undefined && t.type !== type)
    fail("K0283", args.span, `\`${name}\` takes ${type} values, but this is ${showTermType(t)}.`);
  if (type === undefined && (t.type === "key" || t.type === "status") && !moving.has(name))
    fail("K0283", args.span, `\`${name}\` takes numbers, but this is ${showTermType(t)}.`);
  return t;
}

/** These only move entries about, so keys may be among them. */
const moving = new Set(["reshape", "flatten", "concat", "stack", "flip", "roll", "len", "size"]);

/** An int known while compiling, such as an axis. */
export function knownInt(e: Elaborator, name: string, what: string, term: Term, args: CallArguments): number {
  const t = term;
  if (t.kind === "error") e.giveUp();
  if (t.kind === "array" && t.type === "int" && rankOf(t) === 0) {
    if (t.atom.kind === "literal") return t.atom.value;
    const d = t.dimension === undefined ? undefined : knownDim(t.dimension);
    if (d !== undefined) return d;
  }
  if (t.kind === "array" && t.type === "real" && rankOf(t) === 0 && t.atom.kind === "literal")
    return fail("K0284", args.span, `The ${what} of \`${name}\` is an int, but this is the real ${t.atom.value}.`, {
      help: "Write it without a dot.",
    });
  return fail(
    "K0284",
    args.span,
    `The ${what} of \`${name}\` must be known before the program runs, but this is computed by it (${showTermType(t)}).`,
  );
}

/** `axis = 0`, `axis = -1`, `axis = (2, 3)`; all axes when left out. Sorted. */
export function axesArgument(
  e: Elaborator,
  name: string,
  term: Term | undefined,
  rank: number,
  args: CallArguments,
): number[] {
  if (term === undefined) return Array.from({ length: rank }, (_, i) => i);
  const given = term.kind === "tuple" ? term.items : [term];
  const axes = given.map((t) => oneAxis(e, name, t, rank, args));
  if (new Set(axes).size !== axes.length) fail("K0285", args.span, `\`${name}\` is given one axis twice.`);
  return axes.sort((a, b) => a - b);
}

export function oneAxis(
  e: Elaborator,
  name: string,
  term: Term | undefined,
  rank: number,
  args: CallArguments,
  otherwise = -1,
): number {
  const axis = term === undefined ? otherwise : knownInt(e, name, "axis", term, args);
  const at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank)
    fail(
      "K0286",
      args.span,
      `\`${name}\` is asked for axis ${axis} of an array with ${rank === 0 ? "no axes" : rank === 1 ? "one axis" : `${rank} axes`}.`,
      {
        ...(rank > 0 ? { help: `Axes are 0 to ${rank - 1}, or -1 for the last.` } : {}),
      },
    );
  return at;
}

/** Sizes in brackets; `count` of them when that is fixed. */
export function sizes(name: string, args: CallArguments, count?: number): readonly Dim[] {
  const given = args.dimensions?.positional ?? [];
  if (args.dimensions && args.dimensions.named.size > 0)
    fail("K0241", args.span, `The sizes of \`${name}\` have no names.`);
  if (count !== undefined && given.length !== count)
    fail(
      "K0241",
      args.span,
      `\`${name}\` takes ${count === 1 ? "one size" : `${count} sizes`} in brackets, but ${given.length === 0 ? "none is" : given.length === 1 ? "one is" : `${given.length} are`} given.`,
      {
        help: count === 1 ? `Write \`${name}[n](...)\`.` : `Write \`${name}[n, m](...)\`.`,
      },
    );
  return given;
}

/** A result of one type, emitted or opaque. */
export function result(
  e: Elaborator,
  name: string,
  inputs: readonly Atom[],
  type: ScalarType,
  shape: readonly Dim[],
  make: (b: Emitter) => Atom,
): ArrayTerm {
  return { kind: "array", type, atom: e.emit(name, inputs, coreType(type, shape), make) };
}

/** A built-in that works entry by entry on reals, and leaf by leaf on tuples. */
export function realElementwise(
  name: string,
  make: (b: Emitter, x: Atom) => Atom,
  known?: (x: number) => number,
): Builtin {
  return (e, args) => {
    const [x] = take(name, args, ["x"]);
    return leafwise(e, [x!], `\`${name}\``, args.span, ([t]) => {
      const out = elementwise(e, name, [t!], args.span, { at: "real" }, (b, [p]) => make(b, p!));
      const value =
        t!.known ??
        (typeof t!.dimension === "number"
          ? t!.dimension
          : t!.dimension !== undefined
            ? ("later" as const)
            : t!.atom.kind === "literal"
              ? t!.atom.value
              : undefined);
      if (!known || value === undefined || rankOf(t!) > 0) return out;
      return { ...out, known: value === "later" ? value : known(value) };
    });
  };
}
