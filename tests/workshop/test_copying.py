"""The index job: made once for a shelf's stories, opened again, and it says where words were copied from."""

from storytime_tui import paths
from storytime_tui.corpus.collection import Story
from storytime_tui.workshop.copying import copied_index

STORIES = [
    Story("The Fox", "Once a fox ran home through the long grass, and nobody saw him go."),
    Story("The Hen", "The hen sat on the wall and counted all the stars she knew."),
]


def test_what_is_copied_is_found_with_its_story() -> None:
    said: list[tuple[str, int, int]] = []
    index = copied_index(STORIES, lambda *what: said.append(what))
    (stretch,) = index.stretches("They say the HEN sat on the wall -- and counted all the clouds.")
    assert (stretch.words, STORIES[stretch.story].title) == (10, "The Hen")
    assert said and all(done <= total for _, done, total in said)
    said.clear()
    assert copied_index(STORIES, lambda *what: said.append(what)).share(STORIES[0].text) == 1.0
    assert not said
    assert (paths.cache_folder() / "copied").is_dir()
