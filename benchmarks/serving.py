"""The prediction service beside `mlflow models serve` and a bare hello: one model, one row, one process each.

A HistGradientBoosting model over the real flights of three months; the same row in each body (MLflow wants it in an
envelope of its own). Ours validates, logs, asks for a token and counts. wrk has one core and the servers another, so
that neither starves the other; the rounds of all servers take turns, forth and back, and each figure is the median of a
ratio within a round. Prints `vs_mlflow_1`, `vs_mlflow_16`,
`vs_hello_16`, `log_cost`, `p99_ms_16`, `shadow_p99_cost` and `errors` as its last line. `make bench-serving` makes its
own home; given one as an argument, it takes the champion's features from there.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from mlops_assets.errors import MlopsError

MODEL: Final = "flight_delays"
ROUNDS: Final = 8
SECONDS: Final = 2
ALONE: Final = ("ours", "mlflow")
"""Those that are asked on one connection too."""
_SCRIPT: Final = """
local file = io.open(os.getenv("BENCH_BODY"), "rb"); wrk.body = file:read("*a"); file:close()
wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nFIGURES {"rps": %f, "p50": %f, "p99": %f, "errors": %d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass
class Server:
    """One that is measured.

    Attributes:
        url: of the question.
        body: the file with it.
        rounds: connections to what each round has shown.
    """

    url: str
    body: Path
    rounds: dict[int, list[dict[str, float]]] = field(default_factory=dict)

    def ratio(self, figure: str, connections: int, other: "Server") -> float:
        """To another, in the same round: the median, so that what the machine did beside it weighs on both."""
        pairs = zip(self.rounds[connections], other.rounds[connections], strict=True)
        return statistics.median(own[figure] / others[figure] for own, others in pairs)

    def median(self, figure: str, connections: int) -> float:
        """Of all rounds."""
        return statistics.median(each[figure] for each in self.rounds[connections])


def main() -> None:
    """Measure, and print the figures."""
    if shutil.which("wrk") is None:
        raise MlopsError.of("wrk is not on the PATH", step="apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="mlops-serving-") as made, ExitStack() as stack:
        folder = Path(made)
        home = Path(sys.argv[1]) if len(sys.argv) > 1 else _demo(folder / "home")
        token = _prepare(home, folder)
        script = folder / "post.lua"
        script.write_text(_SCRIPT)
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-1:])  # what is started now stays there
        servers = {name: stack.enter_context(_SERVERS[name](folder)) for name in _SERVERS}
        for server in servers.values():
            _warm(server, token)
        os.sched_setaffinity(0, cores[:1])
        turns = [(each, 16) for each in servers] + [(each, 1) for each in ALONE]
        for number in range(ROUNDS):
            for name, connections in turns if number % 2 else reversed(turns):
                found = _load(servers[name], connections, script, token)
                servers[name].rounds.setdefault(connections, []).append(found)
    for name, server in servers.items():
        for connections, rounds in sorted(server.rounds.items()):
            told = {figure: [round(each[figure], 2) for each in rounds] for figure in ("rps", "p99")}
            sys.stdout.write(f"{name}, {connections} connections, each round: {json.dumps(told)}\n")
    sys.stdout.write(f"{json.dumps(_figures(servers))}\n")


def _figures(servers: dict[str, Server]) -> dict[str, float]:
    ours, mlflow = servers["ours"], servers["mlflow"]
    errors = sum(each["errors"] for server in servers.values() for rounds in server.rounds.values() for each in rounds)
    return {
        "vs_mlflow_1": round(ours.ratio("rps", 1, mlflow), 1),
        "vs_mlflow_16": round(ours.ratio("rps", 16, mlflow), 1),
        "vs_hello_16": round(ours.ratio("rps", 16, servers["hello"]), 3),
        "log_cost": round(1 - ours.ratio("rps", 16, servers["unlogged"]), 3),
        "p99_ms_16": round(ours.median("p99", 16), 2),
        "shadow_p99_cost": round(servers["shadowed"].ratio("p99", 16, ours) - 1, 3),
        "errors": int(errors),
    }


def _demo(home: Path) -> Path:
    code = "from mlops_assets.cli.main import main; main()"
    words = ["demo", "--headless", "--until", "2013-03", "--home", str(home)]
    subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=sys.stderr)
    return home


