/**
 * Stands in for `node:test` in the bundle of a mutation check: it collects tests, so that they can be run again for every
 * mutant. Subtests and hooks are not there, since no test of a covered file uses them.
 */
export interface TestContext {
  readonly name: string;
  diagnostic(message: string): void;
}
type Body = (context: TestContext) => unknown;

export interface CollectedTest {
  readonly file: string;
  readonly name: string;
  run(): Promise<void>;
}

export const collected: CollectedTest[] = [];
let file = "";
const groups: string[] = [];

/** Which file the tests after this belong to. */
export function beginFile(name: string): void {
  file = name;
}

export function test(title: string, second: Body | object, third?: Body): void {
  const body = typeof second === "function" ? (second as Body) : third;
  const name = [...groups, title].join(" > ");
  collected.push({
    file,
    name,
    run: async () => {
      await body?.({ name, diagnostic: () => {} });
    },
  });
}

export function describe(title: string, body: () => void): void {
  groups.push(title);
  body();
  groups.pop();
}

export const it = test;
export default test;
