/**
 * Stands in for chevrotain in the bundles: the part that the compiler's grammar uses, without the analysis of tokens and
 * rules, whose result the bundles carry (`compiler/syntax/lookahead.ts`). It takes a tenth of the time to load and to get
 * ready. What it does is what chevrotain 11 does, by the same names; `bundle.test.ts` compares the two.
 */

export interface TokenType {
  readonly name: string;
  readonly PATTERN: string | RegExp | undefined;
  readonly GROUP: string | undefined;
  readonly LONGER_ALT: TokenType | undefined;
  readonly CATEGORIES: readonly TokenType[];
  readonly START_CHARS_HINT: readonly (string | number)[];
  readonly tokenTypeIdx: number;
  /** Of a category: the types in it. */
  readonly members: Set<number>;
}

interface TokenConfiguration {
  readonly name: string;
  readonly pattern: string | RegExp | undefined;
  readonly group?: string;
  readonly longer_alt?: TokenType;
  readonly categories?: TokenType | readonly TokenType[];
  readonly start_chars_hint?: readonly (string | number)[];
}

interface Token {
  readonly image: string;
  readonly startOffset: number;
  readonly tokenType: TokenType;
  readonly tokenTypeIdx: number;
}

let lastType = 0;

export function createToken(configuration: TokenConfiguration): TokenType {
  const { name, pattern, group, longer_alt, categories = [], start_chars_hint = [] } = configuration;
  lastType += 1;
  const parents = (Array.isArray(categories) ? categories : [categories]) as readonly TokenType[];
  for (const { members } of parents) members.add(lastType);
  return {
    name,
    PATTERN: pattern,
    GROUP: group,
    LONGER_ALT: longer_alt,
    CATEGORIES: parents,
    START_CHARS_HINT: typeof pattern === "string" ? [pattern] : start_chars_hint,
    tokenTypeIdx: lastType,
    members: new Set(),
  };
}

export const EOF = createToken({ name: "EOF", pattern: undefined });
const endOfFile: Token = { image: "", startOffset: Number.NaN, tokenType: EOF, tokenTypeIdx: EOF.tokenTypeIdx };

// ---------------------------------------------------------------- the lexer

interface Lexed {
  readonly tokens: Token[];
  readonly groups: Record<string, Token[]>;
  readonly errors: { readonly offset: number; readonly length: number }[];
}

interface Pattern {
  readonly type: TokenType;
  /** A text, or an expression that matches at `lastIndex` only. */
  readonly text: string | RegExp;
  readonly longer: Pattern | undefined;
}

export class Lexer {
  /** A pattern that matches nothing: of token types that only stand for others. */
  static readonly NA: RegExp = /NOT_APPLICABLE/;
  static readonly SKIPPED = "This marks a skipped Token pattern";

  /** In the order of the types, by the character they start with. */
  readonly #byStart = new Map<number, Pattern[]>();

  constructor(types: readonly TokenType[]) {
    const patterns = new Map<TokenType, Pattern>();
    for (const type of types) {
      const { PATTERN } = type;
      if (PATTERN === undefined || PATTERN === Lexer.NA) continue;
      const text = typeof PATTERN === "string" ? PATTERN : new RegExp(PATTERN.source, `${PATTERN.flags}y`);
      const pattern: Pattern = { type, text, longer: type.LONGER_ALT && patternOf(type.LONGER_ALT, patterns) };
      patterns.set(type, pattern);
      for (const start of type.START_CHARS_HINT) {
        const code = typeof start === "string" ? start.charCodeAt(0) : start;
        const others = this.#byStart.get(code);
        if (others === undefined) this.#byStart.set(code, [pattern]);
        else others.push(pattern);
      }
    }
  }

  tokenize(text: string): Lexed {
    const lexed: Lexed = { tokens: [], groups: {}, errors: [] };
    let at = 0;
    while (at < text.length) {
      const token = this.#tokenAt(text, at);
      if (token === undefined) {
        const offset = at;
        do at++;
        while (at < text.length && this.#tokenAt(text, at) === undefined);
        lexed.errors.push({ offset, length: at - offset });
        continue;
      }
      at += token.image.length;
      const { GROUP } = token.tokenType;
      if (GROUP === undefined) lexed.tokens.push(token);
      else if (GROUP !== Lexer.SKIPPED) {
        lexed.groups[GROUP] ??= [];
        lexed.groups[GROUP].push(token);
      }
    }
    return lexed;
  }

  #tokenAt(text: string, at: number): Token | undefined {
    for (const pattern of this.#byStart.get(text.charCodeAt(at)) ?? []) {
      let image = imageAt(pattern, text, at);
      if (image === undefined) continue;
      let { type } = pattern;
      const longer = pattern.longer && imageAt(pattern.longer, text, at);
      if (longer !== undefined && longer.length > image.length) {
        image = longer;
        type = pattern.longer!.type;
      }
      return { image, startOffset: at, tokenType: type, tokenTypeIdx: type.tokenTypeIdx };
    }
    return undefined;
  }
}

