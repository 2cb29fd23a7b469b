#!/usr/bin/env python3
"""The libraries of OpenAI and Anthropic for Python against rouse and fake engines: what sdk.test.mjs shows for
JavaScript. A wait is latency, a client that leaves ends the work, and a failure says why."""
import asyncio
import concurrent.futures
import time
import unittest

import anthropic
import openai

from rouse import Rouse, free_port, until

WORDS = " ".join(f"word-{i}" for i in range(1, 13))
MESSAGES = [{"role": "user", "content": "hello there"}]
LOOP = [{"role": "user", "content": "LOOP"}]
TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


class Clients:
    """With the retries that they have by default."""

    def __init__(self, url):
        self.openai = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        self.anthropic = anthropic.Anthropic(base_url=url, api_key="none")

    def chat(self, model):
        return self.openai.chat.completions.create(model=model, messages=MESSAGES).choices[0].message.content

    def chat_streamed(self, model, messages=None):
        with self.openai.chat.completions.create(model=model, messages=messages or MESSAGES, stream=True) as stream:
            for chunk in stream:
                yield from (choice.delta.content or "" for choice in chunk.choices)

    def completion_streamed(self, model):
        for chunk in self.openai.completions.create(model=model, prompt="hello", stream=True):
            yield from (choice.text for choice in chunk.choices)

    def response(self, model):
        return self.openai.responses.create(model=model, input="hello").output_text

    def response_streamed(self, model):
        for event in self.openai.responses.create(model=model, input="hello", stream=True):
            yield event.delta if event.type == "response.output_text.delta" else ""

    def message(self, model):
        return self.anthropic.messages.create(model=model, max_tokens=99, messages=MESSAGES).content[0].text

    def message_streamed(self, model, messages=None):
        with self.anthropic.messages.stream(model=model, max_tokens=99, messages=messages or MESSAGES) as stream:
            yield from stream.text_stream


WAYS = [Clients.chat, Clients.chat_streamed, Clients.completion_streamed, Clients.response, Clients.response_streamed,
        Clients.message, Clients.message_streamed]


class Sdk(unittest.TestCase):
    def start(self, models, settings="", more=""):
        rouse = Rouse(models, settings, more)
        self.addCleanup(rouse.stop)
        return rouse, Clients(rouse.url)

    def test_both_list_and_look_up_what_there_is(self):
        _, clients = self.start({"a": "", "b": ""})
        for client in (clients.openai, clients.anthropic):
            self.assertEqual([model.id for model in client.models.list()], ["a", "b"])
            self.assertEqual(client.models.retrieve("b").id, "b")

    def test_calls_of_tools_come_whole_and_in_streams(self):
        _, clients = self.start({"a": ""})
        asks = {"model": "a", "messages": [{"role": "user", "content": "CALL"}], "tools": TOOLS}
        whole = clients.openai.chat.completions.create(**asks).choices[0].message.tool_calls[0].function
        self.assertEqual(whole.name, "get_weather")
        with clients.openai.chat.completions.stream(**asks) as stream:
            streamed = stream.get_final_completion().choices[0].message.tool_calls[0].function
        self.assertEqual(streamed.arguments, whole.arguments)

    def test_every_way_to_ask_is_answered_in_full_after_a_load_and_asks_once(self):
        rouse, clients = self.start({"a": "--load-ms 9000"}, "waiting: {hold: 2s, keepAlive: 1s}")
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as pool:
            answers = {ask.__name__: pool.submit(lambda ask=ask: "".join(ask(clients, "a"))) for ask in WAYS}
            for name, answer in answers.items():
                self.assertEqual(answer.result(), WORDS, name)
        self.assertGreaterEqual(time.monotonic() - began, 9)
        self.assertEqual(rouse.requests("a"), len(WAYS))

    def test_a_stream_that_is_closed_ends_the_generation(self):
        rouse, clients = self.start({"a": "--tps 50"})
        for count, ask in enumerate((clients.chat_streamed, clients.message_streamed), 1):
            stream = ask("a", LOOP)
            next(stream)
            stream.close()
            until("the engine to notice", lambda count=count: rouse.aborted("a") == count)
            until("the place to be free", lambda: rouse.running() == 0)

    def test_a_task_that_is_cancelled_ends_the_generation(self):
        rouse, _ = self.start({"a": "--tps 50"})

        async def leave():
            client = openai.AsyncOpenAI(base_url=f"{rouse.url}/v1", api_key="none")
            has_begun = asyncio.Event()

            async def listen():
                async for _ in await client.chat.completions.create(model="a", messages=LOOP, stream=True):
                    has_begun.set()

            task = asyncio.create_task(listen())
            await has_begun.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(leave())
        until("the engine to notice", lambda: rouse.aborted("a") == 1)

    def test_an_engine_that_dies_in_mid_stream_is_an_error(self):
        for ask in (Clients.chat_streamed, Clients.completion_streamed, Clients.response_streamed,
                    Clients.message_streamed):
            with self.subTest(ask.__name__):
                _, clients = self.start({"a": "--crash-mid-stream 5 --tps 50"})
                with self.assertRaises(Exception):
                    list(ask(clients, "a"))

    def test_a_refusal_after_the_early_head_says_why(self):
        # It answers no POST, and needs longer to start than the head is held.
        engine = "  a: {checkEndpoint: /, cmd: 'python3 -m http.server ${PORT} --bind 127.0.0.1'}"
        rouse, clients = self.start({}, f"waiting: {{hold: 1ms}}\nstartPort: {free_port()}", engine)
        for ask in (Clients.chat_streamed, Clients.completion_streamed, Clients.message_streamed):
            with self.subTest(ask.__name__), self.assertRaisesRegex(Exception, "answered with status 501"):
                rouse.unload("a")
                list(ask(clients, "a"))
        events = []
        rouse.unload("a")
        with clients.openai.responses.stream(model="a", input="hello") as stream:
            events.extend(stream)
        self.assertEqual([event.type for event in events], ["response.created", "response.failed"])
        self.assertIn("answered with status 501", events[-1].response.error.message)


if __name__ == "__main__":
    unittest.main()
