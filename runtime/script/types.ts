/** A script's declarations as TypeScript types: what `karush types` writes. */
import type { Parameter, SourceFile, Statement, TypeExpression } from "../../compiler/syntax/tree.ts";

/** The text of a `.d.ts` that makes `call` and its kin typed by the script `file`. */
export function declarationsOf(source: SourceFile, file: string): string {
  const names = new Set<string>();
  const aliases = new Map<string, TypeExpression>();
  const types = source.statements.flatMap((s) => {
    if (s.kind !== "type") return [];
    aliases.set(s.name.name, s.type);
    return [typeAlias(s.name.name, s.type, names)];
  });
  const functions = source.statements.flatMap((s) => signatureOf(s, names, aliases));
  const gradients = source.statements.flatMap((s) => gradientOf(s, aliases));
  return [
    `// Made from ${file} by \`karush types\`: do not edit.`,
    'import type { Input, Module, Output, Tensor, WaitOptions } from "karush";',
    "",
    ...types.flatMap((t) => [t, ""]),
    "/** What the script declares: arguments by name, and what comes back. */",
    "export interface Functions {",
    ...functions.map((f) => `  ${f}`),
    "}",
    "",
    "/** Derivatives of real values, in the unknowns or the first argument. */",
    "export interface Gradients {",
    ...gradients.map((g) => `  ${g}`),
    "}",
    "",
    "type Name = keyof Functions;",
    "type Arguments<K extends Name> = NonNullable<Parameters<Functions[K]>[0]>;",
    "type Result<K extends Name> = ReturnType<Functions[K]>;",
    "type Gradient<K extends Name> = K extends keyof Gradients ? Gradients[K] : Output;",
    "/** One for each argument that moves, shaped like it. */",
    "type Tangents<K extends Name> = Partial<Arguments<K>>;",
    "type ByArgument<A> = { readonly [name in keyof A]: Output };",
    "",
    "/** A module loaded from the script: `const module = (await runtime.load(program)) as Script`. */",
    'export interface Script extends Omit<Module, "call" | "valueAndGradient" | "jvp" | "vjp" | "hvp"> {',
    "  call<K extends Name>(name: K, args: Arguments<K>, options?: WaitOptions): Promise<Result<K>>;",
    "  valueAndGradient<K extends Name>(",
    "    name: K,",
    "    args: Arguments<K>,",
    "    options?: WaitOptions,",
    "  ): Promise<{ readonly value: Result<K>; readonly gradient: Gradient<K> }>;",
    "  jvp<K extends Name>(",
    "    name: K,",
    "    args: Arguments<K>,",
    "    tangents: Tangents<K>,",
    "    options?: WaitOptions,",
    "  ): Promise<{ readonly value: Result<K>; readonly tangent: Result<K> }>;",
    "  vjp<K extends Name, A extends keyof Arguments<K>>(",
    "    name: K,",
    "    args: Arguments<K>,",
    "    cotangent: Input,",
    "    wrt: readonly A[],",
    "    options?: WaitOptions,",
    "  ): Promise<{ readonly value: Result<K>; readonly cotangents: { readonly [name in A]: Output } }>;",
    "  hvp<K extends Name, T extends Tangents<K>>(",
    "    name: K,",
    "    args: Arguments<K>,",
    "    tangents: T,",
    "    options?: WaitOptions,",
    "  ): Promise<{ readonly gradient: ByArgument<T>; readonly tangent: ByArgument<T> }>;",
    "}",
    "",
  ].join("\n");
}

function typeAlias(name: string, type: TypeExpression, names: Set<string>): string {
  const text = `export type ${name} = ${inputType(type, names)};`;
  names.add(name);
  return text;
}

type Aliases = ReadonlyMap<string, TypeExpression>;

function signatureOf(s: Statement, names: ReadonlySet<string>, aliases: Aliases): string[] {
  switch (s.kind) {
    case "fn":
      return [signature(s.name.name, s.parameters, s.result ? outputType(s.result, aliases) : "Output", names)];
    case "objective":
      return [signature(s.name.name, [...s.unknowns, ...s.parameters], "number", names)];
    case "condition":
      return [signature(s.name.name, [...s.unknowns, ...s.parameters], "Output", names)];
    default:
      return [];
  }
}

function signature(name: string, parameters: readonly Parameter[], result: string, names: ReadonlySet<string>): string {
  const fields = parameters.map((p) => {
    const type = p.type ? inputType(p.type, names) : "Input";
    return `${p.name.name}${p.default ? "?" : ""}: ${type}`;
  });
  const args = fields.length === 0 ? "args?: Record<string, never>" : `args: { ${fields.join("; ")} }`;
  return `${name}(${args}): ${result};`;
}

/** One unknown's gradient is shaped like it; those of several are a tuple. */
function gradientOf(s: Statement, aliases: Aliases): string[] {
  const isReal = s.kind === "fn" && s.result?.kind === "named-type" && s.result.name === "real";
  const unknowns = s.kind === "objective" ? s.unknowns : isReal ? s.parameters.slice(0, 1) : [];
  if ((s.kind !== "objective" && s.kind !== "fn") || unknowns.length === 0) return [];
  const typeOf = (p: Parameter) => (p.type ? outputType(p.type, aliases) : "Output");
  const type =
    unknowns.length === 1
      ? typeOf(unknowns[0]!)
      : `{ ${unknowns.map((p) => `readonly ${p.name.name}: ${typeOf(p)}`).join("; ")} }`;
  return [`${s.name.name}: ${type};`];
}

/** What may be given for a type. Arrays go in as lists, typed arrays or tensors. */
function inputType(type: TypeExpression, names: ReadonlySet<string>): string {
  switch (type.kind) {
    case "named-type":
      if (type.name === "real" || type.name === "int") return "number";
      if (type.name === "bool") return "boolean";
      return names.has(type.name) ? type.name : "Input";
    case "tuple-type":
      if (type.items.length > 0 && type.items.every((i) => i.name !== undefined))
        return `{ ${type.items.map((i) => `${i.name!.name}: ${inputType(i.type, names)}`).join("; ")} }`;
      return "Input";
    default:
      return "Input";
  }
}

/** What comes back: numbers for scalars, tensors for arrays, an object for a tuple with names. */
function outputType(type: TypeExpression, aliases: Aliases): string {
  switch (type.kind) {
    case "named-type": {
      if (type.name === "real" || type.name === "int") return "number";
      if (type.name === "bool") return "boolean";
      const meant = aliases.get(type.name);
      return meant ? outputType(meant, aliases) : "Output";
    }
    case "array-of-type": {
      const { element } = type;
      const isScalar = element.kind === "named-type" && ["real", "int", "bool"].includes(element.name);
      // Of a type that is no scalar brackets may also give its dimensions: then nothing is repeated.
      return isScalar && type.places.length > 0 ? "Tensor" : "Output";
    }
    case "tuple-type":
      if (type.items.length > 0 && type.items.every((i) => i.name !== undefined))
        return `{ ${type.items.map((i) => `readonly ${i.name!.name}: ${outputType(i.type, aliases)}`).join("; ")} }`;
      return "Output";
    default:
      return "Output";
  }
}
