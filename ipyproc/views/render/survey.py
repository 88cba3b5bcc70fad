"""Sessions, groups, descriptors and pipes as text and as static HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from ipyproc.views.render import styles
from ipyproc.views.render.console import aligned
from ipyproc.views.render.format import plain
from ipyproc.views.render.timeline import legend
from ipyproc.views.render.words import Words
from ipyproc.views.transport.protocol import HolderFields, MemberFields

#: The rows of each group, by session and group.
Tree: TypeAlias = list[tuple[int, list[tuple[int, list[MemberFields]]]]]

_BOX = "margin:6px 0;padding:4px 10px;border-radius:4px;font-size:16px"
_SESSION = f"{_BOX};border:2px solid {styles.BLUE}"
_GROUP = f"{_BOX};border:2px dashed {styles.BORDER}"
_LETTER = f"border:1px solid {styles.BORDER};border-radius:3px;padding:0 5px"
_CELL = f"text-align:left;padding:4px 10px;border-top:1px solid {styles.BORDER}"

#: What the pages say, in English.
SESSION_TEXTS = (
    *("Sessions, groups and processes", "session {}", "group {}", "no processes"),
    *("this Jupyter kernel", "child of {}", "the kernel is gone: this is how it was"),
    "gone",
)
DESCRIPTOR_TEXTS = (
    *("Descriptors", "pipe {}", "writing ends", "reading ends", "process"),
    *("none: a reader sees the end", "none: a writer gets SIGPIPE", "no processes"),
    *("descriptors", "reads pipe {}", "writes pipe {}", "reads and writes pipe {}"),
    *("this Jupyter kernel", "none: it has ended", "none", "descriptor {}"),
    "the kernel is gone: this is how it was",
)


def sessions_text(tree: Tree, words: Words) -> str:
    """Return a line for each session, group and process."""
    lines = []
    for session, groups in tree:
        lines.append(words("session {}", session))
        for group, rows in groups:
            lines.append("  " + words("group {}", group))
            lines += [f"    {_member(row, words)}" for row in rows]
    return "\n".join([*(lines or [words("no processes")]), legend(words)])


def sessions_html(tree: Tree, words: Words) -> str:
    """Return the same as nested boxes."""
    boxes = "".join(
        f'<div style="{_SESSION}"><b>{words("session {}", session)}</b>'
        f"{''.join(_group(*group, words) for group in groups)}</div>"
        for session, groups in tree
    )
    return _section(
        "ipyproc-sessions",
        words("Sessions, groups and processes"),
        boxes or words("no processes"),
        f"<small>{escape(legend(words))}</small>",
    )


def _group(group: int, rows: list[MemberFields], words: Words) -> str:
    members = "".join(
        f'<div><code style="{_LETTER}">{row["letter"] or "-"}</code> '
        f"<b>{escape(plain(row['name']))}</b> {row['pid']} "
        f"<small>{escape(_origin(row, words))}</small></div>"
        for row in rows
    )
    return f'<div style="{_GROUP}">{words("group {}", group)}{members}</div>'


def _member(row: MemberFields, words: Words) -> str:
    name = plain(row["name"])
    return f"{row['pid']} {row['letter'] or '-'} {name}  {_origin(row, words)}"


def _origin(row: MemberFields, words: Words) -> str:
    if not row["letter"]:
        return words("gone")
    if row["mine"]:
        return words("this Jupyter kernel")
    return words("child of {}", row["parent"])


def descriptors_text(rows: list[HolderFields], words: Words) -> str:
    """Return a line for each pipe, and one for each process."""
    lines = [
        f"{words('pipe {}', pipe)}: {', '.join(writers)} -> {', '.join(readers)}"
        for pipe, writers, readers in pipes(rows, words)
    ]
    table = [[holder(row), *_ends(row, words)] for row in rows]
    most = max(map(len, table), default=0)
    padded = [[*line, *[""] * (most - len(line))] for line in table]
    lines += aligned(padded) if padded else [words("no processes")]
    return "\n".join(lines)


def descriptors_html(rows: list[HolderFields], words: Words) -> str:
    """Return the same as tables."""
    drawn = "".join(
        _line([f"<b>{words('pipe {}', pipe)}</b>", _join(writers), "→", _join(readers)])
        for pipe, writers, readers in pipes(rows, words)
    )
    heads = [*map(words, ("", "writing ends")), "", words("reading ends")]
    head = "".join(f'<th style="{_CELL}">{text}</th>' for text in heads)
    processes = "".join(
        _line([f"<b>{escape(holder(row))}</b>", _join(_ends(row, words))])
        for row in rows
    )
    return _section(
        "ipyproc-descriptors",
        words("Descriptors"),
        f'<table style="{styles.LARGE_TABLE}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{drawn}</tbody></table>" * bool(drawn),
        f'<table style="{styles.LARGE_TABLE}"><tbody>{processes}</tbody></table>',
    )


def pipes(
    rows: list[HolderFields], words: Words
) -> list[tuple[str, list[str], list[str]]]:
    """Return each pipe with its writing and its reading ends, in words."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in rows:
        for number, way, pipe, _ in row["ends"]:
            if pipe:
                ends = found.setdefault(pipe, ([], []))
                end = f"{holder(row)} {words('descriptor {}', number)}"
                for side, letter in zip(ends, "wr", strict=True):
                    if letter in way:
                        side.append(end)
    nobody = words("none: a reader sees the end"), words("none: a writer gets SIGPIPE")
    return [
        (pipe, writers or [nobody[0]], readers or [nobody[1]])
        for pipe, (writers, readers) in sorted(found.items(), key=_number)
    ]


def holder(row: HolderFields) -> str:
    """Return what a process is called."""
    return f"{plain(row['name'])} ({row['pid']})"


def _number(item: tuple[str, object]) -> int:
    return int(item[0])


def _ends(row: HolderFields, words: Words) -> list[str]:
    said = {"r": "reads pipe {}", "w": "writes pipe {}"}
    ends = []
    for number, way, pipe, target in row["ends"]:
        text = said.get(way, "reads and writes pipe {}")
        ends.append(f"{number}: {words(text, pipe) if pipe else plain(target)}")
    return ends or [words("none: it has ended" if row["ended"] else "none")]


def _line(cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f'<td style="{_CELL}">{c}</td>' for c in cells) + "</tr>"


def _join(texts: Iterable[str]) -> str:
    return "<br>".join(map(escape, texts))


def _section(name: str, title: str, *parts: str) -> str:
    return (
        f'<div role="region" class="{name} {styles.NO_MATHS}" aria-label="{title}" '
        f'style="{styles.PADDED}"><b style="font-size:16px">{title}</b>'
        f"{''.join(parts)}</div>"
    )
