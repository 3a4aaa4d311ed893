"""Manners are told apart by how a passage is told, not by whom it tells of."""

import random

import pytest

from storytime_tui.corpus.manner import Classifier, passages_of

OLD = ["upon the", "thereupon", "and so it was that", "by and by", "it came to pass that", "for many a day"]
NEW = ["one day", "really", "very happy to see that", "so much fun that", "and then", "with a big smile"]
DEEDS = ["went home", "found a button", "looked at the moon", "sang a song", "lost a shoe", "ate some bread"]
THINGS = [
    a + b
    for a in ("ba", "ke", "lo", "mi", "nu", "pra", "sto")
    for b in ("dle", "kin", "mer", "rop", "sh", "ten")
]


def story(phrases: list[str], who: str, seed: int, sentences: int = 60) -> str:
    draw = random.Random(seed)
    told = [
        f"The {' '.join(draw.sample(THINGS, 4))} blew, {draw.choice(phrases)} {who} {draw.choice(DEEDS)}"
        for _ in range(sentences)
    ]
    return ". ".join(told) + "."


OLD_STORIES = [story(OLD, "Old Marten", seed) for seed in range(4)]
NEW_STORIES = [story(NEW, "Lily", seed) for seed in range(4)]


def test_passages_end_with_sentences_and_hold_all_of_a_text() -> None:
    text = story(OLD, "Tom", 1)
    passages = passages_of(text)
    assert " ".join(passages) == text
    assert all(passage.endswith(".") and 100 <= len(passage.split()) < 160 for passage in passages[:-1])
    assert passages_of("No end") == ["No end"]
    assert passages_of("  ") == []


def test_a_passage_is_of_the_class_in_whose_manner_it_is_told() -> None:
    classifier = Classifier.fit({"old": OLD_STORIES, "new": NEW_STORIES})
    for name, phrases in (("old", OLD), ("new", NEW)):
        told = [passage for seed in range(90, 94) for passage in passages_of(story(phrases, "Ann", seed))]
        assert {classifier.classify(passage) for passage in told} == {name}
    assert classifier.classify("") == classifier.classify("Zzyzx!") == ""


def test_a_long_text_is_judged_as_its_passages_are() -> None:
    classifier = Classifier.fit({"old": OLD_STORIES, "new": NEW_STORIES})
    text = story(NEW, "Ann", 80, 400)
    passages = passages_of(text)
    mean = sum(classifier.scores(passage) for passage in passages) / len(passages)
    assert classifier.scores(text) == pytest.approx(mean)


def test_a_name_decides_nothing() -> None:
    classifier = Classifier.fit({"old": OLD_STORIES, "new": NEW_STORIES})
    assert classifier.names >= {"marten", "lily"}
    assert classifier.classify(story(NEW, "Old Marten", 50)) == "new"
    assert classifier.classify(story(OLD, "Lily", 50)) == "old"
    # nor does an animal that a story is about, though it has no capital
    foxes = [each.replace("Old Marten", "the fox") for each in OLD_STORIES]
    assert "fox" in Classifier.fit({"old": foxes, "new": NEW_STORIES}).names


def test_a_class_of_few_passages_is_told_as_well_as_one_of_many() -> None:
    many = [story(OLD, "Ann", seed) for seed in range(40)]
    few = passages_of(story(NEW, "Ann", 0))[:3]
    classifier = Classifier.fit({"old": many, "new": few})
    told = [passage for seed in range(60, 66) for passage in passages_of(story(NEW, "Ann", seed))]
    assert {classifier.classify(passage) for passage in told} == {"new"}
    assert {classifier.classify(passage) for passage in passages_of(story(OLD, "Ann", 99))} == {"old"}


def test_one_word_does_not_decide() -> None:
    classifier = Classifier.fit({"old": OLD_STORIES, "new": NEW_STORIES})
    passage = passages_of(story(NEW, "Ann", 70))[0]
    assert classifier.classify(passage + " Thereupon, by and by.") == "new"
    assert abs(classifier.evidence).max() <= 2.5


def test_what_a_class_is_known_by_are_words_that_show_its_manner() -> None:
    classifier = Classifier.fit({"old": OLD_STORIES, "new": NEW_STORIES})
    for name, phrases in (("old", OLD), ("new", NEW)):
        shown = classifier.typical_features(name, 5)
        assert len(shown) == 5
        assert all(
            any(word in phrase.split() for phrase in phrases for word in each.split()) for each in shown
        )


def test_a_manner_needs_another_beside_it() -> None:
    for texts in ({"old": OLD_STORIES}, {"old": OLD_STORIES, "new": [" "]}, {}):
        with pytest.raises(ValueError, match="two classes"):
            Classifier.fit(texts)
