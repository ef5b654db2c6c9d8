"""A sweep as a person reads it: the curve, the knee, and the settings that follow."""

from dataclasses import asdict

from mlops_assets.rooms.serve.stress import Stress, of_workers


def page(model: str, found: Stress) -> str:
    """The curve, the knee and the settings as a page."""
    from base64 import b64encode

    from mlops_assets.rooms.evaluate.tables import table_html
    from mlops_assets.rooms.serve.reports import page as whole

    first = "none" if found.first_error is None else f"at {found.first_error.connections} connections"
    told = [
        ("knee", f"{found.knee.connections} connections, {found.knee.throughput:,.0f} answers a second"),
        ("there", f"p50 {found.knee.p50_ms:.2f} ms, p99 {found.knee.p99_ms:.2f} ms"),
        ("first error", first),
        *((name.replace("_", " "), str(value)) for name, value in found.settings.items()),
    ]
    picture = f"<img alt='the curve' src='data:image/png;base64,{b64encode(curve(found)).decode()}'>"
    rows = [[str(round(value, 2)) for value in asdict(level).values()] for level in found.levels]
    head = [name.replace("_", " ") for name in asdict(found.levels[0])]
    return whole(
        f"{model}: where the prediction service bends", [table_html((), told), picture, table_html(head, rows)]
    )


def curve(found: Stress) -> bytes:
    """Throughput and p99 by connections as a small PNG."""
    from io import BytesIO

    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 2.4), dpi=80, layout="constrained")
    left, right = figure.subplots(1, 2)
    for workers in sorted({level.workers for level in found.levels}):
        own = of_workers(found.levels, workers)
        at, label = [level.connections for level in own], f"{workers} worker{'s' * (workers > 1)}"
        left.plot(at, [level.throughput for level in own], marker=".", label=label)
        right.plot(at, [level.p99_ms for level in own], marker=".", label=label)
    left.axvline(found.knee.connections, linewidth=0.8, linestyle=":")
    left.set_title("answers a second, by connections", fontsize=8)
    right.set_title("p99, ms", fontsize=8)
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=6)
        axes.legend(fontsize=6)
    png = BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
