import { useEffect, useState } from "preact/hooks";
import { api, patiently } from "../api/client";
import type { Voice } from "../api/types";
import { Check, Field } from "../parts/basics";
import { codePoints } from "../parts/format";
import { type Choice, edit, isFamily, isWordless } from "./draft";
import { type FieldsProps, Line, Select } from "./inputs";
import { More } from "./more";
import { Recording } from "./recording";

type TextName = "prompt" | "lyrics" | "text";
const WORDS: Record<TextName, { label: string; rows: number; placeholder: string }> = {
  prompt: { label: "Style", rows: 2, placeholder: "indie folk, rainy evening, acoustic guitar" },
  lyrics: { label: "Lyrics", rows: 8, placeholder: "[Verse]\nRain on the window\n[Chorus]\nStay a while" },
  text: { label: "Text to speak", rows: 6, placeholder: "Good evening. It is raining on the window." },
};

function Words({ name, draft, choice, error }: FieldsProps & { name: TextName }) {
  const { label, rows, placeholder } = WORDS[name];
  const limits = choice.model?.limits;
  const beside = name === "prompt" && draft.lyrics ? limits?.prompt_beside_lyrics : null;
  const limit = name === "text" ? limits?.speech?.text : (beside ?? limits?.[name]);
  const now = codePoints(draft[name]);
  const rule = limit && `${limit.required ? "Required. " : ""}${limit.min > 1 ? `At least ${limit.min} characters.` : ""}`.trim();
  return (
    <Field label={label} hint={rule || undefined} error={error?.at(`/${name}`)} counter={limit ? { now, max: limit.max } : undefined}>
      {(attributes) => <textarea {...attributes} rows={rows} placeholder={placeholder} value={draft[name]} onInput={(event) => edit({ [name]: event.currentTarget.value })} />}
    </Field>
  );
}

function useVoices(choice: Choice): readonly Voice[] {
  const [voices, change] = useState<readonly Voice[]>([]);
  const of = choice.model && !isFamily(choice.id) ? choice.id : choice.model?.example.model;
  const hasVoices = choice.inputs.includes("voice") && Boolean(of);
  useEffect(() => {
    change([]);
    if (!hasVoices || !of) return;
    const stop = new AbortController();
    patiently(() => api.GET("/v1/voices", { params: { query: { model: of } }, signal: stop.signal }), stop.signal).then(
      ({ data }) => stop.signal.aborted || change(data.data),
      () => undefined, // Without the list a voice can still be typed.
    );
    return () => stop.abort();
  }, [of, hasVoices]);
  return voices;
}

function VoiceField(props: FieldsProps) {
  const { draft, choice, error } = props;
  const voices = useVoices(choice);
  const speech = choice.model?.limits.speech;
  if (!voices.length) return <Line {...props} label="Voice" name="voice" hint={speech?.voice_required ? "Required: the id of a voice." : undefined} />;
  const known = voices.some((voice) => voice.id === draft.voice);
  const own = speech?.default_voice ? `The model's own (${speech.default_voice})` : speech?.voice_required ? "Choose a voice" : "The model's own";
  const options = voices.map((voice) => [voice.id, [voice.name ?? voice.id, voice.language, voice.gender].filter(Boolean).join(" · ")] as const);
  return <Select label="Voice" name="voice" value={known ? draft.voice : ""} options={[["", own], ...options]} error={error?.at("/voice")} />;
}

function language(code: string): string {
  try {
    return `${new Intl.DisplayNames("en", { type: "language" }).of(code) ?? code} (${code})`;
  } catch {
    return code;
  }
}

function Speech(props: FieldsProps) {
  const { draft, choice, error } = props;
  const limits = choice.model?.limits.speech;
  const takes = (name: string) => choice.inputs.includes(name);
  return (
    <div class="pair">
      <VoiceField {...props} />
      {takes("speed") && (
        <Field label="Speed" error={error?.at("/speed")} hint={limits?.speed ? `${limits.speed.min} to ${limits.speed.max} times the voice's own` : undefined}>
          {(attributes) => <input {...attributes} type="number" step="0.1" min={limits?.speed?.min ?? 0.5} max={limits?.speed?.max ?? 2} placeholder="1" value={draft.speed} onInput={(event) => edit({ speed: event.currentTarget.value })} />}
        </Field>
      )}
      {takes("language") && (limits ? (
        <Select label="Language" name="language" value={draft.language} options={[["", "Found out by itself"], ...limits.languages.map((code) => [code, language(code)] as const)]} error={error?.at("/language")} />
      ) : (
        <Line {...props} label="Language" name="language" hint="A code such as de; empty: found out by itself" />
      ))}
      {takes("emotion") && limits && (
        <Select label="Emotion" name="emotion" value={draft.emotion} options={[["", "As the text has it"], ...limits.emotions.map((each) => [each, each] as const)]} error={error?.at("/emotion")} />
      )}
    </div>
  );
}

/** The fields that fit the chosen model. */
export function Fields(props: FieldsProps) {
  const { draft, choice, error } = props;
  const takes = (name: string) => choice.inputs.includes(name);
  const limits = choice.model?.limits;
  return (
    <>
      {isFamily(choice.id) && <Line {...props} label="Name of the model" name="member" at="/model" hint={`Any name of the family ${choice.id}; empty: ${choice.model?.example.model}`} />}
      {takes("prompt") && <Words {...props} name="prompt" />}
      {takes("text") && <Words {...props} name="text" />}
      {(takes("instrumental") || takes("auto_lyrics")) && (
        <div class="checks">
          {takes("instrumental") && <Check label="Instrumental" error={error?.at("/instrumental")} checked={draft.instrumental} onChange={(instrumental) => edit({ instrumental, auto_lyrics: instrumental ? false : draft.auto_lyrics })} />}
          {takes("auto_lyrics") && <Check label="Let the provider write the lyrics" error={error?.at("/auto_lyrics")} checked={draft.auto_lyrics} onChange={(auto_lyrics) => edit({ auto_lyrics, instrumental: auto_lyrics ? false : draft.instrumental })} />}
        </div>
      )}
      {takes("lyrics") && !isWordless(draft, choice) && <Words {...props} name="lyrics" />}
      {choice.kind === "speech" && <Speech {...props} />}
      {takes("duration_s") && limits?.duration && (
        <Line {...props} label="Length in seconds" name="duration_s" type="number" hint={`${limits.duration.min_s} to ${limits.duration.max_s}; empty: the provider chooses, and the longest is held`} />
      )}
      {takes("reference") && limits?.reference && <Recording draft={draft} model={choice.id} limits={limits.reference} error={error} />}
      {choice.model?.live && <Check label="Listen while it is being made" error={error?.at("/live")} checked={draft.live} onChange={(live) => edit({ live })} />}
      {takes("subtitles") && <Check label="Subtitles" error={error?.at("/subtitles")} checked={draft.subtitles} onChange={(subtitles) => edit({ subtitles })} hint="The times of the sentences; not together with listening while it is made." />}
      {!choice.model && <Line {...props} label="At most, in credits" name="max_credits" type="number" hint="Empty: no limit but your credits" />}
      <More {...props} />
    </>
  );
}
