/** What the process that schedules and those that run tests tell each other. */

export type Order =
  | { readonly kind: "load"; readonly bundle: string; readonly mutants: number; readonly active: number }
  /** Runs a test with no mutant on, and tells which mutants it reaches. */
  | { readonly kind: "measure"; readonly test: number }
  /** Runs tests with a mutant on until one fails. `check`: then whether that one passes again without it. */
  | { readonly kind: "mutant"; readonly mutant: number; readonly tests: readonly number[]; readonly check: boolean };

export type Reply =
  | {
      readonly kind: "loaded";
      readonly tests: readonly { readonly file: string; readonly name: string }[];
      /** Mutants whose place is run by loading alone. */
      readonly reached: readonly number[];
    }
  | {
      readonly kind: "measured";
      readonly test: number;
      readonly passed: boolean;
      readonly milliseconds: number;
      readonly reached: readonly number[];
    }
  /** Before each test of a mutant, so that one that never ends is noticed. */
  | { readonly kind: "started"; readonly test: number }
  | { readonly kind: "survived" }
  | { readonly kind: "killed"; readonly test: number; readonly message: string }
  /** What a former mutant did is still felt: this process says nothing any more. */
  | { readonly kind: "spoilt" };
