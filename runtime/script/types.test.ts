/** What `karush types` writes, as text and as a TypeScript compiler takes it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "../../compiler/syntax/parse.ts";
import { temporaryFolder } from "../data/testing.ts";
import { declarationsOf } from "./types.ts";

const script = `type Line = (slope: real, shift: real)
fn at(l: Line, x: real[n]) -> real = sum(l.slope * x + l.shift)
objective ridge(w: real[d]; penalty: real) = dot(w, w) * penalty
fn constant() -> bool = true
fn scaled(x, by = 2.0) = x * by
`;

test("declarations become functions with arguments by name", () => {
  const text = declarationsOf(parse(script, { file: "t.opt" }).source, "t.opt");
  const lines = text.split("\n");
  assert.ok(lines.includes("export type Line = { slope: number; shift: number };"), text);
  const from = lines.indexOf("export interface Functions {");
  assert.deepEqual(lines.slice(from + 1, lines.indexOf("}", from)), [
    "  at(args: { l: Line; x: Input }): number;",
    "  ridge(args: { w: Input; penalty: number }): number;",
    "  constant(args?: Record<string, never>): boolean;",
    "  scaled(args: { x: Input; by?: Input }): Output;",
  ]);
  const gradients = lines.indexOf("export interface Gradients {");
  assert.deepEqual(lines.slice(gradients + 1, lines.indexOf("}", gradients)), [
    "  at: { readonly slope: number; readonly shift: number };",
    "  ridge: Tensor;",
  ]);
});

/** Right calls, and wrong ones, each of which has to be an error. */
const caller = `import { compileOrThrow, createRuntime, type Tensor } from "karush";
import type { Script } from "./t.opt.d.ts";

const runtime = await createRuntime();
const script = (await runtime.load(compileOrThrow("", { file: "t.opt" }))) as Script;
const l = { slope: 1, shift: 2 };
const at: number = await script.call("at", { l, x: [1, 2] });
const constant: boolean = await script.call("constant", {});
await script.call("scaled", { x: 2 });
const ridge = await script.valueAndGradient("ridge", { w: [1, 2], penalty: 1 });
const both: readonly [number, Tensor] = [ridge.value, ridge.gradient];
const { slope } = (await script.valueAndGradient("at", { l, x: [1] })).gradient;
const along: number = (await script.jvp("ridge", { w: [1], penalty: 1 }, { penalty: 1 })).tangent;
const { w } = (await script.vjp("ridge", { w: [1], penalty: 1 }, 1, ["w"])).cotangents;
const second = (await script.hvp("ridge", { w: [1], penalty: 1 }, { w: [1] })).tangent.w;
export const all = [at, constant, both, slope.toFixed(), along, w, second];

// @ts-expect-error no such function
await script.call("ridges", {});
// @ts-expect-error an argument is missing
await script.call("at", { l });
// @ts-expect-error an argument of another name
await script.call("ridge", { w: [1], penalties: 1 });
// @ts-expect-error a list for a number
await script.valueAndGradient("ridge", { w: [1], penalty: [1] });
// @ts-expect-error a field of another type
await script.call("at", { l: { slope: "1", shift: 2 }, x: [1] });
// @ts-expect-error a number is no boolean
export const wrong: boolean = await script.call("at", { l, x: [1] });
// @ts-expect-error no such argument
await script.vjp("ridge", { w: [1], penalty: 1 }, 1, ["v"]);
// @ts-expect-error no such tangent
await script.jvp("ridge", { w: [1], penalty: 1 }, { v: 1 });
// @ts-expect-error only what was asked for comes back
export const none = (await script.vjp("ridge", { w: [1], penalty: 1 }, 1, ["w"])).cotangents.penalty;
`;

test("calls are typed by the script", (t) => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const folder = temporaryFolder(t, {});
  writeFileSync(path.join(folder, "t.opt.d.ts"), declarationsOf(parse(script, { file: "t.opt" }).source, "t.opt"));
  writeFileSync(path.join(folder, "caller.mts"), caller);
  const compilerOptions = {
    paths: { karush: [path.join(root, "runtime/index.ts")] },
    typeRoots: [path.join(root, "node_modules/@types")],
  };
  writeFileSync(
    path.join(folder, "tsconfig.json"),
    JSON.stringify({ extends: path.join(root, "tsconfig.json"), compilerOptions, include: ["caller.mts"] }),
  );
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [compiler, "--noEmit", "-p", folder], { encoding: "utf8" });
  assert.deepEqual([status, stdout], [0, ""]);
});
