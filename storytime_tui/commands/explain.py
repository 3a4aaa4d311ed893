"""`storytime-tui explain`: how likely a model finds each token of a text, and what it would rather have said."""

import argparse
import dataclasses
import math
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from storytime_tui import log
from storytime_tui.cli import DONE
from storytime_tui.commands.computing_options import add_device_argument, device_of
from storytime_tui.commands.downloads import add_yes_argument
from storytime_tui.commands.input import read_standard_input
from storytime_tui.commands.output import StatusLine, print_json, say
from storytime_tui.commands.tables import cut
from storytime_tui.errors import StorytimeError
from storytime_tui.formatting import count, progress
from storytime_tui.generation.voice import Voice, describe
from storytime_tui.jobs.explain import (
    Explainer,
    Likely,
    TokenExplained,
    bits_per_byte,
    explain_text,
    open_explainer,
)
from storytime_tui.terminal import cells, printable, printable_line

_MOST = 2_000_000  # bytes of standard input: a long book
_WIDTH = 80  # terminal columns
_RARE = math.log(0.001)  # less likely tokens are shown as <0.1%, and not among the likeliest
_SPACE, _LINE_END = "·", "\u240a"
_PART, _END = "…", "(end)"  # a token without text: a part of a character; end-of-text
DOWNLOADS = True  # it may download a model, and asks first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of `explain`."""
    parser.add_argument("--model", required=True, help="a run, run/step-20, a folder, or a Hub id")
    parser.add_argument(
        "--versus", metavar="MODEL", help="a second model to compare with, such as the run's base"
    )
    parser.add_argument(
        "--checkpoint", metavar="best|last|step-N", help="the run's checkpoint (the best, else the last)"
    )
    parser.add_argument(
        "--text", metavar="TEXT", help="the text; - reads standard input, as does leaving it out"
    )
    parser.add_argument(
        "--voice",
        metavar="TITLE",
        help="the shelf whose line is in view before the text, given by its title or the start of it (the model's "
        'first shelf); "none" is no line. The second model has its usual voice if it does not know this one',
    )
    add_device_argument(parser)
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=["auto", "bf16", "fp32"],
        help="of the arithmetic (fp32: exact)",
    )
    add_yes_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per token")


def run(args: argparse.Namespace) -> int:
    """Print a line for each token, and the bits per byte of the text."""
    log.start()
    text = _text(args.text)
    status = StatusLine()

    def report(what: str, done: int, total: int) -> None:
        status.show(progress(what, done, total))

    try:
        explainer = open_explainer(
            args.model,
            report,
            versus=args.versus,
            checkpoint=args.checkpoint,
            device_name=device_of(args.device),
            precision=args.precision,
        )
        voices = explainer.voices(args.voice)
        status.clear()
        for opened in explainer.models:
            if opened.told_at != 1:
                name = printable_line(opened.name)
                say(f"{name} is explained at strength 1, as trained; `tell` uses {opened.told_at:g}.")
        tokens = _without_status(explain_text(explainer, text, voices, report), status)
        if args.json:
            _print_json(explainer, text, voices, tokens)
        else:
            _print_table(explainer, text, voices, tokens)
    finally:
        status.clear()
    return DONE


def _text(given: str | None) -> str:
    """The text to explain. Raises StorytimeError if it is blank or too long."""
    if given is None or given == "-":
        if sys.stdin is not None and sys.stdin.isatty():
            say("Type the text. Ctrl+D on an empty line ends it.")
        given = read_standard_input("text", "--text", _MOST)
    if not given.strip():
        raise StorytimeError("The text is empty: give one with --text TEXT, or on standard input.")
    return given


def _without_status(tokens: Iterable[TokenExplained], status: StatusLine) -> Iterator[TokenExplained]:
    """The tokens; on a terminal the status line is removed before each, because it would be in the same line."""
    on_terminal = sys.stdout.isatty()
    for token in tokens:
        if on_terminal:
            status.clear()
        yield token


class _Total:
    """The number of tokens so far, and the sums of their logprobs under each model."""

    def __init__(self) -> None:
        self.tokens, self.logprobs = 0, [0.0, 0.0]

    def add(self, token: TokenExplained) -> None:
        self.tokens += 1
        self.logprobs[0] += token.logprob
        self.logprobs[1] += token.versus.logprob if token.versus else 0.0


# -- JSON ----------------------------------------------------------------------------------------------------------


def _print_json(
    explainer: Explainer, text: str, voices: Sequence[Voice], tokens: Iterable[TokenExplained]
) -> None:
    total = _Total()
    for token in tokens:
        total.add(token)
        record = {"event": "token", **dataclasses.asdict(token)}
        if token.versus is None:
            del record["versus"]
        else:
            record["difference"] = token.difference
        print_json(record)
    own, *other = (
        {
            "model": opened.name,
            "voice": [title for title, _ in voice],
            "bits_per_byte": bits_per_byte(sum_, text),
        }
        for opened, voice, sum_ in zip(explainer.models, voices, total.logprobs, strict=False)
    )
    sizes = {"tokens": total.tokens, "bytes": len(text.encode())}
    print_json({"event": "finished", **own, **sizes, **({"versus": other[0]} if other else {})})


