#include "proxy/wire/capabilities.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse::wire {

namespace {

using Modalities = std::vector<std::string>;

bool is_among(const Modalities& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Modalities shared(const Modalities& one, const Modalities& other) {
  Modalities both;
  std::copy_if(one.begin(), one.end(), std::back_inserter(both),
               [&](const std::string& item) { return is_among(other, item); });
  return both;
}

std::optional<bool> shared(std::optional<bool> one, std::optional<bool> other) {
  return one == other ? one : std::nullopt;
}

}  // namespace

bool Capabilities::takes(std::string_view modality) const {
  return is_among(in, modality);
}

bool Capabilities::gives(std::string_view modality) const {
  return is_among(out, modality);
}

void complete(Capabilities& known, const Capabilities& more) {
  if (known.in.empty()) known.in = more.in;
  if (known.out.empty()) known.out = more.out;
  if (!known.tools) known.tools = more.tools;
  if (!known.reranker) known.reranker = more.reranker;
  if (!known.embedding) known.embedding = more.embedding;
  if (known.context == 0) known.context = more.context;
}

Capabilities resolve(const CapabilitySources& sources) {
  Capabilities known = sources.typed;
  complete(known, sources.said);
  complete(known, sources.command);
  // An engine that serves vectors or ranks still describes the template and the words of its model.
  if (known.embedding.value_or(false) || known.reranker.value_or(false)) {
    known.tools = sources.typed.tools;
    known.out = sources.typed.out;
  }
  return known;
}

Capabilities in_common(const Capabilities& one, const Capabilities& other) {
  Capabilities both;
  both.in = shared(one.in, other.in);
  both.out = shared(one.out, other.out);
  both.tools = shared(one.tools, other.tools);
  both.reranker = shared(one.reranker, other.reranker);
  both.embedding = shared(one.embedding, other.embedding);
  both.context = std::min(one.context, other.context);  // 0, not known: it may be less
  return both;
}

std::vector<std::string> contradictions(const Capabilities& typed, const Capabilities& said) {
  std::vector<std::string> found;
  if (said.context > 0 && typed.context > said.context) {
    found.push_back(fmt::format("capabilities.context says {}, the engine says {}", typed.context,
                                said.context));
  }
  for (const std::string& modality : typed.in) {
    if (said.in.empty() || said.takes(modality)) continue;
    found.push_back(fmt::format("capabilities.in says {}, the engine says {}", modality,
                                fmt::join(said.in, ", ")));
  }
  if (typed.tools.value_or(false) && !said.tools.value_or(true)) {
    found.emplace_back("capabilities.tools says true, the engine says false");
  }
  return found;
}

}  // namespace rouse::wire
