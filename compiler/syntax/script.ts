/** The grammar of a statement: which declaration a line is, decided by its first words. */
import { choice, choiceIf, type Rule } from "./grammar-base.ts";
import { ModelGrammar } from "./models.ts";
import { closest } from "./suggest.ts";
import * as t from "./tokens.ts";
import { startsOperand } from "./tokens.ts";
import type { ExpressionStatement, Statement } from "./tree.ts";

type Kind = Statement["kind"];

const declarations: ReadonlySet<string> = new Set([
  "data",
  "param",
  "fn",
  "type",
  "objective",
  "condition",
  "problem",
  "solver",
]);
const effects: ReadonlySet<string> = new Set(["show", "plot", "save", "assert"]);
const statementWords: readonly string[] = [...declarations, ...effects, "import", "property", "let"];

/** What people write who come from another language, and what to write instead. */
const foreignWords: ReadonlyMap<string, string> = new Map([
  ["function", "A function is `fn name(x) = ...`."],
  ["func", "A function is `fn name(x) = ...`."],
  ["fun", "A function is `fn name(x) = ...`."],
  ["def", "A function is `fn name(x) = ...`."],
  ["lambda", "A function in place is `x => ...`."],
  ["const", "A value gets its name with `let name = ...`; all names are constant."],
  ["var", "A value gets its name with `let name = ...`; `var` stands in a `problem`."],
  ["val", "A value gets its name with `let name = ...`."],
  ["auto", "A value gets its name with `let name = ...`."],
  ["mut", "Names are never assigned again; a changing state is that of `loop s = s0 for t in 0..n { next }`."],
  ["return", "Leave the word out: the last line of a block is its value."],
  ["real", "The type comes after the name: `let x: real = ...`."],
  ["int", "The type comes after the name: `let n: int = ...`."],
  ["bool", "The type comes after the name: `let b: bool = ...`."],
  ["elif", "A choice between several is `if a then b else if c then d else e`."],
  ["elseif", "A choice between several is `if a then b else if c then d else e`."],
  ["print", "A script shows a value with `show e`."],
  ["struct", "A type with fields is `type Name = (x: real, t: int)`."],
  ["class", "A type with fields is `type Name = (x: real, t: int)`; there are no methods."],
  ["from", 'Names come from a module with `import { name } from "std/roots"`.'],
  ["using", 'Names come from a module with `import { name } from "std/roots"`.'],
  ["use", 'Names come from a module with `import { name } from "std/roots"`.'],
  ["minimize", "`minimize` stands in a `problem`; elsewhere it is a function: `minimize(f, from = x0)`."],
  ["maximize", "`maximize` stands in a `problem`; elsewhere it is a function: `maximize(f, from = x0)`."],
]);

export class Grammar extends ModelGrammar {
  #kind: Kind = "expression";
  #alternatives: { GATE?: () => boolean; ALT: () => Statement }[] | undefined;

  constructor() {
    super();
    this.prepareLookahead();
  }

