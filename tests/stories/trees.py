"""Any tree of passages, for hypothesis."""

from hypothesis import strategies as st

from storytime_tui.stories.whole import Node, Tree

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(
        [
            "",
            "Once upon a time. ",
            "\n\n",
            "a\r\nb\x00\x1b[2J",
            "עברית و العربية",
            "*_#` <b>&amp; \\",
            "1. x\n- y",
        ]
    ),
)
TIMES = st.floats(0, 4e9) | st.integers(0, 4_000_000_000).map(float)


@st.composite
def trees(draw: st.DrawFn, most: int = 8) -> Tree:
    """A tree as the store makes it: each passage comes after its parent."""
    nodes: list[Node] = []
    for at in range(draw(st.integers(0, most))):
        author = draw(st.sampled_from(["you", "model"]))
        nodes.append(
            Node(
                draw(st.none() | st.integers(0, at - 1)) if at else None,
                author,  # type: ignore[arg-type]
                draw(TEXTS),
                draw(TEXTS) if author == "model" else "",
                draw(st.sampled_from(["", '{"seed": 7}', "{not JSON"])),
                draw(TIMES),
                draw(st.lists(st.integers(0, 60_000), max_size=3).map(lambda ids: ",".join(map(str, ids)))),
                draw(st.none() | st.integers(0, at - 1)) if at else None,
                draw(TEXTS),
                draw(st.booleans()),
                draw(st.booleans()),
            )
        )
    head = draw(st.none() | st.integers(0, len(nodes) - 1)) if nodes else None
    return Tree(draw(TEXTS), draw(TEXTS), draw(TIMES), draw(TIMES), head, tuple(nodes), draw(TEXTS))
