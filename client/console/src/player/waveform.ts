import WaveSurfer from "wavesurfer.js/dist/wavesurfer.js";
import type { Track } from "../api/types";

const BARS = 900;
/** A longer file is not fetched and decoded only to draw it. */
const MOST_BYTES = 30_000_000;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The JSON of audiowaveform, version 2: pairs of the lowest and highest sample of each pixel. */
interface Peaks {
  readonly bits: number;
  readonly channels: number;
  readonly data: readonly number[];
}

/** The heights of a track's waveform, -1 to 1: from its stored peaks, else from the file itself. */
export async function heightsOf(track: Track, signal: AbortSignal): Promise<number[] | null> {
  const { peaks_url: stored } = track as { peaks_url?: string | null };
  if (stored) return fromPeaks((await (await fetch(stored, { signal })).json()) as Peaks);
  if (track.bytes > MOST_BYTES) return null;
  const file = await (await fetch(track.url, { signal })).arrayBuffer();
  const samples = (await new OfflineAudioContext(1, 1, 8000).decodeAudioData(file)).getChannelData(0);
  const step = Math.max(1, Math.floor(samples.length / BARS));
  return Array.from({ length: Math.floor(samples.length / step) }, (_, bar) => loudest(samples.subarray(bar * step, (bar + 1) * step)));
}

function loudest(samples: ArrayLike<number>): number {
  let found = 0;
  for (let at = 0; at < samples.length; at++) if (Math.abs(samples[at]!) > Math.abs(found)) found = samples[at]!;
  return found;
}

function fromPeaks({ bits, channels, data }: Peaks): number[] {
  const most = 2 ** (bits - 1);
  const perPixel = 2 * channels;
  return Array.from({ length: Math.floor(data.length / perPixel) }, (_, pixel) => loudest(data.slice(pixel * perPixel, (pixel + 1) * perPixel)) / most);
}

/** Draws a waveform that follows and seeks the audio element. Returns what removes it. */
export function drawWaveform(container: HTMLElement, media: HTMLAudioElement, heights: number[], durationS: number): () => void {
  const colours = () => {
    const style = getComputedStyle(container);
    return { waveColor: style.getPropertyValue("--wave"), progressColor: style.getPropertyValue("--accent"), cursorColor: style.getPropertyValue("--ink") };
  };
  const wave = WaveSurfer.create({ container, media, height: 72, barWidth: 2, barGap: 1, barRadius: 2, normalize: true, dragToSeek: true, peaks: [heights], duration: durationS, ...colours() });
  const repaint = () => wave.setOptions(colours());
  dark.addEventListener("change", repaint);
  return () => {
    dark.removeEventListener("change", repaint);
    wave.destroy();
  };
}
