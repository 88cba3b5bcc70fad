"""The exercises in Chinese: the module of the folder above, with other words."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ipyproc.views import use_language

_path = Path(__file__).parents[1] / "exercises.py"
_spec = spec_from_file_location("exercises_in_any_language", _path)
assert _spec
assert _spec.loader
_above = module_from_spec(_spec)
_spec.loader.exec_module(_above)

use_language("zh")
_above.TEXTS.update(
    {
        "blank": "还没有答案：请填好上面的空白并运行它，然后再运行这个单元格。",
        "missing": "还没有答案：请先运行上面的单元格，然后再运行这个单元格。",
        "right": "正确！",
        "wrong": "还不对：{what} 是 {got}。",
        "raised": "还不对：{what} 抛出了 {got}。",
        "odd": "还不对：{what} 是 {answer}，检查它时抛出了 {got}。",
        "late": "还不对：{seconds:g} 秒之后 {what} 仍未完成。",
        "hints": "下面有两个提示。",
        "some": "本章的 {all} 道练习已完成 {solved} 道，还没有完成的是：{rest}。",
        "all": "本章的 {all} 道练习全部完成，真棒！",
    }
)

check, progress, tidy = _above.check, _above.progress, _above.tidy
