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
  /** Only a model that can be heard while it makes the song, where Fermata chooses. */
  readonly live_auto: boolean;
  readonly format: string;
  readonly sample_rate: string;
  readonly bitrate: string;
  readonly reference_url: string;
  readonly reference_id: string;
  /** The provider's ids of a recording that an earlier job handed over. */
  readonly voice_id: string;
  readonly instrumental_id: string;
  readonly purpose: string;
  readonly max_credits: string;
  readonly metadata: string;
  /** Null for those of the deployment, empty for none; an empty name is not chosen yet. */
  readonly fallbacks: readonly string[] | null;
  readonly on_unknown: boolean;
  /** A moment in the browser's time zone, as an input of the type datetime-local has it. */
  readonly finish_by: string;
  readonly callback_url: string;
}

export const EMPTY: Draft = {
  model: "", member: "", prompt: "", lyrics: "", text: "", voice: "", speed: "", language: "", emotion: "", title: "", duration_s: "",
  instrumental: false, auto_lyrics: false, subtitles: false, live: true, live_auto: false, format: "", sample_rate: "", bitrate: "", reference_url: "",
  reference_id: "", voice_id: "", instrumental_id: "", purpose: "", max_credits: "", metadata: "", fallbacks: null, on_unknown: false, finish_by: "",
  callback_url: "",
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
  if (id === AUTO_SONG) return { id, kind: "song", model: null, inputs: ["prompt", "lyrics", "instrumental", "auto_lyrics", "duration_s", "reference"] };
  if (id === AUTO_SPEECH) return { id, kind: "speech", model: null, inputs: ["text", "voice", "speed", "language", "subtitles"] };
  const model = models.find((each) => each.id === id);
  return model ? { id, kind: model.kind, model, inputs: model.inputs } : null;
}

export function isFamily(id: string): boolean {
  return id.endsWith("*");
}

/** Whether the song has no words of the customer's. */
export function isWordless(from: Draft, choice: Choice): boolean {
  return (choice.inputs.includes("instrumental") && from.instrumental) || (choice.inputs.includes("auto_lyrics") && from.auto_lyrics);
}

/** The API's pointers that have a place on the form; whatever else it says has to be shown elsewhere. */
export function placesOf(from: Draft, choice: Choice): readonly string[] {
  const inputs = choice.inputs.filter((name) => name !== "lyrics" || !isWordless(from, choice));
  const live = !choice.model || choice.model.live ? ["live"] : [];
  const always = ["model", "title", "metadata", "audio", "fallbacks", "on_unknown", "finish_by", "callback_url", "max_credits"];
  return [...always, ...inputs, ...live].map((name) => `/${name}`);
}

/** The body of the order: only what the model takes and what differs from its default. */
export function requestOf(from: Draft, choice: Choice): Order {
  const body: Order = { model: modelName(from, choice) };
  const takes = (name: string) => choice.inputs.includes(name);
  if (choice.id === AUTO_SPEECH) body.kind = "speech";
  for (const name of ["prompt", "text", "voice", "language", "emotion"] as const) if (takes(name) && from[name]) body[name] = from[name];
  if (takes("lyrics") && from.lyrics && !isWordless(from, choice)) body.lyrics = from.lyrics;
  for (const name of ["instrumental", "auto_lyrics", "subtitles"] as const) if (takes(name) && from[name]) body[name] = true;
  if (takes("speed") && from.speed) body.speed = Number(from.speed);
  if (takes("duration_s") && from.duration_s) body.duration_s = Number(from.duration_s);
  if (takes("reference")) addReference(body, from);
  if (from.title) body.title = from.title;
  addAudio(body, from, choice.model);
  if (wantsLive(from, choice) && !body.subtitles && body.audio?.format !== "wav") body.live = true;
  addTerms(body, from);
  const metadata = metadataOf(from.metadata);
  if (Object.keys(metadata).length) body.metadata = metadata;
  return body;
}

function modelName(from: Draft, choice: Choice): string {
  if (!choice.model) return "auto";
  return isFamily(choice.id) ? from.member || choice.model.example.model : choice.id;
}

function wantsLive(from: Draft, choice: Choice): boolean {
  return choice.model ? choice.model.live && from.live : from.live_auto;
}

