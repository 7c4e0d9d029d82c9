#include "apps/orcon/help/completion.hpp"

namespace orcon {

namespace {

constexpr std::string_view bash
  = R"sh(# bash completion for orcon:  source <(orcon completion bash)
_orcon() {
  local line word=${COMP_WORDS[COMP_CWORD]}
  [[ $word == = ]] && word=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done \
          < <(compgen -f -- "$word") ;;
      :folders) compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done \
          < <(compgen -d -- "$word") ;;
      :commands)
        while IFS= read -r line; do COMPREPLY+=("$line"); done \
          < <(compgen -c -- "$word" | sort -u) ;;
      *) line=${line%%$'\t'*}
        COMPREPLY+=("$(printf '%q' "$line")") ;;
    esac
  done < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _orcon orcon
)sh";

constexpr std::string_view zsh = R"sh(#compdef orcon
# zsh completion for orcon:  source <(orcon completion zsh)  after compinit
_orcon() {
  local line also
  local -a shown
  for line in "${(@f)$("$words[1]" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :*) also=${line#:} ;;
      *$'\t'*) shown+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      *) shown+=("${line//:/\\:}") ;;
    esac
  done
  (( $#shown )) && _describe -V 'orcon' shown
  case $also in
    files) compset -P '--*='; _files ;;
    folders) compset -P '--*='; _files -/ ;;
    commands) _command_names -e ;;
  esac
}
if [[ $funcstack[1] == _orcon ]]; then
  _orcon "$@"
else
  compdef _orcon orcon
fi
)sh";

constexpr std::string_view fish
  = R"sh(# fish completion for orcon:  orcon completion fish | source
function __orcon_complete
  set -l words (commandline -opc)
  set -l word (commandline -ct)
  set -l option (string match -r '^--[^=]*=' -- "$word")
  set -l value (string replace -r '^--[^=]*=' '' -- "$word")
  for line in ($words[1] complete -- $words[2..-1] "$word" 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path "$value" | string replace -r '^' -- "$option"
      case ':folders'
        __fish_complete_directories "$value" '' | string replace -r '^' -- "$option"
      case ':commands'
        complete -C "$word"
      case '*'
        printf '%s\n' $line
    end
  end
end
complete -c orcon -f -a '(__orcon_complete)'
)sh";

} // namespace

std::string_view completion_script(std::string_view shell) {
  return shell == "bash"   ? bash
         : shell == "zsh"  ? zsh
         : shell == "fish" ? fish
                           : "";
}

} // namespace orcon
