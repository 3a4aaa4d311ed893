"""A report as one HTML file without scripts, links or other files; it is well-formed XML too. Loads no torch."""

from html import escape

from storytime_tui.jobs.report.contents import Contents, Rows, Sampling
from storytime_tui.terminal import printable

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
td, th { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; overflow-wrap: anywhere; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
th { font-weight: 600; }
blockquote { margin: 0.5rem 0 1rem; padding-left: 1rem; border-left: 3px solid #dd7a1b; white-space: pre-wrap; }
blockquote, td, h1, p { overflow-wrap: anywhere; }
footer, .quiet { opacity: 0.75; font-size: 0.9rem; }"""


def html_page(contents: Contents, chart: str) -> str:
    """The whole page. `chart`: SVG, or ""."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en" xmlns="http://www.w3.org/1999/xhtml">',
        f'<head>\n<meta charset="utf-8"/>\n<title>{_text(contents.title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<style>\n{_STYLE}\n</style>\n</head>",
        f"<body>\n<h1>{_text(contents.title)}</h1>",
        f"<p>{_text(contents.lead)}</p>",
        f"<h2>Figures</h2>\n{_table(contents.figures)}",
    ]
    if chart:
        parts.append(f"<h2>Loss</h2>\n{chart}")
    if contents.samplings:
        parts.append("<h2>Samples</h2>")
        parts += map(_sampling, contents.samplings)
    if contents.left_out:
        parts.append(f'<p class="quiet">{_text(contents.left_out)}</p>')
    if contents.plan:
        parts.append(
            f"<h2>The plan</h2>\n{_table((('setting', 'value', 'what it is'), *contents.plan), head=True)}"
        )
    parts.append(f"<footer><p>{_text(contents.made)}</p></footer>\n</body>\n</html>\n")
    return "\n".join(parts)


def _sampling(sampling: Sampling) -> str:
    parts = [f"<h3>Step {sampling.step:,}</h3>"]
    for sample in sampling.samples:
        origin = " from a held-out story" * sample.held_out + f", as {sample.voice}" * bool(sample.voice)
        parts.append(f'<p class="quiet">sample{_text(origin)}</p>')
        parts.append(f"<blockquote><b>{_text(sample.prompt)}</b>{_text(sample.text)}</blockquote>")
    return "\n".join(parts)


def _table(rows: Rows, *, head: bool = False) -> str:
    lines = []
    for place, row in enumerate(rows):
        cells = [f"<th>{_text(row[0])}</th>"] + [
            f"<th>{_text(cell)}</th>" if head and place == 0 else f"<td>{_text(cell)}</td>"
            for cell in row[1:]
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _text(text: str) -> str:
    """Escaped, with characters that XML does not have made visible."""
    return escape(printable(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))
