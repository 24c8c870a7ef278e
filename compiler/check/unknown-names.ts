/** What a message about an unknown name says to do. */
import { type Diagnostic, errorAt } from "../syntax/diagnostic.ts";
import { closest, editDistance } from "../syntax/suggest.ts";
import type { Span } from "../syntax/tree.ts";
import { foreignWords, statementWords } from "./foreign-words.ts";
import { type Library, libraryNames } from "./library-names.ts";

export interface Surroundings {
  /** The names in force where the unknown one stands. */
  readonly names: readonly string[];
  /** Where a declaration of that name stands further down in the file, if one does. */
  readonly below: Span | undefined;
  /** Where the name may come from without being imported yet. */
  readonly library: Library;
}

/** The message about a name that nothing in force has. */
export function unknownName(name: string, span: Span, { names, below, library }: Surroundings): Diagnostic {
  const message = `There is nothing called \`${name}\` here.`;
  if (below)
    return errorAt("K0201", span, message, {
      notes: [{ message: "It is declared below:", span: below }],
      help: "Names are declared before they are used: move the declaration up.",
    });
  return errorAt("K0201", span, message, { help: helpFor(name, names, libraryNames(library)) });
}

function helpFor(name: string, names: readonly string[], library: ReadonlyMap<string, string>): string {
  const module = library.get(name);
  if (module) return `It is in the standard library: \`import { ${name} } from "${module}"\`.`;
  const here = foreignWords.get(name) ?? statementWords.get(name);
  if (here) return here;
  const near = closest(name, names);
  if (near) return `Did you mean \`${near}\`?`;
  const nearest = closest(name, [...library.keys()]);
  // So many names are within a third of the letters of one another that only a slip or two says what was meant.
  if (nearest && editDistance(name, nearest) <= (name.length < 8 ? 1 : 2))
    return `Did you mean \`${nearest}\` of the standard library? \`import { ${nearest} } from "${library.get(nearest)}"\`.`;
  return "Names are declared before they are used.";
}

/** The message about a function that is used in its own declaration. */
export function recursiveUse(name: string, span: Span): Diagnostic {
  return errorAt("K1171", span, `\`${name}\` is used in its own declaration, but there is no recursion.`, {
    help: "Write a `loop` that carries what changes: `loop s = s0 for i in 0..n { next }`.",
  });
}
