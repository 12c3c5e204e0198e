"""One sentence for whatever is wrong with the words of a command line, where tyro would draw a box.

tyro tells a hook what it refuses. That hook is not of its public interface: `constraints.txt` names the version, and
`tests/experiments/test_refused_words.py` notices where another one differs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise

from tyro import _errors

from maca_edu.checks import allowed, shown


class RefusedWords(ValueError):
    """The words of a command line are wrong; the message is the sentence for the user."""


def parsed(read: Callable, words: Sequence[str], command: str, options: str):
    """What `read`, a call of tyro's, makes of the words; raises RefusedWords where it refuses one.

    For messages: command: what they are words of, such as "maca-edu train"; options: which it has, in words.
    """
    with _errors.on_parse_error(functools.partial(refuse, words, command, options)):
        return read()


def refuse(words: Sequence[str], command: str, options: str, event: _errors.ParseErrorEvent) -> None:
    """Raise RefusedWords with a sentence about the event."""
    if isinstance(event, _errors.MissingArgs):
        raise RefusedWords(missing(event, command))
    if isinstance(event, _errors.MissingSubcommand):
        commands = ", ".join(event.subcommand_spec.parser_from_name)
        raise RefusedWords(f"{command} needs a command; allowed are {commands}")
    if isinstance(event, _errors.UnrecognizedArgs):
        raise RefusedWords(f"{unknown(event.tokens)}; allowed are {options}")
    if isinstance(event, _errors.InvalidChoice):
        raise RefusedWords(f"{called(event.argument)}={shown(event.value)}; allowed are {', '.join(event.choices)}")
    if isinstance(event, _errors.BadValue):
        raise RefusedWords(no_value(event.argument, words))
    if isinstance(event, _errors.InstantiationFailure) and event.argument is not None:
        raise RefusedWords(wrong_value(event.argument, words))
    raise RefusedWords(" ".join(str(getattr(event, "message", type(event).__name__)).split()))


def missing(event: _errors.MissingArgs, command: str) -> str:
    """What has to be given, and is not."""
    arguments = [missed.arg for missed in event.missing_arguments]
    needed = " and ".join(f"{called(argument)} ({allowed(argument.field.type)})" for argument in arguments)
    also = f", and {unknown(event.unrecognized_tokens)}" if event.unrecognized_tokens else ""
    return f"{command} needs {needed}{also}; see {command} --help"


def unknown(tokens: Sequence[str]) -> str:
    """That there are no such words; what follows an unknown option is its value."""
    options = [token for token in tokens if token.startswith("--")] or tokens[:1]
    return f"there is no {' and no '.join(map(shown, options))}"


def no_value(argument, words: Sequence[str]) -> str:
    """That an option has no value; where one follows that looks like an option, how it is given."""
    name = called(argument)
    after = [following for word, following in pairwise(words) if word.replace("_", "-") == name]
    if argument.field.type is str and after and after[-1].startswith("--"):
        return f'{name} lacks a value, since {after[-1]!r} begins with --; write {name}="{after[-1]}"'
    return f"{name} lacks a value; allowed are {allowed(argument.field.type)}"


def wrong_value(argument, words: Sequence[str]) -> str:
    """What was given for an argument, and what is allowed."""
    name, kind = called(argument), allowed(argument.field.type)
    if argument.is_positional():  # only paths can fail, and only where they are empty
        return f"{name} holds the empty word; allowed are {kind}"
    given = values_of(name, words)
    return f"{name}={shown(given[0] if len(given) == 1 else given)}; allowed are {kind}"


def called(argument) -> str:
    """An argument's name as the user writes it: --lr, or RUN where it stands alone."""
    name = argument.lowered.name_or_flags[-1]
    return name.rpartition(".")[2].upper() if argument.is_positional() else name


def values_of(option: str, words: Sequence[str]) -> list[str]:
    """What the words give for an option, where it is named last."""
    values: list[str] = []
    is_its = False
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            is_its = name.replace("_", "-") == option
            if is_its:
                values = [value] if equals else []
        elif is_its:
            values.append(word)
    return values
