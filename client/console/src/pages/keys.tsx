import { useState } from "preact/hooks";
import { api, once, patiently } from "../api/client";
import { useLoaded } from "../api/loading";
import type { Key, Scope } from "../api/types";
import { Check, Copy, Failed, Field, Moment, Notice, useAction } from "../parts/basics";
import { number } from "../parts/format";

const SCOPES: readonly Scope[] = ["jobs:write", "jobs:read", "account:read", "account:manage"];

async function allKeys(signal: AbortSignal): Promise<Key[]> {
  const found: Key[] = [];
  for (let cursor: string | null = null; ; ) {
    const { data } = await patiently(() => api.GET("/v1/keys", { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } }, signal }), signal);
    found.push(...data.data);
    cursor = data.next_cursor;
    if (!cursor) return found;
  }
}

/** A secret that no other answer shows again. */
export function Once({ what, secret }: { what: string; secret: string }) {
  return <Notice tone="good" action={<Copy text={secret} />}>{what} It is shown only now: <code class="secret">{secret}</code></Notice>;
}

function NewKey({ onMade }: { onMade: (secret: string) => void }) {
  const [name, write] = useState("");
  const [cap, limit] = useState("");
  const [scopes, choose] = useState<readonly Scope[]>(["jobs:write", "jobs:read", "account:read"]);
  const { busy, error, run } = useAction();
  const make = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const { data } = await once(() => api.POST("/v1/keys", { body: { scopes: [...scopes], ...(name ? { name } : {}), ...(cap ? { monthly_credits: Number(cap) } : {}) } }));
      onMade(data.api_key);
      write("");
    });
  };
  return (
    <form class="card" onSubmit={make}>
      <h3>Issue a key</h3>
      <div class="pair">
        <Field label="Name">{(attributes) => <input {...attributes} maxLength={80} placeholder="shop" value={name} onInput={(event) => write(event.currentTarget.value)} />}</Field>
        <Field label="Most credits a month" hint="Empty: as many as your own key">{(attributes) => <input {...attributes} type="number" min={1} value={cap} onInput={(event) => limit(event.currentTarget.value)} />}</Field>
      </div>
      <fieldset class="checks"><legend>It may</legend>{SCOPES.map((scope) => <Check key={scope} label={scope} checked={scopes.includes(scope)} onChange={(checked) => choose(checked ? [...scopes, scope] : scopes.filter((each) => each !== scope))} />)}</fieldset>
      {error && <Notice tone="bad">{error.message}</Notice>}
      <button type="submit" class="primary" aria-disabled={busy}>Issue the key</button>
    </form>
  );
}

function Row({ of, reload, onMade }: { of: Key; reload: () => void; onMade: (secret: string) => void }) {
  const { busy, error, run } = useAction();
  const [asks, ask] = useState(false);
  const path = { path: { id: of.id } };
  const ended = of.revoked_at !== null || (of.expires_at !== null && Date.parse(of.expires_at) < Date.now());
  const rotate = () => run(async () => {
    onMade((await once(() => api.POST("/v1/keys/{id}/rotate", { params: path, body: {} }))).data.api_key);
    reload();
  });
  const revoke = () => run(async () => (await once(() => api.DELETE("/v1/keys/{id}", { params: path })), reload()));
  return (
    <tr class={ended ? "dim" : undefined}>
      <td><strong>{of.name ?? "no name"}</strong><br /><code>{of.id}</code></td>
      <td>{of.scopes.join(", ")}</td>
      <td>{of.used_credits === null ? "–" : number(of.used_credits)}{of.monthly_credits !== null && ` of ${number(of.monthly_credits)}`}</td>
      <td>{of.last_used_at ? <Moment at={of.last_used_at} /> : "never"}</td>
      <td>{of.revoked_at ? <>revoked <Moment at={of.revoked_at} /></> : of.expires_at ? <>ends <Moment at={of.expires_at} /></> : "no end"}</td>
      <td>
        {!ended && !asks && <div class="actions"><button type="button" class="quiet" aria-disabled={busy} onClick={rotate}>Rotate</button><button type="button" class="quiet" onClick={() => ask(true)}>Revoke</button></div>}
        {!ended && asks && <div class="actions"><button type="button" class="danger" aria-disabled={busy} onClick={revoke}>Revoke for good</button><button type="button" class="quiet" onClick={() => ask(false)}>Keep</button></div>}
        {error && <p class="wrong" role="alert">{error.message}</p>}
      </td>
    </tr>
  );
}

export function Keys() {
  const { data, error, reload } = useLoaded(allKeys, []);
  const [secret, show] = useState<string | null>(null);
  const made = (key: string) => {
    show(key);
    reload();
  };
  return (
    <section class="block">
      <h2>Keys</h2>
      {secret && <Once what="The new key." secret={secret} />}
      {error && (error.problem?.required_scope ? <Notice>{error.message} The operator issues the first key that may manage others.</Notice> : <Failed error={error} retry={reload} />)}
      {data && (
        <>
          <div class="table" role="region" aria-label="Keys" tabIndex={0}>
            <table>
              <thead><tr>{["Key", "May", "Credits this month", "Last used", "End", "Change"].map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
              <tbody>{data.map((key) => <Row key={key.id} of={key} reload={reload} onMade={made} />)}</tbody>
            </table>
          </div>
          <NewKey onMade={made} />
        </>
      )}
    </section>
  );
}
