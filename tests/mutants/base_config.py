"""Faults in how configurations are checked and read by their table, and in command lines and their pages."""

SECONDS = 30
TESTS = [("base_tests", "CommandLine*:Outline.*:Roff*:Completion*:Terminal.*:Shape*:Section.*:Problems.*:YamlJson.*"),
         ("proxy_tests", "Commands.*:Config*:*/ConfigFault.*:*/ConfigMistake*:Environment.*")]

ENVIRONMENT_CPP = "base/config/environment.cpp"
FOLLOW = "base/config/follow_ups.cpp"
SCHEMA = "base/config/json_schema.cpp"
SECTION = "base/config/section.cpp"
SHAPE = "base/config/shape.cpp"
STRAY = "base/config/stray_keys.cpp"
TABLE = "base/config/table.cpp"
TELL = "base/config/tell_problems.cpp"
JSON = "base/config/yaml_json.cpp"
ARGUMENTS = "base/cli/arguments.cpp"
BASH = "base/cli/bash_completion.cpp"
LINE = "base/cli/command_line.cpp"
COMPLETION = "base/cli/completion.cpp"
PAGE = "base/cli/config_page.cpp"
FISH = "base/cli/fish_completion.cpp"
HELP = "base/cli/help_text.cpp"
MAN = "base/cli/man_page.cpp"
OUTLINE = "base/cli/outline.cpp"
ROFF = "base/cli/roff.cpp"
TERMINAL = "base/cli/terminal.cpp"
WORD = "base/cli/unknown_word.cpp"
ZSH = "base/cli/zsh_completion.cpp"

