/** From a core graph to a Plan: nodes, fusion, kernels, control flow, memory. */
import { sizeOf } from "../core/array.ts";
import { type Atom, concreteShape, type Graph, type Var } from "../core/graph.ts";
import { type ScanParams, toldPlaces } from "../transform/control/scan.ts";
import { simplify } from "../transform/simplify.ts";
import { KernelAssembly, type Memory } from "./assemble.ts";
import { flattenBranches } from "./branches.ts";
import * as ir from "./expressions.ts";
import { type Fusion, fuse } from "./fuse.ts";
import type { Expression, Kernel } from "./ir.ts";
import { rotateLoop } from "./loop-rotation.ts";
import { depthOf, placeTemporaries } from "./memory.ts";
import {
  boundType,
  type ControlNode,
  isPulled,
  type Node,
  nodesOf,
  type ProductNode,
  productSizes,
  type RoutineNode,
} from "./nodes.ts";
import type {
  Buffer,
  CheckStep,
  Launch,
  LoopStep,
  Plan,
  PlanEvent,
  PlanFunction,
  PlanOptions,
  PlanStep,
} from "./plan.ts";
import { ProductOperands } from "./product-operands.ts";
import { recallFunction, rememberFunction } from "./recall.ts";
import { kernelKey } from "./same.ts";
import { scheduleUnit } from "./schedule.ts";
import { sinkNumbers } from "./sink.ts";
import { launchesOfStages } from "./stages.ts";

/** Compiles a closed graph whose sizes are numbers. */
export function buildPlan(graph: Graph, options: PlanOptions): Plan {
  ir.forgetExpressions();
  const builder = new PlanBuilder(options);
  builder.functionOf(graph);
  const kernels = new Set<Kernel>();
  for (const f of builder.functions)
    for (const s of f.steps) {
      if (s.kind === "launch") kernels.add(s.kernel);
      if (s.kind === "check" && s.details) kernels.add(s.details.kernel);
    }
  return {
    precision: options.precision,
    functions: builder.functions,
    kernels: [...kernels],
    events: builder.events,
    frameBytes: depthOf(builder.functions.at(-1)!),
  };
}

let bufferCount = 0;

class PlanBuilder {
  readonly functions: PlanFunction[] = [];
  readonly events: PlanEvent[] = [];
  readonly options: PlanOptions;
  readonly #made = new Map<Graph, PlanFunction>();
  readonly #kernels = new Map<string, Kernel>();

  constructor(options: PlanOptions) {
    this.options = options;
  }

  functionOf(graph: Graph): PlanFunction {
    return this.#functionOfSimple(simplify(graph));
  }

  #functionOfSimple(simple: Graph): PlanFunction {
    let made = this.#made.get(simple);
    if (!made) {
      made =
        recallFunction(simple, this.options, {
          functionOf: (callee) => this.#functionOfSimple(callee),
          event: (kind, params) => this.event(kind, params),
          shared: (launch) => this.shared(launch),
        }) ?? new FunctionBuilder(this, sinkNumbers(this.#straight(simple))).build();
      rememberFunction(simple, this.options, made, this.events);
      this.#made.set(simple, made);
      this.functions.push(made);
    }
    return made;
  }

  /** Branches that are cheap cost calls on a processor; the ways of a device's plan are laid out by its own runtime. */
  #straight(graph: Graph): Graph {
    return this.options.style === "vector" ? flattenBranches(graph) : graph;
  }

  /** The launch of a kernel that was made before, when there is an equal one. */
  shared(launch: Launch): Launch {
    const key = kernelKey(launch.kernel);
    const known = this.#kernels.get(key);
    if (known) return { ...launch, kernel: known };
    this.#kernels.set(key, launch.kernel);
    return launch;
  }

  event(kind: PlanEvent["kind"], params: PlanEvent["params"]): number {
    this.events.push({ kind, params });
    return this.events.length - 1;
  }
}

class FunctionBuilder implements Memory {
  readonly #plan: PlanBuilder;
  readonly #graph: Graph;
  readonly #nodes: readonly Node[];
  readonly #fusion: Fusion;
  readonly #buffers = new Map<number, Buffer>();
  readonly #steps: PlanStep[] = [];
  readonly #operands: ProductOperands;

  constructor(plan: PlanBuilder, graph: Graph) {
    this.#plan = plan;
    this.#graph = graph;
    this.#nodes = nodesOf(graph, plan.options);
    this.#fusion = fuse(graph, this.#nodes, plan.options);
    this.#operands = new ProductOperands(this.#fusion, this, (launch) => this.#steps.push(launch));
  }

