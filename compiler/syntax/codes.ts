/** Every diagnostic code of this stage, with the words for its page in spec/errors.md. */

export interface CodePage {
  readonly title: string;
  /** A short paragraph in plain words. */
  readonly explanation: string;
}

function page(title: string, explanation: string): CodePage {
  return { title, explanation };
}

/** The codes of syntax errors. Each is produced somewhere in this folder, and each has a test with its message. */
export const syntaxCodes: Readonly<Record<string, CodePage>> = {
  K0101: page(
    "Something else was expected",
    "The program cannot go on with what stands here. The message says what could stand here instead. The mistake may lie a little earlier: look at what comes just before the place shown.",
  ),
  K0102: page(
    "A bracket is never closed",
    "A `(`, `[` or `{` was opened, and the file, or a line that can only start a new statement, came before it was closed. The note shows the bracket that is open. Add the closing bracket where it should end.",
  ),
  K0103: page(
    "A closing bracket that does not fit",
    "A `)`, `]` or `}` closes nothing, or is not the kind of bracket that was opened. Either it is one too many, or the one that should open before it is missing or of another kind.",
  ),
  K0104: page(
    "A string without an end",
    'A string starts with `"` and must end with `"` on the same line. A line break inside a string is written `\\n`.',
  ),
  K0105: page(
    "A comment without an end",
    "A comment that starts with `/*` goes on until `*/`. Without that, the whole rest of the file is a comment. Comments of one line start with `//`.",
  ),
  K0106: page(
    "An unknown escape in a string",
    'After a backslash in a string comes `"`, `\\`, `n` (line break) or `t` (tab). A backslash itself is written twice.',
  ),
  K0107: page(
    "A character that means nothing",
    "The character is no part of the language. Often it comes from a word processor or a web page (a dash instead of a minus sign, typographic quotes, an invisible space), or from mathematics (`≤` is written `<=`). Any character may stand in comments and strings.",
  ),
  K0108: page(
    "A letter that cannot stand in a name",
    "Names are made of the letters a to z and A to Z, Greek letters, digits and `_`. Other letters are refused because many of them look alike.",
  ),
  K0109: page(
    "A number written in an unknown form",
    "Numbers have digits on both sides of the dot (`1.0`, `0.5`), an optional exponent (`1e-3`), or are hexadecimal integers (`0x6D2B`). So `0..n` and `s.x` can never be mistaken for numbers. A product needs its sign: `2 * x`.",
  ),
  K0110: page(
    "A line that starts with a minus sign and a space",
    "It could go on with the line above, as a difference, or start a new expression, as a negative value. To subtract, end the line above with `-`. To start with a negative value, write the sign next to it: `-x`.",
  ),
  K0111: page(
    "Two expressions side by side",
    "Nothing stands between two values: an operator or a comma is missing, or two statements share a line. `2 x` is no product; write `2 * x`. Two statements on one line are separated by `;`.",
  ),
  K0112: page(
    "A reserved word used as a name",
    "The words `let if then else for in while loop scan with and or not true false` have a fixed meaning everywhere and cannot be names. All other words can. `_` stands only in patterns, for a value nobody needs.",
  ),
  K0113: page(
    "A definition without its equals sign",
    "What is defined is followed by `=` and what it is: `let x = 1`, `fn f(x) = x + 1`, `fn g(x) = { ... }`, `type State = (x: real)`.",
  ),
  K0114: page(
    "An argument without a name after one with a name",
    "In a call the arguments without names come first, in the order of the parameters; those with names come last: `f(a, b, tol = 1e-6)`.",
  ),
  K0115: page(
    "A tuple with some names",
    "Either all items of a tuple have names, `(x: 1, y: 2)`, or none has, `(1, 2)`. The same holds for the types of tuples.",
  ),
  K0116: page(
    "A plain tuple of one value",
    "Parentheses around one value only group. A plain tuple has no items or at least two. A tuple of one field has a name: `(x: 1)`.",
  ),
  K0117: page(
    "An incomplete `if`",
    "A choice is an expression and has a value either way: `if c then a else b`. The words `then` and `else` are both needed, also where `a` and `b` are blocks.",
  ),
  K0118: page(
    "A block without a value",
    "The last line of a block `{ ... }` is its value. A block that is empty, or ends with a `let`, has none.",
  ),
  K0119: page(
    "A value that nothing uses",
    "A line of a block that is neither a `let` nor the last line would be computed for nothing: functions have no effects. Give the value a name, or delete the line.",
  ),
  K0120: page(
    "A definition without a value",
    "After the name comes `=` and the value. If the value stands on the next line, the first line still ends with `=`.",
  ),
  K0121: page(
    "A chain of comparisons that turns round",
    "A chain such as `0 <= x < n` reads as `0 <= x and x < n`; all its signs point the same way. `a < b > c` says nothing about `a` and `c`, so it is written out with `and`.",
  ),
  K0122: page(
    "A comparison that cannot stand in a chain",
    "`!=` and `~=` compare two values: `a != b != c` would not say that all three differ. Join the comparisons with `and`.",
  ),
  K0123: page(
    "A prime in a name",
    "`'` always means transpose, so that `A'` is never in doubt. A next value is called `x_new` or `x1`.",
  ),
  K0124: page(
    "A misspelt statement",
    "The line starts with a word that is nearly, but not quite, the word of a statement. The message says which one was probably meant.",
  ),
  K0125: page(
    "`=` where a comparison was meant",
    "`=` gives a name to a value or a value to an argument. Comparisons, equations and constraints have `==`.",
  ),
  K0126: page(
    "`:=` is not used",
    "A value gets its name with `let name = value`, and keeps it: there is no assignment.",
  ),
  K0127: page(
    "An operator of another language",
    "Powers are written `x^2`; the logical operators are the words `and`, `or` and `not`; comparisons are `==` and `!=`.",
  ),
  K0128: page(
    "A `;` where none can stand",
    "`;` separates statements on one line, and, once in a call or in the head of an `objective` or `condition`, the unknowns from the parameters: `f(x; p)`. Items of lists are separated by `,`.",
  ),
  K0129: page(
    "A word of another language",
    "Functions are declared with `fn`, values with `let`; the type comes after the name (`x: real`); the last line of a block is its value, without `return`.",
  ),
  K0130: page(
    "A decimal comma",
    "A decimal number has a dot: `0.5`. A comma separates values. If two values are meant, put a space after the comma.",
  ),
  K0131: page(
    "Nested too deeply",
    "Expressions may be nested about 100 levels deep, and chains of operators may have about a thousand parts. Give parts of the expression names with `let`.",
  ),
  K0132: page(
    "`if`, `loop` or a function as an operand",
    "`if` and `x => ...` take in everything to their right, so as operands they stand in parentheses: `1 + (if c then a else b)`. So do `loop` and `scan`.",
  ),
  K0133: page(
    "Nothing after a comma",
    "A list does not end with a comma. Delete it, or add what should come after it.",
  ),
  K0134: page(
    "A declaration without its type",
    '`data`, `param`, the `var` of a problem and the variables of a property always have a type: `data X: real[n, d] from "x.csv"`, `param penalty: real = 0.1`.',
  ),
  K0135: page(
    "A name without `let`",
    "A value gets its name once, with `let x = ...`. There is no assignment; a value that changes from step to step is the state of a `loop`. To compare, write `==`.",
  ),
  K0136: page(
    "`not` that needs parentheses",
    "`not` binds looser than comparisons and arithmetic: `not a == b` is `not (a == b)`. After a tighter operator it stands in parentheses.",
  ),
  K0137: page(
    "A problem without its one goal",
    "A `problem` has exactly one line `minimize ...` or `maximize ...`. Several goals are added with weights. `minimize 0` asks for any point that satisfies the constraints.",
  ),
  K0138: page("A string in single quotes", "Strings have double quotes. `'` transposes what stands before it."),
  K0139: page(
    "A declaration inside a block",
    "A block holds `let` lines and a value. `fn` stands at top level, in a `solver` and in a `problem`; inside a block a function is `let f = x => ...`. Statements with effects stand at top level only.",
  ),
  K0140: page(
    "A range with three parts",
    "A range is `a..b`. Other steps come from arithmetic, `2 * (0..n)`, or from a slice, `x[a:b:2]`.",
  ),
  K0141: page(
    "The wrong arrow",
    "`=>` makes a function: `x => x + 1`. `->` stands in types, before a result: `fn f(x: real) -> real = ...`, `real[d] -> real`.",
  ),
  K0142: page(
    "`:` and `=` exchanged",
    "The fields of a tuple get their values with `:`, as in `(x: 1)`; the arguments of a call get their names with `=`, as in `f(x = 1)`.",
  ),
  K0143: page(
    "Dimensions that do not belong to an array type",
    "An array type has one pair of brackets with all its dimensions, after a name or a tuple: `real[n, m]`. Functions may not sit in arrays.",
  ),
  K0144: page(
    "An operator after a loop",
    "`loop` and `scan` end at their `}`. To compute with the value, put the loop in parentheses, `(loop ... { }).x`, or give the value a name.",
  ),
  K0145: page(
    "A solver that does not say what it answers",
    "After its options a solver has `minimizes f`, `solves` with the form and its parts, `solves root(F)`, or the parts of a form of its own, `solves (upper, lower)`.",
  ),
  K0146: page(
    "A condition without equations",
    "The body of a `condition` is one or more lines `left == right`, after any `let` lines. An inequality belongs to a `problem`.",
  ),
  K0147: page(
    "A type or default for a parameter of `=>`",
    "The parameters of a function written in place have neither types nor defaults: its use decides. `fn name(x: real = 1) = ...` has both.",
  ),
  K0148: page(
    "An update without what changes",
    "After `with` come fields with their names, `s with (x: 1)`, or entries with `=` or `+=`, `a with [i] = 1`.",
  ),
};
