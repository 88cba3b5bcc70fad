"""A progress bar, a table and a spinner, drawn by rich."""

import time

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

console = Console()
with Progress(console=console, refresh_per_second=5) as progress:
    tasks = [progress.add_task(f"[green]part {n}", total=4) for n in (1, 2)]
    for step in range(4):
        for task in tasks:
            progress.advance(task)
        console.log(f"step [bold]{step}[/] of [link=https://example.org]four[/]")
        time.sleep(0.2)

table = Table(title="Results", row_styles=["", "dim"])
table.add_column("name", style="cyan")
table.add_column("漢字", justify="right", style="#ff8800 on grey11")
for row in (("one", "日本"), ("two", "1"), ("three", "[red]-1[/]")):
    table.add_row(*row)
console.print(table)
with console.status("waiting"):
    time.sleep(0.3)
console.print(":sparkles: [italic]done[/]")
