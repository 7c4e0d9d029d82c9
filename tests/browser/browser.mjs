// A real browser for checks: Debian's chromium through playwright-core, which
// is looked for along NODE_PATH. Exit code 77 means skipped.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}

export function playwright() {
  try {
    return createRequire(import.meta.url)('playwright-core');
  } catch {
    skip('playwright-core is not installed (npm install playwright-core, ' +
         'then NODE_PATH=…/node_modules)');
  }
}

export function chromium() {
  const places = [process.env.CHROMIUM, '/usr/bin/chromium',
                  '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return places.find((path) => path && existsSync(path)) ??
         skip('chromium is not installed (apt-get install chromium)');
}

/// Runs the program under test; the exit codes given are fine.
export function orcon(args, { cwd, codes = [0] } = {}) {
  try {
    return execFileSync(process.env.ORCON, args,
                        { cwd, encoding: 'utf8', maxBuffer: 1 << 28,
                          stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (trouble) {
    if (codes.includes(trouble.status))
      return trouble.stdout;
    throw new Error(`orcon ${args.join(' ')}: ${trouble.stderr}`);
  }
}

let failures = 0;

export function check(what, holds, detail = '') {
  if (!holds)
    ++failures;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}${holds ? '' : `: ${detail}`}`);
}

export function finish() {
  console.log(failures === 0 ? 'all checks hold' : `${failures} checks fail`);
  process.exitCode = failures === 0 ? 0 : 1;
}
