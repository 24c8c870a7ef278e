/**
 * What a mutant is, and which ones a file of ours has: the mistakes people make in derivative rules and kernels. Signs
 * flipped, factors inverted, terms dropped, operands and branches exchanged, flags inverted, statements left out.
 * Works on JavaScript, parsed by acorn into the trees of ESTree (https://github.com/estree/estree).
 */
import { type Node, parse } from "acorn";

export type MutationKind = "sign" | "factor" | "term" | "order" | "choice" | "flag" | "statement";

/** One change to one expression. */
export interface Mutation {
  readonly kind: MutationKind;
  /** Of the expression that is replaced, in characters. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** How the change reads: `add(b, x, y)`, then `sub(b, x, y)`. */
  readonly shown: string;
  /** A name the replacement uses that the file does not import yet. */
  readonly needs?: { readonly name: string; readonly alias: string; readonly from: string };
}

export interface FindOptions {
  /** Whether statements are left out too: in code that writes loops, where each statement computes something. */
  readonly statements: boolean;
  /** Whether another module exports a name. */
  readonly exports: (from: string, name: string) => boolean;
}

type Tree = Node & Readonly<Record<string, unknown>>;

/** Names of functions that are each other's likeliest mistake. */
const counterparts: Readonly<Record<string, readonly [string, MutationKind]>> = {
  add: ["sub", "sign"],
  sub: ["add", "sign"],
  plus: ["minus", "sign"],
  minus: ["plus", "sign"],
  mul: ["div", "factor"],
  div: ["mul", "factor"],
  min: ["max", "choice"],
  max: ["min", "choice"],
  minimum: ["maximum", "choice"],
  maximum: ["minimum", "choice"],
  sin: ["cos", "choice"],
  cos: ["sin", "choice"],
  and: ["or", "choice"],
  or: ["and", "choice"],
  shl: ["shr", "choice"],
  shr: ["shl", "choice"],
  lt: ["ge", "choice"],
  ge: ["lt", "choice"],
  gt: ["le", "choice"],
  le: ["gt", "choice"],
};
/** Functions of one operand that may be forgotten. */
const forgettable = new Set(["neg", "not", "matrixTranspose", "symmetricPart", "abs"]);
/** Sums and products, of which a part may be forgotten. */
const joined = new Set(["add", "sub", "mul", "div", "plus", "minus", "times", "and", "or", "xor"]);
/** Functions whose last two operands are easily exchanged. */
const ordered = new Set([
  ...["sub", "div", "minus", "pow", "rem", "less", "lessEqual", "greater", "greaterEqual", "lt", "le", "gt", "ge"],
  ...["select", "matmul", "batchedMatmul", "atan2", "shl", "shr", "dot"],
]);
const operators: Readonly<Record<string, readonly [string, MutationKind]>> = {
  "+": ["-", "sign"],
  "-": ["+", "sign"],
  "*": ["/", "factor"],
  "/": ["*", "factor"],
  "+=": ["-=", "sign"],
  "-=": ["+=", "sign"],
  "*=": ["/=", "factor"],
  "/=": ["*=", "factor"],
};
/** Calls that only make messages or check the compiler itself. */
const silent = /^(fail|errorAt|assert|invariant|notLinear|Error|RangeError|TypeError)$/;
/** Properties that are not about values: how long things take, what they are called. */
const aside = new Set(["cost", "name", "message", "help"]);

const isTree = (x: unknown): x is Tree => typeof x === "object" && x !== null && "type" in x && "start" in x;

function childrenOf(node: Tree): Tree[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isTree) : isTree(value) ? [value] : [],
  );
}

/** All mutations of a module, in the order of its text. */
export function findMutations(text: string, options: FindOptions): Mutation[] {
  const program = parse(text, { ecmaVersion: "latest", sourceType: "module" }) as unknown as Tree;
  const names = new ModuleNames(program, options.exports);
  const found: Mutation[] = [];
  const visit = (node: Tree): void => {
    if (isSilent(node)) return;
    found.push(...mutationsOf(node, text, names, options.statements));
    childrenOf(node).forEach(visit);
  };
  visit(program);
  return found.sort((a, b) => a.start - b.start || b.end - a.end);
}

