/** The matrix product and the transpose. */
import { showShape, unifyDims } from "../core/dimension.ts";
import { dotGeneral } from "../primitives/dot.ts";
import { transpose } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { convertTo } from "./operators.ts";
import { type ArrayTerm, coreType, shapeOf, showTermType, type Term } from "./terms.ts";

/** `x'`: the last two axes swapped. */
export function transposeTerm(e: Elaborator, x: Term, span: Span): Term {
  if (x.kind === "error") return x;
  if (x.kind !== "array") fail("K0217", span, `\`'\` transposes an array, but this is ${showTermType(x)}.`);
  const shape = shapeOf(x);
  if (shape.length === 0) return x;
  if (shape.length === 1)
    fail("K0218", span, `This is ${showTermType(x)}: a vector has no transpose.`, {
      help: "For the matrix of products write `outer(x, y)`; for the inner product `dot(x, y)` or `x @ y`.",
    });
  const n = shape.length;
  const swapped = [...shape.slice(0, n - 2), shape[n - 1]!, shape[n - 2]!];
  const permutation = [...Array.from({ length: n - 2 }, (_, i) => i), n - 1, n - 2, ...(x.type === "key" ? [n] : [])];
  const atom = e.emit("transpose", [x.atom], coreType(x.type, swapped), (b) => transpose(b, x.atom, permutation));
  return { kind: "array", type: x.type, atom };
}

/** `x @ y`: vector or matrix on either side. */
export function matrixProduct(e: Elaborator, x: Term, y: Term, span: Span): Term {
  for (const t of [x, y]) {
    if (t.kind === "error") return t;
    if (t.kind !== "array" || (t.type !== "real" && t.type !== "int" && t.type !== "bool"))
      fail("K0219", span, `\`@\` multiplies matrices and vectors, but this is ${showTermType(t)}.`, {
        ...(t.kind === "tuple" ? { help: "For two values of one structure write `dot(a, b)`." } : {}),
      });
  }
  let [a, c] = [x as ArrayTerm, y as ArrayTerm];
  const type = a.type === "real" || c.type === "real" ? "real" : "int";
  a = convertTo(e, a, type);
  c = convertTo(e, c, type);
  const [s, t] = [shapeOf(a), shapeOf(c)];
  if (s.length < 1 || s.length > 2 || t.length < 1 || t.length > 2)
    fail(
      "K0220",
      span,
      `\`@\` wants vectors and matrices, but these have the shapes ${showShape(s)} and ${showShape(t)}.`,
      {
        help: s.length === 0 || t.length === 0 ? "A number is multiplied with `*`." : "`einsum` contracts any axes.",
      },
    );
  const inner = s[s.length - 1]!;
  if (unifyDims(inner, t[0]!) === "different")
    fail("K0221", span, `The inner sizes of \`@\` differ: ${showShape(s)} @ ${showShape(t)}.`, {
      help: "The last size on the left must be the first on the right; a matrix is transposed by `'`.",
    });
  e.deferEquality([inner], [t[0]!], "`@`", span);
  const shape = [...s.slice(0, -1), ...t.slice(1)];
  const atom = e.emit("dot", [a.atom, c.atom], coreType(type, shape), (b) =>
    dotGeneral(b, a.atom, c.atom, { contract: [[s.length - 1], [0]], batch: [[], []] }),
  );
  return { kind: "array", type, atom };
}
