/** Statements and declarations as documents to lay out. */

import { concat, type Doc, fill, group, hardline, line, nest } from "./layout.ts";
import { ExpressionLayout } from "./layout-expressions.ts";
import { precedence } from "./operators.ts";
import { stringText } from "./strings.ts";
import type {
  Condition,
  Constraint,
  Data,
  Equation,
  Expression,
  FunctionDeclaration,
  Identifier,
  Let,
  Objective,
  Parameter,
  Problem,
  Property,
  Solver,
  SolverForm,
  SolverMember,
  SourceFile,
  Span,
  Statement,
  Variable,
} from "./tree.ts";
import type { Written } from "./written.ts";

type Item = Statement | SolverMember;

export class StatementLayout extends ExpressionLayout {
  readonly #subjects: readonly number[];

  /** `subjects`: where `subject to` stands in the text; the tree holds only what is inside its braces. */
  constructor(written: Written, subjects: readonly number[]) {
    super(written);
    this.#subjects = subjects;
  }

  file(source: SourceFile): Doc {
    const body = this.lines(source.statements, 0, Number.POSITIVE_INFINITY, (statement) => this.statement(statement));
    return body === undefined ? "" : concat(body, hardline);
  }

  statement(s: Item): Doc {
    return concat(this.documentation(s), this.#statement(s));
  }

  protected override documentation(s: { readonly documentation?: string; readonly span?: Span }): Doc {
    // Where there is text, the comment was printed as the comment it is.
    if (s.documentation === undefined || (this.written?.length ?? 0) > 0) return "";
    const lines = s.documentation.split("\n");
    return concat(...lines.flatMap((text): Doc[] => [text === "" ? "///" : `/// ${text}`, hardline]));
  }

  #statement(s: Item): Doc {
    switch (s.kind) {
      case "import": {
        const names = s.names.map(({ name, as }) => (as === undefined ? name.name : `${name.name} as ${as.name}`));
        const inside = names.length === 0 ? "{}" : `{ ${names.join(", ")} }`;
        return `import ${inside} from ${stringText(s.from.value)}`;
      }
      case "data":
        return this.#data(s);
      case "param": {
        const head = concat(`param ${s.name.name}: `, this.type(s.type), " =");
        return this.defined(head, s.value, s.type.span.end);
      }
      case "let":
        return this.letLine(s);
      case "fn":
        return this.#fn(s);
      case "type":
        return concat(`type ${s.name.name} = `, this.type(s.type));
      case "objective":
        return this.#objective(s);
      case "condition":
        return this.#condition(s);
      case "problem":
        return this.#problem(s);
      case "solver":
        return this.#solver(s);
      case "member": {
        const parameters = s.parameters.map((p, index) => concat(index === 0 ? "" : ", ", this.pattern(p)));
        const head = concat(`${s.name.name}(`, ...parameters, ") =");
        return this.defined(head, s.body, this.#equals(s.body));
      }
      case "property":
        return this.#property(s);
      case "show":
        return this.#listed("show", s.items, (item) => this.expression(item));
      case "plot":
        return this.#listed("plot", s.arguments, (argument) => this.argument(argument));
      case "save":
        return concat("save ", this.expression(s.value), ` to ${stringText(s.to.value)}`);
      case "assert": {
        const condition = this.expression(s.condition);
        if (s.message === undefined) return concat("assert ", condition);
        const items = [concat("assert ", condition, ","), stringText(s.message.value)];
        return nest(2, fill(items, [false, this.broken(s.condition.span.end, s.message.span.start)]));
      }
      case "expression":
        return this.expression(s.value);
    }
  }

  /** The offset of the `=` before a value. */
  #equals(value: Expression): number {
    return this.written?.before("=", value.span.start) ?? 0;
  }

