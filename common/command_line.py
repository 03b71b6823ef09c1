"""What the commands have in common: how they refuse options, tell errors to people and programs, and complete words.

FedclaimsError
├── OptionsError    the command line means nothing; see its --help
└── StoppedError    the user stopped it
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Never

from common.errors import FedclaimsError

SHELLS = ("bash", "zsh")
AS_JSON = "--json"


class OptionsError(FedclaimsError):
    """The command line means nothing.

    Attributes:
        usage: What would mean something, and the text behind it.
    """

    exit_code = 2

    def __init__(self, text: str, usage: str) -> None:
        """Say what is wrong, and what would be right."""
        super().__init__(text)
        self.usage = usage


class StoppedError(FedclaimsError):
    """The user stopped the command."""

    exit_code = 130


class CommandParser(argparse.ArgumentParser):
    """A command's parser; those of its subcommands are of this class, too.

    Guarantees:
        * Refused options end the command with code 2; with ``--json`` among them, in one line of JSON.
    """

    def parse_args(self, args: Sequence[str], namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """See ``argparse``; the words must be given."""
        try:
            return super().parse_args(args, namespace)
        except OptionsError as error:
            self._end(error, args)

    def refuse(self, message: str, args: Sequence[str]) -> Never:
        """End the command because its words, though each means something, contradict each other."""
        self._end(self._refused(message), args)

    def error(self, message: str) -> Never:
        """See ``argparse``; ``parse_args`` tells it."""
        raise self._refused(message)

    def _refused(self, message: str) -> OptionsError:
        return OptionsError(message, f"{self.format_usage()}{self.prog}: error: {message}\n")

    def _end(self, error: OptionsError, args: Sequence[str]) -> Never:
        self.exit(error.exit_code, f"{_as_json(error)}\n" if AS_JSON in args else error.usage)


def ending(program: str, error: FedclaimsError | KeyboardInterrupt, given: Sequence[str]) -> tuple[str, int]:
    """How an error ends a command.

    Args:
        program: The command's name.
        error: What ended it.
        given: The words behind the command's name.

    Returns:
        One line for the standard error stream, and the exit code.
    """
    told = StoppedError("interrupted") if isinstance(error, KeyboardInterrupt) else error
    return (_as_json(told) if AS_JSON in given else f"{program}: {told}"), told.exit_code


def add_completion(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    parser: argparse.ArgumentParser,
    say: Callable[[str], None],
) -> None:
    """Add ``completion`` to the commands of a parser; ``say`` prints."""
    found = commands.add_parser("completion", help="print a script that completes words for a shell")
    found.add_argument("shell", choices=SHELLS)
    found.set_defaults(run=lambda arguments: say(completion_script(parser, arguments.shell)))


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """A static script that completes subcommands, options, their choices and files.

    Args:
        parser: Of the whole command.
        shell: One of ``SHELLS``.
    """
    import shtab  # noqa: PLC0415  no other command needs it

    for action in _actions(parser):
        if _names_directory(action):
            vars(action)["complete"] = shtab.DIRECTORY
        elif hasattr(action.type, "__fspath__") or "FILE" in (action.metavar or ""):
            vars(action)["complete"] = shtab.FILE
    return shtab.complete(parser, shell)


def _names_directory(action: argparse.Action) -> bool:
    return action.dest == "dir" or action.metavar == "DIR"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All options and arguments, those of subcommands too."""
    for action in parser._actions:  # noqa: SLF001  argparse has no other way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from _actions(below)
        else:
            yield action


def _as_json(error: FedclaimsError) -> str:
    held = {"error": type(error).__name__, "text": str(error), "exit_code": error.exit_code}
    return json.dumps(held, ensure_ascii=False)
