#include "proxy/config/command_capabilities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

namespace rouse {

namespace {

/// llama-server rounds a context up to a multiple of this. A -c of less is another program's:
/// `taskset -c 3`.
constexpr int kLlamaBlock = 256;

/// "32768", and as vLLM has it "32k" (thousands) or "32K" (of 1024); 0: it is none.
int token_count(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || number < 1) return 0;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "k") number *= 1e3;
  if (unit == "K") number *= 1024;
  if (unit == "m") number *= 1e6;
  if (unit == "M") number *= 1024 * 1024;
  const bool is_known = unit.empty() || unit.find_first_not_of("kKmM") == unit.npos;
  if (!is_known || unit.size() > 1 || number > std::numeric_limits<int>::max()) return 0;
  return static_cast<int>(number);
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// The options of one command, read in their order: the last of a kind counts.
class OptionReader {
 public:
  void read_env(const std::string& setting) {
    const std::size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : setting.substr(equals + 1);
    const bool is_on =
        !is_one_of(value, std::to_array<std::string_view>({"", "0", "false", "off", "disabled"}));
    if (name == "LLAMA_ARG_CTX_SIZE") take_llama_context(value, setting);
    if (name == "LLAMA_ARG_N_PARALLEL") slots_ = token_count(value);
    if (name == "LLAMA_ARG_KV_UNIFIED") is_unified_ = is_on;
    if (name == "LLAMA_ARG_MMPROJ" && !value.empty()) sees_ = true;
    if (name == "LLAMA_ARG_EMBEDDINGS" && is_on) can_.embedding = true;
    if (name == "LLAMA_ARG_RERANKING" && is_on) can_.reranker = true;
    if (name == "LLAMA_ARG_JINJA") can_.tools = is_on;
  }

  void read_words(const std::vector<std::string>& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      std::string name = words[i];
      if (!name.starts_with('-')) continue;
      const std::size_t equals = name.starts_with("--") ? name.find('=') : std::string::npos;
      std::string value = i + 1 < words.size() ? words[i + 1] : std::string();
      if (equals != std::string::npos) {
        value = name.substr(equals + 1);
        name.resize(equals);
      }
      // vLLM takes both spellings.
      if (name.starts_with("--")) std::replace(name.begin(), name.end(), '_', '-');
      read_switch(name);
      read_option(name, value);
    }
  }

  CommandCapabilities take() {
    CommandCapabilities made{std::move(can_), std::move(from_)};
    made.can.context = context_;
    if (context_ > 0 && is_llama_context_ && slots_ > 1 && !is_unified_) {
      made.can.context = context_ / slots_;
      made.context_from += fmt::format(" for {} slots", slots_);
    }
    if (sees_) made.can.in = {"text", "image"};
    return made;
  }

 private:
  void read_switch(std::string_view name) {
    if (name == "-kvu" || name == "--kv-unified") is_unified_ = true;
    if (name == "-no-kvu" || name == "--no-kv-unified") is_unified_ = false;
    if (name == "--no-mmproj") sees_ = false;
    if (name == "--embedding" || name == "--embeddings" || name == "--is-embedding")
      can_.embedding = true;
    if (name == "--rerank" || name == "--reranking") can_.reranker = true;
    if (name == "--jinja" || name == "--enable-auto-tool-choice" || name == "--tool-call-parser")
      can_.tools = true;
    if (name == "--no-jinja") can_.tools = false;
  }

  void read_option(std::string_view name, const std::string& value) {
    const std::string text = fmt::format("{} {}", name, value);
    if (name == "-c" || name == "--ctx-size") take_llama_context(value, text);
    if (name == "--max-model-len" || name == "--context-length" || name == "--max-total-tokens") {
      take_context(token_count(value), text);
      is_llama_context_ = false;
    }
    if (name == "-np" || name == "--parallel") slots_ = token_count(value);
    if (name == "-mm" || name == "--mmproj" || name == "-mmu" || name == "--mmproj-url")
      sees_ = true;
    if (name == "--pooling" && value == "rank") can_.reranker = true;
    if (name != "--task" && name != "--convert") return;
    if (value == "embed" || value == "embedding") can_.embedding = true;
    if (value == "score") can_.reranker = true;
  }

  void take_llama_context(const std::string& value, const std::string& text) {
    const int tokens = token_count(value);
    // 0 is what the file of the model says, or what fits.
    if (tokens >= kLlamaBlock || value == "0") {
      take_context(tokens, text);
      is_llama_context_ = true;
    }
  }

  void take_context(int tokens, const std::string& text) {
    context_ = tokens;
    from_ = tokens == 0 ? std::string() : text;
  }

  wire::Capabilities can_;
  std::string from_;
  int context_ = 0;
  int slots_ = 0;
  bool is_llama_context_ = false;
  bool is_unified_ = false;
  bool sees_ = false;
};

}  // namespace

CommandCapabilities read_command_capabilities(const ModelConfig& model) {
  OptionReader reader;
  for (const std::string& setting : model.env) reader.read_env(setting);
  reader.read_words(model.argv);
  return reader.take();
}

}  // namespace rouse
