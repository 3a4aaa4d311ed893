"""A run's report: whole, well-formed, self-contained, escaped, and small however long the run was."""

import dataclasses
import json
import math
import random
import re
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cairosvg
import pytest
from markdown_it import MarkdownIt

from storytime_tui import paths
from storytime_tui.cli import main
from storytime_tui.errors import RunError
from storytime_tui.jobs.report.chart import TRAINING, VALIDATION, loss_chart
from storytime_tui.jobs.report.facts import figures_of
from storytime_tui.jobs.report.write import write_report
from storytime_tui.training import events as ev
from storytime_tui.training import runs
from storytime_tui.training.curve import thinned
from storytime_tui.training.journal import JOURNAL, Journal
from storytime_tui.training.plan import TrainingPlan, write_plan

PLAN = TrainingPlan(
    base="starter", collections=("grimm", "tales"), voices=("Grimm", "Hedgerow Tales"), epochs=2.0, batch_size=4,
    accumulation=2, block_size=64, learning_rate=5e-4,
)  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"
NASTY = "<script>alert('&amp;')</script> **bold** [x](http://y) `code` | # \x1b[2J \u202e &lt; ~~gone~~ \\"


def started(total: int) -> ev.Started:
    return ev.Started(
        run="r", base="starter", collections=("grimm", "tales"), device="cuda:0", precision="bf16", parameters=12_345,
        stories=9, validation_stories=2, training_tokens=4000, validation_tokens=400, total_steps=total,
        steps_per_epoch=10.0, block_size=64, token_frequency_loss=5.0, time=1_700_000_000.0,
    )  # fmt: skip


def run_of(steps: int, every: int = 10) -> Iterator[ev.Event]:
    """A run that is best at two thirds of its steps, with samples at every other evaluation."""
    chance = random.Random(0)
    yield started(steps)
    yield ev.Evaluated(0, 7.0, math.exp(7.0), 2.5, False)
    for step in range(1, steps + 1):
        loss = 3.0 + 4.0 * math.exp(-step / steps * 8) + chance.gauss(0, 0.1)
        yield ev.StepDone(step, loss, 1e-3, 1000.0, step / 10, 1.0, step / 2, 10)
        if step % every == 0:
            loss = 3.25 + abs(step - steps * 2 / 3) / steps
            yield ev.Evaluated(step, loss, math.exp(loss), loss / 2, step <= steps * 2 / 3)
            if step % (2 * every) == 0:
                yield ev.Sampled(
                    step, "Once upon", f" a time, {step} mice.\n\nThe end.", "Grimm", held_out=True
                )
    yield ev.VoiceMeasured(steps, 24, 19, 3, 0.012, ("Grimm", "Hedgerow Tales"), (10, 9))
    yield ev.Finished("r", steps, 3.25, steps * 2 // 3, "done", steps / 2)


def kept(events: Iterator[ev.Event] | list[ev.Event], plan: TrainingPlan = PLAN) -> Path:
    """The folder of a run with this journal."""
    folder = paths.runs_folder() / "r"
    write_plan(plan, folder / runs.PLAN)
    journal = Journal(folder / JOURNAL)
    for event in events:
        journal.append(event)
    journal.close()
    return folder


def report(to: Path, *more: str, code: int = 0) -> str:
    assert main(["runs", "report", "r", "--to", str(to), *more]) == code
    return to.read_text(encoding="utf-8") if to.is_file() else ""


def parsed(page: str) -> ElementTree.Element:
    """The page as XML, which is stricter than HTML."""
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def text_of(page: str) -> str:
    return " ".join("".join(parsed(page).itertext()).split())


def test_the_page_holds_the_run_in_words_figures_curves_samples_and_plan(tmp_path: Path) -> None:
    kept(run_of(60))
    page = report(tmp_path / "r.html")
    text = text_of(page)
    for words in (
        "starter (12,345 parameters), fine-tuned on Grimm and Hedgerow Tales.",
        "It trains on 9 stories (4,000 tokens) and is validated on 2 others (400 tokens).",
        "The plan is 2 epochs in 60 steps of 8 windows of 64 tokens, with a learning rate of 0.0005 (cosine)",
        "60 of 60",
        "3.250 nats per token, at step 40; 7.000 before training",
        "perplexity25.8",
        "bits per byte1.625",
        "19 of 24 told passages sound like the shelf; 1.2% of their eight-word sequences occur in the training",
        "30 s of training",
        "cuda:0, bf16",
        "Step 20",
        "Once upon a time, 60 mice.",
        "from a held-out story, as Grimm",
        "weight_decay0.1how strongly weights are pulled towards 0",
    ):
        assert words in text, words
    rows = [row.find(f"{HTML}th") for row in parsed(page).iter(f"{HTML}tr")]
    names = {cell.text for cell in rows if cell is not None}
    assert {field.name for field in dataclasses.fields(TrainingPlan)} <= names


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    kept(run_of(60))
    root = parsed(report(tmp_path / "r.html"))
    assert not {"script", "link", "img", "iframe", "object"} & {
        each.tag.rpartition("}")[2] for each in root.iter()
    }
    assert not {"src", "href", "onload"} & {name for each in root.iter() for name in each.attrib}
    (style,) = root.iter(f"{HTML}style")
    assert "color-scheme: light dark" in (style.text or "") and "url(" not in (style.text or "")


def chart_in(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])


