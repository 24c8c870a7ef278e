/** Expressions as trees: text with typed holes. Whatever can be made smaller is a hole. */
import { type Dimension, isReal, type Sizes, type Type, typeText } from "./types.ts";

export interface Variable {
  readonly name: string;
  readonly type: Type;
}

/** A subexpression, and the variables that are in scope there and not outside. */
export interface Part {
  readonly kind: "part";
  readonly node: Node;
  readonly binds: readonly Variable[];
}

/** A number that shrinks to a least one: how often a loop runs. */
export interface Count {
  readonly kind: "count";
  readonly value: number;
  readonly least: number;
}

/** A literal position along an axis, whatever its size is by now. */
export interface Place {
  readonly kind: "place";
  readonly value: number;
  readonly of: Dimension;
}

export type Piece = string | Part | Count | Place;

export interface Node {
  /** What kind of expression it is, for statistics and biases. */
  readonly form: string;
  readonly type: Type;
  readonly pieces: readonly Piece[];
  /** Axes that must not be empty. */
  readonly needs: readonly Dimension[];
  /** The variable it is, if it is one. */
  readonly variable?: string;
}

export const count = (value: number, least = 0): Count => ({ kind: "count", value, least });
export const place = (value: number, of: Dimension): Place => ({ kind: "place", value, of });
export const binding = (binds: readonly Variable[], node: Node): Part => ({ kind: "part", node, binds });

/** ``expression("sum", scalar)`sum(${v})` `` is a node whose text has the given holes. */
export function expression(form: string, type: Type, ...needs: readonly Dimension[]) {
  return (texts: TemplateStringsArray, ...holes: readonly (Node | Piece)[]): Node => {
    const pieces: Piece[] = [];
    texts.forEach((text, i) => {
      if (text !== "") pieces.push(text);
      const hole = holes[i];
      if (hole === undefined) return;
      pieces.push(typeof hole === "string" || "kind" in hole ? hole : { kind: "part", node: hole, binds: [] });
    });
    return { form, type, pieces, needs };
  };
}

export const reference = ({ name, type }: Variable): Node => ({
  form: "variable",
  type,
  pieces: [name],
  needs: [],
  variable: name,
});

export const constant = (type: Type, text: string, form = "constant"): Node => ({
  form,
  type,
  pieces: [text],
  needs: [],
});

/** A tuple's fields are variables too. */
export function withFields(variable: Variable): readonly Variable[] {
  if (variable.type.kind !== "tuple") return [variable];
  return [variable, ...variable.type.fields.map((f) => ({ name: `${variable.name}.${f.name}`, type: f.type }))];
}

export const write = (node: Node, sizes: Sizes): string =>
  node.pieces.map((piece) => (typeof piece === "string" ? piece : writeHole(piece, sizes))).join("");

function writeHole(hole: Exclude<Piece, string>, sizes: Sizes): string {
  switch (hole.kind) {
    case "part":
      return write(hole.node, sizes);
    case "count":
      return String(hole.value);
    case "place":
      return String(Math.max(0, Math.min(hole.value, sizes[hole.of] - 1)));
  }
}

const partsOf = (node: Node): readonly Part[] =>
  node.pieces.filter((piece): piece is Part => typeof piece !== "string" && piece.kind === "part");

/** How many expressions a tree has. */
export const sizeOf = (node: Node): number => partsOf(node).reduce((sum, part) => sum + sizeOf(part.node), 1);

export function* nodesOf(node: Node): Generator<Node, void, undefined> {
  yield node;
  for (const part of partsOf(node)) yield* nodesOf(part.node);
}

const rootOf = (name: string) => name.split(".")[0]!;

function freeVariables(node: Node): ReadonlySet<string> {
  const free = new Set<string>();
  if (node.variable !== undefined) free.add(rootOf(node.variable));
  for (const part of partsOf(node)) {
    const bound = new Set(part.binds.map((v) => rootOf(v.name)));
    for (const name of freeVariables(part.node)) if (!bound.has(name)) free.add(name);
  }
  return free;
}

/** Whether no axis that must have entries is empty. */
export const fits = (node: Node, sizes: Sizes): boolean =>
  [...nodesOf(node)].every((n) => n.needs.every((d) => sizes[d] > 0));

/** Expressions inside another, outermost first, with a type of its own. */
function* inside(node: Node, type: string): Generator<Node, void, undefined> {
  for (const part of partsOf(node)) {
    if (typeText(part.node.type) === type) yield part.node;
    yield* inside(part.node, type);
  }
}

const replacePiece = (node: Node, index: number, piece: Piece): Node => ({
  ...node,
  pieces: node.pieces.map((p, i) => (i === index ? piece : p)),
});

/**
 * Smaller trees of the same type, boldest first: a leaf, one of its own parts, smaller counts, and the same inside.
 * Each is smaller in the number of expressions, the sum of counts or the rank of a leaf, so shrinking ends.
 */
export function* smallerTrees(
  node: Node,
  scope: readonly Variable[],
  zero: (type: Type) => Node,
): Generator<Node, void, undefined> {
  const names = new Set(scope.map((v) => rootOf(v.name)));
  const type = typeText(node.type);
  const rank = rankOf(node);
  if (rank > 0) yield zero(node.type);
  if (rank > 1 && isReal(node.type)) for (const v of scope) if (typeText(v.type) === type) yield reference(v);
  for (const part of inside(node, type)) if ([...freeVariables(part)].every((name) => names.has(name))) yield part;
  for (const [index, piece] of node.pieces.entries()) {
    if (typeof piece === "string") continue;
    if (piece.kind === "part") {
      const inner = [...piece.binds.flatMap(withFields), ...scope];
      for (const smaller of smallerTrees(piece.node, inner, zero))
        yield replacePiece(node, index, { ...piece, node: smaller });
    } else {
      const least = piece.kind === "count" ? piece.least : 0;
      for (const value of new Set([least, piece.value - 1]))
        if (value >= least && value < piece.value) yield replacePiece(node, index, { ...piece, value });
    }
  }
}

/** Zeros before variables before other constants before everything else. */
function rankOf(node: Node): number {
  if (node.form === "zero") return 0;
  if (node.variable !== undefined) return 1;
  return node.pieces.some((piece) => typeof piece !== "string") ? 3 : 2;
}
