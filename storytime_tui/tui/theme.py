"""The themes: few colours, each with one meaning.

`$primary` marks the current place and running work, `$told` the model's words, `$error` failures, `$text-muted`
side notes. Everything else has the terminal's own foreground.
"""

from dataclasses import dataclass

from textual.theme import Theme


@dataclass(frozen=True)
class _Palette:
    """The colours of a theme. `text`, `muted` and `line` stand on `page`; `panel` and `raised` are near it."""

    page: str
    panel: str
    raised: str
    text: str
    muted: str
    line: str
    gold: str  # where you are, what is running
    red: str  # what failed
    told: str  # the model's words
    cursor: str
    under_cursor: str
    bar: str  # of a scrollbar
    selection: str
    found: str = ""  # behind found words; otherwise `line`


def _theme(name: str, palette: _Palette, *, dark: bool) -> Theme:
    page, gold = palette.page, palette.gold
    bars = {"scrollbar": palette.bar, "scrollbar-hover": palette.line, "scrollbar-active": palette.muted}
    grounds = ("background", "background-hover", "background-active", "corner-color")
    return Theme(
        name=name,
        dark=dark,
        foreground=palette.text,
        secondary=palette.muted,
        error=palette.red,
        primary=gold,
        accent=gold,
        warning=gold,
        success=gold,
        background=page,
        surface=page,
        panel=palette.panel,
        boost=palette.raised,
        variables={
            # of fields; as the theme's own `boost` it would be dropped, because `panel` is given (Textual 8.2.8)
            "boost": palette.raised,
            "told": palette.told,
            "quiet": palette.muted,
            "line": palette.line,
            "found": palette.found or palette.line,
            "text-muted": palette.muted,  # of Textual's own widgets, as far as the next two
            "text-disabled": palette.muted,
            "block-cursor-background": palette.cursor,
            "block-cursor-foreground": palette.under_cursor,
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": palette.panel,
            "block-cursor-blurred-foreground": palette.text,
            "footer-background": page,
            "footer-key-foreground": gold,
            "footer-description-foreground": palette.muted,
            "input-selection-background": palette.selection,
            "screen-selection-background": palette.selection,
            **bars,
            **{f"scrollbar-{part}": page for part in grounds},
        },
    )


# `test_theme` measures that text has a contrast of at least 4.5 on each ground, of 7 in the third theme.
STORYTIME = _theme(
    "storytime",
    _Palette(
        page="#1a1917", panel="#2a2825", raised="#24221f", text="#e4dfd3", muted="#a8a193", line="#4a4640",
        gold="#d8a657", red="#ee8574", told="#9dbccb", cursor="#38342e", under_cursor="#f4efe3", bar="#4a4640",
        selection="#443617",
    ),
    dark=True,
)  # fmt: skip

PAPER = _theme(
    "storytime-paper",
    _Palette(
        page="#f6f1e6", panel="#e9e2d2", raised="#efe8da", text="#2b2822", muted="#625c51", line="#c0b69f",
        gold="#8a4a06", red="#a8201a", told="#1a5571", cursor="#e0d6c0", under_cursor="#1b1914", bar="#c9bfa8",
        selection="#ecd7ae", found="#d8cdb2",
    ),
    dark=False,
)  # fmt: skip

CONTRAST = _theme(
    "storytime-contrast",
    _Palette(
        page="#000000", panel="#1c1c1c", raised="#141414", text="#ffffff", muted="#cfcfcf", line="#8c8c8c",
        gold="#ffd35c", red="#ffab9e", told="#8fd0f2", cursor="#26313f", under_cursor="#ffffff", bar="#6a6a6a",
        selection="#423811", found="#38352a",
    ),
    dark=True,
)  # fmt: skip

# The terminal's own sixteen colours: no conversion, and a light terminal stays light. A program cannot rely on an
# answer which it is, so nearly all text has the terminal's own text colour, side notes too: on some dark terminals
# "bright black" is the ground itself. Two colours are left that are readable on white and on black in all usual
# palettes: bright magenta and bright red. The model's words are in italics instead.
SIXTEEN = Theme(
    name="storytime-16",
    ansi=True,
    primary="ansi_bright_magenta",
    secondary="ansi_default",
    accent="ansi_bright_magenta",
    warning="ansi_bright_magenta",
    error="ansi_bright_red",
    success="ansi_bright_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "told": "ansi_default",
        "quiet": "ansi_default",
        "line": "ansi_bright_black",
        "found": "ansi_default",
        "text-muted": "ansi_default",
        "text-disabled": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border": "ansi_bright_black",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-background": "ansi_default",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-foreground": "ansi_default",
        "block-cursor-blurred-background": "ansi_default",
        "block-cursor-blurred-text-style": "underline",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_yellow",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_yellow",
        "screen-selection-foreground": "ansi_black",
        "footer-key-foreground": "ansi_bright_magenta",
        "footer-description-foreground": "ansi_default",
        "scrollbar": "ansi_bright_black",
        "scrollbar-background": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)

THEMES = (STORYTIME, PAPER, CONTRAST, SIXTEEN)

# what the settings call them
TITLES = {
    STORYTIME.name: "dark",
    PAPER.name: "light",
    CONTRAST.name: "high contrast",
    SIXTEEN.name: "terminal's own",
}

# For Textual's themes, which the palette also offers: the names that only ours define.
FALLBACKS = {"told": "#7fa9bd", "quiet": "#8a8a8a", "line": "#606060", "found": "#606060"}


def fitting(preferred: str, color_system: str | None) -> str:
    """The theme to show for a preference: the usual one gives way to a terminal of sixteen colours."""
    return theme_for(color_system) if preferred == STORYTIME.name else preferred


def theme_for(color_system: str | None) -> str:
    """The theme that suits a terminal with these colours (Rich's names of colour systems)."""
    return SIXTEEN.name if color_system in (None, "standard", "windows") else STORYTIME.name
