/** The grammar of `condition`, `problem`, `solver` and `property`: declarations with a body of their own kind. */
import { DeclarationGrammar } from "./declarations.ts";
import { choice, choiceIf, type Rule, when } from "./grammar-base.ts";
import { comparisons, problemHelp } from "./problem-words.ts";
import * as t from "./tokens.ts";
import { endOf, type SyntaxToken } from "./tokens.ts";
import type {
  Condition,
  Constraint,
  Equation,
  Expression,
  FunctionDeclaration,
  Identifier,
  Let,
  Pattern,
  Problem,
  Property,
  Solver,
  SolverForm,
  SolverMember,
  Variable,
} from "./tree.ts";

export abstract class ModelGrammar extends DeclarationGrammar {
  /** `condition steady(x: real[n]; W: real[n, n]) { x == tanh(W @ x) }`. */
  readonly condition: Rule<Condition> = this.RULE("condition", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the condition");
    const dimensions = this.subrule(0, this.dimensionParameters);
    const { unknowns, parameters } = this.unknownsAndParameters(2, name.name);
    const open = this.expect(5, t.OpenBrace, "`{` and the equations", {
      help: `Write \`condition ${name.name}(...) { left == right }\`.`,
    });
    const before = this.diagnostics.length;
    const lets: Let[] = [];
    const equations: Equation[] = [];
    this.items(
      () => {
        this.ACTION(() => this.refuseForeignStatement("block"));
        this.or(0, [
          choice(() => lets.push(this.subrule(5, this.letStatement))),
          choice(() => equations.push(this.subrule(6, this.equation))),
        ]);
      },
      "`let` or an equation",
      () => this.startsItem(),
      () => false,
    );
    this.ACTION(() => {
      if (equations.length > 0 || this.diagnostics.length > before) return;
      this.fail(
        "K0146",
        this.span(open.startOffset, endOf(this.peek())),
        `The condition \`${name.name}\` has no equation.`,
        {
          help: "Add at least one line `left == right`.",
        },
      );
    });
    this.expect(6, t.CloseBrace, "`}` at the end of the condition");
    return this.ACTION(
      (): Condition => ({
        kind: "condition",
        name,
        dimensions,
        unknowns,
        parameters,
        lets,
        equations,
        ...this.framed(start),
      }),
    );
  });

  /** `label: left == right`. */
  readonly equation: Rule<Equation> = this.RULE("equation", () => {
    const start = this.nextStart();
    const label = this.#label();
    const value = this.subrule(0, this.expression);
    return this.ACTION((): Equation => {
      if (this.at(t.Equals)) this.failAfterOperand("`==`");
      const [left, right] = value.kind === "comparison" ? value.operands : [];
      const single = value.kind === "comparison" && value.operators.length === 1 && value.operators[0] === "==";
      if (!single || left === undefined || right === undefined) {
        this.fail("K0146", value.span, "This line of a condition is no equation.", {
          help: "An equation reads `left == right`, with one `==`.",
        });
      }
      return { ...(label === undefined ? {} : { label }), left, right, span: this.spanFrom(start) };
    });
  });

  #label(): Identifier | undefined {
    let label: Identifier | undefined;
    this.option(
      8,
      when(
        () => this.at(t.Identifier) && this.at(t.Colon, 2),
        () => {
          label = this.identifier(this.consume(7, t.Identifier));
          this.consume(7, t.Colon);
        },
      ),
    );
    return label;
  }

  /** `problem plan(A: real[m, n]) { var x: real[n]  minimize e  subject to { ... } }`. */
  readonly problem: Rule<Problem> = this.RULE("problem", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the problem");
    const dimensions = this.subrule(0, this.dimensionParameters);
    this.expect(2, t.OpenParen, `\`(\` and the parameters of \`${name.name}\``, {
      help: `A problem without parameters is \`problem ${name.name}() { ... }\`.`,
    });
    const parameters = this.subrule(1, this.parameterList);
    this.ACTION(() => {
      if (!this.at(t.Semicolon)) return;
      this.fail(
        "K0128",
        this.tokenSpan(this.peek()),
        "The parameters of a problem have no `;`: its unknowns are its `var` lines.",
        {
          help: "Separate the parameters with `,`, and declare the unknowns with `var`.",
        },
      );
    });
    this.expectAfter(3, t.CloseParen, "`,` or `)` after a parameter");
    this.expect(4, t.OpenBrace, "`{` and the model");
    const before = this.diagnostics.length;
    const variables: Variable[] = [];
    const definitions: (Let | FunctionDeclaration)[] = [];
    const constraints: (Let | Constraint)[] = [];
    let goal: { sense: SyntaxToken; value: Expression } | undefined;
    this.items(
      () =>
        this.or(0, [
          choice(() => definitions.push(this.subrule(2, this.letStatement))),
          choiceIf(
            () => this.atWord("fn"),
            () => definitions.push(this.subrule(3, this.functionDeclaration)),
          ),
          choiceIf(
            () => this.atWord("var"),
            () => variables.push(this.subrule(4, this.variable)),
          ),
          choiceIf(
            () => this.atWord("subject"),
            () => {
              const lines = this.subrule(5, this.constraints);
              this.ACTION(() => constraints.push(...lines));
            },
          ),
          choice(() => {
            const sense = this.consume(5, t.Identifier);
            this.ACTION(() => {
              if (goal === undefined) return;
              this.fail("K0137", this.tokenSpan(sense), "A problem has one goal, and this is a second.", {
                notes: [{ message: "The first goal is here.", span: this.tokenSpan(goal.sense) }],
                help: "Add the goals with weights, or make two problems.",
              });
            });
            const value = this.subrule(6, this.expression);
            goal = { sense, value };
          }),
        ]),
      "`var`, `minimize`, `maximize`, `subject to`, `let` or `fn`",
      () => this.at(t.Let) || (this.at(t.Identifier) && problemWords.has(this.peek().image)),
      () => this.#startsProblemItem(),
      [...problemWords],
      () => this.#problemHelp(),
    );
    this.ACTION(() => {
      if (goal !== undefined || this.diagnostics.length > before) return;
      this.fail("K0137", name.span, `The problem \`${name.name}\` says neither \`minimize\` nor \`maximize\`.`, {
        help: "Add a line with its goal. To find any point that satisfies the constraints, write `minimize 0`.",
      });
    });
    this.expect(6, t.CloseBrace, "`}` at the end of the problem");
    return this.ACTION((): Problem => {
      const framed = this.framed(start);
      return {
        kind: "problem",
        name,
        dimensions,
        parameters,
        variables,
        definitions,
        sense: goal?.sense.image === "maximize" ? "maximize" : "minimize",
        // Dropped with the whole statement when there was an error.
        goal: goal?.value ?? { kind: "tuple", items: [], span: framed.span },
        constraints,
        ...framed,
      };
    });
  });

  #problemHelp(): string | undefined {
    if (!this.at(t.Identifier)) return undefined;
    const word = this.peek().image;
    return this.at(t.Colon, 2) ? `A variable is declared with \`var ${word}: real\`.` : problemHelp.get(word);
  }

  /** A word that starts an item of a problem although no separator stands before it. */
  #startsProblemItem(): boolean {
    if (!this.at(t.Identifier)) return false;
    switch (this.peek().image) {
      case "var":
      case "fn":
        return this.at(t.Identifier, 2);
      case "subject":
        return this.atWord("to", 2);
      case "minimize":
      case "maximize":
        return this.startsExpression(2);
      default:
        return false;
    }
  }

  /** `var x: real[n] in simplex`. */
  readonly variable: Rule<Variable> = this.RULE("variable", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the variable");
    const type = this.requiredType(2, "var", name.name, "real[n]");
    let set: Expression | undefined;
    this.option(0, () => {
      this.consume(3, t.In);
      set = this.subrule(0, this.expression);
    });
    this.ACTION(() => {
      if (!comparisons.has(this.peek().tokenType)) return;
      this.failExpected("the end of the variable", {
        help: `Bounds are constraints: \`subject to { ${name.name} ${this.peek().image} ... }\`.`,
      });
    });
    return this.ACTION(
      (): Variable => ({ name, type, ...(set === undefined ? {} : { set }), span: this.spanFrom(start.startOffset) }),
    );
  });

  /** `subject to { let e = ...  cap: a <= b }`. */
  readonly constraints: Rule<readonly (Let | Constraint)[]> = this.RULE("constraints", () => {
    this.consume(0, t.Identifier);
    this.expectWord(1, "to", "`to` after `subject`", { help: "Write `subject to { ... }`." });
    this.expect(2, t.OpenBrace, "`{` and the constraints", {
      help: "The constraints stand in braces, one a line: `subject to { cap: sum(x) <= 1 }`.",
    });
    const list: (Let | Constraint)[] = [];
    this.items(
      () => {
        this.ACTION(() => this.refuseForeignStatement("block"));
        this.or(0, [
          choice(() => list.push(this.subrule(0, this.letStatement))),
          choice(() => list.push(this.subrule(1, this.constraint))),
        ]);
      },
      "`let` or a constraint",
      () => this.startsItem(),
      () => false,
    );
    this.expect(3, t.CloseBrace, "`}` after the constraints");
    return list;
  });

  readonly constraint: Rule<Constraint> = this.RULE("constraint", () => {
    const start = this.nextStart();
    const label = this.#label();
    const value = this.subrule(0, this.expression);
    return this.ACTION((): Constraint => {
      if (this.at(t.Equals)) this.failAfterOperand("`==`");
      return { kind: "constraint", ...(label === undefined ? {} : { label }), value, span: this.spanFrom(start) };
    });
  });

  /** `solver ista(g, step: real = 1) minimizes f { start(x) = ...  next(s, t) = ... }`. */
  readonly solver: Rule<Solver> = this.RULE("solver", () => {
    const start = this.consume(0, t.Identifier);
    const name = this.expectName(1, "the solver");
    this.expect(2, t.OpenParen, `\`(\` and the options of \`${name.name}\``, {
      help: `A solver without options has empty parentheses: \`solver ${name.name}() minimizes f { ... }\`.`,
    });
    const options = this.subrule(0, this.parameterList);
    this.expectAfter(3, t.CloseParen, "`,` or `)` after an option");
    this.ACTION(() => {
      if (this.atWord("minimizes") || this.atWord("solves")) return;
      this.fail("K0145", this.tokenSpan(this.peek()), `The solver \`${name.name}\` does not say what it answers.`, {
        help: "After the options comes `minimizes f`, `solves root(F)`, or the parts of a form of its own: `solves (upper, lower)`.",
      });
    });
    const form = this.subrule(1, this.solverForm);
    this.expect(4, t.OpenBrace, "`{` and the members of the solver");
    const members: Solver["members"][number][] = [];
    this.items(
      () =>
        this.or(0, [
          choice(() => members.push(this.subrule(2, this.letStatement))),
          choiceIf(
            () => this.atWord("fn") && !this.at(t.OpenParen, 2),
            () => members.push(this.subrule(3, this.functionDeclaration)),
          ),
          choice(() => members.push(this.subrule(4, this.solverMember))),
        ]),
      "a member such as `start(x) = ...`, `let` or `fn`",
      () => this.at(t.Let) || this.at(t.Identifier),
      () => this.atWord("fn") && this.at(t.Identifier, 2),
    );
    this.expect(5, t.CloseBrace, "`}` at the end of the solver");
    return this.ACTION((): Solver => ({ kind: "solver", name, options, form, members, ...this.framed(start) }));
  });

  /** `minimizes f(x, k)`, `solves root(F)`, `solves (upper, lower)`. */
  readonly solverForm: Rule<SolverForm> = this.RULE("solverForm", () => {
    const word = this.consume(0, t.Identifier);
    let form: Identifier | undefined;
    this.option(0, () => {
      form = this.identifier(this.consume(1, t.Identifier));
    });
    let parts: readonly Identifier[] | undefined;
    this.option(1, () => {
      parts = this.subrule(0, this.partNames);
    });
    return this.ACTION((): SolverForm => {
      const span = this.spanFrom(word.startOffset);
      if (word.image === "minimizes" && form !== undefined) {
        return { kind: "minimizes", objective: form, ...(parts === undefined ? {} : { arguments: parts }), span };
      }
      if (word.image === "solves" && parts !== undefined) {
        return form === undefined ? { kind: "own", parts, span } : { kind: "solves", form, parts, span };
      }
      const found = this.tokenSpan(this.peek());
      if (word.image === "minimizes") {
        this.fail("K0145", found, "`minimizes` needs a name for the objective.", {
          help: "Write `minimizes f`, or `minimizes f(x, k)` if it takes a key.",
        });
      }
      this.fail("K0145", found, "`solves` needs the parts of what is solved, in parentheses.", {
        help: "Write `solves root(F)`, `solves linear_solve(A, b)`, `solves problem(f, h, g)`, or `solves (upper, lower)`.",
      });
    });
  });

  readonly partNames: Rule<readonly Identifier[]> = this.RULE("partNames", () => {
    this.consume(0, t.OpenParen);
    const names: Identifier[] = [this.expectName(1, "a part")];
    this.many(0, () => {
      this.consume(2, t.Comma);
      names.push(this.expectName(3, "a part"));
    });
    this.expect(4, t.CloseParen, "`,` or `)` after the name of a part");
    return names;
  });

  /** `start(x) = e`, `next(s, t) = e`. */
  readonly solverMember: Rule<SolverMember> = this.RULE("solverMember", () => {
    const name = this.expectName(0, "a member");
    this.ACTION(() => {
      if (this.at(t.OpenParen)) return;
      if (this.at(t.Equals)) {
        this.fail("K0135", this.tokenSpan(this.peek()), `\`${name.name}\` is neither a member nor a \`let\`.`, {
          help: `A member takes arguments: \`${name.name}(s) = ...\`. A value of the solver is \`let ${name.name} = ...\`.`,
        });
      }
      this.failExpected(`\`(\` after \`${name.name}\``, { help: "A member of a solver reads `start(x) = ...`." });
    });
    this.consume(1, t.OpenParen);
    const parameters: Pattern[] = [];
    this.option(0, () => {
      parameters.push(this.subrule(0, this.parameterPattern));
      this.many(0, () => {
        this.consume(2, t.Comma);
        parameters.push(this.subrule(1, this.parameterPattern));
      });
    });
    this.expect(3, t.CloseParen, "`,` or `)` after a parameter");
    const body = this.definition(4, "member", name.name);
    return this.ACTION(
      (): SolverMember => ({
        kind: "member",
        name,
        parameters,
        body,
        span: this.spanFrom(name.span.start),
        ...this.documentationAt(name.span.start),
      }),
    );
  });

  /** `property "t" for all (w: real[5] in normal(), n: int in 1..6 where n > 2) { ... }`. */
  readonly property: Rule<Property> = this.RULE("property", () => {
    const start = this.consume(0, t.Identifier);
    const title = this.subrule(0, this.string);
    const help = { help: 'Write `property "title" for all (x: real[3] in normal()) { left ~= right }`.' };
    this.expect(1, t.For, "`for all` and the variables", help);
    this.expectWord(2, "all", "`all` after `for`", help);
    this.expect(3, t.OpenParen, "`(` and the variables", help);
    const variables: Property["variables"][number][] = [];
    this.option(0, () => {
      variables.push(this.subrule(1, this.propertyVariable));
      this.many(0, () => {
        this.consume(4, t.Comma);
        variables.push(this.subrule(2, this.propertyVariable));
      });
    });
    this.expectAfter(5, t.CloseParen, "`,` or `)` after a variable");
    const body = this.subrule(3, this.block);
    return this.ACTION((): Property => ({ kind: "property", title, variables, body, ...this.framed(start) }));
  });

  readonly propertyVariable: Rule<Property["variables"][number]> = this.RULE("propertyVariable", () => {
    const name = this.expectName(0, "a variable");
    const type = this.requiredType(1, "for all", name.name, "real in normal()");
    let generator: Expression | undefined;
    this.option(0, () => {
      this.consume(2, t.In);
      generator = this.subrule(0, this.expression);
    });
    let condition: Expression | undefined;
    this.option(
      1,
      when(
        () => this.atWord("where"),
        () => {
          this.consume(3, t.Identifier);
          condition = this.subrule(2, this.expression);
        },
      ),
    );
    return this.ACTION(() => ({
      name,
      type,
      ...(generator === undefined ? {} : { generator }),
      ...(condition === undefined ? {} : { condition }),
      span: this.spanFrom(name.span.start),
    }));
  });

  protected startsItem(): boolean {
    return this.at(t.Let) || this.startsExpression();
  }

  protected framed(start: SyntaxToken): { span: { file: string; start: number; end: number }; documentation?: string } {
    return { span: this.spanFrom(start.startOffset), ...this.documentationAt(start.startOffset) };
  }
}

const problemWords: ReadonlySet<string> = new Set(["var", "fn", "minimize", "maximize", "subject"]);
