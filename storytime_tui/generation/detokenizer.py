"""From the bytes of tokens to text while it streams. Knows no torch."""

import codecs


class Detokenizer:
    """Turns bytes that come in parts into text, holding an incomplete UTF-8 character back until it is whole.

    A token of a byte-level tokenizer may end inside a character. Bytes that cannot be part of any character
    become U+FFFD, exactly as when all bytes are decoded at once with errors="replace".
    """

    def __init__(self, held: bytes = b"") -> None:
        """`held`: bytes of a character that has begun."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder.setstate((held, 0))

    @property
    def held(self) -> bytes:
        """The bytes that are held back."""
        return self._decoder.getstate()[0]

    def feed(self, data: bytes) -> str:
        """The text that these bytes complete: empty while a character is incomplete."""
        return self._decoder.decode(data)

    def flush(self) -> str:
        """The text of what is held back: U+FFFD for an incomplete character. The stream is then empty."""
        return self._decoder.decode(b"", final=True)
