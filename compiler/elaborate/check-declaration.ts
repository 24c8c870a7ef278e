/** Functions and problems are elaborated with unknown operands, to find what is wrong with them. */
import { Builder } from "../core/builder.ts";
import type { Identifier, Span } from "../syntax/tree.ts";
import { inputOfType } from "./declarations.ts";
import type { Elaborator } from "./elaborator.ts";
import type { Scope } from "./scope.ts";
import type { FunctionTerm } from "./terms.ts";
import { resolveType, SignatureDimensions } from "./types.ts";

/** A declaration whose types are all written is checked before anybody uses it. */
export function checkDeclaration(
  e: Elaborator,
  parameters: readonly { readonly type?: unknown; readonly name: Identifier }[],
  dimensions: readonly Identifier[],
  term: FunctionTerm,
  span: Span,
  scope: Scope,
  after?: readonly { readonly type?: unknown; readonly name: Identifier }[],
): void {
  const all = [...parameters, ...(after ?? [])];
  if (!all.every((p) => p.type !== undefined)) return;
  const builder = new Builder();
  e.recover(() => {
    e.within(builder, () => {
      const dims = new SignatureDimensions(scope, true);
      for (const d of dimensions) dims.introduce(d.name);
      const make = (p: { readonly type?: unknown }) =>
        inputOfType(e, resolveType(e, p.type as never, dims), builder, span);
      const positional = parameters.map(make);
      const rest = after?.map(make);
      const own = dimensions.map((d) => dims.found.get(d.name)!);
      term.apply({
        positional,
        named: new Map(),
        ...(rest && rest.length > 0 ? { parameters: { positional: rest, named: new Map() } } : {}),
        dimensions: { positional: own, named: new Map() },
        span,
      });
    });
  }, undefined);
}