function isSilent(node: Tree): boolean {
  switch (node.type) {
    case "ThrowStatement":
    case "TemplateLiteral":
    case "ImportDeclaration":
    case "ExportAllDeclaration":
      return true;
    case "CallExpression":
    case "NewExpression":
      return silent.test(String((node.callee as Tree).name));
    case "Property":
      return !node.computed && aside.has(String((node.key as Tree).name));
    default:
      return false;
  }
}

function mutationsOf(node: Tree, text: string, names: ModuleNames, statements: boolean): Mutation[] {
  const of = (part: Tree) => text.slice(part.start, part.end);
  /** As an operand, wherever it is put. */
  const operand = (part: Tree) =>
    /^(Binary|Logical|Conditional|ArrowFunction|Assignment)Expression$/.test(part.type) ? `(${of(part)})` : of(part);
  const change = (kind: MutationKind, replacement: string, needs?: Mutation["needs"]): Mutation => ({
    kind,
    start: node.start,
    end: node.end,
    replacement,
    shown: oneLine(`${of(node)} -> ${needs ? replacement.replace(needs.alias, needs.name) : replacement}`),
    ...(needs && { needs }),
  });
  switch (node.type) {
    case "BinaryExpression":
    case "AssignmentExpression": {
      const [other, kind] = operators[String(node.operator)] ?? [];
      const [left, right] = [node.left as Tree, node.right as Tree];
      if (other === undefined || kind === undefined || [left, right].some(isText)) return [];
      const changes = [change(kind, `${operand(left)} ${other} ${operand(right)}`)];
      if (node.type === "BinaryExpression") {
        const { operator } = node;
        if (operator === "-" || operator === "/")
          changes.push(change("order", `${operand(right)} ${operator} ${operand(left)}`));
        changes.push(change("term", of(left)), change("term", of(right)));
      }
      return changes;
    }
    case "UnaryExpression":
      return node.operator === "-" ? [change("sign", of(node.argument as Tree))] : [];
    case "ConditionalExpression": {
      const [test, yes, no] = [node.test, node.consequent, node.alternate] as [Tree, Tree, Tree];
      return [change("choice", `${of(test)} ? ${of(no)} : ${of(yes)}`)];
    }
    case "Property": {
      const value = node.value as Tree;
      if (value.type !== "Literal" || typeof value.value !== "boolean") return [];
      const replacement = String(!value.value);
      return [
        {
          kind: "flag",
          start: value.start,
          end: value.end,
          replacement,
          shown: oneLine(`${of(node)} -> ${replacement}`),
        },
      ];
    }
    case "CallExpression":
      return callMutations(node, of, names, change);
    case "ExpressionStatement": {
      const expression = node.expression as Tree;
      if (!statements || expression.type !== "CallExpression") return [];
      const { start, end } = expression;
      return [
        { kind: "statement", start, end, replacement: "undefined", shown: oneLine(`${of(expression)} -> nothing`) },
      ];
    }
    default:
      return [];
  }
}

function callMutations(
  node: Tree,
  of: (part: Tree) => string,
  names: ModuleNames,
  change: (kind: MutationKind, replacement: string, needs?: Mutation["needs"]) => Mutation,
): Mutation[] {
  const callee = node.callee as Tree;
  const given = node.arguments as readonly Tree[];
  const called = names.called(callee);
  if (called === undefined || given.some((a) => a.type === "SpreadElement")) return [];
  const { name } = called;
  // Rules of derivatives emit into a builder, which comes first; expressions of kernels are values.
  const emits = given[0]?.type === "Identifier" && /^(b|nb|inner|builder)$/.test(String(given[0].name));
  const operands = emits ? given.slice(1) : given;
  const changes: Mutation[] = [];
  const [other, kind] = counterparts[name] ?? [];
  if (other !== undefined && kind !== undefined && operands.length === (name === "sin" || name === "cos" ? 1 : 2)) {
    const replaced = names.replacement(called, other);
    if (replaced) changes.push(change(kind, `${replaced.text}(${given.map(of).join(", ")})`, replaced.needs));
  }
  if (joined.has(name) && operands.length === 2)
    changes.push(change("term", of(operands[0]!)), change("term", of(operands[1]!)));
  if (forgettable.has(name) && operands.length === 1) changes.push(change("sign", of(operands[0]!)));
  if (ordered.has(name) && operands.length >= 2) {
    const [x, y] = given.slice(-2) as [Tree, Tree];
    const rest = given.slice(0, -2).map(of);
    if (of(x) !== of(y)) changes.push(change("order", `${of(callee)}(${[...rest, of(y), of(x)].join(", ")})`));
  }
  return changes;
}

