/** Functions that stand before a kernel where it uses them: what WGSL has no operator for. */

export type HelperName = "real_of_bits" | "is_nan" | "min_real" | "max_real" | "int_of_real" | "at_run_time";

interface Helper {
  readonly uses: readonly HelperName[];
  readonly text: string;
}

const helpers: Readonly<Record<HelperName, Helper>> = {
  real_of_bits: {
    uses: [],
    text: `// A real that has no literal: the compiler must not know that it is infinite, no number or minus zero.
fn real_of_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits ^ places.zero);
}`,
  },
  at_run_time: {
    uses: [],
    text: `// A count that the compiler must not know: it would repeat a long loop's body that often.
fn at_run_time(count: i32) -> i32 {
  return count ^ bitcast<i32>(places.zero);
}`,
  },
  is_nan: {
    uses: [],
    text: `fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}`,
  },
  min_real: {
    uses: ["is_nan"],
    text: `fn min_real(a: f32, b: f32) -> f32 {
  return select(select(min(a, b), b, is_nan(b)), a, is_nan(a));
}`,
  },
  max_real: {
    uses: ["is_nan"],
    text: `fn max_real(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, is_nan(b)), a, is_nan(a));
}`,
  },
  int_of_real: {
    uses: ["is_nan"],
    text: `// Toward zero, saturating; 0 for what is no number.
fn int_of_real(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648.0f, 2147483520.0f));
  return select(select(inside, 2147483647, x >= 2147483648.0f), 0, is_nan(x));
}`,
  },
};

/** The names of all helpers: no other function may have them. */
export const helperNames = Object.keys(helpers) as readonly HelperName[];

/** The text of some helpers and of those that they use. */
export function helperTexts(wanted: ReadonlySet<HelperName>): string[] {
  const all = new Set<HelperName>();
  const include = (name: HelperName): void => {
    helpers[name].uses.forEach(include);
    all.add(name);
  };
  wanted.forEach(include);
  return helperNames.filter((name) => all.has(name)).map((name) => helpers[name].text);
}
