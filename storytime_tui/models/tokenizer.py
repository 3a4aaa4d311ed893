"""Text to token ids and back, with the `tokenizers` library alone: AutoTokenizer would load torch. Knows no torch."""

import contextlib
import functools
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

# Must be set before the library is imported. Otherwise it prints a warning over the screen whenever a process
# that has encoded a batch forks.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers

from storytime_tui import small_files
from storytime_tui.errors import ModelError, is_fault
from storytime_tui.models import catalogue, tokenizer_trust
from storytime_tui.models import folder as model_folder
from storytime_tui.models.word_memo import WordMemo, works_by_words

END_OF_TEXT = "<|endoftext|>"
_SETTINGS = model_folder.TOKENIZER_SETTINGS[0]
_SMALLEST_VOCABULARY = 257  # all bytes and end-of-text
_SPACE = "▁"  # SentencePiece's space
# all files that decide what a folder's tokenizer is
_DECISIVE = (*model_folder.TOKENIZER_FILES, model_folder.GENERATION_CONFIG, model_folder.CONFIG)


class Tokenizer:
    """A vocabulary, and the rules that split text into its tokens.

    `end_of_text` is the id between two stories, and `vocabulary_size` is greater than every id.
    """

    def __init__(self, inner: tokenizers.Tokenizer, end_of_text: str, files: dict[str, bytes]) -> None:
        """Wrap `inner`; `files` (name -> content) is what `save` writes."""
        inner.no_truncation()
        inner.no_padding()
        inner.add_special_tokens([AddedToken(end_of_text, special=True, normalized=False)])
        # Special tokens in a text stay ordinary text, so that a story cannot contain the end-of-text token.
        inner.encode_special_tokens = True
        self._inner = inner
        self._files = files
        self._end_text = end_of_text
        end = inner.token_to_id(end_of_text)
        assert end is not None  # just added
        self.end_of_text: int = end
        self.vocabulary_size: int = max(inner.get_vocab(with_added_tokens=True).values()) + 1
        self._memo = WordMemo(self._encode_all) if works_by_words(inner) else None
        self._memo_lock = threading.Lock()

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without special tokens."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text: word by word from memory, or by the library's threads."""
        if self._memo is not None:
            with self._memo_lock:
                batch = [self._memo.encode(text) for text in texts]
        else:
            batch = self._encode_all(texts)
        return [
            token_ids if self.end_of_text not in token_ids else self._without_end(text)
            for text, token_ids in zip(texts, batch, strict=True)
        ]

    def _encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        with _library_errors("The model's tokenizer failed on a text", "Pick another model."):
            encodings = self._inner.encode_batch_fast(list(texts), add_special_tokens=False)
            return [encoding.ids for encoding in encodings]

    def _without_end(self, text: str) -> list[int]:
        """The ids of a text that spells out the end-of-text token, without that token.

        Some vocabularies also have it as an ordinary token; splitting it in the middle prevents a match.
        """
        middle = len(self._end_text) // 2 or 1
        head, tail = self._end_text[:middle], self._end_text[middle:]
        parts = text.split(self._end_text)
        last = len(parts) - 1
        pieces = [(tail if i else "") + part + (head if i < last else "") for i, part in enumerate(parts)]
        return [token for ids in self._encode_all(pieces) for token in ids if token != self.end_of_text]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, without end-of-text; invalid UTF-8 becomes U+FFFD."""
        kept = [token for token in ids if token != self.end_of_text]
        with _library_errors("The model's tokenizer failed on generated tokens", "Pick another model."):
            return str(self._inner.decode(kept, skip_special_tokens=False))

    def token_bytes(self, token: int) -> bytes:
        """The bytes of one token; empty for end-of-text and for an unused id.

        A character may span several tokens, so these bytes alone need not be valid UTF-8.
        """
        return self._bytes.get(token, b"")

    @functools.cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of everything that decides which ids a text gets. Takes a moment: not every user needs it."""
        return _fingerprint(self._inner, self.end_of_text)

    @functools.cached_property
    def _bytes(self) -> dict[int, bytes]:
        added = {token: each.content for token, each in self._inner.get_added_tokens_decoder().items()}
        to_bytes = _piece_to_bytes(self._inner)
        vocabulary = self._inner.get_vocab(with_added_tokens=False)
        table = {token: to_bytes(piece) for piece, token in vocabulary.items() if token not in added}
        table.update((token, content.encode()) for token, content in added.items())
        table[self.end_of_text] = b""
        return table

    def save(self, folder: Path, window: int | None = None) -> None:
        """Write the files that transformers' AutoTokenizer opens, creating the folder. Raises OSError.

        A loaded tokenizer writes its original files unchanged, except for `window`: the model's context length in
        tokens, at which other programs truncate texts.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            if name == _SETTINGS and window is not None:
                content = _with_window(content, window)
            (folder / name).write_bytes(content)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Open the tokenizer in `folder`: `tokenizer.json`, or GPT-2's `vocab.json` and `merges.txt`.

    The last ones are kept, so that whoever needs the same one next gets it at once. Raises ModelError naming the folder
    for a tokenizer that is missing, damaged, or without an end-of-text token.
    """
    return _loaded(folder, tuple(_stamp(folder / name) for name in _DECISIVE))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@functools.lru_cache(maxsize=2)
