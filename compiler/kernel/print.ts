/** Kernels and plans as text, for people: `karush explain`. */

import type { Expression, Kernel, Statement } from "./ir.ts";
import { type Buffer, elementBytes, type Plan, type PlanFunction, type PlanStep } from "./plan.ts";
import { prepare } from "./prepare.ts";

const symbols: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  rem: "%",
  and: "&",
  or: "|",
  xor: "^",
  shl: "<<",
  shr: ">>>",
  sar: ">>",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};

/** An expression in the usual notation; locals by name and number. */
export function printExpression(e: Expression): string {
  switch (e.op) {
    case "constant":
      return e.kind === "bits" ? `0x${BigInt.asUintN(64, BigInt(e.value)).toString(16)}` : String(e.value);
    case "local":
      return `${e.name}${e.id}`;
    case "load":
      return `${e.array.name}[${printExpression(e.index)}]`;
    case "unary":
      return e.name === "neg" ? `-${printExpression(e.a)}` : `${e.name}(${printExpression(e.a)})`;
    case "binary": {
      const [a, b] = [printExpression(e.a), printExpression(e.b)];
      const symbol = symbols[e.name];
      return symbol ? `(${a} ${symbol} ${b})` : `${e.name}(${a}, ${b})`;
    }
    case "select":
      return `select(${[e.condition, e.a, e.b].map(printExpression).join(", ")})`;
    case "call":
      return `${e.function.name}(${e.arguments.map(printExpression).join(", ")})`;
  }
}

function printStatements(statements: readonly Statement[], indent: string): string[] {
  const lines = (s: Statement): string[] => {
    const inside = (body: readonly Statement[]) => printStatements(body, `${indent}  `);
    switch (s.op) {
      case "let":
      case "variable":
        return [`${indent}${s.op === "let" ? "let" : "var"} ${printExpression(s.local)} = ${printExpression(s.value)}`];
      case "assign":
        return [`${indent}${printExpression(s.local)} = ${printExpression(s.value)}`];
      case "store":
        return [`${indent}${s.array.name}[${printExpression(s.index)}] = ${printExpression(s.value)}`];
      case "loop": {
        const vector = s.vectorize ? " in vectors" : "";
        return [
          `${indent}${s.order} ${printExpression(s.index)} < ${printExpression(s.count)}${vector} {`,
          ...inside(s.body),
          `${indent}}`,
        ];
      }
      case "while":
        return [`${indent}while ${printExpression(s.condition)} {`, ...inside(s.body), `${indent}}`];
      case "if":
        return [
          `${indent}if ${printExpression(s.condition)} {`,
          ...inside(s.then),
          ...(s.otherwise.length > 0 ? [`${indent}} else {`, ...inside(s.otherwise)] : []),
          `${indent}}`,
        ];
    }
  };
  return statements.flatMap(lines);
}

/** A kernel as loops. */
export function printKernelLoops(kernel: Kernel): string {
  return printStatements(prepare([kernel.grid]), "  ").join("\n");
}

const type = (b: Buffer) => (b.shape.length === 0 ? b.kind : `${b.kind}[${b.shape.join(", ")}]`);

/** Bytes that a launch must move at least: every array once. */
export function trafficOf(
  step: Extract<PlanStep, { kind: "launch" }>,
  precision: Plan["precision"],
): { readonly read: number; readonly written: number } {
  let [read, written] = [0, 0];
  step.buffers.forEach((b, i) => {
    const bytes = b.length * elementBytes(b.kind, precision);
    const { access } = step.kernel.arrays[i]!;
    if (access !== "write") read += bytes;
    if (access !== "read") written += bytes;
  });
  return { read, written };
}

/** What a step that computes is called. */
export function nameOfStep(plan: Plan, step: Extract<PlanStep, { kind: "launch" | "product" | "copy" }>): string {
  switch (step.kind) {
    case "launch":
      return `kernel ${plan.kernels.indexOf(step.kernel)}: ${step.kernel.description}`;
    case "product":
      return `matrix product ${step.batch > 1 ? `${step.batch} × ` : ""}[${step.m}, ${step.k}] by [${step.k}, ${step.n}]`;
    case "copy":
      return `copy ${type(step.from)}`;
  }
}

function printStep(plan: Plan, step: PlanStep, numbers: ReadonlyMap<PlanFunction, number>): string {
  const call = (f: PlanFunction) => `function ${numbers.get(f)} (${f.name})`;
  switch (step.kind) {
    case "launch": {
      const { read, written } = trafficOf(step, plan.precision);
      const count = Number((step.kernel.grid.count as { readonly value: number }).value);
      return `${nameOfStep(plan, step)}; ${count} × ${step.buffers.map(type).join(", ")}; reads ${read}, writes ${written} bytes`;
    }
    case "product":
    case "copy":
      return nameOfStep(plan, step);
    case "fill":
      return `fill ${type(step.buffer)} with ${step.value}`;
    case "branch":
      return `if: ${call(step.then)}, else: ${call(step.otherwise)}`;
    case "call":
      return `call ${call(step.callee)}`;
    case "loop":
      return `loop ${step.name}, ${step.length === undefined ? "while its condition holds" : `at most ${step.length} steps`}: ${call(step.body)}${step.condition ? `, while ${call(step.condition)}` : ""}`;
    case "check":
      return "check";
    case "report":
      return "report";
  }
}

/** The plan: functions and their steps, then each kernel once. */
export function printPlan(plan: Plan): string {
  const numbers = new Map(plan.functions.map((f, i) => [f, i]));
  const functions = plan.functions.map((f, i) => {
    const steps = f.steps.map((s) => `  ${printStep(plan, s, numbers)}`);
    return [`function ${i} (${f.name})`, ...steps].join("\n");
  });
  const kernels = plan.kernels.map((k, i) => `kernel ${i}: ${k.description}\n${printKernelLoops(k)}`);
  return [...functions.reverse(), ...kernels].join("\n");
}

/** Where temporaries lie, and the most memory a run needs beside its inputs and outputs. */
export function printMemory(plan: Plan): string {
  const lines = plan.functions.map((f) => {
    const rows = f.temporaries.map(
      ({ buffer, offset }) =>
        `  ${String(offset).padStart(10)}  ${buffer.length * elementBytes(buffer.kind, plan.precision)} bytes  ${buffer.name}: ${type(buffer)}`,
    );
    return [`function (${f.name}): ${f.frameBytes} bytes`, ...rows].join("\n");
  });
  const entry = plan.functions.at(-1)!;
  const bytes = (list: readonly Buffer[]) =>
    list.reduce((n, b) => n + b.length * elementBytes(b.kind, plan.precision), 0);
  return [
    ...lines.reverse(),
    `inputs ${bytes(entry.inputs)} bytes, outputs ${bytes(entry.outputs)} bytes, temporaries at most ${plan.frameBytes} bytes`,
  ].join("\n");
}
