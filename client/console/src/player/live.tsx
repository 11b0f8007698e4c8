import { useEffect, useRef, useState } from "preact/hooks";
import { Glyph } from "../parts/basics";
import { clock } from "../parts/format";

/** Plays a playlist that grows in an audio element. Returns what stops it. */
async function attach(audio: HTMLAudioElement, url: string, onFailed: () => void): Promise<() => void> {
  const { default: Hls } = await import("hls.js/light");
  if (!Hls.isSupported()) {
    audio.src = url;
    return () => audio.removeAttribute("src");
  }
  // Cues would come as <track src="data:...">, and workers as blobs: the page's policy refuses both.
  const cues = { enableID3MetadataCues: false, enableEmsgMetadataCues: false, enableDateRangeMetadataCues: false };
  const hls = new Hls({ ...cues, enableWorker: false, startPosition: 0, liveSyncDurationCount: 1 });
  hls.on(Hls.Events.ERROR, (_, error) => void (error.fatal && onFailed()));
  hls.loadSource(url);
  hls.attachMedia(audio);
  return () => hls.destroy();
}

/** Hears a song while it is being made. It stays until it has ended, although the whole song may be there by then. */
export function LivePlayer({ url, onEnded }: { url: string; onEnded: () => void }) {
  const audio = useRef<HTMLAudioElement>(null);
  const [listens, listen] = useState(false);
  const [state, change] = useState({ at: 0, plays: false });
  const [failed, fail] = useState(false);
  const follow = () => change({ at: audio.current?.currentTime ?? 0, plays: audio.current ? !audio.current.paused : false });
  useEffect(() => {
    if (!listens || !audio.current) return;
    const element = audio.current;
    let [stop, stopped] = [() => {}, false];
    attach(element, url, () => fail(true)).then(
      (detach) => {
        if (stopped) detach();
        else stop = detach;
        element.play().catch(() => undefined); // The browser may want another click; the button is there.
      },
      () => fail(true),
    );
    return () => {
      stopped = true;
      stop();
    };
  }, [listens, url]);
  const toggle = () => {
    if (!listens) listen(true);
    else if (state.plays) audio.current?.pause();
    else void audio.current?.play();
  };
  return (
    <section class="player live" aria-label="Live player">
      <audio ref={audio} onTimeUpdate={follow} onPlay={follow} onPause={follow} onEnded={onEnded} />
      <div class="player-head">
        <button type="button" class="play" onClick={toggle} aria-label={state.plays ? "Pause the live song" : "Listen while it is being made"}><Glyph name={state.plays ? "pause" : "play"} /></button>
        <div>
          <strong>Listen while it is being made</strong>
          <span class="dim">{failed ? "What was there to hear has ended. The whole song comes here." : listens ? `${clock(state.at)} heard` : "There is something to hear already."}</span>
        </div>
      </div>
    </section>
  );
}
