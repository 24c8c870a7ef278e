/**
 * The messages of this stage, word for word: for each program the diagnostics it gives, with the text they point at.
 * A message that changes here changes for users; read it as one before accepting it.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { syntaxCodes } from "./codes.ts";
import { parse } from "./parse.ts";

/** What a diagnostic says, one line for each part. */
function rendered(text: string): string[] {
  const shown = (span: { readonly start: number; readonly end: number } | undefined): string => {
    const at = text.slice(span?.start ?? 0, span?.end ?? 0);
    return JSON.stringify(at.length > 60 ? `${at.slice(0, 57)}...` : at);
  };
  return parse(text, { file: "test.opt" }).diagnostics.flatMap((d) => [
    `${d.code} at ${shown(d.span)}: ${d.message}`,
    ...d.notes.map((note) => `note at ${shown(note.span)}: ${note.message}`),
    ...(d.help === undefined ? [] : [`help: ${d.help}`]),
  ]);
}

const programs: readonly (readonly [string, readonly string[]])[] = [
  [
    "let x = f(a, b\nlet y = 2",
    [
      'K0102 at "let": A `)` is missing: I reached `let` while a `(` was open.',
      'note at "(": This `(` is never closed.',
      "help: Close the `(` with `)` where it should end.",
    ],
  ],
  [
    "let x = [1, 2\nfn g(x) = x",
    [
      'K0102 at "fn": A `]` is missing: I reached `fn` while a `[` was open.',
      'note at "[": This `[` is never closed.',
      "help: Close the `[` with `]` where it should end.",
    ],
  ],
  [
    "fn f(x) = {\n  let a = 1\n  a\n\nfn g(x) = x\nlet z = (3",
    [
      'K0102 at "fn": A `}` is missing: I reached `fn` while a `{` was open.',
      'note at "{": This `{` is never closed.',
      "help: Close the `{` with `}` where it should end.",
      'K0102 at "": A `)` is missing: I reached the end of the file while a `(` was open.',
      'note at "(": This `(` is never closed.',
      "help: Close the `(` with `)` where it should end.",
    ],
  ],
  [
    "let x = 3)",
    [
      'K0103 at ")": This `)` closes nothing: no bracket is open here.',
      "help: Delete it, or add the bracket that should open before it.",
    ],
  ],
  [
    "let x = (1, 2]",
    [
      'K0103 at "]": This `]` cannot close the `(` that is open here.',
      'note at "(": This `(` is open.',
      "help: Write `)`, or close the `(` before.",
    ],
  ],
  [
    'let x = "abc\nlet y = 2',
    [
      'K0104 at "\\"abc": This string has no closing quote before the end of the line.',
      'help: End it with `"`. A line break inside a string is written `\\n`.',
    ],
  ],
  [
    "/* never\nlet y = 2",
    [
      'K0105 at "/*": This comment has no end: everything after it is swallowed.',
      "help: Close it with `*/`, or write `//` for a comment of one line.",
    ],
  ],
  [
    'let s = "a\\q"',
    [
      'K0106 at "\\\\q": `\\q` means nothing in a string.',
      'help: The escapes are `\\"`, `\\\\`, `\\n` and `\\t`. A backslash itself is written `\\\\`.',
    ],
  ],
  [
    "let x = 3 ? 1 : 2",
    ['K0107 at "?": The character `?` means nothing here.', "help: A choice is written `if c then a else b`."],
  ],
  [
    "let größe = 1",
    [
      'K0108 at "öß": The letter `ö` (U+00F6) cannot stand in a name.',
      "help: Names are made of the letters a to z and A to Z, Greek letters, digits and `_`.",
    ],
  ],
  [
    "let x = 1. + .5",
    [
      'K0109 at "1.": A number needs a digit after the dot, and `1.` has none.',
      "help: Write `1.0`, or `1` for an integer.",
      'K0109 at ".5": A number needs a digit before the dot, and `.5` has none.',
      "help: Write `0.5`.",
    ],
  ],
  [
    "let x = 2x + 1e + 0xZZ + 1_000 + 1.5.2",
    [
      'K0109 at "2x": `2x` is a number and a name run together.',
      "help: If a product is meant, write `2 * x`. A name cannot start with a digit.",
      'K0109 at "1e": The exponent of `1e` is incomplete.',
      "help: Write an exponent as in `1e-3`: digits follow the `e`.",
      'K0109 at "0xZZ": `0xZZ` is no hexadecimal integer.',
      "help: After `0x` come digits from 0 to 9 and a to f: `0x6D2B`.",
      'K0109 at "1_000": Digits cannot be grouped with `_`.',
      "help: Write `1000`.",
      'K0109 at "1.5.2": `1.5.2` has two decimal points.',
      "help: Write one number with one dot, or `a..b` for a range.",
    ],
  ],
  [
    "let y = a\n  - b",
    [
      'K0110 at "-": This line starts with `- `, which could go on with the line above or start a new expression.',
      'note at "": The line above ends here.',
      "help: To subtract, end the line above with `-`. To start with a negative value, write `-x` without the space.",
    ],
  ],
  [
    "let x = 2 y",
    [
      'K0111 at "y": Two expressions stand side by side: the name `y` follows another value.',
      'note at "2": The first one ends here.',
      "help: If a product is meant, write `2 * y`. Two statements are separated by a line break or `;`.",
    ],
  ],
  [
    "let for = 3",
    [
      'K0112 at "for": `for` is a reserved word and cannot be the name of a value.',
      "help: Choose another name, such as `for_` or `my_for`.",
    ],
  ],
  [
    "let x 3",
    ['K0113 at "3": I expected `=` and the value of `x`, but found `3`.', "help: A definition reads `let x = value`."],
  ],
  [
    "fn f(x) { x }",
    [
      'K0113 at "{": I expected `=` and the value of `f`, but found `{`.',
      "help: Write `= { ... }`: the body of a function is a value like any other.",
    ],
  ],
  [
    "let y = f(a = 1, 2)",
    [
      'K0114 at "2": An argument without a name cannot follow one with a name.',
      'note at "a = 1": `a` is named here.',
      "help: Put the named arguments last, or name this one too.",
    ],
  ],
  [
    "let y = (x: 1, 2)",
    [
      'K0115 at "2": Some items of this tuple have names and some have not.',
      'note at "x": The first item is named `x`.',
      "help: Name all of them, as in `(x: 1, y: 2)`, or none, as in `(1, 2)`.",
    ],
  ],
  [
    "let y = (1, y: 2)",
    [
      'K0115 at "y": Some items of this tuple have names and some have not.',
      'note at "1": The first item has no name.',
      "help: Name all of them, as in `(x: 1, y: 2)`, or none, as in `(1, 2)`.",
    ],
  ],
  [
    "let y = (1,)",
    [
      'K0116 at ",": A tuple of one value does not exist: a plain tuple has none or at least two.',
      "help: Delete the `,`. A tuple of one field has a name: `(x: e)`.",
    ],
  ],
  [
    "let y = if a then b",
    [
      'K0117 at "": This `if` has no `else`, but it must have a value either way.',
      'note at "if": The `if` is here.',
      "help: Add `else` and the value when the condition does not hold.",
    ],
  ],
  [
    "let y = if a { b } else { c }",
    [
      'K0117 at "{": This `if` has no `then` after its condition.',
      'note at "if": The `if` is here.',
      "help: Write `if c then { ... } else { ... }`.",
    ],
  ],
  [
    "let y = {}",
    ['K0118 at "{}": This block is empty, but a block must have a value.', "help: Write the value between the braces."],
  ],
  [
    "let y = { let a = 1 }",
    [
      'K0118 at "{ let a = 1 }": This block ends without a value: its last line must be one.',
      "help: Add a last line that says what the block is.",
    ],
  ],
  [
    "fn f(x) = {\n  g(x)\n  let a = 1\n  a\n}",
    [
      'K0119 at "g(x)": Nothing uses this value: only the last line of a block is its value.',
      "help: Give it a name with `let`, or delete it.",
    ],
  ],
  [
    "fn f(x) = {\n  x\n  x + 1\n}",
    [
      'K0119 at "x": Nothing uses this value: only the last line of a block is its value.',
      "help: Give it a name with `let`, or delete it.",
    ],
  ],
  [
    "let x",
    [
      'K0120 at "": `let` gives a name to a value, but there is no value here.',
      "help: Write `= ` and the value of `x`.",
    ],
  ],
  [
    "let x =\nlet y = 2",
    [
      'K0120 at "": The value of `x` is missing after `=`.',
      "help: Write the value after `=`, on the same line or on the next.",
    ],
  ],
  [
    "let x = a < b > c",
    [
      'K0121 at ">": This chain of comparisons changes direction: `<`, then `>`.',
      'note at "<": `<` sets the direction here.',
      "help: A chain goes one way, as in `0 <= x < n`. Join the two comparisons with `and`.",
    ],
  ],
  [
    "let x = a != b != c",
    [
      'K0122 at "!=": `!=` cannot stand in a chain of comparisons: it compares two values.',
      'note at "!=": The chain starts here.',
      "help: Join two comparisons with `and`: `a != b and b != c`.",
    ],
  ],
  [
    "let x = a ~= b < c",
    [
      'K0122 at "<": `~=` cannot stand in a chain of comparisons: it compares two values.',
      'note at "~=": The chain starts here.',
      "help: Join two comparisons with `and`: `a != b and b != c`.",
    ],
  ],
  [
    "let x' = 3",
    [
      "K0123 at \"x'\": The name `x'` ends in a prime, but `'` always means transpose.",
      "help: Write `x_new`, `x1` or another name of letters, digits and `_`.",
    ],
  ],
  [
    "let y = x'y",
    [
      "K0123 at \"'\": A name cannot have a prime in it: `'` always means transpose.",
      "help: Names are made of letters, digits and `_`. If a product is meant, write `x' * y` or `x' @ y`.",
    ],
  ],
  ["objectiv f(x) = x", ['K0124 at "objectiv": `objectiv` starts no statement.', "help: Did you mean `objective`?"]],
  [
    'assert a = b, "same"',
    [
      'K0125 at "=": `=` gives a name to a value; it does not compare.',
      "help: Write `==` to compare, or to state an equation.",
    ],
  ],
  [
    "x := 3",
    ['K0126 at ":=": `:=` is no sign of the language.', "help: A value gets its name with `let name = value`."],
  ],
  [
    "x = 3",
    [
      'K0135 at "=": A value gets a name with `let`; names are never assigned again.',
      "help: Write `let x = ...`. To compare, write `==`.",
    ],
  ],
  [
    "let y = x**2 && !b || c",
    [
      'K0127 at "**": `**` is no operator here.',
      "help: A power is written with `^`: `x^2`.",
      'K0127 at "&&": `&&` is no operator here.',
      "help: Write `and`.",
      'K0127 at "!": `!` is no operator here.',
      "help: Write `not`.",
      'K0127 at "||": `||` is no operator here.',
      "help: Write `or`.",
    ],
  ],
  [
    "let y = f(a; b; c)",
    [
      'K0128 at ";": A call has at most one `;`.',
      "help: The unknowns stand before it, the parameters after it, each list separated by `,`: `f(x, y; p, q)`.",
    ],
  ],
  [
    "let y = [1; 2]",
    [
      'K0128 at ";": A `;` cannot stand here: I expected `,` or `]`.',
      "help: A matrix is an array of rows: `[[1, 2], [3, 4]]`.",
    ],
  ],
  [
    "function f(x) = x",
    ['K0129 at "function": `function` starts no statement here.', "help: A function is `fn name(x) = ...`."],
  ],
  [
    "const x = 3",
    [
      'K0129 at "const": `const` starts no statement here.',
      "help: A value gets its name with `let name = ...`; all names are constant.",
    ],
  ],
  [
    "return x",
    [
      'K0129 at "return": `return` starts no statement here.',
      "help: Leave the word out: the last line of a block is its value.",
    ],
  ],
  [
    "fn f(x) = {\n  return x\n}",
    [
      'K0129 at "return": `return` starts no statement here.',
      "help: Leave the word out: the last line of a block is its value.",
    ],
  ],
  [
    "let x = 0,5",
    [
      'K0130 at "0,5": `0,5` is two numbers with a comma between them.',
      "help: A decimal number has a dot: `0.5`. If two values are meant, put a space after the comma.",
    ],
  ],
  [
    "show 0,5",
    [
      'K0130 at "0,5": `0,5` is two numbers with a comma between them.',
      "help: A decimal number has a dot: `0.5`. If two values are meant, put a space after the comma.",
    ],
  ],
  [
    "let y = 1 + if a then b else c",
    [
      'K0132 at "if": `if` needs parentheses here.',
      "help: Write `(if ...)`, or give its value a name with `let` first.",
    ],
  ],
  [
    "let y = 2 * x => x",
    [
      'K0132 at "x": A function needs parentheses here.',
      "help: Write `(x => ...)`: a function takes in everything to its right.",
    ],
  ],
  [
    "let y = f(a, b,)",
    ['K0133 at ",": Nothing follows this `,`.', "help: Delete the `,`, or add what should come after it."],
  ],
  [
    'data X from "x.csv"',
    [
      'K0134 at "from": `data X` needs a type: I expected `:` here.',
      "help: Write `data X: real[n]`, with the type that fits.",
    ],
  ],
  [
    "param p = 3",
    [
      'K0134 at "=": `param p` needs a type: I expected `:` here.',
      "help: Write `param p: real`, with the type that fits.",
    ],
  ],
  [
    "let y = a == not b",
    [
      'K0136 at "not": `not` after `==` needs parentheses.',
      "help: `not` binds looser than comparisons and arithmetic: write `(not ...)`.",
    ],
  ],
  [
    "problem p() { var x: real }",
    [
      'K0137 at "p": The problem `p` says neither `minimize` nor `maximize`.',
      "help: Add a line with its goal. To find any point that satisfies the constraints, write `minimize 0`.",
    ],
  ],
  [
    "problem p() { var x: real\n minimize x\n maximize x }",
    [
      'K0137 at "maximize": A problem has one goal, and this is a second.',
      'note at "minimize": The first goal is here.',
      "help: Add the goals with weights, or make two problems.",
    ],
  ],
  [
    "let s = 'text'",
    [
      "K0138 at \"'\": A quote `'` does not start a string: it transposes what stands before it.",
      'help: Strings are written with double quotes: `"text"`.',
    ],
  ],
  [
    "fn f(x) = {\n  fn g(y) = y\n  g(x)\n}",
    [
      'K0139 at "fn": `fn` cannot stand inside a block.',
      "help: Inside a block write `let f = x => ...`. `fn` stands at top level, in a `solver` and in a `problem`.",
    ],
  ],
  [
    "let r = 0..n..2",
    [
      'K0140 at "..": A range has two ends, and this one has a third.',
      'note at "..": The range starts here.',
      "help: Write `a..b`. Steps other than 1 come from arithmetic: `2 * (0..n)`, or from a slice: `x[a:b:2]`.",
    ],
  ],
  [
    "let f = x -> x + 1",
    [
      'K0141 at "->": `->` belongs to types; it does not make a function.',
      "help: Write `x => e` for the function that takes `x` to `e`.",
    ],
  ],
  [
    "fn f(x): real = x",
    ['K0141 at ":": The type of a result comes after `->`, not `:`.', "help: Write `f(...) -> type = ...`."],
  ],
  [
    "fn f(x) => x",
    [
      'K0141 at "=>": The type of a result comes after `->`, not `=>`.',
      "help: Write `f(...) -> type = ...`, or only `= ...` for the body.",
    ],
  ],
  [
    "let y = f(a: 1)",
    [
      'K0142 at ":": An argument gets its name with `=`, not `:`.',
      "help: Write `a = ...`. To pass a tuple with a field `a`, add parentheses: `((a: ...))`.",
    ],
  ],
  [
    "let y = (a = 1, b = 2)",
    [
      'K0142 at "=": In a tuple a field gets its value with `:`, not `=`.',
      "help: Write `(a: ...)`; to compare, write `a == ...`. (`=` names the arguments of a call.)",
    ],
  ],
  [
    "fn f(x: real[n][m]) = x",
    [
      'K0143 at "[": A type has one pair of brackets, with all its dimensions.',
      'note at "[n]": The first pair is here.',
      "help: Write `real[n, m]`, `Layer[4, h = 16]`.",
    ],
  ],
  [
    "let y = loop s = 0 for i in 0..3 { s } + 1",
    [
      'K0144 at "+": A `loop` ends at its `}`: `+` cannot go on with its value.',
      "help: Put the loop in parentheses, or give its value a name with `let` first.",
    ],
  ],
  [
    "solver s(a = 1) { start(x) = (x: x) }",
    [
      'K0145 at "{": The solver `s` does not say what it answers.',
      "help: After the options comes `minimizes f`, `solves root(F)`, or the parts of a form of its own: `solves (upper, lower)`.",
    ],
  ],
  [
    "condition c(x) { }",
    ['K0146 at "{ }": The condition `c` has no equation.', "help: Add at least one line `left == right`."],
  ],
  [
    "condition c(x) { x + 1 }",
    [
      'K0146 at "x + 1": This line of a condition is no equation.',
      "help: An equation reads `left == right`, with one `==`.",
    ],
  ],
  [
    "condition c(x) { x = 1 }",
    [
      'K0125 at "=": `=` gives a name to a value; it does not compare.',
      "help: Write `==` to compare, or to state an equation.",
    ],
  ],
  [
    "let f = (x: real) => x",
    [
      'K0147 at ":": A parameter of `=>` has no place for a type.',
      "help: Leave it out: the use decides. Types and defaults belong to `fn name(x: real = 1) = ...`.",
    ],
  ],
  [
    "let y = s with 3",
    [
      'K0148 at "3": After `with` come the fields or the entries that change.',
      "help: Write `s with (x: 1)` to change a field, `a with [i] = 1` to change an entry.",
    ],
  ],
  [
    "let y = s with (1, 2)",
    [
      'K0148 at "(1, 2)": After `with` come fields with their names.',
      "help: Write `s with (x: 1)`; the fields that are not named keep their values.",
    ],
  ],
  [
    "for i in 0..3 { show i }",
    [
      'K0101 at "for": `for` starts no expression: a loop says what it computes.',
      "help: Write `loop s = s0 for x in xs { next }`, or `[f(x) for x in xs]` to map.",
    ],
  ],
  [
    "let y = a +",
    [
      'K0101 at "": I expected an expression after `+`, but the statement ends here.',
      "help: Add what should come after `+`, or delete it.",
    ],
  ],
  [
    "let y = (a + ) * 2",
    [
      'K0101 at ")": I expected an expression after `+`, but found `)`.',
      "help: Add what should come after `+`, or delete it.",
    ],
  ],
  [
    "let a.b = 3",
    ['K0113 at ".": I expected `=` and the value of `a`, but found `.`.', "help: A definition reads `let a = value`."],
  ],
  [
    "let y = x.if",
    [
      'K0112 at "if": `if` is a reserved word and cannot be the name of a field.',
      "help: Choose another name, such as `if_` or `my_if`.",
    ],
  ],
  [
    "solver s() minimizes f { start(x) = 1 foo = 3 }",
    [
      'K0111 at "foo": Two expressions stand side by side: the name `foo` follows another value.',
      'note at "1": The first one ends here.',
      "help: Perhaps a `,` is missing between them. Two statements are separated by a line break or `;`.",
    ],
  ],
  [
    "real x = 3",
    ['K0129 at "real": `real` starts no statement here.', "help: The type comes after the name: `let x: real = ...`."],
  ],
  [
    'import lbfgs from "std"',
    [
      'K0101 at "lbfgs": I expected `{` and the names to import, but found the name `lbfgs`.',
      'help: An import lists its names: `import { lbfgs } from "std/first-order"`.',
    ],
  ],
  [
    'import { a, b } form "x"',
    ['K0101 at "form": I expected `from` and the module, but found the name `form`.', "help: Did you mean `from`?"],
  ],
  ["show", ['K0101 at "": I expected something to show on the same line, but the statement ends here.']],
  [
    'save x "a.npy"',
    [
      'K0101 at "\\"a.npy\\"": I expected `to` and the name of the file, but found the string "a.npy".',
      'help: Write `save e to "result.npy"`.',
    ],
  ],
  [
    'property "t" (x: real) { x }',
    [
      'K0101 at "(": I expected `for all` and the variables, but found `(`.',
      'help: Write `property "title" for all (x: real[3] in normal()) { left ~= right }`.',
    ],
  ],
  [
    "let y = x +* 2",
    [
      'K0101 at "*": I expected an expression after `+`, but found `*`.',
      "help: Put a value between `+` and `*`, or delete one of them.",
    ],
  ],
  [
    'data X: real[] from "x"',
    [
      'K0101 at "]": I expected a dimension between `[` and `]`, but found `]`.',
      "help: One number has no brackets: `real`.",
    ],
  ],
  [
    "let y = _ + 1",
    [
      'K0112 at "_": `_` has no value: it stands in a pattern for something nobody needs.',
      "help: Give it a name in the pattern, and use that.",
    ],
  ],
  [
    "fn f(real x) = x",
    ['K0129 at "x": Two names stand side by side: a parameter has a `:` before its type.', "help: Write `x: real`."],
  ],
  [
    "let y = [x for x in xs if x > 0]",
    [
      'K0101 at "if": A comprehension has no filter: its length would depend on the data.',
      "help: Use `where(c, a, b)` on the entries, or `top_k` to keep a fixed number of them.",
    ],
  ],
  [
    "let y = sum(f(x) for x in xs)",
    [
      'K0101 at "for": `for` stands in `[...]`, in `loop` and in `scan`, not here.',
      "help: Write `[f(x) for x in xs]` to map, `loop s = s0 for x in xs { ... }` to iterate.",
    ],
  ],
  [
    "let x = 3 \\\n  + 4",
    [
      'K0107 at "\\\\": The character `\\` means nothing here.',
      "help: Nothing is needed to continue a line that ends in an operator or has an open `(` or `[`.",
    ],
  ],
  [
    "let y = a % b",
    ['K0107 at "%": The character `%` means nothing here.', "help: Write `mod(a, b)` for a remainder."],
  ],
  [
    "let x += 3",
    [
      'K0113 at "+=": I expected `=` and the value of `x`, but found `+=`.',
      "help: A definition reads `let x = value`.",
    ],
  ],
  [
    "x += 3",
    [
      'K0101 at "+=": `+=` stands only in an update: values are never changed in place.',
      "help: Write `x with [i] += e` for a copy of `x` with that entry increased.",
    ],
  ],
  [
    "let (a, b = f(x)\nlet c = 1",
    [
      'K0102 at "let": A `)` is missing: I reached `let` while a `(` was open.',
      'note at "(": This `(` is never closed.',
      "help: Close the `(` with `)` where it should end.",
    ],
  ],
  [
    "let y = x[0 => 1",
    [
      'K0102 at "": A `]` is missing: I reached the end of the file while a `[` was open.',
      'note at "[": This `[` is never closed.',
      "help: Close the `[` with `]` where it should end.",
    ],
  ],
  [
    "let y = @",
    [
      'K0101 at "@": I expected an expression after `=`, but found `@`.',
      "help: Put a value between `=` and `@`, or delete one of them.",
    ],
  ],
  [
    "let y = f(x) where x = 2",
    [
      'K0111 at "where": Two expressions stand side by side: the name `where` follows another value.',
      'note at ")": The first one ends here.',
      "help: Put an operator or a comma between them. Two statements are separated by a line break or `;`.",
    ],
  ],
  ["let y = a ≤ b", ['K0107 at "≤": The character `≤` (U+2264) means nothing here.', "help: Write `<=`."]],
  [
    "let y = \u0000",
    [
      'K0107 at "\\u0000": The character U+0000 means nothing here.',
      "help: The file seems to be damaged, or is no text file: delete the character.",
    ],
  ],
  [
    "while c { x }",
    [
      'K0101 at "while": `while` starts no expression: a loop says what it computes.',
      "help: Write `loop s = s0 for x in xs { next }`, or `[f(x) for x in xs]` to map.",
    ],
  ],
  [
    "solver s() minimizes { start(x) = x }",
    [
      'K0145 at "{": `minimizes` needs a name for the objective.',
      "help: Write `minimizes f`, or `minimizes f(x, k)` if it takes a key.",
    ],
  ],
  [
    "fn f(x) = x derivative 3",
    [
      'K0101 at "3": I expected a function of the tangents, but found the number `3`.',
      "help: Write `derivative dx => ...`.",
    ],
  ],
  [
    "let y = x[]",
    [
      'K0101 at "]": I expected an index, a slice or a dimension between `[` and `]`, but found `]`.',
      "help: All of an axis is `x[:]`.",
    ],
  ],
  [
    "let y = (x: 1 y: 2)",
    [
      'K0111 at "y": Two expressions stand side by side: the name `y` follows another value.',
      'note at "1": The first one ends here.',
      "help: Perhaps a `,` is missing between them. Two statements are separated by a line break or `;`.",
    ],
  ],
  [
    "let z = x => ",
    [
      'K0101 at "": I expected an expression after `=>`, but the statement ends here.',
      "help: Add what should come after `=>`, or delete it.",
    ],
  ],
  [
    "problem p(x) {\n  variable y: real\n  minimize y\n  subject to { y = 1 }\n}",
    [
      'K0101 at "variable": I expected `var`, `minimize`, `maximize`, `subject to`, `let` or `fn`, but found the name `variable`.',
      'K0125 at "=": `=` gives a name to a value; it does not compare.',
      "help: Write `==` to compare, or to state an equation.",
    ],
  ],
  [
    "let x = (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))",
    [
      'K0131 at "(": This is nested more than 100 levels deep.',
      "help: Give the inner parts names with `let`, and use the names.",
    ],
  ],
  [
    `let x = ${"a + ".repeat(1200)}a`,
    [
      'K0131 at "let x = a + a + a + a + a + a + a + a + a + a + a + a + a...": This is nested too deeply, or is one very long chain of operators.',
      "help: Give parts of it names with `let`, and use the names. Long sums are `sum([...])`.",
    ],
  ],
  [
    "let x = 1e999",
    ['K0109 at "1e999": `1e999` is too large: a real ends near 1.8e308.', "help: Write `inf` if infinity is meant."],
  ],
  [
    "let x = “text”",
    [
      'K0107 at "“": The character `“` (U+201C) means nothing here.',
      'help: This is a typographic quote, perhaps from a word processor: write `"`.',
      'K0107 at "”": The character `”` (U+201D) means nothing here.',
      'help: This is a typographic quote, perhaps from a word processor: write `"`.',
    ],
  ],
  [
    "let x = a − b",
    [
      'K0107 at "−": The character `−` (U+2212) means nothing here.',
      "help: This looks like a minus sign but is another character: write `-`.",
    ],
  ],
  [
    "let µ = 1",
    [
      'K0107 at "µ": The character `µ` (U+00B5) means nothing here.',
      "help: This is the micro sign, which only looks like the Greek letter: type μ (U+03BC), or write `mu`.",
    ],
  ],
  [
    "let x = a + b",
    [
      'K0107 at " ": The character U+00A0 means nothing here.',
      "help: This is a no-break space, perhaps pasted from a web page: replace it by a plain space.",
    ],
  ],
  [
    "fn f(a; b) = a",
    [
      'K0128 at ";": Only `objective` and `condition` separate unknowns from parameters with `;`.',
      "help: Separate the parameters with `,`.",
    ],
  ],
  [
    "objective f(a; b; c) = a",
    [
      'K0128 at ";": A list of parameters has at most one `;`.',
      "help: The unknowns stand before it, the parameters after it, each list separated by `,`.",
    ],
  ],
  [
    "problem p(a; b) { minimize a }",
    [
      'K0128 at ";": The parameters of a problem have no `;`: its unknowns are its `var` lines.',
      "help: Separate the parameters with `,`, and declare the unknowns with `var`.",
    ],
  ],
  [
    "let f = x[0] => 1",
    [
      'K0141 at "=>": `=>` follows a name or names in parentheses, nothing else.',
      "help: Write `x => e` or `(a, b) => e`; take the argument apart inside the function.",
    ],
  ],
  [
    "fn f(a, const b) = a",
    ['K0129 at "b": Two names stand side by side: a parameter has a `:` before its type.', "help: Write `b: const`."],
  ],
  [
    "let y = a then b",
    ['K0117 at "then": This `then` belongs to no `if`.', "help: A choice is written `if c then a else b`."],
  ],
  [
    "fn f(x) = { let y = x; show y; y }",
    ['K0139 at "show": `show` cannot stand inside a block.', "help: Move it out of the braces."],
  ],
  [
    "let z = [a\n b]",
    [
      'K0111 at "b": Two expressions stand side by side: the name `b` follows another value.',
      'note at "a": The first one ends here.',
      "help: Perhaps a comma or an operator is missing at the end of the line above.",
    ],
  ],
  [
    "type T (x: real)",
    [
      'K0113 at "(": I expected `=` and what the type `T` stands for.',
      "help: Write `type T = (x: real[d], t: int)`. Dimensions that stay open need no list.",
    ],
  ],
  [
    "solver s() minimizes f { step = 1 }",
    [
      'K0135 at "=": `step` is neither a member nor a `let`.',
      "help: A member takes arguments: `step(s) = ...`. A value of the solver is `let step = ...`.",
    ],
  ],
  [
    "solver s() solves root { start(x) = x }",
    [
      'K0145 at "{": `solves` needs the parts of what is solved, in parentheses.',
      "help: Write `solves root(F)`, `solves linear_solve(A, b)`, `solves problem(f, h, g)`, or `solves (upper, lower)`.",
    ],
  ],
  [
    "let f = (x = 1) => x",
    [
      'K0147 at "=": A parameter of `=>` has no place for a default.',
      "help: Leave it out: the use decides. Types and defaults belong to `fn name(x: real = 1) = ...`.",
    ],
  ],
  [
    "let f: (real -> real)[3] = g",
    [
      'K0143 at "(real -> real)[3]": Functions may not sit in arrays.',
      "help: Keep functions in a tuple: `(f: real -> real, g: real -> real)`.",
    ],
  ],
  [
    "type T = (x: real, int)",
    [
      'K0115 at "int": Some items of this tuple have names and some have not.',
      'note at "x": The first item is here.',
      "help: Name all of them, as in `(x: real, t: int)`, or none, as in `(real, int)`.",
    ],
  ],
  [
    "let y = x.0",
    [
      'K0109 at ".0": `.0` is no field: the fields of a tuple have names.',
      "help: Take a plain tuple apart with a pattern: `let (a, b) = pair`. An entry of an array is `x[0]`.",
    ],
  ],
  [
    'import { a, } from "m"',
    ['K0133 at ",": Nothing follows this `,`.', "help: Delete the `,`, or add what should come after it."],
  ],
  [
    "fn f(x real) = x",
    ['K0129 at "real": Two names stand side by side: a parameter has a `:` before its type.', "help: Write `x: real`."],
  ],
  [
    "let x: = 3",
    [
      'K0101 at "=": I expected a type, but found `=`.',
      "help: Types read `real`, `int[n]`, `(x: real[d], t: int)`, `real[d] -> real`.",
    ],
  ],
  [
    "problem p() {\n  minimise x\n}",
    [
      'K0101 at "minimise": I expected `var`, `minimize`, `maximize`, `subject to`, `let` or `fn`, but found the name `minimise`.',
      "help: Did you mean `minimize`?",
    ],
  ],
  [
    "let y = x := 3",
    ['K0126 at ":=": `:=` is no sign of the language.', "help: A value gets its name with `let name = value`."],
  ],
  [
    'let s = "\\\\\\"',
    [
      'K0104 at "\\"\\\\\\\\\\\\\\"": This string has no closing quote before the end of the line.',
      'help: End it with `"`. A line break inside a string is written `\\n`.',
    ],
  ],
  [
    "assert a ~= b within",
    [
      'K0101 at "": I expected an expression after `within`, but the statement ends here.',
      "help: Add what should come after `within`, or delete it.",
    ],
  ],
  [
    "let y = (a, for: 1)",
    [
      'K0112 at "for": `for` is a reserved word and cannot be the name of a field.',
      "help: Choose another name, such as `for_` or `my_for`.",
    ],
  ],
  [
    "let y = f(in = 1)",
    [
      'K0112 at "in": `in` is a reserved word and cannot be the name of an argument.',
      "help: Choose another name, such as `in_` or `my_in`.",
    ],
  ],
  [
    "let y = a === b !== c <> d",
    [
      'K0127 at "===": `===` is no operator here.',
      "help: Equality is written `==`.",
      'K0127 at "!==": `!==` is no operator here.',
      "help: Write `!=`.",
      'K0127 at "<>": `<>` is no operator here.',
      "help: Write `!=`.",
    ],
  ],
  [
    "solver s minimizes f { start(x) = x }",
    [
      'K0101 at "minimizes": I expected `(` and the options of `s`, but found the name `minimizes`.',
      "help: A solver without options has empty parentheses: `solver s() minimizes f { ... }`.",
    ],
  ],
  [
    "let loss = { let a = 1\n let b = a @@ a\n let c = [1, 2\n c }",
    [
      'K0101 at "@": I expected an expression after `@`, but found `@`.',
      "help: Put a value between `@` and `@`, or delete one of them.",
      'K0102 at "}": A `]` is missing: I reached `}` while a `[` was open.',
      'note at "[": This `[` is never closed.',
      "help: Close the `[` with `]` where it should end.",
    ],
  ],
  [
    "fn f(x) = {\n  let a = = 1\n  let b = 2 +\n  let c = 3\n  let d = (1,)\n  a }",
    [
      'K0101 at "=": I expected an expression after `=`, but found `=`.',
      "help: Put a value between `=` and `=`, or delete one of them.",
      'K0101 at "let": I expected an expression after `+`, but found the word `let`.',
      "help: Add what should come after `+`, or delete it.",
      'K0116 at ",": A tuple of one value does not exist: a plain tuple has none or at least two.',
      "help: Delete the `,`. A tuple of one field has a name: `(x: e)`.",
    ],
  ],
];

describe("syntax errors", () => {
  for (const [text, expected] of programs) {
    it(JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text), () => {
      assert.deepEqual(rendered(text), expected);
    });
  }

  it("are all listed, and every listed one has a test", () => {
    const codes = programs.flatMap(([, lines]) => lines.map((line) => /^K\d+/.exec(line)?.[0] ?? "").filter(Boolean));
    assert.deepEqual([...new Set(codes)].sort(), Object.keys(syntaxCodes).sort());
  });
});
