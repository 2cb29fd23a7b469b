// Ollama's own client against rouse and fake engines, which know nothing of Ollama.
import assert from 'node:assert/strict';
import test from 'node:test';
import {Ollama} from 'ollama';
import {fakeModels, Rouse, until} from './rouse.mjs';
import {messages, WORDS} from './ways.mjs';

const world = async (t, models, more = '') => {
  const fakes = await fakeModels(models);
  const rouse = await Rouse.start(`${more}${fakes.yaml}`);
  t.after(async () => {
    await rouse.stop();
    fakes.clean();
  });
  return {rouse, fakes, ollama: new Ollama({host: rouse.url})};
};

const collect = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
};

const tools = [{
  type: 'function',
  function: {name: 'get_weather', description: 'now', parameters: {type: 'object', properties: {city: {type: 'string'}}}},
}];

test('chat and generate, whole and streamed, while the model loads', {timeout: 60000}, async (t) => {
  const w = await world(t, {a: '--load-ms 4000 --tps 50'}, 'waiting: {hold: 500ms, keepAlive: 500ms}\n');
  const [whole, parts, text, textParts] = await Promise.all([
    w.ollama.chat({model: 'a', messages}),
    w.ollama.chat({model: 'a:latest', messages, stream: true}).then(collect),
    w.ollama.generate({model: 'a', prompt: 'hello', system: 'be brief'}),
    w.ollama.generate({model: 'a', prompt: 'hello', raw: true, stream: true}).then(collect),
  ]);
  assert.equal(whole.message.content, WORDS);
  assert.equal(whole.done_reason, 'stop');
  assert.equal(parts.map((part) => part.message.content).join(''), WORDS);
  assert.ok(parts.length > 5, 'it came in pieces');
  const last = parts.at(-1);
  assert.ok(last.done && last.eval_count > 0 && last.eval_duration > 0 && last.load_duration > 1e9);
  assert.equal(last.model, 'a:latest');
  assert.equal(text.response, WORDS);
  assert.equal(textParts.map((part) => part.response).join(''), WORDS);
  assert.equal(w.fakes.requests('a'), 4);
});

test('tools are called with objects, and their results go back', {timeout: 30000}, async (t) => {
  const w = await world(t, {a: ''});
  const ask = {role: 'user', content: 'CALL it'};
  const parts = await collect(await w.ollama.chat({model: 'a', messages: [ask], tools, stream: true}));
  const called = parts.find((part) => part.message.tool_calls);
  assert.equal(called.message.tool_calls[0].function.name, 'get_weather');
  assert.equal(called.message.tool_calls[0].function.arguments.city, 'Berlin');
  const result = {role: 'tool', tool_name: 'get_weather', content: '11 degrees'};
  const answer = await w.ollama.chat({
    model: 'a', messages: [ask, called.message, result, {role: 'user', content: 'so?'}], tools});
  assert.equal(answer.message.content, WORDS);
});

test('embeddings, listings, and what is loaded', {timeout: 30000}, async (t) => {
  const w = await world(t, {a: ''}, 'globalTTL: 300\n');
  assert.deepEqual((await w.ollama.list()).models.map((each) => each.model), ['a:latest']);
  assert.deepEqual((await w.ollama.ps()).models, []);
  assert.equal((await w.ollama.embed({model: 'a', input: 'x'})).embeddings[0].length, 3);
  assert.equal((await w.ollama.embeddings({model: 'a', prompt: 'x'})).embedding.length, 3);
  const [loaded] = (await w.ollama.ps()).models;
  assert.equal(loaded.name, 'a:latest');
  assert.ok(new Date(loaded.expires_at) > new Date());
  assert.deepEqual((await w.ollama.show({model: 'a'})).capabilities, ['completion']);
  assert.match((await w.ollama.version()).version, /^\d+\.\d+\.\d+/);
  await w.ollama.generate({model: 'a', prompt: '', keep_alive: 0});
  assert.deepEqual((await w.ollama.ps()).models, []);
});

test('what goes wrong is an error of its own words', {timeout: 60000}, async (t) => {
  const w = await world(t, {
    dies: '--crash-mid-stream 3 --tps 50',
    never: '--load-ms 9000 --crash-while-loading 1500',
  }, 'waiting: {hold: 200ms, keepAlive: 200ms}\n');
  await assert.rejects(w.ollama.chat({model: 'none', messages}), {status_code: 404, message: /no model is called "none"/});
  await assert.rejects(w.ollama.show({model: 'none'}), {status_code: 404});
  await assert.rejects(w.ollama.pull({model: 'dies'}), {status_code: 501, message: /serves the models of its config/});
  await assert.rejects(w.ollama.generate({model: 'dies', prompt: 'x', suffix: 'y'}), {status_code: 400});
  const seen = [];
  await assert.rejects(async () => {
    for await (const part of await w.ollama.chat({model: 'dies', messages, stream: true})) seen.push(part);
  }, /exited with status|broke off/);
  assert.ok(seen.length > 0, 'it broke off in mid-stream');
  await assert.rejects(async () => collect(await w.ollama.chat({model: 'never', messages, stream: true})), /exited with/);
});

test('a client that leaves ends the generation', {timeout: 30000}, async (t) => {
  const w = await world(t, {a: '--tps 50'});
  const stream = await w.ollama.chat({model: 'a', messages: [{role: 'user', content: 'LOOP'}], stream: true});
  await assert.rejects(async () => {
    for await (const part of stream) if (part) stream.abort();
  }, {name: 'AbortError'});
  await until('the engine to notice', async () =>
    (await (await fetch(`http://127.0.0.1:${w.fakes.ports.a}/fake/stats`)).json()).aborted >= 1);
});
