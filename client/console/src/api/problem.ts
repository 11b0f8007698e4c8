/** What the API refused, in words that say what to do. Every text of a server stays text. */
import type { Job, JobError, Problem } from "./types";

/** An answer that is no success, or none at all (status 0). */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | null,
    readonly retryAfterS: number | null,
  ) {
    super(wordsOf(status, problem, retryAfterS));
  }

  get kind(): string {
    return this.problem?.type.split(":").pop() ?? "";
  }

  /** The API's words for one field of a request, by its JSON pointer. */
  at(pointer: string): string | undefined {
    const found = this.problem?.errors.filter((each) => each.pointer === pointer || each.pointer.startsWith(`${pointer}/`)) ?? [];
    return found.map((each) => each.message).join("; ") || undefined;
  }

  /** The API's words for what none of these pointers is about, each with its own. */
  besides(pointers: readonly string[]): readonly string[] {
    const found = this.problem?.errors.filter(({ pointer }) => !pointers.some((each) => pointer === each || pointer.startsWith(`${each}/`))) ?? [];
    return found.map(({ pointer, message }) => (pointer ? `${pointer.slice(1).replaceAll("/", " ")}: ${message}` : message));
  }
}

export function wordsFor(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function wordsOf(status: number, problem: Problem | null, retryAfterS: number | null): string {
  const later = retryAfterS ? ` It can be tried again in ${inWords(retryAfterS)}.` : "";
  if (status === 0) return "The API cannot be reached. Check your connection, then try again.";
  if (!problem) {
    if (status === 429) return `Too many requests at once.${later}`;
    if (status >= 500) return `The API is busy or broken at the moment (${status}).${later}`;
    return `The API refused this without a reason (${status}).`;
  }
  if (status === 402) return outOfCredit(problem);
  if (problem.required_scope) return `This key lacks the scope ${problem.required_scope}. Sign in with a key that has it.`;
  return `${sentence(problem.detail || problem.title)}${later}`;
}

function outOfCredit(problem: Problem): string {
  const { available_credits: available, price_credits: price } = problem;
  if (available === undefined || price === undefined) return sentence(problem.detail);
  return `You have ${available} credits available, and this needs ${price}. Nothing was ordered. Ask whoever gave you the key for more credits, or choose a cheaper model.`;
}

function sentence(text: string): string {
  const said = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

export function inWords(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

const WHAT_TO_DO: Record<JobError["class"], string> = {
  transient: "The provider is down or could not be reached. Order it again in a few minutes, or choose a model of another provider.",
  rate_limited: "The provider had no capacity. Order it again in a few minutes, or choose a model of another provider.",
  auth: "The provider refused the operator's account. Choose a model of another provider.",
  out_of_credit: "The operator's account at the provider is out of credit. Choose a model of another provider.",
  content_refused: "The provider refused the words. Change the prompt or the lyrics, then order again.",
  invalid_request: "The provider or the recording did not fit the request. Read the reason, change the order, then order again.",
  not_entitled: "The provider does not offer this model to the operator at the moment. Choose another model.",
  not_found: "The provider no longer knows the task. Order it again.",
  incomplete: "The provider ended without a whole song. Order it again, or choose another model.",
  bad_audio: "The provider's file could not be played. Order it again, or choose another model.",
  result_expired: "The song could not be fetched in time. Order it again.",
  unknown_outcome: "The provider's answer was lost, so nobody knows whether it made the song. It was not ordered twice. Order it again if you still want it.",
  provider_error: "The provider failed. Order it again, or choose a model of another provider.",
};

export function whatToDo(error: JobError): string {
  return WHAT_TO_DO[error.class] ?? "Read the reason, then order it again or choose another model.";
}

/** What became of the customer's money. */
export function moneyOf(job: Job): string {
  switch (job.charged) {
    case "held":
      return `${job.price_credits} credits held`;
    case "yes":
      return job.spent_credits < job.price_credits ? `${job.spent_credits} credits paid, ${job.price_credits - job.spent_credits} returned` : `${job.spent_credits} credits paid`;
    case "refunded":
      return `Nothing paid; ${job.price_credits} credits returned`;
    default:
      return "Nothing paid";
  }
}
