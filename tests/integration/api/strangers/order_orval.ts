// What a developer writes who has the functions of orval. They fetch paths; the address is given to `fetch` here.
import { getAccount, getJob, listModels, quoteJob, submitJob } from "./orval/client";

const [url = "", key = ""] = process.argv.slice(2);
const fetchAnywhere = globalThis.fetch;
globalThis.fetch = (path, init) => fetchAnywhere(new URL(String(path), url), init);
const authorized = { headers: { Authorization: `Bearer ${key}` } };

async function main(): Promise<void> {
  const listed = await listModels({ kind: "song", sort: "price" }, authorized);
  const model = listed.status === 200 ? listed.data.data.find((each) => each.id === "minimax/music-2.5") : undefined;
  if (!model) throw new Error(JSON.stringify(listed.data));
  const quoted = await quoteJob(model.example, authorized);
  const headers = { ...authorized.headers, "Idempotency-Key": "orval" };
  const ordered = await submitJob({ ...model.example, title: "Rain" }, { headers });
  let job = ordered.status === 202 ? ordered.data : undefined;
  for (let tries = 0; job && !job.finished_at && tries < 300; tries += 1) {
    await new Promise((wake) => setTimeout(wake, 200));
    const read = await getJob(job.id, undefined, authorized);
    job = read.status === 200 ? read.data : undefined;
  }
  const track = job?.tracks[0];
  const refused = await submitJob({ model: "minimax/music-9", kind: "speech" }, authorized);
  const unknown = await getAccount({ headers: { Authorization: "Bearer fk_guessed" } });
  const said = {
    status: job?.status,
    price: quoted.status === 200 ? quoted.data.price_credits : null,
    spent: job?.spent_credits,
    bytes: track?.bytes,
    media_type: track?.content_type,
    problem: refused.status === 422 ? refused.data.type : null,
    gateway: unknown.status === 403 && "message" in unknown.data ? unknown.data.message : null,
  };
  console.log(JSON.stringify(said));
}

void main();
