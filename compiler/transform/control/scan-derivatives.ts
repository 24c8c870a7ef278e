/** Derivatives of `scan`: forward by a loop over values and tangents, reverse by saving what the linear part reads. */
import { Builder } from "../../core/builder.ts";
import type { Dim } from "../../core/dimension.ts";
import type { ArrayType, Atom, Graph } from "../../core/graph.ts";
import type { Emitter, JvpResult, PrimitiveCall } from "../../core/primitive.ts";
import { add } from "../../primitives/arithmetic.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Span } from "../../syntax/tree.ts";
import { inlineGraph, maskKey, memoized } from "../inline.ts";
import { jvpGraph } from "../jvp.ts";
import { splitGraph } from "../linearize.ts";
import { transposeOf } from "../transpose.ts";
import { instantiate, zerosOf } from "../zeros.ts";
import { type ScanParams, scan, scanOperands } from "./scan.ts";

const some = <T>(items: readonly T[], mask: readonly boolean[]) => items.filter((_, i) => mask[i]);

/** The condition as a graph on a wider list of operands, of which `places` are the ones it knows. */
function conditionOn(
  params: ScanParams,
  types: readonly ArrayType[],
  places: readonly (number | undefined)[],
  key: string,
): Graph | undefined {
  const { condition } = params;
  if (!condition) return undefined;
  return memoized(condition, `on ${key}`, () => {
    const b = new Builder();
    const inputs = types.map((t) => b.input(t));
    const operands = condition.inputs.map((v, i) => {
      const place = places[i];
      return place === undefined ? zerosOf(b, v.type) : inputs[place]!;
    });
    return b.close(condition.name, inlineGraph(b, condition, operands)).graph;
  });
}

export function jvpScan(
  b: Emitter,
  call: PrimitiveCall<ScanParams>,
  tangents: readonly (Atom | undefined)[],
): JvpResult {
  const { inputs, params } = call;
  const { body, carry: carryCount } = params;
  const values = scanOperands(inputs, params);
  const directions = scanOperands(tangents, params);
  const constantMask = directions.constants.map((t) => t !== undefined);
  const stackedMask = directions.stacked.map((t) => t !== undefined);

  // Which parts of the carry get a tangent: those that start with one, and those that inherit one.
  let carryMask = directions.carry.map((t) => t !== undefined);
  let outMask: readonly boolean[];
  for (;;) {
    outMask = jvpMask(body, [...constantMask, ...carryMask, ...stackedMask]);
    const grown = carryMask.map((m, i) => m || outMask[i]!);
    if (grown.every((m, i) => m === carryMask[i])) break;
    carryMask = grown;
  }
  const resultMask = outMask.slice(carryCount);
  const mask = [...constantMask, ...carryMask, ...stackedMask];

  const layout = layoutOf(body, params);
  const derived = memoized(body, `jvp scan ${maskKey(mask)} ${carryCount} ${params.constants}`, () => {
    const nb = new Builder();
    const constants = layout.constants.map((t) => nb.input(t));
    const dConstants = layout.constants.map((t, i) => (constantMask[i] ? nb.input(t) : undefined));
    const carry = layout.carry.map((t) => nb.input(t));
    const dCarry = layout.carry.map((t, i) => (carryMask[i] ? nb.input(t) : undefined));
    const stacked = layout.stacked.map((t) => nb.input(t));
    const dStacked = layout.stacked.map((t, i) => (stackedMask[i] ? nb.input(t) : undefined));
    const r = jvpGraph(nb, body, [...constants, ...carry, ...stacked], [...dConstants, ...dCarry, ...dStacked]);
    const dNext = r.tangents
      .slice(0, carryCount)
      .flatMap((t, i) => (carryMask[i] ? [instantiate(nb, t, layout.carry[i]!)] : []));
    const dResults = r.tangents
      .slice(carryCount)
      .flatMap((t, i) => (resultMask[i] ? [instantiate(nb, t, body.outputs[carryCount + i]!.type)] : []));
    const outputs = [...r.outputs.slice(0, carryCount), ...dNext, ...r.outputs.slice(carryCount), ...dResults];
    const places = [...constants, ...carry, ...stacked].map((v) => nb.inputs.indexOf(v));
    return { graph: nb.close(`${body.name}.jvp`, outputs).graph, places };
  });
  const operands = [
    ...(values.count ? [values.count] : []),
    ...values.constants,
    ...some(directions.constants, constantMask).map((t) => t!),
    ...values.carry,
    ...values.carry.flatMap((a, i) => (carryMask[i] ? [instantiate(b, directions.carry[i], a.type)] : [])),
    ...values.stacked,
    ...some(directions.stacked, stackedMask).map((t) => t!),
  ];
  const types = derived.graph.inputs.map((v) => v.type);
  const carryTangents = carryMask.filter(Boolean).length;
  const results = scan(b, operands, {
    ...params,
    body: derived.graph,
    condition: conditionOn(params, types, derived.places, `jvp ${maskKey(mask)}`),
    constants: params.constants + constantMask.filter(Boolean).length,
    carry: carryCount + carryTangents,
    stacked: params.stacked + stackedMask.filter(Boolean).length,
  });
  const resultCount = body.outputs.length - carryCount;
  const stackedStart = carryCount + carryTangents;
  let [c, r] = [carryCount, stackedStart + resultCount];
  return {
    outputs: [
      ...results.slice(0, carryCount),
      ...results.slice(stackedStart, stackedStart + resultCount),
      results.at(-1)!,
    ],
    tangents: [
      ...carryMask.map((m) => (m ? results[c++] : undefined)),
      ...resultMask.map((m) => (m ? results[r++] : undefined)),
      undefined,
    ],
  };
}

