import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { JobStatus } from "../api/types";
import { moment } from "./format";

export function Glyph({ name }: { name: "fermata" | "play" | "pause" | "down" | "copy" | "back" }) {
  const paths = {
    fermata: <><path d="M3 17a9 9 0 0 1 18 0" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" /><circle cx="12" cy="16.6" r="2.2" /></>,
    play: <path d="M7 4.5v15l12-7.5z" />,
    pause: <path d="M6 5h4v14H6zM14 5h4v14h-4z" />,
    down: <path d="M12 4v11m-5-5 5 5 5-5M5 20h14" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />,
    copy: <path d="M9 9h10v11H9zM5 15V4h10" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" />,
    back: <path d="m14 6-6 6 6 6" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />,
  };
  return <svg class="glyph" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true">{paths[name]}</svg>;
}

export function Heading({ children, aside }: { children: ComponentChildren; aside?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div class="heading">
      <h1 tabIndex={-1} ref={heading}>{children}</h1>
      {aside}
    </div>
  );
}

export function Notice({ tone = "plain", children, action }: { tone?: "plain" | "good" | "bad" | "warn"; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** An error of loading, with another try. */
export function Failed({ error, retry }: { error: Error; retry: () => void }) {
  return <Notice tone="bad" action={<button type="button" onClick={retry}>Try again</button>}>{error.message}</Notice>;
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <Glyph name="fermata" />
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

const STATES: Record<JobStatus, readonly [string, string]> = {
  queued: ["Waiting", "open"],
  submitting: ["Ordered", "open"],
  generating: ["Being made", "open"],
  storing: ["Storing", "open"],
  succeeded: ["Ready", "good"],
  failed: ["Failed", "bad"],
  canceled: ["Canceled", "plain"],
  expired: ["Expired", "bad"],
};
export const STATUSES = Object.keys(STATES) as JobStatus[];

export function statusWord(status: JobStatus): string {
  return STATES[status]?.[0] ?? status;
}

export function Status({ of }: { of: JobStatus }) {
  return <span class={`status ${STATES[of]?.[1] ?? "plain"}`}>{statusWord(of)}</span>;
}

export function isOpen(status: JobStatus): boolean {
  return STATES[status]?.[1] === "open";
}

export function Moment({ at }: { at: string }) {
  return <time dateTime={at} title={at}>{moment(at)}</time>;
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  counter?: { readonly now: number; readonly max: number } | undefined;
  children: (attributes: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined }) => JSX.Element;
}

/** A control with its label, a hint, a counter, and what the API says of it. */
export function Field({ label, hint, error, counter, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div class="field">
      <div class="label">
        <label for={id}>{label}</label>
        {counter && <span class={counter.now > counter.max ? "counter over" : "counter"}>{counter.now.toLocaleString("en")} / {counter.max.toLocaleString("en")}</span>}
      </div>
      {children({ id, "aria-describedby": described, "aria-invalid": error ? true : undefined })}
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p class="wrong" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

export function Check({ label, checked, onChange, hint, error }: { label: string; checked: boolean; onChange: (checked: boolean) => void; hint?: string; error?: string | undefined }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div class="check">
      <input id={id} type="checkbox" checked={checked} aria-describedby={described} aria-invalid={error ? true : undefined} onChange={(event) => onChange(event.currentTarget.checked)} />
      <label for={id}>{label}</label>
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p class="wrong" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, say] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => say("Copied"),
      () => say("The browser did not allow it"),
    );
  return (
    <button type="button" class="quiet" onClick={copy}>
      <Glyph name="copy" /> {label} <span class="said" role="status">{said}</span>
    </button>
  );
}

/** Runs while a promise is open, so that a control can say so and take no second click. */
export function useAction(): { busy: boolean; error: Error | null; run: (act: () => Promise<unknown>) => void } {
  const [state, change] = useState<{ busy: boolean; error: Error | null }>({ busy: false, error: null });
  const running = useRef(false);
  const run = (act: () => Promise<unknown>) => {
    if (running.current) return;
    running.current = true;
    change({ busy: true, error: null });
    act().then(
      () => ((running.current = false), change({ busy: false, error: null })),
      (error: unknown) => ((running.current = false), change({ busy: false, error: error instanceof Error ? error : new Error(String(error)) })),
    );
  };
  return { ...state, run };
}

/** Seconds since the epoch, each second anew while `runs`. */
export function useNow(runs: boolean): number {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    if (!runs) return;
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [runs]);
  return now;
}