  build(): PlanFunction {
    const graph = this.#graph;
    const inputs = graph.inputs.map((v) => this.#newBuffer(v, "input"));
    const seen = new Set<number>(graph.inputs.map((v) => v.id));
    const copies: { readonly atom: Atom; readonly to: Buffer }[] = [];
    const outputs = graph.outputs.map((a, i) => {
      if (a.kind === "var" && !seen.has(a.id)) {
        seen.add(a.id);
        return this.#newBuffer(a, "output");
      }
      const to = buffer(`result${i}`, a.type.dtype, concreteShape(a.type.shape), "output");
      copies.push({ atom: a, to });
      return to;
    });
    for (const unit of this.#fusion.units) {
      if (unit.kind !== "single") {
        this.#steps.push(
          ...scheduleUnit(unit, { fusion: this.#fusion, memory: this, options: this.#plan.options }).filter(
            (l) => Number((l.kernel.grid.count as { value: number }).value) > 0,
          ),
        );
      } else this.#single(unit.node);
    }
    for (const { atom, to } of copies)
      this.#steps.push(
        atom.kind === "literal"
          ? { kind: "fill", buffer: to, value: atom.value }
          : { kind: "copy", from: this.bufferOf(atom), to },
      );
    const steps = this.#steps.map((s): PlanStep => {
      if (s.kind === "launch") return this.#plan.shared(s);
      return s.kind === "check" && s.details ? { ...s, details: this.#plan.shared(s.details) } : s;
    });
    return { name: graph.name, inputs, outputs, steps, ...placeTemporaries(steps, this.#plan.options.precision) };
  }

  #newBuffer(v: Var, place: Buffer["place"]): Buffer {
    const node = this.#fusion.producer.get(v.id);
    const made = buffer(node?.name ?? "x", v.type.dtype, concreteShape(v.type.shape), place);
    this.#buffers.set(v.id, made);
    return made;
  }

  bufferOf(v: Var): Buffer {
    return this.#buffers.get(v.id) ?? this.#newBuffer(v, "temporary");
  }

  temporary(name: string, kind: Buffer["kind"], shape: readonly number[]): Buffer {
    return buffer(name, kind, shape, "temporary");
  }

