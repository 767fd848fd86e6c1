"""The command line: `groundup <verb>`. A verb's file is imported when it is called, and the room it needs when it runs, so `--help` stays fast.

Status 0: done. 2: the user's mistake, one sentence with the way out. 130: stopped by Ctrl-C, with the way to go on. 1: ours, one sentence;
GROUNDUP_DEBUG=1 shows the traceback of any of them. Results go to stdout, everything else to stderr.
"""

import os
import sys
from collections.abc import Sequence

VERBS = {  # verb -> what it does, in the order of a first visit
    "demo": "raw text to your own chat model, with one command",
    "run": "run a recipe: a whole run as one TOML file",
    "runs": "list, compare and remove runs, search their logs",
    "plan": "what a run will cost, before it starts",
    "data": "build the documents that a model learns from",
    "tokenizer": "train, use, inspect, compare and convert tokenizers",
    "train": "train a model on text",
    "tune": "teach a model to follow instructions",
    "merge": "several tuned models as one, without training",
    "align": "improve a model by rewards that can be checked",
    "compress": "make a model smaller: 8 or 4 bits a weight, or half of them zero",
    "get": "a model folder of a package, a hub id, a GGUF file or a llama2.c checkpoint",
    "generate": "continue a text",
    "chat": "talk with a model",
    "serve": "models behind a port, for OpenAI's and Anthropic's clients",
    "eval": "measure a model on text",
    "inspect": "what a model holds and what is odd about it; check an architecture of your own",
    "export": "write a model for other tools: Hugging Face, GGUF, ONNX",
    "learn": "write a function of the library yourself, judged at once",
    "doctor": "check this machine and installation",
    "bench": "measure this machine, and a model against its limits",
}
HELP = """usage: groundup [--mine FOLDER] VERB [options]

Build a language model from the ground up: raw text in, your own chat model out.

{verbs}

  groundup VERB --help        the options of a verb
  --mine FOLDER               use your own functions from FOLDER in place of groundup's
  --version                   the version
  --completion bash|zsh|fish  print the shell's completion script

Start with: groundup demo
"""


NAMES_MINE = ("demo", "run", "learn")  # verbs that tell by themselves which functions of the learner's ran


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return dispatch(arguments)
    except BrokenPipeError:  # the reader of our output (head, less) has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        if os.environ.get("GROUNDUP_DEBUG"):
            raise
        return explain(error)


def dispatch(arguments: list[str]) -> int:
    """Take the flags that stand before or after any verb, then call the verb."""
    arguments, mine = take_mine(arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP.format(verbs="\n".join(f"  {verb:<10} {about}" for verb, about in VERBS.items())), end="")
        return 0
    if arguments[0] == "--version":
        import groundup

        print(f"groundup {groundup.__version__}")
        return 0
    from groundup.cli import verbs

    if arguments[0] == "--completion":
        return verbs.completion(arguments[1:])
    if mine is not None:
        verbs.use_mine(mine)
    status = verbs.call(arguments[0], arguments[1:])
    if arguments[0] not in NAMES_MINE:
        verbs.say_mine()
    return status


def take_mine(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without `--mine FOLDER`, wherever it stood, and the folder.

    >>> take_mine(["demo", "--mine", "my", "--fast"])
    (['demo', '--fast'], 'my')
    """
    rest, folder, coming = [], None, iter(arguments)
    for argument in coming:
        if argument == "--":
            rest += [argument, *coming]
        elif argument == "--mine":
            folder = next(coming, "")
        elif argument.startswith("--mine="):
            folder = argument.removeprefix("--mine=")
        else:
            rest.append(argument)
    return rest, folder


def explain(error: BaseException) -> int:
    """One sentence on stderr about what went wrong, and the exit status that goes with it."""
    from groundup.errors import GroundupError

    if isinstance(error, GroundupError):
        print(f"groundup: {error}", file=sys.stderr)
        return error.exit_status
    if isinstance(error, KeyboardInterrupt):
        print("groundup: stopped; the same command starts again", file=sys.stderr)
        return 130
    where = f"{type(error).__name__}: {error}".splitlines()[0]
    print(
        f"groundup: a fault of ours ({where}); run it again with GROUNDUP_DEBUG=1 for the traceback to report",
        file=sys.stderr,
    )
    return 1
