#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

// What looks like a secret in the command line of a program, in a URL, or in the name of a
// variable. Whoever reads a log, a list of what runs, or a message need not see it.

/// In the place of a secret.
inline constexpr std::string_view kHidden = "***";

/// Whether @p name, of an option, a variable or a parameter, says that its value is one: --api-key,
/// HF_TOKEN, dbPassword. (No: --api-key-file, --max-tokens.)
[[nodiscard]] bool is_secret_name(std::string_view name);

/// @p text with kHidden in the place of the values of such names ("--api-key X", "HF_TOKEN=X",
/// "?token=X&"), of what follows "Bearer", and of passwords in URLs. @p values: where they go;
/// null: nobody wants them.
[[nodiscard]] std::string hide_secrets(std::string_view text,
                                       std::vector<std::string>* values = nullptr);

/// Those values in @p words: of a command, or K=V of an environment.
[[nodiscard]] std::vector<std::string> secret_values(const std::vector<std::string>& words);

/// @p text with kHidden in the place of each of @p values. Those of less than four bytes stay: they
/// would be found where they are not meant.
[[nodiscard]] std::string hide_values(std::string text, const std::vector<std::string>& values);

}  // namespace rouse