function layoutOf(body: Graph, params: ScanParams) {
  const types = body.inputs.map((v) => v.type);
  return {
    constants: types.slice(0, params.constants),
    carry: types.slice(params.constants, params.constants + params.carry),
    stacked: types.slice(params.constants + params.carry),
  };
}

/** Which outputs of a graph get a tangent when these inputs have one. */
function jvpMask(graph: Graph, mask: readonly boolean[]): readonly boolean[] {
  return memoized(graph, `jvp mask ${maskKey(mask)}`, () => {
    const b = new Builder();
    const inputs = graph.inputs.map((v) => b.input(v.type));
    const r = jvpGraph(
      b,
      graph,
      inputs,
      graph.inputs.map((v, i) => (mask[i] ? b.input(v.type) : undefined)),
    );
    return r.tangents.map((t) => t !== undefined);
  });
}

/** True when an output of the graph depends on one of these inputs. */
function readsAny(graph: Graph, mask: readonly boolean[]): boolean {
  return memoized(graph, `reads ${maskKey(mask)}`, () => {
    const seen = new Set(graph.inputs.filter((_, i) => mask[i]).map((v) => v.id));
    for (const e of graph.equations)
      if (e.inputs.some((a) => a.kind === "var" && seen.has(a.id))) for (const v of e.outputs) seen.add(v.id);
    return graph.outputs.some((a) => a.kind === "var" && seen.has(a.id));
  });
}

