"""The header of a story in training: a line that names its collection, then perhaps its title, characters and tone.

The first line names a voice: after that line, a model writes like that collection. The other lines steer a model
that was trained with them: with "Characters: Lily, the fox" in its context it writes about these. All are found by
counting words and by short lists. They are hints for a small model, not literary judgements.
"""

import hashlib
import re
from collections import Counter
from typing import Protocol


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TONES = {
    "funny": (
        "chuckled funny giggled giggling grin grinned hat joke joked jokes laugh laughed laughing laughter "
        "merrily merry nonsense oddest queer ridiculous silly teased tickled tricked tumbled wiggled"
    ),
    "gentle": (
        "bedtime blanket cozy cuddled dream dreamed dreams gentle gently goodnight hug hugged hugs kind "
        "kindly kindness kissed lullaby peaceful quiet quietly sleep sleepy smiled snuggled soft softly warm"
    ),
    "sad": (
        "alas alone crying dead death died grave grief lonely lost mourned pity sad sadly "
        "sighed sobbed sorrow sorrowful tears unhappy weep weeping wept"
    ),
    "scary": (
        "afraid beast bones claws cruel dark darkness devoured dreadful fangs fear fearful fierce fright "
        "frightened ghost horrible howled monster ogre scared scary scream screamed shadow shadows terrible "
        "terror trembled trembling wicked"
    ),
    "brave": (
        "adventure battle bold boldly brave bravely courage danger dragon enemies enemy fight fought hero "
        "honour journey knight rescue rescued sailed saved shield spear sword swords victory warrior"
    ),
    "magical": (
        "charm charmed crystal elf elves enchanted enchantment fairies fairy genie magic magical magician "
        "mermaid potion spell spells unicorn wand wings witch wizard"
    ),
}
SHELF = "Shelf"  # the name of the first line
HEADERS = ("Title", "Characters", "Tone")  # the names of the others, in their order
LONGEST_VOICE = 80  # characters of a collection's title in its line
_TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split()}
_LEAST_TONE = 2  # words of a tone that a story needs to have it, and at least one in 200 of its words
_PER_TONE_WORD = 200

_CREATURES = _words(
    "ant ass badger bear beaver bee beetle bird boy bull butterfly calf camel cat chick child cock cow crab "
    "cricket crocodile crow deer dog donkey dragon duck duckling dwarf eagle elephant elf emperor fairy farmer "
    "father fish fisherman fox frog ghost giant girl goat goose grandmother grasshopper hare hawk hedgehog hen "
    "hunter kid king kitten knight lamb lion magician man mermaid miller mole monkey monster mother mouse "
    "nightingale ogre ostrich otter owl ox parrot peacock pig pony prince princess puppy queen rabbit rat "
    "raven robin rooster shepherd snail snake soldier sparrow spider squirrel stork swan tailor tiger toad "
    "tortoise troll turtle witch wizard wolf woman woodcutter"
)
# capitalised words that are not names of characters
_NOBODY = _words(
    "A After All Am An And Are As At Aunt Autumn Be Bible But By Can Captain Chapter Christian Christmas "
    "Come Day Dear Did Do Don't Dr Easter England English Even Ever Every For Four France Friday From German "
    "Go God Good Goodbye Great Had Has Have He He'd He'll He's Heaven Her Here Hello Hey His How I I'd I'll "
    "I'm I've If II III In Indian Is It It's King Lady Last Let Let's Little Look Lord Madam Majesty Many May "
    "Me Miss Monday More Mother Mr Mrs Ms My Never New No None Nor North Not Nothing Now O Of Oh Ok Okay Old On "
    "Once One Or Our Out Papa Please Poor Princess Prince Queen Run Saturday See She She'd She's Sir So Some "
    "South Spring St Stop Such Summer Sunday Tell Thank Thanks That That's The Their Then There There's These "
    "They They're This Those Three Thursday To Tuesday Two Uncle Until Up Us Very Wait Was We We'll We're "
    "Wednesday Well Were What What's When Where Which While Who Why Will Winter With World Wow Would Yes You "
    "You're Your Yours"
)
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?:'[A-Z][a-z]+)?\b(?!')(?: [A-Z][a-z]+\b)?")
_THE = re.compile(r"\b[Tt]he ([a-z]+)(?: ([a-z]+))?")
_THINGS = re.compile(r"\b[Tt]he ([a-z]{3,})(?=[.,;!?]| (?:was|is|and|had|in|on|to|with)\b)")
_NO_THINGS = _words(
    "air big best bottom day days end evening first floor good ground house inside last little morning most "
    "next night old one ones other others outside people place rest same side sky sun time top two way world "
    "water"
)
_NUMBER = re.compile(r" \(\d+\)$")  # added to a title that occurs twice in a collection
_WORD = re.compile(r"[a-z]+")
_MOST_CHARACTERS = 4
_READ = 40_000  # characters of a long story that are read


