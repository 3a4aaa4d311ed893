"""The story of `storytime-tui write`: adds your lines, lets the model go on and prints its words as they come."""

import contextlib
import dataclasses
import sys
import threading

from storytime_tui.commands.output import say
from storytime_tui.commands.telling_options import (
    Options,
    index_learned,
    interrupt_sets,
    open_for,
    steering_of,
    voice_of,
    with_seed,
)
from storytime_tui.errors import StoryError, StorytimeError
from storytime_tui.formatting import count
from storytime_tui.generation import voice as voices
from storytime_tui.generation.pieces import WHY_IT_STOPPED, Told
from storytime_tui.generation.sampling.settings import SamplerSettings
from storytime_tui.jobs.generate import Teller
from storytime_tui.jobs.tell_on import HowToTell, TellOn
from storytime_tui.jobs.told_record import last_strength, last_told, last_voice
from storytime_tui.stories.joining import joined, title_from
from storytime_tui.stories.steering import Steering, set_steering
from storytime_tui.stories.store import StoryStore
from storytime_tui.stories.story import UNTITLED, Passage, Story
from storytime_tui.stories.tree import takes_of
from storytime_tui.terminal import printable, printable_line
from storytime_tui.word_count import count_words

_SHOWN = 1_200  # characters of the story's end


