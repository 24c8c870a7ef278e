/**
 * The syntax tree: what the parser makes of a `.opt` file and all later stages read.
 * Every node carries the span of source it came from. The tree keeps what was written:
 * nothing is desugared here.
 */

/** A half-open range of UTF-16 offsets in one source file. `file` is the name used in messages. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export interface Identifier {
  readonly name: string;
  readonly span: Span;
}

interface Node {
  readonly span: Span;
}

// ---------------------------------------------------------------- types

export type TypeExpression = NamedType | TupleType | ArrayOfType | FunctionType;

/** `real`, `key`, `State`. */
export interface NamedType extends Node {
  readonly kind: "named-type";
  readonly name: string;
}
/** `(x: real[d], t: int)` or `(real, int)`. */
export interface TupleType extends Node {
  readonly kind: "tuple-type";
  readonly items: readonly { readonly name?: Identifier; readonly type: TypeExpression }[];
}
/** `real[n, d]`, `Mlp[5]`, `Mlp[h = 64]`: a place is a dimension expression, named or not. */
export interface ArrayOfType extends Node {
  readonly kind: "array-of-type";
  readonly element: NamedType | TupleType;
  readonly places: readonly { readonly name?: Identifier; readonly dimension: Expression }[];
}
/** `real[d] -> real`, `(real[d], key) -> real`: a tuple before the arrow is the list of parameters. */
export interface FunctionType extends Node {
  readonly kind: "function-type";
  readonly parameters: readonly TypeExpression[];
  readonly result: TypeExpression;
}

// ---------------------------------------------------------------- patterns

export type Pattern = NamePattern | IgnorePattern | TuplePattern;
export interface NamePattern extends Node {
  readonly kind: "name-pattern";
  readonly name: string;
}
export interface IgnorePattern extends Node {
  readonly kind: "ignore-pattern";
}
export interface TuplePattern extends Node {
  readonly kind: "tuple-pattern";
  readonly items: readonly Pattern[];
}

// ---------------------------------------------------------------- expressions

export type Expression =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | Name
  | Tuple
  | ArrayLiteral
  | Comprehension
  | Block
  | Call
  | Index
  | Field
  | Transpose
  | Unary
  | Binary
  | Comparison
  | Range
  | With
  | Lambda
  | If
  | Loop;

interface ExpressionNode extends Node {
  /** True when the source had redundant-or-not parentheses around it: kept for the formatter, ignored by meaning. */
  readonly parenthesized?: boolean;
}

/** `1`, `0.5`, `0x6D2B`. `integer` is true when the text has neither a dot nor an exponent. */
export interface NumberLiteral extends ExpressionNode {
  readonly kind: "number";
  readonly text: string;
  readonly value: number;
  readonly integer: boolean;
}
export interface StringLiteral extends ExpressionNode {
  readonly kind: "string";
  readonly value: string;
}
export interface BooleanLiteral extends ExpressionNode {
  readonly kind: "boolean";
  readonly value: boolean;
}
export interface Name extends ExpressionNode {
  readonly kind: "name";
  readonly name: string;
}
/** `()`, `(a, b)`, `(x: a)`, `(x: a, y: b)`. Either all items are named or none is. */
export interface Tuple extends ExpressionNode {
  readonly kind: "tuple";
  readonly items: readonly { readonly name?: Identifier; readonly value: Expression }[];
}
export interface ArrayLiteral extends ExpressionNode {
  readonly kind: "array";
  readonly items: readonly Expression[];
}
/** `[body for p in xs for q in ys]`. */
export interface Comprehension extends ExpressionNode {
  readonly kind: "comprehension";
  readonly body: Expression;
  readonly clauses: readonly { readonly pattern: Pattern; readonly source: Expression }[];
}
/** `{ let a = e  result }`. Inside `condition` and `problem` other nodes are used. */
export interface Block extends ExpressionNode {
  readonly kind: "block";
  readonly lets: readonly Let[];
  readonly result: Expression;
}
export interface Argument extends Node {
  readonly name?: Identifier;
  readonly value: Expression;
}
/** `f(a, b = c)`, `f(x; p)`, `f(; p)`. `parameters` is present exactly when there is a `;`. */
export interface Call extends ExpressionNode {
  readonly kind: "call";
  readonly callee: Expression;
  readonly arguments: readonly Argument[];
  readonly parameters?: readonly Argument[];
}
/** One place of an index: an expression, a slice `a:b:c`, or `h = 64` (dimension arguments by name). */
export type Place =
  | { readonly kind: "at"; readonly value: Expression; readonly span: Span }
  | {
      readonly kind: "slice";
      readonly start?: Expression;
      readonly stop?: Expression;
      readonly step?: Expression;
      readonly span: Span;
    }
  | { readonly kind: "dimension"; readonly name: Identifier; readonly value: Expression; readonly span: Span };
