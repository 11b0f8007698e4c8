/** The controls of the form, each bound to a field of the draft by its name. */
import type { Refused } from "../api/problem";
import { Field } from "../parts/basics";
import { type Choice, type Draft, edit } from "./draft";

export interface FieldsProps {
  readonly draft: Draft;
  readonly choice: Choice;
  readonly error: Refused | null;
}

/** The names of the draft's texts. */
export type TextOf = { [Name in keyof Draft]: Draft[Name] extends string ? Name : never }[keyof Draft];
export type Options = readonly (readonly [string, string])[];

interface LineProps extends FieldsProps {
  readonly label: string;
  readonly name: TextOf;
  readonly hint?: string | undefined;
  readonly at?: string;
  readonly type?: "text" | "number";
  readonly placeholder?: string;
}

/** A choice of few. */
export function Select({ label, value, options, name, error, hint }: { label: string; value: string; options: Options; name: TextOf; error?: string | undefined; hint?: string | undefined }) {
  return (
    <Field label={label} error={error} hint={hint}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => edit({ [name]: event.currentTarget.value })}>
          {options.map(([each, words]) => <option key={each} value={each}>{words}</option>)}
        </select>
      )}
    </Field>
  );
}

/** One line of text, or a whole number; `at` is where the API says what is wrong with it, by its own name without it. */
export function Line({ label, name, draft, error, hint, at = `/${name}`, type = "text", placeholder }: LineProps) {
  return (
    <Field label={label} hint={hint} error={error?.at(at)}>
      {(attributes) => <input {...attributes} placeholder={placeholder} inputMode={type === "number" ? "numeric" : "text"} value={String(draft[name])} onInput={(event) => edit({ [name]: type === "number" ? event.currentTarget.value.replace(/\D/g, "") : event.currentTarget.value })} />}
    </Field>
  );
}
