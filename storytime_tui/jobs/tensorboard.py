"""Writes a run's events for TensorBoard."""

from collections.abc import Iterator

from storytime_tui import files, paths
from storytime_tui.errors import PlanError
from storytime_tui.training import events as ev


def with_tensorboard(events: Iterator[ev.Event]) -> Iterator[ev.Event]:
    """Yield the events unchanged, and write their numbers to `tensorboard/` in the run's folder.

    Raises PlanError if tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise PlanError(
            "--tensorboard needs tensorboard, which is not installed: `pip install 'storytime-tui[tensorboard]'`."
        ) from error
    writer = None
    try:
        for event in events:
            if isinstance(event, ev.Started):
                folder = paths.runs_folder() / event.run / "tensorboard"
                writer = SummaryWriter(folder)
                for file in folder.iterdir():
                    files.make_private(file)  # it contains the samples
            if writer is not None:
                for name, number in _numbers(event).items():
                    writer.add_scalar(name, number, getattr(event, "step", 0))
                if isinstance(event, ev.Sampled):
                    writer.add_text("sample", event.prompt + event.text, event.step)
            yield event
    finally:
        if writer is not None:
            writer.close()


def _numbers(event: ev.Event) -> dict[str, float]:
    if isinstance(event, ev.StepDone):
        return {
            "training/loss": event.loss,
            "training/learning_rate": event.learning_rate,
            "training/gradient_norm": event.gradient_norm,
            "training/tokens_per_second": event.tokens_per_second,
            "training/memory": event.memory,
        }
    if isinstance(event, ev.Evaluated):
        return {
            "validation/loss": event.validation_loss,
            "validation/perplexity": event.perplexity,
            "validation/bits_per_byte": event.bits_per_byte,
        }
    if isinstance(event, ev.VoiceMeasured) and event.passages:
        return {
            "voice/of_shelf": event.of_shelf / event.passages,
            "voice/of_base": event.of_base / event.passages,
        }
    return {}
