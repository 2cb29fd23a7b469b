// The real SDKs against rouse and fake engines: a wait is latency, never an error or a retry; a
// broken stream is an error, never a short success.
import assert from 'node:assert/strict';
import test from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import {streamText} from 'ai';
import {fakeModels, Rouse, until} from './rouse.mjs';
import {clients, messages, ways, WORDS} from './ways.mjs';

const MATRIX = 'matrix: {sets: {default: "(a | b) & emb"}}\n';

const world = async (t, models, more = '') => {
  const fakes = await fakeModels(models);
  const rouse = await Rouse.start(`${more}${Object.keys(models).includes('b') ? MATRIX : ''}${fakes.yaml}`);
  t.after(async () => {
    await rouse.stop();
    fakes.clean();
  });
  return {rouse, fakes, ...clients(rouse.url)};
};

test('every way to ask is answered in full while the model loads for 20 s, without a retry', {timeout: 120000}, async (t) => {
  const w = await world(t, {a: '--load-ms 20000', b: '', emb: '--load-ms 20000'},
    'waiting: {hold: 5s, keepAlive: 3s}\n');
  const began = Date.now();
  const answers = Object.entries(ways).map(async ([name, ask]) => assert.equal(await ask(w, 'a'), WORDS, name));
  const embedding = w.openai.embeddings.create({model: 'emb', input: 'hello', encoding_format: 'float'});
  await Promise.all(answers);
  assert.equal((await embedding).data[0].embedding.length, 3);
  assert.ok(Date.now() - began >= 20000);
  // One request for each: nobody had to ask twice.
  assert.equal(w.fakes.requests('a'), Object.keys(ways).length);
});

test('a request waits while another client holds the other model', {timeout: 60000}, async (t) => {
  const w = await world(t, {a: '--tps 10 --tokens 30', b: '', emb: ''});
  const stream = await w.openai.chat.completions.create({model: 'a', messages, stream: true});
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  const began = Date.now();
  const other = Promise.all(Object.values(ways).map((ask) => ask(w, 'b')));
  let last;
  for (let step = await reader.next(); !step.done; step = await reader.next()) last = step.value;
  const streamTook = Date.now() - began;
  assert.equal(last.choices[0].finish_reason, 'stop');
  for (const text of await other) assert.equal(text, WORDS);
  assert.ok(streamTook > 1000, 'the stream was held long enough to be in the way');
  assert.equal(w.fakes.requests('b'), Object.keys(ways).length);
});

test('a client that goes away ends the generation', {timeout: 60000}, async (t) => {
  const w = await world(t, {a: '--tps 50'});
  const controller = new AbortController();
  const stream = await w.openai.chat.completions.create(
    {model: 'a', messages: [{role: 'user', content: 'LOOP'}], stream: true}, {signal: controller.signal});
  await assert.rejects(async () => {
    let seen = 0;
    for await (const chunk of stream) if (chunk && ++seen === 5) controller.abort();
    if (seen >= 5) throw new Error('aborted');
  });
  await until('the engine to notice', async () =>
    (await (await fetch(`http://127.0.0.1:${w.fakes.ports.a}/fake/stats`)).json()).aborted >= 1);
  await until('the place to be free', async () => (await w.rouse.queue()).models[0].running === 0);
});

test('a client that goes away while it waits leaves the load to the next', {timeout: 60000}, async (t) => {
  const w = await world(t, {a: '--load-ms 2000'});
  const controller = new AbortController();
  const first = w.openai.chat.completions.create({model: 'a', messages}, {signal: controller.signal});
  await until('the request to wait', async () => (await w.rouse.queue()).waiting.length === 1);
  controller.abort();
  await assert.rejects(first);
  await until('the place to be free', async () => (await w.rouse.queue()).waiting.length === 0);
  assert.equal(await ways.chat(w, 'a'), WORDS);
  assert.equal(w.rouse.log.match(/start a:/g).length, 1);
});

test('an engine that dies in mid-stream is an error for every client', {timeout: 60000}, async (t) => {
  for (const name of Object.keys(ways).filter((each) => each.includes('streamed'))) {
    await t.test(name, async (inner) => {
      const w = await world(inner, {a: '--crash-mid-stream 5 --tps 50'});
      if (name === 'ai-sdk, streamed') {
        const errors = [];
        const result = streamText({model: w.ai('a'), messages, maxRetries: 0, onError: ({error}) => errors.push(error)});
        let text = '';
        try {
          for await (const part of result.textStream) text += part;
        } catch (error) {
          errors.push(error);
        }
        assert.notEqual(errors.length, 0, `a short success: "${text}"`);
        return;
      }
      await assert.rejects(ways[name](w, 'a'));
    });
  }
});

test('a load that fails after the early head is told by the words of rouse', {timeout: 60000}, async (t) => {
  const reason = /a: .*503 Service Unavailable/s;
  const told = {
    chat: ways['chat, streamed'], completions: ways['completions, streamed'], messages: ways['messages, streamed'],
    responses: async ({openai}, model) => {
      const response = await openai.responses.stream({model, input: 'hello'}).finalResponse();
      throw new Error(`${response.status}: ${response.error.message}`);
    },
    'ai-sdk': async ({ai}, model) => {
      const errors = [];
      const result = streamText({model: ai(model), messages, maxRetries: 0, onError: ({error}) => errors.push(error)});
      await result.consumeStream();
      throw new Error(errors.map((each) => each.message ?? JSON.stringify(each)).join());
    },
  };
  for (const [name, ask] of Object.entries(told)) {
    const w = await world(t, {a: '--crash-while-loading 1500'}, 'waiting: {hold: 300ms, keepAlive: 200ms}\n');
    await assert.rejects(ask(w, 'a'), {message: reason}, name);
    assert.equal(w.rouse.log.match(/start a:/g).length, 1, name);
  }
});

test('a load that fails is a 503 with the reason and a time to come back', {timeout: 60000}, async (t) => {
  const w = await world(t, {a: '--crash-at-start 3'});
  const openai = new OpenAI({baseURL: `${w.rouse.url}/v1`, apiKey: 'none', maxRetries: 0});
  const error = await openai.chat.completions.create({model: 'a', messages}).catch((each) => each);
  assert.equal(error.status, 503);
  assert.match(error.message, /status 3/);
  assert.ok(Number(error.headers.get('retry-after')) <= 30);
  const anthropic = new Anthropic({baseURL: w.rouse.url, apiKey: 'none', maxRetries: 0});
  const typed = await anthropic.messages.create({model: 'a', max_tokens: 9, messages}).catch((each) => each);
  assert.equal(typed.status, 503);
});
