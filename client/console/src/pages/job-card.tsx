import { useEffect, useState } from "preact/hooks";
import { useJob } from "../api/jobs";
import { loadAccount } from "../api/models";
import { inWords, moneyOf, whatToDo } from "../api/problem";
import type { Job } from "../api/types";
import { isOpen, Notice, Status, useNow } from "../parts/basics";
import { clock } from "../parts/format";
import { LivePlayer } from "../player/live";
import { Players } from "../player/player";

const STAGES: Record<string, string> = {
  queued: "It waits for its turn at the provider.",
  submitting: "It is being ordered from the provider.",
  generating: "The provider is making it.",
  storing: "It is there, and being stored.",
};

/** How long an open job has taken, and how long it usually takes. */
export function Progress({ job }: { job: Job }) {
  const now = useNow(isOpen(job.status));
  if (!isOpen(job.status)) return null;
  const elapsed = Math.max(0, (now - Date.parse(job.created_at)) / 1000);
  const expected = job.estimate ? Math.max(1, (Date.parse(job.estimate.ready_at) - Date.parse(job.created_at)) / 1000) : null;
  const late = expected !== null && elapsed > expected * 1.5;
  return (
    <div class="progress">
      {expected !== null && <progress max={1} value={Math.min(0.97, elapsed / expected)} aria-label="Expected progress" />}
      <p class="dim">{STAGES[job.status]} {clock(elapsed)}{expected !== null && ` of about ${inWords(expected)}`}{late && ". It takes longer than usual; nothing is lost."}</p>
    </div>
  );
}

/** Why a job failed, what to do, and who was charged. */
export function Outcome({ job }: { job: Job }) {
  if (!job.error) return null;
  const provider = { yes: "The provider charged the operator.", no: "The provider charged nothing.", unknown: "Whether the provider charged the operator is unknown." }[job.error.provider_charged];
  return (
    <Notice tone="bad">
      <strong>{whatToDo(job.error)}</strong>
      <br />
      Reason: {job.error.message} ({job.error.class}{job.error.code ? `, ${job.error.code}` : ""}). {moneyOf(job)}. {provider}
    </Notice>
  );
}

/** The live player, from when there is something to hear until the listener has heard it. */
export function Live({ job }: { job: Job }) {
  const [url, keep] = useState(job.urls.live);
  const [ended, end] = useState(false);
  useEffect(() => {
    if (job.urls.live && isOpen(job.status)) keep(job.urls.live);
  }, [job.urls.live, job.status]);
  const [listening, listen] = useState(false);
  const shown = url && !ended && (isOpen(job.status) || listening);
  return shown ? <div onClickCapture={() => listen(true)}><LivePlayer url={url} onEnded={() => end(true)} /></div> : null;
}

/** A job that was just ordered: its state, what can be heard of it, and how it ended. */
export function JobCard({ first }: { first: Job }) {
  const { job, error } = useJob(first.id, first);
  const shown = job ?? first;
  useEffect(() => {
    if (!isOpen(shown.status)) loadAccount().catch(() => undefined);
  }, [shown.status]);
  return (
    <section class="card job-card" aria-label="Your order">
      <div class="job-head">
        <span role="status"><Status of={shown.status} /></span>
        <span class="dim">{moneyOf(shown)}</span>
        <a href={`#/jobs/${shown.id}`}>Details</a>
      </div>
      <Progress job={shown} />
      <Live job={shown} />
      <Outcome job={shown} />
      {shown.status === "succeeded" && <Players job={shown} />}
      {error && <Notice tone="bad">{error.message}</Notice>}
    </section>
  );
}
