/**
 * One Idempotency-Key for each purchase that the customer means. While the request stays the same, however often it is
 * sent, it is bought once: a double click, a retry and an answer that was lost all carry the same key.
 */
import { api, patiently } from "../api/client";
import type { Job, Order } from "../api/types";

interface Purchase {
  readonly body: string;
  readonly key: string;
  answer: Promise<Job> | null;
  bought: boolean;
}

let current: Purchase | null = null;

function purchaseOf(order: Order): Purchase {
  const body = JSON.stringify(order);
  if (current?.body !== body) current = { body, key: crypto.randomUUID(), answer: null, bought: false };
  return current;
}

/** The key under which this request would be bought now. */
export function keyOf(order: Order): string {
  return purchaseOf(order).key;
}

/** Whether exactly this request was bought and `another` was not asked for. */
export function isBought(order: Order): boolean {
  return purchaseOf(order).bought;
}

/** The job of the order. A second call for the same request returns the first one's job; after a failure it asks again. */
export function buy(order: Order, signal?: AbortSignal): Promise<Job> {
  const purchase = purchaseOf(order);
  purchase.answer ??= patiently(
    () => api.POST("/v1/jobs", { params: { header: { "Idempotency-Key": purchase.key } }, body: order }),
    signal,
  ).then(
    ({ data }) => ((purchase.bought = true), data),
    (error: unknown) => {
      purchase.answer = null;
      throw error;
    },
  );
  return purchase.answer;
}

/** From now on the same request is another purchase. */
export function another(): void {
  current = null;
}
