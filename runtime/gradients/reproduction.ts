/** A counterexample as people read it, and as a script that shows it. */
import type { Program } from "../../compiler/program.ts";
import type { Module } from "../module.ts";
import { literal } from "../properties/literal.ts";
import { toValue } from "../values.ts";
import type { Arguments } from "./subject.ts";
import { leavesOf } from "./tree.ts";

/** Longer values are cut in messages; in scripts they are whole. */
const mostShown = 400;

export function showArguments(args: Arguments): string[] {
  return Object.entries(args).map(([name, value]) => {
    const text = literal(toValue(value, name));
    return `${name} = ${text.length > mostShown ? `${text.slice(0, mostShown)}...` : text}`;
  });
}

/** The module's own script, and below it the two derivatives at the counterexample. Undefined where it would be too long. */
export function scriptFor(module: Module, name: string, args: Arguments, order: 1 | 2): string | undefined {
  const { program } = module;
  const moving = Object.keys(args).filter((n) => leavesOf(args[n]!).every((l) => l.real));
  const values = Object.entries(args).map(([n, v]) => `let at_${n} = ${literal(toValue(v, n))}`);
  const text = values.join("\n");
  if (text.length > 20_000 || moving.length === 0) return undefined;
  const call = callText(program, name, Object.keys(args), moving);
  const point = moving.length === 1 ? `at_${moving[0]}` : `(${moving.map((n) => `${n}: at_${n}`).join(", ")})`;
  const f = `p => ${call}`;
  const shows =
    order === 1
      ? [`show grad(${f})(${point}), numeric_grad(${f})(${point})`]
      : [`show hessian(${f})(${point})`, `show jacobian(p => numeric_grad(${f})(p))(${point})`];
  return [program.source.text.trimEnd(), text, ...shows].join("\n");
}

function callText(program: Program, name: string, names: readonly string[], moving: readonly string[]): string {
  const argument = (n: string) => `${n} = ${moving.includes(n) ? (moving.length === 1 ? "p" : `p.${n}`) : `at_${n}`}`;
  const declaration = program.source.statements.find(
    (s) => (s.kind === "objective" || s.kind === "condition") && s.name.name === name,
  );
  if (declaration?.kind !== "objective" && declaration?.kind !== "condition")
    return `${name}(${names.map(argument).join(", ")})`;
  const unknowns = declaration.unknowns.map((u) => u.name.name);
  const [before, after] = [names.filter((n) => unknowns.includes(n)), names.filter((n) => !unknowns.includes(n))];
  const parameters = declaration.parameters.length > 0 ? `; ${after.map(argument).join(", ")}` : "";
  return `${name}(${before.map(argument).join(", ")}${parameters})`;
}
