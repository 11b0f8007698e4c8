// What a developer writes who has the client of @hey-api/openapi-ts.
import { getAccount, getJob, listModels, quoteJob, submitJob } from "./hey_api";
import { client } from "./hey_api/client.gen";

const [url = "", key = ""] = process.argv.slice(2);
client.setConfig({ baseUrl: url, auth: key });

async function main(): Promise<void> {
  const listed = await listModels({ query: { kind: "song", sort: "price" } });
  const model = listed.data?.data.find((each) => each.id === "minimax/music-2.5");
  if (!model) throw new Error(JSON.stringify(listed.error));
  const quoted = await quoteJob({ body: model.example });
  const headers = { "Idempotency-Key": "hey-api" };
  const ordered = await submitJob({ body: { ...model.example, title: "Rain" }, headers });
  let job = ordered.data;
  for (let tries = 0; job && !job.finished_at && tries < 300; tries += 1) {
    await new Promise((wake) => setTimeout(wake, 200));
    job = (await getJob({ path: { id: job.id } })).data;
  }
  const track = job?.tracks[0];
  const refused = await submitJob({ body: { model: "minimax/music-9", kind: "speech" } });
  const unknown = await getAccount({ auth: "fk_guessed" });
  const said = {
    status: job?.status,
    price: quoted.data?.price_credits,
    spent: job?.spent_credits,
    bytes: track?.bytes,
    media_type: track?.content_type,
    problem: refused.error && "type" in refused.error ? refused.error.type : null,
    gateway: unknown.error && "message" in unknown.error ? unknown.error.message : null,
  };
  console.log(JSON.stringify(said));
}

void main();
