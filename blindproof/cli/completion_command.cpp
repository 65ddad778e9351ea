// blindproof completion: scripts that complete commands, options and values, made from the same tree that parses arguments.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>

#include "blindproof/cli/session.h"

namespace blindproof::cli {
namespace {

constexpr const char* kProgram = "blindproof";

/// What follows an option, or stands in a position.
struct Value {
  enum class Kind { kFiles, kFolders, kWords, kOther };
  Kind kind = Kind::kFiles;
  std::string words;  // separated by spaces
};

struct OptionEntry {
  std::vector<std::string> long_names, short_names;  // without dashes
  std::string about;
  std::optional<Value> value;  // flags have none
};

struct Command {
  std::string path;  // "blindproof model compile"
  std::vector<std::pair<std::string, std::string>> subcommands;
  std::vector<OptionEntry> options;
  std::vector<Value> positionals;
  bool repeats = false;  // the last positional
};

/// A set's words from how it is described: "TEXT:{a,b}", "ENUM:a|b", "ENUM:value in {a->0,b->1} OR {0,1}"; "" for other checks.
std::string words_of(const std::string& description) {
  const std::size_t open = description.find('{'), close = description.find('}', open), colon = description.find(':');
  std::string list;
  if (open != std::string::npos && close != std::string::npos) {
    list = description.substr(open + 1, close - open - 1);
  } else if (colon != std::string::npos && description.find('|') != std::string::npos) {
    list = description.substr(colon + 1);
    std::ranges::replace(list, '|', ',');
  }
  std::istringstream set(list);
  std::string words;
  for (std::string word; std::getline(set, word, ',');) {
    word = word.substr(0, word.find("->"));
    if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != std::string::npos) return "";
    words += (words.empty() ? "" : " ") + word;
  }
  return words;
}

Value value_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (const std::string words = words_of(type); !words.empty()) return {Value::Kind::kWords, words};
  if (type.find(":DIR") != std::string::npos) return {Value::Kind::kFolders, ""};
  return {type.starts_with("TEXT") ? Value::Kind::kFiles : Value::Kind::kOther, ""};
}

void collect(CLI::App& app, const std::string& path, std::vector<Command>& commands) {
  Command command;
  command.path = path;
  const auto subcommands = app.get_subcommands([](CLI::App* each) { return !each->get_group().empty(); });  // others are hidden
  for (const CLI::App* subcommand : subcommands) command.subcommands.emplace_back(subcommand->get_name(), subcommand->get_description());
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.positionals.push_back(value_of(*option));
      command.repeats = option->get_items_expected_max() > 1;
    }
    if (option->get_group().empty() || (option->get_lnames().empty() && option->get_snames().empty())) continue;
    OptionEntry entry{option->get_lnames(), option->get_snames(), option->get_description(), std::nullopt};
    if (option->get_items_expected_max() > 0) entry.value = value_of(*option);
    command.options.push_back(std::move(entry));
  }
  commands.push_back(std::move(command));
  for (CLI::App* subcommand : subcommands) collect(*subcommand, path + " " + subcommand->get_name(), commands);
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : c == '\n' ? std::string(" ") : std::string(1, c);
  return result + "'";
}

std::vector<std::string> dashed(const OptionEntry& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.long_names) names.push_back("--" + name);
  for (const std::string& name : option.short_names) names.push_back("-" + name);
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// A shell function that finds `answer` for "$1" among the entries: (patterns, answer).
void write_case(std::ostream& out, const std::string& name, const std::vector<std::pair<std::string, std::string>>& entries) {
  std::vector<std::pair<std::string, std::string>> grouped;  // those of one answer together, by first appearance
  for (const auto& [pattern, answer] : entries) {
    const auto known = std::ranges::find(grouped, answer, [](const auto& entry) { return entry.second; });
    if (known == grouped.end()) {
      grouped.emplace_back(quoted(pattern), answer);
    } else {
      known->first += "|" + quoted(pattern);
    }
  }
  out << name << "() {\n  case \"$1\" in\n";
  for (const auto& [patterns, answer] : grouped) out << "    " << patterns << ") echo " << quoted(answer) << ";;\n";
  out << "  esac\n}\n\n";
}

std::string kind_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kFiles: return "files";
    case Value::Kind::kFolders: return "folders";
    case Value::Kind::kWords: return "words " + value.words;
    case Value::Kind::kOther: return "other";
  }
  return "other";
}

