/** One HTML file that tells what a run did. It loads nothing and runs nothing: it can be mailed and kept. */
import { exitCodes } from "../script/outcome.ts";
import { formatDuration, formatNumber } from "./numbers.ts";
import type { RecordedItem, RunRecord } from "./record.ts";
import { renderValue, typeName } from "./values.ts";

export async function renderReport(record: RunRecord): Promise<string> {
  const items: string[] = [];
  for (const item of record.items) items.push(await renderItem(item));
  const sections = [
    `<section>${items.join("\n")}</section>`,
    solvesTable(record),
    `<section><h2>Source</h2><pre class="source">${sourceLines(record.source)}</pre></section>`,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(record.file)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(record.file)}</h1>
<p class="${record.code === exitCodes.done ? "good" : "bad"}">${verdict(record.code)}</p>
<p class="faint">${escapeHtml(record.backend)}, ${record.precision}; check ${formatDuration(record.timings.check)}, compile ${formatDuration(record.timings.compile)}, run ${formatDuration(record.timings.run)}</p>
</header>
<main>
${sections.filter((s) => s !== "").join("\n")}
</main>
</body>
</html>
`;
}

function verdict(code: number): string {
  switch (code) {
    case exitCodes.done:
      return "Ran to the end.";
    case exitCodes.failedCheck:
      return "An assertion failed.";
    case exitCodes.wrongProgram:
      return "The program has errors.";
    case exitCodes.interrupted:
      return "Stopped by hand.";
    default:
      return "Failed while running.";
  }
}

async function renderItem(item: RecordedItem): Promise<string> {
  switch (item.kind) {
    case "show":
      return `<div class="card">${item.items
        .map((part) =>
          part.kind === "caption"
            ? `<p class="caption">${escapeHtml(part.text)}</p>`
            : `<h3><code>${escapeHtml(oneLine(part.expression))}</code> <span class="faint">${escapeHtml(typeName(part.value))}</span></h3><pre>${escapeHtml(renderValue(part.value, { color: false, width: 96 }))}</pre>`,
        )
        .join("")}</div>`;
    case "plot": {
      const { plotToSvg } = await import("./plot-svg.ts");
      return `<figure class="card">${await plotToSvg(item.plot)}</figure>`;
    }
    case "assert":
      return `<p class="line ${item.passed ? "good" : "bad"}">${item.passed ? "✓" : "✗"} <code>${escapeHtml(oneLine(item.expression))}</code>${item.message === undefined ? "" : ` ${escapeHtml(item.message)}`}</p>`;
    case "save":
      return `<p class="line">Saved <code>${escapeHtml(oneLine(item.expression))}</code> to <code>${escapeHtml(item.path)}</code></p>`;
    case "diagnostic": {
      const { severity, text } = item.diagnostic;
      return `<pre class="card ${severity === "error" ? "bad" : "warn"}">${escapeHtml(withoutColor(text))}</pre>`;
    }
  }
}

function solvesTable({ solves }: RunRecord): string {
  if (solves.length === 0) return "";
  const shown = solves
    .slice(0, mostSolves)
    .map(
      ({ expression, status, iterations, error }) =>
        `<tr><td><code>${escapeHtml(oneLine(expression))}</code></td><td class="${status === "converged" ? "good" : "warn"}">${escapeHtml(status)}</td><td>${iterations}</td><td>${formatNumber(error, 3)}</td></tr>`,
    );
  const rest = solves.length > mostSolves ? `<p class="faint">and ${solves.length - mostSolves} more</p>` : "";
  return `<section><h2>Solves</h2><table><tr><th>expression</th><th>status</th><th>iterations</th><th>error</th></tr>${shown.join("")}</table>${rest}</section>`;
}

/** A comprehension may solve thousands of times. */
const mostSolves = 200;

function sourceLines(source: string): string {
  const lines = source.replace(/\n$/, "").split("\n");
  const width = String(lines.length).length;
  return lines
    .map((line, i) => `<span class="faint">${String(i + 1).padStart(width)}</span>  ${escapeHtml(line)}`)
    .join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function withoutColor(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; --text: #1f2328; --page: #fbfbfa; --card: #fff; --line: #d9dcdf; --faint: #6a737d; --good: #1a7f45; --warn: #96650a; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --text: #e3e6e8; --page: #15181b; --card: #1d2125; --line: #343a40; --faint: #949ca4; --good: #56c47f; --warn: #dfa83f; --bad: #f2766a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; } h3 { font-size: .95rem; font-weight: 600; margin: .5rem 0 .25rem; }
header p { margin: .15rem 0; }
code, pre { font: 13.5px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { margin: 0 0 .5rem; overflow-x: auto; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem; margin: 1rem 0; }
figure { overflow-x: auto; } figure svg { max-width: 100%; height: auto; }
.caption { font-weight: 600; margin: .25rem 0; } .line { margin: .5rem 0; }
.faint { color: var(--faint); font-weight: 400; } .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
pre.card { white-space: pre-wrap; border-left: 4px solid currentColor; }
.source { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; } th { text-align: left; } th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
`;