  /** An operand in memory. */
  #operand(a: Atom): Buffer {
    if (a.kind === "var") return this.bufferOf(a);
    const made = this.temporary("constant", a.type.dtype, []);
    this.#steps.push({ kind: "fill", buffer: made, value: a.value });
    return made;
  }

  #single(node: Node): void {
    switch (node.kind) {
      case "routine":
        this.#routine(node);
        return;
      case "product":
        this.#product(node);
        return;
      case "control":
        this.#control(node);
        return;
      default:
        throw new Error(`internal error: ${node.name} is no step of its own`);
    }
  }

  #routine(node: RoutineNode): void {
    const { routine, staged } = node;
    if (staged) {
      this.#steps.push(
        ...launchesOfStages(node, staged, {
          inputs: node.inputs.map((a) => this.#operand(a)),
          outputs: node.outputs.map((v) => this.bufferOf(v)),
          scratch: staged.scratch.map((s) => this.temporary(s.name, s.kind, [s.length])),
        }),
      );
      return;
    }
    const pulled = this.#pulledOperand(node);
    const standIn = this.temporary("pulled", "real", []);
    const places = [
      ...node.inputs.map((a) => [a === pulled ? standIn : this.#operand(a), "read"] as const),
      ...node.outputs.map((v) => [this.bufferOf(v), "both"] as const),
      ...routine.scratch.map((s) => [this.temporary(s.name, s.kind, [s.length]), "both"] as const),
    ];
    if (routine.grid === 0) return;
    const arrays = places.map(([b, access]) => ir.kernelArray(b.name, b.kind, b.length, access));
    const [i, o] = [node.inputs.length, node.inputs.length + node.outputs.length];
    const assembly = new KernelAssembly(this.#fusion, this);
    const shape = pulled ? concreteShape(pulled.type.shape) : [];
    const pull = (place: Expression) => assembly.puller.read(pulled!, ir.coordinatesOf(place, shape));
    const grid = ir.loop("lane", routine.grid, "independent", (lane) =>
      routine.body(
        lane,
        { inputs: arrays.slice(0, i), outputs: arrays.slice(i, o), scratch: arrays.slice(o) },
        pulled && pull,
      ),
    );
    const size = places.reduce((n, [b]) => n + b.length, 0);
    const more = assembly.launch(node.name, node.span, node.name, grid, 0);
    const isThere = (_: unknown, k: number) => k >= i || node.inputs[k] !== pulled;
    this.#steps.push({
      kind: "launch",
      kernel: { ...more.kernel, arrays: [...arrays.filter(isThere), ...more.kernel.arrays] },
      buffers: [...places.map(([b]) => b).filter(isThere), ...more.buffers],
      cost: (size * Math.sqrt(size)) / routine.grid,
    });
  }

  /** The operand of a routine that has no memory and is computed where it is read. */
  #pulledOperand(node: RoutineNode): Var | undefined {
    const { virtual, stored } = this.#fusion;
    const found = node.inputs.find((_, operand) => isPulled(node, operand, this.#plan.options.style));
    return found?.kind === "var" && virtual.has(found.id) && !stored.has(found.id) ? found : undefined;
  }

  #product(node: ProductNode): void {
    this.#steps.push({
      kind: "product",
      span: node.span,
      ...productSizes(node.axes, node.contexts),
      a: this.#operands.of(node, 0),
      b: this.#operands.of(node, 1),
      result: this.bufferOf(node.outputs[0]!),
    });
  }

  #control(node: ControlNode): void {
    const { params } = node.equation;
    switch (node.name) {
      case "check":
        this.#check(node);
        return;
      case "report": {
        const [status, iterations, error] = node.inputs.map((a) => this.#operand(a)) as [Buffer, Buffer, Buffer];
        this.#steps.push({ kind: "report", event: this.#plan.event("report", params), status, iterations, error });
        return;
      }
      case "scan":
        this.#loop(node);
        return;
      case "cond": {
        const [predicate, ...inputs] = node.inputs.map((a) => this.#operand(a)) as [Buffer, ...Buffer[]];
        this.#steps.push({
          kind: "branch",
          predicate,
          then: this.#plan.functionOf(params.then as Graph),
          otherwise: this.#plan.functionOf(params.otherwise as Graph),
          inputs,
          outputs: node.outputs.map((v) => this.bufferOf(v)),
        });
        return;
      }
      case "call":
        this.#steps.push({
          kind: "call",
          callee: this.#plan.functionOf(params.graph as Graph),
          inputs: node.inputs.map((a) => this.#operand(a)),
          outputs: node.outputs.map((v) => this.bufferOf(v)),
        });
        return;
      default:
        throw new Error(`internal error: ${node.name} cannot be planned`);
    }
  }

  #loop(node: ControlNode): void {
    const params = node.equation.params as ScanParams;
    const { condition } = params;
    const rotated =
      condition && this.#plan.options.style === "vector"
        ? rotateLoop({ ...params, body: simplify(params.body), condition: simplify(condition) })
        : undefined;
    const operands = node.inputs.map((a) => this.#operand(a));
    const first = params.counted ? 1 : 0;
    const afterConstants = first + params.constants;
    const afterCarry = afterConstants + params.carry;
    const outputs = node.outputs.map((v) => this.bufferOf(v));
    const carry: LoopStep["carry"] = operands.slice(afterConstants, afterCarry).map((initial, i) => ({
      initial,
      result: outputs[i]!,
      spare: this.temporary("state", initial.kind, initial.shape),
      kept: rotated?.kept[i] ?? false,
    }));
    this.#steps.push({
      kind: "loop",
      name: params.progress?.expression ?? params.body.name,
      span: node.span,
      body: this.#plan.functionOf(rotated?.body ?? params.body),
      condition: params.condition && this.#plan.functionOf(params.condition),
      going: rotated && this.temporary("going", "bool", []),
      length: params.length === undefined ? undefined : concreteShape([params.length])[0]!,
      count: params.counted ? operands[0]! : undefined,
      reverse: params.reverse,
      constants: operands.slice(first, afterConstants),
      carry,
      stacked: operands.slice(afterCarry),
      results: outputs.slice(params.carry, -1),
      steps: outputs.at(-1)!,
      progress: params.progress && {
        event: this.#plan.event("progress", params.progress),
        told: toldPlaces(params),
      },
    });
  }

  #check(node: ControlNode): void {
    const [place, promise, ...shown] = node.inputs as readonly [Atom, Atom, ...Atom[]];
    const failing = this.#operand(place);
    const event = this.#plan.event("check", node.equation.params);
    let details: CheckStep["details"];
    let target: Buffer | undefined;
    if (shown.length > 0) {
      const a = new KernelAssembly(this.#fusion, this);
      target = this.temporary("shown", "real", [shown.length]);
      const { shape } = boundType(promise.type);
      const into = target;
      const grid = ir.loop("i", 1, "independent", () => {
        const found = a.loadAt(failing, ir.int(0));
        // Only run when a place was found; clamped all the same, for targets that evaluate ahead.
        const at = ir.knownBelow(
          ir.max(ir.min(found, ir.int(Math.max(0, sizeOf(shape) - 1))), ir.int(0)),
          Math.max(1, sizeOf(shape)),
        );
        return shown.map((d, i) => {
          const own = concreteShape(d.type.shape);
          const value = a.puller.read(d, own.length === shape.length ? ir.coordinatesOf(at, shape) : []);
          return a.store(into, ir.int(i), value.kind === "real" ? value : ir.toReal(value));
        });
      });
      details = a.launch("details", node.span, "what a check shows", grid, shown.length);
    }
    this.#steps.push({ kind: "check", event, failing, details, shown: target });
  }
}

function buffer(name: string, kind: Buffer["kind"], shape: readonly number[], place: Buffer["place"]): Buffer {
  bufferCount += 1;
  return { id: bufferCount, name, kind, shape, length: sizeOf(shape), place };
}
