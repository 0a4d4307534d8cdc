"""An entry of the table as a test: done once under load, then held against what it promises.

With RECOVERY_RESULTS=F each result is added to the JSON file F, which report.py reads.
"""

import os
from pathlib import Path

from bench import Bench
from faults import Entry
from measure import failed, measure, prepare, save, summary
from wellness import assert_alerts_arrive, assert_every_line_is_counted, uncounted

# Of load before and after; the measurement takes more.
PAUSE_SECONDS = 1.5


def judge(bench: Bench, entry: Entry) -> None:
    """Do it; fail with what was seen where a promise is broken."""
    prepare(bench, entry)
    before = uncounted(bench)
    result = measure(bench, entry, pause=PAUSE_SECONDS)
    print(summary(result))
    if os.environ.get("RECOVERY_RESULTS"):
        save(Path(os.environ["RECOVERY_RESULTS"]), result)
    bound = entry.bound(bench.runtime)

    assert not result["broken"], result["note"]
    assert result["well_after_seconds"] is not None, f"not well within {entry.limit:g} s"
    assert failed(result, "GET") <= bound.gets, result["GET"]
    assert failed(result, "POST") <= bound.posts, result["POST"]
    if not entry.counts_anew:
        assert_every_line_is_counted(bench, before)
    assert_alerts_arrive(bench)
