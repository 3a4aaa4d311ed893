"""HTML in Markdown: what is HTML and what only looks like it ("<whisper here>", "<Tom> I am late.")."""

import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import html_block, reference
from markdown_it.rules_inline import html_inline

from storytime_tui.corpus.formats.markup_left import names

_TAG = re.compile(r"</?([A-Za-z][\w-]*)(?=[\s/>]|$)")
_CLOSING = re.compile(r"</([A-Za-z][\w-]*)")
_DEFINITION = re.compile(r"\[(?:[^\[\]\\]|\\.){1,999}\]:[ \t]*(?:\n[ \t]*)?(\S+)", re.DOTALL)
_TARGET = re.compile(r"<.*|.*(?:[/#:@]|\.\w).*")
_VOID = names("area base br col embed hr img input link meta param source track wbr")
_OPEN = names("p li td th tr dt dd option thead tbody tfoot colgroup rt rp html body head")
_PAIRED = names(
    "a abbr acronym address applet article aside audio b bdi bdo big blockquote button canvas caption "
    "center cite code data datalist del details dfn dialog dir div dl em fieldset figcaption figure font "
    "footer form frameset h1 h2 h3 h4 h5 h6 header hgroup i iframe ins kbd label legend main map mark "
    "menu meter nav noframes noscript object ol optgroup output picture pre progress q ruby s samp script "
    "section select small span strike strong style sub summary sup svg table template textarea time title "
    "tt u ul var video"
)


def only_real_html(reader: MarkdownIt, source: str) -> None:
    """Let a parser take for HTML, and for a link's target, only what is one. `source`: the text it will parse."""
    closed = {name.lower() for name in _CLOSING.findall(source)}
    last_comment_end = source.rfind("-->")

    def is_html(text: str, place: int) -> bool:
        if text.startswith("<!--", place):
            return place < last_comment_end or len(text) != len(source)
        if text.startswith("<!", place):
            return text[place + 2 : place + 9].upper() == "DOCTYPE"
        if text.startswith("<?", place):
            return "?>" in text[place : place + 2000]
        tag = _TAG.match(text, place)
        if tag is None:
            return False
        name = tag[1].lower()
        if tag[1] not in (name, name.upper()) and name not in closed:  # a person: <Mark>
            return False
        return name in _VOID or name in _OPEN or (name in _PAIRED and name in closed)

    def block(state: Any, start: int, end: int, silent: bool) -> bool:
        place = state.bMarks[start] + state.tShift[start]
        return is_html(state.src, place) and html_block(state, start, end, silent)

    def inline(state: Any, silent: bool) -> bool:
        return is_html(state.src, state.pos) and html_inline(state, silent)

    def definition(state: Any, start: int, end: int, silent: bool) -> bool:
        place = state.bMarks[start] + state.tShift[start]
        found = _DEFINITION.match(state.src, place) if state.src.startswith("[", place) else None
        if found is None or not _TARGET.fullmatch(found[1]):  # "[Tom]: No." is what Tom says
            return False
        return reference(state, start, end, silent)

    reader.block.ruler.at("html_block", block, {"alt": ["paragraph", "reference", "blockquote"]})
    reader.block.ruler.at("reference", definition)
    reader.inline.ruler.at("html_inline", inline)
