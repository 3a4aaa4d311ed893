"""Saved pages of forums and comments: the posts stay, and who wrote them, when, and the buttons are left out, named."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storytime_tui.corpus.dividing.divide import read_book
from storytime_tui.corpus.document import Document
from storytime_tui.corpus.formats.read import read_document
from tests.examples import many

POSTS = [
    "The owl sat on the old gate and looked at the moon. Nobody spoke, for it was cold, and the mill was far away.",
    "Snow fell all night upon the mill. In the morning the miller sang to his cat, who did not listen to him at all.",
    "And then the boat came down the river without an oar, and in it sat the owl, and she was laughing at them.",
]
USERS = ["moonfox", "Ann_Reed", "gatekeeper77"]
SIGNED = "Carpe noctem, every night of it."


def phpbb(user: str, text: str) -> str:
    return f"""<div class="post has-profile"><dl class="postprofile"><dt><a class="username">{user}</a></dt>
    <dd class="profile-posts"><strong>Posts:</strong> <a>412</a></dd><dd>Joined: Mon May 03, 2010</dd></dl>
    <div class="postbody"><h3><a>Re: The Mill</a></h3><p class="author">by <a class="username">{user}</a> »
    <time>Sat Oct 12, 2019</time></p><div class="content"><p>{text}</p></div><div class="signature">{SIGNED}</div>
    </div></div>"""


def xenforo(user: str, text: str) -> str:
    return f"""<article class="message"><div class="message-cell message-cell--user"><h4 class="message-name">
    <a class="username" itemprop="name">{user}</a></h4><h5 class="userTitle">Member</h5></div>
    <header class="message-attribution"><time>Jan 3, 2020</time> <a>#4</a></header>
    <div class="message-content"><div class="bbWrapper">{text}</div></div><aside class="message-signature">
    <div>{SIGNED}</div></aside><footer class="message-footer"><a>Like</a> <a>Reply</a></footer></article>"""


def discourse(user: str, text: str) -> str:
    return f"""<div itemprop="comment"><div class="crawler-post-meta"><span itemprop="author"><span itemprop="name">
    {user}</span></span> <time itemprop="datePublished">May 3, 2021</time></div><div class="post" itemprop="text">
    <p>{text}</p></div><div itemprop="interactionStatistic">3 Likes</div></div>"""


def wordpress(user: str, text: str) -> str:
    return f"""<li class="comment"><article class="comment-body"><footer class="comment-meta">
    <div class="comment-author vcard"><b class="fn">{user}</b> says:</div><a><time>May 3, 2015</time></a></footer>
    <div class="comment-content"><p>{text}</p></div><div class="reply"><a class="comment-reply-link">Reply</a></div>
    </article></li>"""


def news(user: str, text: str) -> str:
    return f"""<table><tr><td><span class="comhead"><a class="hnuser">{user}</a> <span class="age">May 3, 2020</span> |
    <a>parent</a></span></td></tr><tr><td><div class="comment">{text}<div class="reply"><a>reply</a></div></div></td>
    </tr></table>"""


def own(user: str, text: str) -> str:
    return f"""<div class="post"><div class="post-author">{user}</div><div class="post-date">3 May 2014</div>
    <div class="post-text">{text}</div><div class="post-signature">{SIGNED}</div><div class="post-actions"><a>Reply</a>
    <a>Like (4)</a></div></div>"""


def plain(user: str, text: str) -> str:
    return f"""<ul><li><b class="author">{user}</b> <time>May 3</time> {text}</li><li>Posted by
    <a class="author">{user}</a> at <time>ten</time></li></ul>"""


Site = Callable[[str, str], str]
SITES: list[Site] = [phpbb, xenforo, discourse, wordpress, news, own, plain]


def read(folder: Path, body: str) -> Document:
    path = folder / "page.html"
    path.write_text(
        f"<html><head><title>The Mill - Hearth</title></head><body>{body}</body></html>", encoding="utf-8"
    )
    return read_document(path)


@pytest.mark.parametrize("site", SITES)
def test_of_a_page_of_posts_their_text_stays(tmp_path: Path, site: Site) -> None:
    posts = "".join(map(site, USERS, POSTS))
    document = read(tmp_path, f"<h1>The Mill</h1>{posts}")
    (tale,) = read_book(document).tales
    assert tale.title == "The Mill"
    assert tale.text.split("\n\n") == POSTS
    left_out = "\n".join(each.text for each in document.left_out)
    assert all(left_out.count(user) >= 1 for user in USERS)
    assert (SIGNED in left_out) == (SIGNED in posts)
    assert {each.reason for each in document.left_out} <= {
        "user name", "date", "signature", "page control", "about the post", "repeated title",
    }  # fmt: skip


@pytest.mark.parametrize("site", SITES)
def test_the_words_of_a_page_of_posts_are_kept_or_named(tmp_path: Path, site: Site) -> None:
    document = read(tmp_path, "<h1>The Mill</h1>" + "".join(map(site, USERS, POSTS)))
    held = document.text + "\n".join(each.text for each in document.left_out)
    for words in (*POSTS, *USERS):
        assert words in held


def test_a_name_and_a_time_in_a_sentence_of_a_post_stay(tmp_path: Path) -> None:
    told = "It struck <time>ten</time> as <a class='username'>moonfox</a> came in, and she said: “Do you like it here?”"
    document = read(
        tmp_path,
        "".join(own(user, f"<p>{told}</p><p>{text}</p>") for user, text in zip(USERS, POSTS, strict=True)),
    )
    assert document.text.count("It struck ten as moonfox came in, and she said: “Do you like it here?”") == 3


@pytest.mark.parametrize(
    "body",
    [
        "<h1>Letters</h1>" + "".join(
            f'<p class="date">May 3, 1871</p><p>{text}</p><p class="signature">Your sister, Ann</p>' for text in POSTS
        ),
        f'<h1>The Mill</h1><p class="author">by Ann Reed</p><p>{POSTS[0]}</p><p>At <time>ten</time> it rang.</p>',
        f"<h1>The Mill</h1><p>{POSTS[0]}</p><p><a href='#x'>Reply</a></p><p>{POSTS[1]}</p><p>Re: nothing.</p>",
    ],
)  # fmt: skip
def test_other_pages_are_no_pages_of_posts(tmp_path: Path, body: str) -> None:
    assert not {each.reason for each in read(tmp_path, body).left_out} & {
        "user name",
        "date",
        "signature",
        "page control",
    }


def test_comments_under_a_story_are_left_out_as_such(tmp_path: Path) -> None:
    story = "".join(f"<p>{text}</p>" for text in POSTS)
    comments = "".join(
        wordpress(user, "What a fine tale of an owl and a mill, thank you for it!") for user in USERS
    )
    document = read(
        tmp_path, f'<article><h1>The Mill</h1>{story}</article><ol class="comment-list">{comments}</ol>'
    )
    assert document.text.split("\n\n") == ["The Mill", *POSTS]
    assert "readers' comments" in {each.reason for each in document.left_out}


word = st.sampled_from(["owl", "gate", "The", "snow.", "reply", "Like", "moon,", "10:22", "Ann"])


@settings(max_examples=many(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(word, min_size=3, max_size=20).map(" ".join), min_size=3, max_size=5),
    st.sampled_from(SITES),
)
def test_no_word_of_a_post_is_lost(tmp_path: Path, texts: list[str], site: Site) -> None:
    document = read(
        tmp_path, f"<h1>The Mill</h1><p>{POSTS[0]}</p>" + "".join(site("moonfox", text) for text in texts)
    )
    held = " ".join([*document.text.split(), *" ".join(each.text for each in document.left_out).split()])
    assert all(text in held for text in texts)


@pytest.mark.parametrize(
    "body",
    [
        ('<div class="author">' * 150 + "One. Two. It was a long sentence, and it went on." + "</div>" * 150)
        * 60,
        ("<p>so much is told of it all here " + "<time>1</time>" * 900 + "</p>") * 25,
        ("<blockquote>" * 200 + "a<time>1</time>" + "</blockquote>" * 200) * 60,
    ],
)
def test_a_malicious_page_of_posts_takes_no_long_time(tmp_path: Path, body: str) -> None:
    started = time.process_time()
    read(tmp_path, "".join(map(own, USERS, POSTS)) + body)
    assert time.process_time() - started < 20
