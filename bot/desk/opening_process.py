"""What runs in the process that opens one file: a line of JSON and the file come in, JSON goes out.

A foreign file can keep its parser busy for minutes or fill the memory with a few hundred bytes. So this process may
use little of either, whoever started it; and it knows nothing, neither our settings nor other people's files.
"""

import json
import os
import resource
import sys
from dataclasses import asdict

from bot.desk.opening import UnreadableFileError, open_file

CPU_SECONDS = 15
"""In case nobody is left who would end it."""
MOST_MEMORY = 512 * 2**20
"""Bytes of address space; the largest pictures that are opened do with 384 MB."""
_NICE = 5
"""Answering comes first."""


def main() -> None:
    """Open the file on stdin; on stdout what it holds (`bot.desk.opening.Opened`), or why it cannot be shown."""
    bound()
    about = json.loads(sys.stdin.buffer.readline())
    try:
        opened = open_file(sys.stdin.buffer.read(), about["name"], is_text=about["is_text"])
        said: dict[str, object] = {"opened": asdict(opened)}
    except UnreadableFileError as error:
        said = {"why": str(error)}
    json.dump(said, sys.stdout)


def bound() -> None:
    """Let this process have no more than a file is worth. Not every system can bound memory; the deadline holds."""
    os.nice(_NICE)
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            continue


if __name__ == "__main__":
    main()
