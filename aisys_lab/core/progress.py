"""A progress bar for long work."""

from tqdm import tqdm


def progress(items, **options):
    """``items`` with a bar that appears only when the work lasts longer than two seconds."""
    return tqdm(items, delay=2, leave=False, **options)
