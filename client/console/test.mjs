// test.mjs [NAME...]: runs the tests of the page's logic, all or those whose file begins with a name, in Node.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "../../.tools/console/node_modules");
const esbuild = createRequire(join(packages, "esbuild/package.json"))("esbuild");
const wanted = process.argv.slice(2);
const names = (await readdir(join(here, "tests"))).filter((name) => name.endsWith(".test.ts") && (!wanted.length || wanted.some((each) => name.startsWith(each))));
const built = await mkdtemp(join(tmpdir(), "console-tests-"));
await esbuild.build({
  entryPoints: names.map((name) => join(here, "tests", name)),
  outdir: built,
  outExtension: { ".js": ".mjs" },
  nodePaths: [packages],
  tsconfigRaw: {}, // its paths are for types
  bundle: true,
  platform: "node",
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: "inline",
  logLevel: "warning",
  // The page asks where it is, and takes the browser's fetch, when it is loaded.
  banner: { js: 'globalThis.location = new URL("https://api.example/console"); globalThis.fetch = (request) => globalThis.answer(request);' },
  define: { PYTHON: JSON.stringify(join(here, "../../.venv/bin/python")) },
});
// Far from UTC by half an hour more, so that a time in the wrong zone shows on every machine.
const env = { ...process.env, TZ: "America/St_Johns" };
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-reporter=dot", ...names.map((name) => join(built, name.replace(/ts$/, "mjs")))], { stdio: "inherit", env });
await rm(built, { recursive: true });
process.exit(status ?? 1);
