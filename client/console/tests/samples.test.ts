import { deepEqual, equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import type { Order } from "../src/api/types";
import { LANGUAGES, sampleOf } from "../src/order/samples";

const ODD = "it's \"quoted\" $HOME `date` \\ \n– é 🎵 %s !";
const EVERYTHING: Order = {
  model: "minimax/music-2.5", fallbacks: ["skillboss/music-2.5"], on_unknown: "fallback", max_credits: 60, prompt: ODD, lyrics: `[Verse]\n${ODD}\nLYRICS`, title: ODD,
  audio: { format: "wav", sample_rate: 44100 }, live: true, instrumental: false, finish_by: "2026-11-30T18:30:00.000Z", callback_url: "https://shop.example/hook?a=1&b='", metadata: { order: ODD },
};

function sample(language: (typeof LANGUAGES)[number], order: Order, apiKey: string | null = null): string {
  return sampleOf(language, { url: "https://api.example", order, idempotencyKey: "the-key", apiKey });
}

/** What a shell gives to the command of this name, instead of running it. */
function given(name: string, script: string): string[] {
  const told = `${name}() { printf '%s\\0' "$@"; if [ "${name}" = fermata ]; then cat; fi; }\n${script}`;
  return execFileSync("bash", ["-c", told], { encoding: "utf8", input: "" }).split("\0");
}

test("curl sends exactly the order, whatever is in its texts", () => {
  const arguments_ = given("curl", sample("curl", EVERYTHING, "fk_1_secret"));
  deepEqual(JSON.parse(arguments_[arguments_.indexOf("-d") + 1]!), EVERYTHING);
  equal(arguments_.includes("Authorization: Bearer fk_1_secret"), true);
  equal(arguments_.includes("Idempotency-Key: the-key"), true);
});

test("JavaScript sends exactly the order", async () => {
  const sent: { url: string; init: { body: string; headers: Record<string, string> } }[] = [];
  const code = sample("JavaScript", EVERYTHING, "fk_1_secret");
  const run = new Function("fetch", "console", `return (async () => { ${code} })()`) as (fetch: unknown, console: unknown) => Promise<void>;
  await run((url: string, init: never) => (sent.push({ url, init }), { ok: true, json: () => ({ id: "job_1", urls: {} }) }), { log: () => undefined });
  equal(sent[0]!.url, "https://api.example/v1/jobs");
  deepEqual(JSON.parse(sent[0]!.init.body), EVERYTHING);
  equal(sent[0]!.init.headers["Authorization"], "Bearer fk_1_secret");
});

test("Python calls the client with exactly the order", () => {
  const fake = "import json, sys, types\nclass Fermata:\n def __init__(self, **o): pass\n def __enter__(self): return self\n def __exit__(self, *a): raise SystemExit(0) from None\n def run(self, model, **order): print(json.dumps({'model': model, **order}))\nsys.modules['fermata_client'] = types.SimpleNamespace(Fermata=Fermata)\n";
  const { idempotency_key, ...order } = JSON.parse(execFileSync(PYTHON, ["-X", "utf8", "-c", fake + sample("Python", EVERYTHING, "fk_1_secret")], { encoding: "utf8" }));
  deepEqual(order, EVERYTHING);
  equal(idempotency_key, "the-key");
});

test("the command says the order's words as they are, and what it has no option for", () => {
  const { live: _live, finish_by: _by, callback_url: _url, on_unknown: _unknown, instrumental: _none, ...plain } = EVERYTHING;
  const script = sample("fermata", { ...plain, audio: { format: "wav" } });
  const said = given("fermata", script);
  deepEqual(said.slice(0, -1), ["song", ODD, "--model", "minimax/music-2.5", "--title", ODD, "--max-credits", "60", "--format", "wav", "--fallback", "skillboss/music-2.5", "--metadata", `order=${ODD}`, "--idempotency-key", "the-key", "--lyrics", "-"]);
  equal(said.at(-1)!.trim(), plain.lyrics);
  equal(script.includes("cannot say"), false);
  match(sample("fermata", EVERYTHING), /# The command cannot say live, on_unknown, finish_by, callback_url, audio\.sample_rate: use curl/);
  match(sample("fermata", { model: "a/b", fallbacks: [] }), /cannot say that no other model is asked/);
  match(sample("fermata", { model: "a/b", reference: { voice_id: "vocal-1" } }), /cannot say reference\.voice_id/);
});

test("words that look like an option are none", () => {
  deepEqual(given("fermata", sample("fermata", { model: "a/b", text: "--help", title: "-x", kind: "speech" })).slice(0, -1), ["say", "--model", "a/b", "--title=-x", "--idempotency-key", "the-key", "--", "--help"]);
});

test("no sample shows a key that was not asked for, and each names the purchase", () => {
  for (const language of LANGUAGES) {
    const text = sample(language, EVERYTHING);
    equal(text.includes("fk_"), false);
    equal(text.includes("the-key"), true);
  }
});
