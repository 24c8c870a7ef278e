/** Projections: the closest point of the set, with derivatives of both modes and twice, at kinks too, alone and in batches. */
import assert from "node:assert/strict";
import test from "node:test";
import { runScript } from "./testing.ts";

/** The closest points of sets of vectors of six entries (a matrix where `shape` says so). */
interface Case {
  readonly name: string;
  readonly project: string;
  /** How far x is from the set, by its definition. */
  readonly violation: string;
  readonly shape?: string;
  /** Not the closest point in the Euclidean distance, or of a set that is not convex: no variational inequality. */
  readonly convex?: false;
  /** What an inner solve leaves, in multiples of the square root of epsilon; else rounding alone. */
  readonly solved?: true;
}

const [a, w] = ["[1.0, -0.5, 2.0, 0.3, -1.0, 0.7]", "[1.0, -0.5, 2.0, 0.3, 0.0, 0.7]"];
const [A, G] = [
  "[[1.0, 1, 1, 1, 1, 1], [1, 0, -1, 0, 2, 0]]",
  "[[1.0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 1], [0, 0, 1, -1, 0, 0]]",
];
const plan = "norm(concat(sum(x, axis = 1) - [1.0, 2], sum(x, axis = 0) - ones[3], relu(ravel(-x))))";
const cases: readonly Case[] = [
  { name: "nonnegative", project: "project_nonnegative(v)", violation: "norm(relu(-x))" },
  {
    name: "box",
    project: "project_box(v, -0.5, [1.0, 2, inf, 0, 0.5, 1])",
    violation: "norm(relu(-0.5 - x)) + norm(relu(x - [1.0, 2, inf, 0, 0.5, 1]))",
  },
  { name: "hypercube", project: "project_hypercube(v, 0.7)", violation: "norm(relu(-x)) + norm(relu(x - 0.7))" },
  { name: "linf ball", project: "project_linf_ball(v)", violation: "relu(norm(x, inf) - 1)" },
  { name: "simplex", project: "project_simplex(v, 1.5)", violation: "norm(relu(-x)) + abs(sum(x) - 1.5)" },
  {
    name: "simplex, KL",
    project: "project_simplex_kl(v)",
    violation: "norm(relu(-x)) + abs(sum(x) - 1)",
    convex: false,
  },
  {
    name: "sparse simplex",
    project: "project_sparse_simplex[2](v)",
    violation: "norm(relu(-x)) + abs(sum(x) - 1) + relu(sum(x > 0) - 2)",
    convex: false,
  },
  { name: "l1 sphere", project: "project_l1_sphere(v, 2)", violation: "abs(norm(x, 1) - 2)", convex: false },
  { name: "l1 ball, from inside and outside", project: "project_l1_ball(v, 6)", violation: "relu(norm(x, 1) - 6)" },
  { name: "l2 sphere", project: "project_l2_sphere(v, 2)", violation: "abs(norm(x) - 2)", convex: false },
  { name: "l2 ball, from inside and outside", project: "project_l2_ball(v, 3)", violation: "relu(norm(x) - 3)" },
  { name: "hyperplane", project: `project_hyperplane(v, ${a}, 0.5)`, violation: `abs(dot(${a}, x) - 0.5)` },
  { name: "half space", project: `project_halfspace(v, ${a}, 0.5)`, violation: `relu(dot(${a}, x) - 0.5)` },
  { name: "affine", project: `project_affine(v, ${A}, [0.5, -1])`, violation: `norm(${A} @ x - [0.5, -1])` },
  {
    name: "polyhedron",
    project: `project_polyhedron(v, ${A}, [0.5, -1], ${G}, [0.2, 0.1, -0.3])`,
    violation: `norm(${A} @ x - [0.5, -1]) + norm(relu(${G} @ x - [0.2, 0.1, -0.3]))`,
    solved: true,
  },
  {
    name: "box section",
    project: `project_box_section(v, fill[6](-1), [1.0, 2, inf, 1, 0.5, 1], ${w}, 0.4)`,
    violation: `abs(dot(${w}, x) - 0.4) + norm(relu(-1 - x)) + norm(relu(x - [1.0, 2, inf, 1, 0.5, 1]))`,
  },
  { name: "second-order cone", project: "project_second_order_cone(v)", violation: "relu(norm(x[:5]) - x[5])" },
  {
    name: "second-order cone, mostly inside",
    project: "project_second_order_cone(v + [0, 0, 0, 0, 0, 3.5])",
    violation: "relu(norm(x[:5]) - x[5])",
    convex: false,
  },
  { name: "isotonic", project: `project_isotonic(v)`, violation: "norm(relu(x[:5] - x[1:]))" },
  { name: "psd", project: "project_psd(v)", violation: "norm(x - x') + norm(relu(-smallest(x)))", shape: "3, 3" },
  {
    name: "transport",
    project: "project_transport(v, [1.0, 2], ones[3])",
    violation: plan,
    shape: "2, 3",
    solved: true,
  },
  {
    name: "transport, KL",
    project: "project_transport_kl(v, [1.0, 2], ones[3])",
    violation: plan,
    shape: "2, 3",
    convex: false,
    solved: true,
  },
  {
    name: "birkhoff",
    project: "project_birkhoff(v)",
    violation: "norm(sum(x, axis = 1) - 1) + norm(sum(x, axis = 0) - 1)",
    shape: "3, 3",
    solved: true,
  },
];

