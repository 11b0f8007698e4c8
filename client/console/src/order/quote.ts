import { useEffect, useState } from "preact/hooks";
import { api, patiently } from "../api/client";
import { asRefused } from "../api/loading";
import type { Refused } from "../api/problem";
import type { Order, Quote } from "../api/types";

const AFTER_THE_LAST_KEY_MS = 350;

export interface Quoted {
  readonly quote: Quote | null;
  readonly error: Refused | null;
  /** Whether what is shown is still of an earlier request. */
  readonly busy: boolean;
}

/** What the API says of a request before anything is bought, asked again once the customer pauses. */
export function useQuote(order: Order | null): Quoted {
  const [state, change] = useState<Quoted>({ quote: null, error: null, busy: true });
  const body = order && JSON.stringify(order);
  useEffect(() => {
    if (!body) return change({ quote: null, error: null, busy: false });
    const stop = new AbortController();
    change((before) => ({ ...before, busy: true }));
    const timer = setTimeout(() => {
      patiently(() => api.POST("/v1/quote", { body: JSON.parse(body) as Order, signal: stop.signal }), stop.signal).then(
        ({ data }) => stop.signal.aborted || change({ quote: data, error: null, busy: false }),
        (error: unknown) => stop.signal.aborted || change({ quote: null, error: asRefused(error), busy: false }),
      );
    }, AFTER_THE_LAST_KEY_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [body]);
  return state;
}
