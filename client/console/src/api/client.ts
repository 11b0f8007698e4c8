/** Fermata's API under the session's key: typed by the document, patient with what passes, plain about what does not. */
import createClient from "openapi-fetch";
import { Store } from "../parts/store";
import { Refused } from "./problem";
import type { paths } from "./schema";
import { session, signOut } from "./session";
import type { Problem } from "./types";

/** Where the API is: the page lies below it. */
export const API_URL = location.origin + (location.pathname.split("/console")[0] ?? "");

export const api = createClient<paths>({ baseUrl: API_URL });
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${session.get().key}`);
    return request;
  },
});

/** That the API asked for patience, and when the next try is; null while all is well. */
export interface Pause {
  readonly until: number;
  readonly why: string;
}
export const pause = new Store<Pause | null>(null);

const TRIES = 6;
const LONGEST_PAUSE_S = 60;

interface Raw<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

export interface Answer<T> {
  readonly data: T;
  readonly response: Response;
}

/**
 * The answer of a call that may be repeated: a read, or an order under its Idempotency-Key. Where the API is busy or out
 * of reach it asks again when the API says, six times in all; `pause` says when. Throws `Refused`.
 */
export async function patiently<T>(call: () => Promise<Raw<T>>, signal?: AbortSignal): Promise<Answer<T>> {
  for (let tried = 1; ; tried++) {
    try {
      return await once(call);
    } catch (error) {
      if (!(error instanceof Refused) || tried === TRIES || signal?.aborted || !passes(error)) throw error;
      const pauseS = error.retryAfterS ?? Math.min(2 ** (tried - 1), 30);
      if (pauseS > LONGEST_PAUSE_S) throw error;
      await wait(pauseS, error, signal);
    }
  }
}

/** The answer of a call that is made once. Throws `Refused`; a key that no longer works ends the session. */
export async function once<T>(call: () => Promise<Raw<T>>): Promise<Answer<T>> {
  const key = session.get().key;
  let raw: Raw<T>;
  try {
    raw = await call();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(0, null, null);
  }
  const { response } = raw;
  if (response.ok || response.status === 304) return { data: raw.data as T, response };
  const problem = asProblem(raw.error);
  if ((response.status === 401 || (response.status === 403 && !problem)) && session.get().key === key) {
    signOut("This key does not work: it is mistyped, expired or revoked. Sign in with another one.");
  }
  throw new Refused(response.status, problem, secondsOf(response.headers.get("Retry-After")));
}

function passes(error: Refused): boolean {
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

function asProblem(error: unknown): Problem | null {
  const given = typeof error === "string" ? parsed(error) : error;
  return typeof given === "object" && given !== null && "type" in given && "title" in given ? (given as Problem) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function secondsOf(text: string | null): number | null {
  const seconds = Number(text);
  return text && Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

async function wait(seconds: number, error: Refused, signal?: AbortSignal): Promise<void> {
  const why = error.status === 0 ? "The API cannot be reached." : error.status === 429 ? "The API asks for a pause (429)." : `The API is busy (${error.status}).`;
  const mine: Pause = { until: Date.now() + seconds * 1000, why };
  pause.set(mine);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
  if (pause.get() === mine) pause.set(null);
}
