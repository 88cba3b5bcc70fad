// Builds the page: one script and one style sheet for each widget, the terminal, the extension of
// JupyterLab, and the modules as they are for the tests. Called by hatch_build.py and by `make page`.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const SRC = join(HERE, "src");
const LAB = join(HERE, "lab");
const STATIC = join(HERE, "..", "static"); // what Python reads
const BUILD = join(HERE, "build"); // what only the tests and the build itself read
const WIDGETS = ["job", "jobs", "detached", "process", "timeline", "waitstatus", "sessions", "descriptors"];
const XTERM = join(HERE, "node_modules", "@xterm");
const COMMON = { charset: "utf8", logLevel: "warning", target: "es2023" };

// anywidget copies a module into each model and each saved notebook, so it is packed: it
// takes a third of the space. All models of a page share one instance, unpacked once:
// anywidget gives each model two seconds to load its module, and a page may open with
// many. Every browser that understands the style sheets has DecompressionStream.
const unpacking = (name, packed) => `\
// ipyproc's ${name}.js
const text = "${packed}";
const known = (globalThis[Symbol.for("ipyproc")] ??= new Map());
if (!known.has(text)) known.set(text, unpacked());
export default (await known.get(text)).default;

async function unpacked() {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const type = { headers: { "content-type": "text/javascript" } };
  const url = URL.createObjectURL(await new Response(plain, type).blob());
  const module = await import(url);
  URL.revokeObjectURL(url);
  return module;
}
`;

/**
 * The terminal, packed: what no saved notebook has, for a page gets it when it shows the
 * first one (library.ts). Returns what tells it from another version. It is made of the
 * sources of xterm.js: the add-ons that are built one by one have copies of the same code.
 */
async function terminal() {
  const xterm = join(XTERM, "xterm", "src");
  const options = {
    entryPoints: [join(SRC, "terminal.ts")],
    alias: {
      "@xterm/xterm": join(xterm, "browser", "public", "Terminal.ts"),
      "@xterm/addon-fit": join(XTERM, "addon-fit", "src", "FitAddon.ts"),
      "@xterm/addon-search": join(XTERM, "addon-search", "src", "SearchAddon.ts"),
      "@xterm/addon-unicode11": join(XTERM, "addon-unicode11", "src", "Unicode11Addon.ts"),
      // As its own sources name its folders.
      browser: join(xterm, "browser"),
      common: join(xterm, "common"),
      vs: join(xterm, "vs"),
    },
    define: { STYLE: await style("terminal") },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
  };
  const shape = { bundle: true, format: "esm", minify: true, legalComments: "none", write: false };
  const { outputFiles } = await esbuild.build({ ...COMMON, ...options, ...shape });
  await copyFile(join(XTERM, "xterm", "LICENSE"), join(STATIC, "terminal-LICENSE.txt"));
  return library("terminal", outputFiles[0].contents);
}

/** What looks in all that was printed, packed: a page gets it when somebody looks. */
async function reader() {
  const options = { entryPoints: [join(SRC, "reader.ts")], define: { STYLE: await style("reader") } };
  const shape = { bundle: true, format: "esm", minify: true, write: false };
  const { outputFiles } = await esbuild.build({ ...COMMON, ...options, ...shape });
  return library("reader", outputFiles[0].contents);
}

/** Returns the style sheet of a library, for its script. */
async function style(name) {
  const sheet = { entryPoints: [join(SRC, `${name}.css`)], bundle: true, minify: true, write: false };
  const { outputFiles } = await esbuild.build({ ...COMMON, ...sheet, target: "esnext" });
  return JSON.stringify(outputFiles[0].text);
}

/** Writes a library; returns what tells it from another version. */
async function library(name, contents) {
  const packed = gzipSync(contents, { level: 9 });
  await writeFile(join(STATIC, `${name}.js.gz`), packed);
  return createHash("sha256").update(packed).digest("hex").slice(0, 16);
}

async function script(name, define) {
  const entryPoints = [join(SRC, `${name}.ts`)];
  const options = { ...COMMON, entryPoints, define, bundle: true, format: "esm", minify: true, write: false };
  const { outputFiles } = await esbuild.build(options);
  // Less memory makes shorter blocks, each with a code of its own: for these sizes that is the best.
  const packed = deflateSync(outputFiles[0].contents, { level: 9, memLevel: 6 }).toString("base64");
  await writeFile(join(STATIC, `${name}.js`), unpacking(name, packed));
}

// The target stays "esnext" here: nesting and light-dark() must reach the browser as they are.
async function styles() {
  const names = (await readdir(SRC)).filter((name) => WIDGETS.includes(name.replace(/\.css$/, "")));
  const entryPoints = names.filter((name) => name.endsWith(".css")).map((name) => join(SRC, name));
  await esbuild.build({ ...COMMON, target: "esnext", entryPoints, bundle: true, minify: true, outdir: STATIC });
}

/** The modules one by one, so that a test can import any of them. */
async function modules(folder, outdir, define) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  await esbuild.build({ ...COMMON, define, entryPoints: names.map((name) => join(folder, name)), outdir });
}

/** The extension of JupyterLab and Notebook 7, as `jupyter labextension` wants it. */
async function labextension() {
  const out = join(BUILD, "labextensions", "ipyproc");
  const entryPoints = [join(LAB, "extension.ts")];
  const options = { ...COMMON, entryPoints, bundle: true, format: "iife", minify: true };
  // A browser keeps what it has of a name, so another content has another name.
  const { outputFiles } = await esbuild.build({ ...options, entryNames: "[name].[hash]", outdir: out, write: false });
  const [{ path, contents }] = outputFiles;
  await mkdir(out, { recursive: true });
  await writeFile(path, contents);
  const { version } = JSON.parse(await readFile(join(HERE, "package.json"), "utf-8"));
  const jupyterlab = { _build: { load: basename(path), extension: "./extension" } };
  const about = { name: "ipyproc", version, description: "Keeps notebooks true to the jobs of ipyproc.", jupyterlab };
  const install = { packageManager: "python", packageName: "ipyproc", uninstallInstructions: "pip uninstall ipyproc" };
  await writeFile(join(out, "package.json"), JSON.stringify(about));
  await writeFile(join(out, "install.json"), JSON.stringify(install));
}

/** What the files were built from, as `sha256sum` writes it: hatch_build.py compares it. */
async function sources() {
  const folders = await Promise.all(
    ["src", "lab"].map(async (folder) => (await readdir(join(HERE, folder))).map((name) => `${folder}/${name}`)),
  );
  const lines = [...folders.flat(), "build.mjs", "package.json", "package-lock.json"].sort().map(async (name) => {
    const hash = createHash("sha256").update(await readFile(join(HERE, name)));
    return `${hash.digest("hex")}  ${name}\n`;
  });
  await writeFile(join(BUILD, "sources.sha256"), (await Promise.all(lines)).join(""));
}

for (const folder of [STATIC, BUILD]) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}
const define = { LIBRARIES: JSON.stringify({ terminal: await terminal(), reader: await reader() }) };
await Promise.all([
  ...WIDGETS.map((name) => script(name, define)),
  styles(),
  modules(SRC, BUILD, define),
  modules(LAB, join(BUILD, "lab")),
  labextension(),
]);
await sources(); // last: it says that all the others are there
