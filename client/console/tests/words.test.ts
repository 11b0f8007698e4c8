import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { priceOf, unitOf } from "../src/api/models";
import { inWords, moneyOf, Refused, whatToDo } from "../src/api/problem";
import type { Job, JobError, Problem } from "../src/api/types";
import { isMeasured } from "../src/api/jobs";
import { choicesOf, handedOverBy } from "../src/order/handed";
import { clock, codePoints, decibels, number, size } from "../src/parts/format";
import { model } from "./samples";

function problem(changes: Partial<Problem>): Problem {
  return { type: "urn:fermata:problem:invalid_request", title: "Invalid request", status: 422, detail: "some fields are wrong", errors: [], retryable: false, charged: "no", request_id: "r", ...changes };
}

test("a refusal is said with what to do and when", () => {
  equal(new Refused(0, null, null).message, "The API cannot be reached. Check your connection, then try again.");
  equal(new Refused(429, null, 120).message, "Too many requests at once. It can be tried again in 2 min.");
  match(new Refused(502, null, null).message, /busy or broken at the moment \(502\)/);
  equal(new Refused(422, problem({}), null).message, "Some fields are wrong.");
  equal(new Refused(403, problem({ required_scope: "jobs:write" }), null).message, "This key lacks the scope jobs:write. Sign in with a key that has it.");
  match(new Refused(402, problem({ available_credits: 12, price_credits: 30 }), null).message, /You have 12 credits available, and this needs 30\. Nothing was ordered\./);
});

test("what the API says of a field stands beside it, and the rest is said once", () => {
  const refused = new Refused(422, problem({ errors: [{ pointer: "/fallbacks/0", message: "is not on offer" }, { pointer: "/prompt", message: "is too long" }, { pointer: "/prompts", message: "is unknown" }, { pointer: "", message: "must be an object" }] }), null);
  equal(refused.at("/fallbacks"), "is not on offer");
  equal(refused.at("/prompt"), "is too long");
  equal(refused.at("/title"), undefined);
  deepEqual(refused.besides(["/fallbacks", "/prompt"]), ["prompts: is unknown", "must be an object"]);
});

test("every class of failure says what to do, and one that is not known yet says it too", () => {
  const words = ["transient", "content_refused", "bad_audio", "unknown_outcome", "of tomorrow"].map((each) => whatToDo({ class: each } as unknown as JobError));
  equal(new Set(words).size, words.length);
  match(words[3]!, /not ordered twice/);
});

test("a job says what became of the money", () => {
  const of = (charged: Job["charged"], spent_credits = 0) => moneyOf({ charged, price_credits: 30, spent_credits } as Job);
  deepEqual([of("held"), of("yes", 30), of("yes", 15), of("refunded")], ["30 credits held", "30 credits paid", "15 credits paid, 15 returned", "Nothing paid; 30 credits returned"]);
});

test("prices have the unit that the model is sold by", () => {
  equal(priceOf(model("a/b")), "30 credits a song");
  equal(unitOf({ unit: "song", songs: 2 }), "for 2 songs");
  equal(unitOf({ unit: "minute", songs: 1 }), "a minute");
  equal(unitOf({ unit: "1000_characters", songs: 1 }), "per 1,000 characters");
});

test("times, sizes, levels and lengths are said as people read them", () => {
  deepEqual([clock(0), clock(61.9), clock(-1), clock(3600)], ["0:00", "1:01", "0:00", "60:00"]);
  deepEqual([inWords(0.2), inWords(89), inWords(90), inWords(5400)], ["1 s", "89 s", "2 min", "2 h"]);
  deepEqual([size(1), size(999_999), size(5_250_000)], ["1 KB", "1000 KB", "5.3 MB"]);
  deepEqual([decibels(-14.24, "LUFS"), decibels(0.3, "dBTP"), decibels(null, "LUFS")], ["−14.2 LUFS", "0.3 dBTP", null]);
  equal(number(1234.567), "1,234.57");
  equal(codePoints("e\u0301🎵"), 3);
});

test("a job is looked at until its songs were measured, unless they cannot be", () => {
  const of = (content_type: string, peaks_url: string | null) => isMeasured({ tracks: [{ content_type, peaks_url }] } as unknown as Job);
  deepEqual([of("audio/mpeg", null), of("audio/mpeg", "https://audio.example/p"), of("audio/mp4", null)], [false, true, true]);
});

test("recordings of earlier jobs are offered by name, each once, as voice, instrumental or both", () => {
  const job = (title: string | null, voice_id: string | null, instrumental_id: string | null) => ({ title, created_at: "2026-11-30T12:00:00.000Z", reference: { voice_id, instrumental_id } });
  const handed = handedOverBy([{ ...job("Bare", null, null), reference: null }, job("Take", "v1", "i1"), job("Take again", "v1", "i1"), job(null, "v2", null), job("None", null, null)]);
  const choices = choicesOf(handed).map(([value, words]) => [JSON.parse(value), words.replace(/,.*:/, ":")]);
  deepEqual(choices, [
    [{ voice_id: "v1", instrumental_id: "i1" }, "Take: voice and instrumental"],
    [{ voice_id: "v1", instrumental_id: "" }, "Take: voice"],
    [{ voice_id: "", instrumental_id: "i1" }, "Take: instrumental"],
    [{ voice_id: "v2", instrumental_id: "" }, "Untitled: voice"],
  ]);
});
