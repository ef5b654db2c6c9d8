"""The infrastructure gate: a fresh environment from the model's own lock loads the bundle and answers as it should."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import StoreError
from mlops_assets.rooms.evaluate.gate import Check, Gate
from mlops_assets.rooms.release import bundle as serving
from mlops_assets.stores.distributions import Lock
from mlops_assets.stores.provenance import PACKAGE
from mlops_assets.stores.serving import ServingStore

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.spec.model import Limits
    from mlops_assets.stores.environments import Environment, Environments
    from mlops_assets.stores.registry import Registry

NAME: Final = "infrastructure"
SECONDS: Final = 120.0
"""For one probe; a model that takes longer to load and answer a few rows is refused."""
_PROBE: Final = "from mlops_assets.rooms.govern.probe import main; main(*sys.argv[1:])"


def infrastructure(registry: "Registry", environments: "Environments") -> Check:
    """The gate of one home."""

    def gate(evidence: "Evidence") -> Gate:
        version = registry.get(evidence.plan.name, evidence.challenger.number)
        with tempfile.TemporaryDirectory() as name:
            store = ServingStore(Path(name) / "bundles")
            digest = serving.put(store, registry.load(version), evidence.plan, card="")
            lock = Lock.of(store.load(evidence.plan.name, digest).files[serving.LOCK])
            found = probe(environments.build(lock), store, evidence.plan.name, digest)
        return judged(found, lock, evidence.model.evaluate.limits)

    return gate


def probe(environment: "Environment", store: ServingStore, model: str, digest: str) -> dict[str, Any]:
    """What the bundle shows in that environment, where only the lock's packages and the platform's code can be seen.

    Raises:
        StoreError: it does not load there, or answers otherwise.
        TimeoutExpired: it takes too long.
    """
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / PACKAGE.name).symlink_to(PACKAGE)
        done = environment.run([Path(name)], _PROBE, str(store.root), model, digest, timeout=SECONDS)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        raise StoreError.of("the bundle does not work in a fresh environment", got=last[0][:500])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def judged(found: "dict[str, Any]", lock: Lock, limits: "Limits") -> Gate:
    """The answer: equal it is already, or the probe had failed; is it also fast and small enough?"""
    latency, memory = found["latency_ms"], found["memory_mb"]
    slow = f"a row takes {latency:.2f} ms there, allowed {limits.latency_ms:g}" if latency > limits.latency_ms else ""
    large = f"it takes {memory:.0f} MB there, allowed {limits.memory_mb:g}" if memory > limits.memory_mb else ""
    fine = (
        f"{len(lock.distributions)} locked distributions and {found['engine']} answer {found['golden']} golden rows "
        f"equally: loaded in {found['load_ms']:.0f} ms, {latency:.2f} ms a row, {memory:.0f} MB"
    )
    faults = "; ".join(word for word in (slow, large) if word)
    return Gate(NAME, not faults, faults or fine, latency, limits.latency_ms, measured=True)
