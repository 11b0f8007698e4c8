import { useState } from "preact/hooks";
import { api, once, patiently } from "../api/client";
import { useJob } from "../api/jobs";
import { useLoaded } from "../api/loading";
import { models as allModels } from "../api/models";
import { moneyOf } from "../api/problem";
import type { Job } from "../api/types";
import { type Draft, draft, draftOf } from "../order/draft";
import { another } from "../order/purchase";
import { Copy, Failed, Glyph, Heading, isOpen, Moment, Notice, Status, useAction } from "../parts/basics";
import { second } from "../parts/format";
import { go } from "../parts/route";
import { Players } from "../player/player";
import { Live, Outcome, Progress } from "./job-card";
import { Facts } from "./facts";
import { Sound } from "./sound";
import { Timeline } from "./timeline";

function Actions({ job, reload }: { job: Job; reload: () => void }) {
  const { busy, error, run } = useAction();
  const [asks, ask] = useState(false);
  const models = allModels.use() ?? [];
  const path = { path: { id: job.id } };
  const cancel = () => run(async () => (await once(() => api.POST("/v1/jobs/{id}/cancel", { params: path })), reload()));
  const remove = () => run(async () => (await once(() => api.DELETE("/v1/jobs/{id}", { params: path })), go("#/jobs")));
  const again = (change: Partial<Draft> = {}) => {
    if (!job.request) return;
    another();
    draft.set({ ...draftOf(job.request, models, Date.now()), ...change });
    go("#/try");
  };
  const { voice_id, instrumental_id } = job.reference ?? {};
  const handed = { voice_id: voice_id ?? "", instrumental_id: instrumental_id ?? "", reference_url: "", reference_id: "", purpose: "" };
  return (
    <>
      <div class="actions">
        {job.urls.cancel && isOpen(job.status) && <button type="button" onClick={cancel} aria-disabled={busy}>Cancel the order</button>}
        {job.request && <button type="button" onClick={() => again()}>Order again</button>}
        {job.request && (voice_id || instrumental_id) && <button type="button" onClick={() => again(handed)}>Another song after this recording</button>}
        {!isOpen(job.status) && !asks && <button type="button" class="quiet" onClick={() => ask(true)}>Delete</button>}
        {asks && (
          <span class="ask" role="group" aria-label="Delete this job">
            Its words and songs are gone for good.
            <button type="button" class="danger" onClick={remove} aria-disabled={busy}>Delete for good</button>
            <button type="button" class="quiet" onClick={() => ask(false)}>Keep</button>
          </span>
        )}
      </div>
      {error && <Notice tone="bad">{error.message}</Notice>}
    </>
  );
}

function Attempts({ job }: { job: Job }) {
  const { data, error, reload } = useLoaded((signal) => patiently(() => api.GET("/v1/jobs/{id}/attempts", { params: { path: { id: job.id } }, signal }), signal).then((answer) => answer.data.data), [job.id, job.attempt_count, job.status]);
  if (error) return <Failed error={error} retry={reload} />;
  if (data && !data.length) return <p class="dim">No provider was asked.</p>;
  const words = { yes: "Provider charged", no: "Provider charged nothing", unknown: "Unknown whether the provider charged" };
  return (
    <ol class="attempts">
      {(data ?? []).map((each) => (
        <li key={each.number}>
          <strong>{each.provider}</strong> <span class="dim">{each.model}</span>
          <p>{second(each.started_at)}{each.finished_at ? ` to ${second(each.finished_at)}` : ", still running"} · {words[each.provider_charged]}{each.error_class && ` · ${each.error_class}${each.raw_code ? ` (${each.raw_code})` : ""}`}</p>
          {(each.trace_id || each.upstream_id) && <p class="dim">For the provider’s support: <code>{each.trace_id ?? each.upstream_id}</code></p>}
        </li>
      ))}
    </ol>
  );
}

