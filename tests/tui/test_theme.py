"""The colours of the themes: every text can be read on every ground that it may stand on."""

import itertools

import pytest
from textual.color import Color
from textual.theme import Theme

from storytime_tui.tui import theme
from storytime_tui.tui.app import StorytimeApp
from storytime_tui.tui.widgets.passage_view import TINTS
from tests.tui.conftest import screen_text, shelf_is_open, until
from tests.tui.fakes import World

OWN = [each for each in theme.THEMES if not each.ansi]
LEAST = dict.fromkeys((each.name for each in OWN), 4.5) | {"storytime-contrast": 7.0}

# black, red, magenta, white, bright black, bright red, bright magenta: what terminals show for them by default
PALETTES = {
    "xterm": ("000000", "cd0000", "cd00cd", "e5e5e5", "7f7f7f", "ff0000", "ff00ff"),
    "Windows Terminal": ("0c0c0c", "c50f1f", "881798", "cccccc", "767676", "e74856", "b4009e"),
    "macOS Terminal": ("000000", "990000", "b200b2", "bfbfbf", "666666", "e50000", "e500e5"),
    "Tango": ("2e3436", "cc0000", "75507b", "d3d7cf", "555753", "ef2929", "ad7fa8"),
    "GNOME": ("171421", "c01c28", "a347ba", "d0cfcc", "5e5c64", "f66151", "c061cb"),
}
NAMES = ("black", "red", "magenta", "white", "bright_black", "bright_red", "bright_magenta")
LINUX_CONSOLE = {"bright_red": "ff5555", "bright_magenta": "ff55ff"}  # always on black


def contrast(text: Color, ground: Color) -> float:
    """The ratio of WCAG 2: from 1, the same colour, to 21, black on white."""

    def luminance(colour: Color) -> float:
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
        ]
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(each: Theme) -> dict[str, str]:
    """All variables of a theme as its styles see them."""
    return {**theme.FALLBACKS, **each.to_color_system().generate(), **each.variables}


def over(page: Color, name: str, known: dict[str, str]) -> Color:
    """A colour, or a share of it such as `told 42%`, laid over the page."""
    word, _, share = name.partition(" ")
    value, _, own_share = known[word].partition(" ")
    part = int((share or own_share or "100%").rstrip("%")) / 100
    return page.blend(Color.parse(value), part)


@pytest.mark.parametrize("each", OWN, ids=lambda each: str(each.name))
def test_every_text_can_be_read_on_every_ground(each: Theme) -> None:
    known = colours(each)
    page = Color.parse(known["background"])
    texts = ["foreground", "quiet", "primary", "error", "told", "text-muted", "text-disabled",
             "footer-description-foreground", "footer-key-foreground", "border-title-color"]  # fmt: skip
    grounds = ["background", "surface", "boost", "panel", "block-cursor-background",
               "block-cursor-blurred-background"]  # fmt: skip
    pairs = [*itertools.product((name for name in texts if name in known), grounds)]
    tinted = [rule.removesuffix(";").split("; background: ") for rule in TINTS if "background" in rule]
    pairs += [(rule[0].removeprefix("color: $"), rule[1].removeprefix("$")) for rule in tinted]
    pairs += [
        ("block-cursor-foreground", "block-cursor-background"),
        ("foreground", "found"),
        ("told", "found"),
        ("foreground", "input-selection-background"),
        ("foreground", "screen-selection-background"),
        ("background", "primary"),  # the place of the cursor in a text, a focused button
        ("quiet", "input-selection-background"),
    ]
    assert len(pairs) > 60
    poor = {
        pair: round(measured, 2)
        for pair in pairs
        if (measured := contrast(over(page, pair[0], known), over(page, pair[1], known))) < LEAST[each.name]
    }
    assert not poor


