// The page of `orcon run report` in a real browser, with scripts off: nothing
// is loaded, everything is drawn, wide and narrow, light and dark.
// ORCON_SCREENSHOTS=DIR keeps pictures of all of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, chromium, finish, orcon, playwright } from './browser.mjs';

const core = playwright();
const executablePath = chromium();
const folder = mkdtempSync(join(tmpdir(), 'orcon-report-'));

const definition = `
version: 1
name: "<script>document.title='broken' & checks"
defaults: { retry: { delay: 60ms, jitter: none, backoff: fixed } }
tasks:
  fetch:
    handler: exec
    max_retries: 2
    input:
      fanout: 8
      argv: [sh, -c, 'sleep 0.0{index}; test {index} -ne 3 -o $ORCON_ATTEMPT -gt 2 || { echo "<img src=x onerror=alert(1)> gone" >&2; exit 7; }; test {index} -ne 6']
  pack: { handler: exec, max_retries: 0, input: { argv: ["true"] } }
  send: { handler: exec, max_retries: 1, input: { argv: ["false"] } }
`;

function pages() {
  writeFileSync(join(folder, 'few.yaml'), definition);
  orcon(['exec', 'few.yaml', '-q', '--db', 'few.db'],
        { cwd: folder, codes: [3] });
  orcon(['bench', 'fanout', '--tasks', '20000', '--db', 'many.db', '-q'],
        { cwd: folder });
  for (const name of ['few', 'many'])
    writeFileSync(join(folder, `${name}.html`),
                  orcon(['run', 'report', '--db', `${name}.db`],
                        { cwd: folder }));
}

async function inspect(browser, name, scheme, width) {
  const context = await browser.newContext({
    javaScriptEnabled: false, colorScheme: scheme,
    viewport: { width, height: 900 } });
  const page = await context.newPage();
  const requests = [], complaints = [];
  page.on('request', (r) => requests.push(r.url()));
  page.on('console', (m) => complaints.push(m.text()));
  await page.goto(`file://${join(folder, name)}.html`);
  const title = `${name} ${scheme} ${width}`;

  const strange = requests.filter((url) => !url.startsWith('file:') &&
                                           !url.startsWith('data:'));
  check(`${title}: one file, nothing loaded`,
        strange.length === 0 &&
        requests.filter((url) => url.startsWith('file:')).length === 1,
        requests.join(' '));
  check(`${title}: the console is silent`, complaints.length === 0,
        complaints.join(' | '));
  const seen = await page.evaluate(() => {
    const boxes = [...document.querySelectorAll('svg[role=img]')]
      .map((svg) => svg.getBoundingClientRect());
    const shape = document.querySelector('#timeline .running, ' +
                                         '#timeline .succeeded');
    return {
      title: document.title,
      scripts: document.querySelectorAll('script, img').length,
      background: getComputedStyle(document.body).backgroundColor,
      fill: getComputedStyle(shape).fill,
      overflow: document.documentElement.scrollWidth - window.innerWidth,
      drawings: boxes.length,
      empty: boxes.filter((box) => box.width < 20 || box.height < 4).length,
      captions: [...document.querySelectorAll('table')]
        .filter((table) => !table.caption?.textContent).length,
      targets: [...document.querySelectorAll('nav a')]
        .filter((a) => !document.querySelector(a.getAttribute('href'))).length,
      small: [...document.querySelectorAll('main *')]
        .filter((e) => e.childNodes.length === 1 && e.textContent.trim() &&
                       !e.closest('svg') &&
                       parseFloat(getComputedStyle(e).fontSize) < 12).length,
      bars: document.querySelectorAll('.gantt tbody tr:not(.axis)').length,
      elements: document.querySelectorAll('*').length,
    };
  });
  check(`${title}: no script ran and none is there`,
        seen.scripts === 0 && !seen.title.startsWith('broken'));
  check(`${title}: the page is as wide as the window`, seen.overflow <= 0,
        `${seen.overflow}px more`);
  check(`${title}: drawings have a size`,
        seen.drawings >= 4 && seen.empty === 0,
        `${seen.empty} of ${seen.drawings} are empty`);
  check(`${title}: states are painted`, /^rgb\(/.test(seen.fill), seen.fill);
  check(`${title}: every table has a caption`, seen.captions === 0);
  check(`${title}: every link leads somewhere`, seen.targets === 0);
  check(`${title}: no text is below 12px`, seen.small === 0,
        `${seen.small} are`);
  check(`${title}: bars where tasks are few`,
        seen.bars === (name === 'few' ? 10 : 0), `${seen.bars} bars`);
  check(`${title}: no element a child`, seen.elements < 6000,
        `${seen.elements} elements`);
  if (process.env.ORCON_SCREENSHOTS)
    await page.screenshot({
      path: join(process.env.ORCON_SCREENSHOTS,
                 `${name}-${scheme}-${width}.png`), fullPage: true });
  await context.close();
  return seen.background;
}

try {
  pages();
  const browser = await core.chromium.launch({
    executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  for (const name of ['few', 'many']) {
    const light = await inspect(browser, name, 'light', 1200);
    const dark = await inspect(browser, name, 'dark', 1200);
    check(`${name}: light and dark differ`, light !== dark, light);
    await inspect(browser, name, 'light', 400);
    await inspect(browser, name, 'dark', 400);
  }
  await browser.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish();
