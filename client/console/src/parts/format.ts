/** Times, lengths and sizes as people read them. */

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function moment(text: string): string {
  return new Date(text).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function second(text: string): string {
  return new Date(text).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A level with its unit; null where it is not known. */
export function decibels(value: number | null, unit: "LUFS" | "dBTP"): string | null {
  return value === null ? null : `${value.toFixed(1).replace("-", "−")} ${unit}`;
}

export function number(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 2 });
}

export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
