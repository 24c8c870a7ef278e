/** `--set NAME=VALUE` and `--data NAME=FILE`: checked against what the script declares. */
import type { NdArray } from "../../compiler/core/array.ts";
import type { DataDeclaration, ParamDeclaration } from "../../compiler/program.ts";
import { nearest } from "../data/names.ts";
import { UsageError } from "./outcome.ts";

/** Splits `NAME=VALUE` pairs. The last one given for a name counts. */
export function splitPairs(pairs: readonly string[], option: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at <= 0)
      throw new UsageError(
        `${option} takes NAME=VALUE, not ${JSON.stringify(pair)}.`,
        `Write ${option} ${option === "--data" ? "X=houses.csv" : "rate=0.5"}, without spaces around the \`=\`.`,
      );
    out[pair.slice(0, at).trim()] = pair.slice(at + 1);
  }
  return out;
}

/** Refuses names the script does not declare. */
export function checkDataNames(data: readonly DataDeclaration[], given: Readonly<Record<string, string>>): void {
  checkNames(
    "--data",
    "data",
    data.map((d) => d.name),
    Object.keys(given),
  );
}

/** The values of `param`s that were set. */
export function parseSettings(
  params: readonly ParamDeclaration[],
  given: Readonly<Record<string, string>>,
): Record<string, NdArray> {
  checkNames(
    "--set",
    "param",
    params.map((p) => p.name),
    Object.keys(given),
  );
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => [name, parseParam(params.find((p) => p.name === name)!, text)]),
  );
}

function checkNames(option: string, what: string, declared: readonly string[], given: readonly string[]): void {
  for (const name of given) {
    if (declared.includes(name)) continue;
    const near = nearest(name, declared);
    throw new UsageError(
      `${option} ${name}: the script declares no ${what} of that name.`,
      near !== undefined
        ? `Did you mean ${near}?`
        : declared.length > 0
          ? `It declares ${declared.join(", ")}.`
          : `It declares no ${what} at all.`,
    );
  }
}

function parseParam(param: ParamDeclaration, text: string): NdArray {
  const wanted = `${param.type}${param.rank === 0 ? "" : `[${new Array(param.rank).fill("...").join(", ")}]`}`;
  const refuse = (reason: string): never => {
    throw new UsageError(
      `--set ${param.name}=${text}: ${reason}; ${param.name} is ${wanted}.`,
      `Write it as in ${exampleOf(param)}.`,
    );
  };
  const shape: number[] = [];
  const numbers: number[] = [];
  const visit = (value: unknown, depth: number) => {
    if (Array.isArray(value)) {
      if (depth === shape.length && numbers.length === 0) shape.push(value.length);
      if (value.length !== shape[depth]) refuse("its rows differ in length");
      for (const item of value) visit(item, depth + 1);
    } else {
      if (depth !== shape.length) refuse("its rows differ in depth");
      numbers.push(toNumber(value, param.type, refuse));
    }
  };
  visit(parseText(text.trim(), refuse), 0);
  if (shape.length !== param.rank) refuse(`this has ${shape.length === 0 ? "no axes" : `${shape.length} axes`}`);
  const data =
    param.type === "real"
      ? Float64Array.from(numbers)
      : param.type === "int"
        ? Int32Array.from(numbers)
        : Uint8Array.from(numbers);
  return { dtype: param.type, shape, data };
}

/** A setting of the param's type, as a shell takes it. */
function exampleOf({ name, type, rank }: ParamDeclaration): string {
  const [first, second] = { real: ["0.5", "-1e-3"], int: ["3", "10"], bool: ["true", "false"] }[type] as [
    string,
    string,
  ];
  if (rank === 0) return `--set ${name}=${first}`;
  const row = `[${first}, ${second}]`;
  return `--set '${name}=${rank === 1 ? row : `${"[".repeat(rank - 1)}${row}${"]".repeat(rank - 1)}`}'`;
}

function parseText(text: string, refuse: (reason: string) => never): unknown {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (text.startsWith("[") || text === "true" || text === "false")
    try {
      return JSON.parse(text);
    } catch {
      return refuse("this is no list of numbers");
    }
  // Without a test by form, `Number` would take the empty string for 0.
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : refuse("this is no number");
}

function toNumber(value: unknown, type: ParamDeclaration["type"], refuse: (reason: string) => never): number {
  if (type === "bool") {
    if (typeof value !== "boolean") return refuse("this is neither true nor false");
    return Number(value);
  }
  if (typeof value !== "number" || Number.isNaN(value)) return refuse("this is no number");
  if (type === "int" && !(Number.isInteger(value) && Math.abs(value) < 2 ** 31))
    return refuse("this is no whole number of 32 bits");
  return value;
}
