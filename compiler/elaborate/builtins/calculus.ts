/** Derivatives as functions of functions, and the numeric gradient they are checked against. */
import { fail } from "../../syntax/diagnostic.ts";
import { certificate } from "../certificate.ts";
import { checkpointed } from "../checkpoint.ts";
import { directional, gradient, linearized, pulledBack, stopped } from "../derivatives.ts";
import type { Elaborator } from "../elaborator.ts";
import { applyTerm } from "../functions.ts";
import { jacobian } from "../jacobian.ts";
import { numericGradient } from "../numeric-gradient.ts";
import { type CallArguments, type FunctionTerm, showTermType, type Term, tupleTerm } from "../terms.ts";
import { type Builtin, take } from "./support.ts";

/** `name(f)` as a function that remembers `f`. */
function transformer(
  name: string,
  apply: (e: Elaborator, f: Term, args: CallArguments, extra: Term | undefined) => Term,
  option?: string,
): Builtin {
  return (e, args) => {
    const [f, extra] = take(name, args, option ? ["f", `${option}?`] : ["f"]);
    if (f!.kind === "error") e.giveUp();
    if (f!.kind !== "function")
      fail("K0504", args.span, `\`${name}\` takes a function, but this is ${showTermType(f!)}.`, {
        help: `Write \`${name}(f)(x)\`: first the function, then the point.`,
      });
    const given = f as FunctionTerm;
    const term: FunctionTerm = {
      kind: "function",
      name: `${name}(${given.name || "..."})`,
      ...(given.unknowns ? { unknowns: given.unknowns } : {}),
      ...(given.hasParameters ? { hasParameters: true } : {}),
      apply: (inner) => e.at(inner.span, () => apply(e, f!, inner, extra)),
    };
    return term;
  };
}

const jacobianMode = (extra: Term | undefined, args: CallArguments): "forward" | "reverse" | undefined => {
  if (!extra) return undefined;
  if (extra.kind === "word" && (extra.word === "forward" || extra.word === "reverse")) return extra.word;
  return fail("K0509", args.span, "The `mode` of `jacobian` is `forward` or `reverse`.");
};

export const calculusBuiltins: Readonly<Record<string, Builtin>> = {
  grad: transformer("grad", (e, f, args) => gradient(e, f, args, "grad").gradient),
  value_and_grad: transformer("value_and_grad", (e, f, args) => {
    const { value, gradient: g } = gradient(e, f, args, "value_and_grad");
    return tupleTerm([value, g]);
  }),
  jvp: transformer("jvp", (e, f, args) => directional(e, f, args)),
  vjp: transformer("vjp", (e, f, args) => pulledBack(e, f, args)),
  linearize: transformer("linearize", (e, f, args) => linearized(e, f, args)),
  jacobian: transformer("jacobian", (e, f, args, extra) => jacobian(e, f, args, jacobianMode(extra, args)), "mode"),
  hessian: transformer("hessian", (e, f, args) => jacobian(e, gradientOf(e, f), args, "forward", "hessian")),
  hvp: transformer("hvp", (e, f, args) => directional(e, gradientOf(e, f), args, "hvp")),
  checkpoint: transformer("checkpoint", (e, f, args) => checkpointed(e, (inner) => applyTerm(e, f, inner), args)),
  certificate: transformer("certificate", (e, f, args) => certificate(e, f as FunctionTerm, args)),
  numeric_grad: transformer("numeric_grad", (e, f, args) => numericGradient(e, f, args)),
  stop_gradient: (e, args) => {
    const [x] = take("stop_gradient", args, ["x"]);
    return stopped(e, x!.kind === "range" ? e.rangeToArray(x!, args.span) : x!);
  },
};

function gradientOf(e: Elaborator, f: Term): Term {
  const given = f as FunctionTerm;
  return {
    kind: "function",
    name: `grad(${given.name})`,
    ...(given.unknowns ? { unknowns: given.unknowns } : {}),
    ...(given.hasParameters ? { hasParameters: true } : {}),
    apply: (args) => gradient(e, f, args, "grad").gradient,
  };
}