const names = [...new Set(cases.flatMap((c) => c.project.match(/project_[a-z0-9_]+/g) ?? []))];
const imports = `import { ${names.join(", ")} } from "std/projections"\n`;

/** The gradients at all points, so that the two precisions can be compared. */
const gradients = new Map<string, readonly number[]>();

for (const precision of ["f64", "f32"] as const)
  for (const c of cases)
    test(`${precision}: ${c.name}`, () => {
      const ran = runScript(script(c, precision === "f64"), { precision });
      const found = ran.shown.get("gradients");
      assert.ok(Array.isArray(found));
      if (precision === "f64") gradients.set(c.name, found);
      else
        gradients.get(c.name)!.forEach((g, i) => {
          // A numeric derivative in f32 would step over the kinks.
          assert.ok(Math.abs(found[i] - g) <= (c.solved ? 2e-2 : 2e-4) * (1 + Math.abs(g)), `${found[i]} is not ${g}`);
        });
    });

function script(c: Case, double: boolean): string {
  const shape = c.shape ?? "6";
  const within = c.solved ? "50 * sqrt(epsilon)" : "200 * epsilon";
  const isProjection = !/kl|3\.5/.test(c.project);
  return `${imports}
    fn smallest(x) = {
      let (values, vectors) = eigh(x)
      min(values)
    }
    fn project(v) = ${c.project}
    fn violation(x) = ${c.violation}
    fn point(k) = 2 * normal[${shape}](k)
    let keys = split[6](key(17))
    let others = split[5](key(29))
    assert max([violation(project(point(k))) for k in keys]) <= ${within}

    fn moved_again(v) = norm(project(project(v)) - project(v))
    ${isProjection ? `assert max([moved_again(point(k)) for k in keys]) <= ${within}` : ""}

    // <v - p, z - p> <= 0 for all z of a convex set says that p is the closest point.
    fn improvement(v) = {
      let p = project(v)
      max([dot(v - p, project(point(o)) - p) for o in others])
    }
    ${c.convex === false ? "" : `assert max([improvement(point(k)) for k in keys]) <= 10 * ${within}`}

    let batched = [project(point(k)) for k in keys]
    let looped = loop looped = zeros_like(batched) for i in 0..6 { looped with [i] = project(point(keys[i])) }
    assert norm(batched - looped) <= ${within}

    let (u, c) = (normal[${shape}](key(5)), normal[${shape}](key(6)))
    fn along(v) = dot(c, sin(project(v)))
    let gradients = [grad(along)(point(k)) for k in keys]
    let forward = [jvp(along)(point(k), u) for k in keys]
    assert max([abs(dot(g, u) - f) for (g, f) in zip(gradients, forward)]) <= ${double ? "1e-6" : "1e-2"}
    ${double ? derivatives(c) : ""}
    show gradients`;
}

