"""A tokenizer from elsewhere, tried in a process of its own: `python -m storytime_tui.models.tokenizer_trial`.

The library is written in Rust, and a hostile tokenizer.json can make it panic, end the whole process, take all memory
or never come back. So what nobody knows is loaded here first, with a bound on memory and time, and cuts a few texts
of each kind. It says "ok" as the last line of its output, or what is wrong in words. Knows only `tokenizers`.

What remains: a pattern made to run for ever on one particular text passes, if that text is not among these. It then
keeps one thread busy; the rest of the program goes on, and ends when it is closed.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

_MEMORY = 3_000_000_000  # bytes of address space; a vocabulary of 260,000 words takes half of one billion
_SECONDS = 20  # of computing
_MOST = 1_500_000  # tokens, and the highest of their numbers; the largest vocabularies have a million
_GROWTH = 60  # tokens for one sign of a text; bytes of an emoji's sequence are some 30
OK = "ok"


class _Unfit(Exception):
    """The tokenizer cannot be used; the message says why, as the end of a sentence."""


def probes() -> Iterator[str]:
    """Texts of every kind that a story, or a user, may hold: the ones that patterns are known to fall over, too."""
    yield "Once upon a time there was a little mouse, who said: \"It's half past 7 o'clock -- isn't it?\"\n\nThe end."
    for sign in "ax0. \n\t-_=*#'\"(é中\u3042\u0e01\u0301\u200d😀\u00a0":
        yield sign
        for length in (40, 3000):
            yield sign * length
            yield sign * length + "!"
            yield sign * length + "b"
    yield "ab" * 2000
    yield "a b " * 1000
    yield "word " * 500 + "\r\n" * 500 + "\t \t" * 500
    yield "Ein Mädchen, une fée, пёс, ὁ λύκος, שלום, مرحبا, नमस्ते, สวัสดี, 你好世界, こんにちは, 안녕하세요, Việt Nam"
    yield "👩‍👩‍👧‍👦 🏳️‍🌈 ① ½ ﬁ Å e\u0301 \u202e \u2028 \ufeff \ufffd \x00 \x1b[31m \x7f \U0010ffff"
    yield "".join(chr(code) for code in range(0x20, 0x600))
    yield "<|endoftext|></s><unk>[UNK]<0x0A>▁Ġ<s>"


def main() -> int:
    """Try the tokenizer whose files are named: one `tokenizer.json`, or a `vocab.json` and a `merges.txt`."""
    _bound()
    said = _verdict([Path(name) for name in sys.argv[1:]])
    sys.stdout.write(said + "\n")
    return 0 if said == OK else 1


def _verdict(paths: list[Path]) -> str:
    try:
        _try(paths)
    except MemoryError:
        return "it takes too much memory"
    except BaseException as error:  # the library's panics are no Exceptions
        return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    return OK


def _bound() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # not on Windows; macOS has only the time
        import resource

        for which, most in (
            (resource.RLIMIT_AS, _MEMORY),
            (resource.RLIMIT_CPU, _SECONDS),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(OSError, ValueError):
                hard = resource.getrlimit(which)[1]
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(which, (least, hard))


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
    if max(ids) > _MOST:
        raise _Unfit(f"the highest number of its {len(ids):,} tokens is {max(ids):,}, which is too much")
    inner.to_str()
    inner.encode_special_tokens = True
    for text in probes():
        found = inner.encode_batch_fast([text], add_special_tokens=False)[0].ids
        if len(found) > _GROWTH * len(text) + 1000:
            raise _Unfit(f"it makes {len(found):,} tokens of a text of {len(text):,} signs")
        inner.decode(found, skip_special_tokens=False)


if __name__ == "__main__":
    sys.exit(main())
