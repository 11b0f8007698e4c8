import { api, patiently } from "../api/client";
import { useLoaded } from "../api/loading";
import type { Job } from "../api/types";
import { Failed } from "../parts/basics";
import { second } from "../parts/format";

/** What happened to a job, each with its time. */
export function Timeline({ job }: { job: Job }) {
  const { data, error, reload } = useLoaded(
    (signal) => patiently(() => api.GET("/v1/jobs/{id}/timeline", { params: { path: { id: job.id } }, signal }), signal).then((answer) => answer.data.data),
    [job.id, job.updated_at, job.status],
  );
  if (error) return <Failed error={error} retry={reload} />;
  return (
    <ol class="timeline">
      {(data ?? []).map((step, index) => (
        <li key={index}>
          <time dateTime={step.at}>{second(step.at)}</time>
          <div><strong>{words(step.what)}</strong>{step.detail && <p class="dim">{step.detail}</p>}</div>
        </li>
      ))}
    </ol>
  );
}

function words(what: string): string {
  const said = what.replaceAll("_", " ");
  return said.charAt(0).toUpperCase() + said.slice(1);
}
