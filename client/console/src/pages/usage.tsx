import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api, patiently } from "../api/client";
import { useLoaded } from "../api/loading";
import type { LedgerEntry, LogEntry, UsageEntry } from "../api/types";
import { Bars } from "../parts/bars";
import { Empty, Failed, Field, Heading, Moment, Notice, Status, useAction } from "../parts/basics";
import { clock, number, today } from "../parts/format";

interface Days {
  readonly from: string;
  readonly to: string;
}
const ENTRIES = 50;

async function allUsage(query: Days, signal: AbortSignal): Promise<UsageEntry[]> {
  const found: UsageEntry[] = [];
  for (let cursor: string | null = null; ; ) {
    const { data } = await patiently(() => api.GET("/v1/usage", { params: { query: { ...query, limit: 1000, ...(cursor ? { cursor } : {}) } }, signal }), signal);
    found.push(...data.data);
    cursor = data.next_cursor;
    if (!cursor) return found;
  }
}

function Spending({ days }: { days: Days }) {
  const { data, error, reload } = useLoaded((signal) => allUsage(days, signal), [days.from, days.to]);
  if (error) return <Failed error={error} retry={reload} />;
  if (data && !data.length) return <Empty title="Nothing was used on these days">Orders that end are counted here, day by day and model by model.</Empty>;
  if (!data) return <div aria-hidden="true"><div class="numbers skeleton" /><div class="card chart skeleton" /></div>;
  const entries = data;
  const sum = (of: (entry: UsageEntry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  return (
    <>
      <div class="numbers">
        <div><strong>{number(sum((entry) => entry.credits))}</strong><span class="dim">credits spent</span></div>
        <div><strong>{number(sum((entry) => entry.succeeded))}</strong><span class="dim">of {number(sum((entry) => entry.jobs))} jobs delivered</span></div>
        <div><strong>{clock(sum((entry) => entry.audio_ms) / 1000)}</strong><span class="dim">minutes of sound</span></div>
      </div>
      <div class="card chart"><Bars label="Credits spent by day and model" unit="credits" from={days.from} to={days.to} amounts={entries.map((entry) => ({ day: entry.day ?? "", series: entry.model ?? "", value: entry.credits }))} /></div>
      <details class="more">
        <summary>The numbers</summary>
        <Table label="Usage by day and model" head={["Day", "Model", "Jobs", "Delivered", "Credits", "Sound"]} rows={[...entries].reverse().map((entry) => [entry.day, entry.model, entry.jobs, entry.succeeded, entry.credits, clock(entry.audio_ms / 1000)])} />
      </details>
    </>
  );
}

function Table({ label, head, rows }: { label: string; head: readonly string[]; rows: readonly (readonly ComponentChildren[])[] }) {
  return (
    <div class="table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead><tr>{head.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>{rows.map((cells, row) => <tr key={row}>{cells.map((cell, column) => <td key={column}>{cell}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

/** Pages of a list, newest asked for last: “more” adds the next one. */
function usePages<T>(path: "/v1/ledger" | "/v1/usage/log", days: Days) {
  const read = async (cursor: string | null): Promise<{ data: T[]; next_cursor: string | null }> => {
    const query = { ...days, limit: ENTRIES, ...(cursor ? { cursor } : {}) };
    // The document has CSV beside this; without an Accept header the answer is JSON.
    return (await patiently(() => api.GET(path, { params: { query } }))).data as never;
  };
  const first = useLoaded(() => read(null), [days.from, days.to]);
  const adding = useAction();
  const more = () => {
    const { data } = first;
    if (data?.next_cursor) adding.run(async () => {
      const next = await read(data.next_cursor);
      first.set({ data: [...data.data, ...next.data], next_cursor: next.next_cursor });
    });
  };
  return { rows: first.data?.data ?? [], next: first.data?.next_cursor ?? null, busy: first.busy || adding.busy, error: first.error ?? adding.error, reload: first.reload, more };
}

const KINDS: Record<LedgerEntry["kind"], string> = { grant: "Credits added", hold: "Held for an order", spend: "Spent", refund: "Returned", note: "Note" };

function signed(entry: LedgerEntry): string {
  return entry.kind === "hold" ? `−${number(entry.credits)}` : entry.kind === "grant" || entry.kind === "refund" ? `+${number(entry.credits)}` : number(entry.credits);
}

const job = (id: string | null) => id && <a href={`#/jobs/${id}`}>{id}</a>;

function Ledger({ days }: { days: Days }) {
  const { rows, next, busy, error, reload, more } = usePages<LedgerEntry>("/v1/ledger", days);
  if (error) return <Failed error={error} retry={reload} />;
  if (!rows.length) return <p class="dim">{busy ? "Loading…" : "No credits moved on these days. The last ten seconds are not in it yet."}</p>;
  return (
    <>
      <Table label="Ledger" head={["When", "What", "Credits", "Balance after", "Job", "Key", "Note"]} rows={rows.map((entry) => [<Moment at={entry.at} />, KINDS[entry.kind], signed(entry), number(entry.balance_credits), job(entry.job_id), entry.key_id, entry.note])} />
      {next && <button type="button" class="quiet" onClick={more}>{busy ? "Loading…" : "Show more"}</button>}
    </>
  );
}

/** Every page of a CSV list as one file. */
async function csv(path: "/v1/usage/log" | "/v1/ledger", days: Days): Promise<string> {
  const parts: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const { data, response } = await patiently<string>(() => api.GET(path as "/v1/usage/log", { params: { query: { ...days, limit: 1000, ...(cursor ? { cursor } : {}) } }, headers: { Accept: "text/csv" }, parseAs: "text" }) as never);
    parts.push(parts.length ? data.slice(data.indexOf("\n") + 1) : data);
    cursor = response.headers.get("Next-Cursor");
    if (!cursor) return parts.join("");
  }
}

function SaveCsv({ path, name, days }: { path: "/v1/usage/log" | "/v1/ledger"; name: string; days: Days }) {
  const { busy, error, run } = useAction();
  const save = () => run(async () => {
    const url = URL.createObjectURL(new Blob([await csv(path, days)], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: url, download: `${name}-${days.from}-${days.to}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
  return <>{error && <Notice tone="bad">{error.message}</Notice>}<button type="button" class="quiet" onClick={save}>{busy ? "Collecting…" : "Save as CSV"}<span class="sr"> ({name})</span></button></>;
}

function Log({ days }: { days: Days }) {
  const { rows, next, busy, error, reload, more } = usePages<LogEntry>("/v1/usage/log", days);
  if (error) return <Failed error={error} retry={reload} />;
  if (!rows.length) return <p class="dim">{busy ? "Loading…" : "No job ended on these days."}</p>;
  const metadata = (of: Record<string, string> | null) => of && Object.entries(of).map(([name, value]) => `${name}=${value}`).join(", ");
  return (
    <>
      <Table label="Usage log" head={["Ended", "Job", "State", "Model", "Credits", "Sound", "Key", "Metadata"]} rows={rows.map((entry) => [<Moment at={entry.finished_at} />, job(entry.job_id), <Status of={entry.status} />, entry.model, entry.credits, clock(entry.audio_ms / 1000), entry.key_id, metadata(entry.metadata)])} />
      {next && <button type="button" class="quiet" onClick={more}>{busy ? "Loading…" : "Show more"}</button>}
    </>
  );
}

export function Usage() {
  const [days, choose] = useState<Days>({ from: `${today().slice(0, 8)}01`, to: today() });
  const change = (name: keyof Days) => (event: { currentTarget: HTMLInputElement }) => event.currentTarget.value && choose({ ...days, [name]: event.currentTarget.value });
  return (
    <main id="main">
      <Heading aside={
        <div class="range">
          <Field label="From (UTC)">{(attributes) => <input {...attributes} type="date" value={days.from} onChange={change("from")} />}</Field>
          <Field label="To (UTC)">{(attributes) => <input {...attributes} type="date" value={days.to} onChange={change("to")} />}</Field>
        </div>
      }>Usage</Heading>
      <Spending days={days} />
      <section class="block"><div class="heading"><h2>Ledger</h2><SaveCsv path="/v1/ledger" name="ledger" days={days} /></div><Ledger days={days} /></section>
      <section class="block"><div class="heading"><h2>Usage log</h2><SaveCsv path="/v1/usage/log" name="usage" days={days} /></div><Log days={days} /></section>
    </main>
  );
}