export function splitScan(
  known: Emitter,
  linear: Emitter,
  { inputs, params }: PrimitiveCall<ScanParams>,
  isLinear: readonly boolean[],
): readonly Atom[] {
  const { body } = params;
  if (params.length === undefined) refuseUnbounded("span" in known ? (known.span as Span | undefined) : undefined);
  const length = params.length as Dim;
  const values = scanOperands(inputs, params);
  const marks = scanOperands(isLinear, params);
  let carryMask: readonly boolean[] = marks.carry;
  let parts: ReturnType<typeof splitGraph>;
  for (;;) {
    const forced = body.outputs.map((_, i) => i < params.carry && carryMask[i]!);
    parts = splitGraph(body, [...marks.constants, ...carryMask, ...marks.stacked], forced);
    const grown = carryMask.map((m, i) => m || parts.linearOutputs[i]!);
    if (grown.every((m, i) => m === carryMask[i])) break;
    carryMask = grown;
  }
  const resultMask = parts.linearOutputs.slice(params.carry);
  // Where the end depends on a tangent, the loop is linear in nothing.
  if (params.condition && readsAny(params.condition, [...marks.constants, ...carryMask, ...marks.stacked]))
    throw new Error("internal error: a loop that ends by its tangent is not linear");
  const bodyMask = [...marks.constants, ...carryMask, ...marks.stacked];

  // What the linear body reads of this step: constants and stacked operands are at hand, the rest is stacked.
  const knownInputs = body.inputs.map((_, i) => i).filter((i) => !bodyMask[i]);
  const partOf = (i: number) =>
    i < params.constants ? "constant" : i < params.constants + params.carry ? "carry" : "stacked";
  const sources = parts.residuals.map((r) => {
    if (r.kind === "computed") return { kind: "saved" as const, output: knownPlainCount() + r.index };
    const place = knownInputs[r.index]!;
    const part = partOf(place);
    if (part === "constant") return { kind: "constant" as const, atom: values.constants[place]! };
    if (part === "stacked")
      return { kind: "stacked" as const, atom: values.stacked[place - params.constants - params.carry]! };
    return { kind: "carry" as const, input: r.index };
  });
  function knownPlainCount() {
    return parts.known.outputs.length - parts.computed;
  }

  // The loop on known values: its own results, then what is saved.
  const saved = sources.filter((s) => s.kind === "saved" || s.kind === "carry");
  const key = `split scan ${maskKey(bodyMask)} ${params.carry} ${params.constants}`;
  const plainCarry = carryMask.filter((m) => !m).length;
  const knownBody = memoized(parts.known, key, () => {
    const b = new Builder();
    const atoms = parts.known.inputs.map((v) => b.input(v.type));
    const results = inlineGraph(b, parts.known, atoms);
    const outputs = [
      ...results.slice(0, knownPlainCount()),
      ...saved.map((s) => (s.kind === "saved" ? results[s.output]! : atoms[s.input]!)),
    ];
    return b.close(`${body.name}.known`, outputs).graph;
  });
  const knownPlaces = body.inputs.map((_, i) => (bodyMask[i] ? undefined : knownInputs.indexOf(i)));
  const unmarked = (mask: readonly boolean[]) => mask.map((m) => !m);
  const knownResults = scan(
    known,
    [
      ...(values.count ? [values.count] : []),
      ...some(values.constants, unmarked(marks.constants)),
      ...some(values.carry, unmarked(carryMask)),
      ...some(values.stacked, unmarked(marks.stacked)),
    ],
    {
      ...params,
      body: knownBody,
      condition: conditionOn(
        params,
        knownBody.inputs.map((v) => v.type),
        knownPlaces,
        `split ${maskKey(bodyMask)}`,
      ),
      constants: marks.constants.filter((m) => !m).length,
      carry: plainCarry,
      stacked: marks.stacked.filter((m) => !m).length,
    },
  );
  const plainResults = resultMask.filter((m) => !m).length;
  const steps = knownResults.at(-1)!;
  const savedAt = plainCarry + plainResults;
  let nextSaved = savedAt;
  const residualAtoms = sources.map((s) =>
    s.kind === "constant" || s.kind === "stacked" ? s.atom : knownResults[nextSaved++]!,
  );

  // The linear loop: constants (residual, linear), carry, stacked (residual, linear).
  const isConstant = sources.map((s) => s.kind === "constant");
  const linearBody = memoized(parts.linear, key, () => {
    const b = new Builder();
    const residualTypes = parts.linear.inputs.slice(0, sources.length).map((v) => v.type);
    const linearTypes = body.inputs.map((v) => v.type).filter((_, i) => bodyMask[i]);
    const counts = [marks.constants, carryMask, marks.stacked].map((m) => m.filter(Boolean).length) as [
      number,
      number,
      number,
    ];
    const residuals = new Array<Atom>(sources.length);
    sources.forEach((_, i) => {
      if (isConstant[i]) residuals[i] = b.input(residualTypes[i]!);
    });
    const linearConstants = linearTypes.slice(0, counts[0]).map((t) => b.input(t));
    const linearCarry = linearTypes.slice(counts[0], counts[0] + counts[1]).map((t) => b.input(t));
    sources.forEach((_, i) => {
      if (!isConstant[i]) residuals[i] = b.input(residualTypes[i]!);
    });
    const linearStacked = linearTypes.slice(counts[0] + counts[1]).map((t) => b.input(t));
    const outputs = inlineGraph(b, parts.linear, [...residuals, ...linearConstants, ...linearCarry, ...linearStacked]);
    return b.close(`${body.name}.linear`, outputs).graph;
  });
  const counted = params.counted || params.condition !== undefined;
  const linearResults = scan(
    linear,
    [
      ...(counted ? [steps] : []),
      ...some(residualAtoms, isConstant),
      ...some(values.constants, marks.constants),
      ...values.carry.flatMap((a, i) => (carryMask[i] ? [marks.carry[i] ? a : zerosOf(known, a.type)] : [])),
      ...some(
        residualAtoms,
        isConstant.map((c) => !c),
      ),
      ...some(values.stacked, marks.stacked),
    ],
    {
      body: linearBody,
      condition: undefined,
      length,
      constants: isConstant.filter(Boolean).length + marks.constants.filter(Boolean).length,
      carry: carryMask.filter(Boolean).length,
      stacked: isConstant.filter((c) => !c).length + marks.stacked.filter(Boolean).length,
      reverse: params.reverse,
      counted,
    },
  );
  const linearCarryCount = carryMask.filter(Boolean).length;
  let [kc, lc, kr, lr] = [0, 0, plainCarry, linearCarryCount];
  return [
    ...carryMask.map((m) => (m ? linearResults[lc++]! : knownResults[kc++]!)),
    ...resultMask.map((m) => (m ? linearResults[lr++]! : knownResults[kr++]!)),
    steps,
  ];
}