function isText(node: Tree): boolean {
  if (node.type === "TemplateLiteral") return true;
  if (node.type === "Literal") return typeof node.value === "string";
  return node.type === "BinaryExpression" && [node.left as Tree, node.right as Tree].some(isText);
}

const oneLine = (text: string) => text.replace(/\s+/g, " ");

interface Called {
  readonly name: string;
  /** `ir` in `ir.add`. */
  readonly namespace?: string;
  /** Where a name is imported from. */
  readonly from?: string;
}

/** What a module calls the functions of others. */
class ModuleNames {
  readonly #imported = new Map<string, { readonly name: string; readonly from: string }>();
  readonly #namespaces = new Set<string>();
  /** Taken out of a namespace: `const { add } = ir`. */
  readonly #taken = new Map<string, string>();
  readonly #own = new Set<string>();
  readonly #exports: FindOptions["exports"];

  constructor(program: Tree, exports: FindOptions["exports"]) {
    this.#exports = exports;
    for (const statement of program.body as readonly Tree[]) {
      const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
      if (!isTree(declared)) continue;
      if (declared.type === "ImportDeclaration") this.#addImports(declared);
      if (declared.type === "FunctionDeclaration") this.#own.add(String((declared.id as Tree).name));
      if (declared.type === "VariableDeclaration")
        for (const d of declared.declarations as readonly Tree[]) this.#addVariable(d.id as Tree, d.init);
    }
  }

  #addImports(declaration: Tree): void {
    const from = String((declaration.source as Tree).value);
    for (const s of declaration.specifiers as readonly Tree[]) {
      const local = String((s.local as Tree).name);
      if (s.type === "ImportNamespaceSpecifier") this.#namespaces.add(local);
      else if (s.type === "ImportSpecifier")
        this.#imported.set(local, { name: String((s.imported as Tree).name), from });
    }
  }

  #addVariable(id: Tree, init: unknown): void {
    if (id.type === "Identifier") this.#own.add(String(id.name));
    if (id.type !== "ObjectPattern" || !isTree(init) || init.type !== "Identifier") return;
    for (const p of id.properties as readonly Tree[])
      if (p.type === "Property") this.#taken.set(String((p.value as Tree).name), String(init.name));
  }

  called(callee: Tree): Called | undefined {
    if (callee.type === "MemberExpression") {
      const [object, property] = [callee.object as Tree, callee.property as Tree];
      if (callee.computed || object.type !== "Identifier" || !this.#namespaces.has(String(object.name)))
        return undefined;
      return { name: String(property.name), namespace: String(object.name) };
    }
    if (callee.type !== "Identifier") return undefined;
    const name = String(callee.name);
    const namespace = this.#taken.get(name);
    if (namespace !== undefined) return { name, namespace };
    const imported = this.#imported.get(name);
    if (imported) return { name: imported.name, from: imported.from };
    return this.#own.has(name) ? { name } : undefined;
  }

  /** How to call another function from the same place; undefined where it has none. */
  replacement(
    called: Called,
    other: string,
  ): { readonly text: string; readonly needs?: Mutation["needs"] } | undefined {
    if (called.namespace !== undefined) return { text: `${called.namespace}.${other}` };
    if (called.from === undefined) return this.#own.has(other) ? { text: other } : undefined;
    if (!this.#exports(called.from, other)) return undefined;
    const alias = `${other}$instead`;
    return { text: alias, needs: { name: other, alias, from: called.from } };
  }
}