  /** `show a, b`: further lines are indented. */
  #listed<T extends { readonly span: Span }>(word: string, items: readonly T[], layout: (item: T) => Doc): Doc {
    const breaks: boolean[] = [];
    const docs: Doc[] = [];
    for (const [index, item] of items.entries()) {
      const before = items[index - 1];
      breaks.push(before !== undefined && this.broken(before.span.end, item.span.start));
      const comments = index === 0 ? undefined : this.written?.inline(item.span.start);
      const doc = concat(comments ?? "", layout(item), index < items.length - 1 ? "," : "");
      docs.push(index === 0 ? concat(`${word} `, doc) : doc);
    }
    return nest(2, fill(docs, breaks));
  }

  #data(s: Data): Doc {
    const parts: Doc[] = [`data ${s.name.name}: `, this.type(s.type)];
    if (s.from !== undefined) parts.push(` from ${stringText(s.from.value)}`);
    if (s.selection !== undefined) {
      const words = s.selection.kind === "except" ? "columns except" : s.selection.kind;
      parts.push(` ${words} ${s.selection.names.map((name) => stringText(name.value)).join(", ")}`);
    }
    return concat(...parts);
  }

  #dimensionNames(names: readonly Identifier[]): string {
    return names.length === 0 ? "" : `[${names.map((name) => name.name).join(", ")}]`;
  }

  #parameter(parameter: Parameter): Doc {
    const parts: Doc[] = [parameter.name.name];
    if (parameter.type !== undefined) parts.push(": ", this.type(parameter.type));
    if (parameter.default !== undefined) parts.push(" = ", this.expression(parameter.default));
    return concat(...parts);
  }

  /** `(a: real, b = 1; p)`. */
  #parameters(first: readonly Parameter[], from: number, second: readonly Parameter[] = []): Doc {
    const all = [...first, ...second];
    const count = first.length;
    const separators = (index: number): string => {
      if (index === all.length - 1) return "";
      return index === count - 1 ? ";" : ",";
    };
    const open = count === 0 && second.length > 0 ? "(; " : "(";
    return this.separated(
      open,
      all,
      ")",
      from,
      (p) => this.#parameter(p),
      (p) => p.span,
      false,
      separators,
    );
  }

  #fn(s: FunctionDeclaration): Doc {
    const head: Doc[] = [`fn ${s.name.name}${this.#dimensionNames(s.dimensions)}`];
    head.push(this.#parameters(s.parameters, (s.dimensions.at(-1) ?? s.name).span.end));
    if (s.result !== undefined) head.push(" -> ", this.type(s.result));
    const body = this.defined(concat(...head, " ="), s.body, this.#equals(s.body));
    if (s.rule === undefined) return body;
    const rule = concat(`${s.rule.kind} `, this.lambda(s.rule.rule));
    const edge = this.broken(s.body.span.end, s.rule.span.start) ? hardline : line;
    return group(concat(body, nest(2, concat(edge, rule))));
  }

  #objective(s: Objective): Doc {
    const head: Doc[] = [`objective ${s.name.name}${this.#dimensionNames(s.dimensions)}`];
    head.push(this.#parameters(s.unknowns, (s.dimensions.at(-1) ?? s.name).span.end, s.parameters));
    if (s.result !== undefined) head.push(" -> ", this.type(s.result));
    return this.defined(concat(...head, " ="), s.body, this.#equals(s.body));
  }

  #condition(s: Condition): Doc {
    const head = `condition ${s.name.name}${this.#dimensionNames(s.dimensions)}`;
    const parameters = this.#parameters(s.unknowns, (s.dimensions.at(-1) ?? s.name).span.end, s.parameters);
    const items = inOrder<Let | Equation>([...s.lets, ...s.equations]);
    const body = this.#body(items, s.span, endOfHead(s, s.unknowns, s.parameters), (item) =>
      "kind" in item ? this.statement(item) : this.#equation(item),
    );
    return concat(head, parameters, " ", body);
  }

  #equation(e: Equation): Doc {
    const label = e.label === undefined ? "" : `${e.label.name}: `;
    const left = concat(label, this.expression(e.left, precedence.range), " ==");
    const right = this.expression(e.right, precedence.range);
    return nest(2, fill([left, right], [false, this.broken(e.left.span.end, e.right.span.start)]));
  }

  /** Braces around one item may stay on one line; more go one a line. The braces end at the end of `span`. */
  #body<T extends { readonly span: Span }>(
    items: readonly T[],
    span: Span,
    head: number,
    layout: (item: T) => Doc,
  ): Doc {
    const [only] = items;
    if (items.length !== 1 || only === undefined || this.written?.hasBefore(span.end) === true) {
      return this.#bracesAfter(head, items, span.end, layout);
    }
    const doc = layout(only);
    const edge = this.broken(only.span.end, span.end) ? hardline : line;
    return group(concat("{", nest(2, concat(edge, doc)), edge, "}"));
  }

  /** Braces that open after the offset `head` and close at `end`. */
  #bracesAfter<T extends { readonly span: Span }>(
    head: number,
    items: readonly T[],
    end: number,
    layout: (item: T) => Doc,
  ): Doc {
    const start = this.written?.after("{", head) ?? head;
    return this.braces(items, { file: "", start, end }, layout);
  }

  #problem(s: Problem): Doc {
    const head = `problem ${s.name.name}${this.#dimensionNames(s.dimensions)}`;
    const parameters = this.#parameters(s.parameters, (s.dimensions.at(-1) ?? s.name).span.end);
    interface Line {
      readonly span: Span;
      readonly layout: () => Doc;
    }
    const lines: Line[] = s.variables.map((v) => ({ span: v.span, layout: () => this.#variable(v) }));
    for (const d of s.definitions) lines.push({ span: d.span, layout: () => this.statement(d) });
    const goal = (): Doc => concat(`${s.sense} `, this.expression(s.goal));
    lines.push({ span: s.goal.span, layout: goal });
    const [first] = s.constraints;
    if (first !== undefined) {
      const start = this.#subjects.findLast((at) => at >= s.span.start && at < first.span.start) ?? first.span.start;
      const last = s.constraints.at(-1)?.span.end ?? first.span.end;
      const end = (this.written?.after("}", last) ?? last) + 1;
      const inside = { file: "", start, end };
      lines.push({
        span: inside,
        layout: () =>
          concat(
            "subject to ",
            this.#body<Let | Constraint>(s.constraints, inside, start, (c) =>
              c.kind === "let" ? this.statement(c) : this.#constraint(c),
            ),
          ),
      });
    }
    return concat(
      head,
      parameters,
      " ",
      this.#bracesAfter(endOfHead(s, s.parameters), inOrder(lines), s.span.end, (one) => one.layout()),
    );
  }

  #variable(v: Variable): Doc {
    const declared = concat(`var ${v.name.name}: `, this.type(v.type));
    return v.set === undefined ? declared : concat(declared, " in ", this.expression(v.set));
  }

  #constraint(c: Constraint): Doc {
    const value = this.expression(c.value);
    return c.label === undefined ? value : concat(`${c.label.name}: `, value);
  }

  #solver(s: Solver): Doc {
    const options = this.#parameters(s.options, s.name.span.end);
    const last = s.options.at(-1)?.span.end ?? s.name.span.end;
    const edge = this.broken(last, s.form.span.start) ? hardline : line;
    const head = group(concat(`solver ${s.name.name}`, options, nest(2, concat(edge, solverForm(s.form)))));
    return concat(
      head,
      " ",
      this.#bracesAfter(s.form.span.end, s.members, s.span.end, (member) => this.statement(member)),
    );
  }

  #property(s: Property): Doc {
    const variables = this.separated(
      "(",
      s.variables,
      ")",
      s.title.span.end,
      (v) => {
        const parts: Doc[] = [`${v.name.name}: `, this.type(v.type)];
        if (v.generator !== undefined) parts.push(" in ", this.expression(v.generator));
        if (v.condition !== undefined) parts.push(" where ", this.expression(v.condition));
        return concat(...parts);
      },
      (v) => v.span,
    );
    return concat(`property ${stringText(s.title.value)} for all `, variables, " ", this.block(s.body));
  }
}

function solverForm(form: SolverForm): string {
  const names = (list: readonly Identifier[]): string => `(${list.map((name) => name.name).join(", ")})`;
  switch (form.kind) {
    case "minimizes":
      return `minimizes ${form.objective.name}${form.arguments === undefined ? "" : names(form.arguments)}`;
    case "solves":
      return `solves ${form.form.name}${names(form.parts)}`;
    case "own":
      return `solves ${names(form.parts)}`;
  }
}

/** The tree sorts what the text may mix; the text's order is kept. Trees without places keep their own. */
function inOrder<T extends { readonly span: Span }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => a.span.start - b.span.start);
}

/** Where the head of a declaration ends, up to its closing parenthesis. */
function endOfHead(s: Condition | Problem, ...lists: (readonly Parameter[])[]): number {
  const last = lists.flat().at(-1) ?? s.dimensions.at(-1) ?? s.name;
  return last.span.end;
}
