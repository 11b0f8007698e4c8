import { useEffect, useState } from "preact/hooks";
import { api, once, patiently } from "../api/client";
import type { Refused } from "../api/problem";
import type { ModelLimits } from "../api/types";
import { Field, useAction } from "../parts/basics";
import { size } from "../parts/format";
import { type Draft, edit } from "./draft";
import { choicesOf, type Handed, handedOverBy } from "./handed";

const LOOKS_BACK = 50;

const TYPES: Record<string, "audio/mpeg" | "audio/wav" | "audio/flac"> = { mp3: "audio/mpeg", wav: "audio/wav", flac: "audio/flac" };

/** Uploads a recording and returns the id that orders name. */
async function upload(file: File): Promise<string> {
  const contentType = TYPES[file.name.split(".").pop()?.toLowerCase() ?? ""];
  if (!contentType) throw new Error(`Expected an MP3, WAV or FLAC file, found “${file.name}”.`);
  const { data } = await once(() => api.POST("/v1/references", { body: { content_type: contentType, bytes: file.size } }));
  const form = new FormData();
  for (const [name, value] of Object.entries(data.upload.fields)) form.append(name, value);
  form.append("file", file);
  // The store lets no page read its answer. A file that did not arrive ends the job unpaid, as `reference_gone`.
  await fetch(data.upload.url, { method: "POST", mode: "no-cors", body: form });
  return data.id;
}

/** The recordings whose ids the provider of a model gave out to the latest jobs of it, the newest first. */
function useHanded(model: string | null): readonly Handed[] {
  const [handed, change] = useState<readonly Handed[]>([]);
  useEffect(() => {
    change([]);
    if (!model) return;
    const stop = new AbortController();
    patiently(() => api.GET("/v1/jobs", { params: { query: { model, limit: LOOKS_BACK } }, signal: stop.signal }), stop.signal).then(
      ({ data }) => stop.signal.aborted || change(handedOverBy(data.data)),
      () => undefined, // Without the list a recording can still be uploaded.
    );
    return () => stop.abort();
  }, [model]);
  return handed;
}

/** Songs after a recording that an earlier job handed over: nothing is uploaded again. */
function Known({ draft, handed, error }: { draft: Draft; handed: readonly Handed[]; error: string | undefined }) {
  const { voice_id, instrumental_id } = draft;
  const now = voice_id || instrumental_id ? JSON.stringify({ voice_id, instrumental_id }) : "";
  const options = choicesOf(handed);
  const known = !now || options.some(([value]) => value === now) ? options : [[now, [voice_id, instrumental_id].filter(Boolean).join(", ")] as const, ...options];
  return (
    <Field label="Of an earlier job" hint="The provider keeps it, so nothing is uploaded." error={error}>
      {(attributes) => (
        <select {...attributes} value={now} onChange={(event) => edit({ voice_id: "", instrumental_id: "", ...(JSON.parse(event.currentTarget.value || "{}") as Partial<Draft>) })}>
          <option value="">none: upload a file, or name its address</option>
          {known.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
        </select>
      )}
    </Field>
  );
}

/** The recording of an order; `model` is null where Fermata chooses it, and so are its limits. */
export function Recording({ draft, model, limits, error }: { draft: Draft; model: string | null; limits: ModelLimits["reference"]; error: Refused | null }) {
  const { busy, error: failed, run } = useAction();
  const handed = useHanded(model);
  const byIds = Boolean(draft.voice_id || draft.instrumental_id);
  const wrong = error?.at("/reference");
  const rule = limits ? `${limits.required ? "Required. " : ""}${limits.formats.map((each) => each.toUpperCase()).join(", ")}, up to ${size(limits.max_bytes)}, ${limits.min_s ?? limits.longer_than_s ?? 0} to ${limits.max_s} s.` : "MP3, WAV or FLAC; Fermata then chooses among the models that sing after a recording.";
  return (
    <fieldset>
      <legend>Recording to sing after</legend>
      {(handed.length > 0 || byIds) && <Known draft={draft} handed={handed} error={byIds ? wrong : undefined} />}
      {!byIds && (
        <div class="pair">
          <Field label="Upload a file" hint={busy ? "Uploading…" : draft.reference_id ? `Uploaded as ${draft.reference_id}` : rule} error={failed?.message ?? wrong}>
            {(attributes) => (
              <input {...attributes} type="file" accept=".mp3,.wav,.flac" disabled={busy} onChange={(event) => {
                const file = event.currentTarget.files?.[0];
                if (file) run(async () => edit({ reference_id: await upload(file), reference_url: "" }));
              }} />
            )}
          </Field>
          <Field label="or its address" hint="An https link that Fermata fetches once.">
            {(attributes) => <input {...attributes} type="url" placeholder="https://" value={draft.reference_url} onInput={(event) => edit({ reference_url: event.currentTarget.value, reference_id: "" })} />}
          </Field>
        </div>
      )}
      {!byIds && limits && limits.purposes.length > 1 && (
        <Field label="It is">
          {(attributes) => (
            <select {...attributes} value={draft.purpose} onChange={(event) => edit({ purpose: event.currentTarget.value })}>
              <option value="">what the model takes it for</option>
              {limits.purposes.map((each) => <option key={each} value={each}>{each}</option>)}
            </select>
          )}
        </Field>
      )}
    </fieldset>
  );
}
