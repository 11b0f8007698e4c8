import { useState } from "preact/hooks";
import { API_URL } from "../api/client";
import { session } from "../api/session";
import type { Order } from "../api/types";
import { Check, Copy } from "../parts/basics";
import { keyOf } from "./purchase";
import { LANGUAGES, type Language, sampleOf } from "./samples";

/** The request as code, always in step with the form; the API key stands in it only where it is asked for. */
export function Code({ order }: { order: Order }) {
  const [language, choose] = useState<Language>("curl");
  const [withKey, show] = useState(false);
  const { key } = session.use();
  const text = sampleOf(language, { url: API_URL, order, idempotencyKey: keyOf(order), apiKey: withKey ? key : null });
  return (
    <section class="code" aria-label="The same request as code">
      <div class="code-head">
        <div class="tabs" role="group" aria-label="Language">
          {LANGUAGES.map((each) => <button key={each} type="button" aria-pressed={each === language} onClick={() => choose(each)}>{each}</button>)}
        </div>
        <Copy text={text} />
      </div>
      <pre tabIndex={0} aria-label={`The request as ${language}`}><code>{text}</code></pre>
      <Check label="Put my API key into the code" checked={withKey} onChange={show} />
    </section>
  );
}
