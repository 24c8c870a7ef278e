/** Where the names of the standard library are declared, for messages about names that were not imported. */

const declaration = /^(?:fn|solver|type|objective|condition|problem|let)\s+([A-Za-z_]\w*)/gm;
/** The beginning of a module that is only a part of another says so. */
const elsewhere = /users import [\w ]+ from "(std\/[\w-]+)"/;

/** The texts of a library's modules by their paths. */
export type Library = Readonly<Record<string, string>>;

const found = new WeakMap<Library, ReadonlyMap<string, string>>();

/** The module each name of a library is imported from, such as `cg` from `std/linear`. */
export function libraryNames(library: Library): ReadonlyMap<string, string> {
  const known = found.get(library);
  if (known) return known;
  const names = new Map(
    Object.entries(library).flatMap(([path, text]) => {
      const module = elsewhere.exec(text.slice(0, 300))?.[1] ?? path;
      return [...text.matchAll(declaration)].map((match) => [match[1] as string, module] as const);
    }),
  );
  found.set(library, names);
  return names;
}
