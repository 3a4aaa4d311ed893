"""How large a file is, in words: the same in the list, on the command line and while it comes."""


def size(number: int) -> str:
    """Bytes as people say them: `8 kB`, `551 kB`, `1.5 MB`, `120 MB`, `1.9 GB`."""
    if number < 999_500:
        return f"{max(1, round(number / 1e3)) if number else 0:,} kB"
    if number < 99_500_000:
        return f"{number / 1e6:.1f} MB"
    return f"{number / 1e6:.0f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"
