"""A program that draws its screen is made to draw it anew, and left as it was."""

from __future__ import annotations

from ipyproc.views.transport.nudge import Nudge


class Screen:
    """A terminal, of which the test says what its program prints, and when."""

    def __init__(self) -> None:
        self.printed = 0
        self.now = 100.0
        self.sizes: list[str] = []
        self.takes = True
        self.nudge = Nudge(lambda: self.printed, self._resize)

    def _resize(self, small: bool) -> bool:
        if self.takes:
            self.sizes.append("small" if small else "own")
        return self.takes

    def after(self, seconds: float, printed: int = 0) -> list[str]:
        """Let time pass, and something be printed; return what was done then."""
        self.now += seconds
        self.printed += printed
        before = len(self.sizes)
        self.nudge.step(self.now)
        return self.sizes[before:]

    @property
    def due(self) -> float | None:
        """In how many seconds there is something to do."""
        due = self.nudge.due
        return None if due is None else round(max(due - self.now, 0.0), 3)


def test_it_has_its_own_size_again_once_it_has_drawn() -> None:
    """Not before the program is quiet: it would overhear that in the middle."""
    screen = Screen()
    assert screen.after(1) == []
    assert screen.due is None
    screen.nudge.begin()
    assert screen.after(0) == ["small"]
    assert screen.due == 0.3
    assert screen.after(0.05, printed=9) == []
    assert screen.after(0.05, printed=9) == []
    assert screen.due == 0.06
    assert screen.after(0.06) == ["own"]
    assert screen.after(0.1, printed=9) == []
    assert screen.due is None
    assert screen.after(9) == []


def test_one_that_never_is_quiet() -> None:
    """It has another size for a third of a second at most."""
    screen = Screen()
    screen.nudge.begin()
    screen.after(0)
    done = [screen.after(0.05, printed=1) for _ in range(7)]

    assert [each for each in done if each] == [["own"]]


def test_one_that_ignores_its_size_is_left_alone() -> None:
    """What draws nothing for another size is not asked again."""
    screen = Screen()
    screen.nudge.begin()
    screen.after(0)

    assert screen.after(0.29) == []
    assert screen.after(0.01) == ["own"]
    assert screen.due is None
    assert screen.after(9) == []


def test_one_that_overheard_it_is_told_again() -> None:
    """It drew for the other size, and draws nothing for its own: twice more at most."""
    screen = Screen()
    screen.nudge.begin()
    for _ in range(3):
        assert screen.after(0) == ["small"]
        screen.after(0.01, printed=9)
        assert screen.after(0.06) == ["own"]
        assert screen.after(0.29) == []
        assert screen.after(0.01) == []

    assert screen.due is None
    assert screen.after(9) == []


def test_when_nothing_can_be_done_now() -> None:
    """It is not left with another size, nor given one that it could not lose."""
    screen = Screen()
    screen.takes = False
    screen.nudge.begin()
    assert screen.after(0) == []
    assert screen.due is None

    screen.takes = True
    screen.nudge.begin()
    screen.after(0)
    screen.takes = False
    screen.after(0.01, printed=9)
    assert screen.after(0.06) == []
    assert screen.due is not None
    screen.takes = True
    assert screen.after(screen.due) == ["own"]
