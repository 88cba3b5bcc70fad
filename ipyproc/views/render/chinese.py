"""The Chinese of the views that teach."""

from __future__ import annotations

from typing import Final

#: By the English text; ``{}`` is a place for a value.
CHINESE: Final = {
    # what a life line says
    "Process": "进程",
    "Job": "任务",
    "what happened": "发生了什么",
    "its program": "它的程序",
    "the process": "进程",
    "its Process object": "它的 Process 对象",
    "started": "已启动",
    "stopped": "已停止",
    "continued": "已继续",
    "ended": "已结束",
    "exec": "exec",
    "waited for": "已被等待",
    "reaped by another": "已被别的进程回收",
    "gone": "已消失",
    "no such process any more": "进程已不存在",
    "released": "已释放",
    "running": "运行",
    "zombie": "僵尸",
    "it runs": "它在运行",
    "it is stopped": "它停止了",
    "it has ended, and is a zombie until somebody waits for it": (
        "它已经结束，在有人等待它之前是僵尸进程"
    ),
    "it is gone": "它已经消失",
    "it still runs: to wait would take until it ends": (
        "它还在运行：等待要一直等到它结束"
    ),
    # buttons
    "Stop": "停止",
    "Continue": "继续",
    "Interrupt": "中断",
    "Terminate": "终止",
    "Kill": "杀死",
    "Wait": "等待",
    "Release": "释放",
    "the kernel is gone: this is how it was": "Jupyter 内核已不在：这是当时的样子",
    # the letters of a state
    "runs, or waits for a processor": "在运行，或在等处理器",
    "sleeps until something happens": "睡眠，直到有事发生",
    "sleeps, and no handler is called until that is over": (
        "睡眠，其间不会调用信号处理函数"
    ),
    "is stopped": "已停止",
    "has ended, and was not waited for": "已结束，还没有被等待",
    # the tree of sessions
    "Sessions, groups and processes": "会话、进程组与进程",
    "session {}": "会话 {}",
    "group {}": "进程组 {}",
    "this Jupyter kernel": "这个 Jupyter 内核",
    "child of {}": "{} 的子进程",
    "no processes": "没有进程",
    # the descriptors
    "Descriptors": "描述符",
    "descriptors": "描述符",
    "process": "进程",
    "pipe {}": "管道 {}",
    "writing ends": "写端",
    "reading ends": "读端",
    "descriptor {}": "描述符 {}",
    "reads pipe {}": "从管道 {} 读",
    "writes pipe {}": "向管道 {} 写",
    "reads and writes pipe {}": "读写管道 {}",
    "none: a reader sees the end": "没有：读的一方会读到末尾",
    "none: a writer gets SIGPIPE": "没有：写的一方会收到 SIGPIPE",
    "none: it has ended": "没有：它已经结束",
    "none": "没有",
    # what the explorer of wait statuses says
    "Wait status": "等待状态",
    "Status": "状态值",
    "Bits": "位",
    "Bit {}": "第 {} 位",
    "Bits {}-{}": "第 {}-{} 位",
    "Try": "试一试",
    "value": "值",
    "the life of process {}": "进程 {} 的一生",
    "a number from 0 to 65535, such as 9 or 0x0300": (
        "请输入 0 到 65535 的数，例如 9 或 0x0300"
    ),
    "no status that wait reports": "wait 不会报告的状态",
    "exit code {}": "退出码 {}",
    "not used": "未用",
    "no signal: it exited": "没有信号：它是退出的",
    "core dump": "有核心转储",
    "no core": "无转储",
    "ended by {}": "被 {} 结束",
    "stopped by {}": "被 {} 停止",
    "stopped, not ended": "已停止，没有结束",
    "continued: it goes on after a stop": "已继续：停止之后又运行",
}
