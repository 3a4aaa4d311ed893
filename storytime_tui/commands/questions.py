"""Questions on the terminal that are answered with yes or no."""

import sys


def agreed(question: str, *, usual: bool = False) -> bool:
    """Ask on the terminal, on stderr. Enter alone, or the end of the input, gives `usual`."""
    print(f"{question} [{'Y/n' if usual else 'y/N'}] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:  # the end of the input
        print(file=sys.stderr)
        return False
    word = answer.strip().lower()
    return word in ("y", "yes") or (usual and not word)
