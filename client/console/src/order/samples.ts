/** The request of the form as code that does the same. */
import type { Order } from "../api/types";

export const LANGUAGES = ["curl", "Python", "JavaScript", "fermata"] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Sample {
  readonly url: string;
  readonly order: Order;
  readonly idempotencyKey: string;
  /** The key itself, or null to leave it to the variable FERMATA_API_KEY. */
  readonly apiKey: string | null;
}

export function sampleOf(language: Language, sample: Sample): string {
  switch (language) {
    case "curl":
      return curl(sample);
    case "Python":
      return python(sample);
    case "JavaScript":
      return javascript(sample);
    default:
      return command(sample);
  }
}

function shell(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function curl({ url, order, idempotencyKey, apiKey }: Sample): string {
  return [
    `curl -sS ${shell(`${url}/v1/jobs`)}`,
    `-H "Authorization: Bearer ${apiKey ?? "$FERMATA_API_KEY"}"`,
    `-H 'Idempotency-Key: ${idempotencyKey}'`,
    "-H 'Content-Type: application/json'",
    `-d '${JSON.stringify(order, null, 2).replaceAll("'", "'\\''")}'`,
  ].join(" \\\n  ");
}

function python({ url, order, idempotencyKey, apiKey }: Sample): string {
  const { model, ...fields } = order;
  const lines = Object.entries(fields).map(([name, value]) => `        ${name}=${pythonValue(value)},`);
  return [
    ...(apiKey ? [] : ["import os", ""]),
    "from fermata_client import Fermata",
    "",
    `with Fermata(api_key=${apiKey ? JSON.stringify(apiKey) : 'os.environ["FERMATA_API_KEY"]'}, base_url=${JSON.stringify(url)}) as fermata:`,
    "    made = fermata.run(",
    `        ${pythonValue(model)},`,
    ...lines,
    `        idempotency_key=${JSON.stringify(idempotencyKey)},`,
    "    )",
    `    print(made.tracks[0].save("."))`,
  ].join("\n");
}

function pythonValue(value: unknown): string {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${pythonValue(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}

function javascript({ url, order, idempotencyKey, apiKey }: Sample): string {
  const body = JSON.stringify(order, null, 2).replaceAll("\n", "\n  ");
  return [
    `const answer = await fetch(${JSON.stringify(`${url}/v1/jobs`)}, {`,
    '  method: "POST",',
    "  headers: {",
    `    Authorization: ${apiKey ? JSON.stringify(`Bearer ${apiKey}`) : "`Bearer ${process.env.FERMATA_API_KEY}`"},`,
    `    "Idempotency-Key": ${JSON.stringify(idempotencyKey)},`,
    '    "Content-Type": "application/json",',
    "  },",
    `  body: JSON.stringify(${body}),`,
    "});",
    "const job = await answer.json();",
    "if (!answer.ok) throw new Error(job.detail ?? job.message);",
    "console.log(job.id, job.urls.self);",
  ].join("\n");
}

const LYRICS_END = "LYRICS";
const OPTIONS = { voice: "voice", speed: "speed", language: "language", emotion: "emotion", duration_s: "duration", title: "title", max_credits: "max-credits" } as const;

function command({ url, order, idempotencyKey, apiKey }: Sample): string {
  const speaks = order.text !== undefined || order.kind === "speech";
  const words = (speaks ? order.text : order.prompt) ?? "";
  const parts = [speaks ? "fermata say" : "fermata song"];
  if (words && !words.startsWith("-")) parts.push(shell(words));
  parts.push(`--model ${shell(order.model)}`);
  for (const [name, option] of Object.entries(OPTIONS)) {
    const value = order[name as keyof typeof OPTIONS];
    if (value) parts.push(`--${option}${String(value).startsWith("-") ? "=" : " "}${shell(String(value))}`);
  }
  if (order.instrumental) parts.push("--instrumental");
  if (order.auto_lyrics) parts.push("--auto-lyrics");
  if (order.audio?.format) parts.push(`--format ${order.audio.format}`);
  for (const model of order.fallbacks ?? []) parts.push(`--fallback ${shell(model)}`);
  const recording = order.reference?.id ?? order.reference?.audio_url;
  if (recording) parts.push(`--reference ${shell(recording)}`);
  for (const [name, value] of Object.entries(order.metadata ?? {})) parts.push(`--metadata${name.startsWith("-") ? "=" : " "}${shell(`${name}=${value}`)}`);
  parts.push(`--idempotency-key ${idempotencyKey}`);
  if (order.lyrics) parts.push(`--lyrics - <<'${endOf(order.lyrics)}'\n${order.lyrics}\n${endOf(order.lyrics)}`);
  else if (words.startsWith("-")) parts.push(`-- ${shell(words)}`);
  return [
    `export FERMATA_BASE_URL=${shell(url)}${apiKey ? ` FERMATA_API_KEY=${shell(apiKey)}` : ""}`,
    ...noteOf(missingFields(order, words)),
    parts.join(" \\\n  "),
  ].join("\n");
}

/** A line that ends the lyrics and is none of them. */
function endOf(lyrics: string): string {
  const lines = new Set(lyrics.split("\n"));
  let end = LYRICS_END;
  while (lines.has(end)) end += "_";
  return end;
}

function noteOf(missing: readonly string[]): string[] {
  return missing.length ? [`# The command cannot say ${missing.join(", ")}: use curl, Python or JavaScript for exactly this order.`] : [];
}

/** What of an order the command line has no option for. */
function missingFields(order: Order, words: string): string[] {
  const { format: _, ...audio } = order.audio ?? {};
  const { id: _id, audio_url: _url, ...reference } = order.reference ?? {};
  const names = (["live", "subtitles", "on_unknown", "finish_by", "callback_url"] as const).filter((name) => order[name]);
  return [
    ...names,
    ...(order.fallbacks && !order.fallbacks.length ? ["that no other model is asked"] : []),
    ...(order.max_credits === 0 ? ["max_credits 0"] : []),
    ...(order.lyrics && order.lyrics !== order.lyrics.trim() ? ["spaces around the lyrics"] : []),
    ...(order.lyrics && words.startsWith("-") ? ["a style that begins with - beside lyrics"] : []),
    ...Object.keys(audio).map((name) => `audio.${name}`),
    ...Object.keys(reference).map((name) => `reference.${name}`),
  ];
}
