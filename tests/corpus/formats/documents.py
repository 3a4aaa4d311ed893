"""Documents of word processors for the tests of their readers, made from strings."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.read import read_document

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="{}"/>'
    "</Relationships>"
)
_STYLES = f'''<w:styles xmlns:w="{W}">
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/><w:basedOn w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Heading2"><w:name w:val="Heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Chapter head"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="Out"><w:name w:val="Kapitel"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Author"><w:name w:val="Author"/><w:basedOn w:val="Titel"/></w:style>
<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="character" w:styleId="Hide"><w:name w:val="Secret"/><w:rPr><w:vanish/></w:rPr></w:style>
</w:styles>'''


def zipped(folder: Path, name: str, members: dict[str, str]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member, content in members.items():
            file.writestr(member, content)
    return path


def run(text: str, facts: str = "") -> str:
    return f'<w:r><w:rPr>{facts}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(inner: str, style: str = "", facts: str = "") -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    shown = inner if inner.startswith("<") or not inner else run(inner)
    return f"<w:p><w:pPr>{named}{facts}</w:pPr>{shown}</w:p>"


def docx(
    folder: Path,
    body: str,
    *,
    main: str = "word/document.xml",
    title: str = "",
    author: str = "",
    **more: str,
) -> Path:
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator></cp:coreProperties>"
    )
    members = {
        "_rels/.rels": _RELATIONS.format(main),
        main: f'<?xml version="1.0"?><w:document xmlns:w="{W}" xmlns:mc="m" xmlns:v="v" xmlns:o="o"><w:body>{body}'
        "<w:sectPr/></w:body></w:document>",
        "word/styles.xml": _STYLES,
        "docProps/core.xml": core,
    }
    members |= {f"word/{part}.xml": content for part, content in more.items()}
    return zipped(folder, "tale.docx", members)


_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def odt(
    folder: Path, body: str, *, styles: str = "", title: str = "", author: str = "", name: str = "tale.odt"
) -> Path:
    automatic = f"<office:automatic-styles>{styles}</office:automatic-styles>"
    names = f"<dc:title>{title}</dc:title><meta:initial-creator>{author}</meta:initial-creator>"
    facts = f"<office:meta>{names}</office:meta>"
    text = f"<office:body><office:text>{body}</office:text></office:body>"
    if name.endswith(".fodt"):
        path = folder / name
        path.write_text(
            f"<office:document {_ODF}>{facts}{automatic}{text}</office:document>", encoding="utf-8"
        )
        return path
    head = (
        "<office:master-styles><style:master-page><style:header><text:p>RUNNING HEAD</text:p></style:header>"
        "</style:master-page></office:master-styles>"
    )
    members = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"<office:document-content {_ODF}>{automatic}{text}</office:document-content>",
        "styles.xml": f"<office:document-styles {_ODF}>{head}</office:document-styles>",
        "meta.xml": f"<office:document-meta {_ODF}>{facts}</office:document-meta>",
    }
    return zipped(folder, name, members)


def fb2(body: str, facts: str = "", more: str = "", encoding: str = "utf-8") -> bytes:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n'
        '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink">'
        f"<description><title-info>{facts}</title-info></description><body>{body}</body>{more}</FictionBook>"
    ).encode(encoding)


def pdf(pages: list[list[tuple[int, int, str]]], facts: str = "") -> bytes:
    """A PDF whose pages have lines of text, each at its place in points, in Helvetica of 10 points."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for lines in pages:
        shown = "\n".join(f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET" for x, y, text in lines)
        objects.append(f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    objects.append(f"<< {facts} >>")
    data, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>"
    whole = f"{data}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{len(data)}\n%%EOF\n"
    return whole.encode("latin-1")


def written(folder: Path, name: str, data: bytes | str) -> Document:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_document(path)


def headings(document: Document) -> list[tuple[str, int]]:
    lines = document.text.split("\n")
    return [(lines[heading.line], heading.level) for heading in document.headings]


def left_out(document: Document) -> list[tuple[str, str]]:
    return [(each.reason, each.text) for each in document.left_out]