class _Encodes(Protocol):
    def encode(self, text: str) -> list[int]:
        """The token ids of a text."""


def voice_of(title: str) -> str:
    """The name of a collection's voice, as its line gives it: its title, shortened."""
    return " ".join(title.split())[:LONGEST_VOICE].rstrip()


def shelf_line(voice: str) -> str:
    """The line that names a collection, with its newline; "" for no voice."""
    return f"{SHELF}: {voice}\n" if voice else ""


def voice_in(header: str) -> str:
    """The voice named by a header's first line; "" if it names none."""
    name, _, voice = header.partition("\n")[0].partition(": ")
    return voice if name == SHELF else ""


def header_ids(header: str, vocabulary: _Encodes) -> list[int]:
    """The token ids of header lines and the blank line that separates them from the story; [] if there are none.

    GPT-2's tokenizers encode two newlines as two tokens before a word, but as one at the end of a text. So the
    header and the blank line are encoded separately.
    """
    lines = header.rstrip("\n")
    return [*vocabulary.encode(f"{lines}\n"), *vocabulary.encode("\n")] if lines else []


def header_of(title: str, text: str) -> str:
    """A story's `Title`, `Characters` and `Tone`, a line each with its newline; lines without a value are left out.

    If `title` is "", one is made from the main character and the thing mentioned most.
    """
    return "".join(f"{name}: {value}\n" for name, value in _known(title, text) if value)


def header_before(title: str, text: str, *, share: float, seed: int) -> str:
    """The header of a story in training, with a blank line; "" for all but about `share` (0 to 1) of the stories.

    Half of the headers have all lines, the others one or two, as users write them. The result depends only on the
    story and `seed`.
    """
    number = int.from_bytes(hashlib.sha256(f"{seed}\n{title}\n{text}".encode()).digest()[:8], "big")
    if number % 2**32 >= share * 2**32:
        return ""
    lines = header_of(title, text).splitlines(keepends=True)
    kept = (number >> 32) % 12  # 0 to 5: one of the six choices of one or two lines; 6 to 11: all three
    if kept < 6 and len(lines) == 3:
        lines = [line for place, line in enumerate(lines) if (kept + 1) >> place & 1]
    return "".join([*lines, "\n"]) if lines else ""


def _known(title: str, text: str) -> list[tuple[str, str]]:
    text = text[:_READ]
    characters = characters_in(text)
    shown_title = _NUMBER.sub("", " ".join(title.split())) or _made_title(text, characters)
    return list(zip(HEADERS, (shown_title, ", ".join(characters), tone_of(text)), strict=True))


def characters_in(text: str) -> list[str]:
    """The characters of a story, most frequent first; at most four.

    Names are capitalised words inside a sentence. If fewer than two are found, "the fox" counts too when it occurs
    three times.
    """
    names: Counter[str] = Counter()
    for name in _NAME.findall(text):
        first, _, second = name.partition(" ")
        if first not in _NOBODY:
            names[first] += 1
        elif second and second not in _NOBODY:
            names[name] += 1  # Uncle Wiggily, King Arthur
    frequent = [(name, count) for name, count in names.most_common(_MOST_CHARACTERS) if count >= 2]
    most = max((count for _, count in frequent), default=0)
    characters = [name for name, count in frequent if count * 8 >= most]
    if len(characters) < 2:
        creatures = Counter(
            noun if noun in _CREATURES else next_noun  # "the fox", or "the sly fox"
            for noun, next_noun in _THE.findall(text)
            if noun in _CREATURES or next_noun in _CREATURES
        )
        characters += [f"the {word}" for word, count in creatures.most_common(3) if count >= 3]
    return characters[:_MOST_CHARACTERS]


def tone_of(text: str) -> str:
    """The tone whose words are most frequent in a story, relative to its list's length; "" if they are rare."""
    words = _WORD.findall(text.lower())
    counts = Counter(_TONE_OF[word] for word in words if word in _TONE_OF)
    best = max(TONES, key=lambda tone: counts[tone] / len(TONES[tone].split()))
    is_clear = counts[best] >= _LEAST_TONE and counts[best] * _PER_TONE_WORD >= len(words)
    return best if is_clear else ""


def _made_title(text: str, characters: list[str]) -> str:
    """A title such as "Lily and the Needle": first character and most frequent thing; "" without a character."""
    if not characters:
        return ""
    who = characters[0].title() if characters[0].startswith("the ") else characters[0]
    who = who.replace("The ", "The ", 1)
    nouns = {word.removeprefix("the ") for word in characters}
    things = Counter(word for word in _THINGS.findall(text) if word not in nouns and word not in _NO_THINGS)
    thing, count = max(things.items(), key=lambda item: item[1], default=("", 0))
    return f"{who} and the {thing.capitalize()}" if count >= 2 else who
