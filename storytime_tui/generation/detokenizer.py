"""Streaming tokens' bytes as text. Knows no torch."""

import codecs


class Detokenizer:
    """Turns chunks of bytes into text, holding back an incomplete UTF-8 character until it is complete.

    A token of a byte-level tokenizer may end within a character. Invalid bytes become U+FFFD, exactly as when all
    bytes are decoded at once with errors="replace".
    """

    def __init__(self, held: bytes = b"") -> None:
        """`held`: the bytes of an incomplete character to start with."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder.setstate((held, 0))

    @property
    def held(self) -> bytes:
        """The bytes held back."""
        return self._decoder.getstate()[0]

    def feed(self, data: bytes) -> str:
        """The text that these bytes complete, empty while a character is incomplete."""
        return self._decoder.decode(data)

    def flush(self) -> str:
        """The held-back bytes as text, U+FFFD for an incomplete character; the detokenizer is then empty."""
        return self._decoder.decode(b"", final=True)
