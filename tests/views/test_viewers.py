from __future__ import annotations

import pytest

from ipyproc.views.transport.viewers import (
    HISTORY,
    LAG,
    WINDOW,
    Audience,
    Share,
    is_name,
)


def sent(audience: Audience, total: int, size: int = WINDOW) -> Share:
    """Send the next share in full and return it."""
    share = audience.next(total, size)
    assert share is not None
    audience.sent(share, share.offset, share.offset + share.size)
    return share


def test_before_a_page_is_known_a_window_goes_to_anyone() -> None:
    """
    Output goes out before the first page can say that it is there, up to a window.
    """
    audience = Audience()

    shares = [sent(audience, 10), sent(audience, 10 * WINDOW)]

    assert shares[0] == Share(["*"], 0, 0, 10)
    assert shares[1].size == WINDOW - 10
    assert audience.next(10 * WINDOW, 100) is None
    assert not audience.known
    assert not audience.flows


def test_a_page_goes_on_where_it_is() -> None:
    """
    A page gets what it does not have, and nothing twice.
    """
    audience = Audience()
    sent(audience, 100)

    assert audience.join("a", 40, 100) == 40

    assert sent(audience, 100, 50) == Share(["a"], 40, 40, 50)
    assert sent(audience, 100, 50) == Share(["a"], 90, 90, 10)
    assert audience.next(100, 50) is None
    assert audience.known
    assert audience.flows


@pytest.mark.parametrize("have", [None, 0, 5 * HISTORY])
def test_a_page_that_has_nothing_of_use_gets_the_newest(have: int | None) -> None:
    """
    A page is not sent more history than it can show, and what it claims is checked.
    """
    assert Audience().join("a", have, 3 * HISTORY) == 2 * HISTORY


def test_a_page_that_is_silent_stops_the_stream() -> None:
    """
    Nothing goes out beyond the window until the page has acknowledged something.
    """
    audience = Audience()
    audience.join("a", 0, 0)
    total = WINDOW + 5000

    assert sent(audience, total).size == WINDOW
    assert audience.next(total, 100) is None
    assert not audience.flows

    audience.acknowledge("a", 1000)
    assert audience.next(total, 100) is None  # many small messages help nobody

    audience.acknowledge("a", 10 * total)  # more than it was sent
    assert sent(audience, total).size == 5000


def test_a_page_that_is_far_behind_skips_to_the_newest() -> None:
    """
    The newest is shown, the page can tell what is left out, and the window still holds.
    """
    audience = Audience()
    audience.join("a", 0, 0)
    sent(audience, 1000)
    total = LAG + 1001

    share = sent(audience, total)
    assert (share.after, share.offset) == (1000, total - HISTORY)
    assert share.size == WINDOW - 1000  # what is under way still counts

    audience.acknowledge("a", share.offset + share.size)
    assert sent(audience, total).offset == share.offset + share.size


def test_each_page_has_its_own_progress() -> None:
    """
    Pages that are equally far share messages; one that is slow holds no other up.
    """
    audience = Audience()
    audience.join("a", 0, 0)
    audience.join("b", 0, 0)

    assert sent(audience, WINDOW).pages == ["a", "b"]

    audience.acknowledge("b", WINDOW)
    assert sent(audience, WINDOW + 10) == Share(["b"], WINDOW, WINDOW, 10)
    assert audience.complete(WINDOW + 10) == ["b"]


def test_pages_are_forgotten() -> None:
    """
    Pages that never say good-bye cost nothing in the long run.
    """
    audience = Audience()
    for number in range(100):
        audience.join(f"page{number}", 0, 0)

    assert len(sent(audience, 10).pages) == 16


@pytest.mark.parametrize("page", ["", "*", "A", "a" * 33, "a b", 1, None, ["a"], {}])
def test_names_of_pages(page: object) -> None:
    """
    A page cannot take a name that is long, odd, or means everybody.
    """
    assert not is_name(page)
    assert is_name("0a")
