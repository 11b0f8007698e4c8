import type { ComponentChildren } from "preact";

/** Names and values, without those that have none. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return <dl class="facts-list">{of.filter(([, value]) => value !== null && value !== "" && value !== undefined).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}
