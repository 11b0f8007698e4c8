import { useEffect, useState } from "preact/hooks";
import { isOpen } from "../parts/basics";
import { api, patiently } from "./client";
import { asRefused } from "./loading";
import type { Refused } from "./problem";
import type { Job } from "./types";

const LEAST_PAUSE_MS = 1000;
/** Retry-After follows the model's usual time; whoever looks at a page wants to see its end sooner. */
const LONGEST_PAUSE_MS = 3000;

/** How often a song that is there is looked at until its loudness was measured, with twice the pause each time: for a minute and a half. */
const LOOKS_FOR_LOUDNESS = 5;
const UNMEASURED = new Set<string>(["audio/mp4", "audio/aac"]);

/** Whether nothing more of an ended job will come: its songs have their waveform and loudness, or never will. */
export function isMeasured(job: Job): boolean {
  return job.tracks.every((track) => track.peaks_url !== null || UNMEASURED.has(track.content_type));
}

export interface Followed {
  readonly job: Job | null;
  readonly error: Refused | null;
  readonly reload: () => void;
}

/** A job that is read again until it has ended and was measured, 304 while nothing changed. */
export function useJob(id: string, first: Job | null = null): Followed {
  const [state, change] = useState<{ job: Job | null; error: Refused | null }>({ job: first, error: null });
  const [again, reload] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let tag = "";
    let latest: Job | null = null;
    let looks = 0;
    const look = async () => {
      const headers = tag ? { "If-None-Match": tag } : {};
      const { data, response } = await patiently(() => api.GET("/v1/jobs/{id}", { params: { path: { id }, query: { include: "request" }, header: headers }, signal: stop.signal }), stop.signal);
      if (stop.signal.aborted) return;
      tag = response.headers.get("ETag") ?? tag;
      latest = data ?? latest;
      if (data) change({ job: data, error: null });
      const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, Number(response.headers.get("Retry-After") ?? 0) * 1000));
      if (!latest || isOpen(latest.status)) timer = window.setTimeout(go, pauseMs);
      else if (!isMeasured(latest) && looks < LOOKS_FOR_LOUDNESS) timer = window.setTimeout(go, LONGEST_PAUSE_MS * 2 ** looks++);
    };
    const go = () => void look().catch((error: unknown) => stop.signal.aborted || change((before) => ({ ...before, error: asRefused(error) })));
    go();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, again]);
  return { ...state, reload: () => reload((count) => count + 1) };
}
