/** The names that declarations, patterns and types introduce. */
import type { Expression, Identifier, Pattern, Statement, TypeExpression } from "../syntax/tree.ts";

/** The names a statement declares for those below it. */
export function declaredBy(s: Statement): readonly Identifier[] {
  switch (s.kind) {
    case "import":
    case "show":
    case "plot":
    case "save":
    case "assert":
    case "expression":
    case "property":
      return [];
    case "let":
      return patternIdentifiers(s.pattern);
    default:
      return [s.name];
  }
}

function patternIdentifiers(pattern: Pattern): Identifier[] {
  if (pattern.kind === "name-pattern") return [{ name: pattern.name, span: pattern.span }];
  return pattern.kind === "tuple-pattern" ? pattern.items.flatMap(patternIdentifiers) : [];
}

/** The names a pattern binds. */
export function patternNames(pattern: Pattern): string[] {
  if (pattern.kind === "name-pattern") return [pattern.name];
  return pattern.kind === "tuple-pattern" ? pattern.items.flatMap(patternNames) : [];
}

/** The names in the sizes of a type: a signature may introduce any of them. */
export function dimensionNames(type: TypeExpression): string[] {
  switch (type.kind) {
    case "named-type":
      return [];
    case "tuple-type":
      return type.items.flatMap((i) => dimensionNames(i.type));
    case "array-of-type":
      return [
        ...dimensionNames(type.element),
        ...type.places.flatMap((p) => [...(p.name ? [p.name.name] : []), ...namesIn(p.dimension)]),
      ];
    case "function-type":
      return [...type.parameters.flatMap(dimensionNames), ...dimensionNames(type.result)];
  }
}

function namesIn(x: Expression): string[] {
  if (x.kind === "name") return [x.name];
  if (x.kind === "binary") return [...namesIn(x.left), ...namesIn(x.right)];
  if (x.kind === "unary") return namesIn(x.operand);
  if (x.kind === "call") return x.arguments.flatMap((a) => namesIn(a.value));
  return [];
}

const scalars = new Set(["real", "int", "bool", "key"]);

/** Whether a type is, or contains, one that `type` declares. */
export function usesAlias(type: TypeExpression): boolean {
  switch (type.kind) {
    case "named-type":
      return !scalars.has(type.name);
    case "tuple-type":
      return type.items.some((i) => usesAlias(i.type));
    case "array-of-type":
      return usesAlias(type.element);
    case "function-type":
      return [...type.parameters, type.result].some(usesAlias);
  }
}
