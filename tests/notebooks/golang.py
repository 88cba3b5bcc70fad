"""Compile the Go code of the notebooks: ``make go-blocks``.

It needs Go's toolchain (the extra ``go``); the tests do not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
GO = Path(sys.executable).with_name("go")
BLOCK = re.compile(r"^```go\n(.*?)^```$", re.M | re.S)
#: What looks like a package in one is none.
STRING = re.compile(r'"[^"\n]*"|`[^`]*`')
#: The packages that a block may use without importing them.
PACKAGES = [
    *("bufio", "context", "errors", "fmt", "io", "log", "net", "net/http", "os"),
    *("os/exec", "os/signal", "regexp", "strings", "syscall", "time"),
]


def program(block: str) -> str:
    """Make a program whose main function is the block."""
    bare = STRING.sub("", block)
    used = (p for p in PACKAGES if re.search(rf"\b{p.split('/')[-1]}\.", bare))
    imports = "".join(f'import "{package}"\n' for package in used)
    return f"package main\n{imports}\nfunc main() {{\n{block}}}\n"


def compiled(source: str) -> str:
    """Compile a program; return the compiler's errors."""
    with TemporaryDirectory() as folder:
        Path(folder, "main.go").write_text(source)
        Path(folder, "go.mod").write_text("module block\ngo 1.26\n")
        build = [GO, "build", "-o", "block", "."]
        done = subprocess.run(build, cwd=folder, capture_output=True, text=True)
        return done.stderr if done.returncode else ""


def main() -> int:
    """Compile every block; return 1 if one of them is no Go."""
    count = failures = 0
    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for block in BLOCK.findall(cell.source):
                count += 1
                if said := compiled(program(block)):
                    failures += 1
                    print(f"{path.name}, cell {cell.id}:\n{said}")
    print(f"{count} blocks of Go, {failures} do not compile")
    return int(failures > 0 or not count)


if __name__ == "__main__":
    sys.exit(main())
