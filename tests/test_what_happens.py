"""The table "What happens when" of the READMEs: each row is shown by a test."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from tests.readme import CHINESE, ENGLISH, ROOT

#: The first cell of each row, and the tests that show what the second one says.
SHOWN = {
    "run the next cell": ["kernel/test_kernel::test_outputs_are_those_of_the_cell"],
    "interrupt the kernel": [
        "kernel/test_end::test_an_interrupt_touches_no_job",
        "magics/test_kernel::test_an_interrupt_reaches_the_waiting_at_once",
    ],
    "press a button while a cell runs": ["browser/test_terminal::test_a_busy_kernel"],
    "press Kill, or run `%prockill`": [
        "jobs/test_ending::test_kill",
        "jobs/test_ending::test_what_an_ended_job_left",
        "magics/test_prockill::test_the_whole_job",
    ],
    "press Terminate, or run `%prockill --grace 5`": [
        "jobs/test_ending::test_the_others_are_asked_once_the_process_has_ended",
        "jobs/test_ending::test_the_others_are_asked_after_half_of_the_grace",
        "jobs/test_ending::test_who_is_left_is_killed",
        "magics/test_prockill::test_grace",
    ],
    "press Interrupt": ["jobs/test_ending::test_an_interrupt_goes_to_the_group"],
    "start a daemon in it, which leaves its session and its parent": [
        "jobs/test_ending::test_daemons_are_counted",
        "jobs/test_guardian::test_nothing_outlives_the_session",
    ],
    "reload the page, open a second view": [
        "browser/test_pane::test_the_life_of_a_pane",
        "browser/test_saved::test_two_views",
        "views/test_viewers::test_each_page_has_its_own_progress",
    ],
    "shut down or restart the kernel": [
        "kernel/test_end::test_jobs_end_with_the_kernel"
    ],
    "kill the kernel with `kill -9`, or it crashes": [
        "kernel/test_end::test_jobs_end_with_the_kernel"
    ],
    "kill the kernel and the guardian at the same moment": [
        "kernel/test_end::test_a_guardian_that_is_killed_with_the_kernel",
        "kernel/test_end::test_a_guardian_that_was_stopped",
    ],
    "start it with `--detach`": [
        "kernel/test_detached::test_it_is_there_again",
        "kernel/test_detached_elsewhere::test_it_is_there_again",
        "kernel/test_end::test_jobs_end_with_the_kernel",
    ],
    "save the notebook": [
        "browser/test_saved::test_a_restart",
        "browser/test_saved::test_a_second_tab",
        "browser/test_saved::test_out_of_the_page",
        "browser/test_saved::test_the_death_of_the_kernel",
        "browser/test_saved::test_the_page_was_loaded_again",
    ],
    "use VS Code": ["kernel/test_end::test_a_front_end_that_signals_every_descendant"],
    "use Colab": ["test_what_happens::test_the_floors_are_what_colab_ships"],
    "use IPython in a terminal": [
        "magics/test_terminal::test_a_job_is_one_line",
        "magics/test_terminal::test_a_table_is_text",
        "magics/test_terminal::test_waiting_shows_the_output_as_it_comes",
    ],
}

#: What Colab ships; with these versions `make test-floors` runs every test.
COLAB = {
    "anywidget": "0.9.21",
    "ipykernel": "6.17.1",
    "ipython": "7.34",
    "ipywidgets": "7.7.1",
    "psutil": "5.9.5",
}


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table behind a heading, without its first line."""
    table = text.split(f"\n## {heading}\n\n")[1].split("\n\n")[0]
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def test_each_row_has_its_tests() -> None:
    """Each row of the table is one here, and there is none more."""
    told = rows(ENGLISH.read_text("utf-8"), "What happens when")

    assert [cells[0].removeprefix("| ") for cells in told] == list(SHOWN)


@pytest.mark.parametrize("test", sorted({t for tests in SHOWN.values() for t in tests}))
def test_the_test_exists(test: str) -> None:
    """What shows a row is a test that is collected."""
    module, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / f"{module}.py").read_text("utf-8"))

    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef)
    }


def test_the_floors_are_what_colab_ships() -> None:
    """No dependency has to be newer than there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    floors = dict(re.findall(r"^([a-z]+)>=([\d.]+)", "\n".join(needs), re.M))

    assert {name: floors[name] for name in COLAB} == COLAB


def test_both_languages_have_the_same_rows() -> None:
    """The Chinese table says as much of each, with the same commands."""
    words = re.compile(r"`[^`]+`|SIG[A-Z]+|\d+(?:\.\d+)?")
    english = rows(ENGLISH.read_text("utf-8"), "What happens when")
    chinese = rows(CHINESE.read_text("utf-8"), "什么时候会发生什么")

    assert [sorted(set(words.findall(" ".join(row)))) for row in chinese] == [
        sorted(set(words.findall(" ".join(row)))) for row in english
    ]
