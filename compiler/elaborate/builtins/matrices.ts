/** Matrices made of vectors and of other matrices, their parts, and products over any axes. */
import { type Dim, showDim } from "../../core/dimension.ts";
import { type Atom, intLiteral } from "../../core/graph.ts";
import { add, mul } from "../../primitives/arithmetic.ts";
import { equal, greaterEqual, lessEqual } from "../../primitives/comparison.ts";
import { convert } from "../../primitives/convert.ts";
import { dotGeneral } from "../../primitives/dot.ts";
import { einsum, parseEinsum } from "../../primitives/einsum.ts";
import { gather } from "../../primitives/gather.ts";
import { iota } from "../../primitives/iota.ts";
import { diagonalOf } from "../../primitives/matrix.ts";
import { select } from "../../primitives/select.ts";
import { broadcast, reshape } from "../../primitives/shape.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Elaborator } from "../elaborator.ts";
import { type ArrayTerm, type CallArguments, rankOf, shapeOf, showTermType } from "../terms.ts";
import { concatBuiltin } from "./arrays.ts";
import { arrayArgument, type Builtin, knownInt, result, sizes, take } from "./support.ts";

const eye: Builtin = (e, args) => {
  take("eye", args, []);
  const [n] = sizes("eye", args, 1);
  return result(e, "eye", [], "real", [n!, n!], (b) => identity(b, n!));
};

function identity(b: Parameters<typeof iota>[0], n: Dim): Atom {
  const i = iota(b, n);
  return convert(b, equal(b, broadcast(b, i, [n, n], [0]), broadcast(b, i, [n, n], [1])), "real");
}

/** `block((A, B), (C, D))`: a matrix of matrices, row by row. */
const block: Builtin = (e, args) => {
  const rows = args.positional.map((row) => {
    if (row.kind !== "tuple")
      fail(
        "K0282",
        args.span,
        `\`block\` takes rows of matrices, \`block((A, B), (C, D))\`, but this is ${showTermType(row)}.`,
      );
    return concatBuiltin(e, { positional: row.items, named: new Map([["axis", e.dimensionTerm(1)]]), span: args.span });
  });
  return concatBuiltin(e, { positional: rows, named: new Map(), span: args.span });
};

/** The diagonal matrix of a vector, or the diagonal of a matrix. */
const diag: Builtin = (e, args) => {
  const [x] = take("diag", args, ["x"]);
  const a = arrayArgument(e, "diag", x!, args);
  const shape = shapeOf(a);
  if (shape.length === 1) {
    const n = shape[0]!;
    return result(e, "diag", [a.atom], a.type, [n, n], (b) => {
      const i = iota(b, n);
      const on = equal(b, broadcast(b, i, [n, n], [0]), broadcast(b, i, [n, n], [1]));
      return select(b, on, broadcast(b, a.atom, [n, n], [0]), convert(b, intLiteral(0), a.atom.type.dtype));
    });
  }
  if (shape.length === 2) {
    requireSquare(e, "diag", a, args);
    return result(e, "diag", [a.atom], a.type, [shape[0]!], (b) =>
      a.type === "real" ? diagonalOf(b, a.atom) : diagonalByIndex(b, a.atom),
    );
  }
  return fail("K0282", args.span, `\`diag\` takes a vector or a square matrix, but this is ${showTermType(a)}.`);
};

function diagonalByIndex(b: Parameters<typeof iota>[0], x: Atom): Atom {
  const n = x.type.shape[0] as number;
  const flat = reshape(b, x, [n * n]);
  return gather(b, flat, mul(b, iota(b, n), intLiteral(n + 1)), 0);
}

export function requireSquare(e: Elaborator, name: string, a: ArrayTerm, args: CallArguments): void {
  const [m, n] = shapeOf(a).slice(-2);
  if (rankOf(a) !== 2 || !e.couldBeEqual(m!, n!))
    fail("K0298", args.span, `\`${name}\` takes a square matrix, but this is ${showTermType(a)}.`);
  e.deferEquality([m!], [n!], `\`${name}\``, args.span);
}

/** The entries on and below (tril) or above (triu) the k-th diagonal. */
function triangle(name: "tril" | "triu"): Builtin {
  return (e, args) => {
    const [x, k] = take(name, args, ["x", "k?"]);
    const a = arrayArgument(e, name, x!, args);
    if (rankOf(a) !== 2) fail("K0282", args.span, `\`${name}\` takes a matrix, but this is ${showTermType(a)}.`);
    const offset = k ? knownInt(e, name, "diagonal", k, args) : 0;
    return result(e, name, [a.atom], a.type, shapeOf(a), (b) => {
      const shape = shapeOf(a);
      const i = broadcast(b, iota(b, shape[0]!), shape, [0]);
      const j = broadcast(b, iota(b, shape[1]!), shape, [1]);
      const limit = add(b, i, intLiteral(offset));
      const keep = name === "tril" ? lessEqual(b, j, limit) : greaterEqual(b, j, limit);
      return select(b, keep, a.atom, convert(b, intLiteral(0), a.atom.type.dtype));
    });
  };
}

const outer: Builtin = (e, args) => {
  const [x, y] = take("outer", args, ["x", "y"]).map((t) => arrayArgument(e, "outer", t!, args, "real"));
  if (rankOf(x!) !== 1 || rankOf(y!) !== 1)
    fail("K0282", args.span, `\`outer\` takes two vectors, but these are ${showTermType(x!)} and ${showTermType(y!)}.`);
  const shape = [shapeOf(x!)[0]!, shapeOf(y!)[0]!];
  return result(e, "outer", [x!.atom, y!.atom], "real", shape, (b) =>
    dotGeneral(b, x!.atom, y!.atom, { contract: [[], []], batch: [[], []] }),
  );
};

const einsumBuiltin: Builtin = (e, args) => {
  const [spec, ...operands] = args.positional;
  if (!spec || spec.kind !== "text")
    fail("K0700", args.span, "The first argument of `einsum` is its specification.", {
      help: 'Write `einsum("ij,j->i", A, x)`.',
    });
  const arrays = operands.map((t) => arrayArgument(e, "einsum", t, args, "real"));
  const plan = parseEinsum(spec.text, arrays.map(rankOf));
  if ("problem" in plan) fail("K0700", args.span, `The specification "${spec.text}" does not fit: ${plan.problem}.`);
  const found = new Map<string, Dim>();
  plan.operands.forEach((letters: readonly string[] | string, i: number) => {
    [...letters].forEach((letter, axis) => {
      const d = shapeOf(arrays[i]!)[axis]!;
      const old = found.get(letter);
      if (old !== undefined && !e.couldBeEqual(old, d))
        fail(
          "K0701",
          args.span,
          `In "${spec.text}" the index \`${letter}\` has the sizes ${showDim(old)} and ${showDim(d)}.`,
        );
      if (old !== undefined) e.deferEquality([old], [d], "`einsum`", args.span);
      found.set(letter, old ?? d);
    });
  });
  const shape = [...plan.output].map((letter) => found.get(letter)!);
  return result(
    e,
    "einsum",
    arrays.map((t) => t.atom),
    "real",
    shape,
    (b) =>
      einsum(
        b,
        spec.text,
        arrays.map((t) => t.atom),
      ),
  );
};

export const matrixBuiltins: Readonly<Record<string, Builtin>> = {
  eye,
  block,
  diag,
  tril: triangle("tril"),
  triu: triangle("triu"),
  outer,
  einsum: einsumBuiltin,
};
