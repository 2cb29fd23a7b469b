// A real engine on real GGUF files: two chat models that exclude each other, and an embedding model
// beside them. The chat models recite a fixed paragraph, so the text is known to the letter.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test from 'node:test';
import {fileURLToPath} from 'node:url';
import OpenAI from 'openai';
import {freePort, Rouse} from './rouse.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const PARAGRAPH = 'Hello from a very small model. It knows exactly one paragraph, word by word, and says ' +
  'that paragraph whenever somebody asks. Seven wizards quietly box five dozen liquor jugs; a zebra jumps ' +
  'over lazy dogs, foxes and quartz. Umlauts work too: äöü, €, ✓. Goodbye!';
const messages = [{role: 'user', content: 'hi'}];

test('real models swap, stream, and leave the embedding model alone', {timeout: 240000}, async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'rouse-gguf-'));
  const maker = path.join(here, '..', 'tools', 'make_tiny_gguf.py');
  execFileSync('python3', [maker, path.join(dir, 'chat.gguf')]);
  execFileSync('python3', [maker, '--arch', 'bert', path.join(dir, 'emb.gguf')]);
  const engine = (file, more = '') =>
    `${process.execPath} ${path.join(here, 'llama_engine.mjs')} --port \${PORT} --model ${path.join(dir, file)} ${more}`;
  const model = (id, file, more) => `  ${id}:\n    cmd: ${engine(file, more)}\n` +
    `    proxy: http://127.0.0.1:\${PORT}\n    useModelName: real-${id}\n    concurrencyLimit: 120\n`;
  const rouse = await Rouse.start(
    `startPort: ${await freePort(3)}\nschedule: {minResidency: 0s}\n` +
    'matrix: {vars: {q3627b: coder, q3635b: planner, emb: embedder}, ' +
    'sets: {default: "(q3627b | q3635b) & emb"}}\n' +
    `models:\n${model('coder', 'chat.gguf')}${model('planner', 'chat.gguf')}${model('embedder', 'emb.gguf', '--embedding')}`);
  t.after(async () => {
    await rouse.stop();
    rmSync(dir, {recursive: true, force: true});
  });
  const openai = new OpenAI({baseURL: `${rouse.url}/v1`, apiKey: 'none', maxRetries: 0});
  const embed = () => openai.embeddings.create({model: 'embedder', input: 'hello', encoding_format: 'float'});

  const first = await embed();
  assert.equal(first.data[0].embedding.length, 64);
  const coder = await openai.chat.completions.create({model: 'coder', messages});
  assert.equal(coder.choices[0].message.content, PARAGRAPH);
  assert.equal(coder.model, 'real-coder');
  let streamed = '';
  for await (const chunk of await openai.chat.completions.create({model: 'planner', messages, stream: true})) {
    streamed += chunk.choices[0].delta.content ?? '';
  }
  assert.equal(streamed, PARAGRAPH);
  assert.equal((await embed()).pid, first.pid);
  const queue = await rouse.queue();
  const state = Object.fromEntries(queue.models.map((each) => [each.model, each.state]));
  assert.deepEqual(state, {coder: 'stopped', embedder: 'ready', planner: 'ready'});
});
