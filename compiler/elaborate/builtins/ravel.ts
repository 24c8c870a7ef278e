/** Values of any structure as vectors. */
import { addDims, type Dim, productOfDims } from "../../core/dimension.ts";
import { realLiteral } from "../../core/graph.ts";
import { broadcast, concat, reshape } from "../../primitives/shape.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Elaborator } from "../elaborator.ts";
import { type ArrayTerm, type CallArguments, leavesOf, shapeOf, showTermType, type Term } from "../terms.ts";
import { arrayArgument, result } from "./support.ts";

/** All entries as one vector, leaf after leaf. */
export function ravelTerm(e: Elaborator, term: Term, args: CallArguments): ArrayTerm {
  const leaves = leavesOf(term, (leaf) =>
    fail("K0282", args.span, `\`ravel\` takes numbers, but this is ${showTermType(leaf)}.`),
  ).map((t) => arrayArgument(e, "ravel", t, args, "real"));
  const total = leaves.map((l) => productOfDims(shapeOf(l))).reduce<Dim>((s, t) => addDims(s, t), 0);
  return result(
    e,
    "ravel",
    leaves.map((l) => l.atom),
    "real",
    [total],
    (b) => {
      const parts = leaves.map((l) => reshape(b, l.atom, [productOfDims(shapeOf(l))]));
      if (parts.length === 0) return broadcast(b, realLiteral(0), [0], []);
      return parts.length === 1 ? parts[0]! : concat(b, parts, 0);
    },
  );
}
