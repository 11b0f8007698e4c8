import { API_URL, api, once, patiently } from "../api/client";
import { session } from "../api/session";
import type { Job, Track } from "../api/types";
import { Notice, useAction } from "../parts/basics";
import { decibels } from "../parts/format";
import { Facts } from "./facts";

const MARKS: Record<Track["marks"][number], string> = { tags: "in its own tags", c2pa: "in the provider's C2PA manifest" };

function marksOf(track: Track): string {
  return track.marks.length ? `Says that a model made it ${track.marks.map((mark) => MARKS[mark] ?? mark).join(" and ")}` : "None: the file is as the provider sent it";
}

/**
 * Goes to the provider's own file. The API answers with a redirect to a link that needs no key; the browser follows it
 * only as far as its head, and then downloads the link itself.
 */
async function openOriginal(job: Job, track: Track): Promise<void> {
  const stop = new AbortController();
  const address = `${API_URL}/v1/jobs/${job.id}/audio?track=${track.number}&original=true`;
  const { response } = await once(async () => {
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${session.get().key}` }, signal: stop.signal });
    return answer.ok ? { data: null, response: answer } : { error: await answer.text(), response: answer };
  });
  location.assign(response.url);
  stop.abort();
}

/** A file beside the track, by a link that is fresh when it is clicked. */
async function openFresh(job: Job, track: Track, name: "subtitles_url" | "subtitles_vtt_url"): Promise<void> {
  const { data } = await patiently(() => api.GET("/v1/jobs/{id}", { params: { path: { id: job.id } } }));
  const url = data.tracks.find((each) => each.number === track.number)?.[name];
  if (url) location.assign(url);
}

function Files({ job, track }: { job: Job; track: Track }) {
  const { busy, error, run } = useAction();
  const isChanged = track.source_sha256 !== track.sha256;
  const file = (words: string, open: () => Promise<void>) => <button type="button" class="quiet" aria-disabled={busy} onClick={() => run(open)}>{words}</button>;
  return (
    <>
      {(isChanged || track.subtitles_url) && (
        <div class="actions">
          {isChanged && file("The provider’s file", () => openOriginal(job, track))}
          {track.subtitles_url && file("Subtitles (JSON)", () => openFresh(job, track, "subtitles_url"))}
          {track.subtitles_vtt_url && file("Subtitles (WebVTT)", () => openFresh(job, track, "subtitles_vtt_url"))}
        </div>
      )}
      {error && <Notice tone="bad">{error.message}</Notice>}
    </>
  );
}

/** What was measured of each song, what its file says of itself, and the provider's own file. */
export function Sound({ job }: { job: Job }) {
  return (
    <section class="card">
      <h2>Sound</h2>
      {job.tracks.map((track) => (
        <div key={track.number} class="sound">
          {job.tracks.length > 1 && <h3>Song {track.number}</h3>}
          <Facts of={[
            ["Loudness", decibels(track.loudness_lufs, "LUFS")], ["True peak", decibels(track.true_peak_dbtp, "dBTP")], ["Marks", marksOf(track)], ["SHA-256", <code>{track.sha256}</code>],
            ["As it came", track.source_sha256 === track.sha256 ? null : <code>{track.source_sha256}</code>],
          ]} />
          <Files job={job} track={track} />
        </div>
      ))}
    </section>
  );
}