# -- the table -----------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column of the table, `width` terminal columns wide."""

    heading: str
    width: int
    right: bool = True


# 80 terminal columns in all, with two between two columns
_ONE = (
    _Column("token", 14, right=False),
    _Column("prob", 5),
    _Column("logprob", 7),
    _Column("rank", 6),
    _Column("likeliest", 40, right=False),
)
_TWO = (
    _Column("token", 13, right=False),
    _Column("prob", 5),
    _Column("rank", 6),
    _Column("versus", 6),
    _Column("rank", 6),
    _Column("difference", 10),
    _Column("likeliest", 10, right=False),
    _Column("versus", 10, right=False),
)


def _print_table(
    explainer: Explainer, text: str, voices: Sequence[Voice], tokens: Iterable[TokenExplained]
) -> None:
    columns = _ONE if explainer.versus is None else _TWO
    print(_line([column.heading for column in columns], columns))
    total = _Total()
    for token in tokens:
        total.add(token)
        print(_line(_fields(token), columns), flush=True)
    print()
    names = [
        opened.name + (f" (as {describe(voice)})" if voice else "")
        for opened, voice in zip(explainer.models, voices, strict=True)
    ]
    bits = [f"{bits_per_byte(sum_, text):.4f}" for sum_ in total.logprobs]
    sentence = (
        f"{count(total.tokens, 'token')}, {count(len(text.encode()), 'byte')}: {bits[0]} bits per byte under "
        f"{names[0]}"
    )
    if explainer.versus is not None:
        sentence += f", {bits[1]} under {names[1]}"
    print(textwrap.fill(printable_line(sentence + "."), _WIDTH))
    say(_legend(explainer, voices))


def _legend(explainer: Explainer, voices: Sequence[Voice]) -> str:
    line = " and the shelf's line" if any(voices) else ""
    legend = (
        f"{_SPACE} is a space, {_LINE_END} a line end, {_PART} a part of a character. The first token comes after an "
        f"end-of-text{line}."
    )
    if explainer.versus is not None:
        own, other = explainer.model.name, explainer.versus.name
        legend += (
            f" The difference is the logprob under {own} minus that under {other}, in nats: above 0, {own} finds the "
            "token likelier."
        )
    return textwrap.fill(printable_line(legend), _WIDTH)


def _fields(token: TokenExplained) -> list[str]:
    name = _visible(token.text, _PART)
    if token.versus is None:
        return [
            name,
            _percent(token.logprob),
            _nats(token.logprob),
            f"{token.rank:,}",
            _listed(token.likeliest, _ONE[-1].width),
        ]
    return [
        name,
        _percent(token.logprob),
        f"{token.rank:,}",
        _percent(token.versus.logprob),
        f"{token.versus.rank:,}",
        _nats(token.difference, "+"),
        _visible(token.likeliest[0].text, _END),
        _visible(token.versus.likeliest[0].text, _END),
    ]


def _line(fields: Sequence[str], columns: Sequence[_Column]) -> str:
    """One line of the table, of printable fields; a field wider than its column is cut."""
    parts = []
    for field, column in zip(fields, columns, strict=True):
        part = field if cells(field) <= column.width else cut(field, column.width)
        space = " " * (column.width - cells(part))
        parts.append(space + part if column.right else part + space)
    return "  ".join(parts).rstrip()


def _listed(likeliest: Sequence[Likely], width: int) -> str:
    """As many of the likeliest tokens as fit, those above 0.1%: "·dog 31%  ·cat 20%"."""
    line = ""
    for each in likeliest:
        longer = f"{line}  " * bool(line) + f"{_visible(each.text, _END)} {_percent(each.logprob)}"
        if line and (cells(longer) > width or each.logprob < _RARE):
            break
        line = longer
    return line


def _visible(text: str, if_empty: str) -> str:
    """A token on one line: white space and control characters as visible characters."""
    marked = printable(text.replace("\n", _LINE_END).replace("\t", "\u2409"))
    return "".join(_SPACE if sign.isspace() else sign for sign in marked) or if_empty


def _percent(logprob: float) -> str:
    if logprob < _RARE:
        return "<0.1%"
    probability = math.exp(logprob)
    return f"{probability:.1%}" if probability < 0.0995 else f"{probability:.0%}"


def _nats(number: float, sign: str = "") -> str:
    return f"{number:{sign}.2f}" if abs(number) >= 0.005 else "0.00"
