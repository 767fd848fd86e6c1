"""Completion for bash, zsh and fish: the verbs, their second words, and the flags of each, read from the verbs themselves."""

import importlib
from collections.abc import Mapping

from groundup.cli import VERBS

BASH = """_groundup() {{
  local words="{verbs}"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _groundup groundup
"""


def script(shell: str) -> str:
    """The completion script of a shell."""
    words = {verb: _words(verb) for verb in VERBS}
    return (
        fish(words)
        if shell == "fish"
        else bash(words)
        if shell == "bash"
        else "autoload -U +X bashcompinit && bashcompinit\n" + bash(words)
    )


def bash(words: Mapping[str, list[str]]) -> str:
    """A bash function; zsh runs it through bashcompinit."""
    cases = "\n".join(f'      {verb}) words="{" ".join(after)}" ;;' for verb, after in words.items())
    return BASH.format(verbs=" ".join([*words, "--mine", "--help", "--version"]), cases=cases)


def fish(words: Mapping[str, list[str]]) -> str:
    """One `complete` line a word."""
    lines = [f"complete -c groundup -n __fish_use_subcommand -a {verb} -d '{VERBS[verb]}'" for verb in words]
    for verb, after in words.items():
        place = f"complete -c groundup -n '__fish_seen_subcommand_from {verb}'"
        lines += [f"{place} -l {word[2:]}" if word.startswith("--") else f"{place} -a {word}" for word in after]
    return "\n".join(lines) + "\n"


def _words(verb: str) -> list[str]:
    """What may follow a verb: second words, then the flags of them all."""
    from groundup.cli import verbs

    module = importlib.import_module(f"groundup.cli.{verb}")
    actions = getattr(module, "ACTIONS", {})
    functions = list(actions.values()) or [module.run]
    flags = dict.fromkeys(
        flag for function in functions for flag in verbs.flags(verbs.options_of(function), f"groundup {verb}")
    )
    return [*filter(None, actions), *flags]