def _loaded(folder: Path, _stamps: tuple[tuple[int, int, int] | None, ...]) -> Tokenizer:
    files = {
        name: content
        for name in model_folder.TOKENIZER_FILES
        if (content := _read_file(folder / name)) is not None
    }
    vocabulary, merges = model_folder.VOCABULARY
    if model_folder.TOKENIZER not in files and not {vocabulary, merges} <= files.keys():
        raise ModelError(
            f"The folder {folder} has no tokenizer: it needs {model_folder.TOKENIZER}, or {vocabulary} and {merges}."
        )
    if folder != catalogue.STARTER_FOLDER:  # bundled, so trusted
        tokenizer_trust.check(files, folder)
    with _library_errors(f"The tokenizer in {folder} is damaged", "Fetch or copy it again."):
        return _open(folder, files)


def _open(folder: Path, files: dict[str, bytes]) -> Tokenizer:
    if model_folder.TOKENIZER in files:
        inner = tokenizers.Tokenizer.from_buffer(files[model_folder.TOKENIZER])
    else:
        inner = _byte_level(models.BPE.from_file(*(str(folder / name) for name in model_folder.VOCABULARY)))
    end_of_text = _end_of_text(folder, inner)
    if model_folder.TOKENIZER not in files:
        inner.add_special_tokens([AddedToken(end_of_text, special=True, normalized=False)])
        files = {**_files_of(inner, end_of_text), **files}
    return Tokenizer(inner, end_of_text, files)


def _read_file(path: Path) -> bytes | None:
    """The bytes of one of a tokenizer's files, None if it does not exist. Raises ModelError."""
    try:
        return small_files.read_bytes(path, model_folder.TOKENIZER_LIMIT)
    except FileNotFoundError:
        return None
    except small_files.UnreadableFile as error:
        raise ModelError(str(error)) from error


@contextlib.contextmanager
def _library_errors(what: str, advice: str) -> Iterator[None]:
    """Turn any error of the library into a ModelError, including panics, which are not Exceptions."""
    try:
        yield
    except ModelError:
        raise
    except BaseException as error:
        if not is_fault(error):
            raise
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise ModelError(f"{what}: {reason}. {advice}") from error


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """Train a byte-level BPE on `texts` by GPT-2's method, with end-of-text as id 0 and a token for each byte.

    The same texts give the same tokenizer. Short texts may give fewer tokens than requested, because a pair is
    merged only if it occurs at least twice. Raises ModelError for a vocabulary that is too small for all bytes.
    """
    if vocabulary_size < _SMALLEST_VOCABULARY:
        raise ModelError(
            f"A vocabulary of {vocabulary_size} tokens is too small: it needs {_SMALLEST_VOCABULARY} or more."
        )
    inner = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return Tokenizer(inner, END_OF_TEXT, _files_of(inner, END_OF_TEXT))


