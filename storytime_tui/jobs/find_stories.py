"""Finding stories of the shelf by the words in their texts, for the app. Loads no torch."""

from storytime_tui.corpus.text_search import TextSearch as TextSearch

__all__ = ["TextSearch"]
