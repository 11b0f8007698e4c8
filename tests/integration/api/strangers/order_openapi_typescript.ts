// What a developer writes who has the types of openapi-typescript, and its fetch client.
import createClient from "openapi-fetch";
import type { paths } from "./openapi_typescript/schema";

const [url = "", key = ""] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

async function main(): Promise<void> {
  const listed = await api.GET("/v1/models", { params: { query: { kind: "song", sort: "price" } } });
  const model = listed.data?.data.find((each) => each.id === "minimax/music-2.5");
  if (!model) throw new Error(JSON.stringify(listed.error));
  const quoted = await api.POST("/v1/quote", { body: model.example });
  const header = { "Idempotency-Key": "openapi-typescript" };
  const ordered = await api.POST("/v1/jobs", { body: { ...model.example, title: "Rain" }, params: { header } });
  let job = ordered.data;
  for (let tries = 0; job && !job.finished_at && tries < 300; tries += 1) {
    await new Promise((wake) => setTimeout(wake, 200));
    job = (await api.GET("/v1/jobs/{id}", { params: { path: { id: job.id } } })).data;
  }
  const track = job?.tracks[0];
  const refused = await api.POST("/v1/jobs", { body: { model: "minimax/music-9", kind: "speech" } });
  const stranger = createClient<paths>({ baseUrl: url, headers: { Authorization: "Bearer fk_guessed" } });
  const unknown = await stranger.GET("/v1/account");
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
