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

const COMMAND_HAS = new Set([
  "model", "kind", "prompt", "lyrics", "text", "voice", "speed", "language", "emotion", "instrumental", "auto_lyrics", "duration_s", "title", "max_credits", "metadata",
]);

function command({ url, order, idempotencyKey, apiKey }: Sample): string {
  const parts = [order.text !== undefined || order.kind === "speech" ? "fermata say" : "fermata song", shell(order.text ?? order.prompt ?? "")];
  parts.push(`--model ${shell(order.model)}`);
  for (const name of ["voice", "speed", "language", "emotion", "title"] as const) if (order[name]) parts.push(`--${name} ${shell(String(order[name]))}`);
  if (order.instrumental) parts.push("--instrumental");
  if (order.auto_lyrics) parts.push("--auto-lyrics");
  if (order.duration_s) parts.push(`--duration ${order.duration_s}`);
  if (order.audio?.format) parts.push(`--format ${order.audio.format}`);
  if (order.max_credits) parts.push(`--max-credits ${order.max_credits}`);
  for (const [name, value] of Object.entries(order.metadata ?? {})) parts.push(`--metadata ${shell(`${name}=${value}`)}`);
  parts.push(`--idempotency-key ${idempotencyKey}`);
  const lyrics = order.lyrics ? ` \\\n  --lyrics - <<'LYRICS'\n${order.lyrics}\nLYRICS` : "";
  const missing = missingFields(order);
  return [
    `export FERMATA_BASE_URL=${shell(url)}${apiKey ? ` FERMATA_API_KEY=${shell(apiKey)}` : ""}`,
    ...(missing.length ? [`# The command has no option for ${missing.join(", ")}: use curl, Python or JavaScript for exactly this order.`] : []),
    `${parts.join(" \\\n  ")}${lyrics}`,
  ].join("\n");
}

function missingFields(order: Order): string[] {
  const { format: _, ...audio } = order.audio ?? {};
  const missing = Object.keys(order).filter((name) => !COMMAND_HAS.has(name) && name !== "audio");
  return [...missing, ...Object.keys(audio).map((name) => `audio.${name}`)];
}