/** What may be spent and until when, who is asked next, and where the end is posted. */
function addTerms(body: Order, from: Draft): void {
  const named = from.fallbacks?.filter(Boolean);
  if (named && (named.length || !from.fallbacks?.length)) body.fallbacks = named;
  if (from.on_unknown) body.on_unknown = "fallback";
  if (from.max_credits) body.max_credits = Number(from.max_credits);
  const until = Date.parse(from.finish_by);
  if (!Number.isNaN(until)) body.finish_by = new Date(until).toISOString();
  if (from.callback_url) body.callback_url = from.callback_url;
}

function addReference(body: Order, from: Draft): void {
  const { voice_id, instrumental_id } = from;
  if (voice_id || instrumental_id) body.reference = { ...(voice_id ? { voice_id } : {}), ...(instrumental_id ? { instrumental_id } : {}) };
  else if (from.reference_id || from.reference_url) addRecording(body, from);
}

function addRecording(body: Order, from: Draft): void {
  const purpose = from.purpose ? { purpose: from.purpose as "song" | "voice" | "instrumental" } : {};
  body.reference = from.reference_id ? { id: from.reference_id, ...purpose } : { audio_url: from.reference_url, ...purpose };
}

function addAudio(body: Order, from: Draft, model: Model | null): void {
  const audio: NonNullable<Order["audio"]> = {};
  if (!model && from.format === "wav") audio.format = "wav";
  if (model && from.format && model.limits.formats.includes(from.format as "mp3" | "wav")) audio.format = from.format as "mp3" | "wav";
  if (model?.limits.sample_rates.includes(Number(from.sample_rate))) audio.sample_rate = Number(from.sample_rate);
  if (audio.format !== "wav" && model?.limits.bitrates.includes(Number(from.bitrate))) audio.bitrate = Number(from.bitrate);
  if (Object.keys(audio).length) body.audio = audio;
}

const PAIR = /[^\s=].*=/;

/** Metadata from lines of `name = value`; `wrongLine` says which is none. */
export function metadataOf(text: string): Record<string, string> {
  const pairs = text.split("\n").filter((line) => PAIR.test(line));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()]));
}

/** What is wrong with the first line that has no name or no value to it; undefined where all have. */
export function wrongLine(text: string): string | undefined {
  const line = text.split("\n").find((each) => each.trim() && !PAIR.test(each));
  return line === undefined ? undefined : `Expected name = value, found “${line.trim()}”. This line is not sent.`;
}

/** A moment of the API as an input of the type datetime-local has it, in the browser's time zone; empty once it is over. */
function local(moment: string | null | undefined, now: number): string {
  const at = moment ? Date.parse(moment) : Number.NaN;
  if (!(at > now)) return "";
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** The draft that makes a given request again, at a moment in milliseconds. */
export function draftOf(order: Order, models: readonly Model[], now: number): Draft {
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
    live_auto: order.model === "auto" && (order.live ?? false),
    format: order.audio?.format ?? "",
    sample_rate: order.audio?.sample_rate ? String(order.audio.sample_rate) : "",
    bitrate: order.audio?.bitrate ? String(order.audio.bitrate) : "",
    reference_url: order.reference?.audio_url ?? "",
    reference_id: order.reference?.id ?? "",
    voice_id: order.reference?.voice_id ?? "",
    instrumental_id: order.reference?.instrumental_id ?? "",
    purpose: order.reference?.purpose ?? "",
    max_credits: order.max_credits === undefined || order.max_credits === null ? "" : String(order.max_credits),
    fallbacks: order.fallbacks ?? null,
    on_unknown: order.on_unknown === "fallback",
    finish_by: local(order.finish_by, now),
    callback_url: order.callback_url ?? "",
    metadata: Object.entries(order.metadata ?? {}).map(([name, value]) => `${name} = ${value}`).join("\n"),
  };
}

function familyOf(id: string, models: readonly Model[]): Choice | null {
  const family = models.filter((each) => isFamily(each.id) && id.startsWith(each.id.slice(0, -1))).sort((a, b) => b.id.length - a.id.length)[0];
  return family ? choiceOf(family.id, models) : null;
}
