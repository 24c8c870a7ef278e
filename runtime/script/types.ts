/** A script's declarations as TypeScript types: what `karush types` writes. */
import type { Parameter, SourceFile, Statement, TypeExpression } from "../../compiler/syntax/tree.ts";

/** The text of a `.d.ts` that makes `call` and its kin typed by the script `file`. */
export function declarationsOf(source: SourceFile, file: string): string {
  const names = new Set<string>();
  const types = source.statements.flatMap((s) => (s.kind === "type" ? [typeAlias(s.name.name, s.type, names)] : []));
  const functions = source.statements.flatMap((s) => signatureOf(s, names));
  return [
    `// Made from ${file} by \`karush types\`: do not edit.`,
    'import type { Input, Module, Output, WaitOptions } from "karush";',
    "",
    ...types.flatMap((t) => [t, ""]),
    "/** What the script declares: arguments by name, and what comes back. */",
    "export interface Functions {",
    ...functions.map((f) => `  ${f}`),
    "}",
    "",
    "type Arguments<K extends keyof Functions> = Parameters<Functions[K]>[0];",
    "",
    "/** A module loaded from the script: `const module = (await runtime.load(program)) as Script`. */",
    'export interface Script extends Omit<Module, "call" | "valueAndGradient"> {',
    "  call<K extends keyof Functions>(",
    "    name: K,",
    "    args: Arguments<K>,",
    "    options?: WaitOptions,",
    "  ): Promise<ReturnType<Functions[K]>>;",
    "  valueAndGradient<K extends keyof Functions>(",
    "    name: K,",
    "    args: Arguments<K>,",
    "    options?: WaitOptions,",
    "  ): Promise<{ readonly value: ReturnType<Functions[K]>; readonly gradient: Output }>;",
    "}",
    "",
  ].join("\n");
}

function typeAlias(name: string, type: TypeExpression, names: Set<string>): string {
  const text = `export type ${name} = ${inputType(type, names)};`;
  names.add(name);
  return text;
}

function signatureOf(s: Statement, names: ReadonlySet<string>): string[] {
  switch (s.kind) {
    case "fn":
      return [signature(s.name.name, s.parameters, s.result, names)];
    case "objective":
      return [signature(s.name.name, [...s.unknowns, ...s.parameters], s.result, names)];
    case "condition":
      return [signature(s.name.name, [...s.unknowns, ...s.parameters], undefined, names)];
    default:
      return [];
  }
}

function signature(
  name: string,
  parameters: readonly Parameter[],
  result: TypeExpression | undefined,
  names: ReadonlySet<string>,
): string {
  const fields = parameters.map((p) => {
    const type = p.type ? inputType(p.type, names) : "Input";
    return `${p.name.name}${p.default ? "?" : ""}: ${type}`;
  });
  const args = fields.length === 0 ? "args?: Record<string, never>" : `args: { ${fields.join("; ")} }`;
  return `${name}(${args}): ${result ? outputType(result) : "Output"};`;
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

/** What comes back; only scalars are known by their type alone. */
function outputType(type: TypeExpression): string {
  if (type.kind !== "named-type") return "Output";
  if (type.name === "real" || type.name === "int") return "number";
  return type.name === "bool" ? "boolean" : "Output";
}
