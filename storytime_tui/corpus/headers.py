"""What a story begins with in training: a line that names its shelf, then perhaps its title, characters and tone.

The shelf's line binds a manner to a name: told behind that line, a model tells as that shelf does. A model that
has read stories under the other lines takes one as a promise: text that is kept in view while it tells
("Characters: Lily, the fox") then steers what comes. All of it is counted words and small lists, a hint for a
small model and no literary judgement.
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
SHELF = "Shelf"  # what the first line is called
HEADERS = ("Title", "Characters", "Tone")  # and the others, in their order
LONGEST_VOICE = 80  # characters of a shelf's title that its line holds
_TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split()}
_LEAST_TONE = 2  # of its words, and one in two hundred: below that a story has no tone that shows
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
# what begins with a capital and is nobody
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
_NUMBER = re.compile(r" \(\d+\)$")  # tells two stories of one title apart in a collection
_WORD = re.compile(r"[a-z]+")
_MOST_CHARACTERS = 4
_READ = 40_000  # characters of a long story that are looked at


class _Encodes(Protocol):
    def encode(self, text: str) -> list[int]:
        """The ids of a text."""


def voice_of(title: str) -> str:
    """A collection's title as its line has it: the name of its voice."""
    return " ".join(title.split())[:LONGEST_VOICE].rstrip()


def shelf_line(voice: str) -> str:
    """The line that names a shelf, with its newline; "" for no voice."""
    return f"{SHELF}: {voice}\n" if voice else ""


def voice_in(header: str) -> str:
    """The voice that a header's first line names; "" where it names none."""
    name, _, voice = header.partition("\n")[0].partition(": ")
    return voice if name == SHELF else ""


def header_ids(header: str, vocabulary: _Encodes) -> list[int]:
    """The ids of header lines as they stand before a story: a blank line parts them from it. [] of nothing.

    Tokenizers of GPT-2's kind read two line ends before a word as two tokens, and as one at the end of a text.
    So a header that is encoded by itself is encoded in two pieces.
    """
    lines = header.rstrip("\n")
    return [*vocabulary.encode(f"{lines}\n"), *vocabulary.encode("\n")] if lines else []


def header_of(title: str, text: str) -> str:
    """`Title`, `Characters` and `Tone` of a story, a line each and newlines after all; without what is not known.

    `title` may be "": then it is made of whom the story is about and what it names most. "" where nothing at
    all is known.
    """
    return "".join(f"{name}: {value}\n" for name, value in _known(title, text) if value)


def header_before(title: str, text: str, *, share: float, seed: int) -> str:
    """The header with which a story is read in training: "" for all but about `share` (0 to 1) of the stories.

    Half of those that have one get all of its lines, the others one or two, as whoever writes such lines will
    give them. By the story and `seed` alone. A blank line parts it from the story.
    """
    number = int.from_bytes(hashlib.sha256(f"{seed}\n{title}\n{text}".encode()).digest()[:8], "big")
    if number % 2**32 >= share * 2**32:
        return ""
    lines = header_of(title, text).splitlines(keepends=True)
    kept = (number >> 32) % 12  # six of twelve: all lines; the rest: each choice of one or two of the three
    if kept < 6 and len(lines) == 3:
        lines = [line for place, line in enumerate(lines) if (kept + 1) >> place & 1]
    return "".join([*lines, "\n"]) if lines else ""


def _known(title: str, text: str) -> list[tuple[str, str]]:
    text = text[:_READ]
    characters = characters_in(text)
    called = _NUMBER.sub("", " ".join(title.split())) or _made_title(text, characters)
    return list(zip(HEADERS, (called, ", ".join(characters), tone_of(text)), strict=True))


def characters_in(text: str) -> list[str]:
    """Whom a story is about, those named most often first; at most four.

    Names are words with a capital inside a sentence; where there are fewer than two, "the fox" is one as well
    when the text says so three times.
    """
    names: Counter[str] = Counter()
    for found in _NAME.findall(text):
        first, _, second = found.partition(" ")
        if first not in _NOBODY:
            names[first] += 1
        elif second and second not in _NOBODY:
            names[found] += 1  # Uncle Wiggily, King Arthur
    known = [(name, count) for name, count in names.most_common(_MOST_CHARACTERS) if count >= 2]
    most = max((count for _, count in known), default=0)
    characters = [name for name, count in known if count * 8 >= most]
    if len(characters) < 2:
        said = Counter(
            noun if noun in _CREATURES else next_noun  # "the fox", or "the sly fox"
            for noun, next_noun in _THE.findall(text)
            if noun in _CREATURES or next_noun in _CREATURES
        )
        characters += [f"the {word}" for word, count in said.most_common(3) if count >= 3]
    return characters[:_MOST_CHARACTERS]


def tone_of(text: str) -> str:
    """The one of TONES whose words a story uses most for its length; "" where none shows."""
    words = _WORD.findall(text.lower())
    counts = Counter(_TONE_OF[word] for word in words if word in _TONE_OF)
    best = max(TONES, key=lambda tone: counts[tone] / len(TONES[tone].split()))
    shows = counts[best] >= _LEAST_TONE and counts[best] * _PER_TONE_WORD >= len(words)
    return best if shows else ""


def _made_title(text: str, characters: list[str]) -> str:
    """As "Lily and the Needle": who comes first, and the thing that is named most; "" where there is nobody."""
    if not characters:
        return ""
    who = characters[0].title() if characters[0].startswith("the ") else characters[0]
    who = who.replace("The ", "The ", 1)
    told = {word.removeprefix("the ") for word in characters}
    said = Counter(word for word in _THINGS.findall(text) if word not in told and word not in _NO_THINGS)
    thing, count = max(said.items(), key=lambda item: item[1], default=("", 0))
    return f"{who} and the {thing.capitalize()}" if count >= 2 else who
