/** Recordings whose ids a provider gave out, by the names of the jobs that handed them over. */
import type { Job } from "../api/types";
import { moment } from "../parts/format";

export interface Handed {
  readonly name: string;
  readonly voice_id: string | null;
  readonly instrumental_id: string | null;
}

/** What the jobs of a list handed over, each pair of ids once, in the list's order. */
export function handedOverBy(jobs: readonly Pick<Job, "title" | "created_at" | "reference">[]): readonly Handed[] {
  const found = new Map<string, Handed>();
  for (const { title, created_at, reference } of jobs) {
    if (!reference || (!reference.voice_id && !reference.instrumental_id)) continue;
    const { voice_id, instrumental_id } = reference;
    const ids = JSON.stringify([voice_id, instrumental_id]);
    if (!found.has(ids)) found.set(ids, { name: `${title || "Untitled"}, ${moment(created_at)}`, voice_id, instrumental_id });
  }
  return [...found.values()];
}

/** The choices of a list: of each recording its voice, its instrumental, or both; the value is the draft's change. */
export function choicesOf(handed: readonly Handed[]): readonly (readonly [string, string])[] {
  return handed.flatMap(({ name, voice_id: voice, instrumental_id: instrumental }) => {
    const choice = (voice_id: string, instrumental_id: string, what: string) => [JSON.stringify({ voice_id, instrumental_id }), `${name}: ${what}`] as const;
    return [
      ...(voice && instrumental ? [choice(voice, instrumental, "voice and instrumental")] : []),
      ...(voice ? [choice(voice, "", "voice")] : []),
      ...(instrumental ? [choice("", instrumental, "instrumental")] : []),
    ];
  });
}