/// For bash and zsh: what can come where.
void write_tables(std::ostream& out, const std::vector<Command>& commands) {
  std::vector<std::pair<std::string, std::string>> names, options, values;
  for (const Command& command : commands) {
    std::vector<std::string> words;
    for (const auto& subcommand : command.subcommands) words.push_back(subcommand.first);
    if (!words.empty()) names.emplace_back(command.path, joined(words));
    words.clear();
    for (const OptionEntry& option : command.options) {
      for (const std::string& name : dashed(option)) {
        words.push_back(name);
        if (option.value) values.emplace_back(command.path + " " + name, kind_of(*option.value));
      }
    }
    options.emplace_back(command.path, joined(words));
    for (std::size_t i = 0; i < command.positionals.size(); ++i) {
      const bool last = i + 1 == command.positionals.size();
      values.emplace_back(command.path + " " + (last && command.repeats ? "+" : std::to_string(i)), kind_of(command.positionals[i]));
    }
  }
  write_case(out, "_blindproof_subcommands", names);
  write_case(out, "_blindproof_options", options);
  write_case(out, "_blindproof_value", values);
}

/// Shell code for both: from the words before the cursor ($@) to `place`, and `wanted`: a value's kind, or "" where commands and options come.
constexpr const char* kFindPlace = R"shell(_blindproof_find_place() {
  local word value='' position=0
  place=blindproof
  wanted=''
  for word in "$@"; do
    if [ -n "$value" ]; then
      value=''
    elif [ "${word#-}" != "$word" ]; then
      case "$word" in
        *=*) ;;
        *) value=$(_blindproof_value "$place $word") ;;
      esac
    elif [ "$position" = 0 ] && [ -n "$(_blindproof_options "$place $word")" ]; then
      place="$place $word"
    else
      position=$((position + 1))
    fi
  done
  wanted=$value
  if [ -z "$wanted" ]; then
    positional=$(_blindproof_value "$place $position")
    [ -n "$positional" ] || positional=$(_blindproof_value "$place +")
  fi
}

)shell";

constexpr const char* kBash = R"shell(_blindproof() {
  local word=${COMP_WORDS[COMP_CWORD]} place wanted positional
  local -a before=()
  local i
  # Bash splits --option=value at the sign.
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [ "${COMP_WORDS[i]}" != '=' ]; then before+=("${COMP_WORDS[i]}"); fi
  done
  if [ "$word" = '=' ]; then word=''; fi
  _blindproof_find_place "${before[@]}"
  COMPREPLY=()
  if [ -z "$wanted" ]; then
    if [ "${word#-}" != "$word" ]; then
      COMPREPLY=($(compgen -W "$(_blindproof_options "$place")" -- "$word"))
      return
    fi
    COMPREPLY=($(compgen -W "$(_blindproof_subcommands "$place")" -- "$word"))
    if [ ${#COMPREPLY[@]} -gt 0 ]; then return; fi
    wanted=$positional
  fi
  case "$wanted" in
    files) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    folders) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    words\ *)
      # Of lists the last one: a,b
      local list=''
      case "$word" in *,*) list=${word%,*}, ;; esac
      COMPREPLY=($(compgen -P "$list" -W "${wanted#words }" -- "${word##*,}"))
      ;;
  esac
}

complete -F _blindproof blindproof
)shell";

constexpr const char* kZsh = R"shell(_blindproof() {
  local place wanted positional
  local -a found
  _blindproof_find_place "${(@)words[2,CURRENT-1]}"
  if [ -z "$wanted" ]; then
    if [ "${PREFIX#-}" != "$PREFIX" ]; then
      found=(${(f)"$(_blindproof_described_options "$place")"})
      _describe -o option found
      return
    fi
    found=(${(f)"$(_blindproof_described_subcommands "$place")"})
    if [ ${#found} -gt 0 ]; then
      _describe command found
      return
    fi
    wanted=$positional
  fi
  case "$wanted" in
    files) _files ;;
    folders) _files -/ ;;
    words\ *) _values -s , value ${=wanted#words } ;;
  esac
}

if [ "$funcstack[1]" = "_blindproof" ]; then
  _blindproof "$@"
else
  compdef _blindproof blindproof
fi
)shell";

std::string bash_script(const std::vector<Command>& commands) {
  std::ostringstream out;
  out << "# bash completion for blindproof; made by `blindproof completion bash`\n\n";
  write_tables(out, commands);
  out << kFindPlace << kBash;
  return out.str();
}

