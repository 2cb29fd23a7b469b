// The real SDKs through a machine that has to be woken and then has to load: latency, no error, no
// retry. ROUSE_REAL_TIME=1: a wake of 90 s and a load of 20 s; else a twentieth of it.
import assert from 'node:assert/strict';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test from 'node:test';
import {fakeModels, freePort, Rouse, until} from './rouse.mjs';
import {clients, ways, WORDS} from './ways.mjs';

const real = process.env.ROUSE_REAL_TIME === '1';
const wakeMs = real ? 90000 : 4500;
const loadMs = real ? 20000 : 1000;
const waiting = real ? '' : 'waiting: {hold: 600ms, keepAlive: 400ms}\n';

test('every way to ask is answered in full by a machine that slept, without a retry', {timeout: 240000}, async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'rouse-wake-'));
  const fakes = await fakeModels({a: `--load-ms ${loadMs}`});
  const port = await freePort();
  const packet = path.join(dir, 'packet');
  const front = await Rouse.start(`${waiting}models: {}
peers:
  attic:
    proxy: http://127.0.0.1:${port}
    models: [a]
    wake: {command: [/usr/bin/touch, ${packet}], debounce: 100ms, timeout: 3m}
`);
  let box;
  t.after(async () => {
    await front.stop();
    await box?.stop();
    fakes.clean();
    rmSync(dir, {recursive: true, force: true});
  });
  const began = Date.now();
  const w = clients(front.url);
  const answers = Object.entries(ways).map(async ([name, ask]) => {
    assert.equal(await ask(w, 'a'), WORDS, name);
    t.diagnostic(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
  });
  answers.forEach((each) => each.catch(() => {}));  // reported below, once the box is there to stop
  await until('a wake', () => existsSync(packet));
  await new Promise((resolve) => setTimeout(resolve, wakeMs));
  box = await Rouse.start(fakes.yaml, {}, `127.0.0.1:${port}`);
  await Promise.all(answers);
  assert.ok(Date.now() - began >= wakeMs + loadMs);
  assert.equal(fakes.requests('a'), Object.keys(ways).length, 'nobody asked twice');
  const {wakes} = await (await fetch(`${front.url}/api/wakes`)).json();
  assert.equal(wakes.length, 1, 'one wake for all of them');
  assert.equal(wakes[0].outcome, 'ok');
});
