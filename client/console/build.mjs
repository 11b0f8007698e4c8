// build.mjs TARGET: writes the console's files, compressed, into a folder. The same sources give the same bytes on every
// machine: names are hashes of the content, and nothing knows the time.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const packages = join(root, ".tools/console/node_modules");
const esbuild = createRequire(join(packages, "esbuild/package.json"))("esbuild");
const target = process.argv[2];
if (!target) throw new Error("expected the folder to write into, found no argument: build.mjs TARGET");

// The player writes its style sheet as an element, which the console's Content-Security-Policy refuses. A constructed
// style sheet is allowed, so the element becomes one here.
const styleOfThePlayer = {
  name: "style-of-the-player",
  setup(build) {
    build.onLoad({ filter: /wavesurfer\.js[\\/]dist[\\/]renderer\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const found = /shadow\.innerHTML = `\s*<style\$\{cspNonce[^>]*?: ''\}>([\s\S]*?)<\/style>/g;
      if ([...text.matchAll(found)].length !== 1) throw new Error(`${path}: expected one <style>, which is to become a style sheet`);
      const contents = text.replace(
        found,
        (_, css) => `const sheet = new CSSStyleSheet(); sheet.replaceSync(\`${css}\`); shadow.adoptedStyleSheets = [sheet]; shadow.innerHTML = \``,
      );
      return { contents, loader: "js" };
    });
  },
};

const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints: ["client/console/src/main.tsx"],
  outdir: target,
  entryNames: "static/[name]-[hash]",
  chunkNames: "static/[name]-[hash]",
  alias: {
    "hls.js/light": join(packages, "hls.js/dist/hls.light.mjs"),
    "wavesurfer.js/dist/wavesurfer.js": join(packages, "wavesurfer.js/dist/wavesurfer.js"),
  },
  nodePaths: [packages],
  tsconfigRaw: {}, // its paths are for types
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  write: false,
  logLevel: "warning",
  plugins: [styleOfThePlayer],
});

const files = new Map(result.outputFiles.map(({ path, contents }) => [`static/${basename(path)}`, Buffer.from(contents)]));
const add = async (name, content) => {
  const [stem, end] = name.split(".");
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const hashed = `static/${stem}-${hash}.${end}`;
  files.set(hashed, content);
  return hashed;
};
const shipped = ["hls.js", "openapi-fetch", "preact", "wavesurfer.js"];
const licences = await Promise.all(shipped.map(async (name) => {
  const { version, license } = JSON.parse(await readFile(join(packages, name, "package.json"), "utf8"));
  return `${name} ${version} (${license})\n\n${(await readFile(join(packages, name, "LICENSE"), "utf8")).trim()}\n`;
}));
files.set("licences.txt", Buffer.from(licences.join(`\n${"-".repeat(79)}\n\n`)));
const named = (end) => [...files.keys()].find((name) => name.startsWith("static/main-") && name.endsWith(end));
const places = { icon: await add("icon.svg", await readFile(join(here, "icon.svg"))), style: named(".css"), script: named(".js") };
const page = (await readFile(join(here, "index.html"), "utf8")).replace(/\{\{(\w+)\}\}/g, (_, name) => `/console/${places[name]}`);
files.set("index.html", Buffer.from(page));

const asGzip = (content) => {
  const bytes = gzipSync(content, { level: 9 });
  bytes[9] = 255; // the system that compressed it: unknown
  return bytes;
};
const asBrotli = (content) => brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
await rm(target, { recursive: true, force: true });
for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
  await mkdir(dirname(join(target, name)), { recursive: true });
  await writeFile(join(target, `${name}.gz`), asGzip(content));
  await writeFile(join(target, `${name}.br`), asBrotli(content));
}