@pytest.mark.parametrize("name", ["r.html", "r.md"])
def test_the_chart_has_curves_axes_with_numbers_and_a_star(tmp_path: Path, name: str) -> None:
    kept(run_of(60))
    page = report(tmp_path / name)
    chart = chart_in(page)
    assert "\n\n" not in page[page.index("<svg") : page.index("</svg>")]  # it would end there in Markdown
    labels = [each.text for each in chart.iter(f"{SVG}text")]
    assert {"0", "20", "40", "60", "4", "6"} <= set(labels)
    lines = {each.get("stroke"): each for each in chart.iter(f"{SVG}polyline")}
    assert len(lines[TRAINING].get("points", "").split()) == 60
    assert len(lines[VALIDATION].get("points", "").split()) == 7
    faint = next(each for each in chart.iter(f"{SVG}path") if each.get("stroke") == TRAINING)
    assert (faint.get("d", "").count("M"), float(faint.get("stroke-opacity", "1")) < 0.5) == (60, True)
    (star,) = chart.iter(f"{SVG}polygon")
    middle = [float(number) for number in star.get("points", "").split()[0].split(",")]
    lowest = max(
        (float(y), float(x)) for x, y in (p.split(",") for p in lines[VALIDATION].get("points", "").split())
    )
    assert middle[0] == lowest[1]  # the y axis points down
    assert not list(chart.iter(f"{SVG}style"))
    cairosvg.svg2png(ElementTree.tostring(chart))


def test_the_smoothed_curve_lies_within_the_points_and_is_steadier() -> None:
    whole = figures_of(run_of(400)).training
    falling, points = whole[20:60], whole[100:]

    def restless(values: list[float]) -> float:
        return sum(abs(a - b) for a, b in pairwise(values))

    assert restless([p.smoothed for p in points]) < restless([p.loss for p in points]) / 3
    for part in (points, falling):
        mean = sum(p.loss for p in part) / len(part)
        assert sum(p.smoothed for p in part) / len(part) == pytest.approx(mean, abs=0.05)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_run_of_hardly_any_steps_has_a_chart(steps: int) -> None:
    events = [started(2), *(ev.StepDone(s, 3.0, 1e-3, 1.0, 0.1, 1.0, 1.0, 1) for s in range(1, steps + 1))]
    assert bool(loss_chart(figures_of(events))) == (steps > 0)
    if steps:
        ElementTree.fromstring(loss_chart(figures_of(events)))


