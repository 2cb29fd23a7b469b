#include "proxy/config/command_capabilities.hpp"

#include "proxy/config/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

CommandCapabilities read(const std::string& cmd, std::vector<std::string> env = {}) {
  ModelConfig model;
  model.argv = split_command(cmd);
  model.env = std::move(env);
  return read_command_capabilities(model);
}

struct Command {
  const char* cmd;
  int context;
  const char* from;
};

TEST(CommandCapabilities, TellTheContextOfARequest) {
  const Command table[] = {
      {"llama-server -m x.gguf", 0, ""},
      {"llama-server -c 8192", 8192, "-c 8192"},
      {"llama-server --ctx-size=8192", 8192, "--ctx-size 8192"},
      {"llama-server -c 4096 -c 8192", 8192, "-c 8192"},
      {"llama-server -c 0", 0, ""},
      {"llama-server -c 8192 -c 0 -np 2", 0, ""},
      {"llama-server -c 8192 -np 4", 2048, "-c 8192 for 4 slots"},
      {"llama-server -np 1 -c 8192", 8192, "-c 8192"},
      {"llama-server --parallel 4 -c 8192 --kv-unified", 8192, "-c 8192"},
      {"taskset -c 3 llama-server", 0, ""},
      {"taskset -c 3 llama-server -c 8192", 8192, "-c 8192"},
      {"sh -c 'llama-server -c 8192'", 0, ""},
      {"python -m vllm --max-model-len 32768", 32768, "--max-model-len 32768"},
      {"vllm serve m --max_model_len=32K", 32768, "--max-model-len 32K"},
      {"vllm serve m --max-model-len 25.6k -np 2", 25600, "--max-model-len 25.6k"},
      {"taskset -c 256 vllm serve m --max-model-len 8192 -np 2", 8192, "--max-model-len 8192"},
      {"vllm serve m --max-model-len 1m", 1000000, "--max-model-len 1m"},
      {"vllm serve m --max-model-len auto", 0, ""},
      {"vllm serve m --max-model-len 32kb", 0, ""},
      {"vllm serve m --max-model-len 99999999999", 0, ""},
      {"vllm serve m --max-model-len", 0, ""},
      {"sglang --context-length 4096", 4096, "--context-length 4096"},
      {"text-generation-launcher --max-total-tokens 2048", 2048, "--max-total-tokens 2048"},
  };
  for (const Command& row : table) {
    const CommandCapabilities told = read(row.cmd);
    EXPECT_EQ(told.can.context, row.context) << row.cmd;
    EXPECT_EQ(told.context_from, row.from) << row.cmd;
  }
}

TEST(CommandCapabilities, TellWhatItTakesAndServes) {
  EXPECT_THAT(read("x --mmproj p.gguf").can.in, ElementsAre("text", "image"));
  EXPECT_THAT(read("x --mmproj p.gguf --no-mmproj").can.in, IsEmpty());
  EXPECT_THAT(read("x").can.in, IsEmpty());
  for (const char* const option :
       {"--embedding", "--embeddings", "--is-embedding", "--task embed"}) {
    EXPECT_EQ(read("x " + std::string(option)).can.embedding, true) << option;
  }
  for (const char* const option : {"--rerank", "--reranking", "--pooling rank", "--task score"}) {
    EXPECT_EQ(read("x " + std::string(option)).can.reranker, true) << option;
  }
  for (const char* const option :
       {"--jinja", "--enable-auto-tool-choice", "--tool-call-parser hermes"}) {
    EXPECT_EQ(read("x " + std::string(option)).can.tools, true) << option;
  }
  EXPECT_EQ(read("x --no-jinja").can.tools, false);
  EXPECT_TRUE(read("x --task generate --pooling mean").can.is_empty());
  EXPECT_TRUE(read("--embedding").can.is_empty()) << "that is the program";
  EXPECT_TRUE(read("").can.is_empty());
}

TEST(CommandCapabilities, AreReadInTheEnvironmentOfLlamaServerToo) {
  CommandCapabilities told =
      read("llama-server", {"LLAMA_ARG_CTX_SIZE=8192", "LLAMA_ARG_N_PARALLEL=2", "A=b"});
  EXPECT_EQ(told.can.context, 4096);
  EXPECT_EQ(told.context_from, "LLAMA_ARG_CTX_SIZE=8192 for 2 slots");
  EXPECT_EQ(read("llama-server -c 512", {"LLAMA_ARG_CTX_SIZE=8192"}).can.context, 512)
      << "what is on the command line goes before it";
  told = read("llama-server",
              {"LLAMA_ARG_CTX_SIZE=8192", "LLAMA_ARG_N_PARALLEL=2", "LLAMA_ARG_KV_UNIFIED=1",
               "LLAMA_ARG_MMPROJ=/m/p.gguf", "LLAMA_ARG_EMBEDDINGS=true", "LLAMA_ARG_RERANKING=on",
               "LLAMA_ARG_JINJA=1"});
  EXPECT_EQ(told.can.context, 8192);
  EXPECT_THAT(told.can.in, ElementsAre("text", "image"));
  EXPECT_EQ(told.can.embedding, true);
  EXPECT_EQ(told.can.reranker, true);
  EXPECT_EQ(told.can.tools, true);
  told = read("llama-server",
              {"LLAMA_ARG_EMBEDDINGS=0", "LLAMA_ARG_JINJA=false", "LLAMA_ARG_MMPROJ="});
  EXPECT_EQ(told.can.embedding, std::nullopt);
  EXPECT_EQ(told.can.tools, false);
  EXPECT_THAT(told.can.in, IsEmpty());
}

}  // namespace
}  // namespace rouse
