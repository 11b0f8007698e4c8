import { api, once } from "../api/client";
import type { Refused } from "../api/problem";
import type { ModelLimits } from "../api/types";
import { Field, useAction } from "../parts/basics";
import { size } from "../parts/format";
import { type Draft, edit } from "./draft";

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

export function Recording({ draft, limits, error }: { draft: Draft; limits: NonNullable<ModelLimits["reference"]>; error: Refused | null }) {
  const { busy, error: failed, run } = useAction();
  const wrong = failed?.message ?? error?.at("/reference");
  const rule = `${limits.required ? "Required. " : ""}${limits.formats.map((each) => each.toUpperCase()).join(", ")}, up to ${size(limits.max_bytes)}, ${limits.min_s ?? limits.longer_than_s ?? 0} to ${limits.max_s} s.`;
  return (
    <fieldset>
      <legend>Recording to sing after</legend>
      <div class="pair">
        <Field label="Upload a file" hint={busy ? "Uploading…" : draft.reference_id ? `Uploaded as ${draft.reference_id}` : rule} error={wrong}>
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
      {limits.purposes.length > 1 && (
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
