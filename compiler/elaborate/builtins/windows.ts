/** Convolution, pooling, patches and resizing: what slides a window over the last axes. */
import {
  addDims,
  applyOperation,
  type Dim,
  knownDim,
  multiplyDims,
  showDim,
  subtractDims,
} from "../../core/dimension.ts";
import { conv, samePadding } from "../../primitives/convolution.ts";
import { maxPool, meanPool, patches, resize } from "../../primitives/pooling.ts";
import { reshape } from "../../primitives/shape.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Elaborator } from "../elaborator.ts";
import { type CallArguments, rankOf, shapeOf, showTermType, type Term } from "../terms.ts";
import { arrayArgument, type Builtin, knownInt, result, sizes, take } from "./support.ts";

function strideArgument(
  e: Elaborator,
  name: string,
  term: Term | undefined,
  axes: number,
  args: CallArguments,
  otherwise: readonly number[],
): number[] {
  if (!term) return [...otherwise];
  const items = term.kind === "tuple" ? term.items : Array.from({ length: axes }, () => term);
  const steps = items.map((t) => knownInt(e, name, "stride", t, args));
  if (steps.length !== axes)
    fail(
      "K0282",
      args.span,
      `\`${name}\` slides along ${axes === 1 ? "one axis" : `${axes} axes`}, but ${steps.length} steps are given.`,
    );
  return steps;
}

/** Steps and windows are at least 1, and a window fits in what it slides over: 0 would say nothing, and quietly. */
function requireWindows(
  name: string,
  space: readonly Dim[],
  window: readonly Dim[],
  stride: readonly number[],
  args: CallArguments,
): void {
  window.forEach((w, i) => {
    const [size, length] = [knownDim(w), knownDim(space[i]!)];
    if (size !== undefined && size < 1)
      fail("K0282", args.span, `The windows of \`${name}\` have at least one entry, but this size is ${size}.`);
    if (size !== undefined && length !== undefined && size > length)
      fail(
        "K0282",
        args.span,
        `A window of \`${name}\` has the size ${size}, but the axis it slides along has ${length}.`,
        {
          ...(name === "conv"
            ? { help: "`padding = same` keeps the size; `padding = 1` adds one entry on each side." }
            : {}),
        },
      );
  });
  const bad = stride.find((s) => s < 1);
  if (bad !== undefined) fail("K0282", args.span, `A \`stride\` is at least 1, but \`${name}\` is given ${bad}.`);
}

const convBuiltin: Builtin = (e, args) => {
  const [x, w, strideTerm, paddingTerm, groupsTerm] = take("conv", args, ["x", "w", "stride?", "padding?", "groups?"]);
  const given = arrayArgument(e, "conv", x!, args, "real");
  const kernel = arrayArgument(e, "conv", w!, args, "real");
  const axes = rankOf(kernel) - 2;
  if (axes !== 1 && axes !== 2)
    fail(
      "K0704",
      args.span,
      `The weights of \`conv\` are real[out, in, k] or real[out, in, kh, kw], but these are ${showTermType(kernel)}.`,
    );
  const single = rankOf(given) === axes + 1;
  if (!single && rankOf(given) !== axes + 2)
    fail(
      "K0704",
      args.span,
      `\`conv\` wants channels first, [c, ${axes === 2 ? "h, w" : "n"}], with or without a leading batch, but this is ${showTermType(given)}.`,
    );
  const stride = strideArgument(e, "conv", strideTerm, axes, args, Array(axes).fill(1));
  const groups = groupsTerm ? knownInt(e, "conv", "groups", groupsTerm, args) : 1;
  const window = shapeOf(kernel).slice(2);
  let padding: (readonly [Dim, Dim])[];
  if (paddingTerm === undefined || (paddingTerm.kind === "word" && paddingTerm.word === "valid"))
    padding = window.map(() => [0, 0] as const);
  else if (paddingTerm.kind === "word" && paddingTerm.word === "same") padding = samePadding(window);
  else padding = strideArgument(e, "conv", paddingTerm, axes, args, []).map((p) => [p, p] as const);
  if (groups < 1) fail("K0282", args.span, `The \`groups\` of \`conv\` are at least 1, but this is ${groups}.`);
  const channels = shapeOf(given)[single ? 0 : 1]!;
  const inner = shapeOf(kernel)[1]!;
  const wanted = e.dimensionTerm(multiplyDims(inner, groups)).dimension!;
  if (!e.couldBeEqual(channels, wanted))
    fail("K0705", args.span, `\`conv\` has ${showDim(channels)} channels, but its weights are for ${showDim(wanted)}.`);
  const spatial = shapeOf(given).slice(single ? 1 : 2);
  const padded = spatial.map((d, i) => addDims(d, addDims(padding[i]![0], padding[i]![1])));
  requireWindows("conv", padded, window, stride, args);
  const out = padded.map((d, i) => {
    const span = subtractDims(d, window[i]!);
    return addDims(applyOperation("div", span, stride[i]!), 1);
  });
  const shape = [...(single ? [] : [shapeOf(given)[0]!]), shapeOf(kernel)[0]!, ...out];
  return result(e, "conv", [given.atom, kernel.atom], "real", shape, (b) => {
    const batchOne = single ? reshape(b, given.atom, [1, ...given.atom.type.shape]) : given.atom;
    const y = conv(b, batchOne, kernel.atom, { stride, padding, groups } as never);
    return single ? reshape(b, y, y.type.shape.slice(1)) : y;
  });
};