function patternOf(type: TokenType, known: ReadonlyMap<TokenType, Pattern>): Pattern {
  return known.get(type) ?? { type, text: new RegExp((type.PATTERN as RegExp).source, "y"), longer: undefined };
}

function imageAt({ text: pattern }: Pattern, text: string, at: number): string | undefined {
  if (typeof pattern === "string") return text.startsWith(pattern, at) ? pattern : undefined;
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

// ---------------------------------------------------------------- the parser

type Rule = ((...values: unknown[]) => unknown) & { readonly core: (...values: unknown[]) => unknown };
type Gate = (() => boolean) | undefined;
type Action = (() => unknown) | { readonly GATE?: Gate; readonly DEF: () => unknown };
type Alternatives = readonly { readonly GATE?: Gate; readonly ALT: () => unknown }[];

/** Chevrotain's numbers of choices: the rule, the kind of choice, and which of that kind in the rule. */
const [bitsOfChoice, firstRule] = [12, 256];
const kinds = { or: 1 << 8, option: 2 << 8, many: 3 << 8, atLeastOne: 4 << 8 };

export class EmbeddedActionsParser {
  readonly RECORDING_PHASE = false;
  /** By the numbers of choices; filled from outside. */
  readonly lookAheadFuncsCache = new Map<number, (alternatives?: Alternatives) => number | boolean | undefined>();
  #tokens: readonly Token[] = [];
  #last = -1;
  #rule = 0;
  #rules = 0;

  set input(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#last = -1;
    this.#rule = 0;
  }

  LA(distance: number): Token {
    return this.#tokens[this.#last + distance] ?? endOfFile;
  }

  LA_FAST(distance: number): Token {
    return this.LA(distance);
  }

  RULE(_name: string, body: (...values: unknown[]) => unknown): Rule {
    const rule = (firstRule + this.#rules) << bitsOfChoice;
    this.#rules += 1;
    const core = (...values: unknown[]) => {
      const around = this.#rule;
      this.#rule = rule;
      try {
        return body.apply(this, values);
      } finally {
        this.#rule = around;
      }
    };
    return Object.assign((...values: unknown[]) => core(...values), { core });
  }

  ACTION<T>(action: () => T): T {
    return action.call(this);
  }

  subrule(_occurrence: number, rule: Rule, options?: { readonly ARGS: unknown[] }): unknown {
    return options === undefined ? rule.core() : rule.core(...options.ARGS);
  }

  consume(_occurrence: number, type: TokenType): Token {
    const token = this.LA(1);
    if (token.tokenTypeIdx !== type.tokenTypeIdx && !type.members.has(token.tokenTypeIdx))
      throw new Error(`internal error: the grammar reads ${type.name} where ${token.tokenType.name} stands`);
    this.#last += 1;
    return token;
  }

  or(occurrence: number, alternatives: Alternatives): unknown {
    const chosen = this.#decide(kinds.or | occurrence, alternatives);
    const alternative = typeof chosen === "number" ? alternatives[chosen] : undefined;
    if (alternative === undefined)
      throw new Error(`internal error: the grammar has nothing for ${this.LA(1).tokenType.name}`);
    return alternative.ALT.call(this);
  }

  option(occurrence: number, action: Action): unknown {
    const [gate, body] = typeof action === "function" ? [undefined, action] : [action.GATE, action.DEF];
    if (gate !== undefined && !gate.call(this)) return undefined;
    return this.#decide(kinds.option | occurrence) === true ? body.call(this) : undefined;
  }

  many(occurrence: number, action: Action): void {
    this.#repeat(kinds.many | occurrence, action);
  }

  atLeastOne(occurrence: number, action: Action): void {
    if (this.#repeat(kinds.atLeastOne | occurrence, action) === 0)
      throw new Error(`internal error: the grammar repeats nothing before ${this.LA(1).tokenType.name}`);
  }

  /** How many times. */
  #repeat(choice: number, action: Action): number {
    const [gate, body] = typeof action === "function" ? [undefined, action] : [action.GATE, action.DEF];
    for (let times = 0; ; times++) {
      if ((gate !== undefined && !gate.call(this)) || this.#decide(choice) !== true) return times;
      const before = this.#last;
      body.call(this);
      if (this.#last <= before) return times + 1; // a pass that reads nothing would be repeated for ever
    }
  }

  /** Takes the analysis of the grammar, which bundles do not make. */
  performSelfAnalysis(): never {
    throw new Error("internal error: this bundle has no lookahead table");
  }

  #decide(choice: number, alternatives?: Alternatives): number | boolean | undefined {
    return this.lookAheadFuncsCache.get(this.#rule | choice)?.call(this, alternatives);
  }
}
