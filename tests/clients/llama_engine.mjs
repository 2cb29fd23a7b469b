// A real engine behind a few lines: node-llama-cpp runs a GGUF file, on the CPU.
//   node llama_engine.mjs --port N --model FILE [--embedding]
import http from 'node:http';
import {parseArgs} from 'node:util';
import {getLlama} from 'node-llama-cpp';

const {values: options} = parseArgs({options: {
  port: {type: 'string'}, model: {type: 'string'}, embedding: {type: 'boolean'},
}});
const llama = await getLlama({gpu: false, build: 'never', skipDownload: true, logLevel: 'error'});
const model = await llama.loadModel({modelPath: options.model});
const context = options.embedding ? await model.createEmbeddingContext({contextSize: 64, threads: 1})
                                  : await model.createContext({contextSize: 512, threads: 1});
const TOKENS_MAX = 100;
let turn = Promise.resolve();  // one sequence: one answer at a time

async function* answer(messages) {
  const prompt = messages.map(({role, content}) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('');
  const tokens = model.tokenize(`${prompt}<|im_start|>assistant\n`, true);
  const sequence = context.getSequence();
  try {
    const said = [];
    let told = '';
    for await (const token of sequence.evaluate(tokens, {temperature: 0})) {
      if (model.isEogToken(token) || said.length === TOKENS_MAX) break;
      said.push(token);
      const text = model.detokenize(said);
      if (text.endsWith('\ufffd')) continue;  // in the middle of a character
      yield text.slice(told.length);
      told = text;
    }
  } finally {
    sequence.dispose();
  }
}

const json = (response, value) => {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(200, {'content-type': 'application/json', 'content-length': body.length}).end(body);
};

async function chat(request, response) {
  const chunk = (delta, finish = null) => response.write(`data: ${JSON.stringify({
    object: 'chat.completion.chunk', model: request.model, choices: [{index: 0, delta, finish_reason: finish}]})}\n\n`);
  if (!request.stream) {
    let content = '';
    let count = 0;
    for await (const piece of answer(request.messages)) content += piece, ++count;
    return json(response, {object: 'chat.completion', model: request.model, pid: process.pid,
      choices: [{index: 0, message: {role: 'assistant', content}, finish_reason: 'stop'}],
      usage: {completion_tokens: count}});
  }
  response.writeHead(200, {'content-type': 'text/event-stream'});
  chunk({role: 'assistant', content: ''});
  for await (const piece of answer(request.messages)) chunk({content: piece});
  chunk({}, 'stop');
  response.end('data: [DONE]\n\n');
}

const embed = async (request, response) => json(response, {object: 'list', model: request.model, pid: process.pid,
  data: [{object: 'embedding', index: 0, embedding: [...(await context.getEmbeddingFor(request.input)).vector]}]});

http.createServer(async (request, response) => {
  if (request.url === '/health') return json(response, {status: 'ok'});
  let body = '';
  for await (const piece of request) body += piece;
  turn = turn.then(() => (options.embedding ? embed : chat)(JSON.parse(body), response))
    .catch((error) => response.destroy(error));
}).listen(Number(options.port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