class Loop:
    """The current story, or a blank page that becomes one with its first words, and how it is told.

    `options` are what was asked for; what is None there is the story's own. Methods raise StorytimeError.
    """

    def __init__(self, store: StoryStore, options: Options, story: Story | None = None) -> None:
        self.store, self.options, self.story = store, options, story
        self._title = ""  # for a story that has none yet
        self._teller: Teller | None = None
        self._terminal = sys.stdout.isatty()
        if story is not None:
            self._keep_steering()

    # -- the story ----------------------------------------------------------------------------------------------

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages of the present text."""
        return self.store.passages(self.story.id) if self.story is not None else ()

    @property
    def title(self) -> str:
        """The story's title, on one line."""
        return printable_line(self.story.title if self.story is not None else self._title or "A new story")

    @property
    def steering(self) -> Steering:
        """The story's memory and author's note."""
        story = self.store.story(self.story.id) if self.story is not None else None
        return steering_of(story, self.options)

    def steer(self, steering: Steering) -> None:
        """Give the story a memory and an author's note."""
        self.options = dataclasses.replace(self.options, memory=None, note=None)
        if self.story is not None:
            set_steering(self.store, self.story.id, steering)
        else:  # a blank page keeps them until it is a story
            self.options = dataclasses.replace(self.options, memory=steering.memory, note=steering.note)

    def go_to(self, story: Story | None) -> None:
        """Go to another story, or to a blank page; with the model, voice, memory and note that it has itself."""
        self.story, self._title = story, ""
        last, teller = last_told(self.passages), self._teller
        if (
            teller
            and last
            and (last.model, last_strength(self.passages, last.model))
            != (
                teller.name,
                teller.strength,
            )
        ):
            self._teller = None
        own = {"model": None, "strength": None, "voice": None, "memory": None, "note": None}
        self.options = dataclasses.replace(self.options, **own)  # type: ignore[arg-type]
        self.show_end()

    def rename(self, title: str) -> None:
        """Give the story a title."""
        if self.story is not None:
            self.story = self.store.rename(self.story.id, title)
        else:
            self._title = title

    def the_story(self, what: str) -> Story:
        """The story. Raises StoryError for a blank page: there is nothing for `what` yet."""
        if self.story is None:
            raise StoryError(f"There is no story yet, so nothing to {what}: write its first words.")
        return self.story

    def _begun(self, title: str) -> Story:
        """The story; a blank page becomes one."""
        if self.story is None:
            self.story = self.store.new_story(self._title or title)
            self._keep_steering()
        return self.story

    def _keep_steering(self) -> None:
        if self.options.memory is not None or self.options.note is not None:
            self.steer(self.steering)

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, line: str) -> None:
        """Add your line, if it has words, and let the model go on."""
        if line.strip():
            story = self._begun(title_from(line))
            self.store.add_line(story.id, lambda text: joined(text, line))
        self.tell()

    def tell(self, after: int | None = -1) -> None:
        """Let the model go on, after the end of the story or after another passage. Ctrl+C stops it."""
        teller = self.open()
        settings = self.settings_for(after)
        if settings.avoid_copying:
            index_learned(teller)
        fresh = self.story is None
        story = self._begun(UNTITLED)
        how = HowToTell(settings, self.voice(teller), self.steering)
        telling = TellOn(
            self.store, story.id, teller, how, after=after, say=lambda sentence: say(printable_line(sentence))
        )
        stop, told, words = threading.Event(), None, ""
        with interrupt_sets(stop), contextlib.closing(telling.stream(stop)) as stream:
            for item in stream:
                if isinstance(item, Told):
                    told = item
                    continue
                text = item.text if words else item.text.lstrip()  # it begins a line on the screen
                words += text
                print(printable(text) if self._terminal else text, end="", flush=True)
        if words:
            print(flush=True)
        if fresh:
            self._named_after(words)
        self._say_end(told, nothing=not words)

    def _named_after(self, words: str) -> None:
        """Name a story that the model began, unless you did; without words there is none."""
        story = self.the_story("name")
        if not words:
            self.store.remove(story.id)
            self.story = None
        elif story.title == UNTITLED:
            self.story = self.store.rename(story.id, title_from(words))

    def settings_for(self, after: int | None) -> SamplerSettings:
        """The settings of the next telling: another seed each time, so that another take tells something else."""
        settings = self.options.settings
        if not self.options.seeded:
            return with_seed(settings)
        if after == -1:
            return settings
        return dataclasses.replace(settings, seed=settings.seed + len(self.takes()))

    def takes(self) -> tuple[Passage, ...]:
        """The takes of the last passage, oldest first. Raises StoryError if the model did not tell it."""
        passages = self.passages
        if not passages or passages[-1].author != "model":
            raise StoryError("The story does not end with the model's words: an empty line lets it go on.")
        return takes_of(self.store, passages[-1].id).passages

    def _say_end(self, told: Told | None, *, nothing: bool) -> None:
        if told is None:
            return
        if nothing:
            say(f"The model told nothing ({WHY_IT_STOPPED[told.stopped_by]}).")
        elif told.stopped_by in ("end", "stuck", "you"):
            say(f"({WHY_IT_STOPPED[told.stopped_by]})")

    # -- the model ----------------------------------------------------------------------------------------------

    def open(self) -> Teller:
        """The model, opened at the first call and after another was chosen."""
        if self._teller is None:
            self._teller = open_for(self.passages, self.options)
        return self._teller

    def choose(self, **changed: str | float | None) -> Teller:
        """Open another model, or the model at another strength; if it cannot be opened, the choice is as before."""
        before, self._teller = self.options, None  # its memory is free before the next one is opened
        self.options = dataclasses.replace(before, **changed)  # type: ignore[arg-type]
        try:
            return self.open()
        except StorytimeError:
            self.options = before
            raise

    def voice(self, teller: Teller) -> voices.Voice:
        """The voice to tell in: the chosen one, else the story's last, else the model's first."""
        return voice_of(self.options.voice, last_voice(self.passages), teller.voices)

    # -- what is said -------------------------------------------------------------------------------------------

    def greeting(self) -> str:
        """What is said before the first line."""
        if self.story is None:
            return "A new story. Type how it begins, or press Enter and the model begins.\n/help lists the commands."
        return "Type what comes next, or press Enter and the model goes on.\n/help lists the commands."

    def show_end(self, most: int = _SHOWN, *, asked: bool = False) -> None:
        """Print the title and the end of the story; nothing of a blank page.

        Where standard output is no terminal, it is left to the model's words, unless this was `asked` for: one line
        of standard error says which story it is.
        """
        if self.story is None:
            return
        text = "".join(passage.text for passage in self.passages).rstrip()
        if not (self._terminal or asked):
            say(f"{self.title}: {count(count_words(text), 'word')} so far.")
            return
        start = max(0, len(text) - most)
        if start:
            start = next(
                (place + len(gap) for gap in ("\n", " ") if (place := text.find(gap, start)) >= 0), start
            )
        print(f"{self.title}\n")
        shown = ("…\n" if start else "") + text[start:]
        print(printable(shown) if self._terminal else shown, flush=True)

    def say_saved(self) -> None:
        """Say where the story is saved."""
        if self.story is not None:
            say(f"Saved as story {self.story.id}, {self.title}.")
