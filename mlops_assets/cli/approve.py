"""`mlops approve`: a person's yes to the release that waits."""

from pathlib import Path

import click


@click.command()
@click.argument("model")
@click.option("--who", required=True, help="The person's name; it is recorded.")
@click.option("--role", required=True, help="The role that entitles the person.")
@click.option("--note", default="", help="What else is to be recorded.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
def approve(model: str, who: str, role: str, note: str, home: Path | None) -> None:
    """Approve the release of MODEL that waits; its sensor carries it out."""
    from mlops_assets import keys
    from mlops_assets.cli import by_hand

    by_hand.run(home, model, keys.approve_job(model), f"{model}_say_yes", {"who": who, "role": role, "note": note})
    click.echo(f"{who} ({role}) approved the release of {model}; the sensor {model}_approved carries it out next")
