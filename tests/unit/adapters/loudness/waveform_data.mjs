// waveform_data.mjs PEAKS SAMPLES CHANNELS RATE: what waveform-data, by the authors of audiowaveform, reads in a file of
// peaks, and what it makes itself of 32 bit samples, one channel after the other.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const WaveformData = createRequire(`${process.cwd()}/.tools/console/node_modules/`)("waveform-data");
const [, , peaks, samples, channels, rate] = process.argv;
const read = WaveformData.create(JSON.parse(readFileSync(peaks, "utf8")));
const bytes = readFileSync(samples);
const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const length = all.length / Number(channels);
const audio_buffer = {
  length,
  sampleRate: Number(rate),
  numberOfChannels: Number(channels),
  getChannelData: (channel) => all.slice(channel * length, (channel + 1) * length),
};
const shown = (data) => ({ length: data.length, duration: data.duration, bits: data.bits, channels: data.channels, low: data.channel(0).min_array(), high: data.channel(0).max_array() });
WaveformData.createFromAudio({ audio_buffer, scale: read.scale, bits: 8, disable_worker: true }, (error, made) => {
  if (error) throw error;
  console.log(JSON.stringify({ read: shown(read), made: shown(made), wide: shown(read.resample({ width: 100 })) }));
});