def _prepare(home: Path, folder: Path) -> str:
    """A home with the boosted trees released, the same with a logistic challenger in the shadow, and MLflow's copy."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mlops_assets.resources.stores import Stores
    from mlops_assets.rooms.train.candidates import hist_gradient_boosting, logistic
    from mlops_assets.rooms.train.fit import manifest_of
    from mlops_assets.rooms.train.inputs import frame, from_manifest

    stores = Stores(home=str(home))
    registry = stores.registry()
    champion = registry.champion(MODEL)
    if champion is None:
        raise MlopsError.of(f"no champion of {MODEL} in {home}")
    known = registry.load(champion)
    features = from_manifest(manifest_of(known.files))
    rows = pq.read_table(pa.BufferReader(known.files["reference.parquet"]))
    data, labels = frame(rows, features), rows["label"].to_numpy()
    trees, simple = (build(features, 0).fit(data, labels) for build in (hist_gradient_boosting, logistic))
    token = ""
    for name, serve in (("ours", {}), ("shadowed", {"shadow": 0.05})):
        token = _home(folder / name, known, (trees, simple), serve, token)
    _mlflow_copy(folder / "mlflow", trees)
    first = {name: (None if value != value else value) for name, value in data.iloc[5_000].items()}  # noqa: PLR0124 - NaN
    (folder / "one.json").write_text(json.dumps({"inputs": first}))
    split = {"columns": list(first), "data": [list(first.values())]}
    (folder / "mlflow.json").write_text(json.dumps({"dataframe_split": split}))
    return token


def _home(home: Path, known: Any, pipelines: tuple[Any, Any], serve: dict[str, Any], token: str) -> str:
    from dataclasses import replace

    from mlops_assets.rooms.release import bundle
    from mlops_assets.rooms.serve import tokens
    from mlops_assets.settings import Settings
    from mlops_assets.stores.serving import ServingStore

    plan, store = _plan(serve), ServingStore(Settings(home).serving)
    digests = []
    for number, pipeline in enumerate(pipelines, start=1):
        version = replace(known.version, number=number)
        made = replace(known, version=version, pipeline=pipeline, model=b"")
        digests.append(bundle.put(store, made, plan, card=""))
    store.release(MODEL, digests[0], evidence="benchmark")
    if serve:
        store.challenge(MODEL, (digests[1],))
    if token:
        shutil.copyfile(home.parent / "ours" / "data" / "serving" / tokens.FILE, store.root / tokens.FILE)
    return token or tokens.issue(store.root, "predict")


def _plan(serve: dict[str, Any]) -> Any:
    from mlops_assets.spec.dataset import Dataset
    from mlops_assets.spec.feature_table import FeatureTable
    from mlops_assets.spec.model import Model
    from mlops_assets.spec.plan import FeaturePlan, ModelPlan

    dataset = Dataset.model_validate({"name": "flights", "source": {"files": "*.parquet"}, "key": ["flight_id"]})
    table = FeatureTable.model_validate({"name": "flight_context", "dataset": "flights", "columns": {"distance": "1"}})
    given = {"name": MODEL, "target": {"column": "late"}, "features": ["flight_context"], "serve": serve}
    plans = {"flight_context": FeaturePlan.of(table, {"flights": dataset})}
    return ModelPlan.of(Model.model_validate(given), plans)


def _mlflow_copy(path: Path, pipeline: Any) -> None:
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true"})
    import mlflow.sklearn

    from mlops_assets.stores import bundle

    types = bundle.named_types(bundle.dumps(pipeline))
    mlflow.sklearn.save_model(
        pipeline, path, serialization_format="skops", skops_trusted_types=types, pip_requirements=["mlflow"]
    )


@contextmanager
def _ours(folder: Path, name: str = "ours") -> Iterator[Server]:
    from mlops_assets.rooms.serve.supervisor import supervised
    from mlops_assets.settings import Settings

    with supervised(Settings(folder / name), port=0, workers=1, log=folder / f"{name}.log") as running:
        yield Server(f"{running.url}/v1/models/{MODEL}:predict", folder / "one.json")


@contextmanager
def _shadowed(folder: Path) -> Iterator[Server]:
    with _ours(folder, "shadowed") as server:
        yield server


@contextmanager
def _bound(folder: Path, *command: str, home: Path | None = None) -> Iterator[Server]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen(2048)
        told = json.dumps({"descriptor": found.fileno(), "home": str(home)}) if home else str(found.fileno())
        process = subprocess.Popen([sys.executable, "-m", *command, told], pass_fds=[found.fileno()])
        try:
            path = f"/v1/models/{MODEL}:predict" if home else "/"
            yield Server(f"http://127.0.0.1:{found.getsockname()[1]}{path}", folder / "one.json")
        finally:
            process.terminate()
            process.wait()


@contextmanager
def _unlogged(folder: Path) -> Iterator[Server]:
    with _bound(folder, "benchmarks.unlogged", home=folder / "ours") as server:
        yield server


@contextmanager
def _hello(folder: Path) -> Iterator[Server]:
    with _bound(folder, "benchmarks.hello") as server:
        yield server


@contextmanager
def _mlflow(folder: Path) -> Iterator[Server]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow")]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    rest = ["-p", str(port), "--env-manager", "local", "--workers", "1"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts a uvicorn from there
    quiet["env"] = {**os.environ, "PATH": path}
    process = subprocess.Popen([*command, *rest], start_new_session=True, **quiet)
    try:
        yield Server(f"http://127.0.0.1:{port}/invocations", folder / "mlflow.json")
    finally:
        os.killpg(process.pid, 15)
        process.wait()


_SERVERS: Final[dict[str, Any]] = {
    "mlflow": _mlflow,
    "hello": _hello,
    "unlogged": _unlogged,
    "ours": _ours,
    "shadowed": _shadowed,
}


def _warm(server: Server, token: str) -> None:
    """Ask until it answers, and then a little more."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    for attempt in range(600):
        try:
            with urlopen(Request(server.url, server.body.read_bytes(), headers), timeout=10) as answer:  # noqa: S310 - loopback
                answer.read()
                return
        except (URLError, ConnectionError, TimeoutError):
            if attempt == 599:  # noqa: PLR2004 - the last of them
                raise
            time.sleep(0.2)


def _load(server: Server, connections: int, script: Path, token: str) -> dict[str, float]:
    environment = {**os.environ, "BENCH_BODY": str(server.body), "BENCH_TOKEN": token}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script), server.url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("FIGURES"))
    found: dict[str, float] = json.loads(line.removeprefix("FIGURES"))
    return found


if __name__ == "__main__":
    main()
