/**
 * The catalogue of messages: `errors/K0201.opt` says what a code means and holds a program that provokes it,
 * `errors/K0201.txt` is all that karush says about that program, and `errors.md` is both, for reading.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { syntaxCodes } from "../compiler/syntax/codes.ts";
import { type AloneOptions, performAlone, specFolder } from "./testing.ts";

export const errorsFolder = path.join(specFolder, "errors");

export interface ErrorEntry {
  readonly code: string;
  readonly title: string;
  readonly explanation: string;
  /** Empty when no script provokes the message; then `reason` says why. */
  readonly program: string;
  readonly reason: string | undefined;
  /** As `--set` gives them. */
  readonly set: Readonly<Record<string, string>>;
  /** Run with `--check-finite`, or with `--precision f32`. */
  readonly options: AloneOptions;
}

/** All entries, by code. */
export function errorEntries(): ErrorEntry[] {
  return readdirSync(errorsFolder)
    .filter((name) => name.endsWith(".opt"))
    .sort()
    .map((name) => readEntry(name.slice(0, -".opt".length)));
}

function readEntry(code: string): ErrorEntry {
  const text = readFileSync(path.join(errorsFolder, `${code}.opt`), "utf8");
  const [head = "", ...rest] = text.split("\n\n");
  const lines = head
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\/\/ ?/, ""));
  const directive = (word: string) =>
    lines.filter((l) => l.startsWith(`${word}: `)).map((l) => l.slice(word.length + 2));
  // The parser keeps the words for its own codes.
  const page = syntaxCodes[code];
  const title = page?.title ?? (lines[0] ?? "").slice(`${code}: `.length);
  const explanation =
    page?.explanation ??
    lines
      .slice(1)
      .filter((l) => !/^(none|set|with): /.test(l))
      .join("\n");
  const set = Object.fromEntries(directive("set").map((pair) => pair.split("=", 2) as [string, string]));
  const options: AloneOptions = {
    checkFinite: directive("with").includes("check-finite"),
    precision: directive("with").includes("f32") ? "f32" : "f64",
  };
  return { code, title, explanation, program: rest.join("\n\n"), reason: directive("none")[0], set, options };
}

/** Everything the command line prints about the program of an entry. */
export async function messagesOf(entry: ErrorEntry): Promise<string> {
  const messages = await performAlone(entry.program, path.join(errorsFolder, "data"), entry.set, entry.options);
  const texts = messages.flatMap((m) => {
    if (m.kind === "diagnostic") return [m.diagnostic.text];
    return m.kind === "usage" ? [m.help === undefined ? m.message : `${m.message}\n\nhelp: ${m.help}`] : [];
  });
  // The program runs in a folder of its own, whose name is another each time.
  return `${texts.join("\n\n").replaceAll(/\S*karush-spec-\w+/g, "/home/you/project")}\n`;
}

const groups: readonly (readonly [string, string, string])[] = [
  ["K01", "Syntax", "How a program is written."],
  [
    "K02",
    "Names, types and shapes",
    "What is found by checking a program, before it sees any data, or when it gets them.",
  ],
  ["K03", "Files, data and effects", "What a script reads, saves and asserts."],
  ["K04", "Failures while running", "What depends on the values."],
  ["K05", "Derivatives", "What can not be differentiated, and rules that do not fit."],
  ["K06", "Random numbers", "Keys and draws."],
  [
    "K07",
    "The library, statements and declarations",
    "Arguments of built-in functions, statements, solvers, problems and properties.",
  ],
  ["K09", "Devices, and more of solvers and problems", "Where a script runs; what solvers and problems ask for."],
  ["K10", "Solvers of the library, properties and limits", "What they ask for, and how much a script may take."],
  [
    "K11",
    "More of solvers, numbers, keys and names",
    "Conditions that do not fit, ints that end, keys that are used twice, what repeats and what is imported.",
  ],
];

/** The text of `errors.md`. */
export function catalogue(entries: readonly ErrorEntry[], messages: (entry: ErrorEntry) => string): string {
  const parts = [
    "# Messages",
    "Every message of karush has a code. This page has an entry for each: what it means, a small program that is wrong " +
      "in this way, and what karush says about it. It is made from the files in `errors/` by `UPDATE=1 npm test errors`; " +
      "a test keeps it, the files and the compiler in step.",
  ];
  for (const [prefix, name, about] of groups) {
    parts.push(`## ${name}`, about);
    for (const entry of entries.filter((e) => e.code.startsWith(prefix))) {
      parts.push(`### ${entry.code}: ${entry.title}`, entry.explanation);
      const settings = Object.entries(entry.set).map(([n, v]) => `--set ${n}=${v}`);
      if (settings.length > 0) parts.push(`Run with \`${settings.join(" ")}\`:`);
      if (entry.program === "") parts.push(`${entry.reason}`);
      else parts.push(fenced("opt", entry.program), fenced("text", messages(entry)));
    }
  }
  return `${parts.join("\n\n")}\n`;
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}
