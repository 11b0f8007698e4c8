import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Refused } from "./problem";

export interface Loaded<T> {
  readonly data: T | null;
  readonly error: Refused | null;
  readonly busy: boolean;
  readonly reload: () => void;
  readonly set: (data: T) => void;
}

/** What `load` returns, loaded again when one of `inputs` changes; the last data stays until the next is there. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [state, change] = useState<{ data: T | null; error: Refused | null; busy: boolean }>({ data: null, error: null, busy: true });
  const [again, setAgain] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const stop = new AbortController();
    change((before) => ({ ...before, busy: true }));
    latest.current(stop.signal).then(
      (data) => stop.signal.aborted || change({ data, error: null, busy: false }),
      (error: unknown) => stop.signal.aborted || change((before) => ({ ...before, error: asRefused(error), busy: false })),
    );
    return () => stop.abort();
  }, [...inputs, again]);
  const reload = useCallback(() => setAgain((count) => count + 1), []);
  const set = useCallback((data: T) => change({ data, error: null, busy: false }), []);
  return { ...state, reload, set };
}

export function asRefused(error: unknown): Refused {
  return error instanceof Refused ? error : new Refused(0, null, null);
}
