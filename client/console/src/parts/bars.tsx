/** A picture of amounts by day, one colour for each series; the same numbers stand in a table for those who read them. */
import { number } from "./format";

export interface Amount {
  readonly day: string;
  readonly series: string;
  readonly value: number;
}

const COLOURS = 6;
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [720, 220, 44, 24];

function days(amounts: readonly Amount[], from: string, to: string): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to) && found.length < 92; at += 86_400_000) found.push(new Date(at).toISOString().slice(0, 10));
  return found.length ? found : [...new Set(amounts.map((each) => each.day))];
}

function round(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most || 1));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most) ?? most;
}

export function Bars({ amounts, from, to, label, unit }: { amounts: readonly Amount[]; from: string; to: string; label: string; unit: string }) {
  const all = days(amounts, from, to);
  const totals = new Map<string, number>();
  for (const each of amounts) totals.set(each.series, (totals.get(each.series) ?? 0) + each.value);
  const ranked = [...totals].sort(([, a], [, b]) => b - a).map(([series]) => series);
  const named = ranked.slice(0, ranked.length > COLOURS ? COLOURS - 1 : COLOURS);
  const seriesOf = (series: string) => (named.includes(series) ? series : "others");
  const shown = ranked.length > named.length ? [...named, "others"] : named;
  const byDay = new Map(all.map((day) => [day, new Map<string, number>()]));
  for (const { day, series, value } of amounts) {
    const of = byDay.get(day);
    of?.set(seriesOf(series), (of.get(seriesOf(series)) ?? 0) + value);
  }
  const top = round(Math.max(1, ...[...byDay.values()].map((of) => [...of.values()].reduce((sum, value) => sum + value, 0))));
  const step = (WIDTH - LEFT) / all.length;
  const high = (value: number) => (value / top) * (HEIGHT - BOTTOM - 8);
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${label}, ${from} to ${to}. The table below has the numbers.`}>
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line x1={LEFT} x2={WIDTH} y1={HEIGHT - BOTTOM - high(top * part)} y2={HEIGHT - BOTTOM - high(top * part)} class="grid" />
            <text x={LEFT - 8} y={HEIGHT - BOTTOM - high(top * part) + 4} text-anchor="end">{number(top * part)}</text>
          </g>
        ))}
        {all.map((day, index) => {
          let base = HEIGHT - BOTTOM;
          return (
            <g key={day}>
              {shown.map((series, place) => {
                const value = byDay.get(day)?.get(series) ?? 0;
                base -= high(value);
                return value > 0 && <rect key={series} class={`series-${place}`} x={LEFT + index * step + step * 0.15} width={Math.min(step * 0.7, 44)} y={base} height={high(value)} rx="2"><title>{`${day} · ${series}: ${number(value)} ${unit}`}</title></rect>;
              })}
              {index % Math.ceil(all.length / 8) === 0 && <text x={LEFT + index * step + step * 0.15} y={HEIGHT - 6}>{day.slice(5)}</text>}
            </g>
          );
        })}
      </svg>
      <figcaption>{shown.map((series, place) => <span key={series}><i class={`dot series-${place}`} />{series} <span class="dim">{number([...totals].filter(([each]) => seriesOf(each) === series).reduce((sum, [, value]) => sum + value, 0))}</span></span>)}</figcaption>
    </figure>
  );
}
