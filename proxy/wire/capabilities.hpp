#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {

/// What is known of what a model can do, from one source or from several. What nobody says is
/// empty.
struct Capabilities {
  std::vector<std::string> in;  ///< modalities: text, audio, image, video
  std::vector<std::string> out;
  std::optional<bool> tools;
  std::optional<bool> reranker;
  std::optional<bool> embedding;
  int context = 0;  ///< tokens that one request may have; 0: not known

  [[nodiscard]] bool takes(std::string_view modality) const;
  [[nodiscard]] bool gives(std::string_view modality) const;
  [[nodiscard]] bool is_empty() const { return *this == Capabilities(); }

  bool operator==(const Capabilities&) const = default;
};

/// Adds to @p known what it lacks.
void complete(Capabilities& known, const Capabilities& more);

/// The sources of what is said of one model.
struct CapabilitySources {
  Capabilities typed;    ///< in the configuration
  Capabilities said;     ///< by its engine
  Capabilities command;  ///< as its command line has it
};

/// What counts: each ability from the first source that knows it, in the order of the sources.
[[nodiscard]] Capabilities resolve(const CapabilitySources& sources);

/// What a name promises that leads to either of two models.
[[nodiscard]] Capabilities in_common(const Capabilities& one, const Capabilities& other);

/// Where @p typed promises more than the engine has: "capabilities.context says 256000, the engine
/// says 4096". To promise less is a wish, and no mistake.
[[nodiscard]] std::vector<std::string> contradictions(const Capabilities& typed,
                                                      const Capabilities& said);

}  // namespace rouse::wire
