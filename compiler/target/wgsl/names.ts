/** Names in WGSL: made from names in the source, and different where they mean different things. */

/**
 * Words a name must not be: keywords and reserved words of WGSL (sections 16.1 and 16.2 of the specification, version
 * of 2024), and predeclared names that the text uses, which a local would hide.
 */
const taken = new Set(
  `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let
  loop override requires return struct switch true var while
  NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class
  co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval
  constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export
  extends extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl
  implements import inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut
  mutable namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of
  operator package packoffset partial pass patch pixelfragment precise precision premerge priv protected pub public
  readonly ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm
  static static_assert static_cast std subroutine super target template this thread_local throw trait try type typedef
  typeid typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with
  writeonly yield
  bool f16 f32 i32 u32 array atomic ptr vec2 vec3 vec4 vec3u mat2x2 bitcast select abs ceil clamp floor max min round
  sqrt trunc`.split(/\s+/),
);

/** A name of letters, digits and single underscores that begins with a letter. */
export function plainName(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .replace(/^(?=[0-9])/, "n");
  return plain === "" ? "value" : plain;
}

/** The names visible at one place, inner scopes last. */
export class Names {
  readonly #scopes: Set<string>[] = [new Set()];

  /** A name like `wanted` that nothing visible has, now taken in the innermost scope. */
  take(wanted: string): string {
    const plain = plainName(wanted);
    for (let n = 0; ; n++) {
      const name = n === 0 ? plain : `${plain}_${n}`;
      if (taken.has(name) || this.#scopes.some((scope) => scope.has(name))) continue;
      this.#scopes.at(-1)!.add(name);
      return name;
    }
  }

  /** Runs `body` in a scope of its own. */
  scope<T>(body: () => T): T {
    this.#scopes.push(new Set());
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }
}
