import { useEffect, useRef, useState } from "preact/hooks";
import { models as allModels } from "../api/models";
import { moneyOf } from "../api/problem";
import type { Job } from "../api/types";
import { Empty, Failed, Field, Heading, isOpen, Moment, STATUSES, Status, statusWord, useNow } from "../parts/basics";
import { clock } from "../parts/format";
import { go, route } from "../parts/route";
import { useRowsInSight } from "../parts/window";
import { type Search, useJobs } from "./jobs-list";

const ROW_PX = 72;
const FIELDS = ["status", "model", "from", "to", "name", "value"] as const;

function searchOf(query: URLSearchParams): Search {
  return Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ""])) as unknown as Search;
}

function Filters({ search }: { search: Search }) {
  const models = allModels.use() ?? [];
  const [name, write] = useState(search.name);
  const set = (changed: Partial<Search>) => {
    const query = new URLSearchParams(Object.entries({ ...search, ...changed }).filter(([, value]) => value) as [string, string][]);
    go(`#/jobs${query.size ? `?${query}` : ""}`, true);
  };
  const isSet = FIELDS.some((each) => search[each]);
  return (
    <form class="filters" role="search" aria-label="Search jobs" onSubmit={(event) => event.preventDefault()}>
      <Field label="State">
        {(attributes) => (
          <select {...attributes} value={search.status} onChange={(event) => set({ status: event.currentTarget.value })}>
            <option value="">All</option>
            {STATUSES.map((each) => <option key={each} value={each}>{statusWord(each)}</option>)}
          </select>
        )}
      </Field>
      <Field label="Model">
        {(attributes) => (
          <select {...attributes} value={search.model} onChange={(event) => set({ model: event.currentTarget.value })}>
            <option value="">All</option>
            {models.filter((each) => !each.id.endsWith("*")).map((each) => <option key={each.id} value={each.id}>{each.id}</option>)}
          </select>
        )}
      </Field>
      <Field label="From day (UTC)">{(attributes) => <input {...attributes} type="date" value={search.from} onChange={(event) => set({ from: event.currentTarget.value })} />}</Field>
      <Field label="To day (UTC)">{(attributes) => <input {...attributes} type="date" value={search.to} onChange={(event) => set({ to: event.currentTarget.value })} />}</Field>
      <Field label="Metadata name">{(attributes) => <input {...attributes} placeholder="order" value={name} onInput={(event) => write(event.currentTarget.value)} onChange={() => set({ name })} />}</Field>
      <Field label="Its value">{(attributes) => <input {...attributes} placeholder="42" value={search.value} onChange={(event) => set({ name, value: event.currentTarget.value })} />}</Field>
      <button type="button" class="quiet" disabled={!isSet} onClick={() => (write(""), go("#/jobs", true))}>Clear</button>
    </form>
  );
}

function Row({ job, now }: { job: Job; now: number }) {
  const elapsed = ((job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.created_at)) / 1000;
  return (
    <a class="row" href={`#/jobs/${job.id}`}>
      <Status of={job.status} />
      <span class="row-title"><strong>{job.title || (job.kind === "speech" ? "Speech" : "Song")}</strong><span class="dim">{job.delivered_model ?? job.model}</span></span>
      <span class="row-facts"><span>{isOpen(job.status) && job.estimate ? `${clock(elapsed)} of about ${clock((Date.parse(job.estimate.ready_at) - Date.parse(job.created_at)) / 1000)}` : clock(elapsed)}</span><span class="dim">{moneyOf(job)}</span></span>
      <span class="row-when dim"><Moment at={job.created_at} /></span>
    </a>
  );
}

function Rows({ jobs }: { jobs: readonly Job[] }) {
  const list = useRef<HTMLUListElement>(null);
  const [first, end] = useRowsInSight(list, jobs.length, ROW_PX);
  const now = useNow(jobs.some((job) => isOpen(job.status)));
  return (
    <ul class="rows" ref={list} style={{ height: `${jobs.length * ROW_PX}px` }}>
      {jobs.slice(first, end).map((job, index) => (
        <li key={job.id} aria-setsize={jobs.length} aria-posinset={first + index + 1} style={{ transform: `translateY(${(first + index) * ROW_PX}px)` }}>
          <Row job={job} now={now} />
        </li>
      ))}
    </ul>
  );
}

export function Jobs() {
  const search = searchOf(route.use().query);
  const { jobs, next, busy, error, more } = useJobs(search);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current) return;
    const watch = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && more(), { rootMargin: "1200px" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [next, busy]);
  const isSearch = FIELDS.some((name) => search[name]);
  return (
    <main id="main">
      <Heading aside={<span class="dim" role="status">{busy ? "Loading…" : `${jobs.length}${next ? "+" : ""} ${jobs.length === 1 ? "job" : "jobs"}`}</span>}>Jobs</Heading>
      <Filters search={search} />
      {error && <Failed error={error} retry={more} />}
      {!busy && !error && !next && jobs.length === 0 && (isSearch ? (
        <Empty title="No job fits this search">Try fewer conditions, or other days.</Empty>
      ) : (
        <Empty title="No job yet">What you order appears here. <a href="#/try">Order your first song.</a></Empty>
      ))}
      <Rows jobs={jobs} />
      <div ref={end} class="end">{next && <button type="button" class="quiet" onClick={more}>{busy ? "Loading…" : "Show older jobs"}</button>}</div>
    </main>
  );
}
