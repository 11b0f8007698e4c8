import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { models as allModels, unitOf } from "../api/models";
import { inWords } from "../api/problem";
import type { Model } from "../api/types";
import { Heading } from "../parts/basics";

interface Column {
  readonly name: string;
  readonly of: (model: Model) => ComponentChildren;
  readonly by: (model: Model) => string | number;
}

const INPUTS: Record<string, string> = { auto_lyrics: "lyrics written for you", duration_s: "length", reference: "recording" };
const mark = (holds: boolean, yes = "yes") => (holds ? yes : <span class="dim" aria-label="no">–</span>);

const COLUMNS: readonly Column[] = [
  { name: "Model", of: (model) => <><a href={`#/try?model=${encodeURIComponent(model.id)}`}>{model.id}</a>{!model.available && <span class="status bad">not available</span>}</>, by: (model) => model.id },
  { name: "Makes", of: (model) => (model.kind === "song" ? (model.songs > 1 ? `${model.songs} songs` : "song") : "speech"), by: (model) => `${model.kind}${model.songs}` },
  { name: "Provider", of: (model) => model.provider, by: (model) => model.provider },
  { name: "Price", of: (model) => <><strong>{model.unit_credits}</strong> <span class="dim">{unitOf(model)}</span></>, by: (model) => model.unit_credits },
  { name: "Half within", of: (model) => inWords(model.estimate.p50_s), by: (model) => model.estimate.p50_s },
  { name: "4 of 5 within", of: (model) => inWords(model.estimate.p80_s), by: (model) => model.estimate.p80_s },
  { name: "Takes", of: (model) => model.inputs.map((each) => INPUTS[each] ?? each).join(", "), by: (model) => model.inputs.length },
  { name: "Live", of: (model) => mark(model.live), by: (model) => Number(!model.live) },
  { name: "Callbacks", of: (model) => mark(model.callbacks), by: (model) => Number(!model.callbacks) },
  { name: "Available", of: (model) => mark(model.available), by: (model) => Number(!model.available) },
];

/** The answers that most customers look for, before the whole table. */
function Decision({ models }: { models: readonly Model[] }) {
  const available = models.filter((model) => model.available && !model.id.endsWith("*"));
  const least = (found: readonly Model[], by: (model: Model) => number) => found.reduce<Model | null>((best, model) => (!best || by(model) < by(best) ? model : best), null);
  const songs = available.filter((model) => model.unit === "song" && !model.limits.reference?.required);
  const speech = available.filter((model) => model.kind === "speech");
  const answers = [
    ["Cheapest song", least(songs, (model) => model.unit_credits / model.songs)],
    ["Quickest song", least(songs, (model) => model.estimate.p50_s)],
    ["Cheapest heard while it is made", least(songs.filter((model) => model.live), (model) => model.unit_credits)],
    ["Cheapest speech", least(speech, (model) => model.unit_credits)],
  ] as const;
  return (
    <section class="decision" aria-label="Which model to take">
      {answers.map(([question, model]) => model && (
        <a key={question} class="card" href={`#/try?model=${encodeURIComponent(model.id)}`}>
          <span class="dim">{question}</span>
          <strong>{model.id}</strong>
          <span>{model.unit_credits} credits {unitOf(model)} · {inWords(model.estimate.p50_s)}</span>
        </a>
      ))}
    </section>
  );
}

export function Models() {
  const models = allModels.use();
  const [kind, choose] = useState<"" | "song" | "speech">("");
  const [sort, order] = useState<{ column: number; down: boolean }>({ column: 3, down: false });
  const shown = useMemo(() => {
    const by = COLUMNS[sort.column]!.by;
    const sorted = (models ?? []).filter((model) => !kind || model.kind === kind).sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
    return sort.down ? sorted.reverse() : sorted;
  }, [models, kind, sort]);
  return (
    <main id="main">
      <Heading aside={
        <div class="tabs" role="group" aria-label="Kind">
          {(["", "song", "speech"] as const).map((each) => <button key={each} type="button" aria-pressed={kind === each} onClick={() => choose(each)}>{each === "" ? "All" : each === "song" ? "Songs" : "Speech"}</button>)}
        </div>
      }>Models</Heading>
      {models && <Decision models={models} />}
      <div class="table compared" role="region" aria-label="Models compared" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {COLUMNS.map(({ name }, column) => (
                <th key={name} scope="col" aria-sort={sort.column === column ? (sort.down ? "descending" : "ascending") : "none"}>
                  <button type="button" onClick={() => order({ column, down: sort.column === column && !sort.down })}>{name}<span aria-hidden="true">{sort.column === column ? (sort.down ? " ↓" : " ↑") : ""}</span></button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{shown.map((model) => <tr key={model.id}>{COLUMNS.map(({ name, of }) => <td key={name} class={name === "Takes" ? "wide" : undefined}>{of(model)}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </main>
  );
}
