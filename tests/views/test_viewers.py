from __future__ import annotations

from types import SimpleNamespace

import pytest

from ipyproc.views.transport import viewers
from ipyproc.views.transport.actions import is_name
from ipyproc.views.transport.viewers import (
    ANYONE,
    HISTORY,
    INTERVAL,
    LAG,
    LEASE,
    PATIENCE,
    WINDOW,
    Share,
    Viewers,
    start_of,
)


def sent(pages: Viewers, total: int, size: int = WINDOW) -> Share:
    """Send the next share in full and return it."""
    share = pages.next(total, size)
    assert share is not None
    pages.sent(share, share.offset, share.offset + share.size)
    return share


def test_before_a_page_is_known_a_window_goes_to_anyone() -> None:
    """Before the first page is heard a window of output is sent."""
    pages = Viewers()

    shares = [sent(pages, 10), sent(pages, 10 * WINDOW)]

    assert shares[0] == Share(["*"], 0, 0, 10)
    assert shares[1].size == WINDOW - 10
    assert pages.next(10 * WINDOW, 100) is None
    assert not pages.known
    assert not pages.flows


def test_a_page_goes_on_where_it_is() -> None:
    """A page gets what it does not have, and nothing twice."""
    pages = Viewers()
    sent(pages, 100)

    assert start_of(40, 100) == 40
    pages.join("a", 40)

    assert sent(pages, 100, 50) == Share(["a"], 40, 40, 50)
    assert sent(pages, 100, 50) == Share(["a"], 90, 90, 10)
    assert pages.next(100, 50) is None
    assert pages.known
    assert pages.flows


@pytest.mark.parametrize("have", [None, 0, 5 * HISTORY])
def test_a_page_that_has_nothing_of_use_gets_the_newest(have: int | None) -> None:
    """A page is sent no more history than it can show, whatever it claims."""
    assert start_of(have, 3 * HISTORY) == 2 * HISTORY


def test_a_page_that_is_silent_stops_the_stream() -> None:
    """Nothing goes out beyond the window until the page has acknowledged something."""
    pages = Viewers()
    pages.join("a", 0)
    total = WINDOW + 5000

    assert sent(pages, total).size == WINDOW
    assert pages.next(total, 100) is None
    assert not pages.flows

    pages.acknowledge("a", 1000)
    assert pages.next(total, 100) is None  # many small messages help nobody

    pages.acknowledge("a", 10 * total)  # more than it was sent
    assert sent(pages, total).size == 5000


def test_a_page_that_is_far_behind_skips_to_the_newest() -> None:
    """The newest is sent, the gap can be seen, and the window still holds."""
    pages = Viewers()
    pages.join("a", 0)
    sent(pages, 1000)
    total = LAG + 1001

    share = sent(pages, total)
    assert (share.after, share.offset) == (1000, total - HISTORY)
    assert share.size == WINDOW - 1000  # what is under way still counts

    pages.acknowledge("a", share.offset + share.size)
    assert sent(pages, total).offset == share.offset + share.size


def test_each_page_has_its_own_progress() -> None:
    """Pages that are equally far share messages; one that is slow holds no other up."""
    pages = Viewers()
    pages.join("a", 0)
    pages.join("b", 0)

    assert sent(pages, WINDOW).pages == ["a", "b"]

    pages.acknowledge("b", WINDOW)
    assert sent(pages, WINDOW + 10) == Share(["b"], WINDOW, WINDOW, 10)
    assert pages.complete(WINDOW + 10) == ["b"]


def test_pages_are_forgotten() -> None:
    """Pages that never say good-bye cost nothing in the long run."""
    pages = Viewers()
    for number in range(100):
        pages.join(f"page{number}", 0)

    assert len(sent(pages, 10).pages) == 16


@pytest.mark.parametrize("page", ["", "*", "A", "a" * 33, "a b", 1, None, ["a"], {}])
def test_names_of_pages(page: object) -> None:
    """A page cannot take a name that is long, odd, or means everybody."""
    assert not is_name(page)
    assert is_name("0a")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A time that only the test makes pass."""
    clock = SimpleNamespace(now=1000.0)
    time = SimpleNamespace(monotonic=lambda: float(clock.now))
    monkeypatch.setattr(viewers, "time", time)
    return clock


def test_nobody_looks(clock: SimpleNamespace) -> None:
    """Where no page looks nothing is to be measured."""
    watching = Viewers()

    assert watching.pause is None
    assert not watching.are_away


def test_a_page_that_looks_is_measured_for(clock: SimpleNamespace) -> None:
    """A page that looks is measured for until its lease ends or it leaves."""
    watching = Viewers()

    assert watching.look("a")
    clock.now += LEASE
    assert watching.pause == INTERVAL
    assert not watching.look("a")
    assert watching.look("b")
    watching.away("a")
    assert watching.pause == INTERVAL
    watching.leave("b")
    assert watching.pause is None
    assert watching.are_away
    watching.leave("a")
    watching.away("b")
    assert not watching.are_away


def test_a_page_that_falls_silent_is_given_up(clock: SimpleNamespace) -> None:
    """A kernel too busy to hear it goes on less and less often, and not for ever."""
    watching = Viewers()
    watching.look("a")
    begin, rounds = clock.now, 0
    while (pause := watching.pause) is not None:
        clock.now += pause
        rounds += 1

    assert LEASE < rounds < LEASE + 15
    assert clock.now - begin < LEASE + 3 * PATIENCE


def test_a_page_is_expected(clock: SimpleNamespace) -> None:
    """Before the first page is heard somebody is there, and then only who said so."""
    watching = Viewers()

    watching.expect()
    assert watching.pause == INTERVAL
    assert not watching.are_away
    watching.look("a")
    watching.expect()
    watching.away("a")
    assert watching.pause is None
    assert watching._pages[ANYONE].lease is None


def test_many_pages_are_bounded(clock: SimpleNamespace) -> None:
    """A page that gives itself ever new names takes no memory."""
    watching = Viewers()
    for n in range(1000):
        watching.look(f"a{n}")
        watching.away(f"a{n}")
        watching.look(f"b{n}")

    assert len(watching._pages) <= 16
