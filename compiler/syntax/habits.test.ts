/** What people write who come from Python, Matlab or JavaScript, and what they are told to write instead. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "./parse.ts";

/** A program, the code of its first message, and words of the help beside it. */
const habits: readonly (readonly [text: string, code: string, help: RegExp])[] = [
  ["let f = lambda x: x * 2", "K0129", /`x => e`/],
  ["let x = 3 if true else 4", "K0117", /`if c then a else b`/],
  ["fn f(n) = if n == 0: 1\n  else: n", "K0101", /`if c then a else b`/],
  ["show 'abc'", "K0138", /double quotes/],
  ["let x = [1, 2]\nx[0] = 5", "K0135", /`x with \[0\] = \.\.\.`/],
  ['import * from "std/roots"', "K0101", /import \{ lbfgs \}/],
  ['from "std/roots" import newton_root', "K0129", /import \{ name \} from/],
  ["let A = [1 2; 3 4]", "K0111", /\[\[1, 2\], \[3, 4\]\]/],
  ["let A = [1, 2; 3, 4]", "K0128", /\[\[1, 2\], \[3, 4\]\]/],
  ["let x = A \\ b", "K0107", /linear_solve\(A, b\)/],
  ["let x = 1 + \\\n  2", "K0107", /continue a line/],
  ["% a comment", "K0107", /starts with `\/\/`/],
  ["let x = 7 % 2", "K0107", /mod\(a, b\)/],
  ["show A .* B", "K0101", /`A \* B`/],
  ["let x = 1:10", "K0101", /`1\.\.n`/],
  ["show sin x", "K0111", /`sin\(x\)`/],
  ["let p = { a: 1, b: 2 }", "K0101", /`\(a: 1\)`/],
  ["let [a, b] = [1, 2]", "K0101", /`let \(a, b\) = e`/],
  ["let {a, b} = p", "K0101", /`let \(a, b\) = e`/],
  ["let a, b = 1, 2", "K0113", /`let \(a, b\) = \(1, 2\)`/],
  ["let a = b = 3", "K0125", /`let b = \.\.\.` first/],
  ["let f(x) = x + 1", "K0113", /`fn f\(x\) = e`/],
  ["fn f(x) -> x + 1", "K0113", /`fn f\(x\) = value`/],
  ["fn f(x) =\n  let y = x\n  y", "K0120", /braces/],
  ["fn f(x: real[:, 2]) = x", "K0101", /`real\[n, 2\]`/],
  ["let x = 1 =< 2", "K0127", /`<=`/],
  ["let x = loop for i in 0..3 { i }", "K0101", /`loop s = s0 for i in 0\.\.n \{ next \}`/],
  ["show if 1 > 2 then show 1 else 2", "K0139", /beginning of a line/],
  ["data X: real[n, 2] = [[1, 2]]", "K1170", /`let X = \.\.\.`.*`data X: real\[n, 2\] from "file\.csv"`/],
  ['data X: real[n, d] from "a.csv" column "a", "b"', "K0101", /`columns "a", "b"`/],
  ['data X: real[n, d] from "a.csv" columns "a" "b"', "K0101", /`columns "a", "b"`/],
  ['data X: real[n, d] from "a.csv" colums "a", "b"', "K0101", /Did you mean `columns?`\?/],
  ["Show 3", "K0124", /Did you mean `show`\?/],
  ["problem p { var x: real }", "K0101", /`problem p\(\) \{ \.\.\. \}`/],
  ["problem p() {\n  var x: real\n  min x ^ 2\n}", "K0101", /`minimize e`/],
  ["problem p() {\n  x: real\n  minimize x ^ 2\n}", "K0101", /`var x: real`/],
  ["problem p() {\n  var x: real\n  minimize x\n  st { x >= 0 }\n}", "K0101", /`subject to/],
  ["problem p() {\n  var x: real\n  minimize x\n  subject to { x >= 1, x <= 2 }\n}", "K0101", /lines of their own/],
];

describe("habits of other languages", () => {
  for (const [text, code, help] of habits)
    it(JSON.stringify(text), () => {
      const [first] = parse(text, { file: "habit.opt" }).diagnostics;
      assert.equal(first?.code, code, first?.message);
      assert.match(first?.help ?? "", help);
    });

  it("are not seen where the same signs are meant", () => {
    for (const text of [
      "let A = B' @ x",
      "show A'",
      "let x = A'[0]",
      "let f = (a, b) => a + b",
      "let x = loop i = 0 while i < 3 { i + 1 }",
      "let import_rate = 3\nshow import_rate * 2",
      "let from = 1.0\nshow minimize(f, from = from)",
      "show loop s = 0 for i in 0..3 { s + i }",
    ])
      assert.deepEqual(parse(text, { file: "meant.opt" }).diagnostics, [], text);
  });
});
