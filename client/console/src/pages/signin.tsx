import { useState } from "preact/hooks";
import { session, signIn } from "../api/session";
import { Check, Field, Glyph, Notice } from "../parts/basics";

export function SignIn() {
  const { notice } = session.use();
  const [key, write] = useState("");
  const [keep, choose] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    if (key.trim()) signIn(key.trim(), keep);
  };
  return (
    <main id="main" class="signin">
      <div class="card">
        <Glyph name="fermata" />
        <h1>Fermata</h1>
        <p class="lead">Order songs and speech, hear them, and see what they cost.</p>
        {notice && <Notice tone="bad">{notice}</Notice>}
        <form onSubmit={submit}>
          <Field label="API key" hint="It stays in this tab’s memory, unless you ask for more.">
            {(attributes) => <input {...attributes} type="password" autocomplete="off" spellcheck={false} required placeholder="fk_…" value={key} onInput={(event) => write(event.currentTarget.value)} />}
          </Field>
          <Check label="Keep it on this device" checked={keep} onChange={choose} />
          <button type="submit" class="primary">Sign in</button>
        </form>
        <p class="dim">Whoever runs this deployment gives out keys. On a laptop, <code>make run</code> prints one.</p>
      </div>
    </main>
  );
}
