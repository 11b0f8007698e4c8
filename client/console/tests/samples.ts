/** Values that tests begin with. */
import type { Model } from "../src/api/types";

const TEXT = { min: 0, max: 2000, required: false };

/** A model as the API describes one, with what a test says of it. */
export function model(id: string, changes: Partial<Model> = {}): Model {
  return {
    id, kind: "song", provider: id.split("/")[0]!, available: true, price_credits: 30, unit: "song", unit_credits: 30, songs: 1,
    inputs: ["prompt", "lyrics"], outputs: ["audio/mpeg"], live: false, callbacks: false, voices: null, hints: [],
    example: { model: id, prompt: "an example" }, estimate: { p50_s: 30, p80_s: 50, sample_count: 9 },
    ...changes,
    limits: {
      prompt: TEXT, prompt_beside_lyrics: null, lyrics: TEXT, title: null, instrumental: false, auto_lyrics: false, formats: ["mp3", "wav"],
      sample_rates: [44100], bitrates: [128000, 256000], reference: null, duration: null, speech: null, ...changes.limits,
    },
  } as unknown as Model; // What the API says beside it matters to no test.
}
