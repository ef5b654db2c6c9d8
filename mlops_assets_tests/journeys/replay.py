"""A few months of the real sample through the real sensors, in a process that may be killed at any moment."""

import sys
from pathlib import Path

MONTHS = ("2013-01", "2013-02", "2013-03", "2013-04")
"""Three months train the first model, and it scores the fourth."""
DONE = "done"


def main(home: str) -> None:
    """Land the months in turn, and settle each before the next; print a line for each run that starts."""
    from mlops_assets.cli.home import only_one, prepare, unlogged

    settings = prepare(Path(home))

    from mlops_assets.cli.loop import Loop
    from mlops_assets.cli.reconcile import reconcile
    from mlops_assets.definitions import definitions
    from mlops_assets_tests.samples import land

    with only_one(settings), unlogged(settings) as instance:
        reconcile(instance)
        loop = Loop(instance, definitions(), started=lambda job, batch: _say(f"{job} {batch}".strip()))
        for month in MONTHS:
            land(settings.landing, [month])
            loop.settle()
    _say(DONE)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
