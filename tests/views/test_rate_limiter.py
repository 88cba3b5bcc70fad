from __future__ import annotations

import sys
import threading
import time
import traceback
from types import SimpleNamespace

import pytest

from ipyproc.views.transport import pictures, rate_limiter, worker
from ipyproc.views.transport.rate_limiter import OVERHEAD, Budget, Publisher
from tests.jobs.helpers import eventually

#: A test need not wait long to see a thread end.
LINGER = 0.01


class Source:
    """A view that has so many bytes to send."""

    def __init__(self, left: float = 0) -> None:
        self.left = left
        self.sent: list[tuple[float, int]] = []
        self.came = threading.Event()
        self.at: float | None = None

    def publish(self, room: int) -> int:
        """Send some of it."""
        size = int(min(room, self.left))
        if size:
            self.left -= size
            self.sent.append((time.monotonic(), size))
            self.came.set()
        return size

    def due(self) -> float | None:
        """Return when there is more."""
        return self.at


def ended() -> bool:
    """Wait for the threads that serve views to end: what one does wakes the other."""
    return all(_ended(name) for name in (worker.NAME, pictures.NAME, rate_limiter.NAME))


def _ended(name: str) -> bool:
    threads = [t for t in threading.enumerate() if t.name == name]
    for thread in threads:
        while thread.ident is None:  # it is only just starting, and cannot be joined
            time.sleep(0.001)
        thread.join(20)
    alive = [thread for thread in threads if thread.is_alive()]
    for thread in alive:  # pytest shows it with the failure
        frame = sys._current_frames().get(thread.ident or 0)
        print(thread, *traceback.format_stack(frame))
    return not alive


def test_no_thread_without_work() -> None:
    """A publisher has no thread before the first message, nor after the last."""
    desk = Publisher(LINGER)
    assert ended()

    for _ in range(2):  # it begins again, too
        source = Source(10)
        desk.wake(source)
        assert source.came.wait(20)
        assert ended()


def test_a_thread_does_not_wait_for_what_was_forgotten() -> None:
    """It ends with the last view, whenever that would have had something to say."""
    desk, source = Publisher(LINGER), Source(10)
    source.at = time.monotonic() + 3600
    desk.wake(source)
    assert source.came.wait(20)
    eventually(lambda: desk._turns.get(source, 0.0) > time.monotonic() + 60)

    desk.forget(source)
    assert ended()


def test_a_thread_that_retires_does_not_linger() -> None:
    """It sends what there is and ends; the next message has another."""
    desk = Publisher(linger=3600)
    assert desk.retire(20)

    for _ in range(2):
        source = Source(10)
        desk.wake(source)
        assert desk.retire(20)
        assert source.came.is_set()
        assert ended()


def test_nothing_is_sent_twice_or_lost() -> None:
    """A view that is woken many times while it sends speaks until it has nothing."""
    desk, source = Publisher(LINGER), Source()
    for _ in range(100):
        source.left += 1000
        desk.wake(source)
    ended()

    assert sum(size for _, size in source.sent) == 100_000


def test_a_flood_does_not_wake_the_thread_with_each_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A view that waits for its turn already may be woken on and on: nobody wakes."""
    desk, source = Publisher(linger=3600), Source(10)
    desk.wake(source)
    assert source.came.wait(20)
    eventually(lambda: not desk._turns)  # it had nothing more to send
    wakes: list[None] = []
    notify_all = desk._thread.changed.notify_all

    def count() -> None:
        wakes.append(None)
        notify_all()

    monkeypatch.setattr(desk._thread.changed, "notify_all", count)
    with desk._thread.changed:  # so that its turn does not come meanwhile
        for _ in range(1000):
            desk.wake(source)

    assert len(wakes) == 1
    assert desk.retire(20)


def worst_second(sent: list[tuple[float, float]]) -> float:
    """Return the most that was sent within any one second."""
    return max(
        sum(amount for later, amount in sent if at <= later < at + 1) for at, _ in sent
    )


def test_what_others_sent_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long nothing was sent before, and for a second at most."""
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=100.0)
    monkeypatch.setattr(rate_limiter, "time", clock)
    budget = Budget(1000)
    clock.now += 3600

    budget.spend(580)
    assert budget.delay() == pytest.approx(0.5)
    budget.spend(100_000)
    assert budget.delay() == 1
    clock.now += 1
    assert budget.delay() == 0


