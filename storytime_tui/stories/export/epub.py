"""A story as an EPUB 3 book of one chapter, for e-readers."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

from storytime_tui.stories.export.markup import body, escaped
from storytime_tui.stories.export.story_text import Exported

_MEDIA_TYPE = b"application/epub+zip"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CONTAINER = f"""{_HEAD}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>
"""
_STYLE = """\
body { margin: 5%; line-height: 1.5; }
h1 { font-weight: normal; line-height: 1.25; margin: 2em 0 1.5em; }
p { margin: 0 0 0.8em; }
"""


def epub(story: Exported) -> bytes:
    """The book. The same story gives the same bytes."""
    files = {
        "META-INF/container.xml": _CONTAINER,
        "EPUB/package.opf": _package(story),
        "EPUB/nav.xhtml": _navigation(story),
        "EPUB/story.xhtml": _chapter(story),
        "EPUB/style.css": _STYLE,
    }
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        # first and not compressed, so that programs can tell what the file is by its beginning
        archive.writestr(zipfile.ZipInfo("mimetype"), _MEDIA_TYPE, zipfile.ZIP_STORED)
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode(), zipfile.ZIP_DEFLATED)
    return book.getvalue()


def _package(story: Exported) -> str:
    changed = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(story.tree.changed))
    return f"""{_HEAD}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{story.identifier}</dc:identifier>
<dc:title>{escaped(story.title)}</dc:title>
<dc:language>{escaped(story.language)}</dc:language>
<meta property="dcterms:modified">{changed.strftime("%Y-%m-%dT%H:%M:%SZ")}</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="story" href="story.xhtml" media-type="application/xhtml+xml"/>
<item id="style" href="style.css" media-type="text/css"/>
</manifest>
<spine>
<itemref idref="story"/>
</spine>
</package>
"""


def _navigation(story: Exported) -> str:
    title = escaped(story.title)
    entry = f'<li><a href="story.xhtml">{title}</a></li>'
    return _page(story, f'<nav epub:type="toc">\n<h1>{title}</h1>\n<ol>\n{entry}\n</ol>\n</nav>')


def _chapter(story: Exported) -> str:
    return _page(
        story,
        f'<section epub:type="bodymatter chapter">\n<h1 dir="auto">{escaped(story.title)}</h1>\n'
        f"{body(story.text)}\n</section>",
    )


def _page(story: Exported, contents: str) -> str:
    language = escaped(story.language)
    return f"""{_HEAD}<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{language}" \
xml:lang="{language}">
<head>
<title>{escaped(story.title)}</title>
<link rel="stylesheet" type="text/css" href="style.css"/>
</head>
<body>
{contents}
</body>
</html>
"""