function windowed(name: "max_pool" | "mean_pool"): Builtin {
  return (e, args) => {
    const window = sizes(name, args);
    const [x, strideTerm] = take(name, args, ["x", "stride?"]);
    const a = arrayArgument(e, name, x!, args, "real");
    if (window.length === 0 || window.length > 2 || rankOf(a) < window.length)
      fail(
        "K0706",
        args.span,
        `\`${name}\` takes one or two window sizes and an array with as many axes, but this is ${showTermType(a)}.`,
        { help: `Write \`${name}[2, 2](x)\`.` },
      );
    const stride = strideArgument(
      e,
      name,
      strideTerm,
      window.length,
      args,
      window.map((d) => knownDim(d) ?? 1),
    );
    requireWindows(name, shapeOf(a).slice(rankOf(a) - window.length), window, stride, args);
    const shape = windowCounts(shapeOf(a), window, stride);
    return result(e, name, [a.atom], "real", shape, (b) =>
      (name === "max_pool" ? maxPool : meanPool)(b, a.atom, window, stride),
    );
  };
}

function windowCounts(shape: readonly Dim[], window: readonly Dim[], stride: readonly number[]): Dim[] {
  const lead = shape.length - window.length;
  return shape.map((d, i) =>
    i < lead ? d : addDims(applyOperation("div", subtractDims(d, window[i - lead]!), stride[i - lead]!), 1),
  );
}

/** `patches[kh, kw](x)`: all windows; [..., h, w] gives [..., oh, ow, kh, kw] flattened by the caller. */
const patchesBuiltin: Builtin = (e, args) => {
  const window = sizes("patches", args);
  const [x, strideTerm] = take("patches", args, ["x", "stride?"]);
  const a = arrayArgument(e, "patches", x!, args, "real");
  if (window.length === 0 || window.length > 2 || rankOf(a) < window.length)
    fail(
      "K0706",
      args.span,
      `\`patches\` takes one or two window sizes and an array with as many axes, but this is ${showTermType(a)}.`,
    );
  const stride = strideArgument(
    e,
    "patches",
    strideTerm,
    window.length,
    args,
    window.map(() => 1),
  );
  requireWindows("patches", shapeOf(a).slice(rankOf(a) - window.length), window, stride, args);
  const shape = [...windowCounts(shapeOf(a), window, stride), ...window];
  return result(e, "patches", [a.atom], "real", shape, (b) => reshape(b, patches(b, a.atom, window, stride), shape));
};

const resizeBuiltin: Builtin = (e, args) => {
  const [h, w] = sizes("resize", args, 2);
  const [x] = take("resize", args, ["x"]);
  const a = arrayArgument(e, "resize", x!, args, "real");
  if (rankOf(a) < 2)
    fail("K0706", args.span, `\`resize\` takes an array with height and width last, but this is ${showTermType(a)}.`);
  const shape = [...shapeOf(a).slice(0, -2), h!, w!];
  return result(e, "resize", [a.atom], "real", shape, (b) => resize(b, a.atom, [h!, w!]));
};

export const windowBuiltins: Readonly<Record<string, Builtin>> = {
  conv: convBuiltin,
  max_pool: windowed("max_pool"),
  mean_pool: windowed("mean_pool"),
  patches: patchesBuiltin,
  resize: resizeBuiltin,
};
