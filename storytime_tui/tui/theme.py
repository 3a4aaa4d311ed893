"""The themes: few colours, each with one meaning.

`$primary` marks the current place and running work, `$told` the model's words, `$error` failures, `$text-muted`
side notes. Everything else has the terminal's own foreground.
"""

from textual.theme import Theme

STORYTIME = Theme(
    name="storytime",
    primary="#d8a657",
    secondary="#8f8a7e",
    accent="#d8a657",
    warning="#d8a657",
    error="#e26d5c",
    success="#d8a657",
    foreground="#e4dfd3",
    background="#1a1917",
    surface="#1a1917",
    panel="#2a2825",
    boost="#24221f",
    dark=True,
    variables={
        "told": "#9dbccb",
        "quiet": "#8f8a7e",
        "line": "#4a4640",
        "block-cursor-background": "#3a3630",
        "block-cursor-foreground": "#f4efe3",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#2a2825",
        "block-cursor-blurred-foreground": "#e4dfd3",
        "footer-background": "#1a1917",
        "footer-key-foreground": "#d8a657",
        "footer-description-foreground": "#8f8a7e",
        "input-selection-background": "#d8a657 35%",
        "scrollbar": "#3a3630",
        "scrollbar-hover": "#4a4640",
        "scrollbar-active": "#8f8a7e",
        "scrollbar-background": "#1a1917",
        "scrollbar-background-hover": "#1a1917",
        "scrollbar-background-active": "#1a1917",
        "scrollbar-corner-color": "#1a1917",
    },
)

PAPER = Theme(
    name="storytime-paper",
    primary="#99540a",
    secondary="#756f63",
    accent="#99540a",
    warning="#99540a",
    error="#b3261e",
    success="#99540a",
    foreground="#2b2822",
    background="#f6f1e6",
    surface="#f6f1e6",
    panel="#e9e2d2",
    boost="#efe8da",
    dark=False,
    variables={
        "told": "#1d5c7a",
        "quiet": "#756f63",
        "line": "#c9c0ad",
        "block-cursor-background": "#e0d6c0",
        "block-cursor-foreground": "#1b1914",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e9e2d2",
        "block-cursor-blurred-foreground": "#2b2822",
        "footer-background": "#f6f1e6",
        "footer-key-foreground": "#99540a",
        "footer-description-foreground": "#756f63",
        "input-selection-background": "#99540a 30%",
        "scrollbar": "#d8cfbb",
        "scrollbar-background": "#f6f1e6",
        "scrollbar-corner-color": "#f6f1e6",
    },
)

# The terminal's own sixteen colours: no conversion, and a light terminal stays light. No program can ask which it
# is, so text has colours that are readable on white and on black: yellow, cyan and green are not on white, blue is
# not on black. The model's words are in italics instead (app.tcss).
SIXTEEN = Theme(
    name="storytime-16",
    ansi=True,
    primary="ansi_magenta",
    secondary="ansi_default",
    accent="ansi_magenta",
    warning="ansi_magenta",
    error="ansi_red",
    success="ansi_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "told": "ansi_default",
        "quiet": "ansi_bright_black",
        "line": "ansi_bright_black",
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
        "footer-key-foreground": "ansi_magenta",
        "footer-description-foreground": "ansi_default",
        "scrollbar": "ansi_bright_black",
        "scrollbar-background": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)

THEMES = (STORYTIME, PAPER, SIXTEEN)

# For Textual's themes, which the palette also offers: the names that only ours define.
FALLBACKS = {"told": "#7fa9bd", "quiet": "#8a8a8a", "line": "#606060"}


def theme_for(color_system: str | None) -> str:
    """The theme that suits a terminal with these colours (Rich's names of colour systems)."""
    return SIXTEEN.name if color_system in (None, "standard", "windows") else STORYTIME.name
