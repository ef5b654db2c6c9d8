"""Brings back what a model was made of: data, code, environment and model together, in one folder that is a home."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import MlopsError, StoreError
from mlops_assets.rooms.train.declared import Declared
from mlops_assets.stores import bundle, environments, pins, provenance
from mlops_assets.stores.distributions import Lock

if TYPE_CHECKING:
    from mlops_assets.rooms.govern.subject import Subject
    from mlops_assets.stores.environments import Environment, Environments
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Registry

SNAPSHOT_FILE: Final = "snapshot.json"
REMADE: Final = "remade.json"
SECONDS: Final = 3600.0
_CHILD: Final = "from mlops_assets.rooms.govern.remake import main; main(sys.argv[1])"


@dataclass(frozen=True)
class Part:
    """One thing to be brought back.

    Attributes:
        kind: data, code, environment or model.
        name: which one.
        how: where it comes from.
        lacking: why it cannot be had; empty when it can.
    """

    kind: str
    name: str
    how: str
    lacking: str = ""


@dataclass(frozen=True)
class Reroll:
    """The stores that a snapshot is brought back from.

    Attributes:
        subject: what is brought back.
        lake: folder of the tables.
        lineage: holds the patch and the lock.
        registry: holds the model.
        environments: where environments are built.
    """

    subject: "Subject"
    lake: Path
    lineage: "Lineage"
    registry: "Registry"
    environments: "Environments"

    def parts(self) -> list[Part]:
        """All that would be done, and what cannot be had; nothing is made."""
        return [*self._data(), *self._code(), *self._environment(), *self._model()]

    def restore(self, folder: Path, *, partly: bool = False) -> "Environment | None":
        """Bring everything back into a folder; doing it again mends what is there.

        Args:
            folder: becomes a home: `data/lake`, `code`, `model`, and the snapshot.
            partly: go on without what cannot be had.

        Returns:
            The environment; None when it cannot be had.

        Raises:
            StoreError: something cannot be had; all of it is named.
            Damaged: bytes are not what was recorded.
        """
        lacking = [part for part in self.parts() if part.lacking]
        if lacking and not partly:
            raise StoreError.of(
                f"{self.subject.name} cannot be brought back as a whole",
                got="; ".join(f"{part.kind} {part.name}: {part.lacking}" for part in lacking),
                step="mend it, or go on without: --partly",
            )
        without = {(part.kind, part.name) for part in lacking}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SNAPSHOT_FILE).write_text(json.dumps(self._told(), indent=2))
        for table, (number, _) in self.subject.snapshot.inputs.items():
            if ("data", table) not in without:
                pins.pin(self.lake / table, int(number), folder / "data" / "lake" / table)
        if not any(kind == "code" for kind, _ in without):
            self._check_out(folder / "code")
        if not any(kind == "model" for kind, _ in without):
            self._take_out(folder / "model")
        return None if any(kind == "environment" for kind, _ in without) else self.environments.build(self._lock())

    def verify(self, folder: Path, environment: "Environment") -> list[dict[str, Any]]:
        """Read all fingerprints again and train again, in that environment with that code.

        Returns:
            A row each: `part`, `name`, `recorded`, `found`, `same`.

        Raises:
            MlopsError: the code of that time could not be run.
        """
        (folder / REMADE).unlink(missing_ok=True)
        try:
            done = environment.run(code_paths(self.subject, folder), _CHILD, str(folder), timeout=SECONDS)
        except TimeoutExpired as problem:
            raise MlopsError.of("training again took too long", got=f"{SECONDS:g} s") from problem
        if not (folder / REMADE).exists():
            raise MlopsError.of("the code of that time could not be run", got=done.stderr.strip()[-1000:])
        rows: list[dict[str, Any]] = json.loads((folder / REMADE).read_text())
        return rows

    def _told(self) -> dict[str, Any]:
        failure = self.subject.failure
        words = {"stage": failure.stage, "error": failure.error, "message": failure.message} if failure else {}
        return {**asdict(self.subject.snapshot), **words}

    def _lock(self) -> Lock:
        return Lock.of(self.lineage.content(self.subject.snapshot.lock))

    def _data(self) -> Iterator[Part]:
        for table, (number, mark) in self.subject.snapshot.inputs.items():
            lacking = "; ".join(pins.lost(self.lake / table, int(number)))
            yield Part("data", table, f"version {number}, {str(mark)[:12]}", lacking)

    def _code(self) -> Iterator[Part]:
        code = self.subject.snapshot.code
        root = Path(code.get("root", ""))
        lacking = _lost_code(root, code.get("commit", ""))
        diff = f" and the uncommitted patch {code['diff'][:12]}" if code.get("diff") else ""
        yield Part("code", str(root), f"worktree of {code.get('commit', '')[:12]}{diff}", lacking)
        if code.get("omitted"):
            yield Part("code", code["omitted"], "new files too large for a patch", "they were not kept")
        if not (lacking or _holds_platform(root, code["commit"])):
            same = provenance.files_digest(provenance.PACKAGE) == code["package"]
            gone = "" if same else "this platform's code is another, and the repository does not hold it"
            yield Part("code", "mlops_assets", f"the platform that runs now, {code['package'][:12]}", gone)

    def _environment(self) -> Iterator[Part]:
        snapshot = self.subject.snapshot
        if not snapshot.lock:
            yield Part("environment", "lock", "", "the snapshot is from before locks were kept")
            return
        lock = self._lock()
        if self.environments.find(lock):
            yield Part("environment", snapshot.lock[:12], f"stands, {len(lock.distributions)} distributions")
            return
        sources = self.environments.sources(lock)
        counts = {where: sum(source.where == where for source in sources) for where in {s.where for s in sources}}
        how = ", ".join(f"{count} {where}" for where, count in sorted(counts.items()))
        yield Part("environment", snapshot.lock[:12], how, ", ".join(environments.missing(lock, sources)))

    def _model(self) -> Iterator[Part]:
        if self.subject.failure is None:
            snapshot = self.subject.snapshot
            yield Part("model", f"{snapshot.model}@{snapshot.version}", f"bundle {snapshot.digest[:12]}")
        else:
            yield Part("model", "(none)", f"{self.subject.failure.error}: {self.subject.failure.message}"[:200])

    def _check_out(self, folder: Path) -> None:
        code = self.subject.snapshot.code
        root = Path(code["root"])
        if folder.exists():
            provenance.git(root, "worktree", "remove", "--force", str(folder))
        provenance.git(root, "worktree", "prune")
        provenance.git(root, "worktree", "add", "--detach", str(folder), code["commit"])
        if code["diff"]:
            provenance.git(folder, "apply", "--binary", "-", given=self.lineage.content(code["diff"]))
        if not (folder / "mlops_assets" / "__init__.py").exists():
            beside = folder.parent / "platform"
            shutil.rmtree(beside, ignore_errors=True)
            shutil.copytree(
                provenance.PACKAGE, beside / provenance.PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")
            )

    def _take_out(self, folder: Path) -> None:
        """The model's bytes, whose digest the registry checks."""
        if self.subject.failure is not None:
            return
        snapshot = self.subject.snapshot
        loaded = self.registry.load(self.registry.get(snapshot.model, snapshot.version))
        folder.mkdir(exist_ok=True)
        for name, content in {**loaded.files, bundle.MODEL_FILE: bundle.dumps(loaded.pipeline)}.items():
            (folder / name).write_bytes(content)


def code_paths(subject: "Subject", folder: Path) -> list[Path]:
    """What must be on the path for the code of that time to run."""
    declared = Declared.read(subject.snapshot.declared)
    code, beside = folder / "code", folder / "platform"
    own = [(code / declared.folder).parents[declared.package.count(".")]] if declared.package else []
    return [*dict.fromkeys([*own, code, *([beside] if beside.exists() else [])])]


def _lost_code(root: Path, commit: str) -> str:
    if not commit:
        return "it was not in git"
    if provenance.repository(root) is None:
        return "the repository is gone"
    try:
        provenance.git(root, "cat-file", "-e", f"{commit}^{{tree}}")
    except CalledProcessError:
        return f"commit {commit[:12]} is not in the repository: fetch it"
    return ""


def _holds_platform(root: Path, commit: str) -> bool:
    try:
        provenance.git(root, "cat-file", "-e", f"{commit}:mlops_assets/__init__.py")
    except CalledProcessError:
        return False
    return True
