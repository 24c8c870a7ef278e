/** What a run spent its time on, as `karush run --profile` prints it. */
import type { Profile, ProfiledKernel, ProfiledStatement } from "../profile/profiler.ts";
import { palette } from "./colors.ts";
import { formatDuration, formatNumber } from "./numbers.ts";
import { displayWidth, harmless, padEnd, padStart } from "./text.ts";

export interface ProfileOptions {
  readonly color: boolean;
  readonly width: number;
}

/** So many kernels say it all. */
const mostKernels = 25;
const mostStatements = 15;

const clocks: Readonly<Record<Profile["clock"], string>> = {
  host: "timed around each step",
  device: "timed by the device; runs include those that had nothing to do",
  submissions: "by submission: this device does not time its kernels",
};

export function renderProfile(profile: Profile, { color, width }: ProfileOptions): string {
  const { faint } = palette(color);
  const statements = profile.statements.slice(0, mostStatements).map((s) => ({
    cells: [
      percent(profile.milliseconds > 0 ? s.milliseconds / profile.milliseconds : 0),
      formatDuration(s.milliseconds),
      s.compiling === undefined ? "" : formatDuration(s.compiling),
      place(s, undefined),
    ],
    text: oneLine(s.text),
  }));
  const kernels = profile.kernels.slice(0, mostKernels).map((k) => ({
    cells: [
      percent(k.share),
      formatDuration(k.milliseconds),
      String(k.runs),
      k.bytes === undefined ? "" : formatBytes(k.bytes),
      rate(k, profile.clock),
      placeOfKernel(k, profile.statements[k.statement]),
    ],
    text: k.source === undefined ? harmless(k.name) : `${harmless(k.name)}   ${faint(oneLine(k.source))}`,
  }));
  const accounted = profile.kernels.reduce((sum, k) => sum + k.milliseconds, 0);
  const compiling = profile.statements.reduce((sum, s) => sum + (s.compiling ?? 0), 0);
  const rest = Math.max(0, profile.milliseconds - accounted - compiling);
  const last = (milliseconds: number, what: string) =>
    `${percent(profile.milliseconds > 0 ? milliseconds / profile.milliseconds : 0)}  ${formatDuration(milliseconds)}  ${what}`;
  const more = (count: number, shown: number, what: string) =>
    count > shown ? [faint(`and ${count - shown} more ${what}`)] : [];
  return [
    `Statements took ${formatDuration(profile.milliseconds)}`,
    ...table(["share", "time", "compiling", "line"], "statement", statements, width, faint),
    ...more(profile.statements.length, mostStatements, "statements"),
    "",
    `What they computed, ${clocks[profile.clock]}`,
    ...table(["share", "time", "runs", "bytes a run", "rate", "line"], "", kernels, width, faint),
    ...more(profile.kernels.length, mostKernels, "kernels"),
    ...(compiling > 0 ? [last(compiling, "compiling")] : []),
    last(rest, profile.clock === "host" ? "control flow, copies in and out" : "compiling, waiting, copies in and out"),
  ].join("\n");
}

interface Row {
  readonly cells: readonly string[];
  readonly text: string;
}

/** Numbers to the right, the text last and cut where the line ends. */
function table(
  heads: readonly string[],
  last: string,
  rows: readonly Row[],
  width: number,
  faint: (text: string) => string,
): string[] {
  const used = heads.map((_, i) => rows.some((row) => row.cells[i] !== ""));
  const widths = heads.map((head, i) => Math.max(displayWidth(head), ...rows.map((r) => displayWidth(r.cells[i]!))));
  const numbers = (cells: readonly string[]) =>
    cells.flatMap((cell, i) => (used[i] ? [padStart(cell, widths[i]!)] : [])).join("  ");
  const room = Math.max(20, width - displayWidth(numbers(heads)) - 2);
  return [
    faint(padEnd(`${numbers(heads)}  ${last}`, 0)).trimEnd(),
    ...rows.map(({ cells, text }) => `${numbers(cells)}  ${cut(text, room)}`),
  ];
}

/** Cuts a text that may have colours: those are left out when it does not fit. */
function cut(text: string, room: number): string {
  const plain = text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
  return displayWidth(plain) <= room ? text : `${[...plain].slice(0, room - 1).join("")}…`;
}

/** A line of the script, or of a file that it imports. */
function place({ file, line }: { file: string | undefined; line: number | undefined }, script: string | undefined) {
  if (line === undefined) return "";
  return file === script || script === undefined ? String(line) : harmless(`${file}:${line}`);
}

/** What is of no place in the source is its statement's. */
function placeOfKernel(kernel: ProfiledKernel, statement: ProfiledStatement | undefined): string {
  return place(kernel.line === undefined && statement ? statement : kernel, statement?.file);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

const oneLine = (text: string): string => harmless(text.replace(/\s+/g, " ").trim());

/** Bytes a second; not where runs with nothing to do count. */
function rate({ bytes, runs, milliseconds }: ProfiledKernel, clock: Profile["clock"]): string {
  if (clock !== "host" || bytes === undefined || !(milliseconds > 0)) return "";
  return `${formatBytes((bytes * runs * 1000) / milliseconds)}/s`;
}

function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${formatNumber(size, 3)} ${units[unit]}`;
}