def test_there_is_a_dark_a_light_and_a_high_contrast_theme_and_the_terminals_own() -> None:
    assert list(theme.TITLES.values()) == ["dark", "light", "high contrast", "terminal's own"]
    assert [each.name for each in theme.THEMES] == list(theme.TITLES)
    page = {each.name: Color.parse(colours(each)["background"]).brightness for each in OWN}
    assert page["storytime"] < 0.2 < 0.8 < page["storytime-paper"]
    assert LEAST["storytime-contrast"] == 7.0


def test_in_sixteen_colours_text_can_be_read_on_black_and_on_white_whatever_the_terminals_palette() -> None:
    used = {
        **colours(theme.SIXTEEN),
        "foreground": theme.SIXTEEN.foreground,
        "primary": theme.SIXTEEN.primary,
    }
    texts = {
        used[name]
        for name in ("foreground", "primary", "error", "told", "quiet", "text-muted", "text-disabled", "found",
                     "footer-key-foreground", "footer-description-foreground")
    }  # fmt: skip
    texts.discard("ansi_default")  # what the terminal itself writes with
    assert texts == {"ansi_bright_magenta", "ansi_bright_red"}
    for palette, ground in itertools.product(PALETTES.values(), ("#000000", "#ffffff")):
        shown = dict(zip(NAMES, palette, strict=True))
        for name in texts:
            text = Color.parse(f"#{shown[name.removeprefix('ansi_')]}")
            assert (
                contrast(text, Color.parse(ground)) >= 3.0
            )  # marks and failures, all bold or beside plain words
    for shade in LINUX_CONSOLE.values():
        assert contrast(Color.parse(f"#{shade}"), Color.parse("#000000")) >= 4.5
    assert theme.SIXTEEN.background == "ansi_default"  # a light terminal stays light


def poor_words(app: StorytimeApp, least: float) -> dict[str, tuple[str, str, float]]:
    """The words on the screen whose contrast is too small, with their colours."""
    found: dict[str, tuple[str, str, float]] = {}
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            style, words = segment.style, segment.text.strip()
            if style is None or not any(letter.isalnum() for letter in words):
                continue  # lines, bars and charts
            text, ground = (Color.from_rich_color(each) for each in (style.color, style.bgcolor))
            if style.reverse:
                text, ground = ground, text
            measured = contrast(text, ground)
            if measured < least or style.dim:
                found[words] = (text.hex, ground.hex, round(measured, 2))
    return found


@pytest.mark.parametrize("each", OWN, ids=lambda each: str(each.name))
async def test_every_word_on_every_screen_can_be_read(each: Theme, app: StorytimeApp, world: World) -> None:
    least, looked_at = LEAST[each.name], 0

    def check(where: str) -> None:
        nonlocal looked_at
        looked_at += 1
        assert (where, poor_words(app, least)) == (where, {})

    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = each.name
        await shelf_is_open(pilot)
        await pilot.press("down", "down", "space", "down")
        await until(pilot, lambda: "580 tokens" in screen_text(app))
        check("Library")
        await pilot.press("comma", "down")
        await until(pilot, lambda: "reading speed" in screen_text(app))
        check("settings")
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: "On every screen" in screen_text(app) or "esc" in screen_text(app))
        check("help")
        await pilot.press("escape", "2")
        await until(pilot, lambda: "million parameters" in screen_text(app))
        check("plan")
        await pilot.press("o")
        await until(pilot, lambda: "find an option" in screen_text(app))
        check("options")
        await pilot.press("escape", "4")
        await until(pilot, lambda: app.current_mode == "runs")
        check("runs")
        await pilot.press("3")
        await until(
            pilot, lambda: "write the next line" in screen_text(app) or "Once upon" in screen_text(app)
        )
        check("story")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: type(app.screen).__name__ == "PaletteScreen")
        check("palette")
        await pilot.press("escape", "escape", "o")
        await until(pilot, lambda: type(app.screen).__name__ == "BookshelfScreen")
        check("bookshelf")
    assert looked_at == 9
