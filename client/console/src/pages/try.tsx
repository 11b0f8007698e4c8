import { useEffect, useState } from "preact/hooks";
import { loadAccount, models as allModels, priceOf } from "../api/models";
import { inWords, type Refused } from "../api/problem";
import type { Job, Model, Order, Quote } from "../api/types";
import { asRefused } from "../api/loading";
import { Code } from "../order/code";
import { AUTO_SONG, AUTO_SPEECH, type Choice, choiceOf, draft as theDraft, draftOf, edit, isFamily, placesOf, requestOf } from "../order/draft";
import { Fields } from "../order/fields";
import { another, buy, isBought } from "../order/purchase";
import { useQuote } from "../order/quote";
import { Field, Heading, Notice } from "../parts/basics";
import { route } from "../parts/route";
import { JobCard } from "./job-card";

const EXAMPLES: readonly { readonly name: string; readonly order: Order }[] = [
  { name: "Rainy folk", order: { model: "auto", prompt: "indie folk, rainy evening, acoustic guitar, warm voice", lyrics: "[Verse]\nRain on the window\nStreetlights in the tea\n[Chorus]\nStay a while\nStay a while with me" } },
  { name: "Night drive", order: { model: "auto", prompt: "synth pop, night drive, steady beat, neon", lyrics: "[Verse]\nMiles of blue and amber light\n[Chorus]\nDrive until the morning finds us" } },
  { name: "Good evening", order: { model: "auto", kind: "speech", text: "Good evening. The rain has stopped, and the windows are open again." } },
];

function Choose({ models, value, error }: { models: readonly Model[]; value: string; error: string | undefined }) {
  const songs = models.filter((each) => each.kind === "song");
  const speech = models.filter((each) => each.kind === "speech");
  const option = (each: Model) => <option key={each.id} value={each.id}>{each.id} · {priceOf(each)}{each.available ? "" : " · not available"}</option>;
  return (
    <Field label="Model" error={error}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => edit({ model: event.currentTarget.value, voice: "" })}>
          <optgroup label="Let Fermata choose">
            <option value={AUTO_SONG}>The cheapest for a song</option>
            <option value={AUTO_SPEECH}>The cheapest for speech</option>
          </optgroup>
          <optgroup label="Songs">{songs.map(option)}</optgroup>
          <optgroup label="Speech">{speech.map(option)}</optgroup>
        </select>
      )}
    </Field>
  );
}

function About({ choice }: { choice: Choice }) {
  const { model } = choice;
  if (!model) return <p class="about dim">Fermata takes the cheapest model that is available and can do what you ask.</p>;
  const abilities = [
    priceOf(model),
    `${inWords(model.estimate.p50_s)} as a rule, up to ${inWords(model.estimate.p80_s)}`,
    model.live && "heard while it is made",
    model.callbacks && "reports by callback",
    model.voices !== null && `${model.voices} voices`,
    model.outputs.map((each) => each.replace("audio/", "").replace("mpeg", "mp3")).join(", "),
  ].filter(Boolean);
  return (
    <div class="about">
      <ul class="chips">{abilities.map((each) => <li key={String(each)}>{each}</li>)}</ul>
      {model.hints.map((hint) => <p key={hint} class="hint">{hint}</p>)}
      {!model.available && <Notice tone="warn">{model.provider} takes no orders at the moment. An order would wait for it or fail; another model may be quicker.</Notice>}
    </div>
  );
}

function NoPrice({ error, places }: { error: Refused; places: readonly string[] }) {
  const { length } = error.problem?.errors ?? [];
  const others = error.besides(places);
  return (
    <>
      <p class="price none">No price yet. {others.length < (length ?? 0) ? "See what the fields say." : others.length ? "" : error.message}</p>
      {others.map((each) => <p key={each} class="wrong">{each}</p>)}
    </>
  );
}

