import { useEffect, useId, useState } from "preact/hooks";
import { models as allModels } from "../api/models";
import { Check, Field } from "../parts/basics";
import { edit, EMPTY, isFamily, type Draft, wrongLine } from "./draft";
import { type FieldsProps, Line, type Options, Select } from "./inputs";
import { Recording } from "./recording";

const MOST_FALLBACKS = 3;
/** What lies under “More”, so that it opens by itself where one of them is set or refused. */
const ALWAYS = ["title", "metadata", "format", "sample_rate", "bitrate", "fallbacks", "on_unknown", "finish_by", "callback_url"] as const;
const WHERE_FERMATA_CHOOSES = ["duration_s", "live_auto", "reference_url", "reference_id", "voice_id", "instrumental_id"] as const;
const POINTERS = ["/title", "/metadata", "/audio", "/fallbacks", "/on_unknown", "/finish_by", "/callback_url"];

function SoundFile({ draft, choice, error }: FieldsProps) {
  const limits = choice.model?.limits;
  const formats = limits?.formats ?? ["mp3", "wav"];
  const rates: Options = (limits?.sample_rates ?? []).map((rate) => [String(rate), `${rate / 1000} kHz`] as const);
  const bitrates: Options = (limits?.bitrates ?? []).map((rate) => [String(rate), `${rate / 1000} kbit/s`] as const);
  const own = ["", "The model's own"] as const;
  return (
    <div class="pair">
      {formats.length > 1 && <Select label="Format" name="format" value={draft.format} options={[["", "MP3"], ["wav", "WAV"]]} error={error?.at("/audio/format")} />}
      {rates.length > 0 && <Select label="Sample rate" name="sample_rate" value={draft.sample_rate} options={[own, ...rates]} error={error?.at("/audio/sample_rate")} />}
      {bitrates.length > 0 && draft.format !== "wav" && <Select label="Bit rate" name="bitrate" value={draft.bitrate} options={[own, ...bitrates]} error={error?.at("/audio/bitrate")} />}
    </div>
  );
}

function Fallbacks({ draft, choice, error }: FieldsProps) {
  const models = allModels.use() ?? [];
  const { fallbacks } = draft;
  const offered = models.filter((each) => each.kind === choice.kind && each.id !== choice.id && !isFamily(each.id)).map((each) => each.id);
  const mode = fallbacks === null ? "" : fallbacks.length ? "these" : "none";
  const set = (place: number, id: string) => {
    const named = [...(fallbacks ?? [])];
    named[place] = id;
    const kept = named.filter(Boolean);
    edit({ fallbacks: kept.length ? kept : [""] });
  };
  const rows = mode === "these" ? [...fallbacks!.filter(Boolean), ""].slice(0, MOST_FALLBACKS) : [];
  return (
    <>
      <Field label="If the model cannot make it" hint="Another model is asked only where the one before certainly charged nothing." error={error?.at("/fallbacks")}>
        {(attributes) => (
          <select {...attributes} value={mode} onChange={(event) => edit({ fallbacks: { "": null, none: [], these: [""] }[event.currentTarget.value] ?? null })}>
            <option value="">{choice.model ? "Ask the models that the operator set, if any" : "Ask the next cheapest, at most two"}</option>
            <option value="none">Ask no other model</option>
            <option value="these">Ask these models</option>
          </select>
        )}
      </Field>
      {rows.map((id, place) => <Fallback key={place} place={place} id={id} offered={offered.filter((each) => each === id || !rows.includes(each))} choose={set} />)}
    </>
  );
}

function Fallback({ place, id, offered, choose }: { place: number; id: string; offered: readonly string[]; choose: (place: number, id: string) => void }) {
  const named = useId();
  const known = !id || offered.includes(id) ? offered : [id, ...offered];
  return (
    <div class="fallback">
      <label for={named}>{place ? "then" : "first"}</label>
      <select id={named} value={id} onChange={(event) => choose(place, event.currentTarget.value)}>
        <option value="">{place ? "no further model" : "Choose a model"}</option>
        {known.map((each) => <option key={each} value={each}>{each}</option>)}
      </select>
    </div>
  );
}

function Until({ draft, error }: FieldsProps) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Field label="Not wanted after" hint={`In your time zone${zone ? ` (${zone})` : ""}. What is late is not delivered and not paid.`} error={error?.at("/finish_by")}>
      {(attributes) => <input {...attributes} type="datetime-local" value={draft.finish_by} onInput={(event) => edit({ finish_by: event.currentTarget.value })} />}
    </Field>
  );
}

/** What only models that can do it are asked for, where Fermata chooses. */
function Abilities(props: FieldsProps) {
  const { draft, choice, error } = props;
  return (
    <>
      <Check label="Listen while it is being made" error={error?.at("/live")} checked={draft.live_auto} onChange={(live_auto) => edit({ live_auto })} hint="Fermata then chooses among the models that can." />
      {choice.kind === "song" && <Line {...props} label="Length in seconds" name="duration_s" type="number" hint="Fermata then chooses among the models that take a length." />}
      {choice.kind === "song" && <Recording draft={draft} model={null} limits={null} error={error} />}
    </>
  );
}

function isSet(draft: Draft, name: keyof Draft): boolean {
  return draft[name] !== EMPTY[name];
}

/** What is rarely set: title, metadata, the file, who is asked next, until when, and where the end is posted. */
export function More(props: FieldsProps) {
  const { draft, choice, error } = props;
  const isAuto = !choice.model;
  const names = isAuto ? [...ALWAYS, ...WHERE_FERMATA_CHOOSES] : [...ALWAYS, "max_credits" as const];
  const pointers = isAuto ? [...POINTERS, "/duration_s", "/live", "/reference"] : [...POINTERS, "/max_credits"];
  const matters = names.some((name) => isSet(draft, name)) || pointers.some((pointer) => error?.at(pointer));
  const [isOpen, open] = useState(matters);
  useEffect(() => {
    if (matters) open(true);
  }, [matters]);
  return (
    <details class="more" open={isOpen} onToggle={(event) => open(event.currentTarget.open)}>
      <summary>More: title, file, fallbacks, deadline, callback</summary>
      <Line {...props} label="Title" name="title" hint="Names the download." />
      <Field label="Metadata" hint="One “name = value” a line; jobs can be searched by it." error={error?.at("/metadata") ?? wrongLine(draft.metadata)}>
        {(attributes) => <textarea {...attributes} rows={2} placeholder="order = 42" value={draft.metadata} onInput={(event) => edit({ metadata: event.currentTarget.value })} />}
      </Field>
      <SoundFile {...props} />
      {isAuto && <Abilities {...props} />}
      <Fallbacks {...props} />
      <Check label="Ask the next model even where it is unknown whether this one charged" error={error?.at("/on_unknown")} checked={draft.on_unknown} onChange={(on_unknown) => edit({ on_unknown })} hint="Both may then be billed." />
      <div class="pair">
        <Until {...props} />
        {!isAuto && <Line {...props} label="At most, in credits" name="max_credits" type="number" hint="Fallbacks included; an order that could cost more is refused." />}
      </div>
      <Line {...props} label="Post the end to" name="callback_url" placeholder="https://" hint="A public https address; empty: the account's webhook, if any." />
    </details>
  );
}
