/**
 * The rules every graph keeps, checked: all it uses comes in through its inputs or was computed before,
 * each name is given once, and each equation's results have the types that its primitive infers. Tests run
 * this after every transformation they trust; a compiler that breaks a rule is caught where it breaks it.
 */
import { type Atom, type Equation, equalTypes, type Graph, showType } from "./graph.ts";

/** What is wrong with a graph and the graphs inside it, in words; empty when nothing is. */
export function graphProblems(graph: Graph): readonly string[] {
  const problems: string[] = [];
  visit(graph, graph.name, problems, new Set());
  return problems;
}

function visit(graph: Graph, path: string, problems: string[], seen: Set<Graph>): void {
  if (seen.has(graph)) return;
  seen.add(graph);
  const known = new Set<number>();
  const define = (id: number, where: string) => {
    if (known.has(id)) problems.push(`${path}: v${id} is given twice, the second time by ${where}`);
    known.add(id);
  };
  const use = (a: Atom, where: string) => {
    if (a.kind === "literal") {
      if (a.type.shape.length > 0)
        problems.push(`${path}: the literal ${a.value} of ${where} has the shape of ${showType(a.type)}`);
    } else if (!known.has(a.id)) problems.push(`${path}: v${a.id} is used by ${where} before it is there`);
  };
  for (const v of graph.inputs) define(v.id, "the inputs");
  for (const e of graph.equations) {
    for (const a of e.inputs) use(a, e.primitive.name);
    checkTypes(e, path, problems);
    for (const v of e.outputs) define(v.id, e.primitive.name);
    for (const g of e.primitive.graphs?.(e.params) ?? [])
      visit(g, `${path}/${e.primitive.name}:${g.name}`, problems, seen);
  }
  for (const a of graph.outputs) use(a, "the outputs");
}

function checkTypes(e: Equation, path: string, problems: string[]): void {
  let inferred: ReturnType<Equation["primitive"]["infer"]>;
  try {
    inferred = e.primitive.infer(
      e.inputs.map((a) => a.type),
      e.params,
    );
  } catch (error) {
    problems.push(
      `${path}: ${e.primitive.name} refuses ${e.inputs.map((a) => showType(a.type)).join(", ")}: ${String(error)}`,
    );
    return;
  }
  if (inferred.length !== e.outputs.length) {
    problems.push(`${path}: ${e.primitive.name} has ${e.outputs.length} results, not ${inferred.length}`);
    return;
  }
  inferred.forEach((type, i) => {
    const found = e.outputs[i]!.type;
    if (!equalTypes(type, found))
      problems.push(`${path}: result ${i} of ${e.primitive.name} is ${showType(found)}, not ${showType(type)}`);
  });
}