/** A loop whose number of steps is unknown cannot save its values. */
export function refuseUnbounded(span: Span | undefined): never {
  fail("K0501", span, "This loop is differentiated in reverse, but nothing says how many steps it may take.", {
    help:
      "Bound it (`loop s = s0 for t in 0..1000 while ... { ... }`), so that its values can be saved; " +
      "or say what the loop solves, as `root(F, from = x0)` or `fixpoint(T, from = x0)`, and the derivative follows from the condition alone.",
  });
}

export function transposeScan(
  b: Emitter,
  { inputs, params }: PrimitiveCall<ScanParams>,
  linear: readonly boolean[],
  cotangents: readonly (Atom | undefined)[],
): readonly (Atom | undefined)[] {
  const { body } = params;
  const values = scanOperands(inputs, params);
  const marks = scanOperands(linear, params);
  // A linear scan carries linear values only: what is known rides in constants and stacked operands.
  const carryMarks = marks.carry.map(() => true);
  const bodyMask = [...marks.constants, ...carryMarks, ...marks.stacked];
  const given = [
    ...Array(params.carry).fill(true),
    ...body.outputs.slice(params.carry).map((_, i) => cotangents[params.carry + i] !== undefined),
  ] as boolean[];
  const transposed = transposeOf(body, bodyMask, given);
  const layout = layoutOf(body, params);
  const linearConstants = some(layout.constants, marks.constants);
  const backBody = memoized(transposed, "transpose scan", () => {
    const nb = new Builder();
    const constants = some(
      layout.constants,
      marks.constants.map((m) => !m),
    ).map((t) => nb.input(t));
    const carry = layout.carry.map((t) => nb.input(t));
    const totals = linearConstants.map((t) => nb.input(t));
    const stacked = some(
      layout.stacked,
      marks.stacked.map((m) => !m),
    ).map((t) => nb.input(t));
    const arriving = body.outputs
      .slice(params.carry)
      .flatMap((a, i) => (given[params.carry + i] ? [nb.input(a.type)] : []));
    const results = inlineGraph(nb, transposed, [...constants, ...stacked, ...carry, ...arriving]);
    const nConstants = linearConstants.length;
    const nextTotals = totals.map((t, i) => add(nb, t, results[i]!));
    const nextCarry = results.slice(nConstants, nConstants + params.carry);
    const out = results.slice(nConstants + params.carry);
    return nb.close(`${body.name}.transpose`, [...nextCarry, ...nextTotals, ...out]).graph;
  });
  const arriving = cotangents.slice(params.carry, body.outputs.length).filter((c) => c !== undefined);
  const results = scan(
    b,
    [
      ...(values.count ? [values.count] : []),
      ...some(
        values.constants,
        marks.constants.map((m) => !m),
      ),
      ...layout.carry.map((t, i) => instantiate(b, cotangents[i], t)),
      ...linearConstants.map((t) => zerosOf(b, t)),
      ...some(
        values.stacked,
        marks.stacked.map((m) => !m),
      ),
      ...arriving,
    ],
    {
      body: backBody,
      condition: undefined,
      length: params.length,
      constants: marks.constants.filter((m) => !m).length,
      carry: params.carry + linearConstants.length,
      stacked: marks.stacked.filter((m) => !m).length + arriving.length,
      reverse: !params.reverse,
      counted: params.counted,
    },
  );
  let [k, c, s] = [params.carry, 0, params.carry + linearConstants.length];
  return [
    ...(params.counted ? [undefined] : []),
    ...marks.constants.map((m) => (m ? results[k++] : undefined)),
    ...marks.carry.map((m) => {
      const at = c++;
      return m ? results[at] : undefined;
    }),
    ...marks.stacked.map((m) => (m ? results[s++] : undefined)),
  ];
}
