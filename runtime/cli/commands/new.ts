/** `karush new`: a project that runs as it is. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import type { Terminal } from "../terminal.ts";

const script = `// Fits a line to a few measurements, and asks how the fit depends on the penalty.
import { lbfgs } from "std/first-order"

data x: real[n] from "measurements.csv" column "x"
data y: real[n] from "measurements.csv" column "y"
param penalty: real = 0.01

objective fit(slope: real, offset: real; penalty: real) =
  mean((slope * x + offset - y)^2) + penalty * slope^2

fn best(penalty: real) = minimize(fit(; penalty), from = (slope: 0.0, offset: 0.0), by = lbfgs())

let found = best(penalty)
show found.x, found.value, found.status

// How the slope moves when the penalty does: the derivative of an optimum.
show grad(p => best(p).x.slope)(penalty)

property "the gradient is the numeric gradient" for all (line: (slope: real, offset: real) in normal()) {
  grad(fit(; 0.1))(line) ~= numeric_grad(fit(; 0.1))(line)
}
`;

const measurements = `x,y
0.0,1.1
0.5,1.9
1.0,3.2
1.5,3.9
2.0,5.1
2.5,5.8
3.0,7.2
`;

const readme = (name: string) => `# ${name}

    karush run fit.opt
    karush run fit.opt --set penalty=1 --report fit.html
    karush test fit.opt
`;

export function newProject(folder: string, terminal: Terminal): ExitCode {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is a file.`);
    if (readdirSync(folder).length > 0)
      throw new UsageError(`${folder} is not empty, and nothing in it is to be lost.`);
  }
  mkdirSync(folder, { recursive: true });
  const files = {
    "fit.opt": script,
    "measurements.csv": measurements,
    "README.md": readme(path.basename(path.resolve(folder))),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { flag: "wx" });
  terminal.print(`Made ${folder}. Try: karush run ${path.join(folder, "fit.opt")}`);
  return exitCodes.done;
}