  /** One statement of a script or module. */
  readonly statement: Rule<Statement> = this.RULE("statement", () => {
    this.ACTION(() => {
      this.#kind = this.#statementKind();
      if (this.#kind === "expression") this.refuseForeignStatement("script");
    });
    this.#alternatives ??= [
      choiceIf(this.#is("let"), () => this.subrule(0, this.letStatement)),
      choiceIf(this.#is("fn"), () => this.subrule(0, this.functionDeclaration)),
      choiceIf(this.#is("data"), () => this.subrule(0, this.dataStatement)),
      choiceIf(this.#is("param"), () => this.subrule(0, this.paramStatement)),
      choiceIf(this.#is("import"), () => this.subrule(0, this.importStatement)),
      choiceIf(this.#is("type"), () => this.subrule(0, this.typeAlias)),
      choiceIf(this.#is("objective"), () => this.subrule(0, this.objective)),
      choiceIf(this.#is("condition"), () => this.subrule(0, this.condition)),
      choiceIf(this.#is("problem"), () => this.subrule(0, this.problem)),
      choiceIf(this.#is("solver"), () => this.subrule(0, this.solver)),
      choiceIf(this.#is("property"), () => this.subrule(0, this.property)),
      choiceIf(this.#is("show"), () => this.subrule(0, this.show)),
      choiceIf(this.#is("plot"), () => this.subrule(0, this.plot)),
      choiceIf(this.#is("save"), () => this.subrule(0, this.save)),
      choiceIf(this.#is("assert"), () => this.subrule(0, this.assert)),
      choice(() => this.subrule(0, this.expressionStatement)),
    ];
    return this.or(0, this.#alternatives);
  });

  #is(kind: Kind): () => boolean {
    return () => this.#kind === kind;
  }

  readonly expressionStatement: Rule<ExpressionStatement> = this.RULE("expressionStatement", () => {
    const start = this.nextStart();
    const value = this.subrule(0, this.expression);
    return this.ACTION((): ExpressionStatement => {
      this.refuseAssignment(value);
      return { kind: "expression", value, span: this.spanFrom(start), ...this.documentationAt(start) };
    });
  });

  /** An expression and nothing else, for the REPL. */
  readonly expressionOnly: Rule<ExpressionStatement> = this.RULE("expressionOnly", () => {
    const statement = this.subrule(0, this.expressionStatement);
    this.ACTION(() => {
      while (this.at(t.Separator)) this.skipToken();
      if (!this.isEnd()) this.failAfterOperand("the end of the expression");
    });
    return statement;
  });

  /** After a statement of the script: its end, or the start of another one where no separator is needed. */
  finishStatement(): void {
    if (this.isEnd() || this.at(t.Separator)) return;
    if (this.at(t.Comma)) {
      this.skipToken();
      this.refuseDecimalComma();
      this.fail("K0101", this.tokenSpan(this.LA(0)), "I expected the end of the statement, but found `,`.", {
        help: "Several values stand in `(a, b)` or `[a, b]`.",
      });
    }
    this.requireSeparator(() => this.#statementKind() !== "expression");
  }

  /** Past the separators between two statements; false at the end. */
  reachStatement(): boolean {
    while (this.at(t.Separator)) this.skipToken();
    return !this.isEnd();
  }

  /** What kind of statement starts here. A word starts one only where what follows fits. */
  #statementKind(): Kind {
    const first = this.peek();
    if (first.tokenType === t.Let) return "let";
    if (first.tokenType !== t.Identifier) return "expression";
    const word = first.image;
    const next = this.peek(2);
    const named = next.tokenType === t.Identifier;
    if (declarations.has(word)) {
      const reserved = t.isReserved(next) && !this.at(t.InfixOperator, 2) && !t.continuesExpression(next);
      return named || reserved ? (word as Kind) : "expression";
    }
    if (effects.has(word)) {
      const shows = startsOperand(next) || next.tokenType === t.Minus;
      return (shows && next.lineStart !== true) || this.isEnd(2) ? (word as Kind) : "expression";
    }
    if (word === "property") return next.tokenType === t.StringToken ? "property" : "expression";
    if (word === "import") {
      const starts = [t.OpenBrace, t.StringToken, t.Star];
      return named || (starts.includes(next.tokenType) && next.lineStart !== true) ? "import" : "expression";
    }
    return "expression";
  }

  protected override refuseForeignStatement(where: "block" | "script"): void {
    const first = this.peek();
    if (first.tokenType !== t.Identifier) {
      if (where === "script") this.#refuseStray();
      return;
    }
    const word = first.image;
    const next = this.peek(2);
    if (next.lineStart === true || this.isEnd(2)) return;
    const besideName = next.tokenType === t.Identifier;
    const besideValue =
      besideName || (startsOperand(next) && next.tokenType !== t.OpenParen && next.tokenType !== t.OpenBracket);
    const help = foreignWords.get(word);
    const isReturn = word === "return" && (besideValue || next.tokenType === t.OpenParen || next.tokenType === t.Minus);
    if (help !== undefined && (besideValue || isReturn) && !(word === "lambda" && !besideName)) {
      this.fail("K0129", this.tokenSpan(first), `\`${word}\` starts no statement here.`, { help });
    }
    if (where === "block" && besideValue && (declarations.has(word) || effects.has(word) || word === "import")) {
      const advice =
        word === "fn"
          ? "Inside a block write `let f = x => ...`. `fn` stands at top level, in a `solver` and in a `problem`."
          : "Move it out of the braces.";
      this.fail("K0139", this.tokenSpan(first), `\`${word}\` cannot stand inside a block.`, { help: advice });
    }
    if (where === "script" && besideValue && !besideName && !effects.has(word)) {
      const meant = closest(word, [...effects]);
      if (meant !== undefined)
        this.fail("K0124", this.tokenSpan(first), `\`${word}\` starts no statement.`, {
          help: `Did you mean \`${meant}\`?`,
        });
    }
    if (where === "script" && word === "property" && besideName)
      this.fail("K0124", this.tokenSpan(first), "A property has a title in quotes.", {
        help: `Write \`property "title" for all (x: real in normal()) { ... }\`.`,
      });
    if (where === "script" && besideName) {
      const meant = closest(word, statementWords);
      if (meant === undefined) return;
      this.fail("K0124", this.tokenSpan(first), `\`${word}\` starts no statement.`, {
        help: `Did you mean \`${meant}\`?`,
      });
    }
  }

  /** A token that starts no statement at all. */
  #refuseStray(): void {
    if (this.startsExpression()) return;
    this.failNoOperand();
  }
}
