/** The jobs of a search: page by page, with those that are open kept up to date. */
import { useEffect, useReducer, useRef } from "preact/hooks";
import { api, patiently } from "../api/client";
import { asRefused } from "../api/loading";
import type { Refused } from "../api/problem";
import type { Job, JobStatus } from "../api/types";
import { isOpen } from "../parts/basics";

const PAGE = 50;
const LOOK_EVERY_MS = 3000;
const LOOK_RARELY_MS = 15_000;

export interface Search {
  readonly status: string;
  readonly model: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly value: string;
}

export interface Listing {
  readonly jobs: readonly Job[];
  readonly next: string | null;
  readonly busy: boolean;
  readonly error: Refused | null;
}

function page(search: Search, cursor: string | null, signal: AbortSignal) {
  const query: Record<string, string | number> = { limit: PAGE };
  for (const name of ["status", "model", "from", "to"] as const) if (search[name]) query[name] = search[name];
  if (search.name && search.value) query[`metadata.${search.name}`] = search.value;
  if (cursor) query["cursor"] = cursor;
  return patiently(() => api.GET("/v1/jobs", { params: { query: query as { status?: JobStatus } }, signal }), signal); // The document has metadata.NAME for any name.
}

type Change = { readonly kind: "anew" } | { readonly kind: "wait" } | { readonly kind: "page"; readonly jobs: readonly Job[]; readonly next: string | null } | { readonly kind: "latest"; readonly jobs: readonly Job[]; readonly prepend: boolean } | { readonly kind: "failed"; readonly error: Refused };

const NONE: Listing = { jobs: [], next: null, busy: true, error: null };

function change(before: Listing, what: Change): Listing {
  switch (what.kind) {
    case "anew":
      return NONE;
    case "wait":
      return { ...before, busy: true };
    case "page":
      return { jobs: [...before.jobs, ...what.jobs], next: what.next, busy: false, error: null };
    case "latest":
      return { ...before, jobs: merged(before.jobs, what.jobs, what.prepend) };
    default:
      return { ...before, busy: false, error: what.error };
  }
}

function merged(known: readonly Job[], latest: readonly Job[], prepend: boolean): Job[] {
  const byId = new Map(latest.map((job) => [job.id, job]));
  const kept = known.map((job) => byId.get(job.id) ?? job);
  const ids = new Set(known.map((job) => job.id));
  const first = known[0]?.id ?? "";
  return prepend ? [...latest.filter((job) => !ids.has(job.id) && job.id > first), ...kept] : kept;
}

export function useJobs(search: Search): Listing & { readonly more: () => void } {
  const [listing, dispatch] = useReducer(change, NONE);
  const latest = useRef(listing);
  latest.current = listing;
  const stop = useRef(new AbortController());
  const read = (cursor: string | null, signal: AbortSignal) =>
    page(search, cursor, signal).then(
      ({ data }) => signal.aborted || dispatch({ kind: "page", jobs: data.data, next: data.next_cursor }),
      (error: unknown) => signal.aborted || dispatch({ kind: "failed", error: asRefused(error) }),
    );
  useEffect(() => {
    const mine = new AbortController();
    stop.current = mine;
    dispatch({ kind: "anew" });
    void read(null, mine.signal);
    let looked = Date.now();
    const look = async () => {
      const changes = latest.current.jobs.some((job) => isOpen(job.status));
      if (Date.now() - looked < (changes ? LOOK_EVERY_MS : LOOK_RARELY_MS)) return;
      looked = Date.now();
      const found = await refresh(search, latest.current, mine.signal);
      if (found && !mine.signal.aborted) dispatch(found);
    };
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => {
      mine.abort();
      clearInterval(timer);
    };
  }, [JSON.stringify(search)]);
  const more = () => {
    const { next, busy } = latest.current;
    if (!next || busy) return;
    dispatch({ kind: "wait" });
    void read(next, stop.current.signal);
  };
  return { ...listing, more };
}

/** New jobs and new states, while the page is looked at; null where nothing can have changed or the API is busy. */
async function refresh(search: Search, now: Listing, signal: AbortSignal): Promise<Change | null> {
  if (document.hidden || now.busy || now.error) return null;
  try {
    const { data } = await page(search, null, signal);
    const newest = new Set(data.data.map((job) => job.id));
    const others = now.jobs.filter((job) => isOpen(job.status) && !newest.has(job.id)).slice(0, 10);
    const reads = others.map((job) => patiently(() => api.GET("/v1/jobs/{id}", { params: { path: { id: job.id } }, signal }), signal));
    const read = (await Promise.allSettled(reads)).flatMap((each) => (each.status === "fulfilled" ? [each.value.data] : []));
    return { kind: "latest", jobs: [...data.data, ...read], prepend: true };
  } catch {
    return null;
  }
}
