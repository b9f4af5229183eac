"""Memory that was freed and is asked for again: kept, rather than given back page by page."""

import ctypes

TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt(3)


def keep_freed_memory(kept=1 << 28, largest=1 << 25):
    """Lets the C library keep ``kept`` bytes that were freed, of blocks up to ``largest``.

    A training step frees its arrays and asks for the same ones again. The GNU C library gives
    large blocks back at once, and then each of their pages costs a fault when it is touched anew.
    Elsewhere this does nothing. Returns whether it was done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    return bool(mallopt(TRIM, kept) and mallopt(MMAP, largest))