def test_a_long_run_takes_bounded_memory_and_a_small_file() -> None:
    sizes, peaks = [], []
    for steps in (5_000, 20_000):
        tracemalloc.start()
        figures = figures_of(run_of(steps, every=5))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (
            len(figures.training) <= 2_001
            and len(figures.evaluations) <= 2_001
            and len(figures.samples) <= 80
        )
        tenths = [sum(p.step * 10 // (steps + 1) == tenth for p in figures.training) for tenth in range(10)]
        assert min(tenths) > 50, tenths  # also of the beginning
        assert figures.best is not None and abs(figures.best.step - steps * 2 / 3) < 5
        assert figures.evaluations[0].step == 0
        assert (figures.samples[0].step, figures.samples[-1].step) == (10, steps)
        assert figures.samples_told == steps // 10
        sizes.append(len(loss_chart(figures)))
    assert max(sizes) < 40_000
    assert max(peaks) < 2_000_000


def test_the_samples_that_are_left_out_are_counted(tmp_path: Path) -> None:
    kept(run_of(400, every=2))
    text = text_of(report(tmp_path / "r.html"))
    assert re.search(r"[4-8]\d of its 100 samples are shown\.", text)
    assert "Step 4" in text and "Step 400" in text


def test_what_a_resume_made_void_is_left_out() -> None:
    events = [
        started(40), *(ev.StepDone(s, 3.0, 1e-3, 1.0, 0.1, 1.0, s, 1) for s in range(1, 31)),
        ev.Evaluated(20, 4.0, 1.0, 1.0, True), ev.Evaluated(30, 2.0, 1.0, 1.0, True), ev.Sampled(30, "a", "b"),
        ev.Resumed(20, True, 50), ev.StepDone(21, 3.0, 1e-3, 1.0, 0.1, 1.0, 21.0, 1),
    ]  # fmt: skip
    figures = figures_of(events)
    assert [p.step for p in figures.training] == list(range(1, 22))
    assert figures.best is not None and figures.best.step == 20
    assert (figures.samples, figures.step, figures.total_steps, figures.seconds) == ((), 21, 50, 21.0)


def test_what_a_broken_journal_says_is_no_loss() -> None:
    losses = [3.0, math.nan, 1e300, -math.inf, 2.0]
    events = [started(5), *(ev.StepDone(s, x, 1e-3, 1.0, 0.1, 1.0, 1.0, 1) for s, x in enumerate(losses, 1))]
    events += [ev.StepDone(2, 9.0, 1e-3, 1.0, 0.1, 1.0, math.nan, 1), ev.Evaluated(9, math.nan, 1, 1, True)]
    figures = figures_of(events)
    assert [p.loss for p in figures.training] == [3.0, 2.0]
    assert (figures.best, figures.seconds) == (None, 0.0)


def nasty_run() -> None:
    sample = ev.Sampled(1, NASTY, f"{NASTY}\n- one\n1. two\n# three\n    four\n\n===\n> five", NASTY)
    plan = dataclasses.replace(
        PLAN, sample_prompt=NASTY.replace("\x1b", ""), voices=(NASTY.replace("\x1b", ""),)
    )
    kept([started(2), sample, ev.Failed("r", 1, NASTY)], plan)


def test_html_escapes_all_text(tmp_path: Path) -> None:
    nasty_run()
    page = report(tmp_path / "r.html")
    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page
    assert page.count("&lt;script&gt;") >= 5
    (quote,) = parsed(page).iter(f"{HTML}blockquote")
    assert "".join(quote.itertext()).startswith("<script>alert('&amp;')</script> **bold** [x](http://y)")


def test_markdown_escapes_all_text(tmp_path: Path) -> None:
    nasty_run()
    page = report(tmp_path / "r.md")
    assert "\x1b" not in page and "\u202e" not in page
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    flat = [each for token in tokens for each in (token, *(token.children or ()))]
    kinds = {token.type for token in flat}
    assert not kinds & {
        "html_block",
        "html_inline",
        "strong_open",
        "em_open",
        "link_open",
        "code_inline",
        "s_open",
    }
    assert not kinds & {"bullet_list_open", "ordered_list_open", "code_block", "fence", "hr"}
    headings = [t.content for before, t in pairwise(tokens) if before.type == "heading_open"]
    assert headings == ["r", "Figures", "Samples", "Step 1", "The plan"]
    texts = "".join(token.content for token in flat if token.type in ("text", "text_special"))
    assert texts.count("<script>alert('&amp;')</script> **bold** [x](http://y) `code` | # ") >= 5
    for line in ("- one", "1. two", "# three", "four", "===", "> five"):
        assert line in texts


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(run_of(20))
    (tmp_path / "r.md").write_text("mine")
    assert report(tmp_path / "r.md", code=1) == "mine"
    assert "exists already and is not overwritten" in capsys.readouterr().err
    assert report(tmp_path / "r.txt", code=2) == ""
    assert "ends in .md or .html, not 'r.txt'" in capsys.readouterr().err
    assert report(tmp_path / "new" / "R.HTML", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "run": "r",
        "path": str(tmp_path / "new" / "R.HTML"),
        "bytes": Path(told["path"]).stat().st_size,
    }
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["R.HTML"]
    with pytest.raises(RunError, match="did not finish: File exists"):  # of its folder, not of it
        write_report("r", tmp_path / "r.md" / "r.html")


def test_a_report_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(run_of(20))

    def full(path: Path, *args: Any, **more: Any) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", full)
    assert report(tmp_path / "new" / "r.md", code=1) == ""
    assert "The disk is full" in capsys.readouterr().err
    assert list((tmp_path / "new").iterdir()) == []


def test_a_run_without_a_plan_or_a_step_says_what_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept(run_of(20))
    (folder / runs.PLAN).write_text("colour = 'red'")
    text = text_of(report(tmp_path / "r.html"))
    assert "starter (12,345 parameters), fine-tuned on grimm and tales." in text
    (folder / JOURNAL).unlink()
    assert report(tmp_path / "none.html", code=1) == ""
    assert "has not started, so there is nothing to report." in capsys.readouterr().err


def test_thinning_keeps_peaks_and_the_beginning() -> None:
    points = [(step, 9.0 if step == 3_333 else math.sin(step / 500)) for step in range(10_000)]
    kept_points: list[tuple[int, float]] = []
    for point in points:
        kept_points.append(point)
        if len(kept_points) > 200:
            kept_points = thinned(kept_points, 100, lambda each: each[0], lambda each: each[1])
    assert (3_333, 9.0) in kept_points
    tenths = [sum(step // 1_000 == tenth for step, _ in kept_points) for tenth in range(10)]
    assert min(tenths) >= 8, tenths
    assert kept_points == sorted(kept_points)