/** `x[i]`, `x[1:4, j]`; after a function, dimension arguments: `zeros[n, d]`. */
export interface Index extends ExpressionNode {
  readonly kind: "index";
  readonly base: Expression;
  readonly places: readonly Place[];
}
export interface Field extends ExpressionNode {
  readonly kind: "field";
  readonly base: Expression;
  readonly name: Identifier;
}
export interface Transpose extends ExpressionNode {
  readonly kind: "transpose";
  readonly base: Expression;
}
export interface Unary extends ExpressionNode {
  readonly kind: "unary";
  readonly operator: "-" | "not";
  readonly operand: Expression;
}
export type BinaryOperator = "+" | "-" | "*" | "/" | "@" | "^" | "and" | "or" | "~=";
/** `~=` may carry `within tolerance`. */
export interface Binary extends ExpressionNode {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly within?: Expression;
}
export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";
/** A chain `a <= b < c`: `operators.length === operands.length - 1`. */
export interface Comparison extends ExpressionNode {
  readonly kind: "comparison";
  readonly operands: readonly Expression[];
  readonly operators: readonly ComparisonOperator[];
}
export interface Range extends ExpressionNode {
  readonly kind: "range";
  readonly from: Expression;
  readonly to: Expression;
}
/** `s with (v: w)`; `x with [i] = e`; `x with [rows] += e`. Chains nest to the left. */
export interface With extends ExpressionNode {
  readonly kind: "with";
  readonly base: Expression;
  readonly update:
    | { readonly kind: "fields"; readonly fields: Tuple }
    | {
        readonly kind: "places";
        readonly places: readonly Place[];
        readonly operator: "=" | "+=";
        readonly value: Expression;
      };
}
/** `w => e`, `(a, b) => e`, `((a, b)) => e`. */
export interface Lambda extends ExpressionNode {
  readonly kind: "lambda";
  readonly parameters: readonly Pattern[];
  readonly body: Expression;
}
export interface If extends ExpressionNode {
  readonly kind: "if";
  readonly condition: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}
/** `loop p: T = e for q in r while c { ... }` and `scan`. */
export interface Loop extends ExpressionNode {
  readonly kind: "loop";
  readonly form: "loop" | "scan";
  readonly pattern: Pattern;
  readonly type?: TypeExpression;
  readonly initial: Expression;
  readonly clause?: { readonly pattern: Pattern; readonly source: Expression };
  readonly condition?: Expression;
  readonly body: Block;
}

// ---------------------------------------------------------------- declarations

/** `name: type = default` in the head of a function, solver, problem, ... */
export interface Parameter extends Node {
  readonly name: Identifier;
  readonly type?: TypeExpression;
  readonly default?: Expression;
}

interface DeclarationNode extends Node {
  /** The text of the `///` lines before it, without the slashes. */
  readonly documentation?: string;
}

export type Statement =
  | Import
  | Data
  | Param
  | Let
  | FunctionDeclaration
  | TypeAlias
  | Objective
  | Condition
  | Problem
  | Solver
  | Property
  | Show
  | Plot
  | Save
  | Assert
  | ExpressionStatement;

export interface Import extends DeclarationNode {
  readonly kind: "import";
  readonly names: readonly { readonly name: Identifier; readonly as?: Identifier }[];
  readonly from: StringLiteral;
}
export type DataSelection =
  | { readonly kind: "column"; readonly names: readonly StringLiteral[]; readonly span: Span }
  | { readonly kind: "columns"; readonly names: readonly StringLiteral[]; readonly span: Span }
  | { readonly kind: "except"; readonly names: readonly StringLiteral[]; readonly span: Span }
  | { readonly kind: "array"; readonly names: readonly StringLiteral[]; readonly span: Span };