function Webhooks({ job }: { job: Job }) {
  const { data, error, reload } = useLoaded((signal) => patiently(() => api.GET("/v1/jobs/{id}/webhooks", { params: { path: { id: job.id } }, signal }), signal).then((answer) => answer.data.data), [job.id, job.status]);
  const replay = useAction();
  const send = () => replay.run(async () => (await once(() => api.POST("/v1/jobs/{id}/webhooks/replay", { params: { path: { id: job.id } } })), reload()));
  const words = { delivered: "Delivered", failed: "Failed", given_up: "Given up", gone: "Refused for good (410)" };
  return (
    <>
      {error && <Failed error={error} retry={reload} />}
      {data && !data.length && <p class="dim">The end of this job was posted nowhere.</p>}
      <ol class="attempts">
        {(data ?? []).map((each) => (
          <li key={`${each.replay}.${each.number}`}>
            <strong>{words[each.outcome]}</strong> <span class="dim">{each.origin}</span>
            <p>{second(each.at)} · try {each.number}{each.replay ? `, replay ${each.replay}` : ""}{each.status_code ? ` · ${each.status_code}` : ""}{each.error ? ` · ${each.error.replaceAll("_", " ")}` : ""}{each.next_try_at ? ` · next try ${second(each.next_try_at)}` : ""}</p>
          </li>
        ))}
      </ol>
      {!isOpen(job.status) && <div class="actions"><button type="button" class="quiet" aria-disabled={replay.busy} onClick={send}>Post it again</button><button type="button" class="quiet" onClick={reload}>Look again</button></div>}
      {replay.error && <Notice tone="bad">{replay.error.message}</Notice>}
    </>
  );
}

function Request({ job }: { job: Job }) {
  const order = job.request;
  if (!order) return null;
  return (
    <section class="card">
      <h2>What was ordered</h2>
      <Facts of={[["Style", order.prompt], ["Voice", order.voice], ["Speed", order.speed], ["Language", order.language], ["Emotion", order.emotion], ["Length", order.duration_s ? `${order.duration_s} s` : null], ["Recording", order.reference?.audio_url ?? order.reference?.id ?? [order.reference?.voice_id, order.reference?.instrumental_id].filter(Boolean).join(", ")], ["Instrumental", order.instrumental ? "yes" : null]]} />
      {(order.lyrics || order.text) && <pre class="words" tabIndex={0} role="region" aria-label="Words">{order.lyrics || order.text}</pre>}
      {Object.keys(job.metadata).length > 0 && <Facts of={Object.entries(job.metadata)} />}
    </section>
  );
}

function Shown({ job, reload }: { job: Job; reload: () => void }) {
  return (
    <>
      <Heading aside={<span role="status"><Status of={job.status} /></span>}>{job.title || (job.kind === "speech" ? "Speech" : "Song")}</Heading>
      <Progress job={job} />
      <Live job={job} />
      <Outcome job={job} />
      {job.status === "succeeded" && <Players job={job} />}
      <Actions job={job} reload={reload} />
      <div class="columns">
        <section class="card">
          <h2>Facts</h2>
          <Facts of={[
            ["Job", <><code>{job.id}</code> <Copy text={job.id} label="Copy the id" /></>], ["Model", job.model], ["Delivered by", job.delivered_model], ["Fallbacks", job.fallbacks.join(", ")], ["Money", moneyOf(job)],
            ["Ordered", <Moment at={job.created_at} />], ["Ended", job.finished_at && <Moment at={job.finished_at} />], ["Not wanted after", job.finish_by && <Moment at={job.finish_by} />], ["Posted to", job.request?.callback_url], ["Key", job.api_key_id], ["Fetched again from", job.recovered_from],
            ["Voice", job.reference?.voice_id && <code>{job.reference.voice_id}</code>], ["Instrumental", job.reference?.instrumental_id && <code>{job.reference.instrumental_id}</code>],
          ]} />
        </section>
        {job.tracks.length > 0 && <Sound job={job} />}
        <Request job={job} />
        <section class="card"><h2>Timeline</h2><Timeline job={job} /></section>
        <section class="card"><h2>Attempts</h2><Attempts job={job} /></section>
        <section class="card"><h2>Webhooks</h2><Webhooks job={job} /></section>
      </div>
    </>
  );
}

export function JobPage({ id }: { id: string }) {
  const { job, error, reload } = useJob(id);
  return (
    <main id="main">
      <p class="back"><a href="#/jobs"><Glyph name="back" /> All jobs</a></p>
      {error && <Failed error={error} retry={reload} />}
      {job && <Shown job={job} reload={reload} />}
      {!job && !error && <div class="card skeleton tall" aria-hidden="true" />}
    </main>
  );
}
