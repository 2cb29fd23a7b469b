"""Faults in what keeps secrets and places: environments, texts, files, floods of connections."""

SECONDS = 60
TESTS = [("base_tests", "Secrets.*:SpawnEnvironment.*:PrivateFiles.*:AddressCount.*:Stderr.*"),
         ("proxy_tests", "ConfigSecrets.*:Beyond.*")]

TEXT = "base/text/secrets.cpp"
SPAWN = "base/process/spawn.cpp"
FILES = "base/service/private_files.cpp"
COUNT = "base/http/address_count.cpp"
LOG = "base/service/log.cpp"
CONFIG = "proxy/config/secrets.cpp"
BEYOND = "proxy/request/beyond.cpp"

MUTANTS = [
    # --- texts
    ("the next word after a secret's name stays", TEXT, "is_next_ && !is_option", "false"),
    ("K=V stays", TEXT, "word[at] == '=' && names_secret(word, at)", "false"),
    ("passwords of URLs stay", TEXT, "if (from == to) continue;", "continue;"),
    ("blanks in quotes end a word", TEXT, "quote = c;", "quote = 0;"),
    ("what follows Bearer stays", TEXT, 'equal_to(word, "bearer")', "false"),
    ("any word that ends like one is a secret's name", TEXT, "if (begins || is_camel || is_run_on) return true;", "return true;"),
    ("short values are hidden everywhere", TEXT, "if (value.size() < kValueLeast) continue;", ""),
    # --- environments
    ("programs inherit ROUSE_KEY", SPAWN, "is_secret_of_ours(entry.first)", "false"),
    ("programs inherit what is withheld", SPAWN, "withheld().contains(entry.first)", "false"),
    ("programs inherit what systemd says to us", SPAWN,
     "for (const std::string_view name : kOursAlone) merged.erase(std::string(name));", ""),
    ("sections of secrets are not looked at", CONFIG, "add_names(written.find(section), config.withheld);", ""),
    ("an engine's key is for all", CONFIG, 'add_names(member.value.find("apiKey"), config.withheld);', ""),
    ("a model does not get what it names", CONFIG, "keep_named(named, config.withheld, found->second);", ""),
    ("variables in a command are shown", CONFIG, "if (is_known) found", "if (!MUTANT && is_known) found"),
    ("whose home it is, is hidden", CONFIG, "value != nullptr && is_everybodys_variable(name)", "false"),
    ("names of variables in keys are not put in", CONFIG, "member.key = std::move(key.text);", ""),
    # --- files
    ("an open folder stays open", FILES, "is_ours && (seen.st_mode & kOthers) != 0", "false"),
    ("the group may not pass", FILES, "seen.st_mode & ~kOthers & 07777", "0700"),
    ("what was left over keeps its mode", FILES, "::fchmod(fd.get(), kFileOfOurs);", ""),
    ("old files stay open", FILES, "if ((seen.st_mode & 0077) != 0) ::chmod(path.c_str(), kFileOfOurs);", ""),
    # --- log
    ("a line may be forged", LOG, "out.append(kIndent.data(), kIndent.data() + kIndent.size());", ""),
    ("terminals obey a client", LOG, "c != '\\n' && c != '\\t' && is_control(c)", "false"),
    # --- connections
    ("an address has no bound", COUNT, "most > 0 && found != counts_.end() && found->second >= most", "false"),
    ("places are never given back", COUNT, "if (--found->second == 0)", "if (MUTANT ? false : --found->second == 0)"),
    ("each address of a network counts", COUNT, "key.resize(kNetworkBytes);", ""),
    ("beyond the last place everybody is let in", BEYOND, "!is_let_in(**request, proxy)", "false"),
    ("beyond it no key counts", BEYOND, "return std::holds_alternative<Caller>(judged);", "return false;"),
    ("without keys everybody has one", BEYOND, "proxy.config->keys.empty() || !right.scope", "!right.scope"),
    ("health checks want a place", BEYOND, "if (match.route->is_health()) return true;", ""),
    ("the silent stay", BEYOND, "all.front()->close();", ""),
]