def _byte_level(model: models.BPE) -> tokenizers.Tokenizer:
    inner = tokenizers.Tokenizer(model)
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return inner


def _files_of(inner: tokenizers.Tokenizer, end_of_text: str) -> dict[str, bytes]:
    """The files that make transformers open `inner` unchanged."""
    settings = {
        "add_prefix_space": False,
        "bos_token": end_of_text,
        "clean_up_tokenization_spaces": False,
        "eos_token": end_of_text,
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": end_of_text,
    }
    return {
        model_folder.TOKENIZER: inner.to_str(pretty=False).encode(),
        _SETTINGS: (json.dumps(settings, indent=2) + "\n").encode(),
    }


def _with_window(content: bytes, window: int) -> bytes:
    try:
        settings = json.loads(content)
    except ValueError:
        return content  # the tokenizer was loaded without these settings
    if not isinstance(settings, dict) or settings.get("model_max_length") == window:
        return content
    return (json.dumps({**settings, "model_max_length": window}, indent=2) + "\n").encode()


def _end_of_text(folder: Path, inner: tokenizers.Tokenizer) -> str:
    """The end-of-text token: the first one named in the folder's files that is in the vocabulary."""
    for token in _end_candidates(folder):
        text = inner.id_to_token(token) if isinstance(token, int) and token >= 0 else token
        if isinstance(text, str) and text and inner.token_to_id(text) is not None:
            return text
    raise ModelError(
        f"The tokenizer in {folder} has no end-of-text token: its tokenizer_config.json needs an eos_token."
    )


def _end_candidates(folder: Path) -> Iterator[Any]:
    for name in (*model_folder.TOKENIZER_SETTINGS, model_folder.GENERATION_CONFIG, model_folder.CONFIG):
        if (folder / name).is_file():
            settings = model_folder.read_json(folder / name)
            for value in (settings.get("eos_token"), settings.get("eos_token_id")):
                if isinstance(value, dict):  # a token with flags
                    yield value.get("content")
                elif isinstance(value, list):  # several end-of-text tokens
                    yield from value
                else:
                    yield value
    yield END_OF_TEXT


def _fingerprint(inner: tokenizers.Tokenizer, end_of_text: int) -> str:
    rules = json.loads(inner.to_str())
    relevant = {name: rules.get(name) for name in ("normalizer", "pre_tokenizer", "model", "added_tokens")}
    text = json.dumps([relevant, end_of_text], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def byte_characters() -> dict[str, int]:
    """GPT-2's byte map (Radford et al. 2019, `bytes_to_unicode`): the byte that each character stands for.

    A printable byte is its own Latin-1 character; the others take the characters from 256 on, in order.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


def _piece_to_bytes(inner: tokenizers.Tokenizer) -> Callable[[str], bytes]:
    """The function from a vocabulary entry to its bytes, in GPT-2's or SentencePiece's notation by the decoder."""
    decoder = json.loads(inner.decoder.__getstate__()) if inner.decoder is not None else {}
    types = {decoder.get("type")} | {each.get("type") for each in decoder.get("decoders", ())}
    if "ByteLevel" not in types:
        return _sentence_piece
    characters = {character: bytes([byte]) for character, byte in byte_characters().items()}
    # Latin-1 has a character for each byte; what GPT-2's notation does not use becomes one that Latin-1 lacks.
    latin = dict.fromkeys(range(256), "\uffff") | {ord(each): byte[0] for each, byte in characters.items()}

    def to_bytes(piece: str) -> bytes:
        try:
            return piece.translate(latin).encode("latin-1")
        except UnicodeEncodeError:  # an entry in neither notation stands for itself, as in the library
            return b"".join(characters.get(character) or character.encode() for character in piece)

    return to_bytes


def _sentence_piece(piece: str) -> bytes:
    """The bytes of an entry in SentencePiece's notation: "▁" is a space, "<0xE2>" is that byte."""
    byte = re.fullmatch("<0x([0-9A-F]{2})>", piece)
    return bytes.fromhex(byte.group(1)) if byte else piece.replace(_SPACE, " ").encode()
