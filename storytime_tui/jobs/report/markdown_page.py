"""A report as Markdown, with its chart as SVG in it. Loads no torch."""

import re

from storytime_tui.formatting import markdown
from storytime_tui.jobs.report.contents import Contents, Rows, Sampling
from storytime_tui.terminal import printable

_STARTS = re.compile(r"[-+=]|\d+(?=[.)])")  # what a line may begin with to be a list or a heading


def markdown_page(contents: Contents, chart: str) -> str:
    """The whole page. `chart`: SVG without a blank line, which would end it, or ""."""
    parts = [
        f"# {_text(contents.title)}",
        _text(contents.lead),
        "## Figures",
        _table((("figure", "value"), *contents.figures)),
    ]
    if chart:
        parts += ["## Loss", chart]
    if contents.samplings:
        parts.append("## Samples")
        parts += map(_sampling, contents.samplings)
    if contents.left_out:
        parts.append(_text(contents.left_out))
    if contents.plan:
        parts += ["## The plan", _table((("setting", "value", "what it is"), *contents.plan))]
    return "\n\n".join([*parts, _text(contents.made)]) + "\n"


def _sampling(sampling: Sampling) -> str:
    parts = [f"### Step {sampling.step:,}"]
    for sample in sampling.samples:
        origin = " from a held-out story" * sample.held_out + f", as {sample.voice}" * bool(sample.voice)
        parts.append(f"Sample{_text(origin)}:")
        parts.append(_quoted(sample.prompt + sample.text))
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    """A block quote that keeps the text's lines: a backslash at a line's end breaks it."""
    lines = [_at_start(line) for line in printable(text).split("\n")]
    ends = ["\\" if line and after else "" for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n".join(f"> {line}{end}".rstrip() for line, end in zip(lines, ends, strict=True))


def _at_start(line: str) -> str:
    escaped = _text(line)
    found = _STARTS.match(escaped)
    if found is None:
        return escaped
    place = found.end() if found[0].isdigit() else 0
    return f"{escaped[:place]}\\{escaped[place:]}"


def _table(rows: Rows) -> str:
    lines = [f"| {' | '.join(map(_text, row))} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _text(text: str) -> str:
    return markdown(printable(text))
