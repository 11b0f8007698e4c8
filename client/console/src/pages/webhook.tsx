import { useEffect, useState } from "preact/hooks";
import { api, once, patiently } from "../api/client";
import { useLoaded } from "../api/loading";
import { Failed, Field, Moment, Notice, useAction } from "../parts/basics";
import { Once } from "./keys";

/** Where the ends of jobs are posted, and a message to try it with. */
export function Webhook() {
  const { data, error, reload } = useLoaded((signal) => patiently(() => api.GET("/v1/webhook", { signal }), signal).then((answer) => answer.data), []);
  const [url, write] = useState("");
  const [secret, show] = useState<string | null>(null);
  const [said, say] = useState<{ good: boolean; words: string } | null>(null);
  const { busy, error: failed, run } = useAction();
  useEffect(() => write(data?.url ?? ""), [data?.url]);
  const set = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const { data: answer } = await once(() => api.PUT("/v1/webhook", { body: { url } }));
      if (answer.secret) show(answer.secret);
      reload();
    });
  };
  const test = () => run(async () => {
    say(null);
    const { data: answer } = await once(() => api.POST("/v1/webhook/test"));
    say({ good: answer.delivered, words: `${answer.delivered ? "Delivered" : "Not delivered"} in ${answer.duration_ms} ms${answer.status_code ? ` (${answer.status_code})` : ""}. ${answer.advice}` });
  });
  const rotate = () => run(async () => show((await once(() => api.POST("/v1/webhook/rotate", { body: {} }))).data.secret));
  const remove = () => run(async () => (await once(() => api.DELETE("/v1/webhook")), reload()));
  if (error) return <section class="block"><h2>Webhook</h2>{error.problem?.required_scope ? <Notice>{error.message}</Notice> : <Failed error={error} retry={reload} />}</section>;
  return (
    <section class="block">
      <h2>Webhook</h2>
      <form class="card" onSubmit={set}>
        {data?.disabled_at && <Notice tone="warn">The address answered that it is gone (410) and was switched off <Moment at={data.disabled_at} />. Set it again to switch it on.</Notice>}
        <Field label="Address" hint="Where the end of each job is posted, signed: https, a public host.">
          {(attributes) => <input {...attributes} type="url" required placeholder="https://shop.example.com/fermata" value={url} onInput={(event) => write(event.currentTarget.value)} />}
        </Field>
        {secret && <Once what="The secret that signs." secret={secret} />}
        {said && <Notice tone={said.good ? "good" : "bad"}>{said.words}</Notice>}
        {failed && <Notice tone="bad">{failed.message}</Notice>}
        <div class="actions">
          <button type="submit" class="primary" aria-disabled={busy}>Set</button>
          {data?.url && <button type="button" aria-disabled={busy} onClick={test}>Send a test</button>}
          {data?.has_secret && <button type="button" class="quiet" aria-disabled={busy} onClick={rotate}>New secret</button>}
          {data?.url && <button type="button" class="quiet" aria-disabled={busy} onClick={remove}>Remove</button>}
        </div>
      </form>
    </section>
  );
}
