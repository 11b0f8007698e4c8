import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import { another, buy, isBought, keyOf } from "../src/order/purchase";

const ORDER = { model: "minimax/music-2.5", prompt: "folk" };

/** Answers the next calls of the API, and returns the keys of the orders that came. */
function answering(...statuses: number[]): string[] {
  const keys: string[] = [];
  globalThis.answer = async (request) => {
    keys.push(request.headers.get("Idempotency-Key") ?? "");
    const status = statuses.shift() ?? 201;
    const body = status < 300 ? { id: `job_${keys.length}` } : { type: "urn:fermata:problem:invalid_request", title: "Invalid", status, detail: "wrong", errors: [] };
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  };
  return keys;
}

test("two presses buy once, another one buys again, and a refused order is the same purchase when it is sent again", async () => {
  const keys = answering(422);
  await rejects(buy(ORDER), /Wrong\./);
  equal(isBought(ORDER), false);
  const [first, second] = await Promise.all([buy(ORDER), buy({ ...ORDER })]);
  deepEqual([first!.id, second!.id], ["job_2", "job_2"]);
  equal(keys[0], keys[1]);
  equal(isBought(ORDER), true);
  another();
  equal(isBought(ORDER), false);
  await buy(ORDER);
  notEqual(keys[1], keys[2]);
});

test("the key that the samples show is the key that is sent, and a changed request has its own", async () => {
  const keys = answering();
  another();
  const shown = keyOf(ORDER);
  await buy(ORDER);
  equal(keys[0], shown);
  notEqual(keyOf({ ...ORDER, prompt: "jazz" }), shown);
});