export interface Data extends DeclarationNode {
  readonly kind: "data";
  readonly name: Identifier;
  readonly type: TypeExpression;
  /** Absent when the data come from TypeScript or `--data` only. */
  readonly from?: StringLiteral;
  readonly selection?: DataSelection;
}
export interface Param extends DeclarationNode {
  readonly kind: "param";
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly value: Expression;
}
export interface Let extends DeclarationNode {
  readonly kind: "let";
  readonly pattern: Pattern;
  readonly type?: TypeExpression;
  readonly value: Expression;
}
/** `derivative (dx, dy) => e` (forward) or `pullback u => e` (reverse alone). */
export interface DerivativeRule extends Node {
  readonly kind: "derivative" | "pullback";
  readonly rule: Lambda;
}
export interface FunctionDeclaration extends DeclarationNode {
  readonly kind: "fn";
  readonly name: Identifier;
  readonly dimensions: readonly Identifier[];
  readonly parameters: readonly Parameter[];
  readonly result?: TypeExpression;
  readonly body: Expression;
  readonly rule?: DerivativeRule;
}
export interface TypeAlias extends DeclarationNode {
  readonly kind: "type";
  readonly name: Identifier;
  readonly type: TypeExpression;
}
/** `objective f(unknowns; parameters) -> type = body`. */
export interface Objective extends DeclarationNode {
  readonly kind: "objective";
  readonly name: Identifier;
  readonly dimensions: readonly Identifier[];
  readonly unknowns: readonly Parameter[];
  readonly parameters: readonly Parameter[];
  readonly result?: TypeExpression;
  readonly body: Expression;
}
export interface Equation extends Node {
  readonly label?: Identifier;
  readonly left: Expression;
  readonly right: Expression;
}
export interface Condition extends DeclarationNode {
  readonly kind: "condition";
  readonly name: Identifier;
  readonly dimensions: readonly Identifier[];
  readonly unknowns: readonly Parameter[];
  readonly parameters: readonly Parameter[];
  readonly lets: readonly Let[];
  readonly equations: readonly Equation[];
}
export interface Variable extends Node {
  readonly name: Identifier;
  readonly type: TypeExpression;
  /** The expression after `in`: a set. */
  readonly set?: Expression;
}
/** A line of `subject to`: a comparison, or a comprehension over one. */
export interface Constraint extends Node {
  readonly kind: "constraint";
  readonly label?: Identifier;
  readonly value: Expression;
}
export interface Problem extends DeclarationNode {
  readonly kind: "problem";
  readonly name: Identifier;
  readonly dimensions: readonly Identifier[];
  readonly parameters: readonly Parameter[];
  readonly variables: readonly Variable[];
  /** `let` and `fn` lines beside the variables. */
  readonly definitions: readonly (Let | FunctionDeclaration)[];
  readonly sense: "minimize" | "maximize";
  readonly goal: Expression;
  /** The lines of `subject to`, in order. */
  readonly constraints: readonly (Let | Constraint)[];
}
/** What a solver answers: `minimizes f`, `minimizes f(x, k)`, `solves root(F)`, `solves (upper, lower)`. */
export type SolverForm =
  | {
      readonly kind: "minimizes";
      readonly objective: Identifier;
      readonly arguments?: readonly Identifier[];
      readonly span: Span;
    }
  | { readonly kind: "solves"; readonly form: Identifier; readonly parts: readonly Identifier[]; readonly span: Span }
  | { readonly kind: "own"; readonly parts: readonly Identifier[]; readonly span: Span };
/** `start(x) = ...`, `next(s, t) = ...` and the optional members. */
export interface SolverMember extends DeclarationNode {
  readonly kind: "member";
  readonly name: Identifier;
  readonly parameters: readonly Pattern[];
  readonly body: Expression;
}
export interface Solver extends DeclarationNode {
  readonly kind: "solver";
  readonly name: Identifier;
  readonly options: readonly Parameter[];
  readonly form: SolverForm;
  readonly members: readonly (Let | FunctionDeclaration | SolverMember)[];
}
export interface Property extends DeclarationNode {
  readonly kind: "property";
  readonly title: StringLiteral;
  readonly variables: readonly {
    readonly name: Identifier;
    readonly type: TypeExpression;
    /** After `in`. */
    readonly generator?: Expression;
    /** After `where`. */
    readonly condition?: Expression;
    readonly span: Span;
  }[];
  readonly body: Block;
}
export interface Show extends DeclarationNode {
  readonly kind: "show";
  readonly items: readonly Expression[];
}
export interface Plot extends DeclarationNode {
  readonly kind: "plot";
  readonly arguments: readonly Argument[];
}
export interface Save extends DeclarationNode {
  readonly kind: "save";
  readonly value: Expression;
  readonly to: StringLiteral;
}
export interface Assert extends DeclarationNode {
  readonly kind: "assert";
  readonly condition: Expression;
  readonly message?: StringLiteral;
}
/** A bare expression at top level: kept so that the checker can refuse it with a good message. */
export interface ExpressionStatement extends DeclarationNode {
  readonly kind: "expression";
  readonly value: Expression;
}

// ---------------------------------------------------------------- files

export interface Comment {
  readonly kind: "line" | "block" | "documentation";
  /** As written, delimiters included. */
  readonly text: string;
  readonly span: Span;
}

/** One parsed file. `statements` hold all that could be recovered when there were syntax errors. */
export interface SourceFile {
  readonly file: string;
  readonly text: string;
  readonly statements: readonly Statement[];
  readonly comments: readonly Comment[];
}