/** Against differences, of the value and of the first derivative. */
function derivatives(c: Case): string {
  const tolerance = c.solved ? "1e-5" : "1e-6";
  return `
    let numeric = [numeric_grad(along)(point(k)) for k in keys]
    assert max(abs(numeric - gradients)) <= ${tolerance}
    let twice = [jvp(grad(along))(point(k), u) for k in keys]
    let numeric_twice = [numeric_grad(v => jvp(along)(v, u))(point(k)) for k in keys]
    assert max(abs(twice - numeric_twice)) <= 30 * ${tolerance}`;
}

test("derivatives in the sizes of sets, in bounds and in data are those of differences", () => {
  runScript(
    `${imports}
    let v = 2 * normal[6](key(3))
    let c = normal[6](key(4))
    let V = 2 * normal[2, 3](key(5))
    fn simplex(s: real) = dot(c, sin(project_simplex(v, s)))
    fn l1(s: real) = dot(c, sin(project_l1_ball(v, s)))
    fn l2(s: real) = dot(c, sin(project_l2_ball(v, s)))
    fn box(l: real, u: real) = dot(c, sin(project_box(v, l, u)))
    fn section(l: real, u: real, s: real) = dot(c, sin(project_box_section(v, fill[6](l), fill[6](u), s * ${a}, 0.2)))
    fn half(s: real) = dot(c, sin(project_halfspace(v, s * ${a} + [s^2, 0, 0, 0, 0, 0], s - 3)))
    fn affine(A) = dot(c, sin(project_affine(v, A, [0.5, -1])))
    fn rows(G) = dot(c, sin(project_polyhedron(v, ${A}, [0.5, -1], G, [0.2, 0.1, -0.3])))
    fn level(h) = dot(c, sin(project_polyhedron(v, ${A}, [0.5, -1], ${G}, h)))
    fn plan(b) = sum(V * sin(project_transport(V, [sum(b) - 1, 1], b)))
    fn plan_kl(b) = sum(V * sin(project_transport_kl(V, [sum(b) - 1, 1], b)))
    fn pooled(w) = dot(c, sin(project_isotonic(v, w)))
    for (f, x) in checks
    ${[
      ["simplex", "1.3"],
      ["l1", "1.3"],
      ["l2", "1.3"],
      ["l => box(l, 1.0)", "-0.4"],
      ["u => box(-1.0, u)", "0.4"],
      ["l => section(l, 1.0, 1.0)", "-0.4"],
      ["u => section(-1.0, u, 1.0)", "0.4"],
      ["s => section(-1.0, 0.5, s)", "1.1"],
      ["half", "0.9"],
      ["affine", A],
      ["rows", G],
      ["level", "[0.2, 0.1, -0.3]"],
      ["plan", "[1.0, 0.7, 1.2]"],
      ["plan_kl", "[1.0, 0.7, 1.2]"],
      ["pooled", "[1.0, 2, 0.5, 1, 3, 1]"],
    ]
      .map(([f, x]) => `assert norm(grad(${f})(${x}) - numeric_grad(${f})(${x})) < 1e-5 * (1 + norm(grad(${f})(${x})))`)
      .join("\n    ")}`.replace("for (f, x) in checks", ""),
  );
});