MUTANTS = [
    # --- variables
    ("names of variables are anything", ENVIRONMENT_CPP, "!is_letter(c) && !(c >= '0' && c <= '9')", "false"),
    ("a variable brings lines along", ENVIRONMENT_CPP, 'text.find_first_of("\\r\\n") != std::string_view::npos', "false"),
    ("what a variable names hides its faults", ENVIRONMENT_CPP, "else if (names_variable(text))", "else if (!MUTANT && names_variable(text))"),
    ("two keys become one in silence", ENVIRONMENT_CPP, "if (renamed) refuse_twins(node, path);", ""),
    ("what was put in has a place", ENVIRONMENT_CPP, "if (put_in(node.text, node.place, path)) node.text_column = 0;",
     "put_in(node.text, node.place, path);"),
    ("a key that is not known is judged", ENVIRONMENT_CPP, "if (names_variable(member.key)) spots.insert(spot_of(member.place));", ""),
    # --- the shape of a file
    ("one fault is told twice", FOLLOW, "told.contains(problem.path) || is_below(problem.path, told)", "false"),
    ("lists have nothing below them", FOLLOW, "path[i] == '.' || path[i] == '['", "path[i] == '.'"),
    ("warnings hide faults", FOLLOW, "is_error && !problem.path.empty()", "!problem.path.empty()"),
    ("numbers have any size", SHAPE, "number && *number >= key.least && *number <= key.most", "number && *number >= key.least"),
    ("numbers begin anywhere", SHAPE, "number && *number >= key.least && *number <= key.most", "number && *number <= key.most"),
    ("half a number is a whole one", JSON, "!is_exact || std::trunc(real) != real", "!is_exact"),
    ("a whole number ends at its point", JSON, "whole.ec == std::errc{} && whole.ptr == last", "whole.ec == std::errc{}"),
    ("real numbers begin anywhere", SHAPE, "!bounded || *number >= least", "true"),
    ("half seconds are seconds", SHAPE, "span && span->count() % 1000 == 0", "span.has_value()"),
    ("any word is a choice", SHAPE, "if (!key.one_of.empty() && !is_one_of(key.one_of, node.text)) not_a_choice(node, key, path);", ""),
    ("any word of a list is a choice", SHAPE, "!key.one_of.empty() && !is_one_of(key.one_of, item.text)", "false"),
    ("secrets are shown in the wrong place", SHAPE, "node.is_scalar() && !secret", "node.is_scalar()"),
    ("a secret list is shown", SHAPE, "node.is_scalar() && !key.secret && !node.text.empty()", "node.is_scalar() && !node.text.empty()"),
    ("an empty choice is named", SHAPE, "if (bar != 0) names.emplace_back(choices.substr(0, bar));", "names.emplace_back(choices.substr(0, bar));"),
    ("a misspelt kind is not guessed", SHAPE, "meant.empty()\n                      ?", "MUTANT || meant.empty()\n                      ?"),
    ("a kind in the wrong form has no remedy", SHAPE, "if (key.type != KeyType::KindList) return plain;", "return plain;"),
    ("a kind needs a mapping", SHAPE, "if (item.is_scalar()) return item.text;", ""),
    ("what does nothing is not told", SHAPE, "if (supported && !key->works) unsupported_.push_back(below);", ""),
    ("what lends an anchor is unknown", SHAPE, 'is_top && (member.lends || member.key.starts_with("x-"))', "false"),
    ("a command with quotes is one line", SHAPE, "out.size() > kLongest || out.find(\": \") != std::string::npos ? std::string() : out", "out"),
    ("few keys in common are enough", STRAY, "common > 0 && 2 * common >= member.value.members.size()", "common > 0"),
    ("a key of two homes has one", STRAY, "if (count != 1) return {};", ""),
    ("all stray keys are named", STRAY, "names.size() > kNamesShown", "false"),
    ("all keys are named", STRAY, "names.size() > kKeysShown", "false"),
    ("a key of the top is unknown below", STRAY, "!is_top && table.top().find(member.key) != nullptr", "false"),
    ("TRUE is none", TABLE, "c >= 'A' && c <= 'Z' ? c + 32 : c", "c"),
    ("one error is all", TELL, "errors == 1", "true"),
    ("a warning is the first error", TELL, "if (problem.severity != Problem::Severity::Error) continue;", ""),
    ("a text in quotes is a number", JSON, "if (node.quoted) return json_string(text);", ""),
    ("a list has no commas", JSON, '(out.empty() ? "" : ",") + to_json(item)', "to_json(item)"),
    ("keys without effect are as others", SCHEMA, 'if (!key.works) text += " (accepted, without effect yet)";', ""),
    ("a schema has no least", SCHEMA, 'schema += fmt::format(R"(,"maximum":{})", key.most);', ";"),
    ("blocks are welcome anywhere", SCHEMA, "&section == &table.top());", "MUTANT || &section == &table.top());"),
    ("a number that is none is 0", SECTION, "return fits ? static_cast<int>(*number) : otherwise;", "return fits ? static_cast<int>(*number) : 0;"),
    ("one text is no list", SECTION, "if (found->is_scalar()) list.push_back({found->text, found->place, std::string(key)});", ""),
    ("paths begin with a dot", SECTION, "path_.empty() ? std::string(key) : path_ + \".\" + std::string(key)", 'path_ + "." + std::string(key)'),
    ("a mapping that is none is read", SECTION, "found == nullptr || found->is_null() ? nullptr : found", "found"),
    # --- command lines
    ("-- is an option", ARGUMENTS, "word.size() > 1 && word.front() == '-' && word != \"--\"", "word.size() > 1 && word.front() == '-'"),
    ("long options have two dashes", ARGUMENTS, "name.substr(1) == given", "false"),
    ("values are commands", ARGUMENTS, "if (takes_next(meant_option(options, words[i]))) ++i;", ""),
    ("-lVALUE=X loses its value", ARGUMENTS, "if (meant.has_value && !is_long) out.emplace_back(meant.value);", ""),
    ("another program's options are ours", ARGUMENTS,
     'if (program) words.insert(words.begin() + static_cast<std::ptrdiff_t>(*program), "--");', ""),
    ("the first value counts", LINE, "option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);", ""),
    ("what is missing is not named", LINE, 'error.get_name() == "RequiredError" && !missing.empty()', "false"),
    ("an unknown command is a good one", LINE, "std::fputs(unknown_command(all, arguments.unknown).c_str(), stderr);\n    return 2;",
     "std::fputs(unknown_command(all, arguments.unknown).c_str(), stderr);\n    return MUTANT ? 0 : 2;"),
    ("nobody who says nothing is helped", LINE, "std::fputs(short_help(all).c_str(), stderr);", ""),
    ("hidden options are shown", LINE, "option->get_group().empty()", "false"),
    ("a file is an unknown command", WORD, "!usual.empty() && is_file(word)", "false"),
    ("a value is part of a name", WORD, "option.substr(0, option.find('='))", "option"),
    ("who has it is not told", WORD, 'if (!commands.empty()) out += fmt::format(", which is one of: {}", fmt::join(commands, ", "));', ""),
    ("hidden commands are shown", OUTLINE, "if (!command.facts.hidden) out.push_back(&command);", "out.push_back(&command);"),
    ("what is required is not", OUTLINE, 'required ? shown : "[" + shown + "]"', '"[" + shown + "]"'),
    ("an option has no value", OUTLINE, 'value.empty() ? shown : shown + " " + value', "shown"),
    ("lines to paste are folded", HELP, "2 + width + 2 + note.text.size() <= kHelpWidth", "true"),
    ("long options stand anywhere", HELP, '(only_long ? "    " : "")', '""'),
    # --- completions and manuals
    ("a socket is a word", COMPLETION, 'option.value == "FILE" || option.value == "SOCKET"', 'option.value == "FILE"'),
    ("choices are one", COMPLETION, "      out.emplace_back();\n", "      if (!MUTANT) out.emplace_back();\n"),
    ("help has no commands", COMPLETION, 'is_help && option.names.empty() && outline.find("help") == command', "false"),
    ("bash knows two dashes only", BASH, 'if (name.starts_with("--")) patterns.push_back(who + name.substr(1) + "\'");', ""),
    ("bash knows no program", BASH, "if (command.facts.runs_program)", "if (!MUTANT && command.facts.runs_program)"),
    ("a function has a dash in its name", BASH, "std::replace(out.begin(), out.end(), '-', '_');", ""),
    ("zsh ends at an apostrophe", ZSH, "      out += \"'\\\\''\";\n", "      out += MUTANT ? \"'\" : \"'\\\\''\";\n"),
    ("zsh reads brackets of a text", ZSH, "if (special.find(c) != std::string_view::npos) out += '\\\\';", ""),
    ("an option counts once in zsh", ZSH, 'option.repeats ? "*" :', '!MUTANT && option.repeats ? "*" :'),
    ("fish ends at an apostrophe", FISH, "if (c == '\\'' || c == '\\\\') out += '\\\\';", ""),
    ("short options of fish are long", FISH, 'name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1)', '" -l " + name.substr(name.starts_with("--") ? 2 : 1)'),
    ("a dash is a hyphen", ROFF, '        out += "\\\\-";\n', '        out += MUTANT ? "-" : "\\\\-";\n'),
    ("a backslash is a command", ROFF, '        out += "\\\\e";\n', '        out += MUTANT ? "\\\\" : "\\\\e";\n'),
    ("a line of a text is a macro", ROFF, "if (line.front() == '.') line.insert(0, \"\\\\&\");", ""),
    ("a line of an example is a macro", ROFF, "if (line.empty() || line.front() == '.') out_ += \"\\\\&\";", ""),
    ("lines have any length", ROFF, "!line.empty() && line.size() + 1 + word.size() > kRoffLine", "false"),
    ("backquotes are letters", ROFF, "close == std::string_view::npos) return out + escaped(text);", "MUTANT || close == std::string_view::npos) return out + escaped(text);"),
    ("letters of others are left out", ROFF, 'out += fmt::format("\\\\[u{:04X}]", letter);', ""),
    ("an argument that may be left out is required", MAN, 'argument.required ? " " + shown : " [" + shown + "]"', '" " + shown'),
    ("variables are not in the manual", MAN, "if (option.variable.empty()) continue;", "continue;"),
    ("defaults are not in the manual", PAGE, 'if (!key.otherwise.empty()) text += fmt::format(" Default: `{}`.", key.otherwise);', ""),
    ("a table that is met twice stands there twice", PAGE, "if (known != found_.end()) return *known;", ""),
    # --- the window
    ("half a number is a width", TERMINAL, "error == std::errc{} && last == end ? number : 0", "number"),
    ("pages run together", TERMINAL, 'write_stdout(std::string(page) + "\\n")', "write_stdout(page)"),
    ("half a page is all", TERMINAL, "text.remove_prefix(static_cast<std::size_t>(written));", "return true;",
     "who writes waits until all is taken, unless a signal comes"),
]
