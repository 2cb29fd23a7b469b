import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import {createOpenAICompatible} from '@ai-sdk/openai-compatible';
import {generateText, streamText} from 'ai';

export const WORDS = Array.from({length: 12}, (_, i) => `word-${i + 1}`).join(' ');
export const messages = [{role: 'user', content: 'hello there'}];

/** The real SDKs, with the retries that they have by default. */
export const clients = (url) => ({
  openai: new OpenAI({baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 2}),
  anthropic: new Anthropic({baseURL: url, apiKey: 'none', maxRetries: 2}),
  ai: createOpenAICompatible({name: 'rouse', baseURL: `${url}/v1`}),
});

// Each way to ask: what it returns is the whole text.
export const ways = {
  'chat': async ({openai}, model) =>
    (await openai.chat.completions.create({model, messages})).choices[0].message.content,
  'chat, streamed': async ({openai}, model) => {
    let text = '';
    for await (const chunk of await openai.chat.completions.create({model, messages, stream: true})) {
      text += chunk.choices[0]?.delta?.content ?? '';
    }
    return text;
  },
  'responses': async ({openai}, model) => (await openai.responses.create({model, input: 'hello'})).output_text,
  'responses, streamed': async ({openai}, model) => {
    let text = '';
    for await (const event of await openai.responses.create({model, input: 'hello', stream: true})) {
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    return text;
  },
  'completions, streamed': async ({openai}, model) => {
    let text = '';
    for await (const chunk of await openai.completions.create({model, prompt: 'hello', stream: true})) {
      text += chunk.choices[0]?.text ?? '';
    }
    return text;
  },
  'messages': async ({anthropic}, model) =>
    (await anthropic.messages.create({model, max_tokens: 99, messages})).content[0].text,
  'messages, streamed': async ({anthropic}, model) =>
    anthropic.messages.stream({model, max_tokens: 99, messages}).finalText(),
  'ai-sdk': async ({ai}, model) => (await generateText({model: ai(model), messages, maxRetries: 2})).text,
  'ai-sdk, streamed': async ({ai}, model) => {
    let text = '';
    for await (const part of streamText({model: ai(model), messages, maxRetries: 2}).textStream) text += part;
    return text;
  },
};
