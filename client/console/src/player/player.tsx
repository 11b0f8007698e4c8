import type { TargetedKeyboardEvent, TargetedMouseEvent } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, patiently } from "../api/client";
import type { Job, Track } from "../api/types";
import { Glyph } from "../parts/basics";
import { clock, decibels, size } from "../parts/format";

const SKIP_S = 5;
const SOON_MS = 5000;
const FORMATS: Record<Track["content_type"], string> = { "audio/mpeg": "MP3", "audio/wav": "WAV", "audio/flac": "FLAC", "audio/ogg": "Ogg", "audio/mp4": "M4A", "audio/aac": "AAC" };
let playing: HTMLAudioElement | null = null;

/** Only one song is heard at a time. */
function alone(audio: HTMLAudioElement): void {
  if (playing && playing !== audio) playing.pause();
  playing = audio;
}

async function freshTrack(jobId: string, number: number): Promise<Track | null> {
  const { data } = await patiently(() => api.GET("/v1/jobs/{id}", { params: { path: { id: jobId } } }));
  return data.tracks.find((each) => each.number === number) ?? null;
}

/** A track's link that works: a new one replaces one that expired, and the song goes on where it was. */
function useFreshLink(job: Job, track: Track, audio: { readonly current: HTMLAudioElement | null }) {
  const [link, change] = useState({ url: track.url, until: Date.parse(track.url_expires_at) });
  const [unplayable, say] = useState<string | null>(null);
  const tried = useRef(false);
  const wanted = useRef(false);
  const renew = useCallback(async () => {
    const fresh = await freshTrack(job.id, track.number);
    if (!fresh) return;
    const element = audio.current;
    const at = element?.currentTime ?? 0;
    change({ url: fresh.url, until: Date.parse(fresh.url_expires_at) });
    if (!element) return;
    element.src = fresh.url;
    element.currentTime = at;
    if (wanted.current) await element.play();
  }, [job.id, track.number]);
  const onError = useCallback(() => {
    if (tried.current) {
      say(`This browser cannot play ${track.content_type}. Download the file and play it with another program.`);
      return;
    }
    tried.current = true;
    renew().catch((error: unknown) => say(error instanceof Error ? error.message : String(error)));
  }, [renew, track.content_type]);
  const play = useCallback(async () => {
    wanted.current = true;
    if (link.until < Date.now() + SOON_MS) await renew();
    await audio.current?.play().catch(() => undefined); // The element's own error says why, and a new link plays on.
  }, [link.until, renew]);
  const onPause = useCallback(() => {
    // A browser also pauses what failed to load; the person still wants to hear it.
    if (!audio.current?.error) wanted.current = false;
  }, []);
  const onPlays = useCallback(() => {
    tried.current = false;
    say(null);
  }, []);
  return { link, unplayable, renew, onError, play, onPause, onPlays };
}

function useWaveform(track: Track, audio: { readonly current: HTMLAudioElement | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [drawn, say] = useState<"drawing" | "drawn" | "none">("drawing");
  useEffect(() => {
    const stop = new AbortController();
    let remove: (() => void) | null = null;
    const draw = async () => {
      const { drawWaveform, heightsOf } = await import("./waveform");
      const heights = await heightsOf(track, stop.signal);
      if (stop.signal.aborted || !box.current || !audio.current) return;
      if (heights) remove = drawWaveform(box.current, audio.current, heights, track.duration_ms / 1000);
      say(heights ? "drawn" : "none");
    };
    draw().catch(() => stop.signal.aborted || say("none"));
    return () => {
      stop.abort();
      remove?.();
    };
  }, [track.sha256]);
  return { box, drawn };
}

/** One song: its waveform, play and seek, by mouse and keyboard, and its file. */
export function Player({ job, track, alsoOthers }: { job: Job; track: Track; alsoOthers: boolean }) {
  const audio = useRef<HTMLAudioElement>(null);
  const [state, change] = useState({ at: 0, plays: false });
  const [first] = useState(track.url); // A later read of the job has other links, which must not interrupt the song.
  const { link, unplayable, renew, onError, play, onPause, onPlays } = useFreshLink(job, track, audio);
  const { box, drawn } = useWaveform(track, audio);
  const length = track.duration_ms / 1000;
  const name = alsoOthers ? `Song ${track.number}` : job.title || (job.kind === "speech" ? "Speech" : "Song");
  const follow = () => change({ at: audio.current?.currentTime ?? 0, plays: audio.current ? !audio.current.paused : false });
  const seek = (to: number) => {
    if (audio.current) audio.current.currentTime = Math.min(Math.max(0, to), length);
    follow();
  };
  const toggle = async () => (audio.current?.paused ? play() : audio.current?.pause());
  const onKey = (event: TargetedKeyboardEvent<HTMLElement>) => {
    const inButton = event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement;
    const now = audio.current?.currentTime ?? 0;
    const acts: Record<string, () => void> = {
      k: () => void toggle(), m: () => audio.current && (audio.current.muted = !audio.current.muted), ArrowLeft: () => seek(now - SKIP_S), ArrowRight: () => seek(now + SKIP_S), Home: () => seek(0), End: () => seek(length),
      ...(inButton ? {} : { " ": () => void toggle() }),
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const download = async (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (link.until > Date.now() + SOON_MS) return;
    event.preventDefault();
    const fresh = await freshTrack(job.id, track.number);
    if (fresh) location.assign(fresh.url);
    void renew();
  };
  return (
    <section class="player" aria-label={`Player: ${name}`} onKeyDown={onKey}>
      <audio ref={audio} src={first} preload="metadata" onTimeUpdate={follow} onPlay={() => (audio.current && alone(audio.current), follow())} onPause={() => (onPause(), follow())} onEnded={follow} onPlaying={onPlays} onError={onError} />
      <div class="player-head">
        <button type="button" class="play" onClick={() => void toggle()} aria-label={state.plays ? `Pause ${name}` : `Play ${name}`}><Glyph name={state.plays ? "pause" : "play"} /></button>
        <div>
          <strong>{name}</strong>
          <span class="dim">{clock(state.at)} / {clock(length)}</span>
        </div>
        <a class="button quiet" href={link.url} download onClick={(event) => void download(event)}><Glyph name="down" /> Download<span class="sr"> {name}</span></a>
      </div>
      <div class="wave" ref={box} aria-hidden="true">{drawn === "none" && <span class="flat" />}</div>
      <input class="seek" type="range" min={0} max={length} step={0.1} value={state.at} aria-label={`Position in ${name}`} aria-valuetext={`${clock(state.at)} of ${clock(length)}`} onInput={(event) => seek(Number(event.currentTarget.value))} />
      <p class="dim facts">{[FORMATS[track.content_type], `${Math.round(track.bitrate_bps / 1000)} kbit/s`, `${track.sample_rate_hz / 1000} kHz`, size(track.bytes), decibels(track.loudness_lufs, "LUFS")].filter(Boolean).join(" · ")}</p>
      {unplayable && <p class="wrong" role="alert">{unplayable}</p>}
    </section>
  );
}

/** All songs of a job, side by side. */
export function Players({ job }: { job: Job }) {
  return (
    <div class="players">
      {job.tracks.map((track) => <Player key={track.sha256} job={job} track={track} alsoOthers={job.tracks.length > 1} />)}
      {job.missing_tracks.map((each) => <p key={each.number} class="wrong">Song {each.number} is missing: {each.reason}</p>)}
    </div>
  );
}
