/** What the customer has written, whatever the model, and the request that it makes of a model. */
import { Store } from "../parts/store";
import type { Model, Order } from "../api/types";

export interface Draft {
  readonly model: string;
  /** The name within a family such as minimax/music-*. */
  readonly member: string;
  readonly prompt: string;
  readonly lyrics: string;
  readonly text: string;
  readonly voice: string;
  readonly speed: string;
  readonly language: string;
  readonly emotion: string;
  readonly title: string;
  readonly duration_s: string;
  readonly instrumental: boolean;
  readonly auto_lyrics: boolean;
  readonly subtitles: boolean;
  readonly live: boolean;
  readonly format: string;
  readonly sample_rate: string;
  readonly bitrate: string;
  readonly reference_url: string;
  readonly reference_id: string;
  readonly purpose: string;
  readonly max_credits: string;
  readonly metadata: string;
}

export const EMPTY: Draft = {
  model: "", member: "", prompt: "", lyrics: "", text: "", voice: "", speed: "", language: "", emotion: "", title: "", duration_s: "",
  instrumental: false, auto_lyrics: false, subtitles: false, live: true, format: "", sample_rate: "", bitrate: "", reference_url: "",
  reference_id: "", purpose: "", max_credits: "", metadata: "",
};

export const draft = new Store<Draft>(EMPTY);

export function edit(change: Partial<Draft>): void {
  draft.set({ ...draft.get(), ...change });
}

export const AUTO_SONG = "auto";
export const AUTO_SPEECH = "auto:speech";

/** What fields a choice of the list has. */
export interface Choice {
  readonly id: string;
  readonly kind: "song" | "speech";
  readonly model: Model | null;
  readonly inputs: readonly string[];
}

export function choiceOf(id: string, models: readonly Model[]): Choice | null {
  if (id === AUTO_SONG) return { id, kind: "song", model: null, inputs: ["prompt", "lyrics", "instrumental", "auto_lyrics"] };
  if (id === AUTO_SPEECH) return { id, kind: "speech", model: null, inputs: ["text", "voice", "speed", "language"] };
  const model = models.find((each) => each.id === id);
  return model ? { id, kind: model.kind, model, inputs: model.inputs } : null;
}

export function isFamily(id: string): boolean {
  return id.endsWith("*");
}

/** The body of the order: only what the model takes and what differs from its default. */
export function requestOf(from: Draft, choice: Choice): Order {
  const body: Order = { model: modelName(from, choice) };
  const takes = (name: string) => choice.inputs.includes(name);
  if (choice.id === AUTO_SPEECH) body.kind = "speech";
  for (const name of ["prompt", "text", "voice", "language", "emotion"] as const) if (takes(name) && from[name]) body[name] = from[name];
  if (takes("lyrics") && from.lyrics && !(takes("instrumental") && from.instrumental) && !(takes("auto_lyrics") && from.auto_lyrics)) body.lyrics = from.lyrics;
  for (const name of ["instrumental", "auto_lyrics", "subtitles"] as const) if (takes(name) && from[name]) body[name] = true;
  if (takes("speed") && from.speed) body.speed = Number(from.speed);
  if (takes("duration_s") && from.duration_s) body.duration_s = Number(from.duration_s);
  if (takes("reference")) addReference(body, from);
  if (from.title) body.title = from.title;
  if (choice.model) addAudio(body, from, choice.model);
  else if (from.max_credits) body.max_credits = Number(from.max_credits);
  if (choice.model?.live && from.live && !body.subtitles && body.audio?.format !== "wav") body.live = true;
  const metadata = metadataOf(from.metadata);
  if (Object.keys(metadata).length) body.metadata = metadata;
  return body;
}

function modelName(from: Draft, choice: Choice): string {
  if (!choice.model) return "auto";
  return isFamily(choice.id) ? from.member || choice.model.example.model : choice.id;
}

function addReference(body: Order, from: Draft): void {
  if (!from.reference_id && !from.reference_url) return;
  const purpose = from.purpose ? { purpose: from.purpose as "song" | "voice" | "instrumental" } : {};
  body.reference = from.reference_id ? { id: from.reference_id, ...purpose } : { audio_url: from.reference_url, ...purpose };
}

function addAudio(body: Order, from: Draft, model: Model): void {
  const audio: NonNullable<Order["audio"]> = {};
  if (from.format && model.limits.formats.includes(from.format as "mp3" | "wav")) audio.format = from.format as "mp3" | "wav";
  if (model.limits.sample_rates.includes(Number(from.sample_rate))) audio.sample_rate = Number(from.sample_rate);
  if (audio.format !== "wav" && model.limits.bitrates.includes(Number(from.bitrate))) audio.bitrate = Number(from.bitrate);
  if (Object.keys(audio).length) body.audio = audio;
}

/** Metadata from lines of `name = value`. */
export function metadataOf(text: string): Record<string, string> {
  const pairs = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()]));
}

/** The draft that makes a given request again. */
export function draftOf(order: Order, models: readonly Model[]): Draft {
  const id = order.model === "auto" ? (order.kind === "speech" ? AUTO_SPEECH : AUTO_SONG) : order.model;
  const known = choiceOf(id, models) ?? familyOf(id, models);
  return {
    ...EMPTY,
    model: known?.id ?? id,
    member: known && isFamily(known.id) ? id : "",
    prompt: order.prompt ?? "",
    lyrics: order.lyrics ?? "",
    text: order.text ?? "",
    voice: order.voice ?? "",
    speed: order.speed ? String(order.speed) : "",
    language: order.language ?? "",
    emotion: order.emotion ?? "",
    title: order.title ?? "",
    duration_s: order.duration_s ? String(order.duration_s) : "",
    instrumental: order.instrumental ?? false,
    auto_lyrics: order.auto_lyrics ?? false,
    subtitles: order.subtitles ?? false,
    live: order.live ?? draft.get().live,
    format: order.audio?.format ?? "",
    sample_rate: order.audio?.sample_rate ? String(order.audio.sample_rate) : "",
    bitrate: order.audio?.bitrate ? String(order.audio.bitrate) : "",
    reference_url: order.reference?.audio_url ?? "",
    reference_id: order.reference?.id ?? "",
    purpose: order.reference?.purpose ?? "",
    max_credits: order.max_credits ? String(order.max_credits) : "",
    metadata: Object.entries(order.metadata ?? {}).map(([name, value]) => `${name} = ${value}`).join("\n"),
  };
}

function familyOf(id: string, models: readonly Model[]): Choice | null {
  const family = models.filter((each) => isFamily(each.id) && id.startsWith(each.id.slice(0, -1))).sort((a, b) => b.id.length - a.id.length)[0];
  return family ? choiceOf(family.id, models) : null;
}
