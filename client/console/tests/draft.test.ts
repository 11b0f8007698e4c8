import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import type { Order } from "../src/api/types";
import { AUTO_SONG, AUTO_SPEECH, choiceOf, type Draft, draftOf, EMPTY, metadataOf, placesOf, requestOf, wrongLine } from "../src/order/draft";
import { model } from "./samples";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const SONG = model("minimax/music-2.5");
const LIVE = model("minimax/music-3.0", { live: true, inputs: ["prompt", "lyrics", "instrumental", "auto_lyrics", "duration_s"] });
const FAMILY = model("apiinone/chirp-*", { example: { model: "apiinone/chirp-v5" } });
const VOICES = model("aimlapi/music-01", { inputs: ["lyrics", "reference"] });
const SPEECH = model("minimax/speech-2.8-hd", { kind: "speech", inputs: ["text", "voice", "speed", "language", "emotion", "subtitles"], live: true });
const MODELS = [SONG, LIVE, FAMILY, VOICES, SPEECH];

function made(changes: Partial<Draft>): Order {
  const draft = { ...EMPTY, ...changes };
  return requestOf(draft, choiceOf(draft.model, MODELS)!);
}

test("an order has only what the model takes and what was written", () => {
  deepEqual(made({ model: SONG.id, prompt: "folk", text: "spoken", voice: "a voice", instrumental: true, duration_s: "60" }), { model: SONG.id, prompt: "folk" });
});

test("an order of every field becomes the same draft and the same order again", () => {
  const orders: Order[] = [
    { model: SONG.id, fallbacks: [LIVE.id], on_unknown: "fallback", max_credits: 0, prompt: "folk", lyrics: "[Verse]\nRain", title: "Rain", audio: { format: "wav", sample_rate: 44100 }, finish_by: "2026-11-30T18:30:00.000Z", callback_url: "https://shop.example/hook", metadata: { order: "42", "two words": "a = b" } },
    { model: LIVE.id, prompt: "folk", instrumental: true, duration_s: 60, live: true, fallbacks: [] },
    { model: "apiinone/chirp-v9", prompt: "folk" },
    { model: VOICES.id, lyrics: "la", reference: { voice_id: "vocal-1", instrumental_id: "instrumental-1" } },
    { model: VOICES.id, lyrics: "la", reference: { id: "ref_1", purpose: "voice" } },
    { model: VOICES.id, lyrics: "la", reference: { audio_url: "https://shop.example/a.mp3" } },
    { model: SPEECH.id, text: "Good evening", voice: "Lady", speed: 1.1, language: "de", emotion: "calm", subtitles: true },
    { model: "auto", prompt: "folk", duration_s: 60, live: true, max_credits: 50, reference: { audio_url: "https://shop.example/a.mp3" } },
    { model: "auto", kind: "speech", text: "Good evening", subtitles: true, audio: { format: "wav" } },
  ];
  for (const order of orders) deepEqual(made(draftOf(order, MODELS, NOW)), order);
});

test("a model that can be heard is ordered live, unless the file or the subtitles forbid it", () => {
  equal(made({ model: LIVE.id }).live, true);
  equal(made({ model: LIVE.id, live: false }).live, undefined);
  equal(made({ model: LIVE.id, format: "wav" }).live, undefined);
  equal(made({ model: SPEECH.id, text: "Good evening", subtitles: true }).live, undefined);
});

test("where Fermata chooses, being live is asked for by itself, so that the cheapest model stays the cheapest", () => {
  equal(made({ model: AUTO_SONG, live: true }).live, undefined);
  equal(made({ model: AUTO_SONG, live_auto: true }).live, true);
  equal(made({ model: AUTO_SPEECH, live_auto: true }).kind, "speech");
});

test("fallbacks are left out, none, or those that were chosen", () => {
  equal(made({ model: SONG.id }).fallbacks, undefined);
  deepEqual(made({ model: SONG.id, fallbacks: [] }).fallbacks, []);
  equal(made({ model: SONG.id, fallbacks: [""] }).fallbacks, undefined);
  deepEqual(made({ model: SONG.id, fallbacks: [LIVE.id, ""] }).fallbacks, [LIVE.id]);
});

test("a moment is said in the browser's time zone and sent in UTC, and one that is over is not ordered again", () => {
  const local = "2026-12-24T18:30";
  const sent = made({ model: SONG.id, finish_by: local }).finish_by!;
  match(sent, /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/);
  equal(Date.parse(sent), new Date(local).getTime());
  equal(draftOf({ model: SONG.id, finish_by: sent }, MODELS, NOW).finish_by, local);
  equal(draftOf({ model: SONG.id, finish_by: sent }, MODELS, Date.parse(sent)).finish_by, "");
  equal(made({ model: SONG.id, finish_by: "soon" }).finish_by, undefined);
});

test("ids of a recording stand alone in the order, because the API takes nothing beside them", () => {
  deepEqual(made({ model: VOICES.id, voice_id: "vocal-1", reference_url: "https://shop.example/a.mp3", purpose: "song" }).reference, { voice_id: "vocal-1" });
});

test("a file that the model does not make is not asked for", () => {
  const plain = model("a/b", { limits: { formats: ["mp3"], sample_rates: [], bitrates: [] } as never });
  equal(requestOf({ ...EMPTY, model: plain.id, format: "wav", sample_rate: "44100", bitrate: "128000" }, choiceOf(plain.id, [plain])!).audio, undefined);
  deepEqual(made({ model: SONG.id, format: "wav", bitrate: "128000" }).audio, { format: "wav" });
});

test("metadata has a line for each pair, and a line that is none is said", () => {
  deepEqual(metadataOf("order = 42\n\n a=b=c \nempty="), { order: "42", a: "b=c", empty: "" });
  equal(wrongLine("order = 42\n\n"), undefined);
  for (const wrong of ["no pair", "= 42"]) {
    deepEqual(metadataOf(wrong), {});
    match(wrongLine(`a = b\n${wrong}`)!, /Expected name = value/);
  }
});

test("what the API says of a field that is not shown has its place elsewhere", () => {
  const song = choiceOf(LIVE.id, MODELS)!;
  equal(placesOf(EMPTY, song).includes("/lyrics"), true);
  equal(placesOf({ ...EMPTY, instrumental: true }, song).includes("/lyrics"), false);
  equal(placesOf(EMPTY, choiceOf(SONG.id, MODELS)!).includes("/live"), false);
});