test("at kinks, centres and ties values and derivatives are finite and by the convention", () => {
  runScript(`${imports}
    let z = zeros[3]
    assert norm(jacobian(v => project_nonnegative(v))(z)) == 0
    assert norm(jacobian(v => project_box(v, 0, 1))([0.0, 1, 0.5]) - diag([0.0, 0, 1])) == 0
    assert norm(jacobian(v => project_l2_ball(v))(z) - eye[3]) == 0
    assert norm(jacobian(v => project_l2_ball(v, 0))(z) - eye[3]) == 0
    assert norm(project_l2_ball([1.0, 2, 3], 0)) == 0
    assert norm(project_l1_ball([1.0, 2, 3], 0)) == 0
    assert norm(jacobian(v => project_l2_sphere(v, 2))(z)) == 0
    assert norm(project_l2_sphere(z, 2) - 2 / sqrt(3)) < 1e-15
    assert abs(norm(project_l1_sphere(z, 2), 1) - 2) < 1e-15
    assert norm(jacobian(v => project_l1_ball(v))(z) - eye[3]) == 0
    assert norm(project_simplex(ones[3]) - 1 / 3) < 1e-15
    assert norm(project_simplex([0.0, 1, 0]) - [0, 1, 0]) == 0
    assert norm(project_simplex(z, 0)) == 0
    assert is_finite(sum(jacobian(v => project_simplex(v, 0))(z)))
    assert norm(project_simplex([1e12, 1e12 + 1, 0.0]) - [0, 1, 0]) == 0
    assert norm(jacobian(v => project_second_order_cone(v))(zeros[4]) - eye[4]) == 0
    assert norm(jacobian(v => project_second_order_cone(v))([0.0, 0, 0, -1])) == 0
    assert norm(jacobian(v => project_second_order_cone(v))([3.0, 0, 4, 5]) - eye[4]) == 0
    assert norm(grad(M => sum(project_psd(M)))(eye[3]) - 1) < 1e-14
    assert norm(grad(M => sum(project_psd(M)))(zeros[3, 3])) == 0
    assert norm(jacobian(v => project_isotonic(v))(ones[3]) - eye[3]) == 0
    assert norm(jacobian(v => project_isotonic(v))([2.0, 1, 0]) - 1 / 3) < 1e-15
    assert norm(project_isotonic([5.0])- 5) == 0
    assert norm(project_sparse_simplex[2](ones[3]) - [0.5, 0.5, 0]) < 1e-15
    // A row that only just holds, without pressure: the derivative is that of the free side.
    assert norm(jacobian(v => project_polyhedron(v, zeros[0, 2], zeros[0], [[1.0, 0]], [1.0]))([0.5, 2.0]) - eye[2]) < 1e-8
    assert norm(project_box_section([0.0, 0], [0.0, 0], [1.0, 1], ones[2], 2) - 1) < 1e-15
    assert norm(project_box_section([5.0, -5], [0.0, 0], [1.0, 1], ones[2], 0)) < 1e-15`);
});

test("the projection of a tuple is that of the vector of its entries", () => {
  runScript(
    `${imports}
    let v = (a: 0.8, b: [[-0.3, 2.0], [0.1, 0.7]])
    for_each
    let (x, t) = project_second_order_cone(([3.0, 4.0], 1.0))
    assert norm(x - [1.8, 2.4]) < 1e-14 and abs(t - 3) < 1e-14`.replace(
      "for_each",
      [
        "nonnegative(v)",
        "simplex(v)",
        "simplex_kl(v)",
        "l1_ball(v)",
        "l1_sphere(v)",
        "l2_ball(v)",
        "l2_sphere(v)",
        "linf_ball(v)",
        "hypercube(v)",
        "second_order_cone(v)",
      ]
        .map((p) => `assert norm(ravel(project_${p}) - project_${p.replace("(v", "(ravel(v)")}) == 0`)
        .join("\n    "),
    ),
  );
});

test("a set without points is never a plausible answer", () => {
  for (const call of [
    "project_simplex([1.0, 2], -1)",
    "project_l1_ball([1.0, 2], -1)",
    "project_l2_ball([1.0, 2], -1)",
    "project_l2_sphere([1.0, 2], -1)",
    "project_linf_ball([1.0, 2], -1)",
    "project_box_section([1.0, 2], zeros[2], ones[2], ones[2], 3)",
    "project_transport(ones[2, 2], [1.0, 1], [1.0, 2])",
    "project_affine([1.0, 2], [[1.0, 1], [2, 2]], [1, 2])",
    "project_polyhedron([1.0, 2], zeros[0, 2], zeros[0], [[1.0, 0], [-1, 0]], [0.0, -1])",
  ])
    assert.throws(() => runScript(`${imports}show ${call}`), /K04\d\d/, call);
});
