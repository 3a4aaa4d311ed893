"""Tries an unknown tokenizer in its own process: `python -m storytime_tui.models.tokenizer_trial`.

The library is written in Rust, and a hostile tokenizer.json can make it panic, crash the process, exhaust the
memory or hang. An unknown tokenizer is therefore first loaded here, with limits on memory and time, and encodes
some texts of each kind. The last line of the output is "ok" or the reason it failed. Imports only `tokenizers`.

Remaining risk: a pattern that hangs on one particular text passes if that text is not among these. It then blocks
one thread; the rest of the program goes on and can be closed.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

_MEMORY = 3_000_000_000  # bytes of address space; a vocabulary of 260,000 words needs about 500 million
_SECONDS = 20  # CPU seconds
_MAX_ID = 1_500_000  # the largest vocabularies have a million tokens
_MAX_TOKENS_PER_CHARACTER = 60  # an emoji sequence has about 30 bytes
OK = "ok"


class _Unfit(Exception):
    """The tokenizer cannot be used; the message gives the reason, as the end of a sentence."""


def probes() -> Iterator[str]:
    """Texts of every kind that a story or a user may contain, including those that break regular expressions."""
    yield "Once upon a time there was a little mouse, who said: \"It's half past 7 o'clock -- isn't it?\"\n\nThe end."
    for character in "ax0. \n\t-_=*#'\"(é中\u3042\u0e01\u0301\u200d😀\u00a0":
        yield character
        for length in (40, 3000):
            yield character * length
            yield character * length + "!"
            yield character * length + "b"
    yield "ab" * 2000
    yield "a b " * 1000
    yield "word " * 500 + "\r\n" * 500 + "\t \t" * 500
    yield "Ein Mädchen, une fée, пёс, ὁ λύκος, שלום, مرحبا, नमस्ते, สวัสดี, 你好世界, こんにちは, 안녕하세요, Việt Nam"
    yield "👩‍👩‍👧‍👦 🏳️‍🌈 ① ½ ﬁ Å e\u0301 \u202e \u2028 \ufeff \ufffd \x00 \x1b[31m \x7f \U0010ffff"
    yield "".join(chr(code) for code in range(0x20, 0x600))
    yield "<|endoftext|></s><unk>[UNK]<0x0A>▁Ġ<s>"


def main() -> int:
    """Try the tokenizer in the files named as arguments: `tokenizer.json`, or `vocab.json` and `merges.txt`."""
    _limit_resources()
    verdict = _verdict([Path(name) for name in sys.argv[1:]])
    sys.stdout.write(verdict + "\n")
    return 0 if verdict == OK else 1


def _verdict(paths: list[Path]) -> str:
    try:
        _try(paths)
    except MemoryError:
        return "it takes too much memory"
    except BaseException as error:  # the library's panics are not Exceptions
        return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    return OK


def _limit_resources() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # not on Windows; macOS limits only the time
        import resource

        for resource_id, limit in (
            (resource.RLIMIT_AS, _MEMORY),
            (resource.RLIMIT_CPU, _SECONDS),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(OSError, ValueError):
                hard = resource.getrlimit(resource_id)[1]
                soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
                resource.setrlimit(resource_id, (soft, hard))


def _try(paths: list[Path]) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    if len(paths) == 1:
        inner = Tokenizer.from_file(str(paths[0]))
    else:
        inner = Tokenizer(models.BPE.from_file(*map(str, paths)))
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
    inner.no_truncation()
    inner.no_padding()
    ids = inner.get_vocab(with_added_tokens=True).values()
    if not ids:
        raise _Unfit("its vocabulary is empty")
    if max(ids) > _MAX_ID:
        raise _Unfit(f"the highest id of its {len(ids):,} tokens is {max(ids):,}, which is too high")
    inner.to_str()
    inner.encode_special_tokens = True
    for text in probes():
        encoded = inner.encode_batch_fast([text], add_special_tokens=False)[0].ids
        if len(encoded) > _MAX_TOKENS_PER_CHARACTER * len(text) + 1000:
            raise _Unfit(f"it makes {len(encoded):,} tokens of a text of {len(text):,} characters")
        inner.decode(encoded, skip_special_tokens=False)


if __name__ == "__main__":
    sys.exit(main())
