"""Release a problem set: `python -m tools.coursework.assignment 2 [--course WORD] [--out DIR]`."""

import argparse
from pathlib import Path

from tools.common import BUILD, say
from tools.coursework.course import Course
from tools.coursework.sources import name_of


def main(arguments=None):
    """Write the student version and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", help="1 to 6, or a name such as deep_linear")
    parser.add_argument("--course", default="", help="a word; another word draws other data")
    parser.add_argument("--out", type=Path, default=BUILD / "coursework")
    given = parser.parse_args(arguments)
    name = name_of(given.set)
    path = Course(given.out / "course", name, given.course).release()
    say(f"Hand out {path}")
    return path


if __name__ == "__main__":
    main()
