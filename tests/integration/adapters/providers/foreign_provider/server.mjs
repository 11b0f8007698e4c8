// A music provider in another language that speaks MiniMax's dialect, and nothing of Fermata's own simulators is in it.
//
//   node server.mjs --key KEY --mp3 FILE --wav FILE
//
// prints {"port":N} once it listens and ends when its standard input closes. It answers correctly but unkindly: other key
// order, white space between tokens, chunks of odd sizes, upper-case hex, and facts about the audio that are lies.
//
// A word in the prompt changes one thing:
//   link-to=URL       the song's link is this URL
//   redirect-to=URL   the song's link answers 302 to this URL
//   post-to=URL       the paid call answers 307 to this URL
//
// GET /seen lists every request but its own kind: {"method","path","authorization","body"}.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: { key: { type: "string" }, mp3: { type: "string" }, wav: { type: "string" } },
});
const songs = { mp3: readFileSync(options.mp3), wav: readFileSync(options.wav) };
const contentTypes = { mp3: "audio/mpeg", wav: "audio/wav" };
const links = new Map();
const seen = [];

const LIES = { music_size: 7, bitrate: 999000, music_channel: 6, music_sample_rate: 11025, music_duration: 987654321 };

const server = createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  if (path === "/seen") return sendJson(response, 200, seen);
  const body = await read(request);
  seen.push({ method: request.method, path, authorization: request.headers.authorization ?? null, body });
  if (request.method === "POST" && path === "/v1/music_generation") return generate(request, response, JSON.parse(body));
  if (request.method === "GET" && links.has(request.url)) return download(response, links.get(request.url));
  return sendJson(response, 404, { base_resp: { status_msg: "no such thing", status_code: 2013 } });
});

function generate(request, response, order) {
  if (request.headers.authorization !== `Bearer ${options.key}`) {
    return sendJson(response, 200, { base_resp: { status_msg: "login fail", status_code: 1004 } });
  }
  const elsewhere = wordAfter("post-to=", order.prompt);
  if (elsewhere) return response.writeHead(307, { Location: elsewhere }).end();
  const format = order.audio_setting.format;
  const audio = order.output_format === "url" ? linkTo(format, order.prompt) : songs[format].toString("hex").toUpperCase();
  return sendInOddChunks(
    response,
    `\r\n{ "base_resp" :\t{ "status_msg" : "success" , "status_code" : 0 } ,\n  "extra_info" : ${JSON.stringify(LIES)} ,\n\n` +
      `  "analysis_info" : null,"data"\n:\n{ "status" :  2 , "note": "not the audio", "audio" \t: "${audio}" }\n , "trace_id":"${randomUUID()}" }\n\n`,
  );
}

function linkTo(format, prompt) {
  const given = wordAfter("link-to=", prompt);
  if (given) return given;
  const target = `/made/${randomUUID()}.${format}?sig=a%2Fb%2Bc%3D&exp=1&x=%7E~`;
  links.set(target, { format, redirectTo: wordAfter("redirect-to=", prompt) });
  return `http://127.0.0.1:${server.address().port}${target}`;
}

function download(response, { format, redirectTo }) {
  if (redirectTo) return response.writeHead(302, { Location: redirectTo }).end();
  response.writeHead(200, { "Content-Type": contentTypes[format] });
  return response.end(songs[format]);
}

function wordAfter(mark, prompt) {
  return prompt.split(/\s+/).find((word) => word.startsWith(mark))?.slice(mark.length);
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function sendJson(response, status, document) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(document));
}

// Without a Content-Length Node sends every write as a chunk of its own; the sizes cut tokens and pairs of hex digits.
async function sendInOddChunks(response, text) {
  response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
  const sizes = [1, 2, 3, 5, 89, 4099, 16411];
  for (let start = 0, turn = 0; start < text.length; turn += 1) {
    const size = sizes[turn % sizes.length];
    if (!response.write(text.slice(start, start + size))) await new Promise((drained) => response.once("drain", drained));
    start += size;
  }
  response.end();
}

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