std::string described(const std::string& name, const std::string& about) {
  std::string text = name;
  if (!about.empty()) text += ":" + about.substr(0, about.find('\n'));
  return text;
}

std::string zsh_script(const std::vector<Command>& commands) {
  std::ostringstream out;
  out << "#compdef blindproof\n# zsh completion for blindproof; made by `blindproof completion zsh`\n\n";
  write_tables(out, commands);
  out << kFindPlace;
  std::vector<std::pair<std::string, std::string>> names, options;
  for (const Command& command : commands) {
    std::string lines;
    for (const auto& [name, about] : command.subcommands) lines += described(name, about) + "\n";
    if (!lines.empty()) names.emplace_back(command.path, lines);
    lines.clear();
    for (const OptionEntry& option : command.options) {
      for (const std::string& name : dashed(option)) lines += described(name, option.about) + "\n";
    }
    options.emplace_back(command.path, lines);
  }
  for (const auto& [function, entries] : {std::pair{"_blindproof_described_subcommands", &names}, std::pair{"_blindproof_described_options", &options}}) {
    out << function << "() {\n  case \"$1\" in\n";
    for (const auto& [path, lines] : *entries) {
      out << "    " << quoted(path) << ") print -rl --";
      std::istringstream each(lines);
      for (std::string line; std::getline(each, line);) out << " " << quoted(line);
      out << ";;\n";
    }
    out << "  esac\n}\n\n";
  }
  out << kZsh;
  return out.str();
}

constexpr const char* kFish = R"shell(# The words before the cursor as a path of subcommands: which one is it?
function __blindproof_at
    set -l path blindproof
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if contains -- "$path $word" $__blindproof_paths
            set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end

complete -c blindproof -f
)shell";

std::string fish_script(const std::vector<Command>& commands) {
  std::ostringstream out;
  out << "# fish completion for blindproof; made by `blindproof completion fish`\n\nset -g __blindproof_paths";
  for (const Command& command : commands) out << " " << quoted(command.path);
  out << "\n\n" << kFish;
  const auto fish_quoted = [](const std::string& text) {
    std::string result = "'";
    for (const char c : text.substr(0, text.find('\n'))) result += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return result + "'";
  };
  for (const Command& command : commands) {
    const std::string here = "complete -c blindproof -n " + fish_quoted("__blindproof_at " + fish_quoted(command.path));
    for (const auto& [name, about] : command.subcommands) out << here << " -a " << name << " -d " << fish_quoted(about) << "\n";
    for (const OptionEntry& option : command.options) {
      out << here;
      for (const std::string& name : option.long_names) out << " -l " << name;
      for (const std::string& name : option.short_names) out << " -s " << name;
      if (option.value) {
        out << " -r";
        switch (option.value->kind) {
          case Value::Kind::kFiles: out << " -F"; break;
          case Value::Kind::kFolders: out << " -f -a '(__fish_complete_directories)'"; break;
          case Value::Kind::kWords: out << " -f -a " << fish_quoted(option.value->words); break;
          case Value::Kind::kOther: out << " -f"; break;
        }
      }
      out << " -d " << fish_quoted(option.about) << "\n";
    }
    for (const Value& value : command.positionals) {
      if (value.kind == Value::Kind::kFiles) out << here << " -F\n";
      if (value.kind == Value::Kind::kFolders) out << here << " -f -a '(__fish_complete_directories)'\n";
      if (value.kind == Value::Kind::kWords) out << here << " -f -a " << fish_quoted(value.words) << "\n";
    }
  }
  return out.str();
}

}  // namespace

void add_completion_command(CLI::App& app, Session& session) {
  const auto shell = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand("completion", "Print a script that completes this program's commands in a shell");
  command.add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command.footer("Examples:\n  source <(blindproof completion bash)\n  blindproof completion zsh > \"${fpath[1]}/_blindproof\"\n"
                 "  blindproof completion fish > ~/.config/fish/completions/blindproof.fish\nAn installed program has them in place.");
  session.add_command(command, [&session, &app, shell] {
    std::vector<Command> commands;
    collect(app, kProgram, commands);
    const std::string script = *shell == "bash" ? bash_script(commands) : *shell == "zsh" ? zsh_script(commands) : fish_script(commands);
    return session.report({{"shell", *shell}, {"script", script}}, script);
  });
}

}  // namespace blindproof::cli
