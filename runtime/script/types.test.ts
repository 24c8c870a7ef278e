import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../../compiler/syntax/parse.ts";
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
    "  ridge(args: { w: Input; penalty: number }): Output;",
    "  constant(args?: Record<string, never>): boolean;",
    "  scaled(args: { x: Input; by?: Input }): Output;",
  ]);
});
