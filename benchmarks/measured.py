"""Runs the headless demo in a process of its own and notes the peak memory of that process."""

import json
import resource
import sys
from pathlib import Path


def main(home: str, story: str) -> None:
    """Replay the year in `home`, tell it in `story`, and leave the peak in kB beside it."""
    from mlops_assets.cli.demo import demo

    demo.main(["--headless", "--home", home, "--json", story], standalone_mode=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Path(story).with_suffix(".peak").write_text(json.dumps(peak))


if __name__ == "__main__":
    main(*sys.argv[1:])