@pytest.mark.slow
def test_views_share_the_budget() -> None:
    """All views together stay within the budget, and each has its share."""
    desk = Publisher(LINGER)
    sources = [Source(float("inf")) for _ in range(30)]
    for source in sources:
        source.publish = publishing(source)  # type: ignore[method-assign]
        desk.wake(source)
    for source in sources:
        assert source.came.wait(20)
    elsewhere: list[tuple[float, int]] = []
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        threading.Event().wait(0.1)
        elsewhere.append((time.monotonic(), 40_000))
        desk.account(40_000 - 2 * OVERHEAD, messages=2)
    for source in sources:
        source.left = 0
        desk.forget(source)
    ended()

    sent = [entry for source in sources for entry in source.sent] + elsewhere
    shares = [sum(size for _, size in source.sent) for source in sources]
    assert worst_second(sent) <= 1_000_000
    counted = [(at, 1) for at, _ in sent] + [(at, 1) for at, _ in elsewhere]
    assert worst_second(counted) <= 200
    assert min(shares) > max(shares) / 3


def publishing(source: Source):  # type: ignore[no-untyped-def]
    """Return a `publish` of endless bytes, which sends all that it may."""

    def publish(room: int) -> int:
        if not source.left:
            return 0
        source.sent.append((time.monotonic(), room))
        source.came.set()
        return room

    return publish


def test_a_quiet_view_is_not_held_up_by_one_that_floods() -> None:
    """A view that rarely speaks has its turn among the others at once."""
    desk, flood, quiet = Publisher(LINGER), Source(10_000_000), Source(1)
    desk.wake(flood)
    assert flood.came.wait(20)
    desk.wake(quiet)
    assert quiet.came.wait(20)
    at = quiet.sent[0][0]
    flood.left = 0
    ended()

    assert [t for t, _ in flood.sent if t > at] or sum(s for _, s in flood.sent) < 1e6


def test_what_is_due_later_is_sent_later() -> None:
    """A view can name a time at which it wants to be asked again."""
    desk, source = Publisher(LINGER), Source()
    soon = time.monotonic() + 0.2
    source.at = soon
    publish = source.publish

    def later(room: int) -> int:
        if time.monotonic() >= soon:
            source.at, source.left = None, 5
        return publish(room)

    source.publish = later  # type: ignore[method-assign]
    desk.wake(source)

    assert source.came.wait(20)
    assert source.sent[0][0] >= soon
    source.publish = publish  # type: ignore[method-assign]
    assert ended()


def test_a_view_that_fails_harms_no_other() -> None:
    """The others are sent, and so is the view itself when it is woken again."""
    desk, bad, good = Publisher(LINGER), Source(1), Source(5)
    publish = bad.publish

    def fail(room: int) -> int:
        bad.publish = publish  # type: ignore[method-assign]
        raise RuntimeError("an intended failure")

    bad.publish = fail  # type: ignore[method-assign]
    desk.wake(bad)
    desk.wake(good)
    assert good.came.wait(20)
    desk.wake(bad)

    assert bad.came.wait(20)
    assert ended()


def test_a_thread_that_cannot_start_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a moment without a free thread, views are sent as before."""
    desk, source = Publisher(LINGER), Source(10)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        desk.wake(source)
    assert not source.came.is_set()

    desk.wake(source)

    assert source.came.wait(20)
    assert ended()


def refuse(thread: threading.Thread) -> None:
    """Do as a system that has no thread left."""
    raise RuntimeError("can't start new thread")
