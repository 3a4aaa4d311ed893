"""Prints a run's events: what `train` and `runs watch` say."""

import shlex
from collections.abc import Sequence

from storytime_tui.commands.output import StatusLine, print_json
from storytime_tui.formatting import count, progress, size
from storytime_tui.generation.sentences import marked_where_cut
from storytime_tui.terminal import printable
from storytime_tui.training import events as ev
from storytime_tui.training.alerts import Alert
from storytime_tui.training.voice_report import in_words, strength_in_words


def print_event(event: ev.Event, status: StatusLine, *, as_json: bool) -> None:
    """Print one event, in words or as a JSON object. In words, preparations and steps only replace the status line;
    preparations are never printed as JSON. Raises OutputLost."""
    if as_json:
        if not isinstance(event, ev.Preparing):
            print_json(ev.to_json(event))
        return
    if isinstance(event, ev.Preparing):
        status.show(progress(event.what, event.done, event.total))
        return
    if isinstance(event, ev.StepDone):
        status.show(
            f"step {event.step:,}  loss {event.loss:.3f}  epoch {event.epoch:.2f}  "
            f"{event.tokens_per_second:,.0f} tokens/s"
        )
        return
    status.clear()
    print(printable(_in_words(event)), flush=True)


def print_alerts(alerts: Sequence[Alert], step: int, status: StatusLine) -> None:
    """Print what deserves attention at a step. Raises OutputLost."""
    for alert in alerts:
        status.clear()
        print(printable(f"step {step:>6,}  {alert.level}: {alert.words}"), flush=True)


def _memory_in_words(event: ev.Started) -> str:
    if not event.memory_needed:
        return ""
    needed, available = event.memory_needed, event.memory_available
    more = "" if needed <= available else ": if it runs out, the run will read fewer windows at a time"
    return f"\nneeds about {size(needed)} of memory, {size(available)} free{more}"


def _prompt_of(event: ev.Sampled) -> str:
    voice = f", as {event.voice}" if event.voice else ""
    source = "a held-out story: " if event.held_out else ""
    return f"{source}“{' '.join(event.prompt.split())}”{voice}"


def _in_words(event: ev.Event) -> str:
    match event:
        case ev.Started():
            copies = f" ({event.copies} copies left out)" if event.copies else ""
            stories, steps = count(event.stories, "story", "stories"), count(event.total_steps, "step")
            return (
                f"{event.run}: {event.base} ({event.parameters:,} parameters) on {event.device}, {event.precision}\n"
                f"{stories} to train on, {event.validation_stories:,} for validation{copies}; "
                f"{event.training_tokens:,} and {event.validation_tokens:,} tokens; {steps}, "
                f"{event.steps_per_epoch:,.1f} per epoch\n"
                f"baseline (word frequency): validation loss {event.token_frequency_loss:.3f}"
                + _memory_in_words(event)
            )
        case ev.Evaluated():
            return (
                f"step {event.step:>6,}  validation loss {event.validation_loss:.3f}  "
                f"perplexity {event.perplexity:,.1f}  bits per byte {event.bits_per_byte:.3f}"
                + ("  best" if event.best else "")
            )
        case ev.StrengthChosen():
            return f"step {event.step:>6,}  {strength_in_words(event)}"
        case ev.VoiceMeasured():
            return f"step {event.step:>6,}  {in_words(event)}"
        case ev.Sampled():
            text = f"  | {marked_where_cut(event.prompt + event.text)}".replace("\n", "\n  | ")
            return f"step {event.step:>6,}  sample from {_prompt_of(event)}\n{text}"
        case ev.CheckpointSaved():
            return f"step {event.step:>6,}  saved {event.path}"
        case ev.Paused():
            return f"paused at step {event.step:,}"
        case ev.Resumed():
            return f"resuming from step {event.step:,}"
        case ev.Recovered():
            return event.message
        case ev.Finished():
            end = {
                "done": "finished",
                "patience": f"finished early at step {event.step:,} (no improvement)",
            }.get(event.stopped_by, f"stopped at step {event.step:,}")
            best = f", best validation loss {event.best_validation_loss:.3f}" if event.best_step else ""
            resume_with = (
                ""
                if event.stopped_by != "stopped"
                else f"\nresume with: storytime-tui train --resume {shlex.quote(event.run)}"
            )
            tell = (
                f"\ntell with: storytime-tui tell --model {shlex.quote(event.run)}"
                if event.step
                else "\nIt has learned nothing yet, so there is nothing to tell with."
            )
            return f"{end} after {event.seconds:,.0f} s of training{best}{tell}{resume_with}"
        case _:
            return ev.event_name(type(event)).replace("_", " ")
