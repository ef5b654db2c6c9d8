"""What the service's guard took back is on the record like a person's rollback, and nothing but a person undoes it."""

from pathlib import Path

import pytest

from mlops_assets.errors import NoVerdict
from mlops_assets.rooms.release.promotion import Released, latest_verdict, release
from mlops_assets.rooms.release.record import releases, standing, withdrawn
from mlops_assets.rooms.release.withdrawal import withdraw
from mlops_assets.stores.serving import GUARD, ServingStore
from mlops_assets_tests.rooms.release.test_person import World
from mlops_assets_tests.rooms.release.test_promotion import MODEL


class Served(World):
    """Two released versions, of which the second is served."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store = ServingStore(folder / "serving")
        self.digests = {number: self.store.put(MODEL, {"version": number}, {}) for number in (1, 2, 3)}
        self.accept(1, None)
        self.serve(1)
        self.accept(2, 1)
        self.serve(2)

    def serve(self, number: int, evidence: str = "a verdict") -> None:
        self.store.release(MODEL, self.digests[number], evidence=evidence)

    def withdraw(self) -> Released | None:
        return withdraw(self.store, self.shelf, self.lineage, MODEL)  # type: ignore[arg-type]  # all that it needs


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_what_the_guard_took_back_is_a_rollback_on_the_record_once_and_the_alias_follows(served: Served) -> None:
    assert served.withdraw() is None
    served.serve(1, f"{GUARD}version 2: 50.0% of 20 requests failed")
    assert served.champion == 2
    done = served.withdraw()
    assert done is not None
    assert (done.version.number, served.champion) == (1, 1)
    stands = standing(served.lineage, MODEL)
    assert stands is not None
    assert (stands.decision, stands.who, stands.replaces) == ("ROLLBACK", "guard", 2)
    assert stands.reason == "version 2: 50.0% of 20 requests failed"
    assert served.withdraw() is None
    assert len(releases(served.lineage, MODEL)) == 3
    served.lineage.verify()


def test_its_verdict_releases_it_no_more_and_a_person_does(served: Served) -> None:
    served.serve(1, f"{GUARD}version 2: it was slow")
    served.withdraw()
    said = latest_verdict(served.lineage, MODEL)
    with pytest.raises(NoVerdict, match="was rolled back by guard"):
        release(served.shelf, served.lineage, MODEL, said, trained_until=None)  # type: ignore[arg-type]
    assert withdrawn(served.lineage, MODEL, 2) is not None
    served.insist(2)
    assert served.champion == 2
    assert withdrawn(served.lineage, MODEL, 2) is None
    assert served.withdraw() is None, "the person has decided after the guard did"


def test_what_was_released_since_stands_whatever_the_guard_said_of_the_version_before(served: Served) -> None:
    served.serve(1, f"{GUARD}version 2: it was slow")
    served.accept(3, 2)
    assert served.withdraw() is None
    assert served.champion == 3