function Price({ quote, error, places, choice, isStarted }: { quote: Quote | null; error: Refused | null; places: readonly string[]; choice: Choice; isStarted: boolean }) {
  if (error) return <NoPrice error={error} places={places} />;
  if (!isStarted) return <p class="price none">{choice.model ? `${priceOf(choice.model)}. ` : ""}Write something, or take an example, and the price of your order stands here.</p>;
  if (!quote) return <p class="price none">Asking for the price…</p>;
  const each = quote.unit === "song" ? "" : `${quote.units} × ${quote.unit_credits} credits ${quote.unit === "minute" ? "a minute" : "per 1,000 characters"}`;
  return (
    <div class="price">
      <p><strong>{quote.price_credits}</strong> credits</p>
      <p class="dim">
        {[each, quote.discount_percent ? `${quote.discount_percent} % discount` : "", quote.candidates ? `with ${quote.model}` : "", quote.hold_credits !== quote.price_credits ? `${quote.hold_credits} held until it is there` : "", quote.fallbacks.length ? `then ${quote.fallbacks.join(", ")}` : "", `about ${inWords(quote.estimate.p50_s)}`].filter(Boolean).join(" · ")}
      </p>
    </div>
  );
}

/** The button that buys, with the price on it; one key for each purchase that is meant. */
function Buy({ order, quote, onJob, onError }: { order: Order; quote: Quote | null; onJob: (job: Job) => void; onError: (error: Refused | null) => void }) {
  const [busy, say] = useState(false);
  const [boughtAt, bought] = useState(0);
  const again = isBought(order);
  const act = async (event: MouseEvent) => {
    if (busy || event.detail > 1) return; // The second click of a double click means the first one.
    if (again && Date.now() - boughtAt < 1000) return;
    if (again) another();
    say(true);
    onError(null);
    try {
      onJob(await buy(order));
      bought(Date.now());
    } catch (error) {
      onError(asRefused(error));
    }
    say(false);
  };
  const price = quote ? ` for ${quote.price_credits} credits` : "";
  return <button type="button" class="primary buy" aria-disabled={busy} onClick={(event) => void act(event)}>{busy ? "Ordering…" : again ? `Order another${price}` : `Order${price}`}</button>;
}

function Form({ models }: { models: readonly Model[] }) {
  const draft = theDraft.use();
  const [job, show] = useState<Job | null>(null);
  const [refused, refuse] = useState<Refused | null>(null);
  const [tried, say] = useState(false);
  const choice = choiceOf(draft.model, models) ?? choiceOf(AUTO_SONG, models)!;
  const order = requestOf(draft, choice);
  const isStarted = Boolean(draft.prompt || draft.lyrics || draft.text);
  const { quote, error: quoteError, busy } = useQuote(isStarted ? order : null);
  const error = refused ?? quoteError;
  useEffect(() => refuse(null), [JSON.stringify(order)]);
  const example = choice.model?.example;
  const shown = isStarted || tried ? error : null;
  return (
    <div class="try">
      <div class="card form">
        <Choose models={models} value={choice.id} error={isFamily(choice.id) ? undefined : shown?.at("/model")} />
        <About choice={choice} />
        <div class="examples" role="group" aria-label="Examples">
          <span class="dim">Examples</span>
          {example && <button type="button" class="chip" onClick={() => theDraft.set({ ...draftOf(example, models, Date.now()), model: choice.id, member: draft.member })}>This model’s own</button>}
          {EXAMPLES.map(({ name, order: body }) => <button key={name} type="button" class="chip" onClick={() => theDraft.set(draftOf(body, models, Date.now()))}>{name}</button>)}
        </div>
        <Fields draft={draft} choice={choice} error={shown} />
      </div>
      <div class="side">
        <div class="card" aria-busy={busy}>
          <Price quote={quote} error={shown} places={placesOf(draft, choice)} choice={choice} isStarted={isStarted} />
          <Buy order={order} quote={quoteError || !isStarted ? null : quote} onJob={(made) => (show(made), void loadAccount().catch(() => undefined))} onError={(failed) => (say(true), refuse(failed))} />
          {refused && <Notice tone="bad">{refused.message}</Notice>}
        </div>
        {job && <JobCard key={job.id} first={job} />}
        <div class="card"><Code order={order} /></div>
      </div>
    </div>
  );
}

export function Try() {
  const models = allModels.use();
  const wanted = route.use().query.get("model");
  useEffect(() => {
    if (wanted) edit({ model: wanted });
  }, [wanted]);
  return (
    <main id="main">
      <Heading>Try</Heading>
      {models ? <Form models={models} /> : <div class="try skeleton" aria-hidden="true"><div class="card form" /><div class="side"><div class="card" /></div></div>}
    </main>
  );
}
