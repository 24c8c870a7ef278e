/** Patterns and types as documents to lay out. */
import { concat, type Doc } from "./layout.ts";
import { ListLayout } from "./layout-lists.ts";
import type { ArrayOfType, Expression, Pattern, TupleType, TypeExpression } from "./tree.ts";

export abstract class TypeLayout extends ListLayout {
  /** The sizes in a type are expressions. */
  abstract expression(e: Expression): Doc;

  pattern(pattern: Pattern): Doc {
    switch (pattern.kind) {
      case "name-pattern":
        return pattern.name;
      case "ignore-pattern":
        return "_";
      case "tuple-pattern":
        return concat("(", ...joined(pattern.items.map((item) => this.pattern(item))), ")");
    }
  }

  type(type: TypeExpression): Doc {
    switch (type.kind) {
      case "named-type":
        return type.name;
      case "tuple-type":
        return this.#tupleType(type);
      case "array-of-type": {
        const element = this.type(type.element);
        return concat(element, this.#dimensions(type));
      }
      case "function-type": {
        const [only] = type.parameters;
        const bare = type.parameters.length === 1 && only !== undefined && needsNoParentheses(only);
        const parameters = bare
          ? this.type(only)
          : concat("(", ...joined(type.parameters.map((parameter) => this.type(parameter))), ")");
        return concat(parameters, " -> ", this.type(type.result));
      }
    }
  }

  #tupleType(type: TupleType): Doc {
    return this.separated(
      "(",
      type.items,
      ")",
      type.span.start,
      (item) => (item.name === undefined ? this.type(item.type) : concat(item.name.name, ": ", this.type(item.type))),
      (item) => ({ ...item.type.span, start: item.name?.span.start ?? item.type.span.start }),
    );
  }

  #dimensions(type: ArrayOfType): Doc {
    return this.separated(
      "[",
      type.places,
      "]",
      type.element.span.end,
      (place) => {
        const dimension = this.expression(place.dimension);
        return place.name === undefined ? dimension : concat(place.name.name, " = ", dimension);
      },
      (place) => ({ ...place.dimension.span, start: place.name?.span.start ?? place.dimension.span.start }),
    );
  }
}

/** Before an arrow a plain tuple would be read as a list of parameters, and an arrow would bind to the right. */
function needsNoParentheses(type: TypeExpression): boolean {
  if (type.kind === "function-type") return false;
  return type.kind !== "tuple-type" || type.items.some((item) => item.name !== undefined);
}

/** Separated by commas, on one line. */
export function joined(docs: readonly Doc[]): Doc[] {
  return docs.flatMap((doc, index) => (index === 0 ? [doc] : [", ", doc]));
}
