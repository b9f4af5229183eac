"""``python -m benchmarks.side NAME PEER ours|theirs``: one side of a row, in its own process.

Says what it is ready with; then, for every line it reads, how long one call takes (or
as many calls as it says: the steps of an epoch).
"""

import json
import sys
import time

ROUND_SECONDS = 0.1


def main(name, peer, which):
    """Makes the side, warms it up, and measures a round for each line of the input."""
    from benchmarks.rows import ROWS

    call = getattr(ROWS[name, peer], which)()
    call()
    print(json.dumps(getattr(call, "extra", {})), flush=True)
    for _ in sys.stdin:
        print(seconds(call), flush=True)


def seconds(call):
    """CPU seconds of one call, over as many as fill a round."""
    call()
    calls, began = 0, time.process_time()
    while time.process_time() - began < ROUND_SECONDS:
        call()
        calls += 1
    return (time.process_time() - began) / calls * getattr(call, "calls", 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
