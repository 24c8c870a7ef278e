/** The types that random programs are made of. Sizes are names, so that a program shrinks by making one smaller. */

export type Dimension = "n" | "m";
export type Sizes = Readonly<Record<Dimension, number>>;

export interface ArrayType {
  readonly kind: "real";
  readonly shape: readonly Dimension[];
}

export interface TupleType {
  readonly kind: "tuple";
  readonly fields: readonly { readonly name: string; readonly type: ArrayType }[];
}

/** What derivatives pass through. */
export type RealType = ArrayType | TupleType;
/** `position` is an int that indexes an axis. */
export type Type = RealType | { readonly kind: "position"; readonly of: Dimension } | { readonly kind: "bool" };

export const scalar: ArrayType = { kind: "real", shape: [] };
export const bool: Type = { kind: "bool" };
export const array = (...shape: readonly Dimension[]): ArrayType => ({ kind: "real", shape });
export const position = (of: Dimension): Type => ({ kind: "position", of });
export const isReal = (type: Type): type is RealType => type.kind === "real" || type.kind === "tuple";
export const isArray = (type: Type, rank: number): type is ArrayType =>
  type.kind === "real" && type.shape.length === rank;

/** As a signature writes it; also what tells types apart. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case "real":
      return type.shape.length === 0 ? "real" : `real[${type.shape.join(", ")}]`;
    case "tuple":
      return `(${type.fields.map((f) => `${f.name}: ${typeText(f.type)}`).join(", ")})`;
    case "position":
      return `position[${type.of}]`;
    case "bool":
      return "bool";
  }
}

export const sameType = (a: Type, b: Type): boolean => typeText(a) === typeText(b);

/** The simplest expression of a type. Position 0 needs an axis that is not empty. */
export function zeroText(type: Type): string {
  switch (type.kind) {
    case "real":
      return type.shape.length === 0 ? "0.0" : `zeros[${type.shape.join(", ")}]`;
    case "tuple":
      return `(${type.fields.map((f) => `${f.name}: ${zeroText(f.type)}`).join(", ")})`;
    case "position":
      return "0";
    case "bool":
      return "true";
  }
}

/** The arrays of a type, in order. */
export const leafTypes = (type: RealType): readonly ArrayType[] =>
  type.kind === "real" ? [type] : type.fields.map((f) => f.type);

export const entriesOf = (type: RealType, sizes: Sizes): number =>
  leafTypes(type).reduce((sum, leaf) => sum + leaf.shape.reduce((n, d) => n * sizes[d], 1), 0);

/** A value of a type as a script writes it, from its entries in order. */
export function valueText(type: RealType, sizes: Sizes, entry: (index: number) => string): string {
  let at = 0;
  const nested = (shape: readonly Dimension[]): string => {
    const [first, ...rest] = shape;
    if (first === undefined) return entry(at++);
    return `[${Array.from({ length: sizes[first] }, () => nested(rest)).join(", ")}]`;
  };
  // A literal says nothing of the axes inside an empty one.
  const leaf = ({ shape }: ArrayType) =>
    shape.some((d) => sizes[d] === 0) ? `zeros[${shape.join(", ")}]` : nested(shape);
  return type.kind === "real" ? leaf(type) : `(${type.fields.map((f) => `${f.name}: ${leaf(f.type)}`).join(", ")})`;
}
