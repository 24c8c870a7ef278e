/** The core graph as text, one equation a line; nested graphs are indented below. */
import { paramsKey } from "./builder.ts";
import { type Atom, type Graph, showType, type Var } from "./graph.ts";

export function printGraph(graph: Graph, indent = ""): string {
  const names = new Map<number, string>();
  const nameOf = (v: Var) => {
    let name = names.get(v.id);
    if (!name) {
      name = `v${names.size}`;
      names.set(v.id, name);
    }
    return name;
  };
  const show = (a: Atom) =>
    a.kind === "literal" ? (a.type.dtype === "bool" ? String(a.value === 1) : String(a.value)) : nameOf(a);
  const lines = [
    `${indent}graph ${graph.name}(${graph.inputs.map((v) => `${nameOf(v)}: ${showType(v.type)}`).join(", ")})`,
  ];
  for (const e of graph.equations) {
    const results = e.outputs.map((v) => `${nameOf(v)}: ${showType(v.type)}`).join(", ");
    const graphs = e.primitive.graphs?.(e.params) ?? [];
    const plain = Object.entries(e.params).filter(
      ([, v]) => v !== undefined && !graphs.includes(v as Graph) && (typeof v !== "object" || Array.isArray(v)),
    );
    const params = plain.length === 0 ? "" : ` {${plain.map(([k, v]) => `${k}: ${paramsKey(v)}`).join(", ")}}`;
    lines.push(
      `${indent}  ${results ? `${results} = ` : ""}${e.primitive.name}(${e.inputs.map(show).join(", ")})${params}`,
    );
    for (const g of graphs) lines.push(printGraph(g, `${indent}    `));
  }
  lines.push(`${indent}  return ${graph.outputs.map(show).join(", ")}`);
  return lines.join("\n");
}
