"""``python -m benchmarks.side NAME PEER ours|theirs|peak``: one side of a row, in its own process.

Reads the number of a case a line, and answers with a line of JSON: what the call says of itself
when the case is new, then how long one call takes (or as many calls as it says: the steps of an
epoch). ``peak`` answers with operations a second, the most that this machine does.
"""

import json
import sys
import time

ROUND_SECONDS = 0.04


def main(name, peer, which):
    """Makes a case when its number first comes, warms it up, and measures a round for each line."""
    from benchmarks.peak import meter
    from benchmarks.rows import ROWS

    row = ROWS[name, peer]
    clock = time.process_time if row.threads == 1 else time.perf_counter
    here = call = None
    for line in sys.stdin:
        if line != here:
            here = line
            call = meter(row.unit) if which == "peak" else row.made(which, int(line))
            call()
            print(json.dumps(getattr(call, "extra", {})), flush=True)
        print(seconds(call, clock), flush=True)


def seconds(call, clock):
    """Seconds of one call, over as many as fill a round."""
    call()
    calls, began = 0, clock()
    while clock() - began < ROUND_SECONDS:
        call()
        calls += 1
    return (clock() - began) / calls * getattr(call, "calls", 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
